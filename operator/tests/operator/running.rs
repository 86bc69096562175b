//! The operator as it is deployed: its binary, killed at every call, in two replicas, without its CRD.

use berth_crd::ConditionStatus;
use berth_kube_testing::Feature;
use kube_client::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use crate::{
    cluster::{Cluster, KINDS, OPERATOR, everything, own_cluster, tenant, until},
    proxy::{Moment, Proxy},
    replica::Replica,
};

pub(crate) fn settings() -> Value {
    json!({ "orphanGraceSeconds": 0 })
}

/// Waits until a tenant is Ready as it is specified now.
pub(crate) async fn until_ready(cluster: &Cluster, name: &str) {
    until(&format!("{name} is Ready"), || async {
        let tenant = cluster.tenants().get_opt(name).await.unwrap()?;
        let conditions = tenant.status?.conditions;
        let ready = conditions.into_iter().find(|condition| condition.type_ == "Ready")?;
        let is_of_now = ready.observed_generation == tenant.metadata.generation;
        (is_of_now && ready.status == ConditionStatus::True).then_some(())
    })
    .await;
}

#[tokio::test]
async fn whatever_is_deleted_comes_back_and_probes_and_metrics_answer() {
    let Some(cluster) = own_cluster().await else { return };
    let (_proxy, address) = Proxy::start(cluster.server, Some(OPERATOR), "").await;
    let replica = Replica::start("a", address, &settings());
    cluster.apply(&tenant("kept", &["dev"])).await;
    until_ready(&cluster, "kept").await;
    let whole: Vec<_> =
        everything(&cluster, "kept-dev").await.into_iter().map(|(kind, name, _)| (kind, name)).collect();
    for (group, version, kind, plural) in KINDS {
        let objects = cluster.objects(group, version, kind, plural, "kept-dev");
        for (_, name) in whole.iter().filter(|(of, _)| of == kind) {
            objects.delete(name, &DeleteParams::default()).await.unwrap();
            until(&format!("{kind} {name} is back"), || async { objects.get_opt(name).await.unwrap() }).await;
        }
    }
    let listens = replica.listens().unwrap();
    for (path, holds) in [("healthz", "ok"), ("readyz", "ok"), ("metrics", "berth_operator_leader 1")] {
        let answer = reqwest::get(format!("http://{listens}/{path}")).await.unwrap().text().await.unwrap();
        assert!(answer.contains(holds), "{path}: {answer}");
    }
    let line = replica.log().into_iter().find(|line| line["step"] == "reconcile-tenant").unwrap();
    for field in ["timestamp", "level", "tenant", "outcome", "changes", "milliseconds"] {
        assert!(line.get(field).is_some(), "{field}: {line}");
    }
}

#[tokio::test]
async fn killed_at_any_call_of_a_reconcile_it_converges() {
    let Some(cluster) = own_cluster().await else { return };
    let mut names = Vec::new();
    for moment in [Moment::Before, Moment::After] {
        for number in 1.. {
            let name = format!("killed-{}-{number}x", if moment == Moment::Before { "before" } else { "after" });
            let (proxy, address) = Proxy::start(cluster.server, Some(OPERATOR), &name).await;
            cluster.apply(&tenant(&name, &["dev"])).await;
            names.push(name.clone());
            // The same name: what was killed holds the lease still.
            let replica = Replica::start("a", address, &settings());
            proxy.kill_at(number, moment, replica.id());
            let killed = until(&format!("killed at call {number} of {name}, or Ready"), || async {
                if replica.has_ended() {
                    return Some(true);
                }
                let ready = cluster.condition(&name, "Ready").await.is_some_and(|(status, ..)| status == "True");
                ready.then_some(false)
            })
            .await;
            if !killed {
                assert!(number > 12, "only {number} calls");
                break;
            }
        }
    }
    let (_proxy, address) = Proxy::start(cluster.server, Some(OPERATOR), "").await;
    let _replica = Replica::start("a", address, &settings());
    let mut expected = None;
    for name in &names {
        until_ready(&cluster, name).await;
        let objects = everything(&cluster, &format!("{name}-dev")).await;
        let objects: Vec<_> = objects.into_iter().map(|(kind, name, _)| (kind, name)).collect();
        assert_eq!(expected.get_or_insert_with(|| objects.clone()), &objects, "{name}");
    }
    assert_eq!(expected.unwrap().len(), 10);
}

