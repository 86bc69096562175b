//! Who may use an account, on the local AWS: assignments of IAM Identity Center and access entries of EKS, when people
//! change them, when what they need is missing, and when many accounts want them at once.
//!
//! These journeys change Identity Center, the hub's clusters and platform.yaml, so they have a local AWS of their own and
//! take turns.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod ci;
mod cluster_access;
mod crowd;
mod drift;
mod left_over;
mod pods;
mod readiness;
mod sign_in;
mod told;

use std::sync::MutexGuard;

use aws_sdk_sfn::types::ExecutionStatus;
use berth_events::Failure;
use berth_ledger::Status;
use berth_tests::rig::{
    self, AccessEntrySeen, AssignmentSeen, Call, Ended, HUB, MANAGEMENT, Rig, TimingProfile, onboarded, run,
};
use serde_json::{Value, json};

/// The one region of the environment `staging`, and that of the clusters.
const WEST: &str = "eu-west-1";
/// The cluster of the environment `staging`.
const CLUSTER: &str = "shared-dev-1";
/// Where `staging` says in platform.yaml who signs in.
const SIGN_IN: &str = "environments.staging.signIn";

/// The rig, for one journey at a time, with the first platform.yaml but for these values.
fn turn(edits: &[(&str, Value)]) -> (&'static Rig, MutexGuard<'static, ()>) {
    let (rig, turn) = rig::alone(TimingProfile::Fast, |_| ());
    rig.deploy_platform(&all(edits));
    (rig, turn)
}

/// These values, and those of every journey here: without what is not looked at, and most of the work.
fn all<'a>(edits: &[(&'a str, Value)]) -> Vec<(&'a str, Value)> {
    let mut all =
        vec![("environments.staging.defaultVpc", json!("keep")), ("environments.staging.baseline", Value::Null)];
    all.extend(edits.iter().cloned());
    all
}

/// Runs an onboarding that fails in this state with this fault; what the ledger then says.
fn failed(rig: &Rig, account: &str, state: &str, fault: &str) -> (Ended, Failure) {
    let ended = run(rig, account);
    assert_eq!((ended.status.clone(), ended.error.as_deref()), (ExecutionStatus::Failed, Some(fault)), "{ended:?}");
    let record = rig.record(account).unwrap();
    let failure = record.failure.unwrap();
    assert_eq!((record.status, failure.state.as_str()), (Status::Failed, state), "{failure:?}");
    (ended, failure)
}

/// Goes on where an execution failed, after somebody did what its hint says.
fn mended(rig: &Rig, account: &str, failed: &Ended) {
    rig.redrive(&failed.arn);
    let ended = rig.ended(&failed.arn);
    assert_eq!(ended.status, ExecutionStatus::Succeeded, "{ended:?}: {:?}", rig.record(account));
    rig.until("the outcome", || rig.record(account).filter(|record| record.status == Status::Onboarded));
}

/// Calls of an execution that changed something, as `function operation`.
fn changing(rig: &Rig, execution: &str) -> Vec<String> {
    let changed = |call: &Call| call.effect == "resource" && call.error.is_empty();
    let name = |call: Call| format!("{} {}", call.function.trim_start_matches("berth-"), call.operation);
    rig.calls_of(execution).into_iter().filter(changed).map(name).collect()
}

/// The fields that name Identity Center's instance.
fn instance(rig: &Rig) -> Value {
    rig.platform("identityCenter.instanceArn")
}

/// A call of Identity Center, as an administrator of the management account.
fn center(rig: &Rig, operation: &str, mut parameters: Value) -> Value {
    parameters["InstanceArn"] = instance(rig);
    let region = rig.platform("identityCenter.region");
    rig.call_in(MANAGEMENT, region.as_str().unwrap(), "sso-admin", operation, &parameters)
}

/// The same of its identity store.
fn store(rig: &Rig, operation: &str, mut parameters: Value) -> Value {
    parameters["IdentityStoreId"] = rig.platform("identityCenter.identityStoreId");
    let region = rig.platform("identityCenter.region");
    rig.call_in(MANAGEMENT, region.as_str().unwrap(), "identitystore", operation, &parameters)
}

/// Makes a permission set; its ARN.
fn permission_set(rig: &Rig, name: &str, tags: &Value) -> String {
    let made = center(rig, "create_permission_set", json!({ "Name": name, "Tags": tags }));
    made["PermissionSet"]["PermissionSetArn"].as_str().unwrap().to_owned()
}

/// Id of a group.
fn group(rig: &Rig, name: &str) -> Value {
    let unique = json!({ "AttributePath": "displayName", "AttributeValue": name });
    store(rig, "get_group_id", json!({ "AlternateIdentifier": { "UniqueAttribute": unique } }))["GroupId"].take()
}

/// Requests for assignments of one status, as Identity Center describes each.
fn requests(rig: &Rig, status: &str) -> Vec<Value> {
    let listed = center(rig, "list_account_assignment_creation_status", json!({ "Filter": { "Status": status } }));
    let described = |one: &Value| {
        let id = json!({ "AccountAssignmentCreationRequestId": one["RequestId"] });
        center(rig, "describe_account_assignment_creation_status", id)["AccountAssignmentCreationStatus"].take()
    };
    listed["AccountAssignmentsCreationStatus"].as_array().unwrap().iter().map(described).collect()
}

/// A call of EKS in the hub.
fn eks(rig: &Rig, operation: &str, parameters: &Value) -> Value {
    rig.call_in(HUB, WEST, "eks", operation, parameters)
}

/// The ARN of a tenant's role.
fn role(account: &str, tenant: &str, key: &str) -> String {
    format!("arn:aws:iam::{account}:role/tenant/{tenant}-{key}")
}

/// What everybody who is planned has: groups that sign in, and groups of the access entries.
fn assert_access(rig: &Rig, account: &str, tenant: &str) {
    let world = rig.world(account);
    let assignment =
        |group: &str, set: &str| AssignmentSeen { group: format!("{tenant}-{group}"), permission_set: set.to_owned() };
    assert_eq!(world.assignments, [assignment("developers", "TenantDeveloper"), assignment("viewers", "TenantViewer")]);
    let entry = |seen: &AccessEntrySeen| (seen.role.clone(), seen.groups.clone(), seen.tags["berth:role-id"].clone());
    let entries: Vec<_> = world.access_entries.iter().map(entry).collect();
    let of = |arn: &str| world.roles.iter().find(|role| role.arn == arn).unwrap().id.clone();
    let wanted = |key: &str, access: &str| {
        let arn = role(account, tenant, key);
        (arn.clone(), vec![format!("tenant:{tenant}:staging:{access}")], of(&arn))
    };
    assert_eq!(entries, [wanted("developer", "edit"), wanted("viewer", "view")]);
}
