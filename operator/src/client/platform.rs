//! What the cluster is able to hold: the kinds of other operators, and our own CRD. Looked at again and again.

use std::time::Duration;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube_client::{Api, Client, Error};
use serde_json::Value;
use tokio::time::{MissedTickBehavior, interval};

use super::error::{is_not_found, message};
use crate::{crd, object::Kind, orphans::CrdState};

/// Name of the CRD of Tenants.
pub const CRD: &str = "tenants.tenancy.berth.dev";

/// What the cluster is able to hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Platform {
    /// Kinds of other operators that it knows.
    pub optional_kinds: Vec<Kind>,
    /// Fields that the operator needs and the CRD lacks. Without a CRD: none.
    pub crd_lacks: Vec<String>,
}

/// Looks at the cluster.
///
/// # Errors
/// When the cluster does not say.
pub async fn look(client: &Client) -> Result<Platform, Error> {
    let mut optional_kinds = Vec::new();
    for kind in Kind::ALL.into_iter().filter(|kind| !kind.is_built_in()) {
        let (group, version, name, _) = kind.resource();
        match client.list_api_group_resources(&format!("{group}/{version}")).await {
            Ok(list) if list.resources.iter().any(|resource| resource.kind == name) => optional_kinds.push(kind),
            Ok(_) => {}
            Err(error) if is_not_found(&error) => {}
            Err(error) => return Err(error),
        }
    }
    let ours = serde_json::to_value(berth_crd::tenant_crd()).map_err(Error::SerdeError)?;
    let crd_lacks = match crd(client).await? {
        Some(theirs) => {
            let theirs: Value = serde_json::to_value(theirs).map_err(Error::SerdeError)?;
            crd::missing(&ours, &theirs)
        }
        None => Vec::new(),
    };
    Ok(Platform { optional_kinds, crd_lacks })
}

/// Returns when the cluster is able to hold something else than `now`; looks every `pause`.
pub(crate) async fn changed(client: Client, now: Platform, pause: Duration) {
    let mut ticks = interval(pause);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    loop {
        ticks.tick().await;
        match look(&client).await {
            Ok(platform) if platform != now => return,
            Ok(_) => {}
            Err(error) => tracing::warn!(error = message(&error), "the cluster does not say what it can hold"),
        }
    }
}

/// Whether the absence of a Tenant means anything.
pub(crate) async fn crd_state(client: &Client) -> Result<CrdState, Error> {
    let Some(crd) = crd(client).await? else { return Ok(CrdState::Missing) };
    match (crd.metadata.deletion_timestamp, crd.metadata.creation_timestamp) {
        (None, Some(since)) => Ok(CrdState::Present(since.0)),
        _ => Ok(CrdState::Terminating),
    }
}

async fn crd(client: &Client) -> Result<Option<CustomResourceDefinition>, Error> {
    match Api::all(client.clone()).get(CRD).await {
        Ok(crd) => Ok(Some(crd)),
        Err(error) if is_not_found(&error) => Ok(None),
        Err(error) => Err(error),
    }
}
