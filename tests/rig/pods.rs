//! Pods of a tenant that get a role of its account: the role that they have first, and the tenant's.

use std::fs;

use serde_json::{Value, json};

use super::Rig;

/// What a role for the pods of a service account is in platform.yaml.
#[must_use]
pub fn role_of_pods(service_account: &str) -> Value {
    let chain = json!({
        "platformRole": "arn:aws:iam::{clusterAccount}:role/tenant-pods",
        "namespace": "{tenant}-{environment}",
        "serviceAccount": service_account,
    });
    json!({ "key": "workload", "name": "{tenant}-workload", "trust": { "podIdentityChain": chain } })
}

/// Makes the role that pods of this account's clusters have first, as the platform does; once. [IAM `CreateRole`]
pub fn make_pod_role(rig: &Rig, account: &str) {
    let iam = |operation: &str, parameters: &Value| rig.call_in(account, "us-east-1", "iam", operation, parameters);
    let known = iam("list_roles", &json!({}))["Roles"].take();
    if known.as_array().into_iter().flatten().any(|role| role["RoleName"] == "tenant-pods") {
        return;
    }
    let trust = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": { "Service": "pods.eks.amazonaws.com" },
        "Action": ["sts:AssumeRole", "sts:TagSession"],
    }] });
    iam("create_role", &json!({ "RoleName": "tenant-pods", "AssumeRolePolicyDocument": trust.to_string() }));
}

/// Gives every tenant of an environment a role for the pods of a service account, in the file that all edits start from.
/// Before anything else: functions read it once.
pub fn give_role_to_pods(rig: &Rig, environment: &str, service_account: &str) {
    let path = rig.platform_path();
    let text = fs::read_to_string(&path).expect("platform.yaml");
    let mut platform: Value = serde_yaml_ng::from_str(&text).expect("YAML");
    let roles = platform["environments"][environment]["roles"]["roles"].as_array_mut().expect("a list of roles");
    roles.push(role_of_pods(service_account));
    fs::write(&path, serde_yaml_ng::to_string(&platform).expect("YAML")).expect("platform.yaml");
}
