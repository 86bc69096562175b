//! Several executions of one account at once, and several invocations of one step: a step may be retried while its first
//! try still runs, and may outlive its execution.

use aws_sdk_sfn::types::ExecutionStatus;
use berth_tests::rig::{Call, Ended, Rig};
use serde_json::{Value, json};

use crate::{WEST, attachments, changing, onboarded, run, turn};

/// Executions of one account at once.
const RIVALS: usize = 4;

/// Invocations at once, and how often each is repeated at most.
const RACERS: usize = 4;
const TRIES_MAX: usize = 200;

#[test]
fn invocations_that_race_on_one_attachment_make_one_and_all_prove_it() {
    let (rig, _turn) = turn();
    let account = rig.account("raced-staging", "staging");
    let refused = json!({
        "match": { "account": account, "operation": "CreateTransitGatewayVpcAttachment" },
        "action": { "error": { "code": "TransitGatewayAttachmentLimitExceeded", "status": 400, "message": "full" } },
    });
    let rule = rig.break_calls(&refused);
    let failed = run(rig, &account);
    assert_eq!((failed.status, failed.error.as_deref()), (ExecutionStatus::Failed, Some("InvalidInput")));
    assert!(rig.fired(rule) >= 1);
    assert!(attachments(rig, &account).is_empty());

    // The failed execution keeps its lease, so its step may be invoked again, as a redrive would.
    let payload = rig.payload(&failed.arn, "attach-transit-gateway");
    let race = || {
        let mut faults = Vec::new();
        while faults.len() < TRIES_MAX {
            let (answer, failed) = rig.invoke("berth-attach-transit-gateway", &payload);
            if !failed {
                return (answer, faults);
            }
            faults.push(answer["errorType"].as_str().unwrap_or_default().to_owned());
        }
        panic!("{TRIES_MAX} tries did not end: {faults:?}");
    };
    let ends: Vec<(Value, Vec<String>)> = std::thread::scope(|threads| {
        let racers: Vec<_> = (0..RACERS).map(|_| threads.spawn(race)).collect();
        racers.into_iter().map(|racer| racer.join().unwrap()).collect()
    });
    let made = attachments(rig, &account);
    let [attachment] = made.as_slice() else { panic!("exactly one attachment, not {made:#?}") };
    for (answer, faults) in &ends {
        assert_eq!(answer["attachmentId"], attachment["TransitGatewayAttachmentId"]);
        let proof = |end: &Value| {
            let mut proof = end["isolation"].clone();
            assert!(proof.as_object_mut().unwrap().remove("provenAt").is_some(), "each says when it looked");
            proof
        };
        assert_eq!(proof(answer), proof(&ends[0].0));
        let other: Vec<&String> =
            faults.iter().filter(|fault| !["NotReady", "Conflict"].contains(&fault.as_str())).collect();
        assert!(other.is_empty(), "{other:?}");
    }
    let seen = &rig.world(&account).regions["eu-west-1"];
    assert_eq!(seen.attachments[0].associated_with.as_ref(), Some(&seen.spoke_table));
    assert_eq!((seen.attachments[0].propagated_to.len(), seen.routes.len()), (1, 1));
    rig.redrive(&failed.arn);
    assert_eq!(rig.ended(&failed.arn).status, ExecutionStatus::Succeeded);
}

/// The same for one that its successor waits for, because it sees that the call was begun: longer than the lease is believed
/// to be confirmed, shorter than the successor waits here.
const AWAITED_MS: u64 = 5_500;

/// One VPC, one attachment, one association and one propagation are there, and were made by one call each.
fn assert_one_of_each(rig: &Rig, account: &str, executions: &[&str]) {
    let world = rig.world(account);
    let west = &world.regions[WEST];
    let ([_], [attachment]) = (west.vpcs.as_slice(), west.attachments.as_slice()) else { panic!("{west:#?}") };
    assert_eq!(attachment.associated_with.as_ref(), Some(&west.spoke_table));
    assert_eq!(attachment.propagated_to, std::slice::from_ref(&west.shared_table));
    let mut calls: Vec<Call> = executions.iter().flat_map(|execution| rig.calls_of(execution)).collect();
    // A superseded invocation names its successor, so its calls count as those of both.
    calls.sort_by_key(|call| call.seq);
    calls.dedup_by_key(|call| call.seq);
    for operation in [
        "CreateVpc",
        "CreateTransitGatewayVpcAttachment",
        "AssociateTransitGatewayRouteTable",
        "EnableTransitGatewayRouteTablePropagation",
    ] {
        let made = calls.iter().filter(|call| call.operation == operation && call.error.is_empty());
        assert_eq!(made.count(), 1, "{operation}");
    }
}

