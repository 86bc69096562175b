//! What in a VPC is somebody else's, in words, and what to do about it.

use aws_sdk_ec2::types::NetworkInterface;
use berth_ec2::tags;
use berth_tenancy::Tags;

use super::parts::{Parts, state_of};
use crate::state::Held;

/// Everything in the VPC that is not ours and that AWS did not make with it, in a steady order.
pub(super) fn of(vpc: &str, parts: &Parts, ours: &impl Fn(&Tags) -> bool) -> Vec<Held> {
    let is_ours = |list: Option<&[aws_sdk_ec2::types::Tag]>| ours(&tags(list));
    let mut held: Vec<Held> = parts.interfaces.iter().filter_map(interface).collect();
    let mut add = |what: &str, id: Option<&str>, remedy: &str| {
        held.push(Held { what: format!("{what} {}", id.unwrap_or("without an id")), remedy: remedy.to_owned() });
    };
    for subnet in parts.subnets.iter().filter(|subnet| !is_ours(subnet.tags.as_deref())) {
        add("subnet", subnet.subnet_id(), "delete subnets that are not Berth's");
    }
    for table in &parts.tables {
        let is_main = table.associations().iter().any(|association| association.main() == Some(true));
        if !is_main && !is_ours(table.tags.as_deref()) {
            add("route table", table.route_table_id(), "delete route tables that are not Berth's");
        }
    }
    for group in parts.groups.iter().filter(|group| group.group_name() != Some("default")) {
        add("security group", group.group_id(), "delete the security groups");
    }
    for acl in parts.acls.iter().filter(|acl| acl.is_default() != Some(true)) {
        add("network ACL", acl.network_acl_id(), "delete the network ACLs");
    }
    for endpoint in parts.endpoints.iter().filter(|endpoint| !is_ours(endpoint.tags.as_deref())) {
        // One that is going needs nobody; until it is gone EC2 refuses what depends on it, which is waited for.
        if state_of(endpoint) != "deleting" {
            add("endpoint", endpoint.vpc_endpoint_id(), "delete endpoints that are not Berth's");
        }
    }
    for gateway in parts.gateways.iter().filter(|gateway| !is_ours(gateway.tags.as_deref())) {
        if gateway.attachments().iter().any(|attachment| attachment.vpc_id() == Some(vpc)) {
            add("internet gateway", gateway.internet_gateway_id(), "detach gateways that are not Berth's");
        }
    }
    for gateway in &parts.egress_gateways {
        let id = gateway.egress_only_internet_gateway_id();
        add("egress-only internet gateway", id, "delete the egress-only internet gateway");
    }
    for gateway in &parts.vpn_gateways {
        add("VPN gateway", gateway.vpn_gateway_id(), "detach the VPN gateway");
    }
    for peering in &parts.peerings {
        add("peering", peering.vpc_peering_connection_id(), "delete the peering");
    }
    held.sort();
    held.dedup();
    held
}

/// Who uses an interface. The gateway's own interfaces go with its attachment.
fn interface(interface: &NetworkInterface) -> Option<Held> {
    let kind = interface.interface_type().map_or("interface", |kind| kind.as_str());
    if kind == "transit_gateway" {
        return None;
    }
    let id = interface.network_interface_id().unwrap_or("without an id");
    let instance = interface.attachment().and_then(|attachment| attachment.instance_id());
    if let Some(instance) = instance {
        let remedy = "terminate the instances, or move them to another account".to_owned();
        return Some(Held { what: format!("instance {instance} ({id})"), remedy });
    }
    // Hostile text: quoted and cut. It names what a service made the interface for, such as `ELB app/web/…`.
    let description: String = interface.description().unwrap_or_default().chars().take(60).collect();
    let what = match (kind, description.is_empty()) {
        ("interface", true) => format!("network interface {id}"),
        ("interface", false) => format!("network interface {id} ({description:?})"),
        (kind, true) => format!("network interface {id} of a {kind}"),
        (kind, false) => format!("network interface {id} of a {kind} ({description:?})"),
    };
    let remedy = "delete what the network interfaces belong to (load balancers, databases, functions, endpoints)";
    Some(Held { what, remedy: remedy.to_owned() })
}
