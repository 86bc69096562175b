//! The tenant operator: makes of each Tenant of a cluster what it says, and keeps it so.
//!
//! A reconcile is observe → desired → decide → act, and then status; only observing and acting touch the cluster, and they
//! are in `client`. Reading order: `names`, `settings`, `object`, `observed`, `desired`, `decide`, `status`, `client`.
#![warn(missing_docs)]

pub mod crd;
pub mod decide;
pub mod deletion;
pub mod desired;
pub mod election;
pub mod metrics;
pub mod names;
pub mod object;
pub mod observed;
pub mod orphans;
pub mod quantity;
pub mod settings;
pub mod status;

#[cfg(feature = "client")]
pub mod client;
