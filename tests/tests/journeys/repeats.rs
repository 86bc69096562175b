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
    let same = [event(Event::Created, &account)];
    std::thread::scope(|threads| {
        for _ in 0..3 {
            threads.spawn(|| rig.deliver(&same));
        }
    });
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
    let other = rig.account("between-dev", "dev");
    rig.publish(&[event(Event::Created, &other)]);
    let between = rig.wait_for(&other, Status::Onboarded).commit.unwrap();
    assert_ne!(Some(&between.sha), first.commit.as_ref().map(|commit| &commit.sha), "the head has moved on");

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
    assert!(
        looked("provision-vpc")
            && looked("attach-transit-gateway")
            && looked("create-tenant-roles")
            && looked("apply-baseline")
    );
}

fn assert_same_commit(rig: &Rig, first: &Record, second: &Record) {
    let commit = first.commit.as_ref().unwrap();
    assert_eq!(rig.commits(&commit.path), std::slice::from_ref(&commit.sha), "no new commit");
    assert_eq!(second.commit.as_ref(), Some(commit), "not the branch's head, which is about another account");
}
