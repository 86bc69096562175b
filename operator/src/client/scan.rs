//! Looks for namespaces whose tenant is gone, and does what was decided about them.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use jiff::Timestamp;
use kube_client::{
    Client, Error,
    api::{DeleteParams, Patch, PatchParams, Preconditions},
};
use serde_json::{Value, json};
use tokio::time::{MissedTickBehavior, interval};

use super::{api, error, lease::Fence, observe, platform::crd_state};
use crate::{
    decide::{Action, withdrawals},
    metrics::Metrics,
    names,
    object::{Kind, Live},
    observed::ObservedNamespace,
    orphans::{self, Scan, Step},
    settings::Settings,
    status::seconds,
};

/// Looks again and again, every `pause`, for as long as it is polled.
pub(crate) async fn keep_scanning(
    client: Client,
    settings: Arc<Settings>,
    metrics: Arc<Metrics>,
    fence: Fence,
    pause: Duration,
) {
    let mut ticks = interval(pause);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match scan(&client, &settings, &fence).await {
            Ok(scan) => report(&scan, &metrics),
            Err(error) => {
                tracing::warn!(error = error::message(&error), "tenants that are gone are not looked for");
            }
        }
    }
}

/// One look, with what follows from it.
///
/// # Errors
/// When the cluster does not let itself be observed, or refuses a change. What was not done is done by the next look.
pub async fn scan(client: &Client, settings: &Settings, fence: &Fence) -> Result<Scan, Error> {
    let crd = crd_state(client).await?;
    let tenants = match api::list_metadata(&api::tenants(client), None).await {
        Ok(tenants) => tenants.iter().map(|tenant| tenant.name().to_owned()).collect(),
        // Not served: `crd` says why, and the brake holds. An empty list would say that all are gone.
        Err(error) if error::is_not_found(&error) => BTreeSet::new(),
        Err(error) => return Err(error),
    };
    let labels = format!("{}={},{}", names::MANAGED_BY, names::MANAGER, names::TENANT);
    let namespaces = api::list_metadata(&api::namespaces(client), Some(&labels)).await?;
    let scan = orphans::scan(&tenants, &namespaces, crd, settings, Timestamp::now());
    for (name, step) in &scan.steps {
        if let Some(namespace) = namespaces.iter().find(|namespace| namespace.name() == name) {
            fence.check()?;
            take(client, namespace, step).await?;
        }
    }
    Ok(scan)
}

async fn take(client: &Client, namespace: &Live, step: &Step) -> Result<(), Error> {
    match step {
        Step::Mark => annotate(client, namespace, json!(seconds(Timestamp::now()))).await,
        Step::Unmark => annotate(client, namespace, Value::Null).await,
        Step::Withdraw => withdraw(client, namespace).await,
    }
}

async fn annotate(client: &Client, namespace: &Live, since: Value) -> Result<(), Error> {
    // The version that was seen: a namespace that was made anew since then is another one.
    let metadata = json!({
        "resourceVersion": namespace.metadata("resourceVersion"),
        "annotations": { names::ORPHANED_SINCE: since },
    });
    let params = PatchParams { field_manager: Some(names::MANAGER.to_owned()), ..PatchParams::default() };
    let patch = Patch::Merge(json!({ "metadata": metadata }));
    let done = api::namespaces(client).patch(namespace.name(), &params, &patch).await;
    if let Err(error) = &done
        && (error::is_conflict(error) || error::is_not_found(error))
    {
        return Ok(());
    }
    done.map(drop)
}

async fn withdraw(client: &Client, namespace: &Live) -> Result<(), Error> {
    let tenant = namespace.label(names::TENANT).unwrap_or_default();
    let objects = observe::objects(client, namespace.name(), vec![Kind::RoleBinding]).await?;
    let there = ObservedNamespace { namespace: namespace.clone(), objects };
    let withdrawals: Vec<Action> = withdrawals(tenant, &there).collect();
    for action in withdrawals {
        let Action::Delete { kind, namespace, name, uid } = action else { continue };
        tracing::warn!(tenant, namespace, binding = name, "the tenant is gone: its access is taken away");
        let exactly = Preconditions { uid: Some(uid), ..Preconditions::default() };
        let params = DeleteParams::default().preconditions(exactly);
        match api::objects(client, kind, &namespace).delete(&name, &params).await {
            Err(error) if !error::is_not_found(&error) && !error::is_conflict(&error) => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

fn report(scan: &Scan, metrics: &Metrics) {
    metrics.gone(scan.gone.len(), scan.brake.is_some());
    if let Some(brake) = &scan.brake {
        tracing::error!(step = "scan-orphans", outcome = "fault", fault = "BrakeHeld", error = brake.message());
    }
}
