//! Kinds of other operators: used where they are, looked for again and again, and not missed where they are not.

use berth_operator::object::Kind;
use kube_client::api::{DeleteParams, ListParams};
use serde_json::{Value, json};

use crate::{
    cluster::{Cluster, OPERATOR, own_cluster, tenant, until},
    neighbours::KINDS,
    proxy::Proxy,
    replica::Replica,
    running::settings,
};

fn served(name: &str) -> Value {
    let mut served = tenant(name, &["dev"]);
    served["spec"]["domains"] = json!([{ "host": "*.pay.example.com", "namespace": "dev", "issuer": "letsencrypt" }]);
    served["spec"]["network"] = json!({ "allowIngressFrom": ["ingress"] });
    served
}

async fn until_condition(cluster: &Cluster, type_: &str, expected: (&str, &str)) {
    until(&format!("{type_} is {expected:?}"), || async {
        let (status, reason, _) = cluster.condition("served", type_).await?;
        ((status.as_str(), reason.as_str()) == expected).then_some(())
    })
    .await;
}

#[tokio::test]
async fn certificates_and_cilium_policies_come_with_their_crds_and_go_with_them() {
    let Some(cluster) = own_cluster().await else { return };
    let (_proxy, address) = Proxy::start(cluster.server, Some(OPERATOR), "").await;
    let replica = Replica::start("a", address, &settings());
    cluster.apply(&served("served")).await;
    until_condition(&cluster, "CertificatesReady", ("Unknown", "NoCertManager")).await;
    // What nobody can make holds nothing up.
    until_condition(&cluster, "Ready", ("True", "Reconciled")).await;

    cluster.install_neighbours().await;
    until_condition(&cluster, "Ready", ("False", "Issuing")).await;
    let certificates = cluster.kind(Kind::Certificate, "served-dev");
    let certificate = certificates.get("wildcard.pay.example.com").await.unwrap();
    let (dns, issuer) = (&certificate.data["spec"]["dnsNames"], &certificate.data["spec"]["issuerRef"]);
    assert_eq!((dns, &issuer["name"]), (&json!(["*.pay.example.com"]), &json!("letsencrypt")));
    let policies = cluster.kind(Kind::CiliumNetworkPolicy, "served-dev");
    let policy = policies.get("berth").await.unwrap().data;
    let callers = policy.pointer("/spec/ingress/0/fromEndpoints").unwrap().as_array().unwrap();
    assert_eq!(callers.len(), 2, "its own namespaces, and `ingress`: {policy}");
    cluster.issue("served-dev", "wildcard.pay.example.com").await;
    until_condition(&cluster, "Ready", ("True", "Reconciled")).await;

    // Nothing that was sent was pruned: else it would be applied again and again.
    assert_eq!(cluster.reconcile("served").await.changes, 0);
    for kind in KINDS {
        let objects = cluster.kind(kind, "served-dev");
        let name = objects.list(&ListParams::default()).await.unwrap().items[0].metadata.name.clone().unwrap();
        objects.delete(&name, &DeleteParams::default()).await.unwrap();
        until(&format!("{kind:?} {name} is back"), || async { objects.get_opt(&name).await.unwrap() }).await;
    }

    cluster.issue("served-dev", "wildcard.pay.example.com").await;
    cluster.uninstall_neighbours().await;
    until_condition(&cluster, "CertificatesReady", ("Unknown", "NoCertManager")).await;
    until_condition(&cluster, "Ready", ("True", "Reconciled")).await;
    let mut more = served("served");
    more["spec"]["namespaces"].as_array_mut().unwrap().push(json!({ "name": "more", "environment": "dev" }));
    cluster.apply(&more).await;
    until("it goes on without them", || async { cluster.namespaces().get_opt("served-more").await.unwrap() }).await;
    assert!(!replica.has_ended());
}
