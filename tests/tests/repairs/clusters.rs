//! A shared cluster in an account other than the hub, reached through its role.

use berth_ledger::Readiness;
use berth_tests::rig::{NETWORK, Rig, make_pod_role, role_of_pods};
use serde_json::{Value, json};

use crate::{WEST, onboarded, repaired, turn};

const CLUSTER: &str = "shared-outside";
/// Where `staging` says in platform.yaml which roles there are.
const ROLES: &str = "environments.staging.roles.roles";

/// Makes the cluster in the network account, which has the role of `infra/cluster.yaml`. Nobody outside of its network
/// reaches it.
fn make_cluster(rig: &Rig) {
    let subnets = rig.call_in(NETWORK, WEST, "ec2", "describe_subnets", &json!({}));
    let subnet = &subnets["Subnets"][0]["SubnetId"];
    let cluster = json!({
        "name": CLUSTER, "roleArn": format!("arn:aws:iam::{NETWORK}:role/eks-cluster"),
        "resourcesVpcConfig": { "subnetIds": [subnet], "endpointPublicAccess": false }, "accessConfig": { "authenticationMode": "API" },
    });
    rig.call_in(NETWORK, WEST, "eks", "create_cluster", &cluster);
}

fn eks(rig: &Rig, operation: &str, mut with: Value) -> Value {
    with["clusterName"] = json!(CLUSTER);
    rig.call_in(NETWORK, WEST, "eks", operation, &with)
}

#[test]
fn entries_on_another_accounts_cluster_are_made_through_its_role() {
    let (rig, _turn) = turn(&[]);
    let mut roles = rig.platform(ROLES);
    roles.as_array_mut().unwrap().push(role_of_pods("api"));
    deploy(rig, &roles, &[("tags", json!({ "Owner": "{tenant}" }))]);
    make_cluster(rig);
    make_pod_role(rig, NETWORK);
    let account = rig.account("abroad-staging", "staging");
    let first = onboarded(rig, &account);
    let calls = rig.calls_of(&first.arn);
    let there = |call: &&berth_tests::rig::Call| call.service == "eks" && call.account == NETWORK;
    assert!(calls.iter().any(|call| there(&call) && call.operation == "CreateAccessEntry"), "{calls:#?}");
    // The cluster was looked at there, and its endpoint is private: whether the tenant is Ready is not known.
    let looked = |call: &berth_tests::rig::Call| there(&call) && call.operation == "DescribeCluster";
    assert!(calls.iter().any(looked), "{calls:#?}");
    let readiness = rig.until("the outcome", || rig.record(&account)?.readiness.pop());
    assert_eq!(readiness.state, Readiness::Unknown, "{readiness:?}");

    let [developer, viewer] =
        ["developer", "viewer"].map(|key| format!("arn:aws:iam::{account}:role/tenant/abroad-{key}"));
    let entry = |role: &str| eks(rig, "describe_access_entry", json!({ "principalArn": role }))["accessEntry"].take();
    assert_eq!(entry(&viewer)["kubernetesGroups"], json!(["tenant:abroad:staging:view"]));
    let admins = json!({ "principalArn": viewer, "kubernetesGroups": ["tenant:abroad:staging:admin"] });
    eks(rig, "update_access_entry", admins);
    let untagged = json!({ "resourceArn": entry(&viewer)["accessEntryArn"], "tagKeys": ["berth:tenant"] });
    rig.call_in(NETWORK, WEST, "eks", "untag_resource", &untagged);
    let workload = format!("arn:aws:iam::{account}:role/tenant/abroad-workload");
    let first = format!("arn:aws:iam::{NETWORK}:role/tenant-pods");
    let listed = eks(rig, "list_pod_identity_associations", json!({ "namespace": "abroad-staging" }));
    let id = json!({ "associationId": listed["associations"][0]["associationId"] });
    let made = eks(rig, "describe_pod_identity_association", id.clone())["association"].take();
    assert_eq!((&made["roleArn"], &made["targetRoleArn"]), (&json!(first), &json!(workload)), "{made}");
    let with = |more: Value| {
        let mut one = id.clone();
        one.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        one
    };
    eks(rig, "update_pod_identity_association", with(json!({ "targetRoleArn": developer })));
    let untagged = json!({ "resourceArn": made["associationArn"], "tagKeys": ["berth:tenant"] });
    rig.call_in(NETWORK, WEST, "eks", "untag_resource", &untagged);
    // As if the entry had been made for a role that is gone.
    let other = json!({ "berth:role-id": "AROAGONE" });
    let tagged = json!({ "resourceArn": entry(&developer)["accessEntryArn"], "tags": other });
    rig.call_in(NETWORK, WEST, "eks", "tag_resource", &tagged);
    assert_eq!(
        repaired(rig, &account),
        [
            format!("create access entry of {developer} on outside"),
            format!("delete access entry of {developer} on outside, made for a role that is gone"),
            format!("repair tags of the access entry of {viewer} on outside"),
            "repair tags of the pod identity association of abroad-staging/api on outside".to_owned(),
            format!("repair the groups of the access entry of {viewer} on outside"),
            format!("set the pod identity association of abroad-staging/api on outside to {workload} by {first}"),
        ]
    );
    assert_made_again_when_narrowed(rig, &account, with, &workload);

    deploy(rig, &roles, &[("leftOver", json!("remove"))]);
    let changes = repaired(rig, &account);
    let there: Vec<&String> = changes.iter().filter(|line| line.ends_with(" on outside")).collect();
    let gone = |what: &str| format!("remove tags Owner from the {what} on outside");
    let entries = [&developer, &viewer].map(|role| gone(&format!("access entry of {role}")));
    assert_eq!(there, [&entries[0], &entries[1], &gone("pod identity association of abroad-staging/api")]);
}

/// The environment is on the cluster, with these roles.
fn deploy(rig: &Rig, roles: &Value, more: &[(&str, Value)]) {
    let there = json!({ "name": CLUSTER, "account": NETWORK, "role": "BerthCluster" });
    let cluster = ("clusters.outside", json!({ "region": WEST, "eks": there, "awaitReady": true }));
    let edits = [cluster, ("environments.staging.cluster", json!("outside")), (ROLES, roles.clone())];
    rig.deploy_platform(&[&edits, more].concat());
}

/// Somebody narrows the association of an account: it is made again.
fn assert_made_again_when_narrowed(rig: &Rig, account: &str, with: impl Fn(Value) -> Value, workload: &str) {
    eks(rig, "update_pod_identity_association", with(json!({ "policy": "{}", "disableSessionTags": true })));
    let association = "pod identity association of abroad-staging/api on outside";
    let wanted = [
        format!("create {association}, with {workload}"),
        format!("delete {association}, which somebody narrowed by a policy"),
    ];
    assert_eq!(repaired(rig, account), wanted);
}
