//! The top of platform.yaml: the organization, the accounts with a part in the platform, and the environments.

use std::collections::BTreeMap;

use berth_tenancy::{
    AccountId, ClusterName, EnvironmentName, LeftOverPolicy, ORGANIZATION_TAGS_MAX, OrganizationalUnitId, Partition,
    Region, ResourceKind, RoleName,
};
use ipnet::Ipv4Net;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{AccountFacts, DriftSchedule, Environment, IdentityCenter, network::blocks};

/// The platform configuration of Berth: which accounts are onboarded, and what each of them gets.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlatformConfig {
    /// Version of this format: 1.
    #[schemars(range(min = 1, max = 1))]
    pub version: u32,
    /// The organization whose accounts are onboarded.
    pub organization: Organization,
    /// The account that Berth runs in. It is never onboarded.
    pub hub: Option<Hub>,
    /// The account that owns the Transit Gateways.
    pub network: Network,
    /// The instance of IAM Identity Center that people sign in through; needed where an environment has `signIn`.
    pub identity_center: Option<IdentityCenter>,
    /// Role in every new account that the steps assume.
    pub tenant_role: RoleName,
    /// How long a denial in a new account counts as "not ready yet", in seconds from the start of its onboarding: AWS
    /// denies calls of accounts that it is still opening. Accounts that joined more than an hour before have no such
    /// time. Afterwards a denial fails the onboarding.
    #[serde(default = "default_opening_seconds_max")]
    #[schemars(range(min = 0, max = 1000))]
    pub opening_seconds_max: u32,
    /// Account tag that keeps an account out when its value is `false`.
    #[serde(default = "default_ignore_tag")]
    #[schemars(length(min = 1, max = 128))]
    pub ignore_tag: String,
    /// Account tag that names the tenant. Without the tag, the tenant is the account's name as a slug, without
    /// `-<environment>` at its end.
    #[serde(default = "default_tenant_tag")]
    #[schemars(length(min = 1, max = 128))]
    pub tenant_tag: String,
    /// Account tag that holds the cost centre.
    #[serde(default = "default_cost_center_tag")]
    #[schemars(length(min = 1, max = 128))]
    pub cost_center_tag: String,
    /// Where `contact.email` of a Tenant comes from. Left out, it is the account's own address.
    #[serde(default)]
    pub contact_email: ContactEmail,
    /// Groups that own a tenancy, as templates (`{tenant}-leads`).
    #[serde(default)]
    pub owner_groups: Vec<String>,
    /// What becomes of what an account was given and its plan does not have any more. Without it, access that nobody wants
    /// (roles, sign-in, access entries) is removed, and the rest is reported. `report`: nothing is removed. `remove`: also
    /// what is left of a baseline, as far as nothing needs it. What an onboarding cannot remove (VPC, attachment, the
    /// baseline of a region that is gone) is always reported, with the command that removes it.
    pub left_over: Option<LeftOverPolicy>,
    /// Tags of the organization's own on everything that Berth makes in every account, where a service control policy, an
    /// IPAM pool or the bill wants them. Values are templates; an environment's `tags` and `tagSpecifications` win.
    #[serde(default)]
    #[schemars(extend("maxProperties" = ORGANIZATION_TAGS_MAX))]
    pub tags: BTreeMap<String, String>,
    /// Tags of resources of one type, which win over `tags` of the platform and of an environment.
    #[serde(default)]
    #[schemars(length(max = 14))]
    pub tag_specifications: Vec<TagSpecification>,
    /// Which events start an onboarding. By default Control Tower's, and moves: it enrols accounts that are moved into a
    /// registered unit without an event of its own.
    #[serde(default = "default_start_on")]
    #[schemars(length(min = 1), extend("uniqueItems" = true))]
    pub start_on: Vec<StartSource>,
    /// Organizational units by which accounts leave: whoever is moved into one is not onboarded any more, also where a unit
    /// around it belongs to an environment. What it has is to be offboarded.
    #[serde(default)]
    #[schemars(extend("uniqueItems" = true))]
    pub exit_units: Vec<OrganizationalUnitId>,
    /// How many accounts may be offboarded in a day. More of them are taken for a mistake: the next one is refused.
    #[serde(default)]
    pub offboarding_guard: OffboardingGuard,
    /// How often every onboarded account is looked at again: `rate(1 day)`, from `rate(1 hour)` to `rate(30 days)`. Each has
    /// its turn once in that time, spread over it. A look is a plan: it changes nothing, and the ledger is told what it found.
    /// Left out, nobody looks.
    pub drift_schedule: Option<DriftSchedule>,
    /// What is meant although the checks take it for a mistake.
    #[serde(default)]
    pub unlisted: Unlisted,
    /// Clusters that tenancies are placed on, by name.
    pub clusters: BTreeMap<ClusterName, Cluster>,
    /// Environments by name, such as `dev`.
    #[schemars(extend("minProperties" = 1))]
    pub environments: BTreeMap<EnvironmentName, Environment>,
}

impl PlatformConfig {
    /// The partition that all its Regions are in.
    #[must_use]
    pub fn partition(&self) -> Partition {
        let clusters = self.clusters.values().map(|cluster| &cluster.region);
        let networks = self.environments.values().flat_map(|environment| environment.regions.keys());
        clusters.chain(networks).next().map(|region| Partition::of(region.as_str())).unwrap_or_default()
    }

    /// Blocks that tenants' VPCs are cut from, in every environment and region, as far as the file has them: sorted, and
    /// neighbours put together.
    #[must_use]
    pub fn tenant_blocks(&self) -> Vec<Ipv4Net> {
        let regions = self.environments.values().flat_map(|environment| environment.regions.values());
        Ipv4Net::aggregate(&regions.flat_map(|region| region.addresses.blocks()).collect())
    }
}

