//! Ids of what belongs to one Region only: the same id in two of them is the copy of a line that was to be changed.

use std::collections::BTreeMap;

use berth_tenancy::Region;

use super::problems::{Problems, region_path};
use crate::{AddressSource, PlatformConfig, RegionConfig};

/// Checks that each id of a Transit Gateway, route table, attachment and IPAM pool is used in one Region.
pub(super) fn check(config: &PlatformConfig, problems: &mut Problems) {
    let regions = || config.environments.iter().flat_map(|(name, e)| e.regions.iter().map(move |(r, c)| (name, r, c)));
    let spokes: Vec<&str> = regions().map(|(_, _, plan)| plan.transit_gateway.spoke_route_table.as_str()).collect();
    let mut first: BTreeMap<&str, (&Region, String)> = BTreeMap::new();
    for (name, region, plan) in regions() {
        let path = region_path(name, region);
        for (below, id) in ids(plan) {
            let path = format!("{path}.{below}");
            // That a spoke table learns of tenants is the greater mistake, and told where it is made.
            if below.starts_with("transitGateway.propagateTo") && spokes.contains(&id) {
                continue;
            }
            let (other, at) = first.entry(id).or_insert_with(|| (region, path.clone()));
            if *other != region {
                let message = format!("{id} is in {other} already");
                let hint = format!("write the id of {region}: it belongs to one Region. The other is {at}");
                problems.add(path, message, hint);
            }
        }
    }
}

/// The ids of a Region's plan, with the paths of their fields.
fn ids(plan: &RegionConfig) -> Vec<(String, &str)> {
    let gateway = &plan.transit_gateway;
    let mut ids = vec![
        ("transitGateway.id".to_owned(), gateway.id.as_str()),
        ("transitGateway.spokeRouteTable".to_owned(), gateway.spoke_route_table.as_str()),
    ];
    for (field, all) in [("propagateTo", &gateway.propagate_to), ("sharedAttachments", &gateway.shared_attachments)] {
        ids.extend(all.iter().enumerate().map(|(n, id)| (format!("transitGateway.{field}[{n}]"), id.as_str())));
    }
    if let AddressSource::Ipam { pool_id, .. } = &plan.addresses {
        ids.push(("addresses.ipam.poolId".to_owned(), pool_id));
    }
    ids
}
