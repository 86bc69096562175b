//! An onboarding that ends when the tenant is Ready on its cluster. Behind the cluster's endpoint stands a server that says
//! what the test wants; tests/tests/cluster has a real one.

use berth_ledger::Readiness;
use berth_tests::rig::{FakeApiServer, Rig};
use serde_json::{Value, json};

use crate::{CLUSTER, HUB, changing, eks, failed, onboarded, turn};

/// The role that asks clusters.
const ROLE: &str = "arn:aws:iam::210987654321:role/berth-await-tenant";

/// Has every onboarding of `staging` wait for its cluster.
const AWAITED: &str = "clusters.shared-dev-1.awaitReady";

/// Whether the function has its entry on the cluster: tests before may have made it.
fn is_let_in(rig: &Rig) -> bool {
    let listed = eks(rig, "list_access_entries", &json!({ "clusterName": CLUSTER }));
    listed["accessEntries"].as_array().unwrap().contains(&ROLE.into())
}

/// Gives the function its entry on the cluster, as docs/readiness.md says. Whether it was there is no matter.
fn let_in(rig: &Rig) {
    if !is_let_in(rig) {
        let groups = json!(["berth:await-tenant"]);
        let entry = json!({ "clusterName": CLUSTER, "principalArn": ROLE, "kubernetesGroups": groups });
        eks(rig, "create_access_entry", &entry);
    }
}

/// What the execution of an account waits for now, as `berth status` shows it.
fn waits_for(rig: &Rig, account: &str) -> Option<String> {
    let (_, status) = rig.status(account);
    let now = status["execution"]["now"].as_array()?.iter().find(|open| open["state"] == "AwaitTenant")?.clone();
    now["waitsFor"]["message"].as_str().map(str::to_owned)
}

/// Waits until `berth status` says that this is waited for.
fn until_it_waits(rig: &Rig, account: &str, what: &str) {
    rig.until(&format!("{what:?} in berth status"), || waits_for(rig, account).filter(|said| said.contains(what)));
}

/// The Tenant as the cluster has it after a sync of the folder.
fn synced(rig: &Rig, tenant: &str, conditions: &Value) -> Value {
    let path = rig.files_naming(&format!("name: {tenant}\n")).pop().unwrap();
    let mut document: Value = serde_saphyr::from_str(&rig.file("main", &path)).unwrap();
    document["metadata"]["generation"] = 1.into();
    document["status"] = json!({ "observedGeneration": 1, "conditions": conditions });
    document
}

fn ready(status: &str, reason: &str, message: &str) -> Value {
    json!([{ "type": "Ready", "status": status, "reason": reason, "message": message, "observedGeneration": 1 }])
}

