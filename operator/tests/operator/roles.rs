//! The rights of the operator, of tenants and of Berth's function, made of the files that the chart makes them of.

use std::path::Path;

use kube_client::{
    Api, Client,
    api::{DynamicObject, Patch, PatchParams},
    core::{ApiResource, GroupVersionKind},
};
use serde_json::{Value, json};

const GROUP: &str = "rbac.authorization.k8s.io";

/// Files of the chart with rules of the operator, and the name of the object that has them: a `Role` in `default` unless
/// they hold in the whole cluster.
pub(crate) const OPERATOR_RULES: [(&str, &str, bool); 3] = [
    ("operator-rules.yaml", "berth-operator", true),
    ("lease-rules.yaml", "berth-operator", false),
    ("event-rules.yaml", "berth-operator-events", false),
];

/// The rules of a file of the chart.
pub(crate) fn rules(file: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("chart/files").join(file);
    serde_saphyr::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Makes all of them.
pub(crate) async fn install(client: &Client) {
    for (file, name, everywhere) in OPERATOR_RULES {
        let prefix = if everywhere { "Cluster" } else { "" };
        let mut metadata = json!({ "name": name });
        if !everywhere {
            metadata["namespace"] = "default".into();
        }
        let role = format!("{prefix}Role");
        apply(client, &json!({ "kind": role, "metadata": metadata, "rules": rules(file) })).await;
        let binding = json!({ "kind": format!("{role}Binding"), "metadata": metadata,
            "roleRef": { "apiGroup": GROUP, "kind": role, "name": name },
            "subjects": [{ "kind": "ServiceAccount", "namespace": "berth-system", "name": "berth-operator" }] });
        apply(client, &binding).await;
    }
    let tenants = rules("tenant-roles.yaml");
    let mut all = Vec::new();
    for access in ["view", "edit", "admin"] {
        all.extend(tenants[access].as_array().unwrap().iter().cloned());
        let name = format!("berth:tenant-{access}");
        apply(client, &json!({ "kind": "ClusterRole", "metadata": { "name": name }, "rules": all })).await;
    }
    install_await(client).await;
}

/// Lets Berth's function ask whether a tenant is Ready, as the chart does with `awaitReady`.
async fn install_await(client: &Client) {
    let name = "berth:await-tenant";
    let role = json!({ "kind": "ClusterRole", "metadata": { "name": name }, "rules": rules("await-rules.yaml") });
    apply(client, &role).await;
    let binding = json!({ "kind": "ClusterRoleBinding", "metadata": { "name": name },
        "roleRef": { "apiGroup": GROUP, "kind": "ClusterRole", "name": name },
        "subjects": [{ "apiGroup": GROUP, "kind": "Group", "name": name }] });
    apply(client, &binding).await;
}

/// Makes or changes an object of RBAC.
pub(crate) async fn apply(client: &Client, object: &Value) {
    let mut object = object.clone();
    object["apiVersion"] = format!("{GROUP}/v1").into();
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(GROUP, "v1", object["kind"].as_str().unwrap()));
    let api: Api<DynamicObject> = match object.pointer("/metadata/namespace").and_then(Value::as_str) {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    };
    let name = object["metadata"]["name"].as_str().unwrap().to_owned();
    api.patch(&name, &PatchParams::apply("test").force(), &Patch::Apply(object)).await.unwrap();
}
