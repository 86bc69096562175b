//! Sign-in that cannot be granted: a group that is missing, an assignment that Identity Center gives up.

use serde_json::json;

use crate::{SIGN_IN, assert_access, center, changing, failed, group, mended, permission_set, requests, store, turn};

#[test]
fn a_missing_group_is_named_and_nobody_is_assigned_until_it_is_there() {
    let (rig, _turn) = turn(&[]);
    let account = rig.account("unsynced-staging", "staging");
    store(rig, "delete_group", json!({ "GroupId": group(rig, "unsynced-viewers") }));

    let (ended, failure) = failed(rig, &account, "GrantSignIn", "InvalidInput");
    assert!(failure.message.contains("Identity Center has no group unsynced-viewers"), "{}", failure.message);
    assert!(failure.hint.contains("create the group unsynced-viewers"), "{}", failure.hint);
    let asked = |line: &String| line.starts_with("grant-sign-in ");
    assert!(!changing(rig, &ended.arn).iter().any(asked), "not even the other group was assigned");

    store(rig, "create_group", json!({ "DisplayName": "unsynced-viewers" }));
    mended(rig, &account, &ended);
    assert_access(rig, &account, "unsynced");
}

#[test]
fn a_permission_set_that_is_missing_is_named() {
    let declared = json!([{ "group": "{tenant}-viewers", "permissionSet": "NobodyMadeThis" }]);
    let (rig, _turn) = turn(&[(SIGN_IN, declared)]);
    let account = rig.account("unset-staging", "staging");
    let (_, failure) = failed(rig, &account, "GrantSignIn", "InvalidInput");
    assert!(failure.message.contains("Identity Center has no permission set NobodyMadeThis"), "{}", failure.message);
    assert!(failure.hint.contains("create the permission set NobodyMadeThis"), "{}", failure.hint);
}

#[test]
fn an_assignment_that_failed_is_asked_for_again_and_then_shown() {
    let declared = json!([{ "group": "{tenant}-viewers", "permissionSet": "TenantAuditor" }]);
    let (rig, _turn) = turn(&[(SIGN_IN, declared)]);
    // Identity Center makes the role of a permission set in the account, with this policy, which the account lacks.
    let set = permission_set(rig, "TenantAuditor", &json!([]));
    let policy = json!({ "Name": "auditing", "Path": "/" });
    let attached = json!({ "PermissionSetArn": set, "CustomerManagedPolicyReference": policy });
    center(rig, "attach_customer_managed_policy_reference_to_permission_set", attached);
    let account = rig.account("audited-staging", "staging");

    let (ended, failure) = failed(rig, &account, "GrantSignIn", "Conflict");
    let what = format!(
        "Identity Center could not assign group audited-viewers with permission set TenantAuditor: account {account} \
         has no policy /auditing"
    );
    assert!(failure.message.contains(&what), "{}", failure.message);
    let given_up = requests(rig, "FAILED").into_iter().filter(|one| one["TargetId"] == account.as_str()).count();
    let asked = changing(rig, &ended.arn).iter().filter(|line| line.ends_with("CreateAccountAssignment")).count();
    assert!((2..=4).contains(&asked) && given_up >= 2, "asked {asked} times, given up {given_up} times");
    assert!(rig.world(&account).assignments.is_empty());

    let document = json!({
        "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*" }],
    });
    let made = json!({ "PolicyName": "auditing", "PolicyDocument": document.to_string() });
    rig.call(&account, "iam", "create_policy", &made);
    mended(rig, &account, &ended);
    let world = rig.world(&account);
    let [assigned] = world.assignments.as_slice() else { panic!("one assignment: {:?}", world.assignments) };
    assert_eq!((assigned.group.as_str(), assigned.permission_set.as_str()), ("audited-viewers", "TenantAuditor"));
}
