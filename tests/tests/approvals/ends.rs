//! What ends a wait, beside an answer.

use aws_sdk_sfn::types::ExecutionStatus;
use berth_ledger::Status;
use berth_tests::rig::MANAGEMENT;
use serde_json::json;

use crate::{assert_untouched, drifted, start, turn, waits};

#[test]
fn an_account_that_is_closed_while_it_waits_is_left_alone() {
    let (rig, _turn) = turn(json!("always"));
    let account = rig.account("closing-staging", "staging");
    let run = start(rig, &account);
    waits(rig, &account, 1);
    rig.call(MANAGEMENT, "organizations", "close_account", &json!({ "AccountId": account }));
    let since = rig.last_call();
    let (code, _, errors) = rig.berth_as("mia", &["approve", &account]);
    assert_eq!(code, 0, "{errors}");
    let ended = rig.ended(&run);
    assert_eq!((ended.status, &ended.output["decision"]), (ExecutionStatus::Succeeded, &json!("ignore")));
    let record = rig.wait_for(&account, Status::Ignored);
    assert!(record.reason.unwrap().contains("not ACTIVE") && record.lease.is_none());
    assert_untouched(rig, since, "an account that is closed");
    let (code, _, errors) = rig.berth_said(&["approve", &account]);
    assert!(code == 1 && errors.contains("already; it is ignored"), "{code} {errors}");
}

#[test]
fn an_offboarding_ends_the_wait_of_a_run() {
    let (rig, _turn) = turn(json!("always"));
    let (account, run) = drifted(rig, "parting");
    waits(rig, &account, 1);
    let leaving = rig.start_offboarding(&account);
    assert_eq!(rig.ended(&run).error.as_deref(), Some("Superseded"));
    assert_eq!(rig.ended(&leaving).status, ExecutionStatus::Succeeded);
    let record = rig.wait_for(&account, Status::Offboarded);
    assert!(record.approval.is_none(), "{record:?}");
    let (code, _, errors) = rig.berth_said(&["approve", &account]);
    let says = "nothing of the account waits for an approval: it is offboarded";
    assert!(code == 1 && errors.contains(says), "{code} {errors}");
}

#[test]
fn a_run_that_is_stopped_waits_no_more() {
    let (rig, _turn) = turn(json!("always"));
    let (account, run) = drifted(rig, "halted");
    waits(rig, &account, 1);
    rig.stop(&run);
    rig.wait_for(&account, Status::Failed);
    let (code, _, errors) = rig.berth_said(&["approve", &account]);
    assert!(code == 1 && errors.contains("the run that asked is over"), "{code} {errors}");
    rig.redrive(&run);
    let asked = rig.until("the question of the redriven run", || {
        rig.record(&account)?.approval.filter(|approval| approval.revision > 1)
    });
    assert_eq!((asked.question, asked.counts.sum()), (1, 1), "the same question, of a plan that was made anew");
    let (code, _, errors) = rig.berth_as("mia", &["approve", &account]);
    assert_eq!(code, 0, "{errors}");
    assert_eq!(rig.ended(&run).changes().len(), 1);
    rig.wait_for(&account, Status::Onboarded);
}
