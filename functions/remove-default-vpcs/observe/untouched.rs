//! Whether a default VPC is still as AWS made it. Pure.
//!
//! <https://docs.aws.amazon.com/vpc/latest/userguide/default-vpc-components.html>. Whatever is not known to be AWS's own
//! counts as somebody's: leaving an empty VPC costs nothing, removing one that is used cannot be undone.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{
    DhcpOptions, EgressOnlyInternetGateway, FlowLog, InternetGateway, IpPermission, NetworkAcl, NetworkAclEntry,
    NetworkInterface, RouteTable, RuleAction, SecurityGroup, Subnet, Tag, Vpc, VpcEndpoint, VpcPeeringConnection,
    VpcPeeringConnectionStateReasonCode, VpnGateway,
};

/// Everything that was read about a default VPC. What is not filtered by the VPC holds that of others too.
#[derive(Debug, Clone)]
pub(crate) struct Parts {
    pub(crate) vpc: Vpc,
    pub(crate) subnets: Vec<Subnet>,
    pub(crate) route_tables: Vec<RouteTable>,
    pub(crate) security_groups: Vec<SecurityGroup>,
    pub(crate) network_acls: Vec<NetworkAcl>,
    pub(crate) internet_gateways: Vec<InternetGateway>,
    pub(crate) endpoints: Vec<VpcEndpoint>,
    pub(crate) interfaces: Vec<NetworkInterface>,
    pub(crate) vpn_gateways: Vec<VpnGateway>,
    pub(crate) egress_gateways: Vec<EgressOnlyInternetGateway>,
    pub(crate) flow_logs: Vec<FlowLog>,
    pub(crate) peerings: Vec<VpcPeeringConnection>,
    pub(crate) dhcp_options: Vec<DhcpOptions>,
}

/// The internet gateway of the VPC and whether it is attached: the attached one, or the one that its route names.
pub(crate) fn default_gateway<'a>(
    vpc: &str,
    gateways: &'a [InternetGateway],
    named: &BTreeSet<String>,
) -> Option<(&'a InternetGateway, bool)> {
    let attached = gateways.iter().find(|g| g.attachments().iter().any(|a| a.vpc_id() == Some(vpc)));
    let orphaned = || {
        let is_named = |g: &&InternetGateway| g.internet_gateway_id().is_some_and(|id| named.contains(id));
        gateways.iter().filter(|g| g.attachments().is_empty()).find(is_named)
    };
    attached.map(|gateway| (gateway, true)).or_else(|| orphaned().map(|gateway| (gateway, false)))
}

/// What somebody put into the VPC or changed on it; empty when it is as AWS made it, or what an earlier run left of it.
pub(crate) fn used(id: &str, region: &str, parts: &Parts) -> Vec<String> {
    let mut used = vpc(&parts.vpc);
    // What runs there comes first: it is what people look for.
    used.extend(parts.interfaces.iter().map(|i| named("network interface", i.network_interface_id())));
    used.extend(parts.subnets.iter().filter_map(subnet));
    used.extend(parts.route_tables.iter().filter_map(route_table));
    used.extend(parts.security_groups.iter().filter_map(security_group));
    used.extend(parts.network_acls.iter().filter_map(network_acl));
    used.extend(parts.internet_gateways.iter().filter(|g| is_attached(id, g)).filter_map(internet_gateway));
    used.extend(parts.endpoints.iter().filter(|e| is_there(e)).map(|e| named("endpoint", e.vpc_endpoint_id())));
    used.extend(parts.vpn_gateways.iter().map(|g| named("VPN gateway", g.vpn_gateway_id())));
    let egress = parts.egress_gateways.iter().filter(|g| g.attachments().iter().any(|a| a.vpc_id() == Some(id)));
    used.extend(egress.map(|g| named("egress-only gateway", g.egress_only_internet_gateway_id())));
    used.extend(parts.flow_logs.iter().map(|log| named("flow log", log.flow_log_id())));
    let peerings = parts.peerings.iter().filter(|peering| joins(id, peering));
    used.extend(peerings.map(|peering| named("peering", peering.vpc_peering_connection_id())));
    used.extend(parts.dhcp_options.iter().filter_map(|options| dhcp_options(region, options)));
    used
}

