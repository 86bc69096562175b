//! Plans that people approve where there are no pull requests: by merging a branch with git.

use berth_ledger::{Approval, Record, Status};
use berth_tests::rig::Rig;
use serde_json::json;

use crate::alone;

/// Starts a run of a new account that asks; its account, its execution, and the question once its branch is there.
fn asked(rig: &Rig, name: &str) -> (String, String, Approval) {
    let account = rig.account(name, "staging");
    let run = rig.start_execution(&json!({ "accountId": account }));
    let is_open = |record: Record| record.waiting().filter(|asked| asked.pull_request.is_some()).cloned();
    let asked = rig.until("a branch with the plan", || {
        rig.record(&account)?.waiting()?;
        rig.complete_merges();
        rig.record(&account).and_then(is_open)
    });
    (account, run, asked)
}

#[test]
fn a_branch_merged_with_git_approves_a_plan_and_a_deleted_one_rejects_it() {
    let (rig, _alone) = alone();
    let rule = json!({ "ask": "always", "by": "pullRequest" });
    rig.deploy_platform(&[("environments.staging.approval", rule)]);
    let (account, run, question) = asked(rig, "branchwise-staging");
    let place = question.pull_request.unwrap();
    let branch = place.strip_prefix("the branch ").unwrap();
    let path = format!("approvals/{account}.md");
    assert!(rig.files_of(branch, &question.plan).contains(&path) && rig.files_naming(&question.plan).is_empty());
    rig.merge_branch(branch);
    rig.complete_merges();
    assert_eq!(rig.ended(&run).error, None);
    let record = rig.wait_for(&account, Status::Onboarded);
    let by = &record.approval.unwrap().approved[0].by;
    assert!(by.starts_with(&format!("the merge of {place} (seen at commit ")), "{by}");

    let (account, run, question) = asked(rig, "branchless-staging");
    let place = question.pull_request.unwrap();
    rig.delete_branch(place.strip_prefix("the branch ").unwrap());
    rig.complete_merges();
    assert_eq!(rig.ended(&run).error.as_deref(), Some("Denied"));
    let failure = rig.wait_for(&account, Status::Failed).failure.unwrap();
    assert!(failure.message.starts_with(&format!("{place} rejected the plan at ")), "{failure:?}");
    rig.deploy_platform(&[]);
}
