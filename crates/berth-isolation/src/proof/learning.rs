//! Inwards: whose packets could get here. Every table that leads to the attachment, and whoever goes by one of them.

use std::collections::BTreeSet;

use berth_step::{Fault, StepError};
use berth_tenancy::wait;
use ipnet::Ipv4Net;

use super::{
    difference, owners,
    text::{cut, described, list},
};
use crate::{Details, GatewayAttachment, GatewayRoute, Input, RouteList};

/// The planned tables learn exactly the VPC's block, nobody else has a route inside it, no other table leads here, and
/// only shared attachments go by the tables that do.
pub(super) fn check(input: &Input, attachment: &str, details: &Details) -> Result<(), StepError> {
    for table in &input.transit_gateway.propagate_to {
        check_table(input, attachment, table, details.learning.get(table))?;
    }
    check_elsewhere(input, attachment, details)?;
    check_users(input, details)?;
    check_policies(input, details)
}

/// One table that learns.
fn check_table(input: &Input, attachment: &str, table: &str, list: Option<&RouteList>) -> Result<(), StepError> {
    let plan = &input.transit_gateway;
    let routes = list.map(|list| list.routes.as_slice()).unwrap_or_default();
    let is_block = |route: &GatewayRoute| route.destination.parse() == Ok(input.cidr);
    let leads_here = |route: &&GatewayRoute| route.targets.iter().any(|target| target.attachment == attachment);
    // A static route to the same place hides what was learned, and does the same.
    let is_ours = |route: &GatewayRoute| {
        is_block(route) && matches!(route.kind.as_str(), "propagated" | "static") && route.leads_only_to(attachment)
    };
    let is_planned = |route: &GatewayRoute| is_ours(route) && route.state == "active";
    let is_coming = |route: &GatewayRoute| is_ours(route) && route.state == "pending";
    let surplus = routes.iter().filter(leads_here).filter(|route| !is_planned(route) && !is_coming(route));
    let surplus: Vec<String> = surplus.map(described).collect();
    if !surplus.is_empty() {
        let what = format!("{table} learns {}; planned: {} of {attachment}", cut(&surplus, "; "), input.cidr);
        return Err(difference(plan, &what).hint(format!(
            "find out who gave the VPC another block, or changed {table} or a NAT of the attachment, and take that back; \
             then redrive the execution"
        )));
    }
    let is_inside = |route: &&GatewayRoute| match route.destination.parse::<Ipv4Net>() {
        Ok(block) => input.cidr.contains(&block),
        // No part of an IPv4 block.
        Err(_) => false,
    };
    let theirs = routes.iter().filter(is_inside).filter(|route| !leads_here(route) && !route.drops());
    let theirs: Vec<String> = theirs.map(described).collect();
    if !theirs.is_empty() {
        let what = format!("{table} leads parts of {} elsewhere: {}", input.cidr, cut(&theirs, "; "));
        return Err(difference(plan, &what).hint(format!(
            "find out who has a route inside {}, and take it out of {table}; then redrive the execution",
            input.cidr
        )));
    }
    if routes.iter().any(is_planned) {
        return Ok(());
    }
    Err(StepError::new(Fault::NotReady, format!("{table} does not show {} of {attachment} yet", input.cidr)).hint(
        wait(
            "the gateway learns the route",
            format!("find out what {table} has in place of that route, remove it, and redrive the execution"),
        ),
    ))
}

/// No other table of the gateway leads to the attachment.
fn check_elsewhere(input: &Input, attachment: &str, details: &Details) -> Result<(), StepError> {
    let found: Vec<String> = details
        .elsewhere
        .iter()
        .filter(|(_, list)| !list.routes.is_empty())
        .map(|(table, list)| {
            format!("{table} has {}", cut(&list.routes.iter().map(described).collect::<Vec<_>>(), "; "))
        })
        .collect();
    if found.is_empty() {
        return Ok(());
    }
    let plan = &input.transit_gateway;
    let planned = cut(&plan.propagate_to, ", ");
    let what = format!("more tables than {planned} lead to {attachment}: {}", cut(&found, "; "));
    Err(difference(plan, &what).hint("find out who made those routes, and remove them; then redrive the execution"))
}

/// Whoever goes by a table that learns reaches every tenant: shared services only.
fn check_users(input: &Input, details: &Details) -> Result<(), StepError> {
    let plan = &input.transit_gateway;
    let strangers = details.users.iter().filter(|(_, user)| !plan.shared_attachments.contains(&user.id));
    let strangers: Vec<&(String, GatewayAttachment)> = strangers.collect();
    if strangers.is_empty() {
        return Ok(());
    }
    let shown = |(table, user): &&(String, GatewayAttachment)| {
        let whose = match owners::tenant(input, details, user) {
            Some(tenant) => format!("account {} of tenant {tenant}", user.owner),
            None => format!("account {}", user.owner),
        };
        format!("{} ({}, {whose}) with {table}", user.id, user.kind)
    };
    let shown: Vec<String> = strangers.iter().map(shown).collect();
    let is_tenants = |(_, user): &&&(String, GatewayAttachment)| owners::tenant(input, details, user).is_some();
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
fn check_policies(input: &Input, details: &Details) -> Result<(), StepError> {
    let plan = &input.transit_gateway;
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
