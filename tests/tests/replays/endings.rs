//! Every end of an execution is announced: in the ledger, and by an event with the command that runs it again.

use aws_sdk_sfn::types::ExecutionStatus;
use berth_ledger::Status;
use berth_tests::rig::{Call, Event, HUB, Rig, event};
use serde_json::{Value, json};

use crate::{alone, onboarded::assert_onboarded, squat, unsquat};

/// A rule by which the account's region stays not ready.
fn hold_up(rig: &Rig, account: &str) -> u64 {
    rig.break_calls(&json!({
        "match": { "account": account, "operation": "CreateVpc" },
        "action": { "error": { "code": "OptInRequired", "status": 400, "message": "not yet" } },
    }))
}

/// Waits until the account's execution waits for nothing but its network; its ARN. A role that AWS Backup does not see yet
/// makes a baseline wait too, for a moment.
fn waiting(rig: &Rig, account: &str) -> String {
    rig.until("the execution to wait", || {
        rig.record(account)?;
        let (_, status) = rig.status(account);
        let now = status["execution"]["now"].as_array()?;
        let waits = now.iter().all(|open| open["state"] == "ProvisionVpc" && open["waitsFor"]["fault"] == "NotReady");
        let waits = waits && !now.is_empty();
        waits.then(|| status["executionArn"].as_str().unwrap().to_owned())
    })
}

/// What an `Account Onboarding Failed` event must say, and the ledger and `berth status` with it; then its command is
/// typed as it stands there.
fn announced_and_run_again(rig: &Rig, account: &str, queue: &str, status: &str, fault: &str) -> Value {
    let told = rig.until("the event about the failure", || rig.received(queue));
    let detail = &told["detail"];
    assert_eq!((detail["status"].as_str(), detail["accountId"].as_str()), (Some(status), Some(account)), "{told}");
    let failure = &detail["failure"];
    assert_eq!((failure["state"].as_str(), failure["fault"].as_str()), (Some("ProvisionVpc"), Some(fault)), "{told}");
    for field in ["message", "hint"] {
        assert!(failure[field].as_str().is_some_and(|text| text.len() > 10), "{field} of {told}");
    }
    let record = rig.wait_for(account, Status::Failed);
    assert_eq!(json!(record.failure), *failure);
    assert_eq!(rig.status(account).1["failure"], *failure);
    let command = detail["runAgain"].as_str().unwrap();
    assert_eq!(command, format!("berth replay {account}"));
    let words: Vec<&str> = command.split(' ').skip(1).chain(["--wait", "--json"]).collect();
    let (code, text) = rig.berth(&words);
    assert_eq!(code, 0, "{text}");
    assert_onboarded(
        rig,
        &rig.until("the account to be onboarded", || {
            rig.record(account).filter(|record| record.status == Status::Onboarded)
        }),
    );
    serde_json::from_str(&text).unwrap()
}

#[test]
fn an_execution_that_a_person_stops_is_announced_and_goes_on_by_its_command() {
    let (rig, _alone) = alone();
    let account = rig.account("stopped-staging", "staging");
    let queue = rig.subscribe(&account, Some("Account Onboarding Failed"));
    let rule = hold_up(rig, &account);
    rig.publish(&[event(Event::Created, &account)]);
    let execution = waiting(rig, &account);
    rig.call(HUB, "stepfunctions", "stop_execution", &json!({ "executionArn": execution }));
    assert_eq!(rig.ended(&execution).status, ExecutionStatus::Aborted);
    assert!(rig.fired(rule) > 0);
    let done = announced_and_run_again(rig, &account, &queue, "ABORTED", "Aborted");
    assert_eq!((done[0]["did"].as_str(), done[0]["executionArn"].as_str()), (Some("redriven"), Some(&*execution)));
}

