//! The proof over all VPCs of a spoke table at once: every table was read once, and each VPC is compared with what it
//! can meet there.

use std::collections::{BTreeMap, HashMap};

use berth_step::{Fault, StepError};
use berth_tenancy::TransitGatewayPlan;
use ipnet::Ipv4Net;

use super::{check_options, check_whole, learning, owners, spoke, wrong_table};
use crate::{AssociatedWith, Attached, Details, GatewayRoute, RouteList, Vpc};

/// Everything in which the gateway differs from the plan, for any of these VPCs: nothing when all are isolated. A VPC
/// whose attachment is gone, or whose block is not learned, reaches nobody: that is drift, and no breach.
#[must_use]
pub fn prove_all(plan: &TransitGatewayPlan, vpcs: &[Vpc], details: &Details, attached: &Attached) -> Vec<StepError> {
    let of_gateway = [
        super::check_plan(plan),
        check_options(plan, details.options),
        check_whole(plan, details),
        owners::check(plan, vpcs, details),
        spoke::check(plan, vpcs, details),
        learning::check_users(plan, vpcs, details),
        learning::check_policies(plan, details),
    ];
    let learning: BTreeMap<&String, Index<'_>> =
        details.learning.iter().map(|(table, list)| (table, Index::of(list))).collect();
    let elsewhere: BTreeMap<&String, Index<'_>> =
        details.elsewhere.iter().map(|(table, list)| (table, Index::of(list))).collect();
    let of_vpcs = vpcs.iter().map(|vpc| {
        check_association(plan, vpc, attached)?;
        for (table, index) in &learning {
            let met: Vec<&GatewayRoute> = index.leading_to(&vpc.attachment).chain(index.inside(vpc.cidr)).collect();
            learning::check_table(plan, vpc, table, &met).or_else(drift)?;
        }
        let leading = elsewhere.iter().map(|(table, index)| (*table, index.leading_to(&vpc.attachment).collect()));
        learning::check_elsewhere(plan, &vpc.attachment, leading)
    });
    let of_vpcs = of_vpcs.zip(vpcs).map(|(proven, vpc)| proven.map_err(|error| error.for_account(&vpc.account_id)));
    of_gateway.into_iter().chain(of_vpcs).filter_map(Result::err).collect()
}

/// A route that is not there leads nobody anywhere.
fn drift(error: StepError) -> Result<(), StepError> {
    if error.fault == Fault::NotReady { Ok(()) } else { Err(error) }
}

/// The attachment goes by the spoke table, or by none.
fn check_association(plan: &TransitGatewayPlan, vpc: &Vpc, attached: &Attached) -> Result<(), StepError> {
    let association = attached.get(&vpc.attachment).and_then(|(_, association)| association.as_ref());
    match association.map(|association| &association.with) {
        None => Ok(()),
        Some(AssociatedWith::RouteTable(table)) if *table == plan.spoke_route_table => Ok(()),
        Some(other) => Err(wrong_table(plan, &vpc.attachment, other)),
    }
}

/// Routes of a table, by what they lead to and by where their blocks begin.
struct Index<'a> {
    by_attachment: HashMap<&'a str, Vec<&'a GatewayRoute>>,
    by_block: BTreeMap<u32, Vec<(Ipv4Net, &'a GatewayRoute)>>,
}

impl<'a> Index<'a> {
    fn of(list: &'a RouteList) -> Self {
        let mut index = Self { by_attachment: HashMap::new(), by_block: BTreeMap::new() };
        for route in &list.routes {
            for target in &route.targets {
                index.by_attachment.entry(target.attachment.as_str()).or_default().push(route);
            }
            if let Ok(block) = route.destination.parse::<Ipv4Net>() {
                index.by_block.entry(block.network().to_bits()).or_default().push((block, route));
            }
        }
        index
    }

    fn leading_to(&self, attachment: &str) -> impl Iterator<Item = &'a GatewayRoute> {
        self.by_attachment.get(attachment).into_iter().flatten().copied()
    }

    /// Routes to parts of a block.
    fn inside(&self, cidr: Ipv4Net) -> impl Iterator<Item = &'a GatewayRoute> {
        let begins = self.by_block.range(cidr.network().to_bits()..=cidr.broadcast().to_bits());
        begins.flat_map(|(_, routes)| routes).filter(move |(block, _)| cidr.contains(block)).map(|(_, route)| *route)
    }
}
