//! Roles of a tenant and their boundary, changed in every way that Berth repairs.

use serde_json::{Value, json};

use crate::{onboarded, operations, repaired, turn};

const ROLES: &str = "environments.staging.roles.roles";

/// A document that allows one thing.
fn allows(action: &str) -> Value {
    json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": action, "Resource": "*" }] })
}

#[test]
fn roles_and_their_boundary_are_repaired_however_they_were_changed() {
    let (rig, _turn) = turn(&[]);
    let mut roles = rig.platform(ROLES);
    roles[1]["inlinePolicies"] = json!({ "look": allows("s3:ListAllMyBuckets") });
    rig.deploy_platform(&[(ROLES, roles)]);
    let account = rig.account("bent-staging", "staging");
    onboarded(rig, &account);

    let iam = |operation: &str, with: &Value| rig.call(&account, "iam", operation, with);
    let viewer = |with: Value| {
        let mut with = with;
        with["RoleName"] = json!("bent-viewer");
        with
    };
    let trust = json!({
        "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Principal": { "AWS": account }, "Action": "sts:AssumeRole" }],
    });
    iam("update_assume_role_policy", &viewer(json!({ "PolicyDocument": trust.to_string() })));
    let more = json!({ "PolicyName": "more", "PolicyDocument": allows("s3:*").to_string() });
    iam("put_role_policy", &viewer(more));
    iam("delete_role_policy", &viewer(json!({ "PolicyName": "look" })));
    iam("attach_role_policy", &viewer(json!({ "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess" })));
    iam("untag_role", &viewer(json!({ "TagKeys": ["berth:role", "berth:session-seconds"] })));
    iam("delete_role_permissions_boundary", &json!({ "RoleName": "bent-developer" }));
    let boundary = format!("arn:aws:iam::{account}:policy/tenant/bent-boundary");
    for n in 1..=4 {
        let document = allows(&format!("s3:Get{n}")).to_string();
        let version = json!({ "PolicyArn": boundary, "PolicyDocument": document, "SetAsDefault": n == 4 });
        iam("create_policy_version", &version);
    }

    let changes = repaired(rig, &account);
    let all = "attach arn:aws:iam::aws:policy/AdministratorAccess";
    assert!(!changes.iter().any(|line| line.starts_with(all)), "{changes:?}");
    let wanted = [
        "delete inline policy more of role bent-viewer, which the plan does not have".to_owned(),
        "detach arn:aws:iam::aws:policy/AdministratorAccess from role bent-viewer, which the plan does not have"
            .to_owned(),
        "repair permissions boundary of role bent-developer".to_owned(),
        "repair tags of role bent-viewer".to_owned(),
        "repair trust policy of role bent-viewer".to_owned(),
        "set longest session of role bent-viewer to 3600 s".to_owned(),
        format!("update permissions boundary {boundary}"),
        "write inline policy look of role bent-viewer".to_owned(),
    ];
    assert_eq!(changes, wanted);
    let versions = iam("list_policy_versions", &json!({ "PolicyArn": boundary }))["Versions"].take();
    assert_eq!(versions.as_array().unwrap().len(), 5, "the oldest made room: {versions}");
}

#[test]
fn a_repaired_boundary_loses_its_oldest_version_only_when_it_is_full() {
    let (rig, _turn) = turn(&[]);
    let account = rig.account("bound-staging", "staging");
    onboarded(rig, &account);
    let boundary = format!("arn:aws:iam::{account}:policy/tenant/bound-boundary");
    let version = json!({
        "PolicyArn": boundary, "PolicyDocument": allows("s3:GetObject").to_string(), "SetAsDefault": true,
    });
    rig.call(&account, "iam", "create_policy_version", &version);
    let ended = onboarded(rig, &account);
    let called = operations(rig, &ended.arn, "create-tenant-roles");
    assert!(called.iter().any(|operation| operation == "ListPolicyTags"), "{called:?}");
    assert!(!called.iter().any(|operation| operation == "DeletePolicyVersion"), "{called:?}");
}
