//! Many accounts at once: no two of them ever get overlapping blocks, from the ledger or from IPAM. Once with the
//! one step that takes blocks, which makes them meet most often; once as whole onboardings.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard},
    time::Instant,
};

use berth_ledger::{Acquisition, Record, Status};
use berth_tenancy::{
    Addresses, LeftOverTags, Mode, NetworkPlan, OrganizationTags, Standing, Subject, TierPlan, TierRouting,
};
use berth_tests::{
    makespan::drift::LOOK_CALLS,
    rig::{self, NETWORK, Rig, TimingProfile},
};
use detect_drift::{TICK_MINUTES, turn};
use ipnet::Ipv4Net;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// Invocations under way at once.
const AT_ONCE: usize = 50;

/// Longest that all onboardings may take together, on a machine that is loaded. The local AWS is one process.
const SECONDS_MAX: u64 = 900;

/// The rig for one test at a time: each wants the whole machine.
fn alone() -> (&'static Rig, MutexGuard<'static, ()>) {
    rig::alone(TimingProfile::Crowd, prepare)
}

fn subject(account: &str) -> Subject {
    Subject {
        account_id: account.parse().unwrap(),
        account_name: format!("crowd-{account}"),
        tenant: format!("crowd-{account}").parse().unwrap(),
        environment: "dev".parse().unwrap(),
        execution: format!("arn:aws:states:us-east-1:210987654321:execution:berth-onboard-account:{account}-g1"),
        generation: 1,
        mode: Mode::Apply,
        opening_until: None,
        tags: OrganizationTags::default(),
        left_over_tags: LeftOverTags::default(),
        only_planned: None,
        repairs: None,
        allow_disruption: false,
        tenant_role: "BerthTenant".parse().unwrap(),
    }
}

/// The smallest network there is: what counts here is its block.
fn network(region: &str, addresses: Addresses) -> NetworkPlan {
    NetworkPlan {
        addresses,
        zones: vec![if region == "eu-west-1" { "euw1-az1" } else { "euc1-az1" }.to_owned()],
        tiers: vec![TierPlan { name: "data".to_owned(), prefix_length: 28, routing: TierRouting::Intra }],
        gateway_endpoints: Vec::new(),
        flow_logs: None,
    }
}

/// Runs `provision-vpc` for every account, as many at once as there are threads. Its blocks.
fn provision(rig: &Rig, region: &str, accounts: &[String], addresses: &Addresses) -> Vec<Ipv4Net> {
    let began = Instant::now();
    let (next, blocks) = (Mutex::new(accounts.iter()), Mutex::new(Vec::new()));
    std::thread::scope(|threads| {
        for _ in 0..AT_ONCE {
            threads.spawn(|| {
                loop {
                    let Some(account) = next.lock().unwrap().next() else { return };
                    let run = subject(account);
                    let payload =
                        json!({ "run": run, "region": region, "network": network(region, addresses.clone()) });
                    let block = block_of(rig, &payload);
                    blocks.lock().unwrap().push(block);
                }
            });
        }
    });
    println!("{} networks in {:.1} s", accounts.len(), began.elapsed().as_secs_f64());
    blocks.into_inner().unwrap()
}

/// The answer of `provision-vpc`, or its error.
fn invoke(rig: &Rig, payload: &serde_json::Value) -> Result<serde_json::Value, String> {
    let (answer, failed) = rig.invoke("berth-provision-vpc", payload);
    if failed { Err(answer.to_string()) } else { Ok(answer) }
}

/// As the state machine does: retryable faults are asked again.
fn block_of(rig: &Rig, payload: &serde_json::Value) -> Ipv4Net {
    let mut last = String::new();
    for _ in 0..40 {
        match invoke(rig, payload) {
            Ok(answer) => return answer["cidr"].as_str().unwrap().parse().unwrap(),
            Err(why) if ["NotReady", "Conflict", "Throttled"].iter().any(|fault| why.contains(fault)) => last = why,
            Err(why) => panic!("{why}"),
        }
    }
    panic!("never ready: {last}");
}

/// Gives an execution of each account its lease, as plan-onboarding does.
fn take_leases(rig: &Rig, accounts: &[String]) {
    let subjects: Vec<Subject> = accounts.iter().map(|account| subject(account)).collect();
    for taken in rig.acquire_at_once(&subjects, None) {
        assert!(matches!(taken, Ok(Acquisition::Acquired)), "{taken:?}");
    }
}

