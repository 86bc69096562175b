//! Many accounts at once, events that are lost, and the sweep that finds them: one test after the other, because a sweep
//! sees every account of the organization.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod deliveries;
mod sweeps;

use std::{collections::BTreeMap, sync::MutexGuard};

use berth_ledger::{Record, Status};
use berth_tests::rig::{self, NETWORK, Rig, TimingProfile};
use serde_json::json;

/// The only region of staging on the rig.
const REGION: &str = "eu-west-1";

/// Longest that many accounts may take together, on a machine that is loaded. The local AWS is one process: a hundred
/// accounts are five thousand calls.
const SECONDS_MAX: u64 = 400;

/// The rig for one test alone. What another test left is onboarded, ignored, or outside of every unit.
fn alone() -> (&'static Rig, MutexGuard<'static, ()>) {
    rig::alone(TimingProfile::Crowd, |rig| {
        widen(rig);
        rig.slim("staging");
    })
}

/// Gives staging's pool more addresses: it has 64 blocks, and hundreds of accounts come.
fn widen(rig: &Rig) {
    let pools = rig.call(NETWORK, "ec2", "describe_ipam_pools", &json!({}));
    let described = format!("staging tenants in {REGION}");
    let pool = pools["IpamPools"].as_array().unwrap().iter().find(|pool| pool["Description"] == *described).unwrap();
    let more = json!({ "IpamPoolId": pool["IpamPoolId"], "Cidr": "10.64.0.0/11" });
    rig.call(NETWORK, "ec2", "provision_ipam_pool_cidr", &more);
}

/// Names of accounts whose tenants are `<prefix>0`, `<prefix>1` and so on.
fn names(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{prefix}{number}-staging")).collect()
}

/// Waits until the ledger says this of all of these accounts; their records.
fn wait_for_all(rig: &Rig, accounts: &[String], status: Status) -> Vec<Record> {
    let waiting = format!("{} accounts to be {}", accounts.len(), status.name());
    rig.until_within(SECONDS_MAX, &waiting, || rig.has_announced(accounts).then_some(()));
    rig.until_within(SECONDS_MAX, &waiting, || {
        let mut known: BTreeMap<String, Record> =
            rig.records().into_iter().map(|record| (record.account_id.to_string(), record)).collect();
        let ours: Vec<Record> = accounts.iter().filter_map(|account| known.remove(account)).collect();
        let failed = ours.iter().find(|record| record.status == Status::Failed && status != Status::Failed);
        assert!(failed.is_none(), "{failed:#?}");
        (ours.len() == accounts.len() && ours.iter().all(|record| record.status == status)).then_some(ours)
    })
}

/// Exactly one of each for every account: VPC, attachment, execution, custom resource, block of addresses.
fn assert_one_of_each(rig: &Rig, records: &[Record]) {
    let accounts: Vec<String> = records.iter().map(|record| record.account_id.to_string()).collect();
    for (account, counted) in rig.census(&accounts, REGION) {
        assert_eq!((counted.vpcs, counted.attachments), (1, 1), "{account}");
    }
    let executions = rig.execution_names();
    let mut blocks = BTreeMap::new();
    for record in records {
        let account = record.account_id.as_str();
        let ours: Vec<&String> = executions.iter().filter(|name| name.starts_with(account)).collect();
        assert_eq!(ours, [&format!("{account}-g1")]);
        assert_eq!((record.generation, record.lease.as_ref()), (1, None), "{account}");
        for region in record.regions.values() {
            let other = blocks.insert(region.cidr.clone(), account);
            assert_eq!(other, None, "{account} has the block of another account");
        }
        let commit = record.commit.as_ref().unwrap();
        assert!(rig.file("main", &commit.path).contains(account), "{}", commit.path);
    }
}
