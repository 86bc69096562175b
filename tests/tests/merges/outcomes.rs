//! What becomes of an onboarding when people merge its pull request, close it, or do nothing.

use aws_sdk_sfn::types::ExecutionStatus;
use berth_tests::rig::LetIn;
use serde_json::{Value, json};

use crate::{Proposed, alone, completed, proposed, proposed_again, waits_for_merge};

#[test]
fn a_merge_completes_the_onboarding_and_the_sweep_lets_it_wait() {
    let (rig, _alone) = alone();
    let Proposed { account, execution, pull } = proposed(rig, "reviewed-staging", "staging");
    rig.complete_merges();
    assert_eq!(rig.status(&account).1["status"], "running", "nobody merged it yet");
    assert!(rig.files_naming(&account).is_empty());
    assert_eq!(rig.let_in(&account), LetIn::default(), "access follows the merge");
    // Whatever the limits: who waits for a person is not stuck.
    let (_, swept) = rig.berth(&["sweep", "--dry-run", "--stuck-after", "0", "--missing-after", "0", "--json"]);
    let swept: Value = serde_json::from_str(&swept).unwrap();
    assert!(swept["left"]["underWay"].as_u64().unwrap() > 0, "{swept}");
    assert!(!swept["asked"].to_string().contains(&account), "{swept}");
    rig.merge(&pull["number"]);
    rig.complete_merges();
    let ended = rig.ended(&execution);
    assert_eq!(ended.status, ExecutionStatus::Succeeded, "{ended:?}");
    let (sha, path) =
        (ended.output["commit"]["sha"].as_str().unwrap(), ended.output["commit"]["path"].as_str().unwrap());
    assert!(rig.is_on_main(sha) && rig.file(sha, path).contains(&account));
    assert!(ended.changes().contains(&format!("merge {path}")), "{:?}", ended.changes());
    let LetIn { assignments, access_entries } = rig.let_in(&account);
    assert_eq!((assignments.len(), access_entries.len()), (2, 2), "{assignments:?} {access_entries:?}");
}

#[test]
fn a_close_fails_the_onboarding_and_a_redrive_proposes_once_more() {
    let (rig, _alone) = alone();
    let Proposed { account, execution, pull } = proposed(rig, "unwanted-staging", "staging");
    rig.close(&pull["number"]);
    rig.complete_merges();
    let ended = rig.ended(&execution);
    assert_eq!((ended.status, ended.error.as_deref()), (ExecutionStatus::Failed, Some("Denied")));
    rig.wait_for_outcome(&account, &execution);
    let failure = rig.status(&account).1["failure"].clone();
    assert!(failure["message"].as_str().unwrap().contains("was closed"), "{failure}");
    assert!(failure["hint"].as_str().unwrap().contains("redrive"), "{failure}");
    rig.redrive(&execution);
    let again = proposed_again(rig, &pull);
    assert_eq!(again["headRefName"], pull["headRefName"], "the same proposal");
    rig.merge(&again["number"]);
    completed(rig, &execution);
}

#[test]
fn a_second_run_joins_the_pull_request_of_the_first() {
    let (rig, _alone) = alone();
    let Proposed { account, execution: first, pull } = proposed(rig, "twice-staging", "staging");
    let before = rig.pulls().len();
    rig.stop(&first);
    rig.wait_for_outcome(&account, &first);
    let second = rig.start_execution(&json!({ "accountId": account }));
    assert_eq!(waits_for_merge(rig, &account)["number"], pull["number"]);
    assert_eq!(rig.pulls().len(), before);
    rig.merge(&pull["number"]);
    completed(rig, &second);
}

#[test]
fn an_account_of_an_unreviewed_environment_is_committed_by_the_app() {
    let (rig, _alone) = alone();
    let account = rig.account("pushed-dev", "dev");
    let before = rig.pulls().len();
    let ended = rig.ended(&rig.start_execution(&json!({ "accountId": account })));
    assert_eq!(ended.status, ExecutionStatus::Succeeded, "{ended:?}");
    assert_eq!(rig.pulls().len(), before);
    assert!(rig.is_on_main(ended.output["commit"]["sha"].as_str().unwrap()));
}

#[test]
fn an_error_about_one_pull_request_holds_up_no_other() {
    let (rig, _alone) = alone();
    // One after the other, so that each has a pull request of its own.
    let waiting = ["held-up-staging", "unhindered-staging"].map(|name| proposed(rig, name, "staging"));
    for each in &waiting {
        rig.merge(&each.pull["number"]);
    }
    assert_ne!(waiting[0].pull["number"], waiting[1].pull["number"]);
    let rule = rig.break_calls(&json!({
        "match": { "function": "berth-complete-merges", "operation": "SendMessage", "nth": 1 },
        "action": { "error": { "code": "AccessDenied", "status": 403, "message": "not now" } },
    }));
    let (answer, failed) = rig.invoke("berth-complete-merges", &json!({}));
    assert_eq!((failed, answer["errorType"].as_str(), rig.fired(rule)), (true, Some("Denied"), 1), "{answer}");
    let succeeded = |each: &Proposed| rig.execution_status(&each.execution) == Some(ExecutionStatus::Succeeded);
    rig.until("the other one", || waiting.iter().any(succeeded).then_some(()));
    assert!(!waiting.iter().all(succeeded), "one was not told");
    rig.complete_merges();
    rig.until("the one that was held up", || waiting.iter().all(succeeded).then_some(()));
}

#[test]
fn what_was_merged_and_reverted_is_proposed_and_merged_once_more() {
    let (rig, _alone) = alone();
    let Proposed { account, execution, pull } = proposed(rig, "reverted-staging", "staging");
    rig.merge(&pull["number"]);
    completed(rig, &execution);
    let record = rig.wait_for_outcome(&account, &execution);
    let path = record.commit.unwrap().path;
    rig.revert_merge(&path);
    let again = rig.start_execution(&json!({ "accountId": account }));
    let second = proposed_again(rig, &pull);
    assert_eq!(second["headRefName"], pull["headRefName"], "the same content");
    rig.merge(&second["number"]);
    completed(rig, &again);
    assert!(rig.file("main", &path).contains(&account));
}
