//! What a request for a commit means: where its file is, and what is written there.

use std::net::Ipv4Addr;

use berth_contract::{CommitRequest, RegionResult, RoleRecord, Wish};
use berth_crd::{AccountEntry, Leaving, RegionNetwork, RoleEntry, WorkloadEntry};
use berth_gitops::RepoPath;
use berth_ledger::Record;
use berth_step::{Fault, StepError};
use berth_tenancy::{Region, WorkloadPlan};
use ipnet::{IpNet, Ipv4Net};

/// In the ids of things that are not made yet, such as `vpc-(new)`.
pub(crate) const NOT_MADE_YET: &str = "(new)";

/// What this function reads from a request.
pub trait CommitRequestExt {
    /// Where the tenant's custom resource is: made from validated names here, never taken from the message.
    fn path(&self) -> RepoPath;

    /// The commit of an earlier onboarding, if it wrote what this request asks for: same path, networks and roles.
    ///
    /// A run that changes nothing has no commit of its own, and the branch's head may be about others. It says where
    /// the account's entry came from, as long as the ledger is about that entry.
    fn committed_before<'a>(&self, record: &'a Record) -> Option<&'a str>;

    /// The account whose entry is taken out, or suspended.
    fn leaving(&self) -> Leaving;

    /// The account as the custom resource has it.
    ///
    /// # Errors
    /// `Bug` when a region's block is no block.
    fn entry(&self) -> Result<AccountEntry, StepError>;
}

impl CommitRequestExt for CommitRequest {
    fn path(&self) -> RepoPath {
        RepoPath::for_tenant(&self.git_ops.cluster, &self.run.tenant)
    }

    fn committed_before<'a>(&self, record: &'a Record) -> Option<&'a str> {
        let is_about_entry = |path: &str| self.wish == Wish::Join && path == self.path().as_str();
        let commit = record.commit.as_ref().filter(|commit| is_about_entry(&commit.path))?;
        let same = |region: &RegionResult| {
            record.regions.get(&region.region).is_some_and(|there| {
                let wanted = &region.network;
                (&there.vpc_id, &there.cidr, &there.attachment_id)
                    == (&wanted.vpc_id, &wanted.cidr, &wanted.attachment_id)
            })
        };
        let networks = record.regions.len() == self.regions.len() && self.regions.iter().all(same);
        (networks && record.roles == self.roles).then_some(commit.sha.as_str())
    }

    fn leaving(&self) -> Leaving {
        Leaving {
            tenant: self.run.tenant.clone(),
            cluster: self.git_ops.cluster.clone(),
            environment: self.run.environment.clone(),
            account_id: self.run.account_id.clone(),
        }
    }

    fn entry(&self) -> Result<AccountEntry, StepError> {
        let Self { run, git_ops, planned_regions, regions, roles, .. } = self;
        let planned = planned_regions.iter().zip(0..).map(|(region, n)| Ok(planned_network(region, n)));
        let regions: Result<Vec<RegionNetwork>, StepError> = planned.chain(regions.iter().map(network)).collect();
        let role = |role: &RoleRecord| {
            let access = role.access?;
            Some(RoleEntry { name: role.name.clone(), arn: role.arn.clone(), access })
        };
        let workload = |workload: &WorkloadPlan| {
            let role = roles.iter().find(|role| role.name == workload.role)?;
            Some(WorkloadEntry {
                namespace: workload.namespace.clone(),
                service_account: workload.service_account.clone(),
                role_arn: role.arn.clone(),
                platform_role_arn: Some(workload.platform_role.clone()),
            })
        };
        Ok(AccountEntry {
            tenant: run.tenant.clone(),
            display_name: run.account_name.clone(),
            contact_email: git_ops.contact_email.clone(),
            cost_center: git_ops.cost_center.clone(),
            owner_groups: git_ops.owner_groups.clone(),
            cluster: git_ops.cluster.clone(),
            cluster_region: git_ops.cluster_region.clone(),
            stage: Some(run.environment.clone()),
            environment: run.environment.clone(),
            account_id: run.account_id.clone(),
            regions: regions?,
            roles: roles.iter().filter_map(role).collect(),
            workloads: git_ops.workloads.iter().filter_map(workload).collect(),
        })
    }
}

/// A network that is not made yet, with a block of its own that nobody has: what counts is how many there are.
fn planned_network(region: &Region, n: u8) -> RegionNetwork {
    let id = |kind: &str| format!("{kind}-{NOT_MADE_YET}");
    RegionNetwork {
        region: region.clone(),
        vpc_id: id("vpc"),
        cidrs: vec![IpNet::V4(Ipv4Net::from(Ipv4Addr::new(192, 0, 2, n)))],
        transit_gateway_attachment_id: id("tgw-attach"),
    }
}

fn network(region: &RegionResult) -> Result<RegionNetwork, StepError> {
    let network = &region.network;
    let cidr: IpNet = network.cidr.parse().map_err(|error| {
        StepError::new(Fault::Bug, format!("the block of {} is not a block: {:?}", network.vpc_id, network.cidr))
            .because(error)
    })?;
    Ok(RegionNetwork {
        region: region.region.clone(),
        vpc_id: network.vpc_id.clone(),
        cidrs: vec![cidr],
        transit_gateway_attachment_id: network.attachment_id.clone(),
    })
}
