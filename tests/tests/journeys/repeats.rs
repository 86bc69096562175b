//! Exactly one of each, however often somebody asks; and a plan that changes nothing.

use aws_sdk_sfn::types::ExecutionStatus;
use berth_ledger::{Record, Status};
use berth_tests::rig::{Call, Event, Rig, event, rig};
use serde_json::json;

use crate::onboarded::assert_onboarded;

#[test]
fn the_same_event_three_times_at_once_makes_one_of_each() {
    let rig = rig();
    let account = rig.account("triplet-dev", "dev");
    let same = event(Event::Created, &account);
    rig.deliver(&[same.clone(), same.clone(), same]);
    let record = rig.wait_for(&account, Status::Onboarded);
    assert_onboarded(rig, &record);
    assert_eq!(rig.executions(&account).len(), 1);
    assert_eq!(rig.commits(&record.commit.unwrap().path).len(), 1);
}

#[test]
fn a_run_after_success_changes_nothing_and_an_old_event_starts_nothing() {
    let rig = rig();
    let account = rig.account("again-dev", "dev");
    let created = event(Event::Created, &account);
    rig.publish(std::slice::from_ref(&created));
    let first = rig.wait_for(&account, Status::Onboarded);
    let before = assert_onboarded(rig, &first);

    let execution = rig.start_execution(&json!({ "accountId": account }));
    let ended = rig.ended(&execution);
    assert_eq!(ended.status, ExecutionStatus::Succeeded, "{ended:?}");
    assert_eq!(ended.output["changes"], json!([]), "a list, and empty");
    assert_unchanged(&rig.calls_of(&execution));
    let second = rig.wait_for_outcome(&account, &execution);
    assert_eq!(assert_onboarded(rig, &second), before);
    assert_same_commit(rig, &first, &second);

    let said = rig.deliver(&[created]);
    assert!(said[0].contains("ended after this event"), "{}", said[0]);
    assert_eq!(rig.executions(&account).len(), 2, "the replay started none");
}

fn assert_unchanged(calls: &[Call]) {
    let changing: Vec<&Call> = calls.iter().filter(|call| call.effect == "resource").collect();
    assert!(changing.is_empty(), "{changing:#?}");
    let looked = |function: &str| calls.iter().any(|call| call.function == format!("berth-{function}"));
    assert!(looked("provision-vpc") && looked("attach-transit-gateway") && looked("create-tenant-roles"));
}

fn assert_same_commit(rig: &Rig, first: &Record, second: &Record) {
    let path = &first.commit.as_ref().unwrap().path;
    assert_eq!(rig.commits(path), [first.commit.as_ref().unwrap().sha.clone()], "no new commit");
    let file = |record: &Record| rig.file(&record.commit.as_ref().unwrap().sha, path);
    assert_eq!(file(first), file(second));
}

#[test]
fn a_plan_changes_nothing_and_lists_what_is_then_made() {
    let rig = rig();
    let account = rig.account("thoughtful-dev", "dev");
    let before = rig.world(&account);
    let planning = rig.start_execution(&json!({ "accountId": account, "mode": "plan" }));
    let plan = rig.ended(&planning);
    assert_eq!(plan.status, ExecutionStatus::Succeeded, "{plan:?}");
    let touching: Vec<Call> = rig.calls_of(&planning).into_iter().filter(|c| changes(&c.effect)).collect();
    assert!(touching.is_empty(), "{touching:#?}");
    let committing: Vec<Call> =
        rig.calls(0).into_iter().filter(|c| c.function == "berth-commit-tenant" && changes(&c.effect)).collect();
    assert!(committing.is_empty(), "{committing:#?}");
    assert_eq!(rig.world(&account), before);
    assert!(rig.record(&account).is_none(), "the ledger does not know it");
    assert!(rig.files_naming(&account).is_empty());

    let applying = rig.start_execution(&json!({ "accountId": account }));
    let applied = rig.ended(&applying);
    assert_eq!(applied.status, ExecutionStatus::Succeeded, "{applied:?}");
    assert_onboarded(rig, &rig.wait_for_outcome(&account, &applying));
    assert_eq!(kinds(&plan.changes(), &[]), kinds(&applied.changes(), &MADE_BEFORE_WAITING));
}

fn changes(effect: &str) -> bool {
    effect == "resource" || effect == "data"
}
const MADE_BEFORE_WAITING: [&str; 0] = [];
fn kinds(changes: &[String], _: &[&str]) -> Vec<String> {
    let mut c = changes.to_vec(); c.sort(); c
}
