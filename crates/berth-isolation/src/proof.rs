//! The proof that a VPC neither reaches another tenant through the gateway nor is reached by one. It fails closed: what
//! is not known to be harmless is a fault.
//!
//! One question decides: on the gateway as AWS has it now, where could a packet of this VPC go, and whose packets could
//! get here? Outwards it is one table, the spoke table (`proof/spoke.rs`). Inwards it is every table that leads to
//! the attachment, and whoever's traffic goes by one of them (`proof/learning.rs`). `docs/isolation.md` has the
//! table of configurations, verdicts and tests.
//!
//! A difference is `NotOwned`: somebody changed the network, and a person decides who is right. A plan that contradicts
//! itself is `InvalidInput`.

mod gateways;
mod learning;
mod owners;
mod spoke;
mod text;

use std::collections::BTreeSet;

use berth_step::{Fault, StepError};
use berth_tenancy::TransitGatewayPlan;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use self::gateways::prove_all;
use self::text::list;
use crate::{AssociatedWith, Details, GatewayOptions, GatewayRoute, RouteList, Vpc};

/// Most routes that the proof shows, and most attachments of each. A table may have 10,000 routes: an execution's
/// payload may be 256 KiB, an item of the ledger 400 KiB.
const SHOWN_MAX: usize = 10;

/// What was read back from the network account. Part of the step's output, of the ledger and of `berth status`. Its size
/// is bounded by the plan's, whatever the network account holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Isolation {
    /// When it was read: nobody knows what was changed since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proven_at: Option<Timestamp>,
    /// The one table that tenants' attachments are associated with.
    pub spoke_route_table: String,
    /// Table that the attachment is associated with.
    pub associated_with: String,
    /// Tables that learn the VPC's block, sorted.
    pub propagated_to: Vec<String>,
    /// Every route of the spoke table, in short.
    pub spoke_routes: SpokeRoutes,
    /// Whether the gateway associates new attachments by itself: always false.
    pub default_association: bool,
    /// Whether the gateway propagates new attachments by itself: always false.
    pub default_propagation: bool,
}

/// The routes of the spoke table, in short: each of them was compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SpokeRoutes {
    /// How many there are.
    pub count: usize,
    /// Attachments that any of them leads to, sorted: each is a shared one of the plan.
    pub lead_to: Vec<String>,
    /// SHA-256 of all of them, in hexadecimal digits: two proofs with the same digest saw the same routes.
    pub digest: String,
    /// The first of them, sorted.
    pub first: Vec<SpokeRoute>,
}

/// One route of the spoke table.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SpokeRoute {
    /// Block.
    pub destination: String,
    /// The prefix list that the block comes from, when the table refers to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix_list: Option<String>,
    /// Attachments that it leads to; none for a blackhole.
    pub attachments: Vec<String>,
    /// State by AWS's name: `active`, `blackhole` and so on.
    pub state: String,
}

impl From<&GatewayRoute> for SpokeRoute {
    fn from(route: &GatewayRoute) -> Self {
        let GatewayRoute { destination, prefix_list, kind: _, state, targets } = route.clone();
        let attachments = targets.into_iter().map(|target| target.attachment).collect();
        Self { destination, prefix_list, attachments, state }
    }
}

