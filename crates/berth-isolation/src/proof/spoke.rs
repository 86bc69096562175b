//! Outwards: where packets of the VPC may go. One table decides, the spoke table.

use std::collections::BTreeSet;

use berth_step::StepError;
use berth_tenancy::{TransitGatewayPlan, overlap, uncovered};
use ipnet::{IpNet, Ipv4Net};

use super::{
    difference, owners,
    text::{cut, described, list},
};
use crate::{Details, GatewayRoute, Target, Vpc};

/// Kinds of routes whose meaning is known: made by hand, learned from an attachment, installed for a NAT of the gateway.
/// [EC2 `TransitGatewayRouteType`]
const KINDS: [&str; 3] = ["static", "propagated", "system"];

/// What may be attached, as far as it is known. [EC2 `TransitGatewayAttachmentResourceType`]
const RESOURCES: [&str; 9] = [
    "client-vpn",
    "connect",
    "direct-connect-gateway",
    "network-function",
    "peering",
    "tgw-peering",
    "vpc",
    "vpn",
    "vpn-concentrator",
];

/// Every route leads to shared attachments only, and none leads a tenant's block on.
pub(super) fn check(plan: &TransitGatewayPlan, vpcs: &[Vpc], details: &Details) -> Result<(), StepError> {
    check_targets(plan, vpcs, details)?;
    check_kinds(plan, details)?;
    check_covering(plan, vpcs, details)
}

/// Every route leads to allowed attachments only. A route without an attachment is allowed only as a blackhole.
fn check_targets(plan: &TransitGatewayPlan, vpcs: &[Vpc], details: &Details) -> Result<(), StepError> {
    let allowed: BTreeSet<&String> = plan.shared_attachments.iter().collect();
    let leads_astray = |route: &&GatewayRoute| match route.targets.as_slice() {
        [] => !route.drops(),
        some => some.iter().any(|target| !allowed.contains(&target.attachment)),
    };
    let bad: Vec<&GatewayRoute> = details.spoke.routes.iter().filter(leads_astray).collect();
    if bad.is_empty() {
        return Ok(());
    }
    let table = &plan.spoke_route_table;
    let shown: Vec<String> = bad.iter().map(|route| described(route)).collect();
    let error =
        difference(plan, &format!("{table} has routes {}; allowed attachments: {}", cut(&shown, "; "), list(&allowed)));
    let targets = bad.iter().flat_map(|route| &route.targets).map(|target| &target.attachment);
    let strangers = targets.filter(|id| !allowed.contains(id)).filter_map(|id| details.attachments.get(id));
    let owned: BTreeSet<String> = strangers
        .filter_map(|each| {
            let tenant = owners::tenant(vpcs, details, each)?;
            Some(format!("{} belongs to account {} of tenant {tenant}", each.id, each.owner))
        })
        .collect();
    Err(error.hint(if owned.is_empty() {
        format!(
            "remove those routes from {table} in the network account, or add the attachment to sharedAttachments if it \
             is a shared service; then redrive the execution"
        )
    } else {
        let owned = cut(&owned.into_iter().collect::<Vec<_>>(), "; ");
        format!("remove those routes from {table} in the network account: {owned}; then redrive the execution")
    }))
}

/// A route of a kind that nobody knows, or to something that nobody knows, is not proven harmless.
fn check_kinds(plan: &TransitGatewayPlan, details: &Details) -> Result<(), StepError> {
    let is_known = |route: &&GatewayRoute| {
        KINDS.contains(&route.kind.as_str())
            && route.destination.parse::<IpNet>().is_ok()
            && route.targets.iter().all(|target| RESOURCES.contains(&target.kind.as_str()))
    };
    let unknown: Vec<String> = details
        .spoke
        .routes
        .iter()
        .filter(|route| !is_known(route))
        .map(|route| {
            let kinds: Vec<&str> = route.targets.iter().map(|target| target.kind.as_str()).collect();
            format!("{} (attaching {})", described(route), cut(&kinds, ", "))
        })
        .collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let table = &plan.spoke_route_table;
    Err(difference(plan, &format!("{table} has routes that Berth does not understand: {}", cut(&unknown, "; "))).hint(
        format!("remove them from {table} in the network account, then redrive the execution; and report their kind"),
    ))
}