fn named(kind: &str, id: Option<&str>) -> String {
    format!("{kind} {}", id.unwrap_or("without an id"))
}

/// Why a part is somebody's: what is changed on it, or a tag. Tags of AWS itself do not count.
fn changed(kind: &str, id: Option<&str>, is_default: bool, tags: &[Tag]) -> Option<String> {
    if !is_default {
        return Some(named(kind, id));
    }
    let tag = tags.iter().filter_map(Tag::key).find(|key| !key.starts_with("aws:"))?;
    Some(format!("tag {tag} on {}", named(kind, id)))
}

fn vpc(vpc: &Vpc) -> Vec<String> {
    let mut used = Vec::new();
    used.extend(changed("VPC", vpc.vpc_id(), vpc.is_default() == Some(true), vpc.tags()));
    let blocks = vpc.cidr_block_association_set().len() + vpc.ipv6_cidr_block_association_set().len();
    if blocks > 1 {
        used.push("more than one block of addresses".to_owned());
    }
    used
}

fn subnet(subnet: &Subnet) -> Option<String> {
    let is_default = subnet.default_for_az() == Some(true) && subnet.ipv6_cidr_block_association_set().is_empty();
    changed("subnet", subnet.subnet_id(), is_default, subnet.tags())
}

/// The main table with the local route and the one to the internet gateway, and no subnet of its own.
fn route_table(table: &RouteTable) -> Option<String> {
    let is_main = table.associations().iter().all(|association| association.main() == Some(true));
    let only_usual = table.routes().iter().all(|route| match route.gateway_id() {
        Some("local") => true,
        Some(gateway) => gateway.starts_with("igw-") && route.destination_cidr_block() == Some("0.0.0.0/0"),
        None => false,
    });
    let is_default = is_main && !table.associations().is_empty() && only_usual && table.propagating_vgws().is_empty();
    changed("route table", table.route_table_id(), is_default, table.tags())
}

/// The group `default` that lets its own members in and everything out.
fn security_group(group: &SecurityGroup) -> Option<String> {
    let own = |rule: &IpPermission| {
        let pairs = rule.user_id_group_pairs();
        rule.ip_ranges().is_empty() && pairs.len() == 1 && pairs.iter().all(|pair| pair.group_id == group.group_id)
    };
    let anywhere = |rule: &IpPermission| {
        let ranges = rule.ip_ranges();
        rule.user_id_group_pairs().is_empty()
            && ranges.len() == 1
            && ranges.iter().all(|range| range.cidr_ip() == Some("0.0.0.0/0"))
    };
    let all = |rule: &IpPermission| {
        rule.ip_protocol() == Some("-1") && rule.ipv6_ranges().is_empty() && rule.prefix_list_ids().is_empty()
    };
    let is_one = |rules: &[IpPermission], is: &dyn Fn(&IpPermission) -> bool| {
        rules.len() == 1 && rules.iter().all(|rule| all(rule) && is(rule))
    };
    let is_default = group.group_name() == Some("default")
        && is_one(group.ip_permissions(), &own)
        && is_one(group.ip_permissions_egress(), &anywhere);
    changed("security group", group.group_id(), is_default, group.tags())
}

/// The default list: rule 100 allows everything, the last one denies the rest, in both directions.
fn network_acl(acl: &NetworkAcl) -> Option<String> {
    let is_usual = |entry: &NetworkAclEntry| {
        let everything = entry.protocol() == Some("-1") && entry.cidr_block() == Some("0.0.0.0/0");
        everything
            && match entry.rule_number() {
                Some(100) => entry.rule_action() == Some(&RuleAction::Allow),
                Some(32_767) => entry.rule_action() == Some(&RuleAction::Deny),
                _ => false,
            }
    };
    let is_default = acl.is_default() == Some(true) && acl.entries().len() == 4 && acl.entries().iter().all(is_usual);
    changed("network ACL", acl.network_acl_id(), is_default, acl.tags())
}

