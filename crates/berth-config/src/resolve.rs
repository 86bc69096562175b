//! From the configuration's types to those of the plan: templates filled in, nothing decided.

mod baseline;
mod pods;
mod tags;

use std::collections::BTreeMap;

use berth_tenancy::{
    Addresses, AssignmentPlan, BoundaryPlan, ClusterAccount, ClusterName, ClusterPlan, EnvironmentName, NetworkPlan,
    Region, RegionPlan, RolePlan, RoleTrust, RolesPlan, SignInPlan, TransitGatewayPlan,
};

pub(crate) use self::baseline::{backup_role, baselines, needs_backup_role};
pub(crate) use self::pods::{CLUSTER_ACCOUNT, Unassociated, associations, pin_cluster, workloads};
pub(crate) use self::tags::tags;

use crate::{
    AddressSource, Boundary, Cluster, EksCluster, IdentityCenter, PlatformConfig, RegionConfig, RoleTemplate, Roles,
    SignIn, TransitGateway,
    policy::render_document,
    template::{Names, UnknownPlaceholder, render},
};

impl PlatformConfig {
    /// What VPCs are attached to, in every region of every environment.
    pub fn transit_gateways(&self) -> impl Iterator<Item = (EnvironmentName, Region, TransitGatewayPlan)> {
        self.environments.iter().flat_map(move |(name, environment)| {
            let regions = environment.regions.iter();
            regions.map(move |(of, config)| (name.clone(), of.clone(), region(of, config, self).transit_gateway))
        })
    }
}

/// The plan of one region.
pub(crate) fn region(region: &Region, config: &RegionConfig, platform: &PlatformConfig) -> RegionPlan {
    let RegionConfig { addresses, zones, tiers, gateway_endpoints, flow_logs, transit_gateway, baseline: _ } = config;
    let TransitGateway { id, spoke_route_table, propagate_to, shared_attachments, filtering_attachments, routes } =
        transit_gateway;
    let network = &platform.network;
    RegionPlan {
        region: region.clone(),
        network: NetworkPlan {
            addresses: plan_addresses(addresses),
            zones: zones.clone(),
            tiers: tiers.clone(),
            gateway_endpoints: gateway_endpoints.iter().map(|endpoint| endpoint.as_str().to_owned()).collect(),
            flow_logs: flow_logs.as_ref().map(|logs| logs.bucket_arn.clone()),
        },
        transit_gateway: TransitGatewayPlan {
            id: id.clone(),
            network_account: network.account.clone(),
            network_role: network.role.clone(),
            spoke_route_table: spoke_route_table.clone(),
            propagate_to: propagate_to.clone(),
            shared_attachments: shared_attachments.clone(),
            filtering_attachments: filtering_attachments.clone(),
            tenant_blocks: platform.tenant_blocks(),
            routes: routes.clone(),
        },
    }
}

fn plan_addresses(addresses: &AddressSource) -> Addresses {
    match addresses.clone() {
        AddressSource::Ipam { pool_id, prefix_length, supernets } => {
            Addresses::Ipam { pool_id, prefix_length, supernets }
        }
        AddressSource::Ledger { pool, supernets, excluded, prefix_length } => {
            Addresses::Ledger { pool, supernets, excluded, prefix_length }
        }
    }
}

/// The plan of the roles.
pub(crate) fn roles(roles: &Roles, names: Names<'_>) -> Result<RolesPlan, UnknownPlaceholder> {
    let Roles { boundary, roles } = roles;
    Ok(RolesPlan {
        boundary: plan_boundary(boundary, names)?,
        roles: roles.iter().map(|role| plan_role(role, names)).collect::<Result<_, _>>()?,
    })
}