impl SpokeRoutes {
    fn of(routes: &[GatewayRoute]) -> Self {
        let sorted: BTreeSet<SpokeRoute> = routes.iter().map(SpokeRoute::from).collect();
        let mut digest = Sha256::new();
        for SpokeRoute { destination, prefix_list, attachments, state } in &sorted {
            let prefix_list = prefix_list.as_deref().unwrap_or_default();
            digest.update(format!("{destination} {prefix_list} {} {state}\n", attachments.join(",")));
        }
        let lead_to: BTreeSet<&String> = sorted.iter().flat_map(|route| &route.attachments).collect();
        let shown = |route: &SpokeRoute| {
            let mut route = route.clone();
            route.attachments.truncate(SHOWN_MAX);
            route
        };
        Self {
            count: routes.len(),
            lead_to: lead_to.into_iter().cloned().collect(),
            digest: hexadecimal(&digest.finalize()),
            first: sorted.iter().take(SHOWN_MAX).map(shown).collect(),
        }
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// A plan that would break isolation by itself.
///
/// # Errors
///
/// `InvalidInput` when the spoke table is to learn tenants' blocks.
pub fn check_plan(plan: &TransitGatewayPlan) -> Result<(), StepError> {
    if !plan.propagate_to.contains(&plan.spoke_route_table) {
        return Ok(());
    }
    let what = format!("propagateTo names the spoke table {}: tenants would reach each other", plan.spoke_route_table);
    Err(StepError::new(Fault::InvalidInput, what)
        .hint("remove the spoke table from propagateTo in platform.yaml, then start the onboarding again"))
}

/// The error of an association that is not with the plan's table.
#[must_use]
pub fn wrong_table(plan: &TransitGatewayPlan, attachment: &str, with: &AssociatedWith) -> StepError {
    let wanted = &plan.spoke_route_table;
    let error = difference(plan, &format!("{attachment} is associated with {with}; planned: {wanted}"));
    error.hint(match with {
        AssociatedWith::RouteTable(table) => format!(
            "find out who associated {attachment} with {table}; then let Berth associate it anew with berth onboard \
             --allow-disruption, or correct spokeRouteTable in platform.yaml"
        ),
        AssociatedWith::PolicyTable(table) => format!(
            "find out who associated {attachment} with {table}, whose rules pick a route table for each packet; then \
             let Berth take it off with berth onboard --allow-disruption"
        ),
        AssociatedWith::Unknown => format!(
            "look at {attachment} with `aws ec2 describe-transit-gateway-attachments`; disassociate it, then redrive \
             the execution; and report what it was associated with, which this version of Berth does not know"
        ),
    })
}

/// Compares everything that was read back about one VPC with the plan.
///
/// # Errors
///
/// `NotOwned` for what somebody changed, `InvalidInput` for a plan that contradicts itself or a table that was not read to
/// its end, `NotReady` while a table does not show the VPC's block yet.
pub fn prove(plan: &TransitGatewayPlan, vpc: &Vpc, details: &Details) -> Result<Isolation, StepError> {
    let vpcs = std::slice::from_ref(vpc);
    let propagated_to = check_propagations(plan, &vpc.attachment, details)?;
    check_options(plan, details.options)?;
    check_whole(plan, details)?;
    owners::check(plan, vpcs, details)?;
    spoke::check(plan, vpcs, details)?;
    learning::check(plan, vpc, details)?;
    learning::check_users(plan, vpcs, details)?;
    learning::check_policies(plan, details)?;
    Ok(Isolation {
        proven_at: Some(details.read_at),
        spoke_route_table: plan.spoke_route_table.clone(),
        associated_with: plan.spoke_route_table.clone(),
        propagated_to,
        spoke_routes: SpokeRoutes::of(&details.spoke.routes),
        default_association: details.options.default_association,
        default_propagation: details.options.default_propagation,
    })
}

/// Exactly the planned tables learn.
fn check_propagations(
    plan: &TransitGatewayPlan,
    attachment: &str,
    details: &Details,
) -> Result<Vec<String>, StepError> {
    let wanted: BTreeSet<&String> = plan.propagate_to.iter().collect();
    let actual: BTreeSet<&String> = details.propagations.keys().collect();
    if wanted == actual {
        return Ok(actual.into_iter().cloned().collect());
    }
    let (actual, wanted) = (list(&actual), list(&wanted));
    Err(difference(plan, &format!("{attachment} propagates to {actual}; planned: {wanted}")).hint(
        "find out who propagates it; then let Berth remove the surplus with berth onboard --allow-disruption, or \
         correct propagateTo in platform.yaml",
    ))
}

/// The gateway joins nobody by itself, and carries nothing past its route tables.
fn check_options(plan: &TransitGatewayPlan, options: GatewayOptions) -> Result<(), StepError> {
    let GatewayOptions { default_association, default_propagation, multicast } = options;
    let gateway = &plan.id;
    if default_association || default_propagation {
        let switch = |on| if on { "on" } else { "off" };
        let (association, propagation) = (switch(default_association), switch(default_propagation));
        return Err(difference(
            plan,
            &format!(
                "{gateway} has default association {association} and default propagation {propagation}; planned: off \
                 and off"
            ),
        )
        .hint(format!("turn both options of {gateway} off in the network account, then redrive the execution")));
    }
    if multicast {
        return Err(difference(plan, &format!("{gateway} carries multicast, which follows no route table")).hint(
            "use a Transit Gateway without multicast for tenants: a gateway keeps that option for life".to_owned(),
        ));
    }
    Ok(())
}

/// What was not read to its end is not proven.
fn check_whole(plan: &TransitGatewayPlan, details: &Details) -> Result<(), StepError> {
    let spoke = std::iter::once((&plan.spoke_route_table, &details.spoke));
    let mut tables = spoke.chain(&details.learning).chain(&details.elsewhere);
    let Some((table, RouteList { routes, .. })) = tables.find(|(_, list)| list.is_cut) else { return Ok(()) };
    let what = format!("{table} has more than {} routes: isolation cannot be proven", routes.len());
    Err(StepError::new(Fault::InvalidInput, what)
        .hint(format!("summarise the routes of {table}, then redrive the execution")))
}

fn difference(plan: &TransitGatewayPlan, what: &str) -> StepError {
    StepError::new(Fault::NotOwned, format!("isolation is not as planned in {}: {what}", plan.network_account))
}