fn is_attached(vpc: &str, gateway: &InternetGateway) -> bool {
    gateway.attachments().iter().any(|attachment| attachment.vpc_id() == Some(vpc))
}

fn internet_gateway(gateway: &InternetGateway) -> Option<String> {
    changed("internet gateway", gateway.internet_gateway_id(), true, gateway.tags())
}

/// Whether an endpoint is not yet gone. EC2 answers states in other letter cases than the SDK's type has.
fn is_there(endpoint: &VpcEndpoint) -> bool {
    endpoint.state().is_none_or(|state| !state.as_str().eq_ignore_ascii_case("deleted"))
}

/// Whether a peering that is not over has this VPC on either side.
fn joins(vpc: &str, peering: &VpcPeeringConnection) -> bool {
    let code = peering.status().and_then(|status| status.code()).map(VpcPeeringConnectionStateReasonCode::as_str);
    let is_over = code.is_some_and(|code| ["deleted", "expired", "failed", "rejected"].contains(&code));
    let sides = [peering.accepter_vpc_info(), peering.requester_vpc_info()];
    !is_over && sides.into_iter().flatten().any(|side| side.vpc_id() == Some(vpc))
}

/// Options with nothing but Amazon's name servers and the region's domain.
/// <https://docs.aws.amazon.com/vpc/latest/userguide/DHCPOptionSetConcepts.html>
fn dhcp_options(region: &str, options: &DhcpOptions) -> Option<String> {
    let domain = match region {
        "us-east-1" => "ec2.internal".to_owned(),
        other => format!("{other}.compute.internal"),
    };
    let is_usual = options.dhcp_configurations().iter().all(|option| match option.key() {
        Some("domain-name") => option.values().iter().all(|value| value.value() == Some(domain.as_str())),
        Some("domain-name-servers") => option.values().iter().all(|value| value.value() == Some("AmazonProvidedDNS")),
        _ => false,
    });
    changed("DHCP options", options.dhcp_options_id(), is_usual, options.tags())
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::{
        AttributeValue, DhcpConfiguration, InternetGatewayAttachment, IpRange, PropagatingVgw, Route,
        RouteTableAssociation, UserIdGroupPair, VpcCidrBlockAssociation, VpcPeeringConnectionStateReason,
        VpcPeeringConnectionVpcInfo,
    };

    use super::*;

    const VPC: &str = "vpc-default";

    fn route(to: &str, gateway: &str) -> Route {
        Route::builder().destination_cidr_block(to).gateway_id(gateway).build()
    }

    fn table() -> aws_sdk_ec2::types::builders::RouteTableBuilder {
        RouteTable::builder()
            .route_table_id("rtb-1")
            .associations(RouteTableAssociation::builder().main(true).build())
            .routes(route("172.31.0.0/16", "local"))
            .routes(route("0.0.0.0/0", "igw-1"))
    }

    fn group() -> aws_sdk_ec2::types::builders::SecurityGroupBuilder {
        let own = UserIdGroupPair::builder().group_id("sg-1").build();
        let anywhere = IpRange::builder().cidr_ip("0.0.0.0/0").build();
        SecurityGroup::builder()
            .group_id("sg-1")
            .group_name("default")
            .ip_permissions(IpPermission::builder().ip_protocol("-1").user_id_group_pairs(own).build())
            .ip_permissions_egress(IpPermission::builder().ip_protocol("-1").ip_ranges(anywhere).build())
    }

    fn acl() -> NetworkAcl {
        let entry = |number, action, egress| {
            let entry = NetworkAclEntry::builder().rule_number(number).rule_action(action).egress(egress);
            entry.protocol("-1").cidr_block("0.0.0.0/0").build()
        };
        let both = [true, false].into_iter();
        let entries =
            both.flat_map(|egress| [entry(100, RuleAction::Allow, egress), entry(32_767, RuleAction::Deny, egress)]);
        NetworkAcl::builder().network_acl_id("acl-1").is_default(true).set_entries(Some(entries.collect())).build()
    }

    fn dhcp(key: &str, value: &str) -> DhcpOptions {
        let value = AttributeValue::builder().value(value).build();
        let option = DhcpConfiguration::builder().key(key).values(value).build();
        DhcpOptions::builder().dhcp_options_id("dopt-1").dhcp_configurations(option).build()
    }

    fn gateway(id: &str, attached: Option<&str>) -> InternetGateway {
        let attachments = attached.map(|vpc| InternetGatewayAttachment::builder().vpc_id(vpc).build());
        let gateway = InternetGateway::builder().internet_gateway_id(id);
        gateway.set_attachments(Some(attachments.into_iter().collect())).build()
    }

    fn subnet_of_aws() -> aws_sdk_ec2::types::builders::SubnetBuilder {
        Subnet::builder().subnet_id("subnet-1").default_for_az(true)
    }

    fn as_aws_made_it() -> Parts {
        let block = VpcCidrBlockAssociation::builder().cidr_block("172.31.0.0/16").build();
        Parts {
            vpc: Vpc::builder().vpc_id(VPC).is_default(true).cidr_block_association_set(block).build(),
            subnets: vec![subnet_of_aws().build()],
            route_tables: vec![table().build()],
            security_groups: vec![group().build()],
            network_acls: vec![acl()],
            internet_gateways: vec![gateway("igw-1", Some(VPC)), gateway("igw-2", Some("vpc-other"))],
            endpoints: vec![],
            interfaces: vec![],
            vpn_gateways: vec![],
            egress_gateways: vec![],
            flow_logs: vec![],
            peerings: vec![],
            dhcp_options: vec![dhcp("domain-name-servers", "AmazonProvidedDNS")],
        }
    }

    fn tag() -> Tag {
        Tag::builder().key("team").value("x").build()
    }

    #[test]
    fn what_aws_made_is_untouched_and_so_is_what_an_earlier_run_left_of_it() {
        assert_eq!(used(VPC, "eu-west-1", &as_aws_made_it()), Vec::<String>::new());
        let half = Parts { subnets: vec![], internet_gateways: vec![gateway("igw-1", None)], ..as_aws_made_it() };
        assert_eq!(used(VPC, "eu-west-1", &half), Vec::<String>::new());
    }

    #[test]
    fn the_domain_of_the_dhcp_options_is_that_of_the_region() {
        for (region, domain) in [("us-east-1", "ec2.internal"), ("eu-west-1", "eu-west-1.compute.internal")] {
            let parts = Parts { dhcp_options: vec![dhcp("domain-name", domain)], ..as_aws_made_it() };
            assert_eq!(used(VPC, region, &parts), Vec::<String>::new());
            assert_eq!(used(VPC, "eu-central-1", &parts), ["DHCP options dopt-1"]);
        }
    }

    #[test]
    fn whatever_somebody_put_in_or_changed_is_named() {
        let more_blocks = VpcCidrBlockAssociation::builder().cidr_block("10.0.0.0/16").build();
        let first_block = VpcCidrBlockAssociation::builder().cidr_block("172.31.0.0/16").build();
        let two_blocks = Vpc::builder().vpc_id(VPC).is_default(true);
        let two_blocks = two_blocks.cidr_block_association_set(first_block).cidr_block_association_set(more_blocks);
        let side = VpcPeeringConnectionVpcInfo::builder().vpc_id(VPC).build();
        let peering = |code: &str| {
            let status = VpcPeeringConnectionStateReason::builder().code(code.into()).build();
            let peering = VpcPeeringConnection::builder().vpc_peering_connection_id("pcx-1");
            vec![peering.accepter_vpc_info(side.clone()).status(status).build()]
        };
        let interface = NetworkInterface::builder().network_interface_id("eni-1").build();
        let by_subnet = RouteTableAssociation::builder().main(false).subnet_id("subnet-1").build();
        let vgw = PropagatingVgw::builder().gateway_id("vgw-1").build();
        let to = |gateway: &str| table().routes(route("10.0.0.0/8", gateway)).build();
        let rule = || IpPermission::builder().ip_protocol("tcp").build();
        let base = as_aws_made_it;
        let cases: Vec<(&str, Parts)> = vec![
            ("more than one block of addresses", Parts { vpc: two_blocks.build(), ..base() }),
            ("network interface eni-1", Parts { interfaces: vec![interface], ..base() }),
            ("subnet subnet-1", Parts { subnets: vec![subnet_of_aws().default_for_az(false).build()], ..base() }),
            ("tag team on subnet subnet-1", Parts { subnets: vec![subnet_of_aws().tags(tag()).build()], ..base() }),
            ("route table rtb-1", Parts { route_tables: vec![table().associations(by_subnet).build()], ..base() }),
            ("route table rtb-1", Parts { route_tables: vec![table().propagating_vgws(vgw).build()], ..base() }),
            ("route table rtb-1", Parts { route_tables: vec![to("igw-1")], ..base() }),
            ("route table rtb-1", Parts { route_tables: vec![to("vgw-1")], ..base() }),
            ("security group sg-1", Parts { security_groups: vec![group().group_name("web").build()], ..base() }),
            ("security group sg-1", Parts { security_groups: vec![group().ip_permissions(rule()).build()], ..base() }),
            (
                "security group sg-1",
                Parts { security_groups: vec![group().set_ip_permissions_egress(None).build()], ..base() },
            ),
            (
                "network ACL acl-1",
                Parts { network_acls: vec![NetworkAcl::builder().network_acl_id("acl-1").build()], ..base() },
            ),
            (
                "endpoint vpce-1",
                Parts { endpoints: vec![VpcEndpoint::builder().vpc_endpoint_id("vpce-1").build()], ..base() },
            ),
            (
                "VPN gateway vgw-1",
                Parts { vpn_gateways: vec![VpnGateway::builder().vpn_gateway_id("vgw-1").build()], ..base() },
            ),
            ("flow log fl-1", Parts { flow_logs: vec![FlowLog::builder().flow_log_id("fl-1").build()], ..base() }),
            ("peering pcx-1", Parts { peerings: peering("active"), ..base() }),
            ("DHCP options dopt-1", Parts { dhcp_options: vec![dhcp("domain-name", "corp.example")], ..base() }),
            ("DHCP options dopt-1", Parts { dhcp_options: vec![dhcp("domain-name", "ec2.internal")], ..base() }),
            ("DHCP options dopt-1", Parts { dhcp_options: vec![dhcp("ntp-servers", "10.0.0.1")], ..base() }),
            ("DHCP options dopt-1", Parts { dhcp_options: vec![dhcp("domain-name-servers", "10.0.0.2")], ..base() }),
        ];
        for (expected, parts) in cases {
            assert_eq!(used(VPC, "eu-west-1", &parts), [expected]);
        }
        assert_eq!(used(VPC, "eu-west-1", &Parts { peerings: peering("deleted"), ..base() }), Vec::<String>::new());
    }

    #[test]
    fn the_gateway_is_the_attached_one_or_the_detached_one_that_the_route_names() {
        let named: BTreeSet<String> = ["igw-1".to_owned()].into();
        let find = |gateways: &[InternetGateway]| {
            let (gateway, is_attached) = default_gateway(VPC, gateways, &named)?;
            Some((gateway.internet_gateway_id()?.to_owned(), is_attached))
        };
        assert_eq!(find(&[gateway("igw-9", Some(VPC))]), Some(("igw-9".to_owned(), true)));
        assert_eq!(find(&[gateway("igw-1", None)]), Some(("igw-1".to_owned(), false)));
        assert_eq!(find(&[gateway("igw-2", None), gateway("igw-1", Some("vpc-other"))]), None);
    }
}
