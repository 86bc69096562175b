//! Two hundred accounts at once: no two of them ever get overlapping blocks, from the ledger or from IPAM.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::{sync::Mutex, time::Instant};

use berth_ledger::Taken;
use berth_tenancy::{Addresses, Mode, NetworkPlan, Subject, TierPlan, TierRouting};
use berth_tests::rig::{NETWORK, Rig, rig};
use ipnet::Ipv4Net;
use serde_json::json;

const ACCOUNTS: usize = 200;

/// Invocations under way at once.
const AT_ONCE: usize = 50;

fn subject(account: &str) -> Subject {
    Subject {
        account_id: account.parse().unwrap(),
        account_name: format!("crowd-{account}"),
        tenant: "crowd".parse().unwrap(),
        environment: "dev".parse().unwrap(),
        execution: format!("arn:aws:states:us-east-1:210987654321:execution:berth-onboard-account:{account}-g1"),
        generation: 1,
        mode: Mode::Apply,
        opening_until: None,
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
    for taken in rig.take_at_once(&subjects, None) {
        assert!(matches!(taken, Ok(Taken::Yes(_))), "{taken:?}");
    }
}

fn assert_disjoint(mut blocks: Vec<Ipv4Net>, inside: &str) {
    assert_eq!(blocks.len(), ACCOUNTS);
    blocks.sort();
    let inside: Ipv4Net = inside.parse().unwrap();
    for pair in blocks.windows(2) {
        assert!(inside.contains(&pair[0]) && inside.contains(&pair[1]), "{pair:?}");
        assert!(pair[0].broadcast() < pair[1].network(), "{pair:?} overlap");
    }
}

#[test]
fn two_hundred_accounts_at_once_get_blocks_that_never_overlap_from_the_ledger_and_from_ipam() {
    let rig = rig();
    let accounts: Vec<String> = (0..ACCOUNTS).map(|n| rig.account(&format!("crowd-{n}"), "dev")).collect();
    take_leases(rig, &accounts);
    let ledger = Addresses::Ledger {
        pool: "crowd".to_owned(),
        supernets: vec!["10.100.0.0/16".parse().unwrap()],
        excluded: vec!["10.100.0.0/20".parse().unwrap()],
        prefix_length: 24,
    };
    // 240 blocks for 200 accounts: they meet often.
    let blocks = provision(rig, "eu-west-1", &accounts, &ledger);
    assert!(blocks.iter().all(|block| block.network().octets()[2] >= 16), "an excluded block was handed out");
    assert_disjoint(blocks, "10.100.0.0/16");
    let pool_id = ipam_pool(rig);
    let blocks = provision(rig, "eu-central-1", &accounts, &Addresses::Ipam { pool_id, prefix_length: 24 });
    assert_disjoint(blocks, "10.0.0.0/8");

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
