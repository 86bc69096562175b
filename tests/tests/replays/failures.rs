//! An account that failed is run again: by redrive where its execution resumes, anew where it does not.

use aws_sdk_sfn::types::ExecutionStatus;
use berth_ledger::Status;
use berth_tests::rig::{Event, Rig, event};
use serde_json::{Value, json};

use crate::{alone, listed, onboarded::assert_onboarded, squat, unsquat};

/// The second region of the environment `dev`.
const EAST: &str = "eu-central-1";

/// A rule by which `CreateVpc` in that region answers an error.
fn refuse(rig: &Rig, account: &str, code: &str) -> u64 {
    rig.break_calls(&json!({
        "match": { "account": account, "region": EAST, "operation": "CreateVpc" },
        "action": { "error": { "code": code, "status": 400, "message": "not here" } },
    }))
}

/// Fails in one region after everything else of the account has ended; what `berth status` says meanwhile.
fn fail_in_one_region(rig: &Rig, account: &str) -> Value {
    let waits = refuse(rig, account, "OptInRequired");
    rig.publish(&[event(Event::Created, account)]);
    let status = rig.until("everything but one region to end", || {
        rig.record(account)?;
        let (_, status) = rig.status(account);
        let now = status["execution"]["now"].as_array()?;
        let last = now.len() == 1 && now[0]["state"] == "ProvisionVpc" && now[0]["region"] == EAST;
        // Of the other region, its roles and its baseline nothing is open any more.
        let entered = rig.transitions(status["executionArn"].as_str()?);
        let attached = entered.iter().any(|state| state == "AttachTransitGateway");
        (last && attached && !now[0]["waitsFor"].is_null()).then_some(status)
    });
    let denied = refuse(rig, account, "InsufficientCidrBlocks");
    assert!(rig.fired(waits) > 0, "the region was really not ready");
    rig.wait_for(account, Status::Failed);
    assert!(rig.fired(denied) > 0, "the call was really refused");
    status
}

#[test]
fn a_replay_goes_on_at_the_failed_state_and_repeats_nothing() {
    let (rig, _alone) = alone();
    let account = rig.account("resumed-dev", "dev");
    let status = fail_in_one_region(rig, &account);
    let waits = &status["execution"]["now"][0]["waitsFor"];
    assert_eq!((waits["fault"].as_str(), status["status"].as_str()), (Some("NotReady"), Some("running")), "{status}");
    assert!(waits["message"].as_str().unwrap().contains("OptInRequired"), "{status}");

    let failed = rig.record(&account).unwrap();
    let execution = failed.execution_arn.clone().unwrap();
    let failure = failed.failure.unwrap();
    assert_eq!((failure.state.as_str(), failure.fault.as_str()), ("ProvisionVpc", "InvalidInput"));
    let (code, status) = rig.status(&account);
    let command = format!("berth replay {account}");
    assert_eq!((code, status["runAgain"].as_str()), (1, Some(command.as_str())));
    let listed: Vec<Value> = listed(rig).into_iter().filter(|line| line["accountId"] == *account).collect();
    let [line] = listed.as_slice() else { panic!("exactly one: {listed:?}") };
    assert_eq!((line["kind"].as_str(), line["id"].as_str()), (Some("execution"), Some(account.as_str())));
    assert_eq!((line["state"].as_str(), line["fault"].as_str()), (Some("ProvisionVpc"), Some("InvalidInput")));

    let (before, since) = (rig.transitions(&execution), rig.last_call());
    let (code, text) = rig.berth(&["replay", &account, "--wait", "--json"]);
    let done: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, done[0]["did"].as_str()), (0, Some("redriven")), "{done}");
    assert_eq!(done[0]["executionArn"], *execution);
    let record = rig.wait_for(&account, Status::Onboarded);
    assert_eq!((record.execution_arn.as_deref(), record.generation), (Some(execution.as_str()), failed.generation));
    assert_onboarded(rig, &record);
    assert_eq!(rig.executions(&account), std::slice::from_ref(&execution), "no other execution did it");

    let after = rig.transitions(&execution);
    assert_eq!(after[..before.len()], before, "one history");
    let again = &after[before.len()..];
    for state in ["PlanOnboarding", "CreateTenantRoles"] {
        assert!(!again.iter().any(|entered| entered == state), "{state} had ended: {again:?}");
    }
    for state in ["ProvisionVpc", "AttachTransitGateway", "CommitTenant"] {
        assert_eq!(again.iter().filter(|entered| *entered == state).count(), 1, "{state} in {again:?}");
    }
    let calls = rig.calls(since);
    let region_that_had_ended = |call: &&berth_tests::rig::Call| call.account == *account && call.region == "eu-west-1";
    let repeated: Vec<_> = calls.iter().filter(region_that_had_ended).collect();
    assert!(repeated.is_empty(), "{repeated:#?}");
    let left = crate::listed(rig).into_iter().find(|line| line["accountId"] == *account);
    assert_eq!(left, None, "nothing of it is left to run again");
}

