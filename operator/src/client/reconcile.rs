//! One tenant, brought to what it says: observe → desired → decide → act → status.

use std::{collections::BTreeMap, sync::Arc};

use berth_crd::{Tenant, TenantStatus};
use jiff::Timestamp;
use kube_client::{
    Client, Error,
    api::{DeleteParams, Patch, PatchParams, Preconditions},
    core::DeserializeGuard,
};
use kube_runtime::reflector::Store;
use serde_json::{Value, json};

use super::{
    act::act,
    api, error,
    lease::Fence,
    observe::observe,
    platform::{Platform, crd_state},
};
use crate::{
    decide::decide,
    deletion::{Deletion, Deletions, deletion, finalizers},
    desired::{claims, desired},
    names,
    settings::Settings,
    status::{self, Part, Problem, Reason},
};

/// What every reconcile uses.
#[derive(Clone)]
pub struct Context {
    /// The cluster.
    pub client: Client,
    /// What is set for it.
    pub settings: Arc<Settings>,
    /// What it is able to hold.
    pub platform: Platform,
    /// Every Tenant, as last seen: for questions that one alone cannot answer.
    pub tenants: Store<DeserializeGuard<Tenant>>,
    /// Open while this replica may change something.
    pub fence: Fence,
}

/// How a reconcile ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Changes of namespaces and objects that were tried.
    pub changes: usize,
    /// What is not as it should be. Empty: the tenant is Ready.
    pub problems: Vec<Problem>,
    /// Whether the status was written.
    pub status_written: bool,
}

/// Brings the tenant of this name to what it says, and writes its status.
///
/// # Errors
/// When the cluster does not let itself be observed, or takes no status. Everything else is in the outcome.
pub async fn reconcile(context: &Context, name: &str) -> Result<Outcome, Error> {
    let Some(found) = api::get(&api::tenants(&context.client), name).await? else {
        // Gone: its namespaces stay. The scan for orphans does what is left.
        return Ok(Outcome::default());
    };
    let tenant = match serde_json::from_value::<Tenant>(found.body.clone()) {
        Ok(tenant) => tenant,
        Err(problem) => return unreadable(context, name, &found.body, &problem).await,
    };
    reconcile_tenant(context, &tenant).await
}

async fn reconcile_tenant(context: &Context, tenant: &Tenant) -> Result<Outcome, Error> {
    if !context.platform.crd_lacks.is_empty() {
        let lacks = context.platform.crd_lacks.join(", ");
        let message =
            format!("the CRD on this cluster is older than the operator, which does nothing; it lacks: {lacks}");
        return stop(context, tenant, Problem::new(Part::Namespaces, Reason::CrdTooOld, message)).await;
    }
    if let Some(since) = &tenant.metadata.deletion_timestamp {
        return delete(context, tenant, since.0).await;
    }
    if let Some(finalizers) = finalizers(tenant) {
        write_finalizers(context, tenant, &finalizers).await?;
    }
    let name = names::of(tenant);
    let kinds = context.platform.optional_kinds.clone();
    let observed = observe(&context.client, tenant, kinds, hosts_taken(context, tenant)).await?;
    let desired = desired(tenant, &context.settings, &observed);
    let decisions = decide(name, &desired, &observed);
    let mut problems = status::problems(name, &decisions, &observed);
    problems.extend(act(&context.client, &context.fence, &decisions).await);
    let status = status::status(tenant, &decisions, &problems, &observed, Timestamp::now());
    let status_written = write_status(context, name, tenant.status.as_ref(), &status).await?;
    let changes = decisions.iter().map(|decision| decision.actions.len()).sum();
    Ok(Outcome { changes, problems, status_written })
}

/// A Tenant that is being deleted: nothing is done without our finalizer, and with it what was decided.
async fn delete(context: &Context, tenant: &Tenant, since: Timestamp) -> Result<Outcome, Error> {
    let mut finalizers = tenant.metadata.finalizers.clone().unwrap_or_default();
    if !finalizers.iter().any(|finalizer| finalizer == names::FINALIZER) {
        return Ok(Outcome::default());
    }
    let observed = observe(&context.client, tenant, Vec::new(), BTreeMap::new()).await?;
    let crd = crd_state(&context.client).await?;
    let times = (since, Timestamp::now());
    match deletion(tenant, &observed, crd, deletions(context, tenant), &context.settings, times) {
        Deletion::Hold(problem) | Deletion::Wait(problem) => stop(context, tenant, problem).await,
        Deletion::Delete(namespaces, problem) => {
            for (name, uid) in &namespaces {
                context.fence.check()?;
                delete_namespace(context, name, uid).await?;
            }
            let outcome = stop(context, tenant, problem).await?;
            Ok(Outcome { changes: namespaces.len(), ..outcome })
        }
        Deletion::Release => {
            finalizers.retain(|finalizer| finalizer != names::FINALIZER);
            write_finalizers(context, tenant, &finalizers).await?;
            Ok(Outcome { changes: 1, ..Outcome::default() })
        }
    }
}

