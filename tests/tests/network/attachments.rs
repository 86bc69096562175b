//! Attachments that end as nobody wanted: deleted, rejected, failed; and gateways that are not shared yet.

use aws_sdk_sfn::types::ExecutionStatus;
use berth_tests::rig::{Call, NETWORK, Rig};
use serde_json::{Value, json};

use crate::{WEST_PLAN, attachment, attachments, ec2, network, onboarded, run, turn};

/// The account's attachment in the west is in this state; how the execution failed over it.
fn assert_ended(rig: &Rig, account: &str, execution: &str, state: &str, why: &str) {
    let failed = rig.ended(execution);
    rig.wait_for_outcome(account, execution);
    assert_eq!((failed.status, failed.error.as_deref()), (ExecutionStatus::Failed, Some("InvalidInput")));
    let failure = rig.record(account).unwrap().failure.unwrap();
    let id = attachment(rig, account);
    assert_eq!(failure.state, "AttachTransitGateway");
    assert_eq!(failure.message, format!("{id} is {state} (account {account}, eu-west-1)"));
    assert!(failure.hint.contains(why), "{}", failure.hint);
    assert!(rig.world(account).access_entries.is_empty(), "nobody was let in");
}

/// Does what the hint says: deletes what ended, and goes on. One attachment is available then.
fn delete_and_redrive(rig: &Rig, account: &str, execution: &str) {
    let ended = attachment(rig, account);
    ec2(rig, account, "delete_transit_gateway_vpc_attachment", &json!({ "TransitGatewayAttachmentId": ended }));
    rig.until("the end of the attachment", || {
        attachments(rig, account).iter().all(|each| each["State"] == "deleted").then_some(())
    });
    rig.redrive(execution);
    assert_eq!(rig.ended(execution).status, ExecutionStatus::Succeeded);
    let available = |each: &&Value| each["State"] == "available";
    assert_eq!(attachments(rig, account).iter().filter(available).count(), 1);
}

#[test]
fn a_rejected_attachment_is_named_and_made_anew_once_it_is_deleted() {
    let (rig, _turn) = turn();
    let gateway = rig.platform(&format!("{WEST_PLAN}.transitGateway.id"));
    let accepting = |value: &str| {
        let options = json!({ "AutoAcceptSharedAttachments": value });
        network(rig, "modify_transit_gateway", &json!({ "TransitGatewayId": gateway, "Options": options }));
    };
    accepting("disable");
    let account = rig.account("unwanted-staging", "staging");
    // Berth's acceptance comes late, so that somebody else decides first.
    let late = json!({
        "match": { "account": NETWORK, "operation": "AcceptTransitGatewayVpcAttachment" }, "action": { "hold": true },
    });
    let late = rig.break_calls(&late);
    let execution = rig.start_execution(&json!({ "accountId": account }));
    let waiting = rig.until("an attachment to accept", || {
        let found = attachments(rig, &account).into_iter().find(|each| each["State"] == "pendingAcceptance");
        found.map(|each| each["TransitGatewayAttachmentId"].clone())
    });
    network(rig, "reject_transit_gateway_vpc_attachment", &json!({ "TransitGatewayAttachmentId": waiting }));
    accepting("enable");
    rig.until("Berth's acceptance", || (rig.fired_so_far(late) > 0).then_some(()));
    rig.mend(late);
    assert_ended(rig, &account, &execution, "rejected", "ask the network account's owner why");
    assert!(rig.fired(late) >= 1, "Berth wanted to accept it");
    delete_and_redrive(rig, &account, &execution);
}

#[test]
fn an_attachment_that_failed_is_named_and_made_anew_once_it_is_deleted() {
    let (rig, _turn) = turn();
    let account = rig.account("roleless-staging", "staging");
    // As if the role were there: AWS takes the attachment, works on it, and gives up.
    let taken = json!({
        "match": { "account": account, "operation": "CreateServiceLinkedRole" },
        "action": { "error": { "code": "InvalidInput", "status": 400,
            "message": "Service role name AWSServiceRoleForVPCTransitGateway has been taken in this account" } },
    });
    let taken = rig.break_calls(&taken);
    let execution = rig.start_execution(&json!({ "accountId": account }));
    assert_ended(rig, &account, &execution, "failed", "often the service-linked role");
    assert!(rig.fired(taken) >= 1, "there was really no role");
    delete_and_redrive(rig, &account, &execution);
}

