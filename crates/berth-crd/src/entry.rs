//! What the state machine hands in: one onboarded account, as it joins its tenant's custom resource.

use berth_tenancy::{Access, AccountId, ClusterName, EnvironmentName, Region, TenantName};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// One onboarded account, with everything that its tenant's custom resource says about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AccountEntry {
    /// The tenant that owns the account.
    pub tenant: TenantName,
    /// Name of the account in Organizations: any printable ASCII text.
    pub display_name: String,
    /// E-mail address of the account.
    #[serde(default)]
    pub contact_email: Option<String>,
    /// Cost centre, from the account's tag; any text, checked by [`crate::validate`].
    #[serde(default)]
    pub cost_center: Option<String>,
    /// Groups that own the tenancy.
    #[serde(default)]
    pub owner_groups: Vec<String>,
    /// Cluster that the tenancy is placed on.
    pub cluster: ClusterName,
    /// Region of that cluster.
    pub cluster_region: Region,
    /// Stage of that cluster.
    #[serde(default)]
    pub stage: Option<EnvironmentName>,
    /// Environment of the account.
    pub environment: EnvironmentName,
    /// The account.
    pub account_id: AccountId,
    /// The account's networks, one for each region.
    pub regions: Vec<RegionNetwork>,
    /// The account's roles that have rights on the cluster.
    #[serde(default)]
    pub roles: Vec<RoleEntry>,
}

/// The network of an account in one region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RegionNetwork {
    /// The region.
    pub region: Region,
    /// The VPC.
    pub vpc_id: String,
    /// Blocks of the VPC.
    pub cidrs: Vec<IpNet>,
    /// The VPC's attachment to the Transit Gateway.
    pub transit_gateway_attachment_id: String,
}

/// One role with rights on the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RoleEntry {
    /// Short name, unique in the account.
    pub name: String,
    /// ARN of the role.
    pub arn: String,
    /// What the role may do.
    pub access: Access,
}
