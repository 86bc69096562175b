//! What goes, and what is as before.

use berth_ledger::{Record, Status};
use berth_tests::rig::{Call, Event, Rig, event, onboarded};
use serde_json::{Value, json};

use crate::{added, networks, turn};

/// Takes the account away.
pub(crate) fn offboarded(rig: &Rig, account: &str) -> Record {
    let (code, said) = rig.berth(&["offboard", account, "--yes"]);
    assert_eq!(code, 0, "{said}");
    rig.wait_for(account, Status::Offboarded)
}

fn deleting(calls: &[Call]) -> Vec<&Call> {
    calls.iter().filter(|call| call.operation.starts_with("Delete") || call.operation.starts_with("Detach")).collect()
}

/// The ledger's blocks that are not given back.
fn blocks(rig: &Rig, account: &str) -> Vec<Value> {
    let (_, pools) = rig.berth(&["addresses", "--json"]);
    let pools: Value = serde_json::from_str(&pools).unwrap();
    let blocks = pools.as_array().unwrap().iter().flat_map(|pool| pool["blocks"].as_array().unwrap().clone());
    blocks.filter(|block| block["owner"].as_str().unwrap().starts_with(account)).collect()
}

#[test]
fn a_two_region_account_leaves_everything_as_it_was_before_it_came() {
    let (rig, _turn) = turn(&[]);
    let account = rig.account("heron-dev", "dev");
    let before = rig.snapshot(&account, "heron");
    let created = event(Event::Created, &account);
    rig.publish(std::slice::from_ref(&created));
    let known = rig.wait_for(&account, Status::Onboarded);
    assert_eq!(known.regions.len(), 2);
    let path = known.commit.unwrap().path;

    let since = rig.last_call();
    let (code, plan) = rig.berth(&["offboard", &account, "--plan"]);
    assert_eq!(code, 0, "{plan}");
    for region in known.regions.values() {
        for id in [&region.vpc_id, &region.attachment_id] {
            assert!(plan.contains(&format!("delete {id}\n")), "{id} is not in {plan}");
        }
    }
    assert!(plan.contains(&format!("take {account} out of {path}")), "{plan}");
    assert!(deleting(&rig.calls(since)).is_empty(), "a plan changes nothing");
    assert_eq!(rig.record(&account).unwrap().status, Status::Onboarded);

    for access in
        ["access entry", "heron-developers", "remove role", "delete backup plan", "delete configuration recorder"]
    {
        assert!(plan.contains(access), "{access} is not in {plan}");
    }

    let since = rig.last_call();
    let record = offboarded(rig, &account);
    assert_eq!(networks(rig, &account, "heron"), Vec::<String>::new());
    assert_eq!(added(&before, &rig.snapshot(&account, "heron")), Vec::<String>::new(), "as if it had never come");
    assert!(order(&rig.calls(since)).is_sorted(), "{:?}", order(&rig.calls(since)));
    assert_eq!(rig.files_naming(&account), Vec::<String>::new());
    assert!(record.regions.is_empty() && record.lease.is_none() && record.identity().is_none());
    let tombstone = record.offboarded.unwrap();
    assert_eq!(tombstone.tenant.unwrap().as_str(), "heron");
    assert_eq!(tombstone.snapshot["record"]["regions"].as_object().unwrap().len(), 2, "{}", tombstone.snapshot);
    let (_, claims) = rig.berth(&["ledger", "claims", "--json"]);
    assert!(!claims.contains(&account), "{claims}");

    let said = rig.deliver(&[created]);
    assert!(said[0].contains("ended after this event"), "{}", said[0]);
    let since = rig.last_call();
    let (code, said) = rig.berth(&["offboard", &account, "--yes"]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("was offboarded at"), "{said}");
    assert!(deleting(&rig.calls(since)).is_empty(), "a re-run changes nothing");
}

/// When the functions made their last change, in the order in which access and network are to end.
fn order(calls: &[Call]) -> Vec<u64> {
    let last = |function: &str| {
        let its = calls.iter().filter(|call| call.function == function && call.effect == "resource");
        its.map(|call| call.seq).max().unwrap_or_else(|| panic!("{function} changed nothing"))
    };
    let steps =
        ["grant-cluster-access", "grant-sign-in", "detach-transit-gateway", "delete-vpc", "create-tenant-roles"];
    steps.iter().map(|step| last(&format!("berth-{step}"))).collect()
}

