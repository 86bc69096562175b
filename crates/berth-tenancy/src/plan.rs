//! The plan of one account: all that the steps need to know, resolved once by `plan-onboarding`.
//!
//! These types are the payloads of the state machine, so each refuses unknown fields: a typing error in the state
//! machine is an error of the contract test, not a field that is silently ignored.

use std::collections::BTreeMap;

use ipnet::Ipv4Net;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Access, AccountId, ApprovalPlan, BaselinePlan, ClusterName, Destination, EnvironmentName, ExtensionsPlan,
    LeftOverTags, LeftOvers, OrganizationTags, Partition, PlanLimit, PodIdentityPlan, Region, RepairLimit,
    ResourceChange, ResourceKind, RoleName, SignInPlan, StepSummary, Tags, TenantName, TransferPlan, WorkloadPlan,
};

/// Whether a run may change anything.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Observe, decide and act.
    #[default]
    Apply,
    /// Observe and decide; return the changes that `apply` would make.
    Plan,
}

/// What `plan-onboarding` decided about an account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "decision", rename_all = "lowercase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Admission {
    /// The account is ours to onboard.
    Onboard {
        /// Why, in one sentence.
        reason: String,
        /// What to do.
        plan: Box<Plan>,
    },
    /// The account is ours, and before its first change people are asked.
    Ask {
        /// Why it is ours, in one sentence.
        reason: String,
        /// What to do.
        plan: Box<Plan>,
    },
    /// The account is not ours to onboard: success, and nothing is changed.
    Ignore {
        /// Why, in one sentence.
        reason: String,
        /// The account that the request named.
        account_id: AccountId,
    },
    /// The plan of a transfer was asked for: success, and nothing is changed.
    Transfer {
        /// The account that the request named.
        account_id: AccountId,
        /// What the transfer means.
        transfer: TransferPlan,
    },
    /// Another execution is onboarding the account now: success, and nothing is changed.
    Duplicate {
        /// Why, in one sentence.
        reason: String,
        /// The account that the request named.
        account_id: AccountId,
    },
}

/// The plan of one account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Plan {
    /// Who is onboarded, by which execution, and how.
    pub run: Subject,
    /// One entry for each region of the account's environment.
    pub regions: Vec<RegionPlan>,
    /// IAM roles of the tenant.
    pub roles: RolesPlan,
    /// What becomes of the VPCs that AWS made in every region of the account.
    pub default_vpc: DefaultVpc,
    /// The baseline: one entry for each region that has anything switched on.
    #[serde(default)]
    pub baselines: Vec<BaselinePlan>,
    /// Who signs in through IAM Identity Center; none when the environment declares nobody.
    pub sign_in: Option<SignInPlan>,
    /// Clusters on which the tenant's roles get access entries.
    pub clusters: Vec<ClusterPlan>,
    /// EKS Pod Identity associations on these clusters. Executions that were planned by an earlier version have none.
    #[serde(default)]
    pub pod_identity: Vec<PodIdentityPlan>,
    /// Clusters on which the tenant has to be Ready before the onboarding ends.
    #[serde(default)]
    pub awaited_clusters: Vec<ClusterPlan>,
    /// Where and what to commit.
    pub git_ops: GitOpsPlan,
    /// What of the platform's own is called. Executions that were planned by an earlier version call nothing.
    #[serde(default)]
    pub extensions: ExtensionsPlan,
    /// What is asked before the first change; none where nobody is. Executions that were planned by an earlier version ask
    /// nobody.
    #[serde(default)]
    pub approval: Option<ApprovalPlan>,
    /// What planning itself would change, in mode `plan`: which tenant the account joins, and what a transfer means.
    #[serde(default)]
    pub changes: Vec<String>,
    /// The same changes with all that is known of them.
    #[serde(default)]
    pub planned: Vec<ResourceChange>,
    /// The same in short.
    #[serde(default)]
    pub summary: Vec<StepSummary>,
    /// What the account was given before and this plan does not have. Executions that were planned by an earlier version
    /// may be redriven: they know of none.
    #[serde(default)]
    pub left_over: LeftOvers,
}

