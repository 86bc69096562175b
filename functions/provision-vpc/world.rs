//! The picture of one region's network, as far as `decide` needs it.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use berth_tenancy::{SubnetBlock, Tags, TierRouting};
use ipnet::Ipv4Net;
use jiff::Timestamp;

use crate::{Effect, Input};

/// Tag of a subnet: name of its tier.
pub(crate) const TAG_TIER: &str = "berth:tier";
/// Tag of a subnet: its availability zone by id.
pub(crate) const TAG_ZONE: &str = "berth:zone";
/// Tag of a route table: which tiers use it.
pub(crate) const TAG_ROUTING: &str = "berth:routing";

/// Value of [`TAG_ROUTING`] on the table of the tiers with this routing; none for tiers that use the main table.
pub(crate) fn routing_tag(routing: TierRouting) -> Option<&'static str> {
    match routing {
        TierRouting::Private => Some("private"),
        TierRouting::Public => Some("public"),
        TierRouting::Intra | TierRouting::Attachment => None,
    }
}

/// A VPC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vpc {
    /// Its id.
    pub id: String,
    /// Its first block.
    pub cidr: Ipv4Net,
    /// Its tags.
    pub tags: Tags,
}

/// A subnet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subnet {
    /// VPC that it is in.
    pub vpc: String,
    /// Its id.
    pub id: String,
    /// Its block.
    pub cidr: Ipv4Net,
    /// Tier and zone, when its tags say that it is ours.
    pub place: Option<(String, String)>,
}

/// A route table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteTable {
    /// VPC that it is in.
    pub vpc: String,
    /// Its id.
    pub id: String,
    /// Which tiers it is for, when its tags say that it is ours.
    pub routing: Option<TierRouting>,
    /// Gateway that its default route leads to.
    pub default_route: Option<String>,
    /// Subnets that are associated with it explicitly.
    pub subnets: BTreeSet<String>,
}

/// The internet gateway of the public tiers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InternetGateway {
    /// Its id.
    pub id: String,
    /// Whether its tags say that it is ours.
    pub is_ours: bool,
    /// Whether it is attached to the VPC.
    pub is_attached: bool,
}

/// A `CreateVpc` that was begun, and that nobody knows to have been refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Creation {
    /// When it was begun.
    pub begun: Timestamp,
    /// How long ago that is, in seconds.
    pub age_seconds: i64,
    /// From which age on a VPC that nobody sees was not made, in seconds.
    pub settled_seconds: i64,
}

/// A gateway endpoint that is not being deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// VPC that it is in.
    pub vpc: String,
    /// Its id.
    pub id: String,
    /// Full name of the service.
    pub service: String,
    /// Route tables that lead to it.
    pub tables: BTreeSet<String>,
}

/// Everything that was read, of all VPCs that carry our tags.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Parts {
    pub(crate) subnets: Vec<Subnet>,
    pub(crate) tables: Vec<RouteTable>,
    pub(crate) endpoints: Vec<Endpoint>,
    /// Internet gateways of the region with the VPCs that they are attached to.
    pub(crate) gateways: Vec<(InternetGateway, Option<String>)>,
    /// VPCs whose default security group has rules.
    pub(crate) open_groups: BTreeSet<String>,
    /// VPC and destination of flow logs that are active.
    pub(crate) flow_logs: Vec<(String, String)>,
}

/// The network of one region.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct World {
    /// The VPC that is ours.
    pub vpc: Option<Vpc>,
    /// Further VPCs with our tags.
    pub duplicates: Vec<String>,
    /// VPCs with our name but not our tags.
    pub not_owned: Vec<String>,
    /// The newest try to create it; read only when there is none.
    pub creation: Option<Creation>,
    /// Block that this run has reserved in the ledger.
    pub reserved: Option<Ipv4Net>,
    /// Whether DNS host names are known to be on. They are turned on before the first subnet is made, so a VPC with a
    /// subnet of ours has them: this saves a `DescribeVpcAttribute` on every run, and does not see a person turn them
    /// off later.
    pub dns_hostnames: bool,
    /// Whether the default security group is known to have no rules.
    pub default_group_closed: bool,
    /// Subnets of the VPC, ours and others', by id.
    pub subnets: Vec<Subnet>,
    /// Route tables of the VPC, by id.
    pub tables: Vec<RouteTable>,
    /// Internet gateway of the VPC, or one of ours that is not attached; read only when the plan has a public tier.
    pub gateway: Option<InternetGateway>,
    /// Gateway endpoints of the VPC.
    pub endpoints: Vec<Endpoint>,
    /// Where flow logs of the VPC go.
    pub flow_logs: BTreeSet<String>,
}

