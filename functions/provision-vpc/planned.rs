//! Differences between the VPC and the plan that are left as they are: closing them would cut workloads off. Pure.
//!
//! None of them can be closed in place: the block of a VPC and of a subnet never changes, and Berth never deletes. So
//! each says what a person must do, with or without `--allow-disruption`.

use berth_tenancy::{Addresses, PlannedChange};

use crate::{Input, Subnet, Vpc, World};

/// The differences, as the step reports them.
pub(crate) fn changes(input: &Input, world: &World, vpc: &Vpc) -> Vec<PlannedChange> {
    let ours = world.subnets.iter().filter_map(|subnet| Some((subnet, subnet.place.as_ref()?)));
    let subnets = ours.filter_map(|(subnet, (tier, zone))| of_subnet(input, subnet, tier, zone));
    PlannedChange::report(of_vpc(input, vpc).into_iter().chain(subnets).collect())
}

fn of_vpc(input: &Input, vpc: &Vpc) -> Option<PlannedChange> {
    let planned = match &input.network.addresses {
        Addresses::Ipam { prefix_length, .. } | Addresses::Ledger { prefix_length, .. } => *prefix_length,
    };
    // The address of a VPC that mode `plan` only imagines is a placeholder of the right size.
    (vpc.cidr.prefix_len() != planned).then(|| {
        PlannedChange::by_hand(
            format!("{} has {}; planned: a /{planned}", vpc.id, vpc.cidr),
            "keep the prefixLength of before for this environment, or move the workloads to a new account",
        )
    })
}

fn of_subnet(input: &Input, subnet: &Subnet, tier: &str, zone: &str) -> Option<PlannedChange> {
    let network = &input.network;
    let id = &subnet.id;
    let Some(planned) = network.tiers.iter().find(|planned| planned.name == tier) else {
        return Some(surplus(id, &format!("tier {tier}, which is not planned any more")));
    };
    if !network.zones.iter().any(|planned| planned == zone) {
        return Some(surplus(id, &format!("zone {zone}, which is not planned any more")));
    }
    (subnet.cidr.prefix_len() != planned.prefix_length).then(|| {
        PlannedChange::by_hand(
            format!("{id} (tier {tier}, {zone}) has {}; planned: a /{}", subnet.cidr, planned.prefix_length),
            format!("keep the prefixLength of before for tier {tier}, or add a tier of the new size and move there"),
        )
    })
}

fn surplus(id: &str, place: &str) -> PlannedChange {
    PlannedChange::by_hand(format!("{id} is in {place}"), format!("delete {id} once nothing runs in it"))
}
