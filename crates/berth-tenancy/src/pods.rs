//! Pods that get a role of the tenant's account: whose they are, and by which role of their cluster's account.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{ClusterName, ClusterPlan, Thing};

/// The pods of one service account. EKS has at most one Pod Identity association for them on a cluster.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pods {
    /// Full name of their namespace.
    pub namespace: String,
    /// Their service account.
    pub service_account: String,
}

impl fmt::Display for Pods {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.service_account)
    }
}

/// Pods of a shared cluster that get a role of the account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WorkloadPlan {
    /// Key of the role in the account's plan.
    pub role: String,
    /// Full name of the pods' namespace.
    pub namespace: String,
    /// Service account of the pods.
    pub service_account: String,
    /// ARN of the role that the pods have first.
    pub platform_role: String,
}

impl WorkloadPlan {
    /// Whose pods they are.
    #[must_use]
    pub fn pods(&self) -> Pods {
        Pods { namespace: self.namespace.clone(), service_account: self.service_account.clone() }
    }
}

/// An EKS Pod Identity association that a cluster gets. [EKS `CreatePodIdentityAssociation`]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PodIdentityPlan {
    /// Name of the cluster in platform.yaml.
    pub cluster: ClusterName,
    /// The pods, and the two roles that they have one after the other.
    pub workload: WorkloadPlan,
}

impl PodIdentityPlan {
    /// The association as the inventory has it; `at` says where the cluster is.
    #[must_use]
    pub fn thing(&self, at: Option<ClusterPlan>) -> Thing {
        Thing::PodIdentity { pods: self.workload.pods(), cluster: self.cluster.to_string(), at }
    }
}
