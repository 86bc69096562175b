//! A region that is never opted in: waiting has a limit.

use aws_sdk_sfn::types::ExecutionStatus;
use berth_ledger::Status;
use berth_tests::rig::{Rig, TimingProfile};
use serde_json::{Value, json};

use crate::WEST;

/// Longest that they may take here, at a fiftieth of the pauses.
const SECONDS_MAX: u64 = 300;

/// How often `ProvisionVpc` asks for what is not ready: the attempts that its `Retry` allows, and the first one.
fn attempts() -> usize {
    let machine: Value = serde_json::from_str(include_str!("../../../statemachines/onboard-account.asl.json")).unwrap();
    let provision = &machine["States"]["ProvisionAccount"]["Branches"][0]["States"]["Regions"]["ItemProcessor"]["States"]
        ["ProvisionVpc"];
    let retries = provision["Retry"].as_array().unwrap();
    let waits = retries.iter().find(|retry| retry["ErrorEquals"] == json!(["NotReady"])).unwrap();
    usize::try_from(waits["MaxAttempts"].as_u64().unwrap()).unwrap() + 1
}

#[test]
#[ignore = "make test-all: four hundred attempts"]
fn a_region_that_is_never_opted_in_ends_the_onboarding_at_the_limit() {
    let rig = Rig::private("-regions", TimingProfile::Shortest).unwrap();
    let account = rig.account("closed-staging", "staging");
    let closed = rig.break_calls(&json!({
        "match": { "account": account, "region": WEST, "service": "ec2", "function": "berth-provision-vpc" },
        "action": { "error": { "code": "OptInRequired", "status": 401, "message": "You are not subscribed" } },
    }));
    let execution = rig.start_execution(&json!({ "accountId": account }));
    rig.until_within(SECONDS_MAX, "the limit of NotReady", || {
        rig.record(&account).filter(|record| record.status == Status::Failed)
    });
    let ended = rig.ended(&execution);
    assert_eq!((ended.status, ended.error.as_deref()), (ExecutionStatus::Failed, Some("NotReady")));
    assert!(rig.fired(closed) >= attempts() as u64);
    // The baseline, beside it, may wait for its role once.
    let failures = rig.failures_by_state(&execution).remove(0).remove("ProvisionVpc").unwrap();
    assert_eq!(failures.iter().filter(|error| *error == "NotReady").count(), attempts());
    let failure = rig.record(&account).unwrap().failure.unwrap();
    assert_eq!(failure.state, "ProvisionVpc");
    assert!(failure.message.contains("OptInRequired") && failure.message.contains(WEST), "{}", failure.message);
    assert!(failure.hint.contains(&format!("enable {WEST} for the account")), "{}", failure.hint);

    // Once it is open, the command that status names goes on.
    let (code, said) = rig.berth(&["replay", &account, "--wait"]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(rig.world(&account).regions[WEST].attachments.len(), 1);
}
