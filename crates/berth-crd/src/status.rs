//! The status of a Tenant: written by the tenancy controller of the cluster, never by Berth.

use berth_tenancy::limits::ACCESS_MAX;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::pattern;

/// What the cluster made of a tenant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TenantStatus {
    /// Generation of the spec that this status is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// One entry for each type of condition.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// The namespaces.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 48), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub namespaces: Vec<NamespaceStatus>,
    /// The roles' access to the cluster.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = ACCESS_MAX), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["principalArn"]))]
    pub access: Vec<AccessStatus>,
}

/// What a condition is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConditionType {
    /// All of the others.
    Ready,
    /// Every namespace is there with its quota and labels.
    NamespacesReady,
    /// Every namespace has its network policies.
    NetworkPoliciesReady,
    /// Every role and owner has its rights, and nobody else.
    AccessReady,
    /// Every domain has its certificate.
    CertificatesReady,
}

/// A condition in Kubernetes' standard form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// One of `Ready`, `NamespacesReady`, `NetworkPoliciesReady`, `AccessReady`, `CertificatesReady`.
    #[serde(rename = "type")]
    #[schemars(length(min = 1, max = 316))]
    pub type_: String,
    /// Whether it holds.
    pub status: ConditionStatus,
    /// Why, in one word.
    #[schemars(length(min = 1, max = 1024))]
    pub reason: String,
    /// Why, in a sentence.
    #[schemars(length(max = 32768))]
    pub message: String,
    /// Generation of the spec that the condition is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// When `status` last changed.
    #[schemars(length(max = 64), regex(pattern = pattern::TIME))]
    pub last_transition_time: String,
}

/// Whether a condition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ConditionStatus {
    /// It holds.
    True,
    /// It does not hold.
    False,
    /// Nobody can tell.
    Unknown,
}

/// What became of one namespace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NamespaceStatus {
    /// Full name of the namespace.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,
    /// Its environment.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 20))]
    pub environment: Option<String>,
    /// `Active`, `Terminating`, `NotOwned` (somebody else made it, and it is left alone) or `Retained` (the spec does not
    /// name it any more).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63))]
    pub phase: Option<String>,
    /// What it waits for, or what is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub message: Option<String>,
}

/// What became of one role's access to the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccessStatus {
    /// The role.
    #[schemars(length(min = 1, max = 2048))]
    pub principal_arn: String,
    /// The EKS access entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    pub access_entry_arn: Option<String>,
    /// How far it is.
    pub state: AccessState,
    /// What is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub message: Option<String>,
}

/// How far a role's access is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum AccessState {
    /// Being made.
    Pending,
    /// There.
    Ready,
    /// Refused.
    Failed,
}