/// Where `contact.email` of a Tenant comes from. It is filled in once, when the file has none; an address that is in a file
/// stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ContactEmail {
    /// The address of the account, which is its root user's name at sign-in: whoever reads the repository knows it.
    #[default]
    Account,
    /// Nowhere: Berth writes none.
    None,
    /// The value of this tag of the account; none when the account has no such tag.
    Tag(#[schemars(length(min = 1, max = 128))] String),
}

impl ContactEmail {
    /// The address for the Tenant of this account.
    pub(crate) fn of(&self, facts: &AccountFacts) -> Option<String> {
        match self {
            Self::Account => facts.email.clone(),
            Self::None => None,
            Self::Tag(key) => {
                facts.tags.get(key).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
            }
        }
    }
}

/// What is meant although the checks take it for a mistake: names that AWS has published since this version of Berth, and
/// public addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Unlisted {
    /// Regions.
    #[schemars(extend("uniqueItems" = true))]
    pub regions: Vec<Region>,
    /// Managed policies of AWS, by ARN.
    #[schemars(extend("uniqueItems" = true))]
    pub managed_policies: Vec<String>,
    /// Identifiers of managed rules of AWS Config.
    #[schemars(extend("uniqueItems" = true))]
    pub config_rules: Vec<String>,
    /// Types of resources of AWS Config.
    #[schemars(extend("uniqueItems" = true))]
    pub config_resource_types: Vec<String>,
    /// Time zones.
    #[schemars(extend("uniqueItems" = true))]
    pub time_zones: Vec<String>,
    /// Public blocks that supernets may be in: the organization's own, or some that it uses as if they were private.
    #[schemars(schema_with = "blocks")]
    pub public_blocks: Vec<Ipv4Net>,
}

/// How many accounts may be offboarded in a day: the smaller of both limits, and always one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct OffboardingGuard {
    /// Most accounts.
    #[schemars(range(min = 1, max = 10_000))]
    pub accounts_per_day: u32,
    /// Most of the accounts that the ledger knows, in percent.
    #[schemars(range(min = 1, max = 100))]
    pub percent_per_day: u32,
}

impl Default for OffboardingGuard {
    fn default() -> Self {
        Self { accounts_per_day: 10, percent_per_day: 25 }
    }
}

impl OffboardingGuard {
    /// How many of `all` accounts may leave in a day.
    #[must_use]
    pub fn allowed(self, all: usize) -> usize {
        let share = all.saturating_mul(self.percent_per_day as usize).div_ceil(100);
        share.min(self.accounts_per_day as usize).max(1)
    }
}

/// Tags of one type of resource.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TagSpecification {
    /// The type, as AWS spells it.
    pub resource_type: ResourceKind,
    /// The tags. Values are templates.
    #[schemars(extend("maxProperties" = ORGANIZATION_TAGS_MAX))]
    pub tags: BTreeMap<String, String>,
}

/// The organization whose accounts are onboarded.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Organization {
    /// Id of the organization, such as `o-a1b2c3d4e5`.
    #[schemars(regex(pattern = r"^o-[a-z0-9]{10,32}$"))]
    pub id: String,
    /// The management account. It is never onboarded.
    pub management_account: AccountId,
    /// Role in the management account that may read accounts, their tags and their organizational units.
    pub read_role: RoleName,
}

/// The account that Berth runs in.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Hub {
    /// Its id.
    pub account: AccountId,
}

/// The account that owns the Transit Gateways. It is never onboarded.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Network {
    /// Its id.
    pub account: AccountId,
    /// Role in the network account that accepts and associates attachments.
    pub role: RoleName,
}

/// A shared EKS cluster.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Cluster {
    /// Region that the cluster runs in.
    pub region: Region,
    /// Lets Berth keep the access entries and Pod Identity associations of tenants' roles on the cluster. Without it Berth
    /// leaves the cluster's API alone; `eks: {}` is enough for a cluster of this name in the hub account.
    pub eks: Option<EksCluster>,
    /// Ends onboardings only when the tenant operator of this cluster says that the tenant is Ready. Needs `eks`, a public
    /// endpoint, and an access entry for Berth.
    #[serde(default)]
    pub await_ready: bool,
}

/// Where EKS has a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EksCluster {
    /// Its name in EKS, when that is not its name here.
    pub name: Option<ClusterName>,
    /// Account that it is in, when that is not the hub. Needs `role`.
    pub account: Option<AccountId>,
    /// Role in that account that the step assumes.
    pub role: Option<RoleName>,
    /// Whether Berth keeps the EKS Pod Identity associations of `podIdentityChain` there. `false`: the platform makes them
    /// itself, or pods change from the one role to the other by themselves.
    #[serde(default = "default_pod_identity")]
    pub pod_identity: bool,
}

fn default_pod_identity() -> bool {
    true
}

/// An event that can start an onboarding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum StartSource {
    /// Control Tower created or updated a managed account.
    ControlTower,
    /// Organizations created an account.
    Organizations,
    /// An account was moved into another organizational unit.
    Move,
}

impl StartSource {
    /// The word for it in platform.yaml.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ControlTower => "controlTower",
            Self::Organizations => "organizations",
            Self::Move => "move",
        }
    }
}

fn default_opening_seconds_max() -> u32 {
    600
}

fn default_ignore_tag() -> String {
    "berth:onboard".to_owned()
}

fn default_tenant_tag() -> String {
    "berth:tenant".to_owned()
}

fn default_cost_center_tag() -> String {
    "cost-center".to_owned()
}

fn default_start_on() -> Vec<StartSource> {
    vec![StartSource::ControlTower, StartSource::Move]
}
