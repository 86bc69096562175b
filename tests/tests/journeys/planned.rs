//! Mode `plan`: nothing changes, and what it lists is what an onboarding then does.

use std::collections::BTreeMap;

use aws_sdk_sfn::types::ExecutionStatus;
use berth_tenancy::ResourceChange;
use berth_tests::rig::{Call, rig};
use serde_json::json;

use crate::onboarded::assert_onboarded;

/// Operations of a plan whose calls have other names: IAM's name for the action of two calls, or a call that does two things.
const CALLED: [(&str, &[&str]); 2] = [
    ("RevokeSecurityGroupIngress", &["RevokeSecurityGroupEgress", "RevokeSecurityGroupIngress"]),
    ("PutAccountPublicAccessBlock", &["PutPublicAccessBlock"]),
];

/// Calls that no plan can know of: whether an attachment must be accepted shows only once it is there.
const KNOWN_LATER: [&str; 1] = ["AcceptTransitGatewayVpcAttachment"];

#[test]
fn a_plan_changes_nothing_and_lists_exactly_what_is_then_done() {
    let rig = rig();
    let account = rig.account("thoughtful-dev", "dev");
    let before = rig.world(&account);
    let planning = rig.start_execution(&json!({ "accountId": account, "mode": "plan" }));
    let plan = rig.ended(&planning);
    assert_eq!(plan.status, ExecutionStatus::Succeeded, "{plan:?}");
    let mut calls = rig.calls_of(&planning);
    // Whose batches this function writes down meanwhile, no call says: other accounts' are not looked at here.
    let of_commits = |call: &Call| call.function == "berth-commit-tenant" && call.effect == "resource";
    calls.extend(rig.calls(0).into_iter().filter(of_commits));
    let touching: Vec<&Call> = calls.iter().filter(|call| call.effect == "resource" || call.effect == "data").collect();
    assert!(touching.is_empty(), "{touching:#?}");
    assert_eq!(rig.world(&account), before);
    assert!(rig.record(&account).is_none(), "the ledger does not know the account");
    assert!(rig.files_naming(&account).is_empty(), "the repository does not know the account");

    let applying = rig.start_execution(&json!({ "accountId": account }));
    let applied = rig.ended(&applying);
    assert_eq!(applied.status, ExecutionStatus::Succeeded, "{applied:?}");
    assert_onboarded(rig, &rig.wait_for_outcome(&account, &applying));
    let planned = rig.planned(&planning);
    let lines: Vec<&str> = planned.iter().map(|change| change.change.as_str()).collect();
    let mut sentences = plan.changes();
    let mut told: Vec<String> = lines.iter().map(ToString::to_string).collect();
    sentences.sort();
    told.sort();
    assert_eq!(told, sentences, "each sentence is told with all that is known of it");
    assert_eq!(expected(&planned), done(&rig.calls_of(&applying)), "{planned:#?}");
}

/// How often each call is made, by the operations that a plan names: one commit, no call of Berth's own memory.
fn expected(planned: &[ResourceChange]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    let (commits, calls): (Vec<_>, Vec<_>) = planned.iter().partition(|change| change.operation == "git:Commit");
    assert_eq!(commits.len(), 1, "{commits:?}");
    for change in calls.iter().filter(|change| !change.operation.starts_with("dynamodb:")) {
        let (_, operation) = change.operation.split_once(':').unwrap();
        let several = CALLED.iter().find(|(name, _)| *name == operation).map(|(_, calls)| *calls);
        for call in several.unwrap_or(&[operation]) {
            *counts.entry((*call).to_owned()).or_default() += 1;
        }
    }
    counts
}

/// How often each call was made.
fn done(calls: &[Call]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for call in calls.iter().filter(|call| call.effect == "resource") {
        if !KNOWN_LATER.contains(&call.operation.as_str()) {
            *counts.entry(call.operation.clone()).or_default() += 1;
        }
    }
    counts
}
