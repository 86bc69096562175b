//! Inwards: whose packets could get here. Every table that leads to the attachment, and whoever goes by one of them.

use std::collections::BTreeSet;

use berth_step::{Fault, StepError};
use berth_tenancy::{TransitGatewayPlan, wait};
use ipnet::Ipv4Net;

use super::{
    difference, owners,
    text::{cut, described, list},
};
use crate::{Details, GatewayAttachment, GatewayRoute, Vpc};

/// The planned tables learn exactly the VPC's block, nobody else has a route inside it, and no other table leads here.
pub(super) fn check(plan: &TransitGatewayPlan, vpc: &Vpc, details: &Details) -> Result<(), StepError> {
    for table in &plan.propagate_to {
        let routes = details.learning.get(table).map(|list| list.routes.as_slice()).unwrap_or_default();
        check_table(plan, vpc, table, &routes.iter().collect::<Vec<_>>())?;
    }
    let elsewhere = details.elsewhere.iter().map(|(table, list)| (table, list.routes.iter().collect()));
    check_elsewhere(plan, &vpc.attachment, elsewhere)
}

/// One table that learns. `routes` are all that lead to the VPC's attachment, and all inside its block; others may be
/// among them.
pub(super) fn check_table(
    plan: &TransitGatewayPlan,
    vpc: &Vpc,
    table: &str,
    routes: &[&GatewayRoute],
) -> Result<(), StepError> {
    let Vpc { attachment, cidr, .. } = vpc;
    let routes = || routes.iter().copied();
    let is_block = |route: &GatewayRoute| route.destination.parse() == Ok(*cidr);
    let leads_here = |route: &&GatewayRoute| route.targets.iter().any(|target| target.attachment == *attachment);
    // A static route to the same place hides what was learned, and does the same.
    let is_ours = |route: &GatewayRoute| {
        is_block(route) && matches!(route.kind.as_str(), "propagated" | "static") && route.leads_only_to(attachment)
    };
    let is_planned = |route: &GatewayRoute| is_ours(route) && route.state == "active";
    let is_coming = |route: &GatewayRoute| is_ours(route) && route.state == "pending";
    let surplus = routes().filter(leads_here).filter(|route| !is_planned(route) && !is_coming(route));
    let surplus: Vec<String> = surplus.map(described).collect();
    if !surplus.is_empty() {
        let what = format!("{table} learns {}; planned: {cidr} of {attachment}", cut(&surplus, "; "));
        return Err(difference(plan, &what).hint(format!(
            "find out who gave the VPC another block, or changed {table} or a NAT of the attachment, and take that back; \
             then redrive the execution"
        )));
    }
    let is_inside = |route: &&GatewayRoute| match route.destination.parse::<Ipv4Net>() {
        Ok(block) => cidr.contains(&block),
        // No part of an IPv4 block.
        Err(_) => false,
    };
    let theirs = routes().filter(is_inside).filter(|route| !leads_here(route) && !route.drops());
    let theirs: Vec<String> = theirs.map(described).collect();
    if !theirs.is_empty() {
        let what = format!("{table} leads parts of {cidr} elsewhere: {}", cut(&theirs, "; "));
        return Err(difference(plan, &what).hint(format!(
            "find out who has a route inside {cidr}, and take it out of {table}; then redrive the execution"
        )));
    }
    if routes().any(is_planned) {
        return Ok(());
    }
    Err(StepError::new(Fault::NotReady, format!("{table} does not show {cidr} of {attachment} yet")).hint(wait(
        "the gateway learns the route",
        format!("find out what {table} has in place of that route, remove it, and redrive the execution"),
    )))
}

/// No other table of the gateway leads to the attachment: these have routes that do.
pub(super) fn check_elsewhere<'a>(
    plan: &TransitGatewayPlan,
    attachment: &str,
    elsewhere: impl Iterator<Item = (&'a String, Vec<&'a GatewayRoute>)>,
) -> Result<(), StepError> {
    let found: Vec<String> = elsewhere
        .filter(|(_, routes)| !routes.is_empty())
        .map(|(table, routes)| {
            let routes: Vec<String> = routes.into_iter().map(described).collect();
            format!("{table} has {}", cut(&routes, "; "))
        })
        .collect();
    if found.is_empty() {
        return Ok(());
    }
    let planned = cut(&plan.propagate_to, ", ");
    let what = format!("more tables than {planned} lead to {attachment}: {}", cut(&found, "; "));
    Err(difference(plan, &what).hint("find out who made those routes, and remove them; then redrive the execution"))
}

/// Whoever goes by a table that learns reaches every tenant: shared services only.
pub(super) fn check_users(plan: &TransitGatewayPlan, vpcs: &[Vpc], details: &Details) -> Result<(), StepError> {
    let strangers = details.users.iter().filter(|(_, user)| !plan.shared_attachments.contains(&user.id));
    let strangers: Vec<&(String, GatewayAttachment)> = strangers.collect();
    if strangers.is_empty() {
        return Ok(());
    }
    let shown = |(table, user): &&(String, GatewayAttachment)| {
        let whose = match owners::tenant(vpcs, details, user) {
            Some(tenant) => format!("account {} of tenant {tenant}", user.owner),
            None => format!("account {}", user.owner),
        };
        format!("{} ({}, {whose}) with {table}", user.id, user.kind)
    };
    let shown: Vec<String> = strangers.iter().map(shown).collect();
    let is_tenants = |(_, user): &&&(String, GatewayAttachment)| owners::tenant(vpcs, details, user).is_some();
    let what = format!(
        "attachments that are not shared are associated with a table that knows tenants: {}",
        cut(&shown, "; ")
    );
    let next = if strangers.iter().any(|stranger| is_tenants(&stranger)) {
        "associate them with another table in the network account, where a tenant's belongs to the spoke table; then \
         redrive the execution"
    } else {
        "associate them with another table in the network account and redrive the execution; or add them to \
         sharedAttachments in platform.yaml, if they are shared services"
    };
    Err(difference(plan, &what).hint(next))
}

/// A policy table may send anybody's packets by a table that learns.
pub(super) fn check_policies(plan: &TransitGatewayPlan, details: &Details) -> Result<(), StepError> {
    let leading: Vec<String> = details
        .policies
        .iter()
        .filter_map(|(policy, tables)| {
            let met: BTreeSet<&String> = tables
                .iter()
                .filter(|table| plan.propagate_to.contains(table) || !table.starts_with("tgw-rtb-"))
                .collect();
            (!met.is_empty()).then(|| format!("{policy} to {}", list(&met)))
        })
        .collect();
    if leading.is_empty() {
        return Ok(());
    }
    let what = format!("policy tables of {} lead to tables that know tenants: {}", plan.id, cut(&leading, "; "));
    Err(difference(plan, &what).hint(
        "remove those entries in the network account, then redrive the execution: Berth cannot prove whom they match",
    ))
}
