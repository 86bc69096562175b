//! The proof that a VPC reaches no other tenant. It fails closed: what is not known to be allowed is a fault.
//!
//! A difference is `NotOwned`: somebody changed the network, and a person decides who is right. A plan that contradicts
//! itself is `InvalidInput`.

use std::collections::BTreeSet;

use berth_step::{Fault, StepError};
use berth_tenancy::TransitGatewayPlan;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::Details;

/// Most routes that the proof shows, and most attachments of each. A table may have 10,000 routes: an execution's
/// payload may be 256 KiB, an item of the ledger 400 KiB.
pub(crate) const SHOWN_MAX: usize = 10;

/// Most names that a message lists.
const LISTED_MAX: usize = 8;

/// What was read back from the network account. Part of the step's output, of the ledger and of `berth status`. Its size
/// is bounded by the plan's, whatever the network account holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Isolation {
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

impl SpokeRoutes {
    fn of(routes: &[SpokeRoute]) -> Self {
        let sorted: BTreeSet<&SpokeRoute> = routes.iter().collect();
        let mut digest = Sha256::new();
        for SpokeRoute { destination, prefix_list, attachments, state } in &sorted {
            let prefix_list = prefix_list.as_deref().unwrap_or_default();
            digest.update(format!("{destination} {prefix_list} {} {state}\n", attachments.join(",")));
        }
        let shown = |route: &&SpokeRoute| {
            let mut route = (*route).clone();
            route.attachments.truncate(SHOWN_MAX);
            route
        };
        let lead_to: BTreeSet<&String> = routes.iter().flat_map(|route| &route.attachments).collect();
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
        "find out who associated {attachment} with {table}; then let Berth associate it anew with berth onboard \
         --allow-disruption, or correct spokeRouteTable in platform.yaml"
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
        return Err(difference(plan, &format!("{attachment} propagates to {actual}; planned: {wanted}")).next(
            "find out who propagates it; then let Berth remove the surplus with berth onboard --allow-disruption, or \
             correct propagateTo in platform.yaml",
        ));
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
    Ok(Isolation {
        spoke_route_table: plan.spoke_route_table.clone(),
        associated_with: plan.spoke_route_table.clone(),
        propagated_to: actual.into_iter().cloned().collect(),
        spoke_routes: SpokeRoutes::of(spoke_routes),
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
    let bad: Vec<String> = routes.iter().filter(|route| !is_allowed(route)).map(described).collect();
    if bad.is_empty() {
        return Ok(());
    }
    let (table, bad, allowed) = (&plan.spoke_route_table, cut(&bad, "; "), list(&allowed));
    Err(difference(plan, &format!("{table} has routes {bad}; allowed attachments: {allowed}")).next(format!(
        "remove those routes from {table} in the network account, or add the attachment to sharedAttachments if it is a \
         shared service; then redrive the execution"
    )))
}

fn described(route: &SpokeRoute) -> String {
    let SpokeRoute { destination, prefix_list, attachments, state } = route;
    let from = prefix_list.as_ref().map(|list| format!(" of {list}")).unwrap_or_default();
    format!("{destination}{from} ({state}) to {}", cut(attachments, ", "))
}

fn difference(plan: &TransitGatewayPlan, what: &str) -> StepError {
    StepError::new(Fault::NotOwned, format!("isolation is not as planned in {}: {what}", plan.network_account))
}

fn list(names: &BTreeSet<&String>) -> String {
    cut(&names.iter().map(|name| name.as_str()).collect::<Vec<_>>(), ", ")
}

/// The first of the texts, and how many more there are: a fault must fit into an execution's history.
fn cut<T: AsRef<str>>(texts: &[T], separator: &str) -> String {
    let shown: Vec<&str> = texts.iter().take(LISTED_MAX).map(AsRef::as_ref).collect();
    let text = shown.join(separator);
    match texts.len().saturating_sub(LISTED_MAX) {
        0 if text.is_empty() => "nothing".to_owned(),
        0 => text,
        more => format!("{text}{separator}and {more} more"),
    }
}

fn switch(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}
