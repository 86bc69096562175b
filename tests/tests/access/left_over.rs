//! What an account was given and its plan does not have any more: access goes, or is told with the command that removes it.

use berth_tenancy::{Tags, Thing};
use berth_tests::rig::{HUB, Rig, onboarded};
use serde_json::{Value, json};

use crate::{CLUSTER, SIGN_IN, changing, role, turn};

/// Where `staging` says in platform.yaml which roles there are.
const ROLES: &str = "environments.staging.roles.roles";

/// Deploys platform.yaml without the role `viewer`, and with these values.
fn without_viewer(rig: &Rig, more: &[(&str, Value)]) {
    let mut roles = rig.platform(ROLES);
    roles.as_array_mut().unwrap().retain(|role| role["key"] != "viewer");
    let mut edits =
        vec![("environments.staging.defaultVpc", json!("keep")), ("environments.staging.baseline", Value::Null)];
    edits.push((ROLES, roles));
    edits.extend(more.iter().cloned());
    rig.deploy_platform(&edits);
}

/// Puts a boundary on the account's record, as if its first onboarding had made it.
fn give_boundary(rig: &Rig, account: &str, arn: &str) {
    let thing = json!({ "M": { "kind": { "S": "boundary" }, "arn": { "S": arn } } });
    let update = json!({
        "TableName": "berth-ledger",
        "Key": { "pk": { "S": format!("account#{account}") }, "sk": { "S": "record" } },
        "UpdateExpression": "SET inventory.older = :given",
        "ExpressionAttributeValues": { ":given": { "M": { "thing": thing, "generation": { "N": "1" } } } },
    });
    rig.call(HUB, "dynamodb", "update_item", &update);
}

#[test]
fn a_role_that_left_the_plan_goes_with_its_entry_and_both_are_told() {
    let (rig, _turn) = turn(&[]);
    let account = rig.account("lantern-staging", "staging");
    onboarded(rig, &account);
    let (viewer, developer) = (role(&account, "lantern", "viewer"), role(&account, "lantern", "developer"));
    without_viewer(rig, &[]);
    let (_, plan) = rig.berth(&["onboard", &account, "--plan"]);
    let gone = format!("remove role {viewer}, which the plan does not have any more");
    assert!(plan.contains(&gone), "{plan}");

    let (code, said) = rig.berth(&["onboard", &account, "--wait"]);
    assert_eq!(code, 0, "{said}");
    let entry = format!("remove access entry of {viewer} on {CLUSTER}, which the plan does not have any more");
    assert!(said.contains(&gone) && said.contains(&entry), "{said}");
    let world = rig.world(&account);
    assert!(world.roles.iter().all(|role| role.arn != viewer) && world.roles.iter().any(|role| role.arn == developer));
    assert!(world.access_entries.iter().all(|entry| entry.role != viewer), "{:?}", world.access_entries);

    let again = onboarded(rig, &account);
    assert_eq!(changing(rig, &again.arn), Vec::<String>::new());
    let (_, shown) = rig.status(&account);
    assert_eq!((&shown["leftOver"], &shown["changes"]), (&json!([]), &json!([])), "{shown}");
}