#[test]
fn an_onboarding_ends_when_the_tenant_is_ready_and_says_what_it_waits_for() {
    let (rig, _turn) = turn(&[(AWAITED, json!(true))]);
    let server = FakeApiServer::start();
    server.set_missing("awaited");
    rig.put_fake(CLUSTER, &server);
    let account = rig.account("awaited-staging", "staging");

    // Nobody gave the function its entry.
    if is_let_in(rig) {
        eks(rig, "delete_access_entry", &json!({ "clusterName": CLUSTER, "principalArn": ROLE }));
    }
    let (ended, failure) = failed(rig, &account, "AwaitTenant", "Denied");
    let command =
        format!("aws eks create-access-entry --cluster-name {CLUSTER} --kubernetes-groups berth:await-tenant");
    assert!(failure.hint.contains(&command), "{failure:?}");
    assert_eq!(server.asked(), [], "the API server was asked by somebody that the cluster does not know");
    let_in(rig);

    rig.redrive(&ended.arn);
    until_it_waits(rig, &account, "clusters/shared-dev-1 of the repository is not synced yet");
    server.set(200, &synced(rig, "awaited", &Value::Null));
    until_it_waits(rig, &account, "its operator has said nothing");
    let blocked = ready("False", "NotOwned", "namespace awaited-staging is somebody else's");
    server.set(200, &synced(rig, "awaited", &blocked));
    until_it_waits(rig, &account, "is not Ready: NotOwned: namespace awaited-staging is somebody else's");
    server.set(200, &synced(rig, "awaited", &ready("True", "Reconciled", "everything is as the spec says")));
    let done = rig.ended(&ended.arn);
    assert_eq!(done.error, None, "{done:?}");

    let record = rig.until("the outcome", || rig.record(&account).filter(|record| !record.readiness.is_empty()));
    let readiness = &record.readiness[0];
    assert_eq!((readiness.cluster.as_str(), readiness.state), (CLUSTER, Readiness::Ready));
    let (_, shown) = rig.berth(&["status", &account]);
    let line = format!("tenant     Ready on {CLUSTER}: Reconciled: everything is as the spec says");
    assert!(shown.contains(&line), "{shown}");
    // Whoever asked was this function, and asked for this and nothing else.
    for asked in server.asked() {
        assert_eq!(asked.line, "GET /apis/tenancy.berth.dev/v1alpha1/tenants/awaited");
        assert_eq!(asked.groups, ["berth:await-tenant", "system:authenticated"]);
        assert!(asked.user.starts_with(&format!("arn:aws:sts::{HUB}:assumed-role/berth-await-tenant/")), "{asked:?}");
    }
    assert!(changing(rig, &ended.arn).iter().all(|change| !change.starts_with("await-tenant")));
}

#[test]
fn a_cluster_that_nobody_outside_reaches_is_said_to_be_unknown() {
    let (rig, _turn) = turn(&[(AWAITED, json!(true))]);
    let access = |public: bool, admitted: &str| {
        let network = json!({ "endpointPublicAccess": public, "publicAccessCidrs": [admitted] });
        eks(rig, "update_cluster_config", &json!({ "name": CLUSTER, "resourcesVpcConfig": network }));
    };
    let account = rig.account("unseen-ready-staging", "staging");
    for (public, admitted, why) in [
        (false, "0.0.0.0/0", "the endpoint of shared-dev-1 is private"),
        (true, "203.0.113.0/24", "the endpoint of shared-dev-1 is open to 203.0.113.0/24 only"),
    ] {
        access(public, admitted);
        onboarded(rig, &account);
        let readiness = rig.until("the outcome", || {
            rig.record(&account)?.readiness.into_iter().find(|readiness| readiness.message.contains(why))
        });
        assert_eq!(readiness.state, Readiness::Unknown);
        assert!(rig.berth(&["status", &account]).1.contains("tenant     unknown on shared-dev-1"));
    }
    access(true, "0.0.0.0/0");
}

#[test]
fn a_server_that_is_down_is_asked_again_and_one_that_forbids_is_not() {
    let (rig, _turn) = turn(&[(AWAITED, json!(true))]);
    let_in(rig);
    let server = FakeApiServer::start();
    server.set(403, &json!({ "kind": "Status", "reason": "Forbidden", "message": "tenants is forbidden" }));
    rig.put_fake(CLUSTER, &server);
    let account = rig.account("forbidden-staging", "staging");
    let (ended, failure) = failed(rig, &account, "AwaitTenant", "Denied");
    assert!(failure.message.contains("tenants is forbidden") && failure.hint.contains("awaitReady"), "{failure:?}");
    server.set(503, &Value::Null);
    rig.redrive(&ended.arn);
    rig.until("a try that was throttled", || rig.failures(&ended.arn).contains(&"Throttled".to_owned()).then_some(()));
    server.set(200, &synced(rig, "forbidden", &ready("True", "Reconciled", "everything is as the spec says")));
    mended_running(rig, &account, &ended.arn);
}

/// Waits for the end of an execution that was redriven already.
fn mended_running(rig: &Rig, account: &str, arn: &str) {
    assert_eq!(rig.ended(arn).error, None);
    rig.until("the outcome", || rig.record(account).filter(|record| record.failure.is_none()));
}