#[test]
fn an_execution_that_times_out_is_announced_and_starts_anew() {
    let (rig, _alone) = alone();
    let account = rig.account("slow-staging", "staging");
    let queue = rig.subscribe(&account, Some("Account Onboarding Failed"));
    let machine = format!("arn:aws:states:us-east-1:{HUB}:stateMachine:berth-onboard-account");
    let described = rig.call(HUB, "stepfunctions", "describe_state_machine", &json!({ "stateMachineArn": machine }));
    let definition = described["definition"].as_str().unwrap();
    let mut short: Value = serde_json::from_str(definition).unwrap();
    short["TimeoutSeconds"] = 12.into();
    // A deployment publishes a version and points the alias to it: onboardings start by the alias.
    let deploy = |definition: &str| {
        let update = json!({ "stateMachineArn": machine, "definition": definition, "publish": true });
        let version = rig.call(HUB, "stepfunctions", "update_state_machine", &update)["stateMachineVersionArn"].clone();
        let alias = json!({
            "stateMachineAliasArn": format!("{machine}:live"),
            "routingConfiguration": [{ "stateMachineVersionArn": version, "weight": 100 }],
        });
        rig.call(HUB, "stepfunctions", "update_state_machine_alias", &alias);
    };
    let rule = hold_up(rig, &account);
    deploy(&short.to_string());
    rig.publish(&[event(Event::Created, &account)]);
    let execution = waiting(rig, &account);
    deploy(definition);
    assert_eq!(rig.ended(&execution).status, ExecutionStatus::TimedOut);
    assert!(rig.fired(rule) > 0);
    let done = announced_and_run_again(rig, &account, &queue, "TIMED_OUT", "States.Timeout");
    assert_eq!(done[0]["did"].as_str(), Some("started"), "a redrive would keep the old definition: {done}");
    assert!(done[0]["text"].as_str().unwrap().contains("deployed"), "{done}");
}

/// Longer than what Step Functions puts into an event: it says that the input is left out.
fn long_input(account: &str) -> Value {
    json!({ "accountId": account, "comment": "x".repeat(249 * 1024) })
}

#[test]
fn an_execution_with_too_long_an_input_for_an_event_is_announced() {
    let (rig, _alone) = alone();
    let ignored = rig.account("wordy", "suspended");
    let queue = rig.subscribe("123123123124", Some("Account Onboarding Failed"));
    for account in ["123123123124", ignored.as_str()] {
        let since = rig.last_call();
        let execution = rig.start_execution(&long_input(account));
        rig.until("the end to be announced", || rig.has_announced(std::slice::from_ref(&execution)).then_some(()));
        let described =
            |call: &&Call| call.function == "berth-announce-outcome" && call.operation == "DescribeExecution";
        let calls = rig.calls(since);
        assert_eq!(calls.iter().filter(described).count(), 1, "{account}: the event did not have the input");
    }
    assert_eq!(rig.record(&ignored).unwrap().status, Status::Ignored);
    let event = rig.until("the event about the failure", || rig.received(&queue));
    let failure = &event["detail"]["failure"];
    assert_eq!((failure["state"].as_str(), failure["fault"].as_str()), (Some("PlanOnboarding"), Some("InvalidInput")));
}

/// The status change of an execution that failed an hour from now, as if its announcement had been under way for long.
fn late_failure(execution: &str, account: &str, generation: u32) -> String {
    let (now, hour) = (jiff::Timestamp::now().as_millisecond(), 3_600_000);
    let input = json!({ "accountId": account, "generation": generation }).to_string();
    let detail = json!({
        "executionArn": execution, "status": "FAILED", "input": input, "startDate": now, "stopDate": now + hour,
    });
    json!({ "detail-type": "Step Functions Execution Status Change", "source": "aws.states", "detail": detail })
        .to_string()
}

#[test]
fn the_late_announcement_of_an_old_failure_is_neither_published_nor_written() {
    let (rig, _alone) = alone();
    let account = rig.account("outdated-staging", "staging");
    let queue = rig.subscribe(&account, Some("Account Onboarding Failed"));
    squat(rig, &account, "outdated");
    rig.publish(&[event(Event::Created, &account)]);
    let old = rig.wait_for(&account, Status::Failed).execution_arn.unwrap();
    let first = rig.until("the event about the failure", || rig.received(&queue));
    assert_eq!(
        (first["detail"]["generation"].as_u64(), first["detail"]["executionArn"].as_str()),
        (Some(1), Some(&*old))
    );
    unsquat(rig, &account, "outdated");
    let asked = json!({ "source": "berth.accounts", "detail-type": "Account Created", "account": HUB,
        "detail": { "version": 1, "accountId": account, "generation": 2 } });
    let _ = rig.deliver(&[asked.to_string()]);
    let known = rig.until("the second onboarding", || {
        rig.record(&account).filter(|record| record.generation == 2 && record.status == Status::Onboarded)
    });

    let outcomes = format!("https://sqs.us-east-1.amazonaws.com/{HUB}/berth-outcomes");
    let message = json!({ "QueueUrl": outcomes, "MessageBody": late_failure(&old, &account, 1) });
    let sent = rig.call(HUB, "sqs", "send_message", &message);
    let said = rig.until("announce-outcome's line", || {
        let id = sent["MessageId"].as_str().unwrap();
        rig.log_lines("berth-announce-outcome").into_iter().find(|line| line.contains(id))
    });
    assert!(said.contains("ended late") && said.contains("onboarding 2"), "{said}");
    assert_eq!((rig.received(&queue), rig.record(&account)), (None, Some(known)));
}
