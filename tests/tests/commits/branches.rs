//! Pull-request mode where there are no pull requests: Berth pushes a branch, and a person merges it with git.

use aws_sdk_sfn::types::ExecutionStatus;
use berth_tests::rig::{LetIn, Rig};
use serde_json::json;

use crate::alone;

/// An onboarding whose commit is a branch, until a person merges it.
struct Branched {
    account: String,
    execution: String,
    branch: String,
}

/// Starts the onboarding of a new account, and waits until it waits for a merge.
fn branched(rig: &Rig, name: &str, environment: &str) -> Branched {
    let account = rig.account(name, environment);
    let execution = rig.start_execution(&json!({ "accountId": account }));
    let branch = waits_for_branch(rig, &account);
    Branched { account, execution, branch }
}

/// Waits until an account's execution waits for a merge; the branch.
fn waits_for_branch(rig: &Rig, account: &str) -> String {
    let waits_for = rig.until("a branch", || {
        rig.record(account)?;
        rig.status(account).1["waitsFor"]["merge"].as_str().map(str::to_owned)
    });
    let branch = waits_for.strip_prefix("the branch ").unwrap_or_else(|| panic!("{waits_for}")).to_owned();
    assert!(rig.branches().contains(&branch), "{branch}");
    branch
}

#[test]
fn a_branch_that_a_person_merges_with_git_completes_the_onboarding() {
    let (rig, _alone) = alone();
    let Branched { account, execution, branch } = branched(rig, "branched-prod", "prod");
    rig.complete_merges();
    // Somebody else's commit moves the branch that clusters follow: it is no merge.
    rig.put_file("NOTES.md", "by hand\n");
    rig.complete_merges();
    assert_eq!(waits_for_branch(rig, &account), branch, "nobody merged it yet");
    assert!(rig.files_naming(&account).is_empty());
    assert_eq!(rig.let_in(&account), LetIn::default(), "access follows the merge");
    rig.merge_branch(&branch);
    rig.complete_merges();
    let ended = rig.ended(&execution);
    assert_eq!(ended.status, ExecutionStatus::Succeeded, "{ended:?}");
    let sha = ended.output["commit"]["sha"].as_str().unwrap();
    let path = ended.output["commit"]["path"].as_str().unwrap();
    assert!(rig.is_on_main(sha) && rig.file(sha, path).contains(&account));
    let LetIn { assignments, access_entries } = rig.let_in(&account);
    assert!(!assignments.is_empty() && !access_entries.is_empty(), "{assignments:?} {access_entries:?}");
    // The branch is still there. It was settled with its merge: it is asked about no more, and joined by nobody.
    let asked = |rig: &Rig| rig.invoke("berth-complete-merges", &json!({})).0;
    assert_eq!(asked(rig), json!({ "open": 0, "settled": 0, "requests": 0, "questions": 0 }));
    rig.put_file("NOTES.md", "by hand, again\n");
    assert_eq!(asked(rig), json!({ "open": 0, "settled": 0, "requests": 0, "questions": 0 }));
    let again = rig.ended(&rig.start_execution(&json!({ "accountId": account })));
    assert_eq!((again.status, again.output["commit"]["sha"].as_str()), (ExecutionStatus::Succeeded, Some(sha)));
    rig.delete_branch(&branch);
}

#[test]
fn a_branch_that_is_deleted_without_a_merge_is_a_close() {
    let (rig, _alone) = alone();
    let Branched { account, execution, branch } = branched(rig, "pruned-prod", "prod");
    rig.delete_branch(&branch);
    rig.complete_merges();
    let ended = rig.ended(&execution);
    assert_eq!((ended.status, ended.error.as_deref()), (ExecutionStatus::Failed, Some("Denied")));
    rig.wait_for_outcome(&account, &execution);
    rig.redrive(&execution);
    assert_eq!(waits_for_branch(rig, &account), branch, "proposed once more");
    rig.merge_branch(&branch);
    rig.delete_branch(&branch);
    rig.complete_merges();
    assert_eq!(rig.ended(&execution).status, ExecutionStatus::Succeeded);
}

#[test]
fn a_second_account_does_not_wait_for_a_branch_that_was_merged_already() {
    let (rig, _alone) = alone();
    let first = branched(rig, "twin-prod", "prod");
    rig.merge_branch(&first.branch);
    // Nobody has looked since, and the branch is still there.
    let second = branched(rig, "twin-dev", "dev");
    assert_ne!(second.branch, first.branch, "both are about one file");
    rig.merge_branch(&second.branch);
    for Branched { account, execution, branch } in [&first, &second] {
        rig.until("the end", || {
            rig.complete_merges();
            (rig.execution_status(execution) == Some(ExecutionStatus::Succeeded)).then_some(())
        });
        assert_eq!(rig.files_naming(account), rig.files_naming(&first.account), "one file for both");
        rig.delete_branch(branch);
    }
}
