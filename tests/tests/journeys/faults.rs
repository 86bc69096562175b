//! What goes wrong on the way: an answer that is lost, a role that is somebody else's.

use aws_sdk_sfn::types::ExecutionStatus;
use berth_ledger::Status;
use berth_tests::rig::{Event, event, rig};
use serde_json::json;

use crate::onboarded::assert_onboarded;

/// Stock moto takes both names; IAM would refuse ours with `EntityAlreadyExists`, as the rule does.
#[test]
fn a_role_of_our_name_in_another_letter_case_is_told_at_once() {
    let rig = rig();
    let account = rig.account("lettered-dev", "dev");
    let trust = json!({ "Version": "2012-10-17", "Statement": [] }).to_string();
    let theirs = json!({ "RoleName": "Lettered-Viewer", "AssumeRolePolicyDocument": trust });
    rig.call(&account, "iam", "create_role", &theirs);
    let refused = json!({
        "match": { "account": account, "operation": "CreateRole" },
        "action": { "error": { "code": "EntityAlreadyExists", "message": "Role with name lettered-viewer already exists.",
            "status": 409 } },
    });
    let rule = rig.break_calls(&refused);
    rig.publish(&[event(Event::Created, &account)]);
    let failure = rig.wait_for(&account, Status::Failed).failure.unwrap();
    assert_eq!((failure.state.as_str(), failure.fault.as_str()), ("CreateTenantRoles", "NotOwned"));
    assert!(failure.message.contains("Lettered-Viewer"), "{failure:?}");
    assert_eq!(rig.fired(rule), 0, "it was seen, and nothing was asked for");
}

/// One code for what passes and what never does. The text is EC2's: hashicorp/terraform-provider-aws#8557.
#[test]
fn a_zone_without_transit_gateway_is_told_after_one_refusal() {
    let rig = rig();
    let account = rig.account("gabled-dev", "dev");
    let text = "Transit Gateway is not available in availability zone us-west-2d (subnet subnet-0a1b2c3d4e5f60718).";
    let refused = json!({
        "match": { "account": account, "operation": "CreateTransitGatewayVpcAttachment" },
        "action": { "error": { "code": "IncorrectState", "message": text, "status": 400 } },
    });
    let rule = rig.break_calls(&refused);
    rig.publish(&[event(Event::Created, &account)]);
    let failure = rig.wait_for(&account, Status::Failed).failure.unwrap();
    let fired = rig.fired(rule);
    assert_eq!((failure.state.as_str(), failure.fault.as_str()), ("AttachTransitGateway", "InvalidInput"));
    assert!(failure.hint.contains("zones") && failure.hint.contains("--new"), "{failure:?}");
    assert!((1..=2).contains(&fired), "one refusal in each region at most: {fired}");
}

#[test]
fn a_vpc_whose_answer_was_lost_is_found_and_not_made_twice() {
    let rig = rig();
    let account = rig.account("unlucky-dev", "dev");
    let lost =
        json!({ "match": { "account": account, "operation": "CreateVpc" }, "action": { "cut": true }, "times": 1 });
    let rule = rig.break_calls(&lost);
    rig.publish(&[event(Event::Created, &account)]);
    let record = rig.wait_for(&account, Status::Onboarded);
    assert_eq!(rig.fired(rule), 1, "the answer was really lost");
    assert_onboarded(rig, &record);
}

#[test]
fn a_role_of_somebody_else_is_left_alone_and_named_until_it_is_gone() {
    let rig = rig();
    let account = rig.account("squatted-dev", "dev");
    let role = json!({ "RoleName": "squatted-viewer" });
    let trust = json!({ "Version": "2012-10-17", "Statement": [] }).to_string();
    let foreign = json!({ "RoleName": "squatted-viewer", "Path": "/tenant/", "AssumeRolePolicyDocument": trust });
    rig.call(&account, "iam", "create_role", &foreign);
    rig.publish(&[event(Event::Created, &account)]);
    let record = rig.wait_for(&account, Status::Failed);
    let failure = record.failure.unwrap();
    assert_eq!((failure.state.as_str(), failure.fault.as_str()), ("CreateTenantRoles", "NotOwned"));
    let ended = rig.ended(record.execution_arn.as_deref().unwrap());
    assert_eq!((ended.status, ended.error.as_deref()), (ExecutionStatus::Failed, Some("NotOwned")));
    let (code, status) = rig.status(&account);
    assert_eq!((code, status["status"].as_str()), (1, Some("failed")));
    assert_eq!(status["failure"]["state"], "CreateTenantRoles");
    assert_eq!(status["failure"]["fault"], "NotOwned");
    assert!(status["failure"]["message"].as_str().unwrap().contains("squatted-viewer"), "{status}");
    assert!(status["failure"]["hint"].as_str().unwrap().contains("rename or delete"), "{status}");
    let left = rig.world(&account).roles;
    assert!(left.iter().any(|role| role.arn.ends_with("/squatted-viewer") && role.tags.is_empty()), "{left:#?}");

    rig.call(&account, "iam", "delete_role", &role);
    let execution = rig.start_execution(&json!({ "accountId": account }));
    assert_eq!(rig.ended(&execution).status, ExecutionStatus::Succeeded);
    let record = rig.wait_for_outcome(&account, &execution);
    assert_onboarded(rig, &record);
}
