//! What makes the operator look at a tenant: changes of it, of its namespaces and of what is in them.

use std::{fmt::Debug, future::Future, sync::Arc, time::Duration};

use berth_crd::Tenant;
use futures::StreamExt as _;
use k8s_openapi::api::{
    core::v1::{LimitRange, Namespace, ResourceQuota, ServiceAccount},
    networking::v1::NetworkPolicy,
    rbac::v1::RoleBinding,
};
use kube_client::{
    Api, Client, Error, Resource, ResourceExt as _,
    core::{ApiResource, DeserializeGuard, DynamicObject, PartialObjectMeta},
};
use kube_runtime::{
    Controller, WatchStreamExt as _,
    controller::{self, Action},
    predicates,
    reflector::{self, ObjectRef},
    utils::{Predicate as _, PredicateConfig},
    watcher,
};
use serde::de::DeserializeOwned;

use super::{
    api,
    error::is_not_found,
    reconcile::{Context, reconcile},
};
use crate::{names, object::Kind, settings::Settings};

/// Everything is looked at again after this time, whether or not something changed.
const RESYNC: Duration = Duration::from_mins(10);
/// What ends by itself is looked at again after this time: some of it raises no event.
const PENDING: Duration = Duration::from_secs(15);
/// What needs a person is looked at again after this time.
const STALLED: Duration = Duration::from_mins(1);
/// Changes of a tenant's objects within this time are looked at together.
const DEBOUNCE: Duration = Duration::from_millis(250);
/// Tenants that are worked on at once.
const TENANTS_AT_ONCE: u16 = 16;

type Guarded = DeserializeGuard<Tenant>;

/// Kinds of other operators that the cluster knows now.
///
/// # Errors
/// When the cluster does not say.
pub async fn discover(client: &Client) -> Result<Vec<Kind>, Error> {
    let mut known = Vec::new();
    for kind in Kind::ALL.into_iter().filter(|kind| !kind.is_built_in()) {
        let (group, version, name, _) = kind.resource();
        match client.list_api_group_resources(&format!("{group}/{version}")).await {
            Ok(resources) if resources.resources.iter().any(|resource| resource.kind == name) => known.push(kind),
            Ok(_) => {}
            Err(error) if is_not_found(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(known)
}

/// Keeps all tenants as they should be, until `stop`.
pub async fn run(
    client: Client,
    settings: Arc<Settings>,
    optional_kinds: Vec<Kind>,
    stop: impl Future<Output = ()> + Send + Sync + 'static,
) {
    let (tenants, writer) = reflector::store::<Guarded>();
    // An object that cannot be read is an object all the same: one of them must not hide all others.
    let all: Api<Guarded> = Api::all(client.clone());
    let changes = watcher(all, watcher::Config::default())
        .default_backoff()
        .modify(slimmed)
        .reflect(writer)
        .touched_objects()
        .predicate_filter(
            predicates::generation.combine(predicates::annotations).combine(predicates::finalizers),
            PredicateConfig::default(),
        );
    let mut controller = Controller::for_stream(changes, tenants.clone())
        .with_config(controller::Config::default().debounce(DEBOUNCE).concurrency(TENANTS_AT_ONCE))
        .graceful_shutdown_on(stop);
    controller = namespaces(controller, &client);
    controller = children::<NetworkPolicy>(controller, &client);
    controller = children::<ResourceQuota>(controller, &client);
    controller = children::<LimitRange>(controller, &client);
    controller = children::<ServiceAccount>(controller, &client);
    controller = children::<RoleBinding>(controller, &client);
    for kind in &optional_kinds {
        controller = optional_children(controller, &client, *kind);
    }
    let context = Arc::new(Context { client, settings, optional_kinds, tenants });
    let ends = controller.run(one, again, context);
    ends.for_each(|end| async {
        match end {
            // A namespace that looks like a tenant's and is none, or what a tenant left behind.
            Ok(_) | Err(controller::Error::ObjectNotFound(_) | controller::Error::ReconcilerFailed(..)) => {}
            Err(error) => tracing::warn!(%error, "watching"),
        }
    })
    .await;
}

/// What the store keeps of a Tenant: everything but what only its own reconcile reads.
fn slimmed(tenant: &mut Guarded) {
    use kube_client::ResourceExt as _;
    tenant.managed_fields_mut().clear();
    if let Ok(tenant) = &mut tenant.0 {
        tenant.status = None;
        tenant.spec.accounts.clear();
        tenant.spec.network = berth_crd::Network::default();
    }
}

fn of_ours() -> watcher::Config {
    watcher::Config::default().labels(&format!("{}={},{}", names::MANAGED_BY, names::MANAGER, names::TENANT))
}

fn tenant_in_label(labels: &std::collections::BTreeMap<String, String>) -> Option<ObjectRef<Guarded>> {
    labels.get(names::TENANT).or_else(|| labels.get(names::ADOPT)).map(|tenant| ObjectRef::new(tenant))
}

/// All namespaces: also those of somebody else, which may be given to a tenant, or go away and make room.
fn namespaces(controller: Controller<Guarded>, client: &Client) -> Controller<Guarded> {
    let all: Api<PartialObjectMeta<Namespace>> = Api::all(client.clone());
    let changes = watcher(all, watcher::Config::default()).default_backoff().touched_objects();
    controller.watches_stream(changes, |namespace: PartialObjectMeta<Namespace>| {
        let by_name = || names::tenant_of_namespace(namespace.meta().name.as_deref()?).map(ObjectRef::new);
        tenant_in_label(namespace.labels()).or_else(by_name)
    })
}

fn children<K>(controller: Controller<Guarded>, client: &Client) -> Controller<Guarded>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + Sync + 'static,
    K: Resource<Scope = kube_client::core::NamespaceResourceScope>,
{
    let all: Api<PartialObjectMeta<K>> = Api::all(client.clone());
    let changes = watcher(all, of_ours()).default_backoff().touched_objects();
    controller.watches_stream(changes, |child: PartialObjectMeta<K>| tenant_in_label(child.labels()))
}

fn optional_children(controller: Controller<Guarded>, client: &Client, kind: Kind) -> Controller<Guarded> {
    let resource: ApiResource = api::resource(kind);
    let all: Api<DynamicObject> = Api::all_with(client.clone(), &resource);
    let changes = watcher(all, of_ours()).default_backoff().touched_objects();
    controller.watches_stream_with(changes, |child: DynamicObject| tenant_in_label(child.labels()), resource)
}

async fn one(tenant: Arc<Guarded>, context: Arc<Context>) -> Result<Action, Error> {
    let name = tenant.name_any();
    let outcome = reconcile(&context, &name).await?;
    tracing::info!(tenant = name, changes = outcome.changes, problems = outcome.problems.len(), "reconciled");
    let pause = if outcome.problems.is_empty() {
        RESYNC
    } else if outcome.problems.iter().any(|problem| !problem.reason.needs_a_person()) {
        PENDING
    } else {
        STALLED
    };
    Ok(Action::requeue(pause))
}

#[expect(clippy::needless_pass_by_value, reason = "the controller gives it so")]
fn again(tenant: Arc<Guarded>, error: &Error, _: Arc<Context>) -> Action {
    tracing::warn!(tenant = tenant.name_any(), error = super::error::message(error), "not reconciled");
    Action::requeue(PENDING)
}
