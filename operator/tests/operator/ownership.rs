//! What somebody else made stays as it is.

use berth_kube_testing::Feature;
use kube_client::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use serde_json::json;

use crate::cluster::{cluster, tenant, until};

#[tokio::test]
async fn a_namespace_of_somebody_else_is_untouched_until_it_is_adopted() {
    let Some(cluster) = cluster().await else { return };
    cluster.namespace("taken-dev").await;
    let before = cluster.namespaces().get("taken-dev").await.unwrap();
    cluster.apply(&tenant("taken", &["dev", "test"])).await;
    cluster.reconcile("taken").await;

    assert_eq!(cluster.namespaces().get("taken-dev").await.unwrap(), before);
    let policies = cluster.objects("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies", "taken-dev");
    assert!(policies.list(&ListParams::default()).await.unwrap().items.is_empty());
    let (status, reason, message) = cluster.condition("taken", "Stalled").await.unwrap();
    assert_eq!((status.as_str(), reason.as_str()), ("True", "NotOwned"));
    assert!(message.contains("kubectl label namespace taken-dev tenancy.berth.dev/adopt=taken"), "{message}");
    // The tenant's other namespace does not wait for it.
    cluster.namespaces().get("taken-test").await.unwrap();

    // Given to another tenant, it is still not this one's.
    for (to, owned) in [("somebody", false), ("taken", true)] {
        let adopt = json!({ "metadata": { "labels": { "tenancy.berth.dev/adopt": to } } });
        cluster.namespaces().patch("taken-dev", &PatchParams::default(), &Patch::Merge(adopt)).await.unwrap();
        cluster.reconcile("taken").await;
        let labels = cluster.namespaces().get("taken-dev").await.unwrap().metadata.labels.unwrap();
        assert_eq!(labels.contains_key("tenancy.berth.dev/tenant"), owned, "{to}");
    }
    assert_eq!(cluster.condition("taken", "Ready").await.unwrap().0, "True");
    assert_eq!(cluster.reconcile("taken").await.changes, 0);
}

#[tokio::test]
async fn fields_of_others_on_an_adopted_namespace_are_a_conflict_and_not_taken() {
    let Some(cluster) = cluster().await else { return };
    cluster.namespace("shared-dev").await;
    let theirs = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "shared-dev", "labels": {
        "tenancy.berth.dev/adopt": "shared", "pod-security.kubernetes.io/enforce": "privileged" } } });
    let as_platform = PatchParams::apply("platform").force();
    cluster.namespaces().patch("shared-dev", &as_platform, &Patch::Apply(theirs)).await.unwrap();
    cluster.apply(&tenant("shared", &["dev"])).await;
    cluster.reconcile("shared").await;
    let (_, reason, message) = cluster.condition("shared", "Stalled").await.unwrap();
    assert_eq!(reason, "FieldConflict");
    assert!(message.contains("platform"), "{message}");
    let labels = cluster.namespaces().get("shared-dev").await.unwrap().metadata.labels.unwrap();
    assert_eq!(labels.get("pod-security.kubernetes.io/enforce").map(String::as_str), Some("privileged"));
}

#[tokio::test]
async fn an_object_of_our_name_that_somebody_else_made_is_left_and_named() {
    let Some(cluster) = cluster().await else { return };
    cluster.apply(&tenant("squatted", &["dev"])).await;
    cluster.reconcile("squatted").await;
    let quotas = cluster.objects("", "v1", "ResourceQuota", "resourcequotas", "squatted-dev");
    quotas.delete("berth", &DeleteParams::default()).await.unwrap();
    let theirs = json!({ "apiVersion": "v1", "kind": "ResourceQuota", "metadata": { "name": "berth" },
        "spec": { "hard": { "pods": "1" } } });
    let theirs = quotas.create(&PostParams::default(), &serde_json::from_value(theirs).unwrap()).await.unwrap();
    cluster.reconcile("squatted").await;
    let now = quotas.get("berth").await.unwrap();
    assert_eq!(now.data.get("spec"), theirs.data.get("spec"));
    let (_, reason, message) = cluster.condition("squatted", "Stalled").await.unwrap();
    assert_eq!(reason, "NotOwned");
    assert!(message.contains("ResourceQuota squatted-dev/berth"), "{message}");
}

#[tokio::test]
async fn a_namespace_that_the_spec_drops_stays_without_access() {
    let Some(cluster) = cluster().await else { return };
    cluster.apply(&tenant("shrunk", &["dev", "old"])).await;
    cluster.reconcile("shrunk").await;
    cluster.apply(&tenant("shrunk", &["dev"])).await;
    cluster.reconcile("shrunk").await;
    let bindings = cluster.objects("rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings", "shrunk-old");
    assert!(bindings.list(&ListParams::default()).await.unwrap().items.is_empty());
    let policies = cluster.objects("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies", "shrunk-old");
    assert!(!policies.list(&ListParams::default()).await.unwrap().items.is_empty());
    let status = cluster.tenants().get("shrunk").await.unwrap().status.unwrap();
    let old = status.namespaces.iter().find(|namespace| namespace.name == "shrunk-old").unwrap();
    assert_eq!(old.phase.as_deref(), Some("Retained"));
    assert_eq!(cluster.condition("shrunk", "Ready").await.unwrap().0, "True");
}

#[tokio::test]
async fn a_namespace_that_cannot_go_stays_visible_with_what_blocks_it() {
    let Some(cluster) = cluster().await else { return };
    if !cluster.server.has_or_says(Feature::Controllers, "what blocks a namespace") {
        return;
    }
    cluster.apply(&tenant("blocked", &["dev"])).await;
    cluster.reconcile("blocked").await;
    let maps = cluster.objects("", "v1", "ConfigMap", "configmaps", "blocked-dev");
    let held = json!({ "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": "held", "finalizers": ["example.com/backup"] } });
    maps.create(&PostParams::default(), &serde_json::from_value(held).unwrap()).await.unwrap();
    cluster.namespaces().delete("blocked-dev", &DeleteParams::default()).await.unwrap();
    let message = until("it says what blocks", || async {
        cluster.reconcile("blocked").await;
        let (_, reason, message) = cluster.condition("blocked", "Reconciling").await?;
        (reason == "Terminating" && message.contains("example.com/backup")).then_some(message)
    })
    .await;
    assert!(message.starts_with("namespace blocked-dev is being deleted: "), "{message}");
    let status = cluster.tenants().get("blocked").await.unwrap().status.unwrap();
    assert_eq!(status.namespaces[0].phase.as_deref(), Some("Terminating"));
    // When nothing holds it any more, it goes and is made again.
    let none = json!({ "metadata": { "finalizers": null } });
    maps.patch("held", &PatchParams::default(), &Patch::Merge(none)).await.unwrap();
    until("it is Ready again", || async {
        cluster.reconcile("blocked").await;
        cluster.condition("blocked", "Ready").await.filter(|(status, ..)| status == "True")
    })
    .await;
}