fn assert_disjoint(mut blocks: Vec<Ipv4Net>, count: usize, inside: &str) {
    assert_eq!(blocks.len(), count);
    blocks.sort();
    let inside: Ipv4Net = inside.parse().unwrap();
    for pair in blocks.windows(2) {
        assert!(inside.contains(&pair[0]) && inside.contains(&pair[1]), "{pair:?}");
        assert!(pair[0].broadcast() < pair[1].network(), "{pair:?} overlap");
    }
}

/// So many accounts take a block of a supernet that has little more than one for each, without its first /20, and one of
/// IPAM, all at once.
fn take_blocks_at_once(rig: &Rig, prefix: &str, count: usize, supernet: &str) {
    let accounts = rig.accounts(&(0..count).map(|n| format!("{prefix}-{n}")).collect::<Vec<_>>(), "dev");
    take_leases(rig, &accounts);
    let whole: Ipv4Net = supernet.parse().unwrap();
    let excluded = Ipv4Net::new(whole.network(), 20).unwrap();
    let ledger = Addresses::Ledger {
        pool: prefix.to_owned(),
        supernets: vec![whole],
        excluded: vec![excluded],
        prefix_length: 24,
    };
    let blocks = provision(rig, "eu-west-1", &accounts, &ledger);
    assert!(blocks.iter().all(|block| !excluded.contains(block)), "an excluded block was handed out");
    assert_disjoint(blocks, count, supernet);
    let pool_id = ipam_pool(rig);
    let blocks = provision(
        rig,
        "eu-central-1",
        &accounts,
        &Addresses::Ipam { pool_id, prefix_length: 24, supernets: Vec::new() },
    );
    assert_disjoint(blocks, count, "10.0.0.0/8");
}

#[test]
fn accounts_that_come_at_once_get_blocks_that_never_overlap() {
    let (rig, _alone) = alone();
    // 16 blocks for 14 accounts: they meet often.
    take_blocks_at_once(rig, "few", 14, "10.103.0.0/19");
}

#[test]
#[ignore = "make test-all: two hundred accounts"]
fn two_hundred_accounts_at_once_get_blocks_that_never_overlap() {
    let (rig, _alone) = alone();
    // 240 blocks for 200 accounts.
    take_blocks_at_once(rig, "crowd", 200, "10.100.0.0/16");
}

#[test]
fn a_pool_of_the_ledger_that_is_full_refuses_the_next_account_with_its_fill() {
    let (rig, _alone) = alone();
    let full = Addresses::Ledger {
        pool: "small".to_owned(),
        supernets: vec!["10.101.0.0/24".parse().unwrap()],
        excluded: Vec::new(),
        prefix_length: 25,
    };
    let late: Vec<String> = (0..3).map(|n| rig.account(&format!("late-{n}"), "dev")).collect();
    take_leases(rig, &late);
    let refused: Vec<String> = late
        .iter()
        .filter_map(|account| {
            let payload = json!({ "run": subject(account), "region": "eu-west-1", "network": network("eu-west-1", full.clone()) });
            invoke(rig, &payload).err()
        })
        .collect();
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert!(refused[0].contains("InvalidInput"), "{}", refused[0]);
    assert!(
        refused[0].contains("pool small has no free /25: 2 of 2 usable blocks of 10.101.0.0/24 are taken"),
        "{}",
        refused[0]
    );
}

/// The pool of dev in eu-central-1.
fn ipam_pool(rig: &Rig) -> String {
    let answer = rig.call(NETWORK, "ec2", "describe_ipam_pools", &json!({}));
    let pools = answer["IpamPools"].as_array().unwrap();
    let name = |pool: &serde_json::Value| pool["Tags"].to_string().contains("dev-eu-central-1");
    pools.iter().find(|pool| name(pool)).unwrap()["IpamPoolId"].as_str().unwrap().to_owned()
}

