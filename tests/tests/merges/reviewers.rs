//! Reviewers who change what Berth proposed, and accounts that come while they review.

use aws_sdk_sfn::types::ExecutionStatus;
use serde_json::json;

use crate::{Proposed, alone, completed, proposed, proposed_again, proposed_file};

#[test]
fn what_a_reviewer_changes_beside_berths_fields_is_merged_and_kept() {
    let (rig, _alone) = alone();
    let since = rig.last_call();
    let Proposed { account, execution, pull } = proposed(rig, "renamed-staging", "staging");
    let grants = ["CreateAccountAssignment", "CreateAccessEntry"];
    let granted = || grants.map(|grant| rig.calls(since).iter().filter(|call| call.operation == grant).count());
    assert_eq!(granted(), [0, 0], "access comes after the review");
    let path = proposed_file(rig, &pull, &account);
    rig.edit(
        pull["headRefName"].as_str().unwrap(),
        &path,
        "displayName: renamed-staging",
        "displayName: Renamed by a reviewer",
    );
    rig.merge(&pull["number"]);
    rig.complete_merges();
    let ended = rig.ended(&execution);
    assert_eq!(ended.status, ExecutionStatus::Succeeded, "{ended:?}");
    assert!(granted().iter().all(|count| *count > 0), "{:?}", granted());
    let sha = ended.output["commit"]["sha"].as_str().unwrap();
    assert!(rig.is_on_main(sha) && rig.file(sha, &path).contains("displayName: Renamed by a reviewer"));
    // Nothing is left that would ask for a merge or a commit.
    let before = (rig.pulls().len(), rig.commits(&path));
    assert_eq!(rig.ended(&rig.start_execution(&json!({ "accountId": account }))).changes(), Vec::<String>::new());
    assert_eq!((rig.pulls().len(), rig.commits(&path)), before);
}

#[test]
fn a_reviewers_change_of_berths_fields_fails_and_is_proposed_again() {
    let (rig, _alone) = alone();
    let Proposed { account, execution, pull } = proposed(rig, "rewritten-staging", "staging");
    let path = proposed_file(rig, &pull, &account);
    rig.edit(pull["headRefName"].as_str().unwrap(), &path, "vpcId: vpc-", "vpcId: vpc-00000000");
    rig.merge(&pull["number"]);
    rig.complete_merges();
    let ended = rig.ended(&execution);
    assert_eq!((ended.status, ended.error.as_deref()), (ExecutionStatus::Failed, Some("NotOwned")));
    rig.wait_for_outcome(&account, &execution);
    let failure = rig.status(&account).1["failure"].clone();
    assert!(failure["message"].as_str().unwrap().contains("was merged, but"), "{failure}");
    rig.redrive(&execution);
    let again = proposed_again(rig, &pull);
    rig.merge(&again["number"]);
    completed(rig, &execution);
    assert!(!rig.file("main", &path).contains("vpc-00000000"), "Berth's own field is as it was proposed");
}

#[test]
fn a_tenants_second_account_waits_for_the_pull_request_of_the_first() {
    let (rig, _alone) = alone();
    let first = proposed(rig, "pair-staging", "staging");
    let second = proposed(rig, "pair-prod", "prod");
    assert_eq!(first.pull["number"], second.pull["number"], "both are about one file");
    let pulls = rig.pulls().len();
    rig.merge(&first.pull["number"]);
    rig.complete_merges();
    let ended = rig.ended(&first.execution);
    assert_eq!(ended.status, ExecutionStatus::Succeeded, "{ended:?}");
    let path = ended.output["commit"]["path"].as_str().unwrap();
    let own = rig.until("a pull request of its own", || rig.pulls().get(pulls).cloned());
    assert!(!rig.file("main", path).contains(&second.account), "nobody merged it yet");
    rig.merge(&own["number"]);
    completed(rig, &second.execution);
    let file = rig.file("main", path);
    assert!(file.contains(&first.account) && file.contains(&second.account), "{file}");
}
