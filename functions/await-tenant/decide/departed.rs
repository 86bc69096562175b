//! Whether an account that left its tenant's file has left the cluster too. Pure.
//!
//! The Tenant is what is waited for. One with `deletionPolicy: Delete` has the operator's finalizer and ends after its
//! namespaces did; one with `Retain`, the default, ends at once, and its namespaces stay by its tenant's own word.

use berth_step::StepError;
use berth_tenancy::wait;
use serde_json::Value;

use super::{condition, number, operator_runs, tenant, told, waits};
use crate::Input;

/// What is said of a Tenant that is gone.
pub(super) fn gone(input: &Input) -> String {
    let tenant = tenant(input);
    format!(
        "{tenant} is gone: with `deletionPolicy: Delete` its namespaces went before it, with `Retain` they stay, without \
         the tenant's access"
    )
}

/// Whether the Tenant, which other accounts still have, is without this one, and its operator knows. What is said then.
pub(super) fn has_left(input: &Input, there: &Value) -> Result<String, StepError> {
    let (tenant, cluster) = (tenant(input), input.cluster.eks_name.as_str());
    let ready = condition(there, "Ready");
    if there.pointer("/metadata/deletionTimestamp").is_some() {
        let said = ready.map_or_else(|| "its operator has said nothing".to_owned(), told);
        let hint = wait(
            "the operator deletes the tenant's namespaces",
            format!(
                "see what holds it: kubectl describe tenant {name}, and the namespaces that are Terminating; when many \
                 tenants go at once the operator waits for: kubectl annotate tenant {name} \
                 tenancy.berth.dev/confirm-gone={name}; then redrive the execution",
                name = input.run.tenant
            ),
        );
        return Err(waits(input, format!("{tenant} is being deleted: {said}")).hint(hint));
    }
    let accounts = there.pointer("/spec/accounts").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let account = input.run.account_id.as_str();
    if accounts.iter().any(|entry| entry.get("accountId").and_then(Value::as_str) == Some(account)) {
        let folder = format!("clusters/{}", input.cluster.name);
        let what = format!("{tenant} still has the account: {folder} of the repository is not synced yet");
        return Err(waits(input, what).hint(synced_without(cluster)));
    }
    let generation = number(there, "/metadata/generation").unwrap_or_default();
    let seen = ready.and_then(|ready| number(ready, "/observedGeneration"));
    let seen = seen.or_else(|| number(there, "/status/observedGeneration"));
    if seen != Some(generation) {
        let what = format!("{tenant} is without the account, and its operator has not seen that yet");
        return Err(waits(input, what).hint(operator_runs()));
    }
    Ok(format!("{tenant} is without the account: its namespaces stay, without the tenant's access"))
}

/// What is waited for until the GitOps tool has taken away what the repository has no more.
fn synced_without(cluster: &str) -> String {
    wait(
        "the cluster's GitOps tool syncs the repository",
        format!(
            "look at the GitOps tool of {cluster}: does it follow this branch, does it delete what the repository has no \
             more (prune), and has it failed? then redrive the execution"
        ),
    )
}
