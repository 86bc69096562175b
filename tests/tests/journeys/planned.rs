//! Mode `plan`: nothing changes, and what it lists is what an onboarding then does.

use std::collections::BTreeMap;

use aws_sdk_sfn::types::ExecutionStatus;
use berth_tests::rig::{Call, rig};
use serde_json::json;

use crate::onboarded::assert_onboarded;

/// How a line of a plan begins, and the call that performs it.
const PERFORMED_BY: [(&str, &str); 34] = [
    ("assign group ", "CreateAccountAssignment"),
    ("associate subnet-", "AssociateRouteTable"),
    ("associate tgw-attach-", "AssociateTransitGatewayRouteTable"),
    ("attach arn:aws:iam::aws:policy/", "AttachRolePolicy"),
    ("attach vpc-", "CreateTransitGatewayVpcAttachment"),
    ("block public access to S3", "PutPublicAccessBlock"),
    ("create Config rule ", "PutConfigRule"),
    ("create a gateway endpoint ", "CreateVpcEndpoint"),
    ("create access entry of ", "CreateAccessEntry"),
    ("create backup plan ", "CreateBackupPlan"),
    ("create backup selection ", "CreateBackupSelection"),
    ("create backup vault ", "CreateBackupVault"),
    ("create permissions boundary ", "CreatePolicy"),
    ("create role ", "CreateRole"),
    ("create subnet ", "CreateSubnet"),
    ("create the VPC ", "CreateVpc"),
    ("create the private route table ", "CreateRouteTable"),
    ("delete default igw-", "DeleteInternetGateway"),
    ("delete default subnet-", "DeleteSubnet"),
    ("delete default vpc-", "DeleteVpc"),
    ("deliver configuration to ", "PutDeliveryChannel"),
    ("detach igw-", "DetachInternetGateway"),
    ("ensure the service-linked role ", "CreateServiceLinkedRole"),
    ("propagate tgw-attach-", "EnableTransitGatewayRouteTablePropagation"),
    ("put configuration recorder ", "PutConfigurationRecorder"),
    ("remove the rules of the default ", "RevokeSecurityGroupEgress"),
    ("remove the rules of the default ", "RevokeSecurityGroupIngress"),
    ("require IMDSv2 ", "ModifyInstanceMetadataDefaults"),
    ("route ", "CreateRoute"),
    ("send flow logs of ", "CreateFlowLogs"),
    ("set public sharing of snapshots ", "EnableSnapshotBlockPublicAccess"),
    ("start configuration recorder ", "StartConfigurationRecorder"),
    ("turn on DNS host names ", "ModifyVpcAttribute"),
    ("turn on EBS encryption ", "EnableEbsEncryptionByDefault"),
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
    let (planned, commits): (Vec<_>, Vec<_>) =
        plan.changes().into_iter().partition(|line| !line.starts_with("commit clusters/shared-dev-1/tenants/"));
    assert_eq!(commits.len(), 1, "{commits:?}");
    assert_eq!(expected(&planned), done(&rig.calls_of(&applying)), "{planned:#?}");
}

/// How often each call is made, by the lines of a plan.
fn expected(lines: &[String]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for line in lines {
        let calls: Vec<&str> =
            PERFORMED_BY.iter().filter(|(start, _)| line.starts_with(start)).map(|(_, c)| *c).collect();
        assert!(!calls.is_empty(), "no call is known to perform: {line}");
        for call in calls {
            *counts.entry(call.to_owned()).or_default() += 1;
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
