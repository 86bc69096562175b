//! Tags that the organization demands: by a service control policy, and of an IPAM pool. Without `tags:` nothing can be
//! made, with them everything carries them, and what somebody removes comes back.

use std::collections::{BTreeMap, BTreeSet};

use berth_tests::rig::{MANAGEMENT, Rig};
use serde_json::{Value, json};

use crate::{WEST, onboarded, repaired, run, turn};

/// Binds the account by a policy that demands the tag in calls that make a VPC, a subnet or a role. What it denies is
/// on purpose: the gate of permissions (tests/permissions/decided.rs) finds any other denial.
fn demand_tags(rig: &Rig, account: &str) {
    let deny = |sid: &str, action: &str, resource: &str| {
        json!({
            "Sid": sid, "Effect": "Deny", "Action": action, "Resource": resource,
            "Condition": { "Null": { "aws:RequestTag/CostCenter": "true" } },
        })
    };
    let statements = [
        deny("DeniedByTestVpcs", "ec2:CreateVpc", "arn:aws:ec2:*:*:vpc/*"),
        deny("DeniedByTestSubnets", "ec2:CreateSubnet", "arn:aws:ec2:*:*:subnet/*"),
        deny("DeniedByTestRoles", "iam:CreateRole", "arn:aws:iam::*:role/*"),
    ];
    let made = json!({
        "Name": format!("demand-tags-{account}"), "Description": "Everything has a cost centre.",
        "Type": "SERVICE_CONTROL_POLICY",
        "Content": json!({ "Version": "2012-10-17", "Statement": statements }).to_string(),
    });
    let id = rig.call(MANAGEMENT, "organizations", "create_policy", &made)["Policy"]["PolicySummary"]["Id"].take();
    rig.call(MANAGEMENT, "organizations", "attach_policy", &json!({ "PolicyId": id, "TargetId": account }));
}

