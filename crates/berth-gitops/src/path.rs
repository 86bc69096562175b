//! Where a file of Berth's is in the repository: a path that can only be made from validated names.

use std::fmt;

use berth_tenancy::{AccountId, ClusterName, TenantName, tenant_path};

/// The path of one tenant's file: `clusters/<cluster>/tenants/<shard>/<tenant>.yaml`; or of a plan for people.
///
/// There is no constructor from text, so no path can leave its cluster's folder (Flux CVE-2022-24877 and Argo CD
/// CVE-2022-24348 were traversals through names). [`tenant_path`] says how it is made.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepoPath(String);

impl RepoPath {
    /// The file of `tenant` in the folder that `cluster` syncs.
    #[must_use]
    pub fn for_tenant(cluster: &ClusterName, tenant: &TenantName) -> Self {
        Self(tenant_path(cluster, tenant))
    }

    /// The file of the plan that people are asked about for an account. It is in no cluster's folder, and no YAML: nothing that
    /// syncs a folder takes it for a resource (docs/decisions/0038).
    #[must_use]
    pub fn for_approval(account: &AccountId) -> Self {
        Self(format!("approvals/{account}.md"))
    }

    /// The path as text, with `/` between its parts.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The folder that the cluster syncs, with a slash at its end.
    pub(crate) fn cluster_folder(&self) -> String {
        self.parts().take(2).flat_map(|part| [part, "/"]).collect()
    }

    /// Whether a person may have moved this file there: a file of the cluster's folder that has its name, or that is where
    /// Berth keeps none, and so has been moved or was written by somebody else. What is in it decides.
    pub(crate) fn is_elsewhere(&self, path: &str) -> bool {
        path != self.0
            && path.starts_with(&self.cluster_folder())
            && stem(path).is_some()
            && (self.has_name_of(path) || !is_kept(path))
    }

    /// Whether that file has the name of this one.
    pub(crate) fn has_name_of(&self, path: &str) -> bool {
        stem(path) == stem(&self.0)
    }

    /// The names of the folders and, last, of the file.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }
}

/// Files of other names that are looked into for absent ones, at most: people keep few beside Berth's.
pub(crate) const OTHERS_MAX: usize = 20;

/// The name of a file in YAML, without its ending.
fn stem(path: &str) -> Option<&str> {
    let name = path.rsplit('/').next().unwrap_or_default();
    name.strip_suffix(".yaml").or_else(|| name.strip_suffix(".yml"))
}

/// Whether Berth keeps some tenant's file there.
fn is_kept(path: &str) -> bool {
    let cluster: Option<ClusterName> = path.split('/').nth(1).and_then(|name| name.parse().ok());
    let tenant: Option<TenantName> = stem(path).and_then(|name| name.parse().ok());
    cluster.zip(tenant).is_some_and(|(cluster, tenant)| tenant_path(&cluster, &tenant) == path)
}

impl fmt::Display for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenants_file_is_in_the_shard_of_its_name() {
        let path = RepoPath::for_tenant(&"shared-dev-1".parse().unwrap(), &"payments".parse().unwrap());
        // `printf payments | sha256sum` begins with df.
        assert_eq!(path.as_str(), "clusters/shared-dev-1/tenants/df/payments.yaml");
    }

    #[test]
    fn a_plan_for_people_is_nobodys_tenant_and_no_file_of_a_cluster() {
        let path = RepoPath::for_approval(&"111122223333".parse().unwrap());
        assert_eq!(path.as_str(), "approvals/111122223333.md");
        let tenant = RepoPath::for_tenant(&"dev".parse().unwrap(), &"payments".parse().unwrap());
        assert!(!tenant.is_elsewhere(path.as_str()) && !path.is_elsewhere(tenant.as_str()));
    }

    #[test]
    fn a_file_of_its_name_or_where_berth_keeps_none_may_have_been_moved() {
        let path = RepoPath::for_tenant(&"dev".parse().unwrap(), &"payments".parse().unwrap());
        for (other, expected) in [
            ("clusters/dev/tenants/payments.yaml", true),
            ("clusters/dev/tenants/df/old/payments.yml", true),
            ("clusters/dev/payments.yaml", true),
            ("clusters/dev/tenants/df/payments.yaml", false),
            ("clusters/dev2/tenants/df/payments.yaml", false),
            ("clusters/dev/tenants/df/payments-2.yaml", true),
            ("clusters/dev/payments/kustomization.yaml", true),
            ("clusters/dev/tenants/df/README.md", false),
            (&tenant_path(&"dev".parse().unwrap(), &"ledger".parse().unwrap()), false),
            ("clusters/dev/payments", false),
        ] {
            assert_eq!(path.is_elsewhere(other), expected, "{other}");
        }
    }

    #[test]
    fn every_path_has_the_same_five_parts_and_none_is_special_to_git() {
        let cluster = "C_1".parse().unwrap();
        for number in 0..500 {
            let path = RepoPath::for_tenant(&cluster, &format!("team-{number}").parse().unwrap());
            let parts: Vec<&str> = path.parts().collect();
            assert_eq!(parts.len(), 5, "{path}");
            assert!(parts.iter().all(|part| !part.is_empty() && !part.starts_with('.')), "{path}");
        }
    }
}
