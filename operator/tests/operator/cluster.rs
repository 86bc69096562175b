//! One API server for all tests of this binary, with the CRD. Tests share it, each with tenants of its own.

use std::sync::Arc;

use berth_crd::Tenant;
use berth_kube_testing::{Scope, Server};
use berth_operator::{
    client::{self, Context, Fence, Outcome},
    settings::Settings,
};
use k8s_openapi::api::core::v1::Namespace;
use kube_client::{
    Api, Client, Config,
    api::{DynamicObject, Patch, PatchParams, PostParams},
    config::{KubeConfigOptions, Kubeconfig},
    core::{ApiResource, GroupVersionKind},
};
use kube_runtime::reflector;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

static SERVER: OnceCell<Option<Server>> = OnceCell::const_new();

/// A test's view of the server, as an administrator.
pub(crate) struct Cluster {
    pub(crate) client: Client,
}

/// The server, started by the first test that asks. None, said loudly, where this machine has none.
pub(crate) async fn cluster() -> Option<Cluster> {
    let server = SERVER.get_or_init(start).await.as_ref()?;
    Some(Cluster { client: administrator(server).await })
}

async fn start() -> Option<Server> {
    let server = Server::start(Scope::Core).await.unwrap()?;
    server.install(&serde_json::to_value(berth_crd::tenant_crd()).unwrap()).await.unwrap();
    Some(server)
}

async fn administrator(server: &Server) -> Client {
    let kubeconfig = Kubeconfig::read_from(server.kubeconfig()).unwrap();
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
    Client::try_from(config).unwrap()
}

/// A Tenant of one account and these namespaces, all of them for `dev`.
pub(crate) fn tenant(name: &str, namespaces: &[&str]) -> Value {
    let namespaces: Vec<Value> =
        namespaces.iter().map(|suffix| json!({ "name": suffix, "environment": "dev" })).collect();
    json!({
        "apiVersion": "tenancy.berth.dev/v1alpha1", "kind": "Tenant", "metadata": { "name": name },
        "spec": {
            "placement": { "cluster": "dev-euw1", "region": "eu-west-1" },
            "accounts": [{ "environment": "dev", "accountId": "111122223333",
                "networks": [{ "region": "eu-west-1", "cidrs": ["10.42.0.0/20"] }] }],
            "namespaces": namespaces,
        },
    })
}

impl Cluster {
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
        let status = self.tenants().get(tenant).await.unwrap().status?;
        let condition = status.conditions.into_iter().find(|condition| condition.type_ == type_)?;
        Some((format!("{:?}", condition.status), condition.reason, condition.message))
    }
}
