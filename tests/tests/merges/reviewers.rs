//! Reviewers who change what Berth proposed, and accounts that come while they review.

use aws_sdk_sfn::types::ExecutionStatus;
use serde_json::json;

use crate::{alone, completed, proposed, waits_for_merge};

#[test]
fn what_a_reviewer_changes_beside_berths_fields_is_merged_and_kept() {
    let (rig, _alone) = alone();
    let account = rig.account("renamed-staging", "staging");
    let execution = rig.start_execution(&json!({ "accountId": account }));
    let pull = waits_for_merge(rig, &account);
    let path = proposed(rig, &pull, &account);
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
    let sha = ended.output["commit"]["sha"].as_str().unwrap();
    assert!(rig.is_on_main(sha) && rig.file(sha, &path).contains("displayName: Renamed by a reviewer"));
    // Nothing is left that would ask for a merge or a commit.
    let before = (rig.pulls().len(), rig.commits(&path));
    assert_eq!(rig.ended(&rig.start_execution(&json!({ "accountId": account }))).changes(), Vec::<String>::new());
    assert_eq!((rig.pulls().len(), rig.commits(&path)), before);
}

#[test]
fn what_a_reviewer_changes_in_berths_fields_fails_and_a_redrive_proposes_them_once_more() {
    let (rig, _alone) = alone();
    let account = rig.account("rewritten-staging", "staging");
    let execution = rig.start_execution(&json!({ "accountId": account }));
    let pull = waits_for_merge(rig, &account);
    let path = proposed(rig, &pull, &account);
    rig.edit(pull["headRefName"].as_str().unwrap(), &path, "vpcId: vpc-", "vpcId: vpc-00000000");
    rig.merge(&pull["number"]);
    rig.complete_merges();
    let ended = rig.ended(&execution);
    assert_eq!((ended.status, ended.error.as_deref()), (ExecutionStatus::Failed, Some("Foreign")));
    rig.wait_for_outcome(&account, &execution);
    let failure = rig.status(&account).1["failure"].clone();
    assert!(failure["message"].as_str().unwrap().contains("was merged, but"), "{failure}");
    rig.redrive(&execution);
    let again = rig.until("a second pull request", || {
        let again = rig.pulls().last().cloned()?;
        (again["state"] == "OPEN" && again["number"] != pull["number"]).then_some(again)
    });
    rig.merge(&again["number"]);
    completed(rig, &execution);
    assert!(!rig.file("main", &path).contains("vpc-00000000"), "Berth's own field is as it was proposed");
}

#[test]
fn a_second_account_of_a_tenant_waits_for_the_first_ones_pull_request_and_then_has_its_own() {
    let (rig, _alone) = alone();
    let [first, second] = [("staging", "pair-staging"), ("prod", "pair-prod")].map(|(environment, name)| {
        let account = rig.account(name, environment);
        let execution = rig.start_execution(&json!({ "accountId": account }));
        (account.clone(), execution, waits_for_merge(rig, &account))
    });
    assert_eq!(first.2["number"], second.2["number"], "both are about one file");
    let pulls = rig.pulls().len();
    rig.merge(&first.2["number"]);
    rig.complete_merges();
    let ended = rig.ended(&first.1);
    assert_eq!(ended.status, ExecutionStatus::Succeeded, "{ended:?}");
    let path = ended.output["commit"]["path"].as_str().unwrap();
    let own = rig.until("a pull request of its own", || rig.pulls().get(pulls).cloned());
    assert!(!rig.file("main", path).contains(&second.0), "nobody merged it yet");
    rig.merge(&own["number"]);
    completed(rig, &second.1);
    let file = rig.file("main", path);
    assert!(file.contains(&first.0) && file.contains(&second.0), "{file}");
}