/// Who is onboarded, by which execution, and how. Every step gets this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Subject {
    /// The account.
    pub account_id: AccountId,
    /// Its name in Organizations: hostile text, never part of a path or a policy.
    pub account_name: String,
    /// The tenant that owns it.
    pub tenant: TenantName,
    /// The environment that its organizational unit maps to.
    pub environment: EnvironmentName,
    /// ARN of the execution that holds the lease.
    pub execution: String,
    /// Counts the onboardings that were asked for: part of the execution's name.
    pub generation: u32,
    /// Whether steps act.
    pub mode: Mode,
    /// Role in the tenant account that steps assume.
    pub tenant_role: RoleName,
    /// Whether steps may make changes that cut traffic off for a while. Only a person's request says so.
    #[serde(default)]
    pub allow_disruption: bool,
    /// Until then AWS may still be opening the account, so a denial there is `NotReady`; none for an account that has
    /// been there for longer.
    #[serde(default)]
    pub opening_until: Option<Timestamp>,
    /// The organization's own tags. Executions that were planned by an earlier version may be redriven: they have none.
    #[serde(default, skip_serializing_if = "OrganizationTags::is_empty")]
    pub tags: OrganizationTags,
    /// Those of them that earlier plans gave and this one does not have.
    #[serde(default, skip_serializing_if = "LeftOverTags::is_empty")]
    pub left_over_tags: LeftOverTags,
    /// The plan whose changes steps may make, and no other; none where the plan is whatever they find to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only_planned: Option<PlanLimit>,
    /// What steps may mend, where the run is a repair: everything else is left as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repairs: Option<RepairLimit>,
}

impl Subject {
    /// The tags that every resource of this kind carries: the organization's, and Berth's own, whose place none takes.
    #[must_use]
    pub fn tags_of(&self, kind: ResourceKind) -> Tags {
        self.tags.of(kind).overlaid(Tags::of(&self.account_id, &self.tenant))
    }

    /// The partition of the account, which is that of Berth.
    #[must_use]
    pub fn partition(&self) -> Partition {
        Partition::of_arn(&self.execution)
    }

    /// The ARN of something of IAM in the account; `resource` is its kind, path and name, such as `role/tenant/payments`.
    #[must_use]
    pub fn iam_arn(&self, resource: &str) -> String {
        self.partition().iam_arn(&self.account_id, resource)
    }
}

/// One region of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RegionPlan {
    /// The region.
    pub region: Region,
    /// The VPC there.
    pub network: NetworkPlan,
    /// What the VPC is attached to.
    pub transit_gateway: TransitGatewayPlan,
}

/// The VPC of a region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NetworkPlan {
    /// Where the VPC's block comes from.
    pub addresses: Addresses,
    /// Availability zones by zone id (`euw1-az1`), because names differ from account to account.
    pub zones: Vec<String>,
    /// Subnet tiers; each has one subnet in each zone.
    pub tiers: Vec<TierPlan>,
    /// Services with a gateway endpoint: `s3`, `dynamodb`.
    pub gateway_endpoints: Vec<String>,
    /// S3 ARN that flow logs go to; none means no flow logs.
    pub flow_logs: Option<String>,
}

/// Where a VPC's block comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Addresses {
    /// VPC IPAM allocates at `CreateVpc`.
    Ipam {
        /// The pool, shared with the organization by RAM.
        pool_id: String,
        /// Prefix length of the VPC.
        prefix_length: u8,
        /// CIDRs of the pool, where platform.yaml has them: a VPC is in one of them.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        supernets: Vec<Ipv4Net>,
    },
    /// Berth's own ledger allocates, for organizations without IPAM.
    Ledger {
        /// Name of the pool in the ledger.
        pool: String,
        /// Blocks that VPCs are cut from.
        supernets: Vec<Ipv4Net>,
        /// Blocks inside the supernets that are in use elsewhere.
        excluded: Vec<Ipv4Net>,
        /// Prefix length of the VPC.
        prefix_length: u8,
    },
}

