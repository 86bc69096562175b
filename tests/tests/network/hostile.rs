//! A hostile tenant: an administrator of its account who tries every action of AWS's service reference, between and during runs,
//! within the permissions boundary and as somebody who signed in. The local AWS enforces what binds them.

use std::thread;

use berth_tests::rig::Rig;
use serde_json::Value;

use crate::{WEST, network, onboarded, run, turn};

/// Fewer than this many calls were no attempt: the reference was not read, or parameters were not filled.
const DENIED_MIN: u64 = 80;
const DONE_MIN: usize = 10;

/// Has the attacker try everything, and looks whether it did.
fn attack(rig: &Rig, attacker: &str, victim: &str, signed_in: bool) -> Value {
    let report = rig.hostile(attacker, victim, WEST, signed_in);
    assert!(report["counts"]["denied"].as_u64().unwrap() >= DENIED_MIN, "{report:#}");
    assert!(report["done"].as_array().unwrap().len() >= DONE_MIN, "{report:#}");
    report
}

/// What is Berth's of the account: without the roles and the policy that the attacker made for itself.
fn of_berth(rig: &Rig, account: &str) -> Vec<String> {
    let own = ["role/mischief", "AWSReservedSSO_Administrator_0a", "policy/mine"];
    rig.snapshot(account, "mallory").into_iter().filter(|line| !own.iter().any(|name| line.contains(name))).collect()
}

/// Routes of every table of the gateway that an attachment answers for, as blocks.
fn learned_from(rig: &Rig, attacker: &str) -> Vec<String> {
    let seen = &rig.world(attacker).regions[WEST];
    let own: Vec<&str> = seen.attachments.iter().map(|each| each.id.as_str()).collect();
    let mut blocks = Vec::new();
    for table in [&seen.spoke_table, &seen.shared_table] {
        let search = serde_json::json!({
            "TransitGatewayRouteTableId": table, "Filters": [{ "Name": "state", "Values": ["active", "blackhole"] }],
        });
        for route in network(rig, "search_transit_gateway_routes", &search)["Routes"].as_array().unwrap() {
            let via = route["TransitGatewayAttachments"].as_array().into_iter().flatten();
            let mut ids = via.filter_map(|each| each["TransitGatewayAttachmentId"].as_str());
            if ids.any(|id| own.contains(&id)) {
                blocks.push(route["DestinationCidrBlock"].as_str().unwrap().to_owned());
            }
        }
    }
    blocks
}

/// What must hold whatever the attacker did: the tables learned its own block from it and nothing else, its groups are its
/// own, and the victim has what it had.
fn nobody_is_reached(rig: &Rig, attacker: &str, victim: &str, before: &[String], report: &Value) {
    let own = rig.world(attacker);
    let block = own.regions[WEST].vpcs.iter().map(|vpc| vpc.cidr.clone()).collect::<Vec<_>>();
    assert_eq!(learned_from(rig, attacker), block, "{report:#}");
    for entry in &own.access_entries {
        assert!(entry.groups.iter().all(|group| group.starts_with("tenant:mallory:")), "{entry:?}");
    }
    assert_eq!(rig.snapshot(victim, "alice"), before, "{report:#}");
    let again = onboarded(rig, victim);
    assert!(again.changes().is_empty(), "{:?}", again.changes());
}

#[test]
fn a_hostile_administrator_reaches_nobody_and_what_it_does_is_noticed() {
    let (rig, _turn) = turn();
    let (victim, attacker) = (rig.account("alice-staging", "staging"), rig.account("mallory-staging", "staging"));
    onboarded(rig, &victim);
    onboarded(rig, &attacker);
    let (theirs, own) = (rig.snapshot(&victim, "alice"), of_berth(rig, &attacker));
    for signed_in in [false, true] {
        let between = attack(rig, &attacker, &victim, signed_in);
        nobody_is_reached(rig, &attacker, &victim, &theirs, &between);

        let during = thread::scope(|scope| {
            let acting = scope.spawn(|| attack(rig, &attacker, &victim, signed_in));
            run(rig, &attacker);
            acting.join().unwrap()
        });
        nobody_is_reached(rig, &attacker, &victim, &theirs, &during);

        // What it could change of Berth's is made right by the next run, or that run fails and says why.
        let next = run(rig, &attacker);
        if next.error.is_none() {
            assert_eq!(of_berth(rig, &attacker), own, "{between:#} {during:#}");
        } else {
            let said = rig.record(&attacker).unwrap().failure.unwrap();
            assert_eq!(next.error.as_deref(), Some("NotOwned"), "{said:?}");
        }
    }
}
