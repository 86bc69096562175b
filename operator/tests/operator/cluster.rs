//! API servers for the tests of this binary, with the CRD, the operator's role and those of tenants. One is shared by tests
//! that reconcile tenants of their own; another belongs to one test at a time.

use std::{path::Path, sync::Arc, time::Duration};

use berth_crd::Tenant;
use berth_kube_testing::{Feature, Scope, Server};
use berth_operator::{
    client::{self, Context, Fence, Outcome},
    object::Kind,
    settings::Settings,
};
use k8s_openapi::{
    api::core::v1::Namespace, apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};
use kube_client::{
    Api, Client, Config, ResourceExt,
    api::{DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams},
    config::{KubeConfigOptions, Kubeconfig},
    core::{ApiResource, GroupVersionKind},
};
use kube_runtime::reflector;
use serde_json::{Value, json};
use tokio::sync::{Mutex, MutexGuard, OnceCell};

use crate::roles;

static SHARED: OnceCell<Option<Server>> = OnceCell::const_new();
static SET_UP: OnceCell<()> = OnceCell::const_new();
static OWN: OnceCell<Option<Server>> = OnceCell::const_new();
static TURN: Mutex<()> = Mutex::const_new(());

/// User and groups of the operator's service account.
pub(crate) const OPERATOR: (&str, &[&str]) = (
    "system:serviceaccount:berth-system:berth-operator",
    &["system:serviceaccounts", "system:serviceaccounts:berth-system", "system:authenticated"],
);

/// Kinds of the operator that every cluster has, with group, version and plural.
pub(crate) const KINDS: [(&str, &str, &str, &str); 5] = [
    ("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies"),
    ("", "v1", "ResourceQuota", "resourcequotas"),
    ("", "v1", "LimitRange", "limitranges"),
    ("", "v1", "ServiceAccount", "serviceaccounts"),
    ("rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings"),
];

/// A test's view of a server, as an administrator.
pub(crate) struct Cluster {
    pub(crate) server: &'static Server,
    pub(crate) client: Client,
    pub(crate) http: reqwest::Client,
    crds: Api<CustomResourceDefinition>,
    _turn: Option<MutexGuard<'static, ()>>,
}

/// The shared server, started by the first test that asks. None, said loudly, where this machine has none.
pub(crate) async fn cluster() -> Option<Cluster> {
    let server = SHARED.get_or_init(|| async { Server::start(Scope::Core).await.unwrap() }).await.as_ref()?;
    let cluster = Cluster::of(server, None).await;
    // Once: whoever installs the CRD while others use it disturbs them.
    SET_UP.get_or_init(|| cluster.set_up()).await;
    Some(cluster)
}

/// A server without tenants that no other test uses meanwhile: for operators that see all of it.
pub(crate) async fn own_cluster() -> Option<Cluster> {
    let turn = TURN.lock().await;
    let server = OWN.get_or_init(|| async { Server::start(Scope::Core).await.unwrap() }).await.as_ref()?;
    let cluster = Cluster::of(server, Some(turn)).await;
    cluster.set_up().await;
    cluster.clear().await;
    Some(cluster)
}

async fn client(kubeconfig: &Path) -> Client {
    let kubeconfig = Kubeconfig::read_from(kubeconfig).unwrap();
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
    Client::try_from(config).unwrap()
}

/// A Tenant of one account and these namespaces, all of them for `dev`.
pub(crate) fn tenant(name: &str, namespaces: &[&str]) -> Value {
    let namespaces: Vec<Value> =
        namespaces.iter().map(|suffix| json!({ "name": suffix, "environment": "dev" })).collect();
    let role = "arn:aws:iam::111122223333:role/app";
    let workloads = namespaces
        .first()
        .map(|first| json!([{ "namespace": first["name"], "serviceAccount": "app", "roleArn": role }]));
    let workloads = workloads.unwrap_or(json!([]));
    json!({
        "apiVersion": "tenancy.berth.dev/v1alpha1", "kind": "Tenant", "metadata": { "name": name },
        "spec": {
            "placement": { "cluster": "dev-euw1", "region": "eu-west-1" },
            "accounts": [{ "environment": "dev", "accountId": "111122223333",
                "networks": [{ "region": "eu-west-1", "cidrs": ["10.42.0.0/20"] }], "workloads": workloads }],
            "namespaces": namespaces,
        },
    })
}

