//! Trust of role templates: named principals only, and exact claims.

use berth_tenancy::{AccountId, ClusterName, Partition, Region, RoleTrust};

use super::{
    ids::{is_iam_name, is_permission_set},
    problems::{Problems, quoted},
};
use crate::{
    resolve::CLUSTER_ACCOUNT,
    template::{Names, PLACEHOLDERS_HINT, render},
};

/// Checks who may assume a role.
pub(super) fn check(path: &str, trust: &RoleTrust, names: Names<'_>, problems: &mut Problems) {
    match trust {
        RoleTrust::PermissionSet { name } => {
            // A wildcard here would trust every permission set.
            if !is_permission_set(name) {
                let message = format!("{} is not the name of a permission set", quoted(name));
                let hint = "use its exact name: at most 32 letters, digits and +=,.@_-, no template and no wildcard";
                problems.add(format!("{path}.permissionSet.name"), message, hint);
            }
        }
        RoleTrust::PlatformRole { arn, external_id } => platform_role(path, arn, external_id, names, problems),
        RoleTrust::Oidc { provider, audience, subject } => {
            if !is_provider(provider) {
                let message = format!("{} is not an OIDC provider", quoted(provider));
                let hint = "write host and path without https://, like token.actions.githubusercontent.com";
                problems.add(format!("{path}.oidc.provider"), message, hint);
            }
            claim(&format!("{path}.oidc.audience"), audience, names, problems);
            claim(&format!("{path}.oidc.subject"), subject, names, problems);
        }
        RoleTrust::PodIdentity {} => {}
        RoleTrust::PodIdentityChain { platform_role, namespace, service_account, cluster_arns } => {
            let at = format!("{path}.podIdentityChain");
            let of_some_account = platform_role.replace(CLUSTER_ACCOUNT, "000000000000");
            one_role(&format!("{at}.platformRole"), &of_some_account, problems);
            claim(&format!("{at}.namespace"), namespace, names, problems);
            if let Some(account) = service_account {
                claim(&format!("{at}.serviceAccount"), account, names, problems);
            }
            for (index, arn) in cluster_arns.iter().enumerate().filter(|(_, arn)| !is_cluster_arn(arn)) {
                let message = format!("{} is not the ARN of one EKS cluster", quoted(arn));
                let hint = "write it like arn:aws:eks:eu-west-1:111122223333:cluster/shared, without wildcard; or leave \
                            clusterArns out for the environment's own cluster";
                problems.add(format!("{at}.clusterArns[{index}]"), message, hint);
            }
        }
        RoleTrust::AwsService { name } => {
            if !is_service(name) {
                let message = format!("{} is not the principal of one service", quoted(name));
                let hint = "write the exact principal, like backup.amazonaws.com; no wildcard";
                problems.add(format!("{path}.awsService.name"), message, hint);
            }
        }
    }
}

fn platform_role(path: &str, arn: &str, external_id: &str, names: Names<'_>, problems: &mut Problems) {
    one_role(&format!("{path}.platformRole.arn"), arn, problems);
    let at = format!("{path}.platformRole.externalId");
    match render(external_id, names) {
        Err(error) => problems.add(at, error.to_string(), PLACEHOLDERS_HINT),
        Ok(text) => {
            let right = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_+=,.@:/-".contains(&b));
            if !right || !(2..=1224).contains(&text.len()) {
                let message = format!("{} is not an external id", quoted(external_id));
                problems.add(at, message, "use 2 to 1224 letters, digits and _+=,.@:/-");
            }
        }
    }
}

fn one_role(path: &str, arn: &str, problems: &mut Problems) {
    if !is_iam_arn(arn, "role", false) {
        let message = format!("{} is not the ARN of one role", quoted(arn));
        let hint = "name exactly one role, like arn:aws:iam::111122223333:role/platform-support; no wildcard, no root";
        problems.add(path, message, hint);
    }
}