#[test]
fn executions_that_start_at_once_make_one_attachment() {
    let (rig, _turn) = turn();
    let account = rig.account("rivals-staging", "staging");
    let ends: Vec<Ended> = std::thread::scope(|threads| {
        let start = || rig.ended(&rig.start_execution(&json!({ "accountId": account })));
        let rivals: Vec<_> = (0..RIVALS).map(|_| threads.spawn(start)).collect();
        rivals.into_iter().map(|rival| rival.join().unwrap()).collect()
    });
    let acted = |end: &&Ended| !changing(rig, &end.arn).is_empty();
    assert_eq!(ends.iter().filter(acted).count(), 1, "one has the lease: {ends:#?}");
    for end in &ends {
        assert_eq!(end.status, ExecutionStatus::Succeeded, "{end:?}");
        let decision = end.output["decision"].as_str().unwrap();
        assert_eq!(decision == "onboard", acted(&end), "the others are duplicates: {end:?}");
    }
    let executions: Vec<&str> = ends.iter().map(|end| end.arn.as_str()).collect();
    assert_one_of_each(rig, &account, &executions);
}

fn session_of(execution: &str) -> String {
    format!("berth-{}", execution.rsplit(':').next().unwrap())
}

/// Calls of an operation that a session made, whether they have ended or not.
fn calls(rig: &Rig, session: &str, operation: &str) -> Vec<Call> {
    let calls = rig.calls(0).into_iter();
    calls.filter(|call| call.operation == operation && call.session == session).collect()
}

/// Stops an execution while its call of `operation` is under way, and holds that until its successor made the same call.
fn race(rig: &Rig, account: &str, operation: &str, refusal: &str) {
    let late = rig.start_execution(&json!({ "accountId": account }));
    let session = session_of(&late);
    let held = rig.break_calls(&json!({
        "match": { "session": session, "operation": operation }, "action": { "hold": true },
    }));
    rig.until("the call that comes late", || (rig.fired_so_far(held) > 0).then_some(()));
    rig.stop(&late);
    let successor = rig.start_execution(&json!({ "accountId": account }));
    let ended = rig.ended(&successor);
    assert_eq!(ended.status, ExecutionStatus::Succeeded, "{ended:?}");
    rig.wait_for_outcome(account, &successor);
    rig.mend(held);
    rig.until("the end of the invocation whose call came late", || {
        let request = calls(rig, &session, operation).first()?.request_id.clone();
        let lines = rig.log_lines("berth-attach-transit-gateway");
        lines.iter().any(|line| line.contains(&request) && line.contains("\"outcome\"")).then_some(())
    });
    // What it has given up waiting for may still take effect.
    rig.settle();
    assert!(rig.fired(held) > 0);

    let errors =
        |session: &str| -> Vec<String> { calls(rig, session, operation).into_iter().map(|call| call.error).collect() };
    assert_eq!(errors(&session_of(&successor)), [""], "the successor's call came first");
    let refused = errors(&session);
    assert!(!refused.is_empty() && refused.iter().all(|error| error == refusal), "{operation}: {refused:?}");
    assert_one_of_each(rig, account, &[&late, &successor]);
}

#[test]
fn a_stale_writers_late_calls_change_nothing() {
    let (rig, _turn) = turn();
    let accounts = rig.accounts(&["attaching-staging".to_owned(), "joining-staging".to_owned()], "staging");
    std::thread::scope(|threads| {
        let calls = [
            ("CreateTransitGatewayVpcAttachment", "DuplicateTransitGatewayAttachment"),
            ("AssociateTransitGatewayRouteTable", "Resource.AlreadyAssociated"),
        ];
        for (account, (operation, refusal)) in accounts.iter().zip(calls) {
            threads.spawn(move || race(rig, account, operation, refusal));
        }
    });
    for account in &accounts {
        let again = onboarded(rig, account);
        assert!(again.changes().is_empty() && changing(rig, &again.arn).is_empty(), "{:?}", again.changes());
    }
}

#[test]
fn a_late_vpc_is_adopted_by_the_successor() {
    let (rig, _turn) = turn();
    let account = rig.account("bequeathed-staging", "staging");
    let late = rig.start_execution(&json!({ "accountId": account }));
    let session = session_of(&late);
    let slow = rig.break_calls(&json!({
        "match": { "session": session, "operation": "CreateVpc" }, "action": { "delay_ms": AWAITED_MS },
    }));
    rig.until("the call that comes late", || (rig.fired_so_far(slow) > 0).then_some(()));
    rig.stop(&late);
    let successor = rig.start_execution(&json!({ "accountId": account }));
    rig.until("the takeover", || rig.record(&account).filter(|record| record.lease.as_ref() == Some(&successor)));
    let ended = rig.ended(&successor);
    assert_eq!(ended.status, ExecutionStatus::Succeeded, "{ended:?}");
    rig.wait_for_outcome(&account, &successor);
    assert_eq!(rig.fired(slow), 1);

    assert_one_of_each(rig, &account, &[&late, &successor]);
    assert!(calls(rig, &session_of(&successor), "CreateVpc").is_empty(), "the successor waited for the other one's");
    let lines = rig.log_lines("berth-provision-vpc");
    let superseded = |line: &&String| line.contains(&late) && line.contains(r#""fault":"Superseded""#);
    assert_eq!(lines.iter().filter(superseded).count(), 1, "and the other one saw that it has no lease any more");
    let mine = changing(rig, &late).into_iter().filter(|call| call.function == "berth-provision-vpc");
    assert_eq!(mine.map(|call| call.operation).collect::<Vec<_>>(), ["CreateVpc"]);
    let again = onboarded(rig, &account);
    assert!(again.changes().is_empty() && changing(rig, &again.arn).is_empty(), "{:?}", again.changes());
}
