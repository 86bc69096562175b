//! Onboardings whose commit people review: as a GitHub App, by pull request, on a local AWS of their own.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::sync::{Mutex, MutexGuard, OnceLock};

use aws_sdk_sfn::types::ExecutionStatus;
use berth_tests::rig::{Rig, rig};
use serde_json::{Value, json};

/// One test after the other: each looks at all pull requests.
fn alone() -> (&'static Rig, MutexGuard<'static, ()>) {
    static ALONE: Mutex<()> = Mutex::new(());
    static READY: OnceLock<()> = OnceLock::new();
    let alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let rig = rig();
    READY.get_or_init(|| rig.review_staging_on_github());
    (rig, alone)
}

/// Waits until an account's execution waits for a merge; the pull request.
fn waits_for_merge(rig: &Rig, account: &str) -> Value {
    let url = rig.until("a pull request", || {
        rig.record(account)?; // before that, `berth status` has nothing to say
        rig.status(account).1["waitsFor"]["merge"].as_str().map(str::to_owned)
    });
    rig.pulls().into_iter().find(|pull| pull["url"] == url).unwrap()
}

#[test]
fn a_merge_completes_the_onboarding_with_its_commit_and_shows_no_secret() {
    let (rig, _alone) = alone();
    let account = rig.account("reviewed-staging", "staging");
    let execution = rig.start_execution(&json!({ "accountId": account }));
    let pull = waits_for_merge(rig, &account);
    rig.complete_merges();
    assert_eq!(rig.status(&account).1["status"], "running", "nobody merged it yet");
    assert!(rig.files_naming(&account).is_empty());
    rig.merge(&pull["number"]);
    rig.complete_merges();
    let ended = rig.ended(&execution);
    assert_eq!(ended.status, ExecutionStatus::Succeeded, "{ended:?}");
    let (sha, path) =
        (ended.output["commit"]["sha"].as_str().unwrap(), ended.output["commit"]["path"].as_str().unwrap());
    assert!(rig.is_on_main(sha) && rig.file(sha, path).contains(&account));
    assert!(ended.changes().contains(&format!("merge {path}")), "{:?}", ended.changes());
    // The key, tokens and proofs show in no log, and task tokens in those of the functions neither.
    let secret: Value = serde_json::from_str(rig.app()["secret"].as_str().unwrap()).unwrap();
    let key = secret["privateKey"].as_str().unwrap().lines().nth(1).unwrap().to_owned();
    let mut lines = 0;
    for function in ["berth-commit-tenant", "berth-complete-merges"] {
        for line in rig.log_lines(function) {
            lines += 1;
            assert!(!line.contains(&key) && !line.contains("ghs_") && !line.contains("taskToken"), "{line}");
        }
    }
    assert!(lines > 3, "{lines}");
    let (_, shown) = rig.berth(&["status", &account, "--json"]);
    assert!(!shown.contains("ghs_") && !shown.contains(&key));
}

#[test]
fn a_close_fails_the_onboarding_and_a_redrive_proposes_once_more() {
    let (rig, _alone) = alone();
    let account = rig.account("unwanted-staging", "staging");
    let execution = rig.start_execution(&json!({ "accountId": account }));
    let pull = waits_for_merge(rig, &account);
    rig.close(&pull["number"]);
    rig.complete_merges();
    let ended = rig.ended(&execution);
    assert_eq!((ended.status, ended.error.as_deref()), (ExecutionStatus::Failed, Some("Denied")));
    rig.wait_for_outcome(&account, &execution);
    let failure = rig.status(&account).1["failure"].clone();
    assert!(failure["message"].as_str().unwrap().contains("was closed"), "{failure}");
    assert!(failure["hint"].as_str().unwrap().contains("redrive"), "{failure}");
    rig.redrive(&execution);
    let mut again = Value::Null;
    rig.until("a second pull request", || {
        again = rig.pulls().last().cloned()?;
        (again["state"] == "OPEN" && again["number"] != pull["number"]).then_some(())
    });
    assert_eq!(again["headRefName"], pull["headRefName"], "the same proposal");
    rig.merge(&again["number"]);
    rig.until("the end", || {
        rig.complete_merges();
        (rig.execution_status(&execution) == Some(ExecutionStatus::Succeeded)).then_some(())
    });
}

#[test]
fn a_second_run_joins_the_pull_request_and_a_token_that_nobody_waits_for_is_no_error() {
    let (rig, _alone) = alone();
    let account = rig.account("twice-staging", "staging");
    let first = rig.start_execution(&json!({ "accountId": account }));
    let pull = waits_for_merge(rig, &account);
    let before = rig.pulls().len();
    rig.stop(&first);
    rig.wait_for_outcome(&account, &first);
    let second = rig.start_execution(&json!({ "accountId": account }));
    assert_eq!(waits_for_merge(rig, &account)["number"], pull["number"]);
    assert_eq!(rig.pulls().len(), before);
    rig.merge(&pull["number"]);
    rig.until("the end", || {
        rig.complete_merges();
        (rig.execution_status(&second) == Some(ExecutionStatus::Succeeded)).then_some(())
    });
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
