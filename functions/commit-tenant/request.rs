//! One request for a commit, as the state `CommitTenant` sends it to the queue.

use berth_crd::{AccountEntry, RegionNetwork, RoleEntry, WorkloadEntry};
use berth_gitops::RepoPath;
use berth_ledger::{Record, RoleRecord};
use berth_step::{Fault, StepError};
use berth_tenancy::{GitOpsPlan, Region, Subject, WorkloadPlan};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The message of the state `CommitTenant`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CommitRequest {
    /// Where the answer goes.
    pub task_token: TaskToken,
    /// Who is onboarded.
    pub run: Subject,
    /// What is committed, and where.
    pub git_ops: GitOpsPlan,
    /// Networks.
    pub regions: Vec<RegionResult>,
    /// Roles.
    pub roles: Vec<RoleRecord>,
    /// Set by complete-merges when the request comes back: what became of the proposal that it was in.
    #[serde(default)]
    pub settled: Option<Settled>,
}

/// What became of a proposal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Settled {
    /// Where it is.
    pub url: String,
    /// Whether it was merged; else closed, or its branch is gone.
    pub is_merged: bool,
}

/// Proves to Step Functions whose task is answered. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct TaskToken(pub String);

impl std::fmt::Debug for TaskToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TaskToken([redacted])")
    }
}

/// The network of one region, as the state machine collected it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RegionResult {
    /// The region.
    pub region: Region,
    /// The VPC.
    pub vpc_id: String,
    /// Its block.
    pub cidr: String,
    /// Further VPCs with Berth's tags; they stay in the ledger.
    pub duplicate_vpcs: Vec<String>,
    /// Its attachment.
    pub attachment_id: String,
    /// The proof of isolation; it stays in the ledger.
    pub isolation: Value,
    /// Differences from the plan that were left; they stay in the ledger.
    #[serde(default)]
    pub planned_changes: Vec<Value>,
    /// What was changed there.
    pub changes: Vec<String>,
}

impl CommitRequest {
    /// Where the tenant's custom resource is: made from validated names here, never taken from the message.
    #[must_use]
    pub fn path(&self) -> RepoPath {
        RepoPath::for_tenant(&self.git_ops.cluster, &self.run.tenant)
    }

    /// The commit of an earlier onboarding, if it wrote what this request asks for: same path, networks and roles.
    ///
    /// A run that changes nothing has no commit of its own, and the branch's head may be about others. It says where
    /// the account's entry came from, as long as the ledger is about that entry.
    #[must_use]
    pub fn committed_before<'a>(&self, record: &'a Record) -> Option<&'a str> {
        let commit = record.commit.as_ref().filter(|commit| commit.path == self.path().as_str())?;
        let same = |region: &RegionResult| {
            record.regions.get(&region.region).is_some_and(|there| {
                (&there.vpc_id, &there.cidr, &there.attachment_id)
                    == (&region.vpc_id, &region.cidr, &region.attachment_id)
            })
        };
        let networks = record.regions.len() == self.regions.len() && self.regions.iter().all(same);
        (networks && record.roles == self.roles).then_some(commit.sha.as_str())
    }

    /// The account as the custom resource has it.
    pub fn entry(&self) -> Result<AccountEntry, StepError> {
        let Self { task_token: _, settled: _, run, git_ops, regions, roles } = self;
        let regions: Result<Vec<RegionNetwork>, StepError> = regions.iter().map(network).collect();
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

fn network(region: &RegionResult) -> Result<RegionNetwork, StepError> {
    let cidr: IpNet = region.cidr.parse().map_err(|error| {
        StepError::new(Fault::Bug, format!("the block of {} is not a block: {:?}", region.vpc_id, region.cidr))
            .because(error)
    })?;
    Ok(RegionNetwork {
        region: region.region.clone(),
        vpc_id: region.vpc_id.clone(),
        cidrs: vec![cidr],
        transit_gateway_attachment_id: region.attachment_id.clone(),
    })
}
