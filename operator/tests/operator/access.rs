//! Who may do what: asked of the API server, as the people of a tenant.

use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::cluster::{Cluster, cluster, tenant};

/// Asks the server whether somebody of this group may do something, as `kubectl auth can-i --as` does.
async fn can(cluster: &Cluster, group: &str, verb: &str, (api, resource): (&str, &str), namespace: &str) -> bool {
    let review = json!({ "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": {
        "resourceAttributes": { "verb": verb, "group": api, "resource": resource, "namespace": namespace } } });
    let url = format!("{}/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", cluster.server.url());
    let asked = cluster.http.post(url).header("content-type", "application/json");
    let asked = asked.header("impersonate-user", "ada").header("impersonate-group", group);
    let asked = asked.header("impersonate-group", "system:authenticated");
    let answer: Value =
        serde_json::from_str(&asked.body(review.to_string()).send().await.unwrap().text().await.unwrap()).unwrap();
    answer["status"]["allowed"].as_bool().unwrap_or_else(|| panic!("{answer}"))
}

static TWO_TENANTS: OnceCell<()> = OnceCell::const_new();

/// Two tenants, each with `staging` and `prod` on this one cluster. Made by the first test that asks: tests run side by
/// side on the shared server, and two reconciles of one tenant at once are each other's conflict.
async fn two_tenants(cluster: &Cluster) {
    TWO_TENANTS.get_or_init(|| make_two_tenants(cluster)).await;
}

async fn make_two_tenants(cluster: &Cluster) {
    for (name, account) in [("blue", "11112222333"), ("green", "44445555666")] {
        let mut both = tenant(name, &[]);
        both["spec"]["accounts"] = json!([
            { "environment": "staging", "accountId": format!("{account}1") },
            { "environment": "prod", "accountId": format!("{account}2") } ]);
        both["spec"]["namespaces"] = json!([
            { "name": "staging", "environment": "staging" }, { "name": "prod", "environment": "prod" } ]);
        both["spec"]["owners"] = json!([{ "kind": "Group", "name": format!("{name}-leads"), "role": "admin" }]);
        cluster.apply(&both).await;
        assert_eq!(cluster.reconcile(name).await.problems, []);
    }
}

#[tokio::test]
async fn a_group_reaches_its_environment_of_its_tenant_and_nothing_else() {
    let Some(cluster) = cluster().await else { return };
    two_tenants(&cluster).await;
    for (access, writes) in [("admin", true), ("edit", true), ("view", false)] {
        for environment in ["staging", "prod"] {
            let group = format!("tenant:blue:{environment}:{access}");
            for (namespace, own) in [
                ("blue-staging", environment == "staging"),
                ("blue-prod", environment == "prod"),
                ("green-staging", false),
                ("green-prod", false),
                ("default", false),
                ("kube-system", false),
            ] {
                let pods = can(&cluster, &group, "get", ("", "pods"), namespace).await;
                let deployments = can(&cluster, &group, "create", ("apps", "deployments"), namespace).await;
                let secrets = can(&cluster, &group, "get", ("", "secrets"), namespace).await;
                assert_eq!((pods, deployments, secrets), (own, own && writes, own && writes), "{group} in {namespace}");
            }
        }
    }
}

#[tokio::test]
async fn nobody_of_a_tenant_changes_what_keeps_tenants_apart() {
    let Some(cluster) = cluster().await else { return };
    two_tenants(&cluster).await;
    let kept = [
        ("networking.k8s.io", "networkpolicies"),
        ("rbac.authorization.k8s.io", "rolebindings"),
        ("rbac.authorization.k8s.io", "roles"),
        ("", "resourcequotas"),
        ("", "limitranges"),
        ("", "namespaces"),
        ("tenancy.berth.dev", "tenants"),
        ("", "nodes"),
        ("cert-manager.io", "certificates"),
        ("cilium.io", "ciliumnetworkpolicies"),
        ("admissionregistration.k8s.io", "validatingadmissionpolicies"),
    ];
    for group in ["tenant:blue:prod:admin", "tenant:blue:prod:edit", "tenant:blue:prod:view", "blue-leads"] {
        for resource in kept {
            for verb in ["create", "update", "patch", "delete", "deletecollection"] {
                assert!(!can(&cluster, group, verb, resource, "blue-prod").await, "{group} may {verb} {resource:?}");
            }
        }
        for (verb, resource) in [("impersonate", "groups"), ("escalate", "roles"), ("bind", "clusterroles")] {
            assert!(!can(&cluster, group, verb, ("", resource), "blue-prod").await, "{group} may {verb}");
        }
    }
}

#[tokio::test]
async fn owners_reach_all_namespaces_of_their_tenant_and_groups_of_before_nothing() {
    let Some(cluster) = cluster().await else { return };
    two_tenants(&cluster).await;
    let pods = ("", "pods");
    assert!(can(&cluster, "blue-leads", "create", pods, "blue-prod").await);
    assert!(can(&cluster, "blue-leads", "create", pods, "blue-staging").await);
    assert!(!can(&cluster, "blue-leads", "get", pods, "green-prod").await);
    // The group without environment, which nobody may bind.
    assert!(!can(&cluster, "tenant:blue:admin", "get", pods, "blue-prod").await);
}