/// The tags of the organization in platform.yaml.
fn tags() -> [(&'static str, Value); 3] {
    [
        ("tags", json!({ "CostCenter": "0", "Owner": "{tenant}" })),
        ("environments.staging.tags", json!({ "CostCenter": "4711" })),
        ("tagSpecifications", json!([{ "resourceType": "subnet", "tags": { "Owner": "network of {account}" } }])),
    ]
}

/// Every resource that carries Berth's tags, and the permissions boundary, carries those of the organization.
fn assert_tagged(rig: &Rig, account: &str, tenant: &str) {
    // The role and the policies that the StackSet puts into each account have no tag of the account.
    let is_ours = |line: &String| line.contains("berth:account") && !line.starts_with("global policy");
    let ours: Vec<String> = rig.snapshot(account, tenant).into_iter().filter(is_ours).collect();
    let kinds: BTreeSet<&str> = ours.iter().filter_map(|line| line.split(' ').nth(1)).collect();
    for kind in ["vpc", "subnet", "route", "endpoint", "flow", "role"] {
        assert!(kinds.contains(kind), "{kind}: {kinds:?}");
    }
    for line in &ours {
        assert!(line.contains("CostCenter") && line.contains("4711") && line.contains("Owner"), "{line}");
        assert_eq!(line.contains("network of #account"), line.starts_with("eu-west-1 subnet"), "{line}");
    }
    let boundary = json!({ "PolicyArn": format!("arn:aws:iam::{account}:policy/tenant/{tenant}-boundary") });
    let on_it = rig.call(account, "iam", "list_policy_tags", &boundary).to_string();
    assert!(on_it.contains("CostCenter") && on_it.contains("4711"), "{on_it}");
    for attachment in attachments(rig, account) {
        assert!(attachment["Tags"].to_string().contains("4711"), "{attachment}");
    }
    let entries = rig.world(account).access_entries;
    assert!(
        entries.iter().all(|entry| entry.tags.get("CostCenter").map(String::as_str) == Some("4711")),
        "{entries:?}"
    );
}

fn attachments(rig: &Rig, account: &str) -> Vec<Value> {
    let found = rig.call_in(account, WEST, "ec2", "describe_transit_gateway_vpc_attachments", &json!({}));
    found["TransitGatewayVpcAttachments"].as_array().unwrap().clone()
}

#[test]
fn a_policy_that_demands_tags_is_named_and_then_met() {
    let (rig, _turn) = turn(&[]);
    let account = rig.account("levied-staging", "staging");
    demand_tags(rig, &account);
    let ended = run(rig, &account);
    assert_eq!(ended.error.as_deref(), Some("Denied"), "{ended:?}");
    let failure = rig.record(&account).unwrap().failure.unwrap();
    assert!(failure.hint.contains("service control policy"), "{failure:?}");
    assert!(rig.world(&account).regions[WEST].vpcs.is_empty() && rig.world(&account).roles.is_empty());

    rig.deploy_platform(&tags());
    onboarded(rig, &account);
    let fresh = rig.account("taxed-staging", "staging");
    demand_tags(rig, &fresh);
    onboarded(rig, &fresh);
    assert_tagged(rig, &fresh, "taxed");
    assert!(onboarded(rig, &fresh).changes().is_empty());
}

#[test]
fn a_tag_that_somebody_removes_comes_back_on_any_part() {
    let (rig, _turn) = turn(&tags());
    let account = rig.account("untagged-staging", "staging");
    onboarded(rig, &account);
    let of_berth = json!({ "Filters": [{ "Name": "tag:berth:managed-by", "Values": ["berth"] }] });
    let ec2 = |operation: &str, with: &Value| rig.call_in(&account, WEST, "ec2", operation, with);
    let listed = |operation: &str, set: &str, id: &str| -> Vec<String> {
        let found = ec2(operation, &of_berth)[set].take();
        found.as_array().unwrap().iter().map(|each| each[id].as_str().unwrap().to_owned()).collect()
    };
    let mut ids = listed("describe_vpcs", "Vpcs", "VpcId");
    ids.extend(listed("describe_subnets", "Subnets", "SubnetId"));
    ids.extend(listed("describe_route_tables", "RouteTables", "RouteTableId"));
    ids.extend(listed("describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId"));
    ids.extend(attachments(rig, &account).iter().map(|a| a["TransitGatewayAttachmentId"].as_str().unwrap().to_owned()));
    let logs = ec2("describe_flow_logs", &json!({}))["FlowLogs"].take();
    ids.extend(logs.as_array().unwrap().iter().map(|log| log["FlowLogId"].as_str().unwrap().to_owned()));
    assert!(ids.len() >= 10, "{ids:?}");

    ec2("delete_tags", &json!({ "Resources": ids, "Tags": [{ "Key": "CostCenter" }] }));
    // Somebody's own tag is nobody's drift.
    ec2("create_tags", &json!({ "Resources": [ids[0]], "Tags": [{ "Key": "theirs", "Value": "kept" }] }));
    let role = json!({ "RoleName": "untagged-viewer", "TagKeys": ["CostCenter"] });
    rig.call(&account, "iam", "untag_role", &role);
    let boundary = format!("arn:aws:iam::{account}:policy/tenant/untagged-boundary");
    rig.call(&account, "iam", "untag_policy", &json!({ "PolicyArn": boundary, "TagKeys": ["CostCenter"] }));
    let config = |operation: &str, with: &Value| rig.call_in(&account, WEST, "config", operation, with);
    let recorder = config("describe_configuration_recorders", &json!({}))["ConfigurationRecorders"][0]["arn"].take();
    let named = json!({ "ConfigRuleNames": ["berth-encrypted-volumes"] });
    let config_rule = config("describe_config_rules", &named)["ConfigRules"][0]["ConfigRuleArn"].take();
    for arn in [&recorder, &config_rule] {
        config("untag_resource", &json!({ "ResourceArn": arn, "TagKeys": ["CostCenter"] }));
    }
    let mut expected: Vec<String> = ids.iter().map(|id| format!("tag {id} with CostCenter")).collect();
    expected.extend([
        "repair tags of role untagged-viewer".to_owned(),
        format!("repair tags of permissions boundary {boundary}"),
        "repair tags of configuration recorder berth-recorder".to_owned(),
        "repair tags of Config rule berth-encrypted-volumes".to_owned(),
    ]);
    expected.sort();
    assert_eq!(repaired(rig, &account), expected);
    assert_tagged(rig, &account, "untagged");
    for arn in [&recorder, &config_rule] {
        let tags = config("list_tags_for_resource", &json!({ "ResourceArn": arn })).to_string();
        assert!(tags.contains("CostCenter") && tags.contains("4711"), "{tags}");
    }
    assert!(ec2("describe_vpcs", &of_berth).to_string().contains("theirs"));
}

/// What `berth status` gives scripts of what is left over: what, what comes first, and the command.
fn told(rig: &Rig, account: &str) -> Vec<(String, String, String)> {
    let (_, shown) = rig.status(account);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let one = |left: &Value| (text(&left["what"]), text(&left["first"]), text(&left["removedBy"]));
    shown["leftOver"].as_array().unwrap().iter().map(one).collect()
}

#[test]
fn a_tag_that_left_the_file_is_told_and_goes_only_where_it_says_so() {
    let (rig, _turn) = turn(&[]);
    let mut roles = rig.platform("environments.staging.roles.roles");
    let viewer = roles.as_array_mut().unwrap().iter_mut().find(|role| role["key"] == "viewer").unwrap();
    viewer["tags"] = json!({ "Team": "readers" });
    let all: Vec<_> = tags().into_iter().chain([("environments.staging.roles.roles", roles)]).collect();
    rig.deploy_platform(&all);
    let account = rig.account("untaxed-staging", "staging");
    onboarded(rig, &account);
    assert_tagged(rig, &account, "untaxed");
    let tagged = rig.snapshot(&account, "untaxed");

    let kept = ("tags", json!({ "Owner": "{tenant}" }));
    rig.deploy_platform(std::slice::from_ref(&kept));
    let (_, plan) = rig.berth(&["onboard", &account, "--plan"]);
    assert!(plan.contains("left over tag CostCenter on everything that Berth made"), "{plan}");
    let ran = repaired(rig, &account);
    let ids: Vec<String> = vpcs_and_subnets(rig, &account).iter().map(|(id, _)| id.clone()).collect();
    let subnets = ids.iter().filter(|id| id.starts_with("subnet-"));
    let again: BTreeSet<String> = subnets.map(|id| format!("tag {id} with Owner")).collect();
    assert_eq!(ran.into_iter().collect::<BTreeSet<_>>(), again, "the more special value is not wanted any more");
    let command = format!("berth onboard {account}");
    let first = "set `leftOver: remove` in platform.yaml and deploy";
    let of = |what: &str| (what.to_owned(), first.to_owned(), command.clone());
    // Told by both runs, of which the second changed nothing.
    let left = ["tag CostCenter on everything that Berth made", "tag Team on the role viewer"].map(of);
    assert_eq!(told(rig, &account), left);

    // What is told, done. Somebody has given one tag another value since: it is theirs.
    let vpc = ids.iter().find(|id| id.starts_with("vpc-")).unwrap();
    let theirs = json!({ "Resources": [vpc], "Tags": [{ "Key": "CostCenter", "Value": "theirs" }] });
    rig.call_in(&account, WEST, "ec2", "create_tags", &theirs);
    rig.deploy_platform(&[kept, ("leftOver", json!("remove"))]);
    let removals = assert_untagged(rig, &account, vpc);
    for part in
        ["subnet-", "rtb-", "vpce-", "fl-", "tgw-attach-", "backup vault", "backup plan", "recorder", "Config rule"]
    {
        assert!(
            removals
                .iter()
                .any(|line| line.contains(&format!(" from {part}"))
                    || line.contains(&format!(" from configuration {part}"))),
            "{part}: {removals:#?}"
        );
    }
    assert!(removals.contains(&"remove tags CostCenter, Team from role untaxed-viewer".to_owned()), "{removals:#?}");
    assert_eq!(told(rig, &account), []);

    // Wanted again, it is as it was.
    rig.deploy_platform(&all);
    onboarded(rig, &account);
    assert_eq!(rig.snapshot(&account, "untaxed"), tagged);
}

/// A run takes the tag off everything, but for the one that somebody else has set; nothing else is changed, and the next run
/// changes nothing. The sentences of the removals.
fn assert_untagged(rig: &Rig, account: &str, theirs: &str) -> Vec<String> {
    let (_, plan) = rig.berth(&["onboard", account, "--plan"]);
    let removals = repaired(rig, account);
    assert!(removals.iter().all(|line| line.starts_with("remove tags CostCenter")), "{removals:#?}");
    assert!(removals.iter().all(|line| plan.contains(line)), "{removals:#?} {plan}");
    for (id, tags) in vpcs_and_subnets(rig, account) {
        let (there, ours) = (tags.get("CostCenter").map(String::as_str), tags.get("berth:managed-by"));
        assert_eq!((there, ours.map(String::as_str)), ((id == theirs).then_some("theirs"), Some("berth")), "{id}");
    }
    // Recovery points get the tags of the plan as of when its rules were last written.
    let has_it = |line: &String| line.contains("CostCenter") && !line.contains("RecoveryPointTags");
    let left: Vec<String> = rig.snapshot(account, "untaxed").into_iter().filter(has_it).collect();
    assert!(left.len() == 1 && left[0].contains("theirs"), "that of the VPC: {left:#?}");
    let boundary = json!({ "PolicyArn": format!("arn:aws:iam::{account}:policy/tenant/untaxed-boundary") });
    let on_it = rig.call(account, "iam", "list_policy_tags", &boundary).to_string();
    assert!(!on_it.contains("CostCenter") && on_it.contains("berth:managed-by"), "{on_it}");
    removals
}

/// The VPC and its subnets, each with its tags.
fn vpcs_and_subnets(rig: &Rig, account: &str) -> Vec<(String, BTreeMap<String, String>)> {
    let of_berth = json!({ "Filters": [{ "Name": "tag:berth:managed-by", "Values": ["berth"] }] });
    let listed = |operation: &str, set: &str, id: &str| -> Vec<(String, BTreeMap<String, String>)> {
        let found = rig.call_in(account, WEST, "ec2", operation, &of_berth)[set].take();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let tags = |one: &Value| {
            one["Tags"].as_array().unwrap().iter().map(|tag| (text(&tag["Key"]), text(&tag["Value"]))).collect()
        };
        found.as_array().unwrap().iter().map(|one| (text(&one[id]), tags(one))).collect()
    };
    let mut all = listed("describe_vpcs", "Vpcs", "VpcId");
    all.extend(listed("describe_subnets", "Subnets", "SubnetId"));
    all
}

#[test]
fn a_pool_that_demands_tags_is_invalid_input_that_speaks_of_tags() {
    let (rig, _turn) = turn(&[]);
    let account = rig.account("pooled-staging", "staging");
    let message = "The resource is missing one or more of the resource tags required by the IPAM pool.";
    let rule = rig.break_calls(&json!({
        "match": { "account": account, "operation": "CreateVpc" },
        "action": { "error": { "code": "InvalidParameterValue", "status": 400, "message": message } },
        "times": 1,
    }));
    let ended = run(rig, &account);
    assert_eq!((rig.fired(rule), ended.error.as_deref()), (1, Some("InvalidInput")), "{ended:?}");
    let failure = rig.record(&account).unwrap().failure.unwrap();
    assert!(failure.hint.contains("`tags:`") && failure.hint.contains("describe-ipam-pools"), "{failure:?}");
}
