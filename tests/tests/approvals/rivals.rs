//! Whatever asks for the account while a run of it waits starts no second question.

use berth_ledger::Status;
use berth_tests::rig::{Event, event_now};
use serde_json::json;

use crate::{start, turn, waits};

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
