//! Transit Gateways: ids, and that no spoke table ever learns of a tenant.

use std::collections::BTreeMap;

use super::{
    addresses::host_bits_of,
    ids::is_ec2_id,
    problems::{Problems, quoted, region_path},
};
use crate::{PlatformConfig, TransitGateway};

/// Checks the Transit Gateway of every region.
pub(super) fn check(config: &PlatformConfig, problems: &mut Problems) {
    let gateways: Vec<(String, &TransitGateway)> = config
        .environments
        .iter()
        .flat_map(|(name, e)| e.regions.iter().map(move |(region, c)| (region_path(name, region), &c.transit_gateway)))
        .map(|(path, gateway)| (format!("{path}.transitGateway"), gateway))
        .collect();
    let mut spokes: BTreeMap<&str, &str> = BTreeMap::new();
    for (path, gateway) in &gateways {
        spokes.entry(&gateway.spoke_route_table).or_insert(path);
    }
    for (path, gateway) in &gateways {
        ids(path, gateway, problems);
        isolation(path, gateway, &spokes, problems);
        for (n, block) in gateway.routes.iter().enumerate().filter_map(|(n, to)| Some((n, to.block()?))) {
            host_bits_of(format!("{path}.routes[{n}]"), block, problems);
        }
        problems.repeated(&gateway.propagate_to, |n| format!("{path}.propagateTo[{n}]"));
        problems.repeated(&gateway.shared_attachments, |n| format!("{path}.sharedAttachments[{n}]"));
        problems.repeated(&gateway.filtering_attachments, |n| format!("{path}.filteringAttachments[{n}]"));
        problems.repeated(&gateway.routes, |n| format!("{path}.routes[{n}]"));
    }
}

fn ids(path: &str, gateway: &TransitGateway, problems: &mut Problems) {
    let mut id = |path: String, text: &str, prefix: &str, what: &str| {
        if !is_ec2_id(text, prefix) {
            let message = format!("{} is not the id of a {what}", quoted(text));
            problems.add(path, message, format!("it looks like {prefix}0a1b2c3d4e5f67890"));
        }
    };
    id(format!("{path}.id"), &gateway.id, "tgw-", "Transit Gateway");
    let table = "Transit Gateway route table";
    id(format!("{path}.spokeRouteTable"), &gateway.spoke_route_table, "tgw-rtb-", table);
    for (n, text) in gateway.propagate_to.iter().enumerate() {
        id(format!("{path}.propagateTo[{n}]"), text, "tgw-rtb-", table);
    }
    for (n, text) in gateway.shared_attachments.iter().enumerate() {
        id(format!("{path}.sharedAttachments[{n}]"), text, "tgw-attach-", "Transit Gateway attachment");
    }
    for (n, text) in gateway.filtering_attachments.iter().enumerate() {
        if !gateway.shared_attachments.contains(text) {
            let message = format!("{} is not one of sharedAttachments", quoted(text));
            let hint = "the spoke table may not lead there at all: add it to sharedAttachments, or remove it here";
            problems.add(format!("{path}.filteringAttachments[{n}]"), message, hint);
        }
    }
}

/// A spoke table that learns a tenant's block lets every other tenant reach it, in whichever environment.
fn isolation(path: &str, gateway: &TransitGateway, spokes: &BTreeMap<&str, &str>, problems: &mut Problems) {
    if gateway.propagate_to.is_empty() {
        let hint = "list the route tables of the shared services, or they have no way back to the tenant";
        problems.add(format!("{path}.propagateTo"), "no route table learns the tenant's block", hint);
    }
    for (n, table) in gateway.propagate_to.iter().enumerate() {
        if let Some(owner) = spokes.get(table.as_str()) {
            let message = format!("{table} is the spoke table of {owner}");
            let hint = "a spoke table must never learn of a tenant: list route tables of shared services only";
            problems.add(format!("{path}.propagateTo[{n}]"), message, hint);
        }
    }
}
