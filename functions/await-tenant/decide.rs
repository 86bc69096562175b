//! Whether the tenant is Ready on the cluster with what was committed, or what it waits for. Pure.

mod departed;

use berth_contract::{Readiness, ReadinessRecord};
use berth_crd::{AccountEntry, join};
use berth_step::{Decision, Fault, StepError};
use berth_tenancy::wait;
use serde_json::{Value, json};

use crate::{Change, Input, Output, State, View};

/// Longest text of a cluster in a message.
const CHARS_MAX: usize = 500;

/// The group of this function's access entry, which the operator's chart lets `get` Tenants.
pub(crate) const GROUP: &str = "berth:await-tenant";

/// Says how the tenant is, or why that cannot be said yet.
pub(crate) fn decide(input: &Input, state: &State) -> Result<Decision<Change, Output>, StepError> {
    let known = |state, message: String| {
        let readiness = ReadinessRecord { cluster: input.cluster.name.clone(), state, message };
        Ok(Decision::Done(Output { readiness }))
    };
    let cluster = &input.cluster.eks_name;
    match &state.view {
        View::Unasked => known(Readiness::Unknown, "a plan waits for no cluster".to_owned()),
        View::Private(why) => known(Readiness::Unknown, why.clone()),
        View::WithoutEndpoint(status) => {
            Err(waits(input, format!("the cluster {cluster} is {status}, without an endpoint")))
        }
        View::Answered { status: 200, body } => match &input.entry {
            Some(entry) => {
                is_committed(input, entry, body)?;
                is_ready(input, body).and_then(|message| known(Readiness::Ready, message))
            }
            None => departed::has_left(input, body).and_then(|message| known(Readiness::Gone, message)),
        },
        View::Answered { status: 404, body } if input.entry.is_none() && is_served(input, body) => {
            known(Readiness::Gone, departed::gone(input))
        }
        View::Answered { status: 404, body } => Err(missing(input, body)),
        View::Answered { status, body } => Err(refused(input, *status, body)),
    }
}

/// The fault of everything that ends by itself, or by a person who need not redrive.
fn waits(input: &Input, what: String) -> StepError {
    StepError::new(Fault::NotReady, what).in_region(&input.cluster.region)
}

/// `payments on shared-dev-1`, for messages.
fn tenant(input: &Input) -> String {
    format!("the Tenant {} on {}", input.run.tenant, input.cluster.eks_name)
}

/// Whether the server knows of Tenants and has not this one: of a path that it does not serve, it names no object.
fn is_served(input: &Input, body: &Value) -> bool {
    body.pointer("/details/name").and_then(Value::as_str) == Some(input.run.tenant.as_str())
}

/// The GitOps tool has not brought the file there, or nobody gave the cluster the CRD.
fn missing(input: &Input, body: &Value) -> StepError {
    let (cluster, folder) = (&input.cluster.eks_name, format!("clusters/{}", input.cluster.name));
    if !is_served(input, body) {
        let hint = wait(
            "somebody installs the CRD there",
            "install the CRD there (docs/installing.md, chapter 5), then redrive the execution",
        );
        return waits(input, format!("the cluster {cluster} has no CRD of Tenants")).hint(hint);
    }
    let hint = synced(cluster.as_str());
    waits(input, format!("{} is not there: {folder} of the repository is not synced yet", tenant(input))).hint(hint)
}

/// What is waited for until the GitOps tool has synced the commit.
fn synced(cluster: &str) -> String {
    wait(
        "the cluster's GitOps tool syncs the repository",
        format!("look at the GitOps tool of {cluster}: does it follow this branch, and has it failed? then redrive"),
    )
}

/// What is waited for until the tenant operator has acted.
fn operator_runs() -> String {
    wait(
        "the tenant operator acts on the commit",
        "see whether the tenant operator runs on the cluster, and what it logs; then redrive the execution",
    )
}

