//! A tenant gets what it says, keeps it, and nothing is written twice.

use berth_kube_testing::Feature;
use kube_client::api::{DeleteParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use crate::cluster::{KINDS, cluster, everything, tenant, until};

#[tokio::test]
async fn a_tenant_gets_all_it_says_and_the_second_reconcile_writes_nothing() {
    let Some(cluster) = cluster().await else { return };
    let mut payments = tenant("payments", &["dev"]);
    payments["spec"]["namespaces"][0]["labels"] = json!({ "team": "payments" });
    payments["spec"]["namespaces"][0]["quota"] = json!({ "requests.memory": "8589934592", "requests.cpu": "1000m" });
    payments["spec"]["owners"] = json!([{ "kind": "Group", "name": "payments-leads" }]);
    payments["spec"]["network"] = json!({ "allowIngressFrom": ["monitoring"] });
    cluster.apply(&payments).await;

    let first = cluster.reconcile("payments").await;
    assert_eq!(first.problems, []);
    assert!(first.status_written);

    if cluster.server.has(Feature::Controllers) {
        // It writes what it has counted into the quota, once.
        let quota = cluster.objects("", "v1", "ResourceQuota", "resourcequotas", "payments-dev");
        until("the quota is counted", || async {
            quota.get("berth").await.unwrap().data["status"].get("used").cloned()
        })
        .await;
    }
    let namespace = cluster.namespaces().get("payments-dev").await.unwrap();
    let labels = namespace.metadata.labels.clone().unwrap();
    for (key, value) in [
        ("tenancy.berth.dev/tenant", "payments"),
        ("tenancy.berth.dev/environment", "dev"),
        ("pod-security.kubernetes.io/enforce", "restricted"),
        ("pod-security.kubernetes.io/enforce-version", "latest"),
        ("team", "payments"),
    ] {
        assert_eq!(labels.get(key).map(String::as_str), Some(value), "{labels:?}");
    }
    let objects = everything(&cluster, "payments-dev").await;
    let names: Vec<String> = objects.iter().map(|(kind, name, _)| format!("{kind} {name}")).collect();
    assert_eq!(
        names,
        [
            "NetworkPolicy berth-allow-dns",
            "NetworkPolicy berth-allow-egress-blocks",
            "NetworkPolicy berth-allow-ingress-from",
            "NetworkPolicy berth-allow-same-tenant",
            "NetworkPolicy berth-default-deny",
            "ResourceQuota berth",
            "LimitRange berth",
            "ServiceAccount app",
            "RoleBinding berth-admin",
            "RoleBinding berth-edit",
            "RoleBinding berth-view",
        ]
    );
    assert_eq!(cluster.condition("payments", "Ready").await.unwrap().0, "True");
    assert_eq!(cluster.condition("payments", "Stalled").await, None);
    assert_eq!(cluster.condition("payments", "Reconciling").await, None);

    let before = cluster.tenants().get("payments").await.unwrap();
    let second = cluster.reconcile("payments").await;
    assert_eq!((second.changes, second.status_written), (0, false));
    assert_eq!(everything(&cluster, "payments-dev").await, objects);
    assert_eq!(cluster.tenants().get("payments").await.unwrap(), before);
    let after = cluster.namespaces().get("payments-dev").await.unwrap();
    assert_eq!(after.metadata.resource_version, namespace.metadata.resource_version);
}

#[tokio::test]
async fn what_is_deleted_or_changed_is_back_whatever_kind_it_is() {
    let Some(cluster) = cluster().await else { return };
    cluster.apply(&tenant("repaired", &["dev"])).await;
    cluster.reconcile("repaired").await;
    let whole = everything(&cluster, "repaired-dev").await;
    for (group, version, kind, plural) in KINDS {
        let objects = cluster.objects(group, version, kind, plural, "repaired-dev");
        let (_, name, _) = whole.iter().find(|(of, ..)| of == kind).unwrap();
        objects.delete(name, &DeleteParams::default()).await.unwrap();
        assert_eq!(cluster.reconcile("repaired").await.changes, 1, "{kind}");
        objects.get(name).await.unwrap();
    }
    // A door that somebody opened: more than the operator set, which apply would leave open.
    let quota = cluster.objects("", "v1", "ResourceQuota", "resourcequotas", "repaired-dev");
    let more = json!({ "spec": { "hard": { "secrets": "1", "pods": "1k" } } });
    quota.patch("berth", &PatchParams::default(), &Patch::Merge(more)).await.unwrap();
    let policies = cluster.objects("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies", "repaired-dev");
    let narrowed = json!({ "spec": { "podSelector": { "matchLabels": { "nobody": "has" } } } });
    policies.patch("berth-default-deny", &PatchParams::default(), &Patch::Merge(narrowed)).await.unwrap();
    assert_eq!(cluster.reconcile("repaired").await.changes, 2);
    let mended = quota.get("berth").await.unwrap().data;
    assert_eq!(mended.pointer("/spec/hard/pods"), Some(&Value::from("200")));
    assert_eq!(mended.pointer("/spec/hard/secrets"), None);
    let mended = policies.get("berth-default-deny").await.unwrap().data;
    assert_eq!(mended.pointer("/spec/podSelector"), Some(&json!({})));
    assert_eq!(cluster.reconcile("repaired").await.changes, 0);
}

#[tokio::test]
async fn a_binding_to_another_role_is_made_again() {
    let Some(cluster) = cluster().await else { return };
    cluster.apply(&tenant("rebound", &["dev"])).await;
    cluster.reconcile("rebound").await;
    let bindings = cluster.objects("rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings", "rebound-dev");
    let mut binding = bindings.get("berth-view").await.unwrap();
    bindings.delete("berth-view", &DeleteParams::default()).await.unwrap();
    binding.data["roleRef"]["name"] = "cluster-admin".into();
    binding.metadata.resource_version = None;
    binding.metadata.uid = None;
    bindings.create(&PostParams::default(), &binding).await.unwrap();
    assert_eq!(cluster.reconcile("rebound").await.problems, []);
    let mended = bindings.get("berth-view").await.unwrap();
    assert_eq!(mended.data["roleRef"]["name"], "berth:tenant-view");
}

#[tokio::test]
async fn a_label_that_the_tenant_drops_is_dropped_and_those_of_others_stay() {
    let Some(cluster) = cluster().await else { return };
    let mut labelled = tenant("labelled", &["dev"]);
    labelled["spec"]["namespaces"][0]["labels"] = json!({ "team": "a", "stage": "x" });
    cluster.apply(&labelled).await;
    cluster.reconcile("labelled").await;
    let others = json!({ "metadata": { "labels": { "istio-injection": "enabled" } } });
    cluster.namespaces().patch("labelled-dev", &PatchParams::default(), &Patch::Merge(others)).await.unwrap();
    labelled["spec"]["namespaces"][0]["labels"] = json!({ "team": "b" });
    cluster.apply(&labelled).await;
    cluster.reconcile("labelled").await;
    let labels = cluster.namespaces().get("labelled-dev").await.unwrap().metadata.labels.unwrap();
    assert_eq!(labels.get("team").map(String::as_str), Some("b"));
    assert_eq!(labels.get("stage"), None);
    assert_eq!(labels.get("istio-injection").map(String::as_str), Some("enabled"));
    assert_eq!(cluster.reconcile("labelled").await.changes, 0);
}

#[tokio::test]
async fn a_suspended_tenant_keeps_everything_but_its_access() {
    let Some(cluster) = cluster().await else { return };
    let mut paused = tenant("paused", &["dev"]);
    cluster.apply(&paused).await;
    cluster.reconcile("paused").await;
    let before = everything(&cluster, "paused-dev").await;
    paused["spec"]["suspended"] = true.into();
    cluster.apply(&paused).await;
    cluster.reconcile("paused").await;
    let bindings = before.iter().filter(|(kind, ..)| kind == "RoleBinding").count();
    assert_eq!(everything(&cluster, "paused-dev").await.len(), before.len() - bindings);
    assert_eq!(cluster.condition("paused", "Ready").await.unwrap().1, "Suspended");
}