impl World {
    /// The picture from what was read. Of several VPCs with our tags the one with the most of our subnets is ours, then
    /// the one with the smallest id: every run chooses the same, and never leaves one that is in use.
    pub(crate) fn of(input: &Input, vpcs: Vec<Vpc>, parts: Parts) -> Self {
        let account = &input.run.account_id;
        let (ours, others): (Vec<Vpc>, Vec<Vpc>) = vpcs.into_iter().partition(|vpc| vpc.tags.are_ours(account));
        let name = input.vpc_name();
        let named = others.into_iter().filter(|vpc| vpc.tags.get("Name") == Some(&name));
        let mut world = Self { not_owned: named.map(|vpc| vpc.id).collect(), ..Self::default() };
        let used = |vpc: &Vpc| parts.subnets.iter().filter(|s| s.vpc == vpc.id && s.place.is_some()).count();
        let Some(vpc) = ours.iter().max_by_key(|vpc| (used(vpc), Reverse(vpc.id.clone()))).cloned() else {
            return world;
        };
        let id = vpc.id.clone();
        world.duplicates = ours.into_iter().map(|other| other.id).filter(|other| *other != id).collect();
        world.duplicates.sort();
        world.default_group_closed = !parts.open_groups.contains(&id);
        world.subnets = parts.subnets.into_iter().filter(|subnet| subnet.vpc == id).collect();
        world.subnets.sort_by(|a, b| a.id.cmp(&b.id));
        world.tables = parts.tables.into_iter().filter(|table| table.vpc == id).collect();
        world.tables.sort_by(|a, b| a.id.cmp(&b.id));
        world.endpoints = parts.endpoints.into_iter().filter(|endpoint| endpoint.vpc == id).collect();
        world.flow_logs = parts.flow_logs.into_iter().filter(|(vpc, _)| *vpc == id).map(|(_, to)| to).collect();
        world.gateway = gateway(&id, parts.gateways);
        world.dns_hostnames = world.subnets.iter().any(|subnet| subnet.place.is_some());
        world.vpc = Some(vpc);
        world
    }

    /// The subnet of this tier in this zone; the smallest id if there are two.
    #[must_use]
    pub fn subnet(&self, tier: &str, zone: &str) -> Option<&Subnet> {
        self.subnets.iter().find(|s| s.place.as_ref().is_some_and(|(t, z)| t == tier && z == zone))
    }

    /// Our subnets as blocks of the address plan.
    #[must_use]
    pub fn blocks(&self) -> Vec<SubnetBlock> {
        let block =
            |subnet: &Subnet| subnet.place.clone().map(|(tier, zone)| SubnetBlock { tier, zone, cidr: subnet.cidr });
        self.subnets.iter().filter_map(block).collect()
    }

    /// Blocks of subnets that are not ours.
    #[must_use]
    pub fn occupied(&self) -> Vec<Ipv4Net> {
        self.subnets.iter().filter(|subnet| subnet.place.is_none()).map(|subnet| subnet.cidr).collect()
    }

    /// The route table of the tiers with this routing: of several the one with the most subnets, then with the smallest
    /// id.
    #[must_use]
    pub fn table(&self, routing: TierRouting) -> Option<&RouteTable> {
        let ours = self.tables.iter().filter(|table| table.routing == Some(routing));
        ours.max_by_key(|table| (table.subnets.len(), Reverse(table.id.clone())))
    }

    /// Route table that each subnet is associated with explicitly.
    #[must_use]
    pub fn associations(&self) -> BTreeMap<&str, &str> {
        self.tables.iter().flat_map(|t| t.subnets.iter().map(|s| (s.as_str(), t.id.as_str()))).collect()
    }

    /// Applies what an action left behind.
    pub fn apply(&mut self, effect: Effect) {
        match effect {
            Effect::Reserved(block) => self.reserved = Some(block),
            Effect::Vpc(vpc) => self.vpc = Some(vpc),
            Effect::Tagged(tags) => {
                if let Some(vpc) = &mut self.vpc {
                    vpc.tags.0.extend(tags.0);
                }
            }
            Effect::DnsHostnamesOn => self.dns_hostnames = true,
            Effect::DefaultGroupClosed => self.default_group_closed = true,
            Effect::RouteTable(table) => self.tables.push(table),
            Effect::Subnet(subnet) => self.subnets.push(subnet),
            Effect::Associated { subnet, table } => {
                for known in self.tables.iter_mut().filter(|known| known.id == table) {
                    known.subnets.insert(subnet.clone());
                }
            }
            Effect::Gateway(gateway) => self.gateway = Some(gateway),
            Effect::DefaultRoute { table, gateway } => {
                for known in self.tables.iter_mut().filter(|known| known.id == table) {
                    known.default_route = Some(gateway.clone());
                }
            }
            Effect::Endpoint(endpoint) => {
                self.endpoints.retain(|known| known.id != endpoint.id);
                self.endpoints.push(endpoint);
            }
            Effect::FlowLogs(destination) => {
                self.flow_logs.insert(destination);
            }
        }
    }
}

/// The internet gateway that is attached to `vpc`; else one of ours that is attached to nothing, which an earlier run made
/// and could not attach. Of several the one with the smallest id.
fn gateway(vpc: &str, gateways: Vec<(InternetGateway, Option<String>)>) -> Option<InternetGateway> {
    let usable = gateways.into_iter().filter_map(|(gateway, attached)| match attached {
        Some(other) if other == vpc => Some(InternetGateway { is_attached: true, ..gateway }),
        None if gateway.is_ours => Some(InternetGateway { is_attached: false, ..gateway }),
        _ => None,
    });
    usable.min_by_key(|gateway| (!gateway.is_attached, gateway.id.clone()))
}
