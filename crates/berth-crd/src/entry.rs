//! What the state machine hands in: one onboarded account, as it joins its tenant's custom resource.

use berth_tenancy::{Access, AccountId, ClusterName, EnvironmentName, Region, TenantName};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::pattern;

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
    /// The account's roles that pods get.
    #[serde(default)]
    pub workloads: Vec<WorkloadEntry>,
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

/// Pods that get a role of the account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WorkloadEntry {
    /// Full name of the namespace, as the role's trust policy has it.
    pub namespace: String,
    /// Service account of the pods.
    pub service_account: String,
    /// ARN of the role that the pods end up with.
    pub role_arn: String,
    /// ARN of the role that they have first, in the cluster's account.
    #[serde(default)]
    pub platform_role_arn: Option<String>,
}

impl AccountEntry {
    /// The contact's address, when a Tenant can hold it.
    pub(crate) fn email(&self) -> Option<&str> {
        self.contact_email
            .as_deref()
            .filter(|email| email.len() <= EMAIL_BYTES_MAX && pattern::fits(pattern::EMAIL, email))
    }

    /// Suffix of a workload's namespace, when it is one of the tenant's and a Tenant can hold it.
    pub(crate) fn suffix<'a>(&self, workload: &'a WorkloadEntry) -> Option<&'a str> {
        let suffix = workload.namespace.strip_prefix(self.tenant.as_str())?.strip_prefix('-')?;
        let fits = suffix.len() <= SUFFIX_BYTES_MAX && pattern::fits(pattern::SUFFIX, suffix);
        fits.then_some(suffix).filter(|_| pattern::fits(pattern::SUBDOMAIN, &workload.service_account))
    }

    /// What of the entry a Tenant cannot hold, in words, each with the reason. It is left out of the file: an onboarding
    /// does not fail in its last state for it.
    #[must_use]
    pub fn left_out(&self) -> Vec<String> {
        let mut left_out = Vec::new();
        if self.contact_email.is_some() && self.email().is_none() {
            let why = "contact.email takes ASCII without spaces";
            left_out.push(format!("the account's e-mail address ({why})"));
        }
        for workload in self.workloads.iter().filter(|workload| self.suffix(workload).is_none()) {
            let WorkloadEntry { namespace, service_account, .. } = workload;
            let why = format!("a tenant's namespace is {}-, then lower-case letters and digits", self.tenant);
            left_out.push(format!("the workload {service_account:?} in namespace {namespace:?} ({why})"));
        }
        left_out
    }
}

/// Longest `contact.email`.
const EMAIL_BYTES_MAX: usize = 254;
/// Longest suffix of a namespace.
const SUFFIX_BYTES_MAX: usize = 20;

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