impl Cluster {
    async fn of(server: &'static Server, turn: Option<MutexGuard<'static, ()>>) -> Self {
        let crds = Api::all(client(&server.crd_kubeconfig()).await);
        let http = server.client().unwrap();
        Self { server, client: client(&server.kubeconfig()).await, http, crds, _turn: turn }
    }

    async fn set_up(&self) {
        self.install().await;
        roles::install(&self.client).await;
    }

    /// Takes away what tests before left: admission policies, CRDs of others, Tenants, namespaces of the operator.
    async fn clear(&self) {
        if self.server.has(Feature::Admission) {
            self.uninstall_policies().await;
        }
        self.uninstall_neighbours().await;
        for tenant in self.untyped_tenants().list(&ListParams::default()).await.unwrap() {
            self.release(&tenant.name_any()).await;
            let _ = self.tenants().delete(&tenant.name_any(), &DeleteParams::default()).await;
        }
        let ours = ListParams::default().labels("app.kubernetes.io/managed-by=berth-operator");
        for namespace in self.namespaces().list(&ours).await.unwrap() {
            let _ = self.namespaces().delete(&namespace.name_any(), &DeleteParams::default()).await;
        }
        // A test must not meet what is left of another one.
        until("the namespaces of tests before are gone", || async {
            let left = self.namespaces().list(&ours).await.unwrap().items;
            if !self.server.has(Feature::Controllers) {
                for namespace in &left {
                    self.finalize(&namespace.name_any()).await;
                }
            }
            left.is_empty().then_some(())
        })
        .await;
    }

    /// The chart's admission policies, which only some servers know.
    pub(crate) fn policies(&self) -> Api<DynamicObject> {
        self.of_admission("ValidatingAdmissionPolicy", "validatingadmissionpolicies")
    }

    fn of_admission(&self, kind: &str, plural: &str) -> Api<DynamicObject> {
        let kind = GroupVersionKind::gvk("admissionregistration.k8s.io", "v1", kind);
        Api::all_with(self.client.clone(), &ApiResource::from_gvk_with_plural(&kind, plural))
    }

    async fn uninstall_policies(&self) {
        let bindings = self.of_admission("ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings");
        for objects in [bindings, self.policies()] {
            for object in objects.list(&ListParams::default()).await.unwrap() {
                if object.name_any().starts_with("berth-tenant-") {
                    objects.delete(&object.name_any(), &DeleteParams::default()).await.unwrap();
                }
            }
        }
    }