/// A route that covers tenants' blocks leads them on to the attachment, whose own table knows every tenant: they would
/// reach each other there. So a blackhole that is as specific takes them out, or the platform's word stands for an
/// appliance that drops them.
fn check_covering(plan: &TransitGatewayPlan, vpcs: &[Vpc], details: &Details) -> Result<(), StepError> {
    let leaks = leaks(&details.spoke.routes, &tenant_blocks(plan, vpcs, details), &plan.filtering_attachments);
    if leaks.is_empty() {
        return Ok(());
    }
    let shown: Vec<String> = leaks.iter().map(|(route, block)| format!("{} for {block}", described(route))).collect();
    let blocks: BTreeSet<String> = leaks.iter().map(|(_, block)| block.to_string()).collect();
    let (table, blocks) = (&plan.spoke_route_table, cut(&blocks.into_iter().collect::<Vec<_>>(), ", "));
    let what = format!("{table} leads blocks of tenants on, so that they meet behind it: {}", cut(&shown, "; "));
    Err(difference(plan, &what).hint(format!(
        "add a blackhole for {blocks} to {table} in the network account and redrive the execution; or, if an appliance \
         behind the attachment drops traffic between tenants, list the attachment in filteringAttachments in \
         platform.yaml"
    )))
}

/// Blocks of tenants: these VPCs', those that the plan knows, and those that the tables learned from others.
fn tenant_blocks(plan: &TransitGatewayPlan, vpcs: &[Vpc], details: &Details) -> BTreeSet<Ipv4Net> {
    // Tenants have VPCs, and nobody knows what else AWS will attach.
    let is_tenants = |target: &Target| {
        let is_vpc = target.kind == "vpc" || !RESOURCES.contains(&target.kind.as_str());
        is_vpc && !plan.shared_attachments.contains(&target.attachment)
    };
    let learned = details.learning.values().flat_map(|table| &table.routes);
    let learned = learned.filter(|route| route.targets.iter().any(is_tenants));
    let learned = learned.filter_map(|route| route.destination.parse::<Ipv4Net>().ok());
    let own = vpcs.iter().filter(|vpc| !vpc.is_planned).map(|vpc| vpc.cidr);
    plan.tenant_blocks.iter().copied().chain(learned).chain(own).collect()
}

/// Routes that lead a part of a tenant's block on, each with the first such part.
fn leaks<'a>(
    routes: &'a [GatewayRoute],
    tenants: &BTreeSet<Ipv4Net>,
    filtering: &[String],
) -> Vec<(&'a GatewayRoute, Ipv4Net)> {
    let parsed: Vec<(Ipv4Net, &GatewayRoute)> =
        routes.iter().filter_map(|route| Some((route.destination.parse().ok()?, route))).collect();
    let filters = |route: &GatewayRoute| route.targets.iter().all(|target| filtering.contains(&target.attachment));
    let forwarding = parsed.iter().filter(|(_, route)| !route.drops() && !filters(route));
    let leaks = forwarding.filter_map(|(net, route)| {
        let inside = |other: &Ipv4Net| net.contains(other) && net != other;
        let specific: Vec<Ipv4Net> = parsed.iter().map(|(other, _)| *other).filter(inside).collect();
        let met = tenants.iter().filter(|block| overlap(**block, *net));
        // What both have: one holds the other.
        let part = |block: &Ipv4Net| if net.contains(block) { *block } else { *net };
        let mut left = met.flat_map(|block| uncovered(part(block), &specific));
        Some((*route, left.next()?))
    });
    leaks.collect()
}
