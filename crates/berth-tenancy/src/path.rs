//! Where a tenant's custom resource is in the GitOps repository.

use sha2::{Digest, Sha256};

use crate::{ClusterName, TenantName};

/// The path of a tenant's custom resource: `clusters/<cluster>/tenants/<shard>/<tenant>.yaml`.
///
/// The shard is the first two hexadecimal digits of the SHA-256 of the tenant's name: 256 folders, so that none
/// reaches GitHub's 3,000 entries, and no index file that every commit would change. Made from validated names only,
/// so it never leaves the cluster's folder.
#[must_use]
pub fn tenant_path(cluster: &ClusterName, tenant: &TenantName) -> String {
    let digest = Sha256::digest(tenant.as_str().as_bytes());
    let shard = digest.first().copied().unwrap_or_default();
    format!("clusters/{cluster}/tenants/{shard:02x}/{tenant}.yaml")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_shard_is_the_start_of_the_names_sha256() {
        // printf payments | sha256sum; printf a | sha256sum
        let cluster = "dev-euw1".parse().unwrap();
        for (tenant, path) in
            [("payments", "clusters/dev-euw1/tenants/df/payments.yaml"), ("a", "clusters/dev-euw1/tenants/ca/a.yaml")]
        {
            assert_eq!(tenant_path(&cluster, &tenant.parse().unwrap()), path);
        }
    }

    #[test]
    fn ten_thousand_tenants_stay_far_below_the_limit_of_a_folder() {
        let cluster = "c".parse().unwrap();
        let paths: BTreeSet<String> =
            (0..10_000).map(|n| tenant_path(&cluster, &format!("team-{n}").parse().unwrap())).collect();
        let folders: Vec<&str> = paths.iter().filter_map(|path| path.rsplit_once('/')).map(|(dir, _)| dir).collect();
        let fullest = folders.chunk_by(|a, b| a == b).map(<[&str]>::len).max();
        assert_eq!(paths.len(), 10_000);
        assert!(fullest < Some(100), "{fullest:?}");
    }
}
