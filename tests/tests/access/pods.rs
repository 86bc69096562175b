//! Pods that get a role of the account by an EKS Pod Identity association: made, repaired, and taken away with what they
//! were for.

use berth_ledger::Status;
use berth_tests::rig::{AssociationSeen, HUB, Rig, make_pod_role, role_of_pods};
use serde_json::{Value, json};

use crate::{CLUSTER, all, changing, eks, failed, mended, onboarded, role, turn};

/// Where `staging` says in platform.yaml which roles there are.
const ROLES: &str = "environments.staging.roles.roles";

/// Deploys platform.yaml with a role for the pods of this service account.
fn deploy(rig: &Rig, service_account: &str) {
    let mut roles = rig.platform(ROLES);
    let list = roles.as_array_mut().unwrap();
    list.retain(|role| role["key"] != "workload");
    list.push(role_of_pods(service_account));
    rig.deploy_platform(&all(&[(ROLES, roles)]));
}

/// The one association of an account.
fn association(rig: &Rig, account: &str) -> AssociationSeen {
    let mut there = rig.world(account).associations;
    assert_eq!(there.len(), 1, "{there:?}");
    there.remove(0)
}

fn first() -> String {
    format!("arn:aws:iam::{HUB}:role/tenant-pods")
}

/// The association by its id, for a call of EKS, and more.
fn by_id(there: &AssociationSeen, more: &Value) -> Value {
    let mut parameters = json!({ "clusterName": there.cluster, "associationId": there.association_id });
    parameters.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    parameters
}

#[test]
fn pods_get_the_tenants_role_and_only_what_somebody_changed_is_repaired() {
    let (rig, _turn) = turn(&[]);
    make_pod_role(rig, HUB);
    deploy(rig, "api");
    let account = rig.account("orchard-staging", "staging");
    let workload = role(&account, "orchard", "workload");
    let made = onboarded(rig, &account);
    let line = format!("create pod identity association of orchard-staging/api on {CLUSTER}, with {workload}");
    assert!(made.changes().contains(&line), "{:?}", made.changes());
    let before = association(rig, &account);
    let pods = (before.cluster.as_str(), before.namespace.as_str(), before.service_account.as_str());
    assert_eq!(pods, (CLUSTER, "orchard-staging", "api"));
    assert_eq!((&before.role_arn, before.target_role_arn.as_ref()), (&first(), Some(&workload)));
    assert!(!before.disable_session_tags, "the trust of the tenant's role asks for them");
    let tag = |key: &str| before.tags.get(key).map(String::as_str);
    assert_eq!((tag("berth:account"), tag("berth:role")), (Some(account.as_str()), Some("workload")));
    let (_, shown) = rig.berth(&["status", &account]);
    assert!(shown.contains(&format!("pods       orchard-staging/api on {CLUSTER} as {workload}")), "{shown}");

    let again = onboarded(rig, &account);
    assert!(changing(rig, &again.arn).is_empty(), "{:?}", changing(rig, &again.arn));
    let looked = rig.calls_of(&again.arn).iter().any(|call| call.operation == "DescribePodIdentityAssociation");
    assert!(looked, "{:#?}", rig.calls_of(&again.arn));

    let by_hand = json!({ "targetRoleArn": role(&account, "orchard", "developer"), "disableSessionTags": true });
    eks(rig, "update_pod_identity_association", &by_id(&before, &by_hand));
    eks(rig, "untag_resource", &json!({ "resourceArn": before.association_arn, "tagKeys": ["berth:tenant"] }));
    assert_ne!(association(rig, &account), before);
    let repaired = onboarded(rig, &account);
    let mut changed = changing(rig, &repaired.arn);
    changed.sort();
    assert_eq!(changed, ["grant-cluster-access TagResource", "grant-cluster-access UpdatePodIdentityAssociation"]);
    assert_eq!(association(rig, &account), before);

    // A policy goes with session tags turned off only, so it is made again.
    let narrowed = json!({ "policy": "{}", "disableSessionTags": true });
    eks(rig, "update_pod_identity_association", &by_id(&before, &narrowed));
    let remade = onboarded(rig, &account);
    let wanted = ["Delete", "Create"].map(|what| format!("grant-cluster-access {what}PodIdentityAssociation"));
    assert_eq!(changing(rig, &remade.arn), wanted);
    let after = association(rig, &account);
    assert_eq!((&after.tags, after.disable_session_tags), (&before.tags, false));
}