/// Has half of the accounts take their block from a pool of the ledger and half from IPAM, with room for little more than
/// all of them, and leaves out what says nothing about networks.
fn prepare(rig: &Rig) {
    let tiers = json!([
        { "name": "private", "prefixLength": 27, "routing": "private" },
        { "name": "attachment", "prefixLength": 28, "routing": "attachment" },
    ]);
    let ledger = json!({ "ledger": {
        "pool": "all-at-once", "supernets": ["10.102.0.0/17"], "excluded": ["10.102.0.0/20"], "prefixLength": 24,
    } });
    let pool = rig.platform("environments.staging.regions.eu-west-1.addresses.ipam.poolId");
    let ipam = json!({ "ipam": { "poolId": pool, "prefixLength": 24 } });
    for environment in ["staging", "prod"] {
        rig.slim(environment);
    }
    rig.deploy_platform(&[
        ("environments.staging.regions.eu-west-1.addresses", ipam),
        ("environments.staging.regions.eu-west-1.tiers", tiers.clone()),
        ("environments.staging.signIn", json!([])),
        ("environments.prod.regions.eu-west-1.addresses", ledger),
        ("environments.prod.regions.eu-west-1.tiers", tiers),
        ("environments.prod.signIn", json!([])),
    ]);
}

/// Waits until every account is onboarded; their records.
fn onboarded(rig: &Rig, accounts: &[String], executions: &[String]) -> Vec<Record> {
    rig.until_within(SECONDS_MAX, "all executions to end", || rig.has_announced(executions).then_some(()));
    rig.until_within(SECONDS_MAX, "all accounts to be onboarded", || {
        let mut known: BTreeMap<String, Record> =
            rig.records().into_iter().map(|record| (record.account_id.to_string(), record)).collect();
        let ours: Vec<Record> = accounts.iter().filter_map(|account| known.remove(account)).collect();
        let failed = ours.iter().find(|record| record.status == Status::Failed);
        assert!(failed.is_none(), "{failed:#?}");
        let done = ours.iter().filter(|record| record.status == Status::Onboarded).count();
        (done == accounts.len()).then_some(ours)
    })
}

/// Onboards so many accounts at once, half of them with the ledger's blocks and half with IPAM's.
fn onboard_at_once(rig: &Rig, prefix: &str, count: usize) {
    let names = |environment: &str| -> Vec<String> {
        (0..count / 2).map(|number| format!("{prefix}{number}-{environment}")).collect()
    };
    let by_ipam = rig.accounts(&names("staging"), "staging");
    let by_ledger = rig.accounts(&names("prod"), "prod");
    let accounts = [by_ipam.clone(), by_ledger].concat();
    let began = Instant::now();
    let start = |account: &String| rig.start_execution(&json!({ "accountId": account }));
    let executions: Vec<String> = std::thread::scope(|threads| {
        let some = accounts.chunks(count / 8);
        let starting: Vec<_> =
            some.map(|some| threads.spawn(move || some.iter().map(start).collect::<Vec<_>>())).collect();
        starting.into_iter().flat_map(|some| some.join().unwrap()).collect()
    });
    let records = onboarded(rig, &accounts, &executions);
    println!("{} accounts in {:.1} s", records.len(), began.elapsed().as_secs_f64());

    let region = "eu-west-1".parse().unwrap();
    let mut blocks: Vec<Ipv4Net> = records.iter().map(|record| record.regions[&region].cidr.parse().unwrap()).collect();
    let supernet: Ipv4Net = "10.102.0.0/17".parse().unwrap();
    let excluded: Ipv4Net = "10.102.0.0/20".parse().unwrap();
    let of_the_ledger: Vec<&Ipv4Net> = blocks.iter().filter(|block| supernet.contains(*block)).collect();
    assert_eq!(of_the_ledger.len(), count / 2, "and the others are IPAM's");
    assert!(of_the_ledger.iter().all(|block| !excluded.contains(*block)), "{of_the_ledger:?}");
    blocks.sort();
    for pair in blocks.windows(2) {
        assert!(pair[0].broadcast() < pair[1].network(), "{pair:?} overlap");
    }
    for (account, counted) in rig.census(&accounts, "eu-west-1") {
        assert_eq!((counted.vpcs, counted.attachments), (1, 1), "{account}");
    }
    let allocated = rig.call(
        NETWORK,
        "ec2",
        "get_ipam_pool_allocations",
        &json!({
            "IpamPoolId": rig.platform("environments.staging.regions.eu-west-1.addresses.ipam.poolId"),
        }),
    );
    let owner = |allocation: &Value| allocation["ResourceOwner"].as_str().unwrap().to_owned();
    let owners = allocated["IpamPoolAllocations"].as_array().unwrap().iter().map(owner);
    // Those of another test may be there, too.
    let mut owners: Vec<String> = owners.filter(|owner| by_ipam.contains(owner)).collect();
    let mut expected = by_ipam.clone();
    owners.sort();
    expected.sort();
    assert_eq!(owners, expected, "IPAM gave each one block and nobody two");
}