/// Who signs in. None when nobody does, and in a file without Identity Center, which the checks refuse then.
pub(crate) fn sign_in(
    config: &PlatformConfig,
    declared: &[SignIn],
    names: Names<'_>,
) -> Result<Option<SignInPlan>, UnknownPlaceholder> {
    let Some(place) = sign_in_of_nobody(config).filter(|_| !declared.is_empty()) else { return Ok(None) };
    let permission_sets = config.identity_center.as_ref().map(|center| &center.permission_sets);
    let assignment = |SignIn { group, permission_set }: &SignIn| {
        Ok(AssignmentPlan {
            group: render(group, names)?,
            permission_set: permission_set.clone(),
            permission_set_arn: permission_sets.and_then(|sets| sets.get(permission_set)).cloned(),
        })
    };
    Ok(Some(SignInPlan { assignments: declared.iter().map(assignment).collect::<Result<_, _>>()?, ..place }))
}

/// Where Identity Center is, with nobody who signs in; none in a file without it.
pub(crate) fn sign_in_of_nobody(config: &PlatformConfig) -> Option<SignInPlan> {
    let IdentityCenter { account, role, region, instance_arn, identity_store_id, permission_sets: _ } =
        config.identity_center.as_ref()?;
    Some(SignInPlan {
        account: account.clone().unwrap_or_else(|| config.organization.management_account.clone()),
        role: role.clone(),
        region: region.clone(),
        instance_arn: instance_arn.clone(),
        identity_store_id: identity_store_id.clone(),
        assignments: Vec::new(),
    })
}

/// The cluster, when its access entries are Berth's.
pub(crate) fn cluster(name: &ClusterName, cluster: &Cluster) -> Option<ClusterPlan> {
    let Cluster { region, eks, await_ready: _ } = cluster;
    let EksCluster { name: eks_name, account, role, pod_identity: _ } = eks.as_ref()?;
    let outside = account.clone().zip(role.clone()).map(|(account, role)| ClusterAccount { account, role });
    let eks_name = eks_name.clone().unwrap_or_else(|| name.clone());
    Some(ClusterPlan { name: name.clone(), eks_name, region: region.clone(), outside })
}

fn plan_boundary(boundary: &Boundary, names: Names<'_>) -> Result<BoundaryPlan, UnknownPlaceholder> {
    let Boundary { name, path, document } = boundary;
    Ok(BoundaryPlan { name: render(name, names)?, path: path.clone(), document: render_document(document, names)? })
}

fn plan_role(role: &RoleTemplate, names: Names<'_>) -> Result<RolePlan, UnknownPlaceholder> {
    let RoleTemplate {
        key,
        name,
        path,
        trust,
        access,
        managed_policies,
        inline_policies,
        session_seconds_max,
        tags: _, // with the organization's others
    } = role;
    let inline =
        inline_policies.iter().map(|(policy, document)| Ok((policy.clone(), render_document(document, names)?)));
    Ok(RolePlan {
        key: key.clone(),
        name: render(name, names)?,
        path: path.clone(),
        trust: plan_trust(trust, names)?,
        access: *access,
        managed_policies: managed_policies.iter().map(|arn| render(arn, names)).collect::<Result<_, _>>()?,
        inline_policies: inline.collect::<Result<_, _>>()?,
        session_seconds_max: *session_seconds_max,
        tags: BTreeMap::new(),
    })
}

/// The external id and the claims are templates; what names a principal stands in the file as it is.
fn plan_trust(trust: &RoleTrust, names: Names<'_>) -> Result<RoleTrust, UnknownPlaceholder> {
    Ok(match trust {
        RoleTrust::PermissionSet { .. } | RoleTrust::PodIdentity {} | RoleTrust::AwsService { .. } => trust.clone(),
        RoleTrust::PlatformRole { arn, external_id } => {
            RoleTrust::PlatformRole { arn: arn.clone(), external_id: render(external_id, names)? }
        }
        RoleTrust::Oidc { provider, audience, subject } => RoleTrust::Oidc {
            provider: provider.clone(),
            audience: render(audience, names)?,
            subject: render(subject, names)?,
        },
        RoleTrust::PodIdentityChain { platform_role, namespace, service_account, cluster_arns } => {
            RoleTrust::PodIdentityChain {
                platform_role: platform_role.clone(),
                namespace: render(namespace, names)?,
                service_account: service_account.as_ref().map(|account| render(account, names)).transpose()?,
                cluster_arns: cluster_arns.clone(),
            }
        }
    })
}