#[test]
fn a_renamed_service_account_and_an_account_take_their_association_along() {
    let (rig, _turn) = turn(&[]);
    make_pod_role(rig, HUB);
    deploy(rig, "api");
    let account = rig.account("meadow-staging", "staging");
    onboarded(rig, &account);
    deploy(rig, "worker");
    let old = format!("pod identity association of meadow-staging/api on {CLUSTER}");
    let gone = format!("remove {old}, which the plan does not have any more");
    let (_, plan) = rig.berth(&["onboard", &account, "--plan"]);
    assert!(plan.contains(&gone), "{plan}");
    assert_eq!(association(rig, &account).service_account, "api", "a plan changes nothing");
    let (code, said) = rig.berth(&["onboard", &account, "--wait"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains(&gone), "{said}");
    assert_eq!(association(rig, &account).service_account, "worker");
    assert_eq!(changing(rig, &onboarded(rig, &account).arn), Vec::<String>::new());

    let (_, plan) = rig.berth(&["offboard", &account, "--plan"]);
    let new = format!("remove pod identity association of meadow-staging/worker on {CLUSTER}");
    assert!(plan.contains(&new), "{plan}");
    let (code, said) = rig.berth(&["offboard", &account, "--yes"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains(&new), "{said}");
    assert!(rig.world(&account).associations.is_empty());
    assert_eq!(rig.record(&account).unwrap().status, Status::Offboarded);
}

#[test]
fn an_association_of_somebody_else_serves_or_is_named_and_is_never_touched() {
    let (rig, _turn) = turn(&[]);
    make_pod_role(rig, HUB);
    deploy(rig, "api");
    let account = rig.account("thicket-staging", "staging");
    // By hand, as whoever lets pods change from the one role to the other by themselves.
    let theirs = json!({
        "clusterName": CLUSTER, "namespace": "thicket-staging", "serviceAccount": "api", "roleArn": first(),
    });
    let made = eks(rig, "create_pod_identity_association", &theirs)["association"].take();
    let id = made["associationId"].as_str().unwrap();
    let one = json!({ "clusterName": CLUSTER, "associationId": id });
    let there = || eks(rig, "describe_pod_identity_association", &one)["association"].take();

    let (ended, failure) = failed(rig, &account, "GrantClusterAccess", "NotOwned");
    let named = format!("the pod identity association {id} of thicket-staging/api on {CLUSTER} was not made by Berth");
    assert!(failure.message.contains(&named), "{}", failure.message);
    let command = format!("aws eks delete-pod-identity-association --cluster-name {CLUSTER} --association-id {id}");
    assert!(failure.hint.contains(&command) && failure.hint.contains("podIdentity: false"), "{}", failure.hint);
    assert_eq!(there(), made);
    let of_eks: Vec<String> =
        changing(rig, &ended.arn).into_iter().filter(|line| line.starts_with("grant-cluster-access")).collect();
    assert!(of_eks.is_empty(), "nothing was changed, not even beside it: {of_eks:?}");

    // As it is planned, it serves, whoever made it.
    let workload = role(&account, "thicket", "workload");
    let mut fitting = one.clone();
    fitting["targetRoleArn"] = json!(workload);
    let fits = eks(rig, "update_pod_identity_association", &fitting)["association"].take();
    mended(rig, &account, &ended);
    assert_eq!(there(), fits);
    let (_, shown) = rig.berth(&["status", &account]);
    assert!(shown.contains(&format!("as {workload}  (an association of somebody else)")), "{shown}");
    eks(rig, "delete_pod_identity_association", &one);
}
