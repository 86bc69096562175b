//! Whatever asks for the account while a run of it waits starts no second question.

use berth_ledger::Status;
use berth_tests::rig::{Event, Rig, event, event_now};
use serde_json::json;

use crate::{drifted, start, turn, waits};

#[test]
fn duplicates_events_and_the_sweep_know_the_wait() {
    let (rig, _turn) = turn(json!("always"));
    let account = rig.account("sought-staging", "staging");
    let run = start(rig, &account);
    let asked = waits(rig, &account, 1);
    let second = rig.ended(&start(rig, &account));
    assert_eq!(second.output["decision"], "duplicate");
    let reason = second.output["reason"].as_str().unwrap();
    assert!(reason.contains(&run) && reason.contains("waits for an approval of its plan"), "{reason}");
    let _ = rig.enqueue(&[event_now(Event::Updated, &account)]);
    let minutes = json!({ "missingAfterMinutes": 0, "stuckAfterMinutes": 0, "failedAfterMinutes": 0 });
    let (report, failed) = rig.invoke("berth-sweep-accounts", &minutes);
    assert!(!failed && !report["asked"].to_string().contains(&account), "{report}");
    let plan = rig.ended(&rig.start_execution(&json!({ "accountId": account, "mode": "plan" })));
    assert_eq!(plan.output["decision"], "onboard", "whoever plans may, and asks nobody");
    let record = rig.record(&account).unwrap();
    assert_eq!((record.generation, record.approval.as_ref()), (1, Some(&asked)));
    let running = |execution: &String| rig.execution_status(execution).is_some_and(|s| s.as_str() == "RUNNING");
    assert_eq!(rig.executions(&account).into_iter().filter(running).collect::<Vec<_>>(), [run.clone()]);
    assert_eq!(rig.berth_as("mia", &["approve", &account, "--plan", &asked.plan]).0, 0);
    let _ = rig.ended(&run);
    rig.wait_for(&account, Status::Onboarded);
}

/// Executions of the account that are not over.
fn running(rig: &Rig, account: &str) -> Vec<String> {
    let is_running = |execution: &String| rig.execution_status(execution).is_some_and(|s| s.as_str() == "RUNNING");
    rig.executions(account).into_iter().filter(is_running).collect()
}

#[test]
fn a_replay_while_a_run_waits_asks_nobody_a_second_time() {
    let (rig, _turn) = turn(json!("always"));
    let account = rig.account("replayed-staging", "staging");
    rig.publish(&[event(Event::Created, &account)]);
    let asked = waits(rig, &account, 1);
    let run = asked.execution.clone();
    let (code, text, errors) = rig.berth_said(&["replay", &account]);
    assert!(text.contains(&account) || errors.contains(&account), "{code} {text} {errors}");
    let says = "onboarding 1 is under way";
    let duplicates = || rig.log_lines("berth-accept-event").iter().filter(|line| line.contains(says)).count();
    let before = duplicates();
    let (code, text) = rig.berth(&["replay", "--archive", "--from", "2026-01-01", "--wait"]);
    assert_eq!(code, 0, "{text}");
    rig.until("the event to be handled again", || (duplicates() > before).then_some(()));
    let record = rig.record(&account).unwrap();
    assert_eq!((record.waiting(), record.generation), (Some(&asked), 1));
    assert_eq!(running(rig, &account), [run.clone()]);
    assert_eq!(rig.berth_as("mia", &["approve", &account, "--plan", &asked.plan]).0, 0);
    assert_eq!(rig.ended(&run).error, None);
    rig.wait_for(&account, Status::Onboarded);
}

#[test]
fn a_replay_of_a_run_that_failed_while_it_asked_asks_the_same_once() {
    let (rig, _turn) = turn(json!("always"));
    let (account, run) = drifted(rig, "resumed");
    let first = waits(rig, &account, 1);
    rig.stop(&run);
    rig.wait_for(&account, Status::Failed);
    for _ in 0..2 {
        let (code, text, errors) = rig.berth_said(&["replay", &account]);
        assert!(code == 0 || errors.contains(&account), "{code} {text} {errors}");
    }
    let again = rig
        .until("the question", || rig.record(&account)?.waiting().filter(|asked| asked.asked > first.asked).cloned());
    assert_eq!((&again.plan, again.question), (&first.plan, 1));
    assert_eq!(running(rig, &account), [again.execution.clone()], "one run waits");
    assert_eq!(rig.berth_as("mia", &["approve", &account, "--plan", &again.plan]).0, 0);
    assert_eq!(rig.ended(&again.execution).changes().len(), 1);
    rig.wait_for(&account, Status::Onboarded);
}
