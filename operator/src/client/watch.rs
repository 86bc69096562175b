//! What makes the operator look at a tenant: changes of it, of its namespaces and of what is in them.

use std::{fmt::Debug, sync::Arc, time::Duration};

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
use tokio::time::Instant;

use super::{
    api,
    error::{self, message},
    events::Recorder,
    lease::Fence,
    platform::{Platform, changed, look},
    reconcile::{Context, Outcome, reconcile},
    scan::keep_scanning,
};
use crate::{metrics::Metrics, names, object::Kind, settings::Settings, status};

/// Everything is looked at again after this time, whether or not something changed.
const RESYNC: Duration = Duration::from_mins(10);
/// What ends by itself is looked at again after this time: some of it raises no event.
const PENDING: Duration = Duration::from_secs(15);
/// What needs a person is looked at again after this time.
const STALLED: Duration = Duration::from_mins(1);
/// Changes of a tenant's objects within this time are looked at together.
const DEBOUNCE: Duration = Duration::from_millis(250);
/// Name of the work in the log.
const STEP: &str = "reconcile-tenant";
/// Tenants that are worked on at once.
const TENANTS_AT_ONCE: u16 = 16;

type Guarded = DeserializeGuard<Tenant>;

/// What runs on one replica.
#[derive(Clone)]
pub struct Operator {
    /// The cluster.
    pub client: Client,
    /// What is set for it.
    pub settings: Arc<Settings>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Open while this replica may change something.
    pub fence: Fence,
    /// Between two looks at what no watch tells: tenants that are gone, and CRDs that came or went.
    pub look_pause: Duration,
    /// Name of this replica, for Events.
    pub replica: String,
}

/// Keeps all tenants as they should be, for as long as it is polled.
pub async fn run(operator: Operator) {
    let Operator { client, settings, metrics, fence, look_pause, .. } = operator.clone();
    let scans = keep_scanning(client, settings, metrics, fence, look_pause);
    let reconciles = async {
        loop {
            match look(&operator.client).await {
                Ok(platform) => {
                    tracing::info!(?platform, "watching");
                    operator.metrics.crd_lacks(platform.crd_lacks.len());
                    watch(&operator, platform).await;
                }
                Err(error) => tracing::warn!(error = message(&error), "the cluster does not say what it can hold"),
            }
            // Not at once: a server that refuses is not asked without pause.
            tokio::time::interval_at(Instant::now() + PENDING, PENDING).tick().await;
        }
    };
    futures::join!(scans, reconciles);
}

/// Keeps all tenants as they should be, until the cluster is able to hold something else.
async fn watch(operator: &Operator, platform: Platform) {
    let client = &operator.client;
    let (tenants, writer) = reflector::store::<Guarded>();
    // An object that cannot be read is an object all the same: one of them must not hide all others.
    let all: Api<Guarded> = Api::all(client.clone());
    let changes =
        watcher(all, pages()).default_backoff().modify(slimmed).reflect(writer).touched_objects().predicate_filter(
            predicates::generation.combine(predicates::annotations).combine(predicates::finalizers),
            PredicateConfig::default(),
        );
    let ends = tokio::spawn(changed(client.clone(), platform.clone(), operator.look_pause));
    let mut controller = Controller::for_stream(changes, tenants.clone())
        .with_config(controller::Config::default().debounce(DEBOUNCE).concurrency(TENANTS_AT_ONCE))
        .graceful_shutdown_on(async { drop(ends.await) });
    controller = namespaces(controller, client);
    controller = children::<NetworkPolicy>(controller, client);
    controller = children::<ResourceQuota>(controller, client);
    controller = children::<LimitRange>(controller, client);
    controller = children::<ServiceAccount>(controller, client);
    controller = children::<RoleBinding>(controller, client);
    for kind in &platform.optional_kinds {
        controller = optional_children(controller, client, *kind);
    }
    let Operator { client, settings, metrics, fence, replica, .. } = operator.clone();
    let recorder = Recorder::new(client.clone(), replica);
    let context = Context { client, settings, platform, tenants, fence };
    let context = Arc::new(Running { context, metrics, recorder });
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

struct Running {
    context: Context,
    metrics: Arc<Metrics>,
    recorder: Recorder,
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

/// The first list page by page: pages are whole in memory, those of all kinds at once.
fn pages() -> watcher::Config {
    watcher::Config::default().page_size(api::PAGE)
}

fn of_ours() -> watcher::Config {
    pages().labels(&format!("{}={},{}", names::MANAGED_BY, names::MANAGER, names::TENANT))
}

fn tenant_in_label(labels: &std::collections::BTreeMap<String, String>) -> Option<ObjectRef<Guarded>> {
    labels.get(names::TENANT).or_else(|| labels.get(names::ADOPT)).map(|tenant| ObjectRef::new(tenant))
}

/// All namespaces: also those of somebody else, which may be given to a tenant, or go away and make room.
fn namespaces(controller: Controller<Guarded>, client: &Client) -> Controller<Guarded> {
    let all: Api<PartialObjectMeta<Namespace>> = Api::all(client.clone());
    let changes = watcher(all, pages()).default_backoff().touched_objects();
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

/// Reconciles one tenant, and writes one line about it.
async fn one(tenant: Arc<Guarded>, running: Arc<Running>) -> Result<Action, Error> {
    let (name, start) = (tenant.name_any(), Instant::now());
    let done = reconcile(&running.context, &name).await?;
    running.recorder.tell(&tenant, &done).await;
    let Outcome { changes, problems, status_written } = done;
    let first = status::first(&problems);
    let outcome = match first {
        None => "done",
        Some(problem) if problem.reason.needs_a_person() => "fault",
        Some(_) => "again",
    };
    let reason = first.map_or("", |problem| problem.reason.as_str());
    running.metrics.reconciled(outcome, reason, changes, start.elapsed().as_secs_f64());
    running.metrics.tenants(running.context.tenants.len());
    let milliseconds = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    let fault = first.map(|problem| problem.reason.as_str());
    let error = first.map(|problem| problem.message.as_str());
    if outcome == "fault" {
        tracing::error!(step = STEP, tenant = name, outcome, fault, error, changes, status_written, milliseconds);
    } else {
        tracing::info!(step = STEP, tenant = name, outcome, fault, error, changes, status_written, milliseconds);
    }
    Ok(Action::requeue(match outcome {
        "done" => RESYNC,
        "again" => PENDING,
        _ => STALLED,
    }))
}

#[expect(clippy::needless_pass_by_value, reason = "the controller gives it so")]
fn again(tenant: Arc<Guarded>, error: &Error, running: Arc<Running>) -> Action {
    let reason = error::reason(error).as_str();
    running.metrics.reconciled("again", reason, 0, 0.0);
    let tenant = tenant.name_any();
    tracing::warn!(step = STEP, tenant, outcome = "again", fault = reason, error = message(error));
    Action::requeue(PENDING)
}
