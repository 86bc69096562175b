//! The servers start, serve a CRD, and are gone afterwards, folder and processes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use berth_kube_testing::{Feature, Scope, Server};
use serde_json::{Value, json};

/// A CRD with one rule in CEL, which only a new server knows.
fn crd() -> Value {
    let rule = json!([{ "rule": "self.size < 4", "message": "too large" }]);
    let spec =
        json!({ "type": "object", "properties": { "size": { "type": "integer" } }, "x-kubernetes-validations": rule });
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": { "name": "things.tenancy.berth.dev" },
        "spec": {
            "group": "tenancy.berth.dev", "scope": "Cluster", "names": { "plural": "things", "kind": "Thing" },
            "versions": [{
                "name": "v1alpha1", "served": true, "storage": true,
                "schema": { "openAPIV3Schema": { "type": "object", "properties": { "spec": spec } } },
            }],
        },
    })
}

async fn make(server: &Server, name: &str, size: u32) -> u16 {
    let url = format!("{}/apis/tenancy.berth.dev/v1alpha1/things", server.url());
    let thing = json!({
        "apiVersion": "tenancy.berth.dev/v1alpha1", "kind": "Thing", "metadata": { "name": name }, "spec": { "size": size },
    });
    let request = server.client().unwrap().post(url).header("content-type", "application/json").body(thing.to_string());
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn custom_resources_are_served_and_the_server_leaves_nothing_behind() {
    let Some(server) = Server::start(Scope::CustomResources).await.unwrap() else { return };
    server.install(&crd()).await.unwrap();
    server.install(&crd()).await.unwrap();
    assert_eq!(make(&server, "small", 3).await, 201);
    assert_eq!(make(&server, "large", 4).await, 422);
    let folder = server.folder().to_owned();
    assert!(folder.join("ca.crt").exists() && server.kubeconfig().exists());
    let url = server.url().to_owned();
    let client = server.client().unwrap();
    drop(server);
    assert!(!folder.exists(), "{}", folder.display());
    assert!(client.get(url).send().await.is_err(), "it still answers");
}

#[tokio::test]
async fn core_objects_and_custom_resources_coexist_on_two_separate_servers() {
    let (one, two) = tokio::join!(Server::start(Scope::Core), Server::start(Scope::CustomResources));
    let (Some(one), Some(two)) = (one.unwrap(), two.unwrap()) else { return };
    assert!(one.has(Feature::CoreObjects));
    for server in [&one, &two] {
        server.install(&crd()).await.unwrap();
        assert_eq!(make(server, "small", 3).await, 201);
    }
    let namespaces =
        one.client().unwrap().get(format!("{}/api/v1/namespaces/default", one.url())).send().await.unwrap();
    assert_eq!(namespaces.status(), 200);
    // A user without rights is known and refused.
    let nobody = one.identity("ada", "people").unwrap();
    let identity = reqwest::Identity::from_pem(format!("{}{}", nobody.certificate, nobody.key).as_bytes()).unwrap();
    let authority = reqwest::Certificate::from_pem(one.certificate_authority().as_bytes()).unwrap();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([authority]).identity(identity).build().unwrap();
    let refused = client.get(format!("{}/api/v1/namespaces", one.url())).send().await.unwrap();
    assert_eq!(refused.status(), 403);
    assert!(refused.text().await.unwrap().contains("ada"));
}