#[test]
fn of_two_accounts_of_a_tenant_the_other_one_stays_as_it_was() {
    let (rig, _turn) = turn(&[]);
    let (stays, leaves) = (rig.account("ibis-dev", "dev"), rig.account("ibis-staging", "staging"));
    onboarded(rig, &stays);
    let record = rig.wait_for(&stays, Status::Onboarded);
    let commit = record.commit.clone().unwrap();
    let file = rig.file(&commit.sha, &commit.path);
    let (world, kept, before) = (rig.world(&stays), rig.snapshot(&stays, "ibis"), rig.snapshot(&leaves, "ibis"));
    onboarded(rig, &leaves);
    rig.wait_for(&leaves, Status::Onboarded);
    offboarded(rig, &leaves);
    assert_eq!(rig.world(&stays), world);
    // The tenant's file has two commits more, and says the same.
    let without_commits =
        |lines: Vec<String>| -> Vec<String> { lines.into_iter().filter(|line| !line.contains("commit")).collect() };
    assert_eq!(without_commits(rig.snapshot(&stays, "ibis")), without_commits(kept));
    assert_eq!(added(&before, &rig.snapshot(&leaves, "ibis")), Vec::<String>::new(), "as if it had never come");
    assert_eq!(rig.record(&stays).unwrap().status, Status::Onboarded);
    assert_eq!(rig.files_naming(&leaves), Vec::<String>::new());
    let newest = rig.commits(&commit.path);
    let newest = newest.first().unwrap();
    assert_eq!(rig.file(newest, &commit.path), file, "byte for byte as before the other one came");
    // Whoever is offboarded may come back, and is whole again.
    onboarded(rig, &leaves);
    assert_eq!(rig.wait_for(&leaves, Status::Onboarded).regions.len(), 1);
}

#[test]
fn a_block_of_the_ledger_rests_for_half_an_hour() {
    let (rig, _turn) = turn(&[]);
    let account = rig.account("stork-prod", "prod");
    onboarded(rig, &account);
    let held = blocks(rig, &account);
    assert!(!held.is_empty() && held.iter().all(|block| block["released"].is_null()), "{held:?}");
    offboarded(rig, &account);
    for block in blocks(rig, &account) {
        let at = |name: &str| block[name].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
        assert_eq!(at("freeAt").duration_since(at("released")).as_mins(), 30, "{block}");
    }
    onboarded(rig, &account);
    assert_eq!(blocks(rig, &account), held, "its own may have it again at once");
}

#[test]
fn a_closed_account_loses_its_attachment_and_its_block_rests_91_days() {
    let (rig, _turn) = turn(&[]);
    let account = rig.account("crane-prod", "prod");
    onboarded(rig, &account);
    let record = rig.wait_for(&account, Status::Onboarded);
    rig.call(berth_tests::rig::MANAGEMENT, "organizations", "close_account", &json!({ "AccountId": account }));
    let (code, said) = rig.berth(&["offboard", &account, "--yes", "--json"]);
    assert_eq!(code, 0, "{said}");
    let said: Value = serde_json::from_str(&said).unwrap();
    let left = said["leftBehind"].to_string();
    let buried = rig.wait_for(&account, Status::Offboarded).offboarded.unwrap();
    assert!(buried.is_closed);
    for region in record.regions.values() {
        assert!(left.contains(&region.vpc_id) && left.contains("36.50"), "{left}");
    }
    assert_eq!(rig.files_naming(&account), Vec::<String>::new());
    let attached = networks(rig, &account, "crane").into_iter().filter(|line| line.contains(" attachment "));
    assert_eq!(attached.collect::<Vec<_>>(), Vec::<String>::new());
    for block in blocks(rig, &account) {
        let at = |name: &str| block[name].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
        assert_eq!(at("freeAt").duration_since(at("released")).as_hours(), 91 * 24, "{block}");
    }
}

#[test]
fn a_reopened_account_gets_its_own_vpc_and_block_again_and_nobody_elses() {
    let (rig, _turn) = turn(&[]);
    let account = rig.account("stilt-prod", "prod");
    onboarded(rig, &account);
    let record = rig.wait_for(&account, Status::Onboarded);
    let held = blocks(rig, &account);
    let organizations = |operation: &str, parameters: &Value| {
        rig.call(berth_tests::rig::MANAGEMENT, "organizations", operation, parameters)
    };
    organizations("close_account", &json!({ "AccountId": account }));
    offboarded(rig, &account);
    // Nobody gets in, so what is in it stays; and whoever comes meanwhile gets other addresses.
    let other = rig.account("sanderling-prod", "prod");
    onboarded(rig, &other);
    let cidrs = |blocks: &[Value]| -> Vec<Value> { blocks.iter().map(|block| block["cidr"].clone()).collect() };
    assert!(!held.is_empty() && cidrs(&blocks(rig, &other)).iter().all(|cidr| !cidrs(&held).contains(cidr)));

    let reopened = json!([{ "Key": "berth-local:reopened", "Value": "true" }]);
    organizations("tag_resource", &json!({ "ResourceId": account, "Tags": reopened }));
    onboarded(rig, &account);
    let again = rig.wait_for(&account, Status::Onboarded);
    assert_eq!(blocks(rig, &account), held, "its own block, and it does not rest any more");
    for (region, network) in &record.regions {
        let now = &again.regions[region];
        assert_eq!((&now.vpc_id, &now.cidr), (&network.vpc_id, &network.cidr), "what was left of its own");
        assert_ne!(now.attachment_id, network.attachment_id, "AWS deleted the attachment");
    }
}