#[tokio::test]
async fn of_two_replicas_one_acts_and_when_it_is_killed_the_other_does() {
    let Some(cluster) = own_cluster().await else { return };
    let (first, address) = Proxy::start(cluster.server, Some(OPERATOR), "").await;
    let one = Replica::start("one", address, &settings());
    cluster.apply(&tenant("led", &["dev"])).await;
    until_ready(&cluster, "led").await;
    let (second, address) = Proxy::start(cluster.server, Some(OPERATOR), "").await;
    let two = Replica::start("two", address, &settings());
    until("the second has looked at the lease", || async { (second.seen() > 0).then_some(()) }).await;
    cluster.apply(&tenant("led", &["dev", "more"])).await;
    until("the first goes on", || async { cluster.namespaces().get_opt("led-more").await.unwrap() }).await;
    // Whatever it has begun is done: what the proxy still passes on would count as done after its death.
    until_ready(&cluster, "led").await;
    assert_eq!(second.changes(), Vec::<String>::new());
    one.kill();
    let done = first.changes();
    cluster.apply(&tenant("led", &["dev", "more", "most"])).await;
    until("the second acts", || async { cluster.namespaces().get_opt("led-most").await.unwrap() }).await;
    assert!(second.changes().iter().any(|change| change.starts_with("POST /api/v1/namespaces")));
    assert_eq!(first.changes(), done);
    drop(two);
}

#[tokio::test]
async fn a_leader_that_slept_through_its_lease_changes_nothing_afterwards() {
    let Some(cluster) = own_cluster().await else { return };
    let (first, address) = Proxy::start(cluster.server, Some(OPERATOR), "").await;
    let one = Replica::start("one", address, &settings());
    cluster.apply(&tenant("stopped", &["dev"])).await;
    until_ready(&cluster, "stopped").await;
    let (second, address) = Proxy::start(cluster.server, Some(OPERATOR), "").await;
    let _two = Replica::start("two", address, &settings());
    until("the second has looked at the lease", || async { (second.seen() > 0).then_some(()) }).await;
    one.signal("STOP");
    let done = first.changes();
    cluster.apply(&tenant("stopped", &["dev", "more"])).await;
    until("the second acts", || async { cluster.namespaces().get_opt("stopped-more").await.unwrap() }).await;
    until_ready(&cluster, "stopped").await;
    // It wakes up to a namespace that it would make again, and a lease that it believes to hold.
    cluster.namespaces().delete("stopped-more", &DeleteParams::default()).await.unwrap();
    one.signal("CONT");
    until("the first has ended", || async { one.has_ended().then_some(()) }).await;
    assert_eq!(first.changes(), done);
    assert!(one.log().iter().any(|line| line["error"].as_str().is_some_and(|said| said.contains("the lease is lost"))));
    let is_new = |namespace: &k8s_openapi::api::core::v1::Namespace| namespace.metadata.deletion_timestamp.is_none();
    until("the second makes it again", || async {
        if !cluster.server.has(Feature::Controllers) {
            cluster.finalize("stopped-more").await;
        }
        cluster.namespaces().get_opt("stopped-more").await.unwrap().filter(is_new)
    })
    .await;
}

#[tokio::test]
async fn without_the_crd_everything_stays_and_the_brake_is_said() {
    let Some(cluster) = own_cluster().await else { return };
    let (proxy, address) = Proxy::start(cluster.server, Some(OPERATOR), "").await;
    let replica = Replica::start("a", address, &settings());
    for name in ["lost-a", "lost-b"] {
        let mut lost = tenant(name, &["dev"]);
        lost["spec"]["deletionPolicy"] = "Delete".into();
        cluster.apply(&lost).await;
        until_ready(&cluster, name).await;
    }
    let before = everything(&cluster, "lost-a-dev").await;
    let changes = proxy.changes().len();
    cluster.uninstall().await;
    until("the brake is said", || async {
        let held = |line: &Value| line["fault"] == "BrakeHeld" && line["step"] == "scan-orphans";
        replica.log().iter().any(held).then_some(())
    })
    .await;
    let listens = replica.listens().unwrap();
    let metrics = reqwest::get(format!("http://{listens}/metrics")).await.unwrap().text().await.unwrap();
    assert!(metrics.contains("berth_operator_brake 1"), "{metrics}");
    assert_eq!(everything(&cluster, "lost-a-dev").await, before);
    for name in ["lost-a-dev", "lost-b-dev"] {
        assert!(cluster.namespaces().get(name).await.unwrap().metadata.deletion_timestamp.is_none());
    }
    let since: Vec<String> = proxy.changes().split_off(changes);
    assert!(since.iter().all(|change| !change.starts_with("DELETE")), "{since:?}");
    cluster.install().await;
}

#[tokio::test]
async fn a_document_that_is_no_tenant_says_so_and_holds_up_no_other() {
    let Some(cluster) = own_cluster().await else { return };
    cluster.install_open().await;
    let mut bad = tenant("illegible", &["dev"]);
    bad["spec"]["accounts"] = "none".into();
    let tenants = cluster.untyped_tenants();
    tenants.create(&PostParams::default(), &serde_json::from_value(bad).unwrap()).await.unwrap();
    cluster.install().await;
    let (_proxy, address) = Proxy::start(cluster.server, Some(OPERATOR), "").await;
    let replica = Replica::start("a", address, &settings());
    cluster.apply(&tenant("legible", &["dev"])).await;
    until_ready(&cluster, "legible").await;
    let line = until("it is said that it cannot be read", || async {
        let of = |line: &Value| line["tenant"] == "illegible" && line["fault"] == "Unreadable";
        replica.log().into_iter().find(of)
    })
    .await;
    assert!(line["error"].as_str().unwrap().contains("expected a sequence"), "{line}");
    assert_eq!(cluster.namespaces().get_opt("illegible-dev").await.unwrap(), None);
    tenants.delete("illegible", &DeleteParams::default()).await.unwrap();
}

