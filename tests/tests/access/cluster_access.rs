//! Clusters on which Berth may not do what is planned: an entry of somebody else, a cluster that knows no entries.

use berth_ledger::Status;
use serde_json::{Value, json};

use crate::{CLUSTER, WEST, assert_access, changing, eks, failed, mended, onboarded, role, run, turn};

#[test]
fn an_entry_of_somebody_else_is_left_and_named_until_it_is_gone() {
    let (rig, _turn) = turn(&[]);
    let account = rig.account("claimed-staging", "staging");
    onboarded(rig, &account);
    let developer = role(&account, "claimed", "developer");
    let viewer = role(&account, "claimed", "viewer");
    let of = |arn: &str| json!({ "clusterName": CLUSTER, "principalArn": arn });
    eks(rig, "delete_access_entry", &of(&developer));
    eks(rig, "delete_access_entry", &of(&viewer));
    // By hand: of the role that Berth plans for, and of one that is no matter of Berth.
    let by_hand = |arn: &str| {
        let mut entry = of(arn);
        entry["kubernetesGroups"] = json!(["by-hand"]);
        eks(rig, "create_access_entry", &entry);
    };
    let unplanned = format!("arn:aws:iam::{account}:role/BerthTenant");
    by_hand(&developer);
    by_hand(&unplanned);
    let before = rig.world(&account).access_entries;

    let (ended, failure) = failed(rig, &account, "GrantClusterAccess", "NotOwned");
    let named = format!("the access entry of {developer} on {CLUSTER} was not made by Berth for this account");
    assert!(failure.message.contains(&named), "{}", failure.message);
    assert!(failure.hint.contains("delete that access entry"), "{}", failure.hint);
    assert!(changing(rig, &ended.arn).is_empty(), "{:?}", changing(rig, &ended.arn));
    assert_eq!(rig.world(&account).access_entries, before, "nothing was changed, not even beside it");

    eks(rig, "delete_access_entry", &of(&developer));
    mended(rig, &account, &ended);
    let after = rig.world(&account).access_entries;
    let left = after.iter().find(|entry| entry.role == unplanned);
    assert_eq!(left, before.iter().find(|entry| entry.role == unplanned), "an entry that nobody plans is left");
    eks(rig, "delete_access_entry", &of(&unplanned));
    assert_access(rig, &account, "claimed");
}

#[test]
fn a_cluster_without_access_entries_is_reported_with_the_command() {
    let eks_cluster = json!({ "region": WEST, "eks": {} });
    let (rig, _turn) =
        turn(&[("clusters.shared-old-1", eks_cluster), ("environments.staging.cluster", json!("shared-old-1"))]);
    let like = eks(rig, "describe_cluster", &json!({ "name": CLUSTER }))["cluster"].take();
    let mut old: Value = json!({ "name": "shared-old-1", "roleArn": like["roleArn"], "version": like["version"] });
    old["resourcesVpcConfig"] = json!({ "subnetIds": like["resourcesVpcConfig"]["subnetIds"] });
    old["accessConfig"] = json!({ "authenticationMode": "CONFIG_MAP" });
    eks(rig, "create_cluster", &old);

    let account = rig.account("patient-staging", "staging");
    let (ended, failure) = failed(rig, &account, "GrantClusterAccess", "InvalidInput");
    let what = "the cluster shared-old-1 has the authentication mode CONFIG_MAP, which knows no access entries";
    assert!(failure.message.contains(what), "{}", failure.message);
    let command = "aws eks update-cluster-config --name shared-old-1 --access-config \
                   authenticationMode=API_AND_CONFIG_MAP";
    assert!(failure.hint.contains(command), "{}", failure.hint);
    assert_eq!(rig.files_naming(&account).len(), 1, "access comes last, and nobody was let in");
    assert!(rig.world(&account).access_entries.is_empty());

    let mode = json!({ "name": "shared-old-1", "accessConfig": { "authenticationMode": "API_AND_CONFIG_MAP" } });
    eks(rig, "update_cluster_config", &mode);
    mended(rig, &account, &ended);
    assert_access(rig, &account, "patient");
    assert!(rig.world(&account).access_entries.iter().all(|entry| entry.cluster == "shared-old-1"));
}

#[test]
fn a_role_that_eks_does_not_see_yet_is_waited_for() {
    let (rig, _turn) = turn(&[]);
    let account = rig.account("unseen-staging", "staging");
    // EKS itself answers so for a role that IAM shows it some seconds later.
    let unseen = json!({
        "match": { "operation": "CreateAccessEntry", "function": "berth-grant-cluster-access" }, "times": 2,
        "action": { "error": {
            "code": "InvalidParameterException", "status": 400,
            "message": "The specified principalArn is invalid: invalid principal.",
        } },
    });
    let rule = rig.break_calls(&unseen);
    let ended = run(rig, &account);
    assert_eq!(rig.fired(rule), 2);
    assert_eq!(rig.record(&account).unwrap().status, Status::Onboarded, "{ended:?}");
    let waited = rig.failures(&ended.arn).iter().filter(|error| *error == "NotReady").count();
    assert!(waited >= 1, "{:?}", rig.failures(&ended.arn));
    assert_access(rig, &account, "unseen");
}