/// Whether a text is the principal of one service of AWS.
fn is_service(name: &str) -> bool {
    let label = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let name_of = name.strip_suffix(".cn").unwrap_or(name);
    name_of.strip_suffix(".amazonaws.com").is_some_and(|rest| rest.split('.').all(label)) && name.len() <= 128
}

/// An exact claim. `*` and `?` would match other repositories, `$` starts a variable that the caller may choose.
fn claim(path: &str, template: &str, names: Names<'_>, problems: &mut Problems) {
    match render(template, names) {
        Err(error) => problems.add(path, error.to_string(), PLACEHOLDERS_HINT),
        Ok(text) if text.contains(['*', '?']) => {
            let message = format!("{} holds a wildcard", quoted(template));
            problems.add(path, message, "write the exact claim: one repository, one branch or environment");
        }
        Ok(text) if text.is_empty() || !text.bytes().all(|b| b.is_ascii_graphic() && b != b'$') => {
            let message = format!("{} is not a claim", quoted(template));
            problems.add(path, message, "write the exact claim, in ASCII, without spaces and without $");
        }
        Ok(_) => {}
    }
}

fn is_provider(text: &str) -> bool {
    let (host, path) = text.split_once('/').unwrap_or((text, ""));
    let label = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    host.contains('.')
        && host.split('.').all(label)
        && path.bytes().all(|b| b.is_ascii_alphanumeric() || b"._/-".contains(&b))
        && !text.contains("//")
        && text.len() <= 255
}

/// Whether a text is the ARN of exactly one EKS cluster.
fn is_cluster_arn(arn: &str) -> bool {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let ["arn", partition, "eks", region, account, resource] = parts.as_slice() else { return false };
    let name = resource.strip_prefix("cluster/").and_then(|name| name.parse::<ClusterName>().ok());
    Partition::named(partition).is_some()
        && region.parse::<Region>().is_ok()
        && account.parse::<AccountId>().is_ok()
        && name.is_some()
}

/// Whether a text is the ARN of exactly one IAM role or policy; `by_aws` allows those that AWS manages.
pub(super) fn is_iam_arn(arn: &str, kind: &str, by_aws: bool) -> bool {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let ["arn", partition, "iam", "", account, resource] = parts.as_slice() else { return false };
    let Some(name) = resource.strip_prefix(kind).and_then(|rest| rest.strip_prefix('/')) else { return false };
    Partition::named(partition).is_some()
        && (account.parse::<AccountId>().is_ok() || (by_aws && *account == "aws"))
        && name.split('/').all(is_iam_name)
        && name.len() <= 512
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_names_exactly_one_role() {
        assert!(is_iam_arn("arn:aws:iam::111122223333:role/team/support", "role", false));
        for bad in [
            "*",
            "arn:aws:iam::111122223333:root",
            "arn:aws:iam::111122223333:role/*",
            "arn:aws:iam::111122223333:role/support?",
            "arn:aws:iam::111122223333:role/",
            "arn:aws:iam::*:role/support",
            "arn:aws:iam::aws:role/support",
            "arn:aws:iam::111122223333:user/support",
            "arn:aws:sts::111122223333:assumed-role/support/me",
        ] {
            assert!(!is_iam_arn(bad, "role", false), "{bad}");
        }
    }

    #[test]
    fn the_arn_of_a_cluster_has_no_wildcard() {
        assert!(is_cluster_arn("arn:aws:eks:eu-west-1:111122223333:cluster/shared-dev-1"));
        for bad in
            ["*", "arn:aws:eks:eu-west-1:111122223333:cluster/*", "arn:aws:eks:*:111122223333:cluster/a", "shared"]
        {
            assert!(!is_cluster_arn(bad), "{bad}");
        }
    }

    #[test]
    fn providers_are_hosts_with_an_optional_path() {
        for good in ["token.actions.githubusercontent.com", "gitlab.example.com", "oidc.example.com/id/ABC"] {
            assert!(is_provider(good), "{good}");
        }
        for bad in ["", "https://x.example", "*.example.com", "example", "x.example:443", "x.example//a", "x..y"] {
            assert!(!is_provider(bad), "{bad}");
        }
    }
}