#[test]
fn with_report_a_role_that_left_the_plan_stays_and_everybody_is_told() {
    let (rig, _turn) = turn(&[]);
    let account = rig.account("wicker-staging", "staging");
    onboarded(rig, &account);
    let viewer = role(&account, "wicker", "viewer");
    without_viewer(rig, &[("leftOver", json!("report"))]);
    let (code, said) = rig.berth(&["onboard", &account, "--wait"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains(&format!("left over role {viewer}")), "{said}");
    let world = rig.world(&account);
    assert!(world.roles.iter().any(|role| role.arn == viewer));
    let entry = world.access_entries.iter().find(|entry| entry.role == viewer).expect("it is only reported");
    assert!(entry.groups.is_empty(), "but it allows nothing: {entry:?}");
    let (_, shown) = rig.status(&account);
    let told: Vec<&str> =
        shown["leftOver"].as_array().unwrap().iter().map(|left| left["what"].as_str().unwrap()).collect();
    assert_eq!(told, [format!("role {viewer}"), format!("access entry of {viewer} on {CLUSTER}")]);
    for left in shown["leftOver"].as_array().unwrap() {
        assert_eq!(left["first"], "take `leftOver: report` out of platform.yaml and deploy", "{left}");
        assert_eq!(left["removedBy"], format!("berth onboard {account}"), "{left}");
    }

    // What is told, done.
    without_viewer(rig, &[]);
    let (code, said) = rig.berth(&["onboard", &account, "--wait"]);
    assert_eq!(code, 0, "{said}");
    let world = rig.world(&account);
    assert!(world.roles.iter().all(|role| role.arn != viewer) && world.roles.len() > 1, "{:?}", world.roles);
    assert!(world.access_entries.iter().all(|entry| entry.role != viewer), "{:?}", world.access_entries);
    let (_, shown) = rig.status(&account);
    assert_eq!((&shown["leftOver"], &shown["status"]), (&json!([]), &json!("onboarded")), "{shown}");
}

/// The name of a boundary never changes of an account that stays who it is, so this one is put on record.
#[test]
fn a_boundary_that_was_removed_leaves_the_inventory() {
    let (rig, _turn) = turn(&[("leftOver", json!("remove"))]);
    let account = rig.account("lobelia-staging", "staging");
    onboarded(rig, &account);
    let tags = Tags::of(&account.parse().unwrap(), &"lobelia".parse().unwrap()).0.into_iter();
    let tags: Vec<Value> = tags.map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
    let document =
        json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Deny", "Action": "*", "Resource": "*" }] });
    let made = json!({ "PolicyName": "lobelia-old-boundary", "Path": "/tenant/", "PolicyDocument": document.to_string(), "Tags": tags });
    let arn = rig.call(&account, "iam", "create_policy", &made)["Policy"]["Arn"].as_str().unwrap().to_owned();
    give_boundary(rig, &account, &arn);

    let removed = format!("remove permissions boundary {arn}, which the plan does not have any more");
    assert_eq!(onboarded(rig, &account).changes(), [removed]);
    let boundaries = || {
        let given = rig.record(&account).unwrap().given().into_iter();
        given.filter(|given| matches!(given.thing, Thing::Boundary { .. })).count()
    };
    assert_eq!(boundaries(), 1, "the one of its roles");
    assert!(onboarded(rig, &account).changes().is_empty());
    assert_eq!(boundaries(), 1);
}

#[test]
fn a_role_that_left_the_plan_and_is_not_provably_ours_stays() {
    let (rig, _turn) = turn(&[]);
    let account = rig.account("willow-staging", "staging");
    onboarded(rig, &account);
    let viewer = role(&account, "willow", "viewer");
    let untag = json!({ "RoleName": "willow-viewer", "TagKeys": ["berth:managed-by"] });
    rig.call(&account, "iam", "untag_role", &untag);
    without_viewer(rig, &[]);
    onboarded(rig, &account);
    assert!(rig.world(&account).roles.iter().any(|role| role.arn == viewer));
    let (_, shown) = rig.berth(&["status", &account]);
    let next = "give it Berth's tags back, and take it out of instance profiles";
    assert!(shown.contains(&format!("left over  role {viewer}: {next}, then berth onboard {account}\n")), "{shown}");

    // What is told, done.
    let tag = json!({ "RoleName": "willow-viewer", "Tags": [{ "Key": "berth:managed-by", "Value": "berth" }] });
    rig.call(&account, "iam", "tag_role", &tag);
    let (code, said) = rig.berth(&["onboard", &account, "--wait"]);
    assert_eq!(code, 0, "{said}");
    assert!(rig.world(&account).roles.iter().all(|role| role.arn != viewer));
}

#[test]
fn a_lowered_permission_set_takes_the_old_assignment_away() {
    let (rig, _turn) = turn(&[]);
    let account = rig.account("ferry-staging", "staging");
    onboarded(rig, &account);
    let lowered = json!([
        { "group": "{tenant}-developers", "permissionSet": "TenantViewer" },
        { "group": "{tenant}-viewers", "permissionSet": "TenantViewer" },
    ]);
    let edits = [
        ("environments.staging.defaultVpc", json!("keep")),
        ("environments.staging.baseline", Value::Null),
        (SIGN_IN, lowered),
    ];
    rig.deploy_platform(&edits);
    let (code, said) = rig.berth(&["onboard", &account, "--wait"]);
    assert_eq!(code, 0, "{said}");
    let gone = "remove the assignment of group ferry-developers with permission set TenantDeveloper";
    assert!(said.contains(gone) && said.contains("assign group ferry-developers with permission set TenantViewer"));
    let there: Vec<(String, String)> =
        rig.world(&account).assignments.into_iter().map(|one| (one.group, one.permission_set)).collect();
    let wanted = ["developers", "viewers"].map(|group| (format!("ferry-{group}"), "TenantViewer".to_owned()));
    assert_eq!(there, wanted);
    let again = onboarded(rig, &account);
    assert_eq!(changing(rig, &again.arn), Vec::<String>::new());
}

/// Nobody shall sign in any more: then the step still reaches Identity Center, to let everybody out.
#[test]
fn when_nobody_signs_in_any_more_everybody_is_let_out() {
    let (rig, _turn) = turn(&[]);
    let account = rig.account("barley-staging", "staging");
    onboarded(rig, &account);
    let edits = [
        ("environments.staging.defaultVpc", json!("keep")),
        ("environments.staging.baseline", Value::Null),
        (SIGN_IN, json!([])),
    ];
    rig.deploy_platform(&edits);
    onboarded(rig, &account);
    assert!(rig.world(&account).assignments.is_empty());
}
