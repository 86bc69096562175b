//! What somebody else made stays as it is.

use kube_client::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use serde_json::json;

use crate::cluster::{cluster, tenant};

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
