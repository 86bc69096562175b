//! An execution whose history has more than one page: announce-outcome reads back until it finds the state that failed.

use berth_tests::rig::{HUB, Rig};
use serde_json::{Value, json};

use crate::alone;

/// The state that fails, entered before everything of the other branch.
const FAILS: &str = "WaitForSomebody";

/// What announce-outcome asks for at once.
const PAGE_EVENTS: usize = 1000;

/// A machine of which one branch waits for a task token while the other one makes events enough for two pages.
fn definition(queue: &str) -> Value {
    let token = "{% $states.context.Task.Token %}";
    json!({ "QueryLanguage": "JSONata", "StartAt": "Both", "States": { "Both": { "Type": "Parallel", "End": true, "Branches": [
        { "StartAt": FAILS, "States": { FAILS: {
            "Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken", "End": true,
            "Arguments": { "QueueUrl": queue, "MessageBody": { "taskToken": token } },
        } } },
        { "StartAt": "Many", "States": { "Many": {
            "Type": "Map", "End": true, "Items": "{% [1..300] %}",
            "ItemProcessor": { "ProcessorConfig": { "Mode": "INLINE" }, "StartAt": "One", "States": {
                "One": { "Type": "Pass", "End": true },
            } },
        } } },
    ] } } })
}

fn states(rig: &Rig, operation: &str, parameters: &Value) -> Value {
    rig.call(HUB, "stepfunctions", operation, parameters)
}

/// How many events an execution has.
fn events(rig: &Rig, execution: &str) -> usize {
    let newest = json!({ "executionArn": execution, "reverseOrder": true, "maxResults": 1 });
    let id = states(rig, "get_execution_history", &newest)["events"][0]["id"].as_u64().unwrap();
    usize::try_from(id).unwrap()
}

#[test]
fn the_state_that_failed_is_found_on_a_later_page_of_the_history() {
    let (rig, _alone) = alone();
    let account = rig.account("longwinded-staging", "staging");
    let queue = rig.call(HUB, "sqs", "create_queue", &json!({ "QueueName": "somebody" }))["QueueUrl"].clone();
    let machines = states(rig, "list_state_machines", &json!({}));
    let berths = json!({ "stateMachineArn": machines["stateMachines"][0]["stateMachineArn"] });
    let role = states(rig, "describe_state_machine", &berths)["roleArn"].clone();
    let definition = definition(queue.as_str().unwrap()).to_string();
    let made = json!({ "name": "long-history", "definition": definition, "roleArn": role });
    let machine = states(rig, "create_state_machine", &made)["stateMachineArn"].clone();
    let input = json!({ "accountId": account }).to_string();
    let started = states(rig, "start_execution", &json!({ "stateMachineArn": machine, "input": input }));
    let execution = started["executionArn"].as_str().unwrap();
    let token = rig.until("the task's token", || {
        let message = rig.call(HUB, "sqs", "receive_message", &json!({ "QueueUrl": queue }));
        let body: Value = serde_json::from_str(message["Messages"][0]["Body"].as_str()?).unwrap();
        Some(body["taskToken"].clone())
    });
    rig.until("more than a page of events", || (events(rig, execution) > PAGE_EVENTS + 100).then_some(()));
    let cause = json!({ "errorType": "InvalidInput", "errorMessage": "somebody said no\nNext: ask somebody else" });
    let failure = json!({ "taskToken": token, "error": "InvalidInput", "cause": cause.to_string() });
    states(rig, "send_task_failure", &failure);
    assert_eq!(rig.ended(execution).error.as_deref(), Some("InvalidInput"));

    // Of what its role may read, this machine is none.
    let read = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "states:GetExecutionHistory", "Resource": execution,
    }] });
    let policy = json!({ "RoleName": "berth-announce-outcome", "PolicyName": "long-history" });
    let mut put = policy.clone();
    put["PolicyDocument"] = json!(read.to_string());
    rig.call(HUB, "iam", "put_role_policy", &put);
    let since = rig.last_call();
    let detail = json!({
        "executionArn": execution, "status": "FAILED", "input": input,
        "startDate": 1_796_000_000_000_u64, "stopDate": 1_796_000_001_000_u64,
    });
    let record = json!({
        "messageId": "long", "receiptHandle": "long", "body": json!({ "detail": detail }).to_string(), "attributes": {},
        "messageAttributes": {}, "eventSource": "aws:sqs", "awsRegion": "us-east-1",
        "eventSourceARN": format!("arn:aws:sqs:us-east-1:{HUB}:berth-outcomes"),
    });
    let (answer, failed) = rig.invoke("berth-announce-outcome", &json!({ "Records": [record] }));
    rig.call(HUB, "iam", "delete_role_policy", &policy);
    assert!(!failed && answer["batchItemFailures"] == json!([]), "{answer}");
    let pages = rig.calls(since).into_iter().filter(|call| call.operation == "GetExecutionHistory").count();
    assert_eq!(pages, 2, "the first page does not have it");
    let failure = rig.record(&account).unwrap().failure.unwrap();
    assert_eq!((failure.state.as_str(), failure.message.as_str()), (FAILS, "somebody said no"));
    assert_eq!(failure.hint, "ask somebody else");
}
