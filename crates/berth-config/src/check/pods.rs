//! Roles for pods: that the role which pods have first is one of some account, and that pods get the other by it.

use berth_tenancy::{EnvironmentName, RoleTrust};

use super::{limits::Largest, problems::Problems};
use crate::{
    Environment, Onboarding, PlatformConfig,
    resolve::{CLUSTER_ACCOUNT, Unassociated, associations},
};

/// Checks that the account is known that stands in for `{clusterAccount}`.
pub(super) fn check(name: &EnvironmentName, environment: &Environment, largest: &Onboarding, problems: &mut Problems) {
    for (n, role) in largest.roles.roles.iter().enumerate() {
        let RoleTrust::PodIdentityChain { platform_role, .. } = &role.trust else { continue };
        if platform_role.contains(CLUSTER_ACCOUNT) {
            let hint = "add `hub: { account: \"111122223333\" }`, or write the account itself";
            let what = format!("nothing says which account the cluster {} is in", environment.cluster);
            problems.add(format!("{}.platformRole", path(name, n)), what, hint);
        }
    }
}

/// Tells roles that pods get by no association of Berth's although it keeps those of the cluster. Whoever wrote the file
/// before Berth kept any may have meant it so.
pub(super) fn warn(config: &PlatformConfig, largest: &Largest<'_>, problems: &mut Problems) {
    let hub = config.hub.as_ref().map(|hub| &hub.account);
    for (name, environment) in &config.environments {
        let (Some(Onboarding { roles, .. }), Some(cluster)) =
            (largest.get(name), config.clusters.get(&environment.cluster))
        else {
            continue;
        };
        for Unassociated { role, why } in associations(roles, &environment.cluster, cluster, hub).1 {
            let index = roles.roles.iter().position(|planned| planned.key == role).unwrap_or_default();
            let hint = "write the account of platformRole as {clusterAccount}, and give each role a serviceAccount of its own; \
                        or set `eks.podIdentity: false` of the cluster";
            let what = format!("pods get this role by no association of Berth's: {why}");
            problems.add(path(name, index), what, hint);
        }
    }
}

fn path(environment: &EnvironmentName, role: usize) -> String {
    format!("environments.{environment}.roles.roles[{role}].trust.podIdentityChain")
}