async fn delete_namespace(context: &Context, name: &str, uid: &str) -> Result<(), Error> {
    let exactly = Preconditions { uid: Some(uid.to_owned()), ..Preconditions::default() };
    match api::namespaces(&context.client).delete(name, &DeleteParams::default().preconditions(exactly)).await {
        Err(error) if !error::is_not_found(&error) => Err(error),
        _ => Ok(()),
    }
}

/// Deletions that wait for the operator, this one among them.
fn deletions(context: &Context, tenant: &Tenant) -> Deletions {
    let all = context.tenants.state();
    let waits = |other: &Tenant| {
        let metadata = &other.metadata;
        let name = names::of(other);
        let confirmed = metadata.annotations.as_ref().and_then(|all| all.get(names::CONFIRM_GONE));
        metadata.deletion_timestamp.is_some()
            && metadata.finalizers.iter().flatten().any(|finalizer| finalizer == names::FINALIZER)
            && confirmed.is_none_or(|value| value != name)
    };
    let others = all.iter().filter_map(|guard| guard.0.as_ref().ok());
    let others = others.filter(|other| names::of(other) != names::of(tenant) && waits(other));
    Deletions { waiting: others.count() + 1, all: all.len().max(1) }
}

async fn write_finalizers(context: &Context, tenant: &Tenant, finalizers: &[String]) -> Result<(), Error> {
    context.fence.check()?;
    // With the version that was seen: a finalizer of somebody else that came since then is not removed.
    let metadata = json!({ "resourceVersion": tenant.metadata.resource_version, "finalizers": finalizers });
    let patch = Patch::Merge(json!({ "metadata": metadata }));
    let params = PatchParams { field_manager: Some(names::MANAGER.to_owned()), ..PatchParams::default() };
    api::tenants(&context.client).patch(names::of(tenant), &params, &patch).await.map(drop)
}

/// Says why nothing more is done with a tenant.
async fn stop(context: &Context, tenant: &Tenant, problem: Problem) -> Result<Outcome, Error> {
    let status = status::stopped(tenant.metadata.generation, tenant.status.clone(), &problem, Timestamp::now());
    let status_written = write_status(context, names::of(tenant), tenant.status.as_ref(), &status).await?;
    Ok(Outcome { problems: vec![problem], status_written, ..Outcome::default() })
}

/// An object that is stored and is no Tenant: it says so itself, and nothing of it is touched.
async fn unreadable(
    context: &Context,
    name: &str,
    body: &Value,
    problem: &serde_json::Error,
) -> Result<Outcome, Error> {
    let message = format!("this Tenant cannot be read, and nothing is done for it: {problem}");
    let problem = Problem::new(Part::Namespaces, Reason::Unreadable, message);
    let before: Option<TenantStatus> =
        body.get("status").cloned().and_then(|status| serde_json::from_value(status).ok());
    let generation = body.pointer("/metadata/generation").and_then(Value::as_i64);
    let status = status::stopped(generation, before.clone(), &problem, Timestamp::now());
    // A server that checks all of the object takes no status for it either: then the log is what says so.
    let status_written = match write_status(context, name, before.as_ref(), &status).await {
        Err(error) if error::reason(&error) == Reason::Refused => false,
        done => done?,
    };
    Ok(Outcome { problems: vec![problem], status_written, ..Outcome::default() })
}

/// Writes a status that differs. A merge of all of its fields: server-side apply checks the whole object, and answers 500
/// for one that is stored and does not fit its schema.
async fn write_status(
    context: &Context,
    name: &str,
    before: Option<&TenantStatus>,
    status: &TenantStatus,
) -> Result<bool, Error> {
    if before == Some(status) {
        return Ok(false);
    }
    context.fence.check()?;
    let TenantStatus { observed_generation, conditions, namespaces, access } = status;
    let patch = json!({ "status": {
        "observedGeneration": observed_generation,
        "conditions": conditions,
        "namespaces": namespaces,
        "access": access,
    } });
    let params = PatchParams { field_manager: Some(names::MANAGER.to_owned()), ..PatchParams::default() };
    match api::tenants(&context.client).patch_status(name, &params, &Patch::Merge(patch)).await {
        Err(error) if error::is_not_found(&error) => Ok(false),
        other => other.map(|_| true),
    }
}

fn hosts_taken(context: &Context, tenant: &Tenant) -> BTreeMap<String, String> {
    if tenant.spec.domains.is_empty() {
        return BTreeMap::new();
    }
    let all = context.tenants.state();
    claims(tenant, all.iter().filter_map(|guard| guard.0.as_ref().ok()))
}