/// What becomes of the default VPC that AWS makes in every region of a new account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DefaultVpc {
    /// It is removed from every enabled region, where nobody has used it.
    #[default]
    Remove,
    /// It stays, and nobody looks at it.
    Keep,
}

/// What the subnets of a tier are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TierRouting {
    /// Workloads that reach the shared services: routes to the Transit Gateway.
    Private,
    /// Workloads that reach nothing outside the VPC.
    Intra,
    /// Holds the Transit Gateway's interfaces and nothing else.
    Attachment,
    /// What must be reached from the internet: routes to an internet gateway, and none to the Transit Gateway.
    Public,
}

/// One tier of subnets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TierPlan {
    /// Name of the tier, part of the subnets' names.
    pub name: String,
    /// Prefix length of each subnet, 16 to 28.
    #[schemars(range(min = 16, max = 28))]
    pub prefix_length: u8,
    /// What the subnets are for.
    pub routing: TierRouting,
}

/// What a VPC is attached to, and what it may reach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TransitGatewayPlan {
    /// The Transit Gateway.
    pub id: String,
    /// Account that owns it.
    pub network_account: AccountId,
    /// Role in that account that the step assumes.
    pub network_role: RoleName,
    /// The one route table that tenants' attachments are associated with.
    pub spoke_route_table: String,
    /// Route tables that learn the VPC's block: those of the shared services, never the spoke table.
    pub propagate_to: Vec<String>,
    /// Attachments that the spoke table may lead to. A route to any other attachment breaks isolation.
    pub shared_attachments: Vec<String>,
    /// Those of them behind which an appliance drops traffic between tenants, by the word of platform.yaml.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub filtering_attachments: Vec<String>,
    /// Blocks that tenants' VPCs are cut from, in every environment and region, as far as platform.yaml has them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tenant_blocks: Vec<Ipv4Net>,
    /// Blocks and prefix lists that private subnets reach through the Transit Gateway.
    pub routes: Vec<Destination>,
}

/// IAM roles of a tenant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RolesPlan {
    /// Made first; every role carries it.
    pub boundary: BoundaryPlan,
    /// The roles.
    pub roles: Vec<RolePlan>,
}

/// A permissions boundary.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BoundaryPlan {
    /// Name of the managed policy.
    pub name: String,
    /// Its path, with slashes at both ends.
    pub path: String,
    /// The policy document.
    pub document: serde_json::Value,
}

/// One IAM role of a tenant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RolePlan {
    /// Short name, unique in the account's plan (`developer`).
    pub key: String,
    /// Name of the role, without path.
    pub name: String,
    /// Path of the role, with slashes at both ends.
    pub path: String,
    /// Who may assume it.
    pub trust: RoleTrust,
    /// What it may do on the clusters; none means nothing there.
    pub access: Option<Access>,
    /// ARNs of managed policies.
    pub managed_policies: Vec<String>,
    /// Inline policies by name.
    pub inline_policies: BTreeMap<String, serde_json::Value>,
    /// Longest session, in seconds.
    pub session_seconds_max: u32,
    /// Its own tags in plans of earlier versions, which may be redriven. Since then they are in [`Subject::tags`], with the
    /// organization's others.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

/// Who may assume a role. No kind allows a wildcard principal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum RoleTrust {
    /// People who signed in through IAM Identity Center with this permission set.
    PermissionSet {
        /// Name of the permission set.
        name: String,
    },
    /// One named role of the platform, with an external id.
    PlatformRole {
        /// ARN of the role.
        arn: String,
        /// External id that the caller must send.
        external_id: String,
    },
    /// An OIDC provider of a CI system.
    Oidc {
        /// Host and path of the provider, without scheme.
        provider: String,
        /// Exact `aud` claim.
        audience: String,
        /// Exact `sub` claim.
        subject: String,
    },
    /// EKS Pod Identity, for a cluster in the tenant's account.
    PodIdentity {},
    /// EKS Pod Identity of a shared cluster: the pod's own role, in the cluster's account, chains to this one. Session
    /// tags that EKS sets say which pods may.
    PodIdentityChain {
        /// ARN of the role that the pod has first, in the account of the cluster; platform.yaml may write that account as
        /// `{clusterAccount}`.
        platform_role: String,
        /// Namespace of the pods.
        namespace: String,
        /// Service account of the pods; none means any in the namespace.
        service_account: Option<String>,
        /// ARNs of the EKS clusters whose pods may; by default that of the environment's cluster, in its account or
        /// else in that of `platformRole`. None in plans of an earlier version: then any cluster of that account.
        #[serde(default)]
        cluster_arns: Vec<String>,
    },
    /// One service of AWS.
    AwsService {
        /// Its principal, such as `backup.amazonaws.com`.
        name: String,
    },
}