#[tokio::test]
async fn with_an_older_crd_nothing_is_done_and_the_missing_fields_are_named() {
    let Some(cluster) = own_cluster().await else { return };
    let mut older = serde_json::to_value(berth_crd::tenant_crd()).unwrap();
    let spec = &mut older["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"];
    spec.as_object_mut().unwrap().remove("suspended");
    cluster.install_crd(&older).await;
    let (_proxy, address) = Proxy::start(cluster.server, Some(OPERATOR), "").await;
    let _replica = Replica::start("a", address, &settings());
    cluster.apply(&tenant("early", &["dev"])).await;
    let (_, reason, message) = until("it is stalled", || async { cluster.condition("early", "Stalled").await }).await;
    assert_eq!(reason, "CrdTooOld");
    assert!(message.contains("spec.suspended"), "{message}");
    assert_eq!(cluster.namespaces().get_opt("early-dev").await.unwrap(), None);
    cluster.install().await;
}

#[tokio::test]
async fn only_the_policy_delete_deletes_and_taking_its_finalizer_away_keeps_all() {
    let Some(cluster) = own_cluster().await else { return };
    let (_proxy, address) = Proxy::start(cluster.server, Some(OPERATOR), "").await;
    let _replica = Replica::start("a", address, &settings());
    let mut gone = tenant("gone", &["dev"]);
    gone["spec"]["deletionPolicy"] = "Delete".into();
    for each in [&gone, &tenant("left", &["dev"])] {
        cluster.apply(each).await;
        until_ready(&cluster, each["metadata"]["name"].as_str().unwrap()).await;
    }
    let finalizers = |name: &'static str| {
        let tenants = cluster.tenants();
        async move { tenants.get(name).await.unwrap().metadata.finalizers.unwrap_or_default() }
    };
    assert_eq!((finalizers("gone").await.len(), finalizers("left").await.len()), (1, 0));
    cluster.tenants().delete("left", &DeleteParams::default()).await.unwrap();
    let bindings = cluster.objects("rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings", "left-dev");
    until("the access of the tenant that is gone is taken away", || async {
        bindings.list(&ListParams::default()).await.unwrap().items.is_empty().then_some(())
    })
    .await;
    let left = cluster.namespaces().get("left-dev").await.unwrap();
    assert!(left.metadata.deletion_timestamp.is_none());
    cluster.tenants().delete("gone", &DeleteParams::default()).await.unwrap();
    until("its namespace goes", || async {
        let Some(namespace) = cluster.namespaces().get_opt("gone-dev").await.unwrap() else { return Some(()) };
        if namespace.metadata.deletion_timestamp.is_some() && !cluster.server.has(Feature::Controllers) {
            cluster.finalize("gone-dev").await;
        }
        None
    })
    .await;
    until("and then the Tenant", || async { cluster.tenants().get_opt("gone").await.unwrap().is_none().then_some(()) })
        .await;
}

#[tokio::test]
async fn each_change_of_a_status_is_an_event_and_nothing_else_is() {
    let Some(cluster) = own_cluster().await else { return };
    let (_proxy, address) = Proxy::start(cluster.server, Some(OPERATOR), "").await;
    cluster.namespace("told-dev").await;
    let _replica = Replica::start("a", address, &settings());
    let tenant = cluster.apply(&tenant("told", &["dev"])).await;
    let events = cluster.objects("events.k8s.io", "v1", "Event", "events", "default");
    let about = || async {
        let all = events.list(&ListParams::default()).await.unwrap();
        let about = all.into_iter().filter(|event| event.data["regarding"]["name"] == "told");
        about.map(|event| event.data).collect::<Vec<_>>()
    };
    let told = |reason: &'static str| async move {
        until(&format!("the event {reason}"), || async {
            about().await.into_iter().find(|event| event["reason"] == reason)
        })
        .await
    };
    let event = told("NotOwned").await;
    assert_eq!((&event["type"], &event["regarding"]["kind"]), (&json!("Warning"), &json!("Tenant")));
    assert_eq!(event["regarding"]["uid"].as_str(), tenant.metadata.uid.as_deref());
    assert!(event["note"].as_str().unwrap().contains("namespace told-dev is somebody else's"), "{event}");
    let adopt = json!({ "metadata": { "labels": { "tenancy.berth.dev/adopt": "told" } } });
    cluster.namespaces().patch("told-dev", &PatchParams::default(), &Patch::Merge(adopt)).await.unwrap();
    assert_eq!(told("Reconciled").await["type"], "Normal");
    let kinds: Vec<Value> = about().await.into_iter().map(|event| event["reason"].clone()).collect();
    assert_eq!(kinds.len(), 2, "{kinds:?}");
    cluster.namespaces().delete("told-dev", &DeleteParams::default()).await.unwrap();
}
