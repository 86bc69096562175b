//! Kubernetes Events: what `kubectl describe tenant` shows of the last hour. One for each change of a status, and none for
//! a reconcile that changed nothing.
//!
//! `v1` Events without `eventTime`, in the namespace `default`, as client-go writes those of cluster-scoped objects: every
//! server takes them. kube-runtime's `Recorder` writes `events.k8s.io/v1`, of which servers before 1.21 take none there.

use berth_crd::Tenant;
use jiff::Timestamp;
use k8s_openapi::{
    api::core::v1::{Event, EventSource, ObjectReference},
    apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time},
};
use kube_client::{Api, Client, Resource as _, api::PostParams, core::DeserializeGuard};

use super::{error::message, reconcile::Outcome};
use crate::{names, status};

/// Where Events of objects without a namespace are.
const NAMESPACE: &str = "default";
/// Longest `message` that the API takes.
const MESSAGE_CHARS_MAX: usize = 1000;

/// Writes Events.
pub(crate) struct Recorder {
    events: Api<Event>,
    replica: String,
}

impl Recorder {
    pub(crate) fn new(client: Client, replica: String) -> Self {
        Self { events: Api::namespaced(client, NAMESPACE), replica }
    }

    /// Says what became of a tenant. That it cannot be said stops nothing.
    pub(crate) async fn tell(&self, tenant: &DeserializeGuard<Tenant>, outcome: &Outcome) {
        if !outcome.status_written {
            return;
        }
        let event = self.event(tenant.meta(), outcome, Timestamp::now());
        if let Err(error) = self.events.create(&PostParams::default(), &event).await {
            tracing::warn!(error = message(&error), "an event is not written");
        }
    }

    fn event(&self, tenant: &ObjectMeta, outcome: &Outcome, now: Timestamp) -> Event {
        let problem = status::first(&outcome.problems);
        let is_warning = problem.is_some_and(|problem| problem.reason.needs_a_person());
        let (reason, text) = problem.map_or(("Reconciled", "everything is as the spec says"), |one| {
            (one.reason.as_str(), one.message.as_str())
        });
        let name = tenant.name.as_deref().unwrap_or_default();
        Event {
            metadata: ObjectMeta {
                // As client-go names them: unlike any other of this tenant.
                name: Some(format!("{name}.{:x}", now.as_nanosecond())),
                namespace: Some(NAMESPACE.to_owned()),
                ..ObjectMeta::default()
            },
            involved_object: ObjectReference {
                api_version: Some(berth_crd::API_VERSION.to_owned()),
                kind: Some(berth_crd::KIND.to_owned()),
                name: tenant.name.clone(),
                uid: tenant.uid.clone(),
                ..ObjectReference::default()
            },
            type_: Some(if is_warning { "Warning" } else { "Normal" }.to_owned()),
            reason: Some(reason.to_owned()),
            message: Some(text.chars().take(MESSAGE_CHARS_MAX).collect()),
            action: Some("Reconcile".to_owned()),
            source: Some(EventSource { component: Some(names::MANAGER.to_owned()), ..EventSource::default() }),
            reporting_component: Some(names::MANAGER.to_owned()),
            reporting_instance: Some(self.replica.clone()),
            first_timestamp: Some(Time(now)),
            last_timestamp: Some(Time(now)),
            count: Some(1),
            ..Event::default()
        }
    }
}