#[test]
fn a_failure_is_one_before_the_redrive_while_a_redriven_execution_runs() {
    let (rig, _alone) = alone();
    let account = rig.account("revived-staging", "staging");
    squat(rig, &account, "revived");
    rig.publish(&[event(Event::Created, &account)]);
    let failed = rig.wait_for(&account, Status::Failed);
    let (failure, execution) = (failed.failure.unwrap(), failed.execution_arn.unwrap());
    unsquat(rig, &account, "revived");
    let hold = rig.break_calls(&json!({
        "match": { "account": account, "function": "berth-create-tenant-roles" }, "action": { "hold": true },
    }));
    let (code, text) = rig.berth(&["status", &account]);
    let current = [format!("  failed in  {}", failure.state), format!("  next       {}", failure.hint)];
    assert!(code == 1 && current.iter().all(|line| text.contains(line)), "{text}");
    assert!(!text.contains("before the redrive"), "{text}");

    // As a person does in the console, or with the AWS CLI: no command of Berth knows of it.
    rig.redrive(&execution);
    rig.until("its function to be asked again", || (rig.fired_so_far(hold) > 0).then_some(()));
    for command in [["status", account.as_str()].as_slice(), &["replay", "show", &account]] {
        let (code, text) = rig.berth(command);
        assert_eq!(code, 0, "nobody knows how it ends: {text}");
        assert!(text.contains("it was redriven, and is running again"), "{text}");
        for part in [&failure.fault, &failure.hint] {
            let lines: Vec<&str> = text.lines().filter(|line| line.contains(part.as_str())).collect();
            assert!(lines.iter().all(|line| line.starts_with("  before the redrive ")), "{part}: {text}");
            assert_eq!(lines.len(), 1, "{part}: {text}");
        }
        assert!(!text.contains("run again"), "{text}");
    }
    let (code, status) = rig.status(&account);
    assert_eq!((code, &status["failedBeforeRedrive"], &status["runAgain"]), (0, &json!(true), &Value::Null));
    assert_eq!(status["failure"]["fault"], failure.fault.as_str(), "scripts still find it: {status}");
    let (_, table) = rig.berth(&["status"]);
    let line = table.lines().find(|line| line.contains(&account)).unwrap();
    assert!(line.contains("failed") && line.contains("redriven, running again"), "{table}");
    let (_, all) = rig.berth(&["status", "--json"]);
    let all: Value = serde_json::from_str(&all).unwrap();
    let own = all.as_array().unwrap().iter().find(|each| each["accountId"] == *account).unwrap();
    assert_eq!(own["failedBeforeRedrive"], true, "{own}");

    rig.mend(hold);
    assert!(rig.fired(hold) > 0, "there was time to look");
    rig.until("it to be onboarded", || rig.record(&account).filter(|record| record.status == Status::Onboarded));
    let (code, text) = rig.berth(&["status", &account]);
    assert!(code == 0 && !text.contains("before the redrive") && !text.contains(&failure.hint), "{text}");
}

#[test]
fn an_execution_that_cannot_be_redriven_any_more_starts_anew() {
    let (rig, _alone) = alone();
    let account = rig.account("expired-staging", "staging");
    squat(rig, &account, "expired");
    rig.publish(&[event(Event::Created, &account)]);
    let failed = rig.wait_for(&account, Status::Failed);
    unsquat(rig, &account, "expired");
    // What Step Functions answers 14 days after the end.
    let too_old = rig.break_calls(&json!({
        "match": { "operation": "RedriveExecution" },
        "action": { "error": { "code": "ExecutionNotRedrivable", "status": 400, "message": "exceeded 14 days" } },
    }));
    let (code, text) = rig.berth(&["replay", &account, "--wait", "--json"]);
    assert_eq!(rig.fired(too_old), 1, "the redrive was tried, and refused");
    let done: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, done[0]["did"].as_str()), (0, Some("started")), "{done}");
    let execution = done[0]["executionArn"].as_str().unwrap();
    assert_ne!(Some(execution), failed.execution_arn.as_deref());
    let record = rig.wait_for_outcome(&account, execution);
    assert_eq!((record.status, record.generation), (Status::Onboarded, failed.generation + 1));
    assert_onboarded(rig, &record);
    assert_eq!(rig.executions(&account).len(), 2);
}

#[test]
fn what_did_not_fail_is_not_run_again_and_the_command_says_so() {
    let (rig, _alone) = alone();
    let account = rig.account("fine", "suspended");
    rig.publish(&[event(Event::Created, &account)]);
    rig.wait_for(&account, Status::Ignored);
    let (code, text) = rig.berth(&["replay", &account]);
    assert_eq!((code, text.as_str()), (1, ""), "it is said on standard error");
    assert_eq!(rig.executions(&account).len(), 1);
    assert_eq!(rig.berth(&["replay", "--all", "--fault", "Denied"]).0, 0);
    let ended = rig.ended(&rig.executions(&account)[0]);
    assert_eq!(ended.status, ExecutionStatus::Succeeded);
}