#[test]
fn an_attachment_that_is_deleting_is_named_and_made_anew_afterwards() {
    let (rig, _turn) = turn();
    let account = rig.account("severed-staging", "staging");
    onboarded(rig, &account);
    let old = attachment(rig, &account);
    let clock = rig.stop_clock();
    ec2(rig, &account, "delete_transit_gateway_vpc_attachment", &json!({ "TransitGatewayAttachmentId": old }));
    let failed = run(rig, &account);
    drop(clock);
    assert_eq!(failed.error.as_deref(), Some("InvalidInput"), "{failed:?}");
    let failure = rig.record(&account).unwrap().failure.unwrap();
    assert_eq!(failure.message, format!("{old} is deleting (account {account}, eu-west-1)"));
    assert!(failure.hint.contains("find out who deletes"), "{}", failure.hint);
    rig.until("the end of the attachment", || {
        attachments(rig, &account).iter().all(|each| each["State"] == "deleted").then_some(())
    });
    onboarded(rig, &account);
    let new = attachments(rig, &account).into_iter().find(|each| each["State"] == "available").unwrap();
    assert_ne!(new["TransitGatewayAttachmentId"], old.as_str());
    assert_eq!(rig.world(&account).regions["eu-west-1"].routes.len(), 1);
    let rerun = onboarded(rig, &account);
    assert!(rerun.changes().is_empty(), "{:?}", rerun.changes());
}

#[test]
fn a_gateway_that_is_not_shared_yet_is_waited_for_by_name() {
    let (rig, _turn) = turn();
    let account = rig.account("early-staging", "staging");
    let hidden = json!({
        "match": { "account": account, "operation": "CreateTransitGatewayVpcAttachment" }, "times": 2,
        "action": { "error": { "code": "InvalidTransitGatewayID.NotFound", "status": 400, "message": "not shared" } },
    });
    let rule = rig.break_calls(&hidden);
    onboarded(rig, &account);
    assert_eq!(rig.fired(rule), 2);
    let waits: Vec<String> = rig.log_lines("berth-attach-transit-gateway");
    let waits = waits.iter().filter(|line| line.contains(&account) && line.contains("not shared"));
    assert!(waits.filter(|line| line.contains("NotReady")).count() >= 2);
}

#[test]
fn while_aws_works_on_an_attachment_only_the_tenants_own_account_is_asked() {
    let (rig, _turn) = turn();
    let account = rig.account("patient-staging", "staging");
    let clock = rig.stop_clock();
    let execution = rig.start_execution(&json!({ "accountId": account }));
    let polls: Vec<String> = rig.until("two looks at an attachment that is pending", || {
        let lines = rig.log_lines("berth-attach-transit-gateway");
        let waits = lines.iter().filter(|line| line.contains(&execution) && line.contains(" is pending"));
        let requests = waits.map(|line| serde_json::from_str::<Value>(line).unwrap()["request"].clone());
        let requests: Vec<String> = requests.map(|request| request.as_str().unwrap().to_owned()).collect();
        (requests.len() >= 2).then_some(requests)
    });
    drop(clock);
    assert_eq!(rig.ended(&execution).status, ExecutionStatus::Succeeded);
    rig.wait_for_outcome(&account, &execution);
    let calls: Vec<Call> = rig.calls_of(&execution);
    let later: Vec<&Call> = calls.iter().filter(|call| polls.contains(&call.request_id)).collect();
    assert!(later.iter().any(|call| call.operation == "DescribeTransitGatewayVpcAttachments"), "it polled: {polls:?}");
    assert!(later.iter().all(|call| call.account != NETWORK), "{later:#?}");
    assert!(calls.iter().any(|call| call.account == NETWORK), "and asked the network account only once it was there");
}
