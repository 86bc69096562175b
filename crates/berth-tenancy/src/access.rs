//! What a tenant role may do in the tenant's namespaces.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Access of a role in the tenant's namespaces, by the ClusterRoles of the operator's chart. None changes what keeps
/// tenants apart: network policies, quotas, bindings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// Read and write workloads, secrets and service accounts.
    Admin,
    /// Read and write workloads and secrets.
    Edit,
    /// Read workloads, no secrets.
    View,
}

impl Access {
    /// The name as Kubernetes writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Edit => "edit",
            Self::View => "view",
        }
    }
}
