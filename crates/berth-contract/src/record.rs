//! What an onboarding leaves in an account, as an execution's output says it and the ledger keeps it.

use berth_tenancy::{Access, ClusterName, PlannedChange, Pods, Region};
use serde::{Deserialize, Serialize};

/// The network of an account in one region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegionRecord {
    /// The VPC.
    pub vpc_id: String,
    /// Its block.
    pub cidr: String,
    /// Its Transit Gateway attachment.
    pub attachment_id: String,
    /// Further VPCs with Berth's tags, which a person must remove.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub duplicate_vpcs: Vec<String>,
    /// What was read back to prove that no other tenant can be reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub isolation: Option<serde_json::Value>,
    /// Differences from the plan that were left, because closing them takes an outage.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub planned_changes: Vec<PlannedChange>,
}

/// A default VPC that Berth did not remove.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DefaultVpcRecord {
    /// The region.
    pub region: Region,
    /// The VPC; none where nobody may look.
    pub vpc_id: Option<String>,
    /// Why it stays.
    pub reason: String,
}

/// A tenant role of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RoleRecord {
    /// Short name in the plan.
    pub name: String,
    /// ARN of the role.
    pub arn: String,
    /// What it may do on the clusters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access: Option<Access>,
    /// Unique id that IAM gave it (`AROA…`): another one when the role was deleted and made again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_id: Option<String>,
}

/// A group that may sign in to an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SignInRecord {
    /// Display name of the group in Identity Center.
    pub group: String,
    /// Name of the permission set.
    pub permission_set: String,
}

/// Access entries of an account on one cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterAccessRecord {
    /// Name of the cluster in platform.yaml.
    pub cluster: ClusterName,
    /// The entries, in the order of the roles.
    pub entries: Vec<AccessEntryRecord>,
    /// ARNs of roles that have an entry of Berth's and are not in the plan any more: their entries have no groups.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retired: Vec<String>,
    /// Pods that get a role, in the order of the plan.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pod_identity: Vec<PodIdentityRecord>,
}

/// Pods that get a role of the account on a cluster, by an EKS Pod Identity association.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodIdentityRecord {
    /// Full name of their namespace, and their service account.
    #[serde(flatten)]
    pub pods: Pods,
    /// ARN of the role that they end up with.
    pub role: String,
    /// Whether the association is somebody else's, who made it as it is planned.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub of_others: bool,
}

/// One EKS access entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccessEntryRecord {
    /// ARN of the role.
    pub role: String,
    /// Kubernetes groups of whoever assumes it.
    pub groups: Vec<String>,
}

/// How the tenant was on one cluster when its account was onboarded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReadinessRecord {
    /// Name of the cluster in platform.yaml.
    pub cluster: ClusterName,
    /// Whether it was Ready there.
    pub state: Readiness,
    /// What its operator said; or why nobody knows.
    pub message: String,
}

/// Whether a tenant was Ready on a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Readiness {
    /// Its operator said so, of what was committed.
    Ready,
    /// The cluster has the account no more.
    Gone,
    /// Nobody could look.
    Unknown,
}

/// Where the tenant's custom resource is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CommitRecord {
    /// The commit.
    pub sha: String,
    /// Path in the repository.
    pub path: String,
}