    /// What the namespace controller does at the end, where nothing runs it.
    pub(crate) async fn finalize(&self, name: &str) {
        let url = format!("{}/api/v1/namespaces/{name}/finalize", self.server.url());
        let body = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name }, "spec": {} });
        let asked = self.http.put(url).header("content-type", "application/json").body(body.to_string());
        asked.send().await.unwrap();
    }

    async fn release(&self, tenant: &str) {
        let none = json!({ "metadata": { "finalizers": null } });
        let _ = self.untyped_tenants().patch(tenant, &PatchParams::default(), &Patch::Merge(none)).await;
    }

    /// The CRD, as it is generated.
    pub(crate) async fn install(&self) {
        self.install_crd(&serde_json::to_value(berth_crd::tenant_crd()).unwrap()).await;
    }

    /// A CRD that takes any spec.
    pub(crate) async fn install_open(&self) {
        let mut open = serde_json::to_value(berth_crd::tenant_crd()).unwrap();
        open["spec"]["versions"][0]["schema"]["openAPIV3Schema"] = json!({ "type": "object", "properties": {
            "spec": { "type": "object", "x-kubernetes-preserve-unknown-fields": true },
            "status": { "type": "object", "x-kubernetes-preserve-unknown-fields": true } } });
        self.install_crd(&open).await;
    }

    /// Another CRD.
    pub(crate) async fn install_crd(&self, crd: &Value) {
        until("a CRD that is being deleted is gone", || async {
            let there = self.crds.get_opt(client::CRD).await.unwrap();
            there.is_none_or(|crd| crd.metadata.deletion_timestamp.is_none()).then_some(())
        })
        .await;
        self.server.install(crd).await.unwrap();
    }

    /// Deletes the CRD, with all Tenants.
    pub(crate) async fn uninstall(&self) {
        let core: Api<CustomResourceDefinition> = Api::all(self.client.clone());
        core.delete(client::CRD, &DeleteParams::default()).await.unwrap();
        let names: Vec<String> =
            self.tenants().list(&ListParams::default()).await.unwrap().iter().map(ResourceExt::name_any).collect();
        let _ = self.crds.delete(client::CRD, &DeleteParams::default()).await;
        // As `kubectl` would: without the operator nobody else takes the finalizers away.
        for name in names {
            self.release(&name).await;
        }
    }

    /// Objects of a kind of the operator in a namespace.
    pub(crate) fn kind(&self, kind: Kind, namespace: &str) -> Api<DynamicObject> {
        let (group, version, kind, plural) = kind.resource();
        self.objects(group, version, kind, plural, namespace)
    }

    /// Objects of a kind in a namespace.
    pub(crate) fn objects(
        &self,
        group: &str,
        version: &str,
        kind: &str,
        plural: &str,
        namespace: &str,
    ) -> Api<DynamicObject> {
        let resource = ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), plural);
        Api::namespaced_with(self.client.clone(), namespace, &resource)
    }

    /// Namespaces.
    pub(crate) fn namespaces(&self) -> Api<Namespace> {
        Api::all(self.client.clone())
    }

    /// Tenants.
    pub(crate) fn tenants(&self) -> Api<Tenant> {
        Api::all(self.client.clone())
    }

    /// Tenants, whatever is in them.
    pub(crate) fn untyped_tenants(&self) -> Api<DynamicObject> {
        Api::all_with(self.client.clone(), &ApiResource::erase::<Tenant>(&()))
    }

    /// Makes or changes a Tenant as GitOps tools do.
    pub(crate) async fn apply(&self, tenant: &Value) -> Tenant {
        let name = tenant["metadata"]["name"].as_str().unwrap();
        self.tenants().patch(name, &PatchParams::apply("gitops").force(), &Patch::Apply(tenant)).await.unwrap()
    }

    /// Makes a namespace as somebody else would.
    pub(crate) async fn namespace(&self, name: &str) {
        let namespace = serde_json::from_value(json!({ "metadata": { "name": name } })).unwrap();
        self.namespaces().create(&PostParams::default(), &namespace).await.unwrap();
    }

    /// One reconcile of a tenant.
    pub(crate) async fn reconcile(&self, name: &str) -> Outcome {
        let (tenants, _) = reflector::store();
        let context = Context {
            client: self.client.clone(),
            settings: Arc::new(Settings::default()),
            platform: client::look(&self.client).await.unwrap(),
            tenants,
            fence: Fence::open(),
        };
        client::reconcile(&context, name).await.unwrap()
    }

    /// A condition of a Tenant: status, reason and message.
    pub(crate) async fn condition(&self, tenant: &str, type_: &str) -> Option<(String, String, String)> {
        let status = self.tenants().get_opt(tenant).await.unwrap()?.status?;
        let condition = status.conditions.into_iter().find(|condition| condition.type_ == type_)?;
        Some((format!("{:?}", condition.status), condition.reason, condition.message))
    }
}

/// Every object of the operator in a namespace: kind, name, resource version.
pub(crate) async fn everything(cluster: &Cluster, namespace: &str) -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    for (group, version, kind, plural) in KINDS {
        let objects = cluster.objects(group, version, kind, plural, namespace);
        let ours = ListParams::default().labels("app.kubernetes.io/managed-by=berth-operator");
        for object in objects.list(&ours).await.unwrap() {
            let metadata = object.metadata;
            found.push((kind.to_owned(), metadata.name.unwrap(), metadata.resource_version.unwrap()));
        }
    }
    found
}

/// Waits until something is there: for ten minutes, which only end a test that would fail.
pub(crate) async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut look: impl FnMut() -> F) -> T {
    for _ in 0..6000 {
        if let Some(found) = look().await {
            return found;
        }
        #[expect(clippy::disallowed_methods, reason = "between two looks at another process")]
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("never: {what}");
}
