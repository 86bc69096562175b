//! Repairs of drift in an environment whose runs ask people first.

use berth_ledger::Status;
use berth_tenancy::Standing;
use berth_tests::rig::onboarded;
use serde_json::json;

use crate::{MIA, assert_untouched, attach, turn, waits};

/// A region of the environment.
const WEST: &str = "eu-west-1";

#[test]
fn a_repair_asks_about_what_it_may_mend_and_the_record_says_by_whom() {
    let (rig, _turn) = turn(json!("none"));
    let account = rig.account("mending-staging", "staging");
    onboarded(rig, &account);
    attach(rig, &account, "mending", "AdministratorAccess");
    // What a repair of roles leaves, and so asks nobody about.
    let vpc = rig.world(&account).regions[WEST].vpcs[0].id.clone();
    let tag = json!({ "Resources": [vpc], "Tags": [{ "Key": "berth:tenant" }] });
    rig.call_in(&account, WEST, "ec2", "delete_tags", &tag);
    rig.deploy_platform(&[
        ("driftSchedule", json!("rate(30 days)")),
        ("environments.staging.approval", json!("always")),
        ("environments.staging.onDrift", json!({ "repair": ["role"] })),
    ]);
    assert_eq!(rig.berth(&["drift", &account]).0, 0);
    let drift = rig.until("what the look found", || {
        rig.record(&account)?.drift.filter(|drift| drift.standing == Standing::Drifted)
    });
    assert_eq!(drift.counts.sum(), 2, "{drift:?}");
    let since = rig.last_call();
    let (report, failed) = rig.invoke("berth-detect-drift", &json!({}));
    assert!(!failed && report["repairs"].as_array().unwrap().contains(&json!(account)), "{report}");
    let asked = waits(rig, &account, 1);
    assert!(asked.execution.contains(&format!("{account}-repair-")), "{asked:?}");
    assert_eq!(asked.counts.sum(), 1, "{asked:?}");
    let (_, shown) = rig.berth(&["status", &account]);
    assert!(shown.contains("AdministratorAccess") && !shown.contains("berth:tenant\n      "), "{shown}");
    // Whoever looks again meanwhile begins no second one.
    let (report, _) = rig.invoke("berth-detect-drift", &json!({}));
    assert!(report["repairs"].as_array().is_none_or(|repairs| !repairs.contains(&json!(account))), "{report}");
    assert_untouched(rig, since, "before the approval");
    assert_eq!(rig.berth_as("mia", &["approve", &account, "--plan", &asked.plan]).0, 0);
    let ended = rig.ended(&asked.execution);
    assert_eq!((ended.error.as_deref(), ended.changes().len()), (None, 1), "{ended:?}");
    let record = rig.wait_for_outcome(&account, &asked.execution);
    assert_eq!(record.status, Status::Onboarded);
    assert_eq!(record.approval.unwrap().approved[0].by, MIA);
}