/// What other answers mean.
fn refused(input: &Input, status: u16, body: &Value) -> StepError {
    let cluster = &input.cluster.eks_name;
    let said = cut(body.get("message").and_then(Value::as_str).unwrap_or("no message"));
    let entry = format!(
        "make the access entry: aws eks create-access-entry --cluster-name {cluster} --kubernetes-groups {GROUP} \
         --principal-arn with the ARN of the role berth-await-tenant; then redrive the execution"
    );
    let error = match status {
        401 => {
            let what = format!("the cluster {cluster} does not know the role of await-tenant (401)");
            StepError::new(Fault::Denied, what).hint(entry)
        }
        403 => {
            let next = format!(
                "install the operator's chart with `awaitReady: true`, which lets the group {GROUP} get Tenants"
            );
            let what = format!("the role of await-tenant may not get Tenants on {cluster} (403): {said}");
            StepError::new(Fault::Denied, what).hint(format!("{next}; then redrive the execution"))
        }
        429 | 500..=599 => {
            StepError::new(Fault::Throttled, format!("the API server of {cluster} answered {status}: {said}"))
        }
        _ => StepError::new(Fault::Bug, format!("the API server of {cluster} answered {status}: {said}")),
    };
    error.in_region(&input.cluster.region)
}

/// Whether the Tenant holds the account as it was committed: joining it once more would change nothing.
fn is_committed(input: &Input, entry: &AccountEntry, tenant_there: &Value) -> Result<(), StepError> {
    let part = |pointer: &str| tenant_there.pointer(pointer).cloned().unwrap_or_default();
    let document = json!({
        "apiVersion": part("/apiVersion"), "kind": part("/kind"), "metadata": { "name": part("/metadata/name") },
        "spec": part("/spec"),
    });
    let text = document.to_string();
    let why = match join(Some(&text), entry) {
        Ok(joined) if joined == text => return Ok(()),
        Ok(_) => String::new(),
        // What was committed could be joined: this is from before.
        Err(error) => format!(" ({})", cut(&error.to_string())),
    };
    let hint = synced(input.cluster.eks_name.as_str());
    let generation = number(tenant_there, "/metadata/generation").unwrap_or_default();
    let what = format!("{} is still as before the commit{why}: generation {generation}", tenant(input));
    Err(waits(input, what).hint(hint))
}

/// Whether the operator says Ready of this generation. What it says then.
fn is_ready(input: &Input, there: &Value) -> Result<String, StepError> {
    let tenant = tenant(input);
    if there.pointer("/metadata/deletionTimestamp").is_some() {
        let hint = wait("it is gone, and synced anew", "find out who deletes it, and why; then redrive the execution");
        return Err(waits(input, format!("{tenant} is being deleted")).hint(hint));
    }
    let generation = number(there, "/metadata/generation").unwrap_or_default();
    let Some(ready) = condition(there, "Ready") else {
        let what = format!("{tenant} has no condition Ready: its operator has said nothing");
        return Err(waits(input, what).hint(operator_runs()));
    };
    let seen = number(ready, "/observedGeneration").or_else(|| number(there, "/status/observedGeneration"));
    let (status, told) = (text(ready, "status"), told(ready));
    if seen != Some(generation) {
        let seen = seen.map_or_else(|| "none".to_owned(), |seen| seen.to_string());
        let what =
            format!("{tenant} waits for its operator: Ready is about generation {seen}, not {generation} ({told})");
        return Err(waits(input, what).hint(operator_runs()));
    }
    if status == "True" {
        return Ok(told);
    }
    let error = waits(input, format!("{tenant} is not Ready: {told}"));
    let Some(stalled) = condition(there, "Stalled").filter(|stalled| text(stalled, "status") == "True") else {
        return Err(error);
    };
    let reason = text(stalled, "reason");
    Err(error.hint(wait(
        format!("somebody must act on the cluster ({reason})"),
        format!("do on the cluster what the Tenant's condition Stalled says ({reason}), then redrive the execution"),
    )))
}

fn condition<'a>(there: &'a Value, name: &str) -> Option<&'a Value> {
    let conditions = there.pointer("/status/conditions").and_then(Value::as_array)?;
    conditions.iter().find(|condition| text(condition, "type") == name)
}

/// A condition in words: its reason and its message.
fn told(condition: &Value) -> String {
    cut(&format!("{}: {}", text(condition, "reason"), text(condition, "message")))
}

fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object.get(field).and_then(Value::as_str).unwrap_or_default()
}

fn number(object: &Value, pointer: &str) -> Option<i64> {
    object.pointer(pointer).and_then(Value::as_i64)
}

/// What a cluster says, fit for one line.
fn cut(said: &str) -> String {
    said.chars().map(|char| if char.is_control() { ' ' } else { char }).take(CHARS_MAX).collect()
}
