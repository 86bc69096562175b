//! Accounts and messages that Berth must not, or cannot, onboard.

use aws_sdk_sfn::types::ExecutionStatus;
use berth_ledger::{Record, Status};
use berth_tests::rig::{Event, MANAGEMENT, Rig, event, rig};
use serde_json::json;

#[test]
fn an_account_outside_of_the_onboarded_units_is_ignored_with_the_reason() {
    let rig = rig();
    let account = rig.account("sandbox", "suspended");
    rig.publish(&[event(Event::Created, &account)]);
    let record = rig.wait_for(&account, Status::Ignored);
    assert_ignored(rig, &record, "no organizational unit");
}

#[test]
fn a_closed_account_is_ignored_with_the_reason() {
    let rig = rig();
    let account = rig.account("gone-dev", "dev");
    rig.call(MANAGEMENT, "organizations", "close_account", &json!({ "AccountId": account }));
    rig.publish(&[event(Event::Updated, &account)]);
    let record = rig.wait_for(&account, Status::Ignored);
    assert_ignored(rig, &record, "not ACTIVE");
}

#[test]
fn the_management_account_is_ignored_with_the_reason() {
    let rig = rig();
    let execution = rig.start_execution(&json!({ "accountId": MANAGEMENT }));
    let ended = rig.ended(&execution);
    assert_eq!(ended.status, ExecutionStatus::Succeeded, "{ended:?}");
    let record = rig.wait_for_outcome(MANAGEMENT, &execution);
    assert_ignored(rig, &record, "management account");
}

fn assert_ignored(rig: &Rig, record: &Record, why: &str) {
    let (code, status) = rig.status(record.account_id.as_str());
    assert_eq!((code, status["status"].as_str()), (0, Some("ignored")));
    assert!(status["reason"].as_str().unwrap().contains(why), "{status}");
    assert!(status["regions"].as_object().unwrap().is_empty() && status["commit"].is_null(), "{status}");
    let calls = rig.calls_of(record.execution_arn.as_deref().unwrap());
    assert!(calls.iter().all(|call| call.function == "berth-plan-onboarding"), "{calls:#?}");
}

#[test]
fn a_malformed_message_goes_to_the_dead_letters_once_and_holds_up_nobody() {
    let rig = rig();
    let accounts = ["left", "right"].map(|name| rig.account(name, "suspended"));
    let malformed = r#"{"detail-type": "the-one-that-is-cut"#.to_owned();
    let said =
        rig.deliver(&[event(Event::Created, &accounts[0]), malformed.clone(), event(Event::Created, &accounts[1])]);
    assert!(said[1].contains("rejected"), "{}", said[1]);
    for account in &accounts {
        rig.wait_for(account, Status::Ignored);
    }
    let dead = rig.dead_letters("berth-intake-dlq", "the-one-that-is-cut");
    let [dead] = dead.as_slice() else { panic!("exactly one: {dead:?}") };
    assert_eq!(dead.body(), Some(malformed.as_str()));
    let reason = dead.message_attributes().unwrap()["BERTH_REASON"].string_value().unwrap();
    assert!(reason.contains("JSON"), "{reason}");
}
