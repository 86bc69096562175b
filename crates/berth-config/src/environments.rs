//! Environments: the organizational units that map to them, and what their accounts get in each region.

use std::collections::BTreeMap;

use berth_tenancy::{
    ClusterName, DefaultVpc, Delivery, Extension, ORGANIZATION_TAGS_MAX, OrganizationalUnitId, Region, TierPlan,
    limits::EXTENSIONS_MAX,
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{AddressSource, Approval, Baseline, FlowLogs, GatewayEndpoint, OnDrift, Roles, SignIn, TransitGateway};

/// One environment.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Environment {
    /// Accounts in these units, or in units below them, belong to this environment. The nearest listed unit wins.
    #[schemars(length(min = 1), extend("uniqueItems" = true))]
    pub organizational_units: Vec<OrganizationalUnitId>,
    /// Cluster that tenancies are placed on: one of `clusters`.
    pub cluster: ClusterName,
    /// Stage of the software life cycle, for people and dashboards; any short text.
    #[schemars(length(min = 1, max = 40))]
    pub stage: Option<String>,
    /// Regions by name; each gets a VPC.
    #[schemars(extend("minProperties" = 1))]
    pub regions: BTreeMap<Region, RegionConfig>,
    /// What becomes of the default VPCs that AWS made in all enabled regions of the account: `remove` them where nobody
    /// has used them, or `keep` them.
    #[serde(default)]
    pub default_vpc: DefaultVpc,
    /// IAM roles of every tenant.
    pub roles: Roles,
    /// How tenants' files get into the GitOps repository.
    #[serde(default)]
    pub git_ops: GitOps,
    /// Backups, rules and settings of every account, in each of its regions. Left out, nothing of it is touched.
    pub baseline: Option<Baseline>,
    /// Groups of IAM Identity Center that may sign in to the accounts, each with one permission set.
    #[serde(default)]
    #[schemars(length(max = 50), extend("uniqueItems" = true))]
    pub sign_in: Vec<SignIn>,
    /// Tags on everything that Berth makes in the environment's accounts; they win over those of the platform. Values are
    /// templates.
    #[serde(default)]
    #[schemars(extend("maxProperties" = ORGANIZATION_TAGS_MAX))]
    pub tags: BTreeMap<String, String>,
    /// Whether people are asked before a run changes anything: `none`, `always` or `disruptive`, or that with its rules.
    #[serde(default)]
    pub approval: Approval,
    /// What of the platform's own is called in each run: Lambda functions and state machines of the hub account.
    #[serde(default)]
    #[schemars(length(max = EXTENSIONS_MAX), extend("uniqueItems" = true))]
    pub after: Vec<Extension>,
    /// How accounts of the environment leave.
    #[serde(default)]
    pub offboarding: OffboardingRules,
    /// What becomes of accounts that have drifted, where `driftSchedule` looks: `report`, or `repair` with kinds of things, as
    /// `{ repair: [role, sign-in] }`.
    #[serde(default)]
    pub on_drift: OnDrift,
}

/// How accounts of an environment leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct OffboardingRules {
    /// Refuses to offboard any account of the environment, whoever asks.
    pub protected: bool,
    /// Offboards an account that is to be offboarded without asking a person, once its days of grace are over.
    pub auto: bool,
    /// Days that such an account stays on the list first, so that `berth offboard ACCOUNT --cancel` can take it off.
    #[schemars(range(max = 90))]
    pub grace_days: u32,
}

impl Default for OffboardingRules {
    fn default() -> Self {
        Self { protected: false, auto: false, grace_days: 7 }
    }
}

impl OffboardingRules {
    /// Longest time of grace: AWS keeps what is in a closed account as long.
    pub const GRACE_DAYS_MAX: u32 = 90;
}

/// How the files of an environment's tenants get into the GitOps repository.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GitOps {
    /// `push`: Berth commits to the branch. `pullRequest`: Berth proposes, and a person merges.
    #[serde(default)]
    pub mode: Delivery,
    /// Longest that an onboarding waits for the merge of its pull request, in days.
    #[serde(default = "merge_days_max")]
    #[schemars(range(min = 1, max = 7))]
    pub merge_days_max: u32,
}

impl Default for GitOps {
    fn default() -> Self {
        Self { mode: Delivery::Push, merge_days_max: merge_days_max() }
    }
}

impl GitOps {
    /// Longest that an execution waits for the answer to its commit, in seconds.
    #[must_use]
    pub fn answer_seconds_max(&self) -> u32 {
        match self.mode {
            Delivery::Push => Delivery::PUSH_SECONDS_MAX,
            Delivery::PullRequest => self.merge_days_max.saturating_mul(24 * 3600),
        }
    }
}

fn merge_days_max() -> u32 {
    Delivery::MERGE_DAYS_MAX
}

/// What every account of an environment gets in one region.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RegionConfig {
    /// Where the VPC's block comes from.
    pub addresses: AddressSource,
    /// Availability zones by zone id (`euw1-az1`), because zone names differ from account to account.
    #[schemars(length(min = 1, max = 6), inner(regex(pattern = r"^[a-z0-9-]+-az[0-9]$")), extend("uniqueItems" = true))]
    pub zones: Vec<String>,
    /// Subnet tiers; each has one subnet in each zone. Exactly one has the routing `attachment`.
    #[schemars(length(min = 2, max = 12))]
    pub tiers: Vec<TierPlan>,
    /// Services with a gateway endpoint in the VPC.
    #[serde(default)]
    #[schemars(extend("uniqueItems" = true))]
    pub gateway_endpoints: Vec<GatewayEndpoint>,
    /// Where flow logs go; none means no flow logs.
    pub flow_logs: Option<FlowLogs>,
    /// What the VPC is attached to.
    pub transit_gateway: TransitGateway,
    /// The baseline of this region, in place of the environment's: keys and buckets belong to a region.
    pub baseline: Option<Baseline>,
}
