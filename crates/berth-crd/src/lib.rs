//! The Tenant custom resource: its types, its CRD, how an account joins it, and its check before the commit. No I/O.
//!
//! Reading order: `tenant` (the types), `schema` (the CRD made from them), `entry` (what the state machine hands in),
//! `join` (an account into a file), `leave` (out of it),
//! `edit` (changes a file where it must), `yaml` (the only reader and writer), `validate` (the check before the commit).
//!
//! ```
//! use berth_crd::{AccountEntry, join, validate};
//!
//! let entry: AccountEntry = serde_json::from_value(serde_json::json!({
//!     "tenant": "payments", "displayName": "Payments", "cluster": "shared-dev-1", "clusterRegion": "eu-west-1",
//!     "environment": "dev", "accountId": "111122223333", "regions": [],
//! }))?;
//! let file = join(None, &entry)?;
//! assert!(file.contains("name: payments"));
//! assert_eq!(join(Some(&file), &entry)?, file, "joining twice is joining once");
//! assert_eq!(validate(&file, None), Ok(()));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![warn(missing_docs)]

mod edit;
mod entry;
mod error;
mod join;
mod leave;
mod pattern;
mod quantity;
mod schema;
mod status;
mod tenant;
mod validate;
mod yaml;

pub use entry::{AccountEntry, RegionNetwork, RoleEntry, WorkloadEntry};
pub use error::CrError;
pub use join::{is_tenant, join};
pub use leave::{Leaving, Left, is_suspended, leave, suspend};
pub use quantity::Quantity;
pub use schema::{API_VERSION, KIND, crd_yaml, tenant_crd};
pub use status::{AccessState, AccessStatus, Condition, ConditionStatus, ConditionType, NamespaceStatus, TenantStatus};
pub use tenant::{
    Account, AccountNetwork, AccountRole, Contact, DeletionPolicy, Domain, Namespace, Network, NetworkProfile, Owner,
    OwnerKind, Placement, PodSecurity, Tenant, TenantSpec, Workload,
};
pub use validate::{Violation, bare_booleans, validate};
pub use yaml::YamlError;
