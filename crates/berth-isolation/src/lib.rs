//! Whether tenants' VPCs reach each other through a Transit Gateway: what is read of the network account, and the proof.
//!
//! `attach-transit-gateway` proves it of one VPC, before anything leads there; `prove-isolation` proves it of all VPCs of
//! a route table again, on a schedule. `docs/isolation.md` has the table of configurations, verdicts and tests.
//!
//! ```
//! use berth_isolation::check_plan;
//! use berth_tenancy::TransitGatewayPlan;
//!
//! let mut plan: TransitGatewayPlan = serde_json::from_value(serde_json::json!({
//!     "id": "tgw-0123456789abcdef0", "networkAccount": "111122223333", "networkRole": "BerthNetwork",
//!     "spokeRouteTable": "tgw-rtb-spoke", "propagateTo": ["tgw-rtb-shared"], "sharedAttachments": [], "routes": [],
//! }))?;
//! assert!(check_plan(&plan).is_ok());
//! plan.propagate_to.push(plan.spoke_route_table.clone());
//! assert!(check_plan(&plan).unwrap_err().message.contains("tenants would reach each other"));
//! # Ok::<(), serde_json::Error>(())
//! ```
#![warn(missing_docs)]

mod gateway;
mod proof;
pub mod read;

use berth_tenancy::{AccountId, TenantName};
use ipnet::Ipv4Net;

pub use self::{
    gateway::{
        AssociatedWith, Association, AssociationState, Attached, Details, GatewayAttachment, GatewayOptions,
        GatewayRoute, Hub, PropagationState, RouteList, Target,
    },
    proof::{Isolation, SpokeRoute, SpokeRoutes, check_plan, prove, prove_all, wrong_table},
};

/// A tenant's VPC at a gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vpc {
    /// Its account.
    pub account_id: AccountId,
    /// The tenant.
    pub tenant: TenantName,
    /// Its attachment.
    pub attachment: String,
    /// Its block.
    pub cidr: Ipv4Net,
    /// Whether it is only planned, so that its block stands for one that is not known yet.
    pub is_planned: bool,
}
