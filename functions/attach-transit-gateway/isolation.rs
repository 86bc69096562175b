//! The proof that a VPC reaches no other tenant. It fails closed: what is not known to be allowed is a fault.
//!
//! A difference is `Foreign`: somebody changed the network, and a person decides who is right. A plan that contradicts
//! itself is `InvalidInput`.

use std::collections::BTreeSet;

use berth_step::{Fault, StepError};
use berth_tenancy::TransitGatewayPlan;
use serde::{Deserialize, Serialize};

use crate::Details;

/// What was read back from the network account. Part of the step's output, of the ledger and of `berth status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Isolation {
    /// The one table that tenants' attachments are associated with.
    pub spoke_route_table: String,
    /// Table that the attachment is associated with.
    pub associated_with: String,
    /// Tables that learn the VPC's block, sorted.
    pub propagated_to: Vec<String>,
    /// Every route of the spoke table, sorted.
    pub spoke_routes: Vec<SpokeRoute>,
    /// Whether the gateway associates new attachments by itself: always false.
    pub default_association: bool,
    /// Whether the gateway propagates new attachments by itself: always false.
    pub default_propagation: bool,
}

/// One route of the spoke table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SpokeRoute {
    /// Block, or id of the prefix list.
    pub destination: String,
    /// Attachments that it leads to; none for a blackhole.
    pub attachments: Vec<String>,
    /// State by AWS's name: `active`, `blackhole` and so on.
    pub state: String,
}

/// A plan that would break isolation by itself.
pub(crate) fn check_plan(plan: &TransitGatewayPlan) -> Result<(), StepError> {
    if !plan.propagate_to.contains(&plan.spoke_route_table) {
        return Ok(());
    }
    let what = format!("propagateTo names the spoke table {}: tenants would reach each other", plan.spoke_route_table);
    Err(StepError::new(Fault::InvalidInput, what)
        .next("remove the spoke table from propagateTo in platform.yaml, then start the onboarding again"))
}

/// The association is with another table than the plan's.
pub(crate) fn wrong_table(plan: &TransitGatewayPlan, attachment: &str, table: &str) -> StepError {
    let wanted = &plan.spoke_route_table;
    difference(plan, &format!("{attachment} is associated with {table}; planned: {wanted}")).next(format!(
        "find out who associated {attachment} with {table}; disassociate it in the network account, or correct \
         spokeRouteTable in platform.yaml; then redrive the execution"
    ))
}

/// Compares everything that was read back with the plan.
pub(crate) fn prove(plan: &TransitGatewayPlan, attachment: &str, details: &Details) -> Result<Isolation, StepError> {
    let Details { propagations, default_association, default_propagation, spoke_routes, spoke_routes_truncated } =
        details;
    let wanted: BTreeSet<&String> = plan.propagate_to.iter().collect();
    let actual: BTreeSet<&String> = propagations.keys().collect();
    if wanted != actual {
        let (actual, wanted) = (list(&actual), list(&wanted));
        return Err(difference(plan, &format!("{attachment} propagates to {actual}; planned: {wanted}"))
            .next("remove the surplus propagations in the network account, or correct propagateTo; then redrive"));
    }
    if *default_association || *default_propagation {
        return Err(difference(
            plan,
            &format!(
                "{} has default association {} and default propagation {}; planned: off and off",
                plan.id,
                switch(*default_association),
                switch(*default_propagation)
            ),
        )
        .next(format!("turn both options of {} off in the network account, then redrive the execution", plan.id)));
    }
    if *spoke_routes_truncated {
        let (table, count) = (&plan.spoke_route_table, spoke_routes.len());
        return Err(StepError::new(
            Fault::InvalidInput,
            format!("{table} has more than {count} routes: isolation cannot be proven"),
        )
        .next("summarise the routes of the spoke table, then redrive the execution"));
    }
    check_routes(plan, spoke_routes)?;
    let mut spoke_routes = spoke_routes.clone();
    spoke_routes.sort();
    Ok(Isolation {
        spoke_route_table: plan.spoke_route_table.clone(),
        associated_with: plan.spoke_route_table.clone(),
        propagated_to: actual.into_iter().cloned().collect(),
        spoke_routes,
        default_association: *default_association,
        default_propagation: *default_propagation,
    })
}

/// Every route leads to allowed attachments only. A route without an attachment is allowed only as a blackhole.
fn check_routes(plan: &TransitGatewayPlan, routes: &[SpokeRoute]) -> Result<(), StepError> {
    let allowed: BTreeSet<&String> = plan.shared_attachments.iter().collect();
    let is_allowed = |route: &&SpokeRoute| match route.attachments.as_slice() {
        [] => route.state == "blackhole" || route.state == "deleted",
        some => some.iter().all(|attachment| allowed.contains(attachment)),
    };
    let bad: Vec<String> = routes
        .iter()
        .filter(|route| !is_allowed(route))
        .map(|route| {
            format!("{} ({}) to {}", route.destination, route.state, or_nothing(&route.attachments.join(", ")))
        })
        .collect();
    if bad.is_empty() {
        return Ok(());
    }
    let (table, bad, allowed) = (&plan.spoke_route_table, bad.join("; "), list(&allowed));
    Err(difference(plan, &format!("{table} has routes {bad}; allowed attachments: {allowed}")).next(format!(
        "remove those routes from {table} in the network account, or add the attachment to sharedAttachments if it is a \
         shared service; then redrive the execution"
    )))
}

fn difference(plan: &TransitGatewayPlan, what: &str) -> StepError {
    StepError::new(Fault::Foreign, format!("isolation is not as planned in {}: {what}", plan.network_account))
}

fn list(names: &BTreeSet<&String>) -> String {
    or_nothing(&names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", "))
}

fn or_nothing(text: &str) -> String {
    if text.is_empty() { "nothing".to_owned() } else { text.to_owned() }
}

fn switch(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}
