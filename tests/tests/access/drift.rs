//! A finished account: a re-run changes nothing, what somebody took away is given back, a role made again gets a new entry.

use serde_json::{Value, json};

use crate::{CLUSTER, assert_access, center, changing, eks, group, onboarded, role, turn};

#[test]
fn a_rerun_looks_at_sign_in_and_entries_and_changes_nothing() {
    let (rig, _turn) = turn(&[]);
    let account = rig.account("settled-staging", "staging");
    onboarded(rig, &account);
    assert_access(rig, &account, "settled");
    let before = rig.world(&account);

    let again = onboarded(rig, &account);
    assert!(again.changes().is_empty(), "{:?}", again.changes());
    assert!(changing(rig, &again.arn).is_empty(), "{:?}", changing(rig, &again.arn));
    let calls = rig.calls_of(&again.arn);
    let looked = |operation: &str| calls.iter().any(|call| call.operation == operation && call.error.is_empty());
    assert!(looked("ListAccountAssignments") && looked("DescribeAccessEntry"), "{calls:#?}");
    assert_eq!(rig.world(&account), before);
}

#[test]
fn only_what_somebody_changed_of_an_accounts_access_is_repaired() {
    let (rig, _turn) = turn(&[]);
    let account = rig.account("drifted-staging", "staging");
    onboarded(rig, &account);
    let before = rig.world(&account);

    let sets = rig.platform("identityCenter.permissionSets.TenantDeveloper");
    let assignment = json!({
        "TargetId": account, "TargetType": "AWS_ACCOUNT", "PermissionSetArn": sets,
        "PrincipalType": "GROUP", "PrincipalId": group(rig, "drifted-developers"),
    });
    center(rig, "delete_account_assignment", assignment);
    let [developer, viewer] = ["developer", "viewer"].map(|key| role(&account, "drifted", key));
    let admins =
        json!({ "clusterName": CLUSTER, "principalArn": viewer, "kubernetesGroups": ["tenant:drifted:staging:admin"] });
    eks(rig, "update_access_entry", &admins);
    let entry = before.access_entries.iter().find(|entry| entry.role == developer).unwrap();
    eks(rig, "untag_resource", &json!({ "resourceArn": entry.arn, "tagKeys": ["berth:tenant"] }));
    let drifted = rig.world(&account);
    assert_eq!(drifted.assignments.len(), 1, "{:?}", drifted.assignments);
    for (was, is) in before.access_entries.iter().zip(&drifted.access_entries) {
        let changed = if is.role == viewer { was.groups != is.groups } else { was.tags != is.tags };
        assert!(changed, "{is:?}");
    }

    let repaired = onboarded(rig, &account);
    let mut changed = changing(rig, &repaired.arn);
    changed.sort();
    let wanted = [
        "grant-cluster-access TagResource",
        "grant-cluster-access UpdateAccessEntry",
        "grant-sign-in CreateAccountAssignment",
    ];
    assert_eq!(changed, wanted);
    assert_eq!(rig.world(&account), before);
    let again = onboarded(rig, &account);
    assert!(changing(rig, &again.arn).is_empty(), "{:?}", changing(rig, &again.arn));
}

#[test]
fn a_role_that_was_deleted_and_made_again_gets_an_entry_of_its_own() {
    let (rig, _turn) = turn(&[]);
    let account = rig.account("reborn-staging", "staging");
    onboarded(rig, &account);
    let before = rig.world(&account);

    let name = json!({ "RoleName": "reborn-developer" });
    let and = |key: &str, value: &Value| {
        let mut both = name.clone();
        both[key] = value.clone();
        both
    };
    let attached = rig.call(&account, "iam", "list_attached_role_policies", &name);
    for policy in attached["AttachedPolicies"].as_array().unwrap() {
        rig.call(&account, "iam", "detach_role_policy", &and("PolicyArn", &policy["PolicyArn"]));
    }
    rig.call(&account, "iam", "delete_role_permissions_boundary", &name);
    rig.call(&account, "iam", "delete_role", &name);

    let remade = onboarded(rig, &account);
    let developer = role(&account, "reborn", "developer");
    let of_eks = |line: &String| line.starts_with("grant-cluster-access ");
    let changed: Vec<String> = changing(rig, &remade.arn).into_iter().filter(of_eks).collect();
    assert_eq!(changed, ["grant-cluster-access DeleteAccessEntry", "grant-cluster-access CreateAccessEntry"]);
    let gone = format!("delete access entry of {developer} on {CLUSTER}, made for a role that is gone");
    assert!(remade.changes().contains(&gone), "{:?}", remade.changes());
    assert_access(rig, &account, "reborn");
    let after = rig.world(&account);
    for (old, new) in before.access_entries.iter().zip(&after.access_entries) {
        assert_eq!(old.role, new.role);
        assert_eq!(old.arn != new.arn, new.role == developer, "the other entry stayed: {old:?}, {new:?}");
    }
    let again = onboarded(rig, &account);
    assert!(changing(rig, &again.arn).is_empty(), "{:?}", changing(rig, &again.arn));
}
