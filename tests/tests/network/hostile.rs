//! A hostile tenant: an administrator of its account who tries every action of AWS's service reference, between and during runs,
//! within the permissions boundary and as somebody who signed in. The local AWS enforces what binds them.

use std::thread;

use berth_tests::rig::Rig;
use serde_json::Value;

use crate::{WEST, onboarded, run, turn};

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

/// What must hold whatever the attacker did: nobody is reached, the shared services still know its own block from it, and the
/// victim has what it had.
fn nobody_is_reached(rig: &Rig, attacker: &str, victim: &str, before: &[String], report: &Value) {
    assert!(rig.reached(attacker, "mallory").is_empty(), "{:?} {report:#}", rig.reached(attacker, "mallory"));
    let own = &rig.world(attacker).regions[WEST];
    let block: Vec<&str> = own.vpcs.iter().map(|vpc| vpc.cidr.as_str()).collect();
    let attachments: Vec<&str> = own.attachments.iter().map(|each| each.id.as_str()).collect();
    assert_eq!(rig.learned_from(WEST, &own.shared_table, &attachments), block, "{report:#}");
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
    let (theirs, own) = (rig.snapshot(&victim, "alice"), rig.snapshot_of_berth(&attacker, "mallory"));
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
            assert_eq!(rig.snapshot_of_berth(&attacker, "mallory"), own, "{between:#} {during:#}");
        } else {
            let said = rig.record(&attacker).unwrap().failure.unwrap();
            assert_eq!(next.error.as_deref(), Some("NotOwned"), "{said:?}");
        }
    }
}
