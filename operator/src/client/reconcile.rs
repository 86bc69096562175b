//! One tenant, brought to what it says: observe → desired → decide → act → status.

use std::{collections::BTreeMap, sync::Arc};

use berth_crd::{Tenant, TenantStatus};
use jiff::Timestamp;
use kube_client::{
    Client, Error,
    api::{Patch, PatchParams},
    core::DeserializeGuard,
};
use kube_runtime::reflector::Store;
use serde_json::{Value, json};

use super::{act::act, api, error, observe::observe};
use crate::{
    decide::decide,
    desired::{claims, desired},
    names,
    object::Kind,
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
    /// Kinds of other operators that it knows.
    pub optional_kinds: Vec<Kind>,
    /// Every Tenant, as last seen: for questions that one alone cannot answer.
    pub tenants: Store<DeserializeGuard<Tenant>>,
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
    let name = names::of(tenant);
    let hosts_taken = hosts_taken(context, tenant);
    let observed = observe(&context.client, tenant, context.optional_kinds.clone(), hosts_taken).await?;
    let desired = desired(tenant, &context.settings, &observed);
    let decisions = decide(name, &desired, &observed);
    let mut problems = status::problems(name, &decisions, &observed);
    problems.extend(act(&context.client, &decisions).await);
    let status = status::status(tenant, &decisions, &problems, &observed, Timestamp::now());
    let status_written = write_status(context, name, tenant.status.as_ref(), &status).await?;
    let changes = decisions.iter().map(|decision| decision.actions.len()).sum();
    Ok(Outcome { changes, problems, status_written })
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
    let status_written = write_status(context, name, before.as_ref(), &status).await?;
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
