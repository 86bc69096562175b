//! Where a cluster's operator is waited for, an account's access and networks go only after the cluster has it no more. Behind
//! the cluster's endpoint stands a server that says what the test wants.

use berth_ledger::Status;
use berth_tests::rig::{FakeApiServer, HUB, Rig, onboarded};
use serde_json::{Value, json};

use crate::{deployed, networks, turn};

const CLUSTER: &str = "shared-dev-1";
const REGION: &str = "eu-west-1";

/// The role that asks clusters.
const ROLE: &str = "arn:aws:iam::210987654321:role/berth-await-tenant";

fn awaited() -> (&'static str, Value) {
    ("clusters.shared-dev-1.awaitReady", json!(true))
}

fn eks(rig: &Rig, operation: &str, parameters: &Value) -> Value {
    rig.call_in(HUB, REGION, "eks", operation, parameters)
}

/// Gives the function its entry on the cluster, as docs/readiness.md says.
fn let_in(rig: &Rig) {
    let listed = eks(rig, "list_access_entries", &json!({ "clusterName": CLUSTER }));
    if !listed["accessEntries"].as_array().unwrap().contains(&ROLE.into()) {
        let groups = json!(["berth:await-tenant"]);
        let entry = json!({ "clusterName": CLUSTER, "principalArn": ROLE, "kubernetesGroups": groups });
        eks(rig, "create_access_entry", &entry);
    }
}

/// Waits until `berth status` says that the offboarding waits for this.
fn until_it_waits(rig: &Rig, account: &str, what: &str) {
    rig.until_within(120, &format!("{what:?} in berth status"), || {
        let (_, status) = rig.status(account);
        let open =
            status["execution"]["now"].as_array()?.iter().find(|open| open["state"] == "AwaitTenantGone")?.clone();
        open["waitsFor"]["message"].as_str().filter(|said| said.contains(what)).map(drop)
    });
}

/// The Tenant as the cluster has it, with these accounts.
fn there(tenant: &str, accounts: &Value, seen: u32) -> Value {
    json!({
        "apiVersion": "tenancy.berth.dev/v1alpha1", "kind": "Tenant",
        "metadata": { "name": tenant, "generation": 2 },
        "spec": { "accounts": accounts },
        "status": { "observedGeneration": seen },
    })
}

#[test]
fn nothing_of_an_account_goes_before_its_tenant_is_gone_from_the_cluster() {
    let (rig, _turn) = turn(&[]);
    let account = rig.account("godwit-staging", "staging");
    onboarded(rig, &account);
    rig.wait_for(&account, Status::Onboarded);
    let before = (networks(rig, &account, "godwit"), rig.world(&account));
    deployed(rig, &[awaited()]);
    let_in(rig);
    let server = FakeApiServer::start();
    server.set(403, &json!({ "kind": "Status", "reason": "Forbidden", "message": "tenants is forbidden" }));
    rig.put_fake(CLUSTER, &server);

    let execution = rig.start_offboarding(&account);
    let ended = rig.ended(&execution);
    assert_eq!(ended.error.as_deref(), Some("Denied"), "{ended:?}");
    let failure = rig.wait_for(&account, Status::OffboardingFailed).failure.unwrap();
    assert_eq!((failure.state.as_str(), failure.fault.as_str()), ("AwaitTenantGone", "Denied"));

    let mine = json!([{ "environment": "staging", "accountId": account }]);
    server.set(200, &there("godwit", &mine, 2));
    rig.redrive(&execution);
    until_it_waits(rig, &account, "still has the account: clusters/shared-dev-1 of the repository is not synced");
    let mut deleted = there("godwit", &mine, 2);
    deleted["metadata"]["deletionTimestamp"] = "2026-11-30T00:00:00Z".into();
    server.set(200, &deleted);
    until_it_waits(rig, &account, "the Tenant godwit on shared-dev-1 is being deleted");
    assert_eq!(rig.files_naming(&account), Vec::<String>::new(), "the entry is out of the repository");
    assert_eq!((networks(rig, &account, "godwit"), rig.world(&account)), before, "and all else is as it was");

    server.set_missing("godwit");
    assert_eq!(rig.ended(&execution).error, None);
    let tombstone = rig.wait_for(&account, Status::Offboarded).offboarded.unwrap();
    let said = tombstone.left_behind.join("\n");
    assert!(
        said.contains("the Tenant godwit on shared-dev-1 is gone") && said.contains("`Retain` they stay"),
        "{said}"
    );
    assert_eq!(networks(rig, &account, "godwit"), Vec::<String>::new());
}

#[test]
fn a_tenant_that_others_have_is_waited_for_until_its_operator_has_acted() {
    let (rig, _turn) = turn(&[]);
    let account = rig.account("curlew-staging", "staging");
    onboarded(rig, &account);
    rig.wait_for(&account, Status::Onboarded);
    deployed(rig, &[awaited()]);
    let_in(rig);
    let server = FakeApiServer::start();
    let others = json!([{ "environment": "prod", "accountId": "444455556666" }]);
    server.set(200, &there("curlew", &others, 1));
    rig.put_fake(CLUSTER, &server);
    let execution = rig.start_offboarding(&account);
    until_it_waits(rig, &account, "its operator has not seen that yet");
    server.set(200, &there("curlew", &others, 2));
    assert_eq!(rig.ended(&execution).error, None);
    let tombstone = rig.wait_for(&account, Status::Offboarded).offboarded.unwrap();
    assert!(tombstone.left_behind.iter().any(|line| line.contains("is without the account")), "{tombstone:?}");
}

#[test]
fn a_cluster_that_nobody_reaches_is_said_to_be_unknown_and_not_waited_for() {
    let (rig, _turn) = turn(&[]);
    let account = rig.account("whimbrel-staging", "staging");
    onboarded(rig, &account);
    rig.wait_for(&account, Status::Onboarded);
    deployed(rig, &[awaited()]);
    let access = |public: bool| {
        let network = json!({ "endpointPublicAccess": public, "publicAccessCidrs": ["0.0.0.0/0"] });
        eks(rig, "update_cluster_config", &json!({ "name": CLUSTER, "resourcesVpcConfig": network }));
    };
    access(false);
    let (code, said) = rig.berth(&["offboard", &account, "--yes"]);
    access(true);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("the endpoint of shared-dev-1 is private"), "{said}");
    let tombstone = rig.wait_for(&account, Status::Offboarded).offboarded.unwrap();
    assert!(tombstone.left_behind.iter().any(|line| line.contains("is private")), "{tombstone:?}");
}
