//! The way from the state machine through the queue into commits.

use std::collections::BTreeSet;

use aws_sdk_sfn::types::ExecutionStatus;
use berth_tests::rig::{HUB, Rig};
use serde_json::{Value, json};

use crate::alone;

fn onboard_at_once(rig: &Rig, prefix: &str, count: usize) -> (Vec<String>, BTreeSet<String>) {
    let names: Vec<String> = (0..count).map(|number| format!("{prefix}{number}-staging")).collect();
    let accounts = rig.accounts(&names, "staging");
    let start = |account: &String| rig.start_execution(&json!({ "accountId": account }));
    let executions: Vec<String> = accounts.iter().map(start).collect();
    let mut shas = BTreeSet::new();
    for (execution, account) in executions.iter().zip(&accounts) {
        let ended = rig.ended(execution);
        assert_eq!(ended.status, ExecutionStatus::Succeeded, "{ended:?}");
        let commit = &ended.output["commit"];
        let (sha, path) = (commit["sha"].as_str().unwrap(), commit["path"].as_str().unwrap());
        assert!(rig.is_on_main(sha) && rig.file(sha, path).contains(account), "{commit}");
        shas.insert(sha.to_owned());
    }
    (accounts, shas)
}

#[test]
fn a_queue_that_fails_for_a_while_delays_the_commit_and_makes_it_once() {
    let (rig, _alone) = alone();
    let account = rig.account("delayed-staging", "staging");
    let rule = rig.break_calls(&json!({
        "match": { "service": "sqs", "operation": "SendMessage", "plumbing": true },
        "action": { "error": { "code": "InternalError", "status": 500, "message": "an internal error of SQS" } },
        "times": 3,
    }));
    let execution = rig.start_execution(&json!({ "accountId": account }));
    let ended = rig.ended(&execution);
    assert_eq!((ended.status, rig.fired(rule)), (ExecutionStatus::Succeeded, 3));
    let of_the_queue =
        rig.failures(&execution).into_iter().filter(|error| error.starts_with("SQS.")).collect::<Vec<_>>();
    assert_eq!(of_the_queue, ["SQS.AmazonSQSException"; 3]);
    let path = ended.output["commit"]["path"].as_str().unwrap();
    assert_eq!(rig.commits(path).len(), 1);
}

#[test]
fn with_batching_off_accounts_that_come_at_once_have_a_commit_each() {
    let (rig, _alone) = alone();
    let name = "berth-commit-tenant";
    let listed = rig.call(HUB, "lambda", "list_event_source_mappings", &json!({ "FunctionName": name }));
    let [mapping] = listed["EventSourceMappings"].as_array().unwrap().as_slice() else { panic!("{listed}") };
    let batches = |size: &Value, window: &Value| {
        let changed = json!({ "UUID": mapping["UUID"], "BatchSize": size, "MaximumBatchingWindowInSeconds": window });
        rig.call(HUB, "lambda", "update_event_source_mapping", &changed);
        rig.refresh();
    };
    // As the template has it for CommitBatching: single.
    batches(&json!(1), &json!(0));
    let (accounts, shas) = onboard_at_once(rig, "alone", 4);
    batches(&mapping["BatchSize"], &mapping["MaximumBatchingWindowInSeconds"]);
    assert_eq!(shas.len(), accounts.len());
    let commits = rig.accounts_by_commit();
    let ours: Vec<_> =
        commits.iter().filter(|commit| accounts.iter().any(|account| commit.contains(account))).collect();
    assert_eq!(ours.len(), accounts.len());
    assert!(ours.iter().all(|commit| commit.len() == 1), "{ours:?}");
    // And on again.
    let (accounts, shas) = onboard_at_once(rig, "together", 4);
    assert!(shas.len() < accounts.len(), "{shas:?}");
}
