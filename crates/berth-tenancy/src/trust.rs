//! Trust policies of roles, built as values and never as text.

use serde_json::{Map, Value, json};

use crate::{AccountId, Partition, RoleTrust};

/// The trust policy of a role: one exact principal and, where a principal stands for many, exact conditions.
/// [IAM `CreateRole`, `AssumeRolePolicyDocument`]
#[must_use]
pub fn trust_document(partition: Partition, account: &AccountId, trust: &RoleTrust) -> Value {
    let statement = match trust {
        // Identity Center makes the role's name end in a hash that is not known beforehand, and in a path that holds
        // the region everywhere but in us-east-1; IAM's own documentation matches it by `aws:PrincipalArn`.
        RoleTrust::PermissionSet { name } => json!({
            "Effect": "Allow",
            "Principal": { "AWS": partition.iam_arn(account, "root") },
            "Action": "sts:AssumeRole",
            "Condition": { "ArnLike": { "aws:PrincipalArn": [
                partition.iam_arn(account, &format!("role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_{name}_*")),
                partition.iam_arn(account, &format!("role/aws-reserved/sso.amazonaws.com/*/AWSReservedSSO_{name}_*")),
            ] } },
        }),
        RoleTrust::PlatformRole { arn, external_id } => json!({
            "Effect": "Allow",
            "Principal": { "AWS": arn },
            "Action": "sts:AssumeRole",
            "Condition": { "StringEquals": { "sts:ExternalId": external_id } },
        }),
        RoleTrust::Oidc { provider, audience, subject } => {
            let claims = Map::from_iter([
                (format!("{provider}:aud"), Value::from(audience.as_str())),
                (format!("{provider}:sub"), Value::from(subject.as_str())),
            ]);
            json!({
                "Effect": "Allow",
                "Principal": { "Federated": trust.oidc_provider_arn(partition, account) },
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": { "StringEquals": claims },
            })
        }
        RoleTrust::PodIdentity {} => json!({
            "Effect": "Allow",
            "Principal": { "Service": "pods.eks.amazonaws.com" },
            "Action": ["sts:AssumeRole", "sts:TagSession"],
        }),
        RoleTrust::PodIdentityChain { platform_role, namespace, service_account, cluster_arns } => {
            chained_pods(platform_role, namespace, service_account.as_deref(), cluster_arns)
        }
        RoleTrust::AwsService { name } => json!({
            "Effect": "Allow",
            "Principal": { "Service": name },
            "Action": "sts:AssumeRole",
        }),
    };
    json!({ "Version": "2012-10-17", "Statement": [statement] })
}

/// Pods of a shared cluster: EKS sets these session tags itself, and a pod cannot choose them. Without the namespace,
/// every pod with the platform's role could come in, whoever's it is. [EKS "Pod Identity session tags"]
/// Without the cluster, so could pods of another cluster of that account that has a namespace of this name.
fn chained_pods(platform_role: &str, namespace: &str, service_account: Option<&str>, clusters: &[String]) -> Value {
    let mut tags = Map::from_iter([("aws:RequestTag/kubernetes-namespace".to_owned(), Value::from(namespace))]);
    match clusters {
        [] => {}
        [cluster] => drop(tags.insert("aws:RequestTag/eks-cluster-arn".to_owned(), cluster.as_str().into())),
        clusters => drop(tags.insert("aws:RequestTag/eks-cluster-arn".to_owned(), clusters.into())),
    }
    if let Some(account) = service_account {
        tags.insert("aws:RequestTag/kubernetes-service-account".to_owned(), Value::from(account));
    }
    json!({
        "Effect": "Allow",
        "Principal": { "AWS": platform_role },
        "Action": ["sts:AssumeRole", "sts:TagSession"],
        "Condition": { "StringEquals": tags },
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    fn in_region(region: &str, trust: &RoleTrust) -> Value {
        trust_document(Partition::of(region), &"111122223333".parse().unwrap(), trust)["Statement"][0].clone()
    }

    fn statement(trust: &RoleTrust) -> Value {
        in_region("eu-west-1", trust)
    }

    #[test]
    fn principals_are_of_the_partition() {
        let people = in_region("us-gov-west-1", &RoleTrust::PermissionSet { name: "Developer".into() });
        assert_eq!(people["Principal"]["AWS"], "arn:aws-us-gov:iam::111122223333:root");
        let patterns = people["Condition"]["ArnLike"]["aws:PrincipalArn"].as_array().unwrap();
        assert!(patterns.iter().all(|arn| arn.as_str().unwrap().starts_with("arn:aws-us-gov:iam::111122223333:role/")));
        let oidc = RoleTrust::Oidc { provider: "ci.example".into(), audience: "sts".into(), subject: "repo:a".into() };
        let jobs = in_region("cn-north-1", &oidc);
        assert_eq!(jobs["Principal"]["Federated"], "arn:aws-cn:iam::111122223333:oidc-provider/ci.example");
    }

    #[test]
    fn no_kind_of_trust_has_a_wildcard_principal() {
        let kinds = [
            RoleTrust::PermissionSet { name: "Developer".into() },
            RoleTrust::PlatformRole { arn: "arn:aws:iam::210987654321:role/ci".into(), external_id: "e".into() },
            RoleTrust::Oidc { provider: "ci.example".into(), audience: "sts".into(), subject: "repo:a".into() },
            RoleTrust::PodIdentity {},
            chain(),
            RoleTrust::AwsService { name: "backup.amazonaws.com".into() },
        ];
        for kind in kinds {
            assert!(!statement(&kind)["Principal"].to_string().contains('*'), "{kind:?}");
        }
    }

    fn chain() -> RoleTrust {
        RoleTrust::PodIdentityChain {
            platform_role: "arn:aws:iam::210987654321:role/pods".into(),
            namespace: "payments".into(),
            service_account: Some("api".into()),
            cluster_arns: vec!["arn:aws:eks:eu-west-1:210987654321:cluster/shared".into()],
        }
    }

    #[test]
    fn trust_of_chained_pods_demands_role_cluster_namespace_and_account() {
        assert_eq!(
            statement(&chain()),
            json!({
                "Effect": "Allow",
                "Principal": { "AWS": "arn:aws:iam::210987654321:role/pods" },
                "Action": ["sts:AssumeRole", "sts:TagSession"],
                "Condition": { "StringEquals": {
                    "aws:RequestTag/eks-cluster-arn": "arn:aws:eks:eu-west-1:210987654321:cluster/shared",
                    "aws:RequestTag/kubernetes-namespace": "payments",
                    "aws:RequestTag/kubernetes-service-account": "api",
                } },
            })
        );
    }

    #[test]
    fn oidc_demands_the_exact_audience_and_subject() {
        let oidc =
            RoleTrust::Oidc { provider: "ci.example".into(), audience: "sts".into(), subject: "repo:a:ref".into() };
        assert_eq!(
            statement(&oidc)["Condition"],
            json!({ "StringEquals": { "ci.example:aud": "sts", "ci.example:sub": "repo:a:ref" } })
        );
    }

    #[test]
    fn a_permission_set_is_matched_by_the_roles_that_identity_center_makes() {
        let people = statement(&RoleTrust::PermissionSet { name: "Developer".into() });
        let patterns = people["Condition"]["ArnLike"]["aws:PrincipalArn"].to_string();
        assert!(patterns.contains("sso.amazonaws.com/AWSReservedSSO_Developer_*"), "{patterns}");
        assert!(patterns.contains("sso.amazonaws.com/*/AWSReservedSSO_Developer_*"), "{patterns}");
    }
}
