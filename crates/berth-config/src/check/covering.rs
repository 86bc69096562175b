//! Routes that lead tenants' blocks into the Transit Gateway: allowed, as long as the gateway drops what they lead there.

use berth_tenancy::overlap;

use super::{
    addresses::sources,
    problems::{Problems, region_path},
};
use crate::{AddressSource, PlatformConfig};

/// Warns of each such route, and of pools whose addresses nobody knows before a tenant has them.
pub(super) fn check(config: &PlatformConfig, problems: &mut Problems) {
    let tenants = config.tenant_blocks();
    let regions = config.environments.iter().flat_map(|(name, e)| e.regions.iter().map(move |(r, c)| (name, r, c)));
    for (name, region, config) in regions {
        let gateway = &config.transit_gateway;
        if !gateway.filtering_attachments.is_empty() {
            continue;
        }
        let blocks = gateway.routes.iter().enumerate().filter_map(|(n, route)| Some((n, route.block()?)));
        for (n, route) in blocks {
            let Some(block) = tenants.iter().find(|block| overlap(**block, route)) else { continue };
            let path = format!("{}.transitGateway.routes[{n}]", region_path(name, region));
            let hint = format!(
                "keep a blackhole for {block} in {} where that table leads further, or list the attachment whose \
                 appliance drops traffic between tenants in filteringAttachments",
                gateway.spoke_route_table
            );
            problems.add(path, format!("{route} leads into the tenants' block {block}"), hint);
        }
    }
    for (name, region, addresses) in sources(config) {
        if matches!(addresses, AddressSource::Ipam { supernets, .. } if supernets.is_empty()) {
            problems.add(
                format!("{}.addresses.ipam", region_path(name, region)),
                "the CIDRs of the pool are not in the file",
                "add them as supernets: without them the proof of isolation knows the blocks of tenants, and not those \
                 that the pool hands out next",
            );
        }
    }
}
