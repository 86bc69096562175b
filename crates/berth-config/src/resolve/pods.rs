//! Which pods get which roles, and where Berth makes the association that gives them.

use std::collections::BTreeMap;

use berth_tenancy::{AccountId, ClusterName, PodIdentityPlan, Pods, RolePlan, RoleTrust, RolesPlan, WorkloadPlan};

use crate::Cluster;

/// What stands for the account of the environment's cluster in `platformRole`: a list of roles may be that of several
/// environments, and their clusters in several accounts. Nobody outside of the platform chooses it.
pub(crate) const CLUSTER_ACCOUNT: &str = "{clusterAccount}";

/// A role for pods that get no association, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unassociated {
    /// Key of the role.
    pub(crate) role: String,
    /// Why, in words that go on after "pods get this role by no association of Berth's: ".
    pub(crate) why: String,
}

/// Says of which account the role is that pods have first, and pins roles of pods to the environment's cluster where the
/// file names no clusters: another cluster of the same account could have a namespace of the same name.
pub(crate) fn pin_cluster(roles: &mut RolesPlan, name: &ClusterName, cluster: &Cluster, hub: Option<&AccountId>) {
    for role in &mut roles.roles {
        let RoleTrust::PodIdentityChain { platform_role, cluster_arns, .. } = &mut role.trust else { continue };
        if let Some(account) = account_of(cluster, hub) {
            *platform_role = platform_role.replace(CLUSTER_ACCOUNT, account.as_str());
        }
        if cluster_arns.is_empty() {
            cluster_arns.extend(cluster_arn(platform_role, name, cluster));
        }
    }
}

/// The account that a cluster is in; none of one in the hub, where the file does not say which account that is.
fn account_of<'a>(cluster: &'a Cluster, hub: Option<&'a AccountId>) -> Option<&'a AccountId> {
    cluster.eks.as_ref().and_then(|eks| eks.account.as_ref()).or(hub)
}

/// ARN of the cluster. Pod Identity gives pods roles of the cluster's own account, so the role's ARN says which that is.
fn cluster_arn(platform_role: &str, name: &ClusterName, cluster: &Cluster) -> Option<String> {
    let parts: Vec<&str> = platform_role.split(':').collect();
    let ["arn", partition, "iam", "", account, ..] = parts.as_slice() else { return None };
    let eks = cluster.eks.as_ref();
    let account = eks.and_then(|eks| eks.account.as_ref()).map_or(*account, |account| account.as_str());
    let name = eks.and_then(|eks| eks.name.as_ref()).unwrap_or(name);
    Some(format!("arn:{partition}:eks:{}:{account}:cluster/{name}", cluster.region))
}

/// The roles that pods of one service account get. Where any of a namespace may, there is none to name.
pub(crate) fn workloads(roles: &RolesPlan) -> Vec<WorkloadPlan> {
    roles.roles.iter().filter_map(workload).collect()
}

fn workload(role: &RolePlan) -> Option<WorkloadPlan> {
    let RoleTrust::PodIdentityChain { platform_role, namespace, service_account, .. } = &role.trust else {
        return None;
    };
    Some(WorkloadPlan {
        role: role.key.clone(),
        namespace: namespace.clone(),
        service_account: service_account.clone()?,
        platform_role: platform_role.clone(),
    })
}

/// The associations on a cluster, where they are Berth's: one for each service account whose pods a role takes there. And
/// the roles of which there can be none.
pub(crate) fn associations(
    roles: &RolesPlan,
    name: &ClusterName,
    cluster: &Cluster,
    hub: Option<&AccountId>,
) -> (Vec<PodIdentityPlan>, Vec<Unassociated>) {
    if cluster.eks.as_ref().is_none_or(|eks| !eks.pod_identity) {
        return (Vec::new(), Vec::new());
    }
    let workloads: Vec<WorkloadPlan> =
        roles.roles.iter().filter(|role| takes(role, name, cluster)).filter_map(workload).collect();
    let mut of_pods: BTreeMap<Pods, usize> = BTreeMap::new();
    for workload in &workloads {
        *of_pods.entry(workload.pods()).or_default() += 1;
    }
    let (mut planned, mut without) = (Vec::new(), Vec::new());
    for workload in workloads {
        let of_role = workload.platform_role.split(':').nth(4);
        let elsewhere = account_of(cluster, hub).filter(|account| of_role != Some(account.as_str()));
        let why = if let Some(account) = elsewhere {
            format!("pods of {name} have roles of its account {account} first, and platformRole is none of them")
        } else if of_pods.get(&workload.pods()).is_some_and(|roles| *roles > 1) {
            "another role is for the same pods, and EKS gives pods one".to_owned()
        } else {
            planned.push(PodIdentityPlan { cluster: name.clone(), workload });
            continue;
        };
        without.push(Unassociated { role: workload.role, why });
    }
    (planned, without)
}

/// Whether the trust of a role takes pods of the cluster.
fn takes(role: &RolePlan, name: &ClusterName, cluster: &Cluster) -> bool {
    let RoleTrust::PodIdentityChain { platform_role, cluster_arns, .. } = &role.trust else { return false };
    cluster_arn(platform_role, name, cluster).is_some_and(|arn| cluster_arns.contains(&arn))
}
