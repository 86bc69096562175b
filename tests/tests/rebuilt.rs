//! The ledger's table is lost and written anew from what AWS knows; then nothing has to change, and no block is given twice.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::collections::BTreeMap;

use aws_sdk_sfn::types::ExecutionStatus;
use berth_ledger::{Record, RegionRecord, Status, Suspension};
use berth_tenancy::Region;
use berth_tests::rig::{Event, Rig, TimingProfile, event};
use serde_json::{Value, json};

const POOL: &str = "rebuilt-dev";

/// The one region of the environment dev.
fn region(rig: &Rig) -> String {
    let regions = rig.platform("environments.dev.regions");
    regions.as_object().unwrap().keys().next().unwrap().clone()
}

/// Blocks of the pool and who has them.
fn blocks(rig: &Rig) -> Value {
    let pools: Value = serde_json::from_str(&rig.berth(&["addresses", "--json"]).1).unwrap();
    let pool = pools.as_array().unwrap().iter().find(|pool| pool["pool"] == POOL);
    pool.map_or(json!([]), |pool| pool["blocks"].clone())
}

fn rebuild(rig: &Rig, more: &[&str]) -> String {
    let path = rig.platform_path();
    let arguments = [&["ledger", "rebuild", "--platform", path.to_str().unwrap()], more].concat();
    let (code, text) = rig.berth(&arguments);
    assert_eq!(code, 0, "{text}");
    text
}

/// Networks without when their isolation was proven, which each run does anew.
fn networks(record: &Record) -> BTreeMap<Region, RegionRecord> {
    let mut networks = record.regions.clone();
    for proof in networks.values_mut().filter_map(|network| network.isolation.as_mut()) {
        assert!(proof.as_object_mut().unwrap().remove("provenAt").is_some(), "{proof}");
    }
    networks
}

/// What a rebuild cannot know is left out.
fn known(record: &Record) -> Record {
    let regions = networks(record);
    // What was given by which run, and what the newest one changed, is written by the next run.
    let (inventory, journal) = (None, BTreeMap::new());
    let since = jiff::Timestamp::UNIX_EPOCH;
    let (onboarded_since, announced, tags, requested_execution) = (None, None, None, None);
    // The tenant's file says that an account is suspended, and nothing says since when and why.
    let suspended = record.suspended.as_ref().map(|_| Suspension { since, reason: String::new(), execution: None });
    // A suspension is a generation, too, and of those only onboardings have their number in a name.
    let generation = if suspended.is_some() { 1 } else { record.generation };
    Record {
        generation,
        since,
        onboarded_since,
        announced,
        requested_execution,
        commit: None,
        binding: None,
        regions,
        inventory,
        tags,
        journal,
        suspended,
        // What a look finds, the next look or run finds again.
        drift: None,
        ..record.clone()
    }
}

#[test]
fn a_lost_ledger_is_rebuilt_from_aws_and_no_block_is_given_twice() {
    let rig = Rig::private("rebuilt", TimingProfile::Shortest).unwrap();
    let ledger = json!({ "ledger": { "pool": POOL, "supernets": ["10.64.0.0/18"], "prefixLength": 20 } });
    rig.deploy_platform(&[(&format!("environments.dev.regions.{}.addresses", region(&rig)), ledger)]);
    let accounts = [rig.account("kept-dev", "dev"), rig.account("pools-staging", "staging")];
    let newcomer = rig.account("newcomer-dev", "dev");
    rig.publish(&accounts.each_ref().map(|account| event(Event::Created, account)));
    for account in &accounts {
        rig.wait_for(account, Status::Onboarded);
    }
    assert_eq!(rig.berth(&["suspend", &accounts[1]]).0, 0);
    let before = accounts.each_ref().map(|account| rig.record(account).unwrap());
    assert!(before[0].suspended.is_none() && before[1].suspended.is_some(), "{before:?}");
    let held = blocks(&rig);
    assert_eq!(held.as_array().map(Vec::len), Some(1), "one account has its block from the ledger: {held}");
    assert!(rig.lose_ledger() >= 4, "two records, a block and its pool's size");
    assert_eq!(blocks(&rig), json!([]));

    let shown = rebuild(&rig, &["--dry-run"]);
    assert!(shown.contains("2 records and 1 blocks would be written; 1 accounts left"), "{shown}");
    assert!(rig.records().is_empty(), "a dry run writes nothing");
    let shown = rebuild(&rig, &[]);
    assert!(shown.contains("2 records and 1 blocks written; 1 accounts left to the sweep"), "{shown}");
    assert_eq!(blocks(&rig), held);
    let after = accounts.each_ref().map(|account| rig.record(account).unwrap());
    assert_eq!(after.each_ref().map(known), before.each_ref().map(known));
    assert!(rig.record(&newcomer).is_none(), "nobody has begun it");
    let again = rebuild(&rig, &[]);
    assert!(again.contains("0 records and 0 blocks written"), "{again}");

    for (account, before) in accounts.iter().zip(&before) {
        let execution = rig.start_execution(&json!({ "accountId": account }));
        let ended = rig.ended(&execution);
        assert_eq!(ended.status, ExecutionStatus::Succeeded, "{ended:?}");
        assert_eq!(ended.output["changes"], json!([]));
        let calls = rig.calls_of(&execution);
        let changing: Vec<_> = calls.iter().filter(|call| call.effect == "resource").collect();
        assert!(changing.is_empty(), "{changing:#?}");
        let record = rig.wait_for_outcome(account, &execution);
        assert_eq!(networks(&record), networks(before), "the same VPC and the same block");
    }
    rig.publish(&[event(Event::Created, &newcomer)]);
    rig.wait_for(&newcomer, Status::Onboarded);
    let blocks = blocks(&rig);
    assert_eq!(blocks.as_array().map(Vec::len), Some(2), "the newcomer has a block of its own: {blocks}");
}