impl BoundaryPlan {
    /// The ARN of the policy in its account.
    #[must_use]
    pub fn arn(&self, partition: Partition, account: &AccountId) -> String {
        partition.iam_arn(account, &format!("policy{}{}", self.path, self.name))
    }
}

impl RolePlan {
    /// The ARN of the role in its account.
    #[must_use]
    pub fn arn(&self, partition: Partition, account: &AccountId) -> String {
        partition.iam_arn(account, &format!("role{}{}", self.path, self.name))
    }
}

impl RoleTrust {
    /// The ARN of the OIDC provider that it names, in the account of the role.
    #[must_use]
    pub fn oidc_provider_arn(&self, partition: Partition, account: &AccountId) -> Option<String> {
        match self {
            Self::Oidc { provider, .. } => Some(partition.iam_arn(account, &format!("oidc-provider/{provider}"))),
            _ => None,
        }
    }
}

/// How a tenant's file gets onto the branch that the clusters follow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Delivery {
    /// Berth commits to the branch.
    #[default]
    Push,
    /// Berth proposes a branch, with a pull request where the host has them; a person merges it.
    PullRequest,
}

impl Delivery {
    /// Longest that an execution waits for a commit, in seconds.
    pub const PUSH_SECONDS_MAX: u32 = 3600;
    /// Longest that an execution may wait for a merge, in days. The state machine's own limit is longer than this.
    pub const MERGE_DAYS_MAX: u32 = 7;
}

/// An EKS cluster on which the tenant's roles get access entries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClusterPlan {
    /// Name of the cluster in platform.yaml.
    pub name: ClusterName,
    /// Name of the cluster in EKS.
    pub eks_name: ClusterName,
    /// Region that the cluster runs in.
    pub region: Region,
    /// Account that the cluster is in, and the role there; none when it is in the hub account.
    pub outside: Option<ClusterAccount>,
}

/// An account other than the hub that a cluster is in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClusterAccount {
    /// The account.
    pub account: AccountId,
    /// Role there that the step assumes.
    pub role: RoleName,
}

/// Where the tenant's custom resource is committed, and what the plan adds to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GitOpsPlan {
    /// Cluster that the tenancy is placed on.
    pub cluster: ClusterName,
    /// Region of that cluster.
    pub cluster_region: Region,
    /// Path of the custom resource in the repository.
    pub path: String,
    /// How it gets onto the branch. Executions that were planned by an earlier version may be redriven: they push.
    #[serde(default)]
    pub delivery: Delivery,
    /// Longest that the execution waits for it, in seconds: the limit of the state `CommitTenant`.
    #[serde(default)]
    pub answer_seconds_max: u32,
    /// E-mail address of the contact, as platform.yaml wants it: the account's own, that of a tag, or none.
    pub contact_email: Option<String>,
    /// Cost centre, from the account's tag.
    pub cost_center: Option<String>,
    /// Groups that own the tenancy.
    pub owner_groups: Vec<String>,
    /// Roles that pods on the cluster get. Executions that were planned by an earlier version have none.
    #[serde(default)]
    pub workloads: Vec<WorkloadPlan>,
    /// Environment under which the file has the account until its transfer takes it out. Only plans have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leaves: Option<EnvironmentName>,
}
