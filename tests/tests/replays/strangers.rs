//! Accounts that nobody has leave no record, and an account that is looked at again is no news.

use aws_sdk_sfn::types::ExecutionStatus;
use berth_ledger::Status;
use berth_tests::rig::{Event, Rig, event, event_now, run};
use serde_json::{Value, json};

use crate::alone;

#[test]
fn an_account_that_organizations_does_not_know_is_told_and_leaves_no_record() {
    let (rig, _alone) = alone();
    let account = "141414141414";
    let queue = rig.subscribe(account, Some("Account Onboarding Failed"));
    let (code, text) = rig.berth(&["onboard", account, "--wait"]);
    assert!(code == 1 && text.contains("this organization has no such account"), "{text}");
    let event = rig.until("the event about the failure", || rig.received(&queue));
    assert_eq!(event["detail"]["failure"]["fault"], "InvalidInput", "{event}");
    assert_eq!(rig.record(account), None);
    assert_eq!(rig.berth(&["status", account]).0, 1, "the ledger does not know it");
    let (code, text) = rig.berth(&["forget", account]);
    assert!(code == 0 && text.contains("nothing to forget"), "{text}");
}

#[test]
fn a_stranger_of_an_event_is_forgotten_and_its_next_event_starts_a_new_one() {
    let (rig, _alone) = alone();
    let account = "151515151515";
    let queue = rig.subscribe(account, Some("Account Onboarding Failed"));
    for (generation, body) in [(1, event(Event::Created, account)), (2, event_now(Event::Created, account))] {
        let said = rig.deliver(&[body]);
        assert!(said[0].contains(&format!("{account}-g{generation}")), "{}", said[0]);
        rig.until("the event about the failure", || rig.received(&queue));
        rig.until("the record to be gone", || rig.record(account).is_none().then_some(()));
    }
    assert_eq!(rig.executions(account).len(), 2);
    let (_, list) = rig.berth(&["replay", "--json"]);
    assert!(!list.contains(account), "nothing of it is to be run again: {list}");
}

#[test]
fn what_was_planned_is_not_forgotten_and_what_was_not_is() {
    let (rig, _alone) = alone();
    let account = rig.account("remembered-dev", "dev");
    assert_eq!(run(rig, &account).status, ExecutionStatus::Succeeded);
    assert_eq!(rig.berth(&["forget", &account]).0, 1, "that is offboarding's");
    assert!(rig.record(&account).is_some());
    let ignored = rig.account_with("kept-out-dev", "dev", &json!({ "berth:onboard": "false" }));
    run(rig, &ignored);
    rig.wait_for(&ignored, Status::Ignored);
    let (code, text) = rig.berth(&["forget", &ignored]);
    assert!(code == 0 && text.contains("forgotten"), "{text}");
    assert_eq!(rig.record(&ignored), None);
}

#[test]
fn an_account_found_as_it_was_stays_onboarded_since_then_and_is_no_news() {
    let (rig, _alone) = alone();
    let account = rig.account("steadfast-dev", "dev");
    let queue = rig.subscribe(&account, Some("Account Onboarded"));
    assert_eq!(run(rig, &account).status, ExecutionStatus::Succeeded);
    rig.until("the event about the onboarding", || rig.received(&queue));
    let first = rig.record(&account).unwrap();
    assert_eq!(first.onboarded_since, Some(first.since));

    assert_eq!(run(rig, &account).status, ExecutionStatus::Succeeded);
    let second = rig.record(&account).unwrap();
    assert!(second.since > first.since, "{second:?}");
    assert_eq!(second.onboarded_since, first.onboarded_since);
    let (_, status) = rig.status(&account);
    assert_eq!(status["onboardedSince"], Value::from(first.since.to_string()));
    assert_eq!(status["since"], Value::from(second.since.to_string()));
    let (_, shown) = rig.berth(&["status", &account]);
    assert!(shown.contains(&format!("onboarded  since {}\n", first.since)), "{shown}");
    assert!(shown.contains(&format!("last run   {}\n", second.since)), "{shown}");
    assert_eq!(rig.received(&queue), None, "nothing changed, so nobody is told");

    // After a failure, a good end is news again, although it changes nothing: here the account could not be read.
    let rule = rig.break_calls(&json!({
        "match": { "operation": "DescribeAccount" }, "times": 1,
        "action": { "error": { "code": "AccessDeniedException", "status": 400, "message": "no" } },
    }));
    assert_eq!(run_to_the_end(rig, &account), ExecutionStatus::Failed);
    assert_eq!(rig.fired(rule), 1);
    assert_eq!(run(rig, &account).status, ExecutionStatus::Succeeded);
    rig.until("the event about the account that is well again", || rig.received(&queue));
    assert_eq!(rig.record(&account).unwrap().onboarded_since, first.onboarded_since);
}

/// Runs the account, and waits until the end is announced, also where the ledger keeps what it had.
fn run_to_the_end(rig: &Rig, account: &str) -> ExecutionStatus {
    let execution = rig.start_execution(&json!({ "accountId": account }));
    let ended = rig.ended(&execution);
    rig.until("the end to be announced", || rig.has_announced(std::slice::from_ref(&execution)).then_some(()));
    ended.status
}