/// Onboards so many accounts, then looks at each at its turn of a day: ticks come one after the other, at the times at which the
/// schedule would ask. Nothing is changed, and it costs what the simulation says.
fn a_day_of_drift(rig: &Rig, prefix: &str, count: usize) {
    let names: Vec<String> = (0..count).map(|number| format!("{prefix}{number}-staging")).collect();
    let accounts = rig.accounts(&names, "staging");
    let executions: Vec<String> =
        accounts.iter().map(|account| rig.start_execution(&json!({ "accountId": account }))).collect();
    let before = onboarded(rig, &accounts, &executions);
    let (begin, period) = (Timestamp::UNIX_EPOCH, SignedDuration::from_hours(24));
    let mut ticks: BTreeMap<i64, Vec<&String>> = BTreeMap::new();
    for account in &accounts {
        let (_, began) = turn(&account.parse().unwrap(), period, begin);
        ticks.entry((began + period).duration_since(begin).as_mins() / TICK_MINUTES).or_default().push(account);
    }
    assert!(ticks.len() > count / 2, "turns are spread over the day: {} ticks", ticks.len());
    let (since, began) = (rig.last_call(), Instant::now());
    for accounts in ticks.values() {
        let (report, failed) = rig.invoke("berth-detect-drift", &json!({ "accounts": accounts }));
        assert!(!failed && report["looks"] == json!(accounts), "{report}");
    }
    let after = rig.until_within(SECONDS_MAX, "all looks to be in the ledger", || {
        let records: Vec<Record> =
            rig.records().into_iter().filter(|record| accounts.contains(&record.account_id.to_string())).collect();
        let is_new = |record: &&Record| record.drift.as_ref().is_some_and(|drift| drift.looked_at > record.since);
        (records.iter().filter(is_new).count() == count).then_some(records)
    });
    println!("{count} accounts in {:.1} s", began.elapsed().as_secs_f64());
    assert!(after.iter().all(|record| record.drift.as_ref().unwrap().standing == Standing::InSync), "{after:#?}");
    let without = |mut records: Vec<Record>| {
        records.sort_by(|a, b| a.account_id.cmp(&b.account_id));
        records.into_iter().map(|record| Record { drift: None, ..record }).collect::<Vec<_>>()
    };
    assert_eq!(without(after), without(before), "a day of drift changes nothing else of the ledger");

    let calls: Vec<_> = rig.calls(since).into_iter().filter(|call| call.function != "berth-detect-drift").collect();
    let changing: Vec<_> = calls.iter().filter(|call| call.effect == "resource").collect();
    assert!(changing.is_empty(), "{changing:#?}");
    let mut counted: BTreeMap<&str, usize> = BTreeMap::new();
    for call in calls.iter().filter(|call| call.operation != "AssumeRole") {
        *counted.entry(call.service.as_str()).or_default() += 1;
    }
    println!("{counted:?} of {count}");
    let simulated: usize = LOOK_CALLS.iter().map(|(_, calls)| calls * count).sum();
    let all: usize = counted.values().sum();
    assert!(all.abs_diff(simulated) * 10 <= simulated, "{all} calls, and {simulated} are computed: {counted:?}");
    for (service, calls) in LOOK_CALLS.iter().filter(|(_, calls)| *calls > 1) {
        let (is, computed) = (counted.get(service).copied().unwrap_or_default(), calls * count);
        assert!(is.abs_diff(computed) * 10 <= computed, "{service}: {is} calls, and {computed} are computed");
    }
}

#[test]
fn a_day_of_drift_over_some_accounts_changes_nothing_and_costs_as_computed() {
    let (rig, _alone) = alone();
    a_day_of_drift(rig, "daily", 8);
}

#[test]
#[ignore = "make test-all: two hundred accounts"]
fn a_day_of_drift_over_two_hundred_accounts_changes_nothing() {
    let (rig, _alone) = alone();
    a_day_of_drift(rig, "yearly", 200);
}

#[test]
fn accounts_that_are_onboarded_at_once_have_blocks_that_never_overlap() {
    let (rig, _alone) = alone();
    onboard_at_once(rig, "group", 8);
}

#[test]
#[ignore = "make test-all: two hundred accounts"]
fn two_hundred_accounts_are_onboarded_at_once_with_disjoint_blocks() {
    let (rig, _alone) = alone();
    onboard_at_once(rig, "throng", 200);
}
