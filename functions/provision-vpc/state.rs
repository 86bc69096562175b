//! What was observed of one region's network, and how each change alters it.

mod identity;

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use berth_ledger::{Holding, RecordedVpc};
use berth_tenancy::{SubnetBlock, Tags, TierRouting};
use ipnet::Ipv4Net;
use jiff::Timestamp;

use self::identity::Identity;
use crate::{Block, Change, Input, decide::service_name};

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

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vpc {
    pub id: String,
    /// Its first block.
    pub cidr: Ipv4Net,
    /// Further IPv4 blocks that are not gone, with AWS's name of the state. [EC2 `VpcCidrBlockState`]
    pub further: Vec<(String, String)>,
    pub tags: Tags,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subnet {
    /// VPC that it is in.
    pub vpc: String,
    pub id: String,
    /// Its block.
    pub cidr: Ipv4Net,
    /// Tier and zone, when its tags say that it is ours.
    pub place: Option<(String, String)>,
    pub tags: Tags,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteTable {
    /// VPC that it is in.
    pub vpc: String,
    pub id: String,
    /// Which tiers it is for, when its tags say that it is ours.
    pub routing: Option<TierRouting>,
    /// Gateway that its default route leads to.
    pub default_route: Option<String>,
    /// Subnets that are associated with it explicitly.
    pub subnets: BTreeSet<String>,
    /// Routes that lead out of the VPC past the Transit Gateway: destination and target.
    pub paths: Vec<(String, String)>,
    pub tags: Tags,
}

/// The internet gateway of the public tiers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InternetGateway {
    pub id: String,
    /// Whether its tags say that it is ours.
    pub is_ours: bool,
    /// Whether it is attached to the VPC.
    pub is_attached: bool,
    pub tags: Tags,
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
    pub id: String,
    /// Full name of the service.
    pub service: String,
    /// Route tables that lead to it.
    pub tables: BTreeSet<String>,
    pub tags: Tags,
}

/// Flow logs of a VPC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowLog {
    /// VPC that they are of.
    pub vpc: String,
    pub id: String,
    /// Where they go.
    pub destination: String,
    pub tags: Tags,
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
    /// Flow logs that are active.
    pub(crate) flow_logs: Vec<FlowLog>,
    /// Whose the other side of a VPC peering is, by the id of the connection.
    pub(crate) peers: BTreeMap<String, String>,
}

/// Which VPC is the account's, as far as the ledger and the pools know.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// The VPC on record.
    pub recorded: Option<RecordedVpc>,
    /// The newest try to create it.
    pub creation: Option<Creation>,
    /// Blocks that the ledger gave to this account, or that the IPAM pool has; read only when a VPC is to be adopted.
    pub given: Vec<Ipv4Net>,
    /// Who has the block of the VPC on record in the ledger's pool; none where IPAM gave it, or nobody has it.
    pub holding: Option<Holding>,
}

/// The network of one region.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// The VPC that is ours.
    pub vpc: Option<Vpc>,
    /// Which one that is, as far as the ledger and the pools know.
    pub known: Known,
    /// Further VPCs with our tags, and a block that Berth may have asked for: a lost answer made them.
    pub duplicates: Vec<String>,
    /// VPCs that look like ours and are not, each with why.
    pub not_owned: Vec<String>,
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
    /// Flow logs of the VPC.
    pub flow_logs: Vec<FlowLog>,
    /// Whose the other side of a VPC peering is, by the id of the connection.
    pub peers: BTreeMap<String, String>,
}

impl State {
    /// The picture from what was read: which VPC is ours is `identity`'s to say.
    pub(crate) fn of(input: &Input, vpcs: Vec<Vpc>, known: Known, parts: Parts) -> Self {
        let used = |id: &str| parts.subnets.iter().filter(|s| s.vpc == id && s.place.is_some()).count();
        let Identity { vpc, duplicates, not_owned } = identity::of(input, vpcs, &known, used);
        let mut state = Self { known, duplicates, not_owned, ..Self::default() };
        let Some(vpc) = vpc else { return state };
        let id = vpc.id.clone();
        state.default_group_closed = !parts.open_groups.contains(&id);
        state.subnets = parts.subnets.into_iter().filter(|subnet| subnet.vpc == id).collect();
        state.subnets.sort_by(|a, b| a.id.cmp(&b.id));
        state.tables = parts.tables.into_iter().filter(|table| table.vpc == id).collect();
        state.tables.sort_by(|a, b| a.id.cmp(&b.id));
        state.endpoints = parts.endpoints.into_iter().filter(|endpoint| endpoint.vpc == id).collect();
        state.flow_logs = parts.flow_logs.into_iter().filter(|log| log.vpc == id).collect();
        state.gateway = gateway(&id, parts.gateways);
        state.peers = parts.peers;
        state.dns_hostnames = state.subnets.iter().any(|subnet| subnet.place.is_some());
        state.vpc = Some(vpc);
        state
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

    /// Applies a change. `made` is what AWS said; in a dry run ids are placeholders (`(new)`), and so are addresses that
    /// only AWS can give (0.0.0.0).
    pub(crate) fn apply(&mut self, input: &Input, change: &Change, made: Option<Made>) {
        let Made { id, cidr } = made.unwrap_or_default();
        let id = Some(id).filter(|id| !id.is_empty());
        let or = |placeholder: &str| id.clone().unwrap_or_else(|| placeholder.to_owned());
        match change {
            Change::ReserveBlock { prefix_length, .. } => {
                self.reserved = Some(cidr.unwrap_or_else(|| placeholder(*prefix_length)));
            }
            Change::CreateVpc { block, .. } => {
                let planned = match block {
                    Block::Reserved(cidr) => *cidr,
                    Block::Ipam { prefix_length, .. } => placeholder(*prefix_length),
                };
                let cidr = cidr.unwrap_or(planned);
                let vpc = Vpc { id: or("vpc-(new)"), cidr, further: Vec::new(), tags: input.vpc_tags() };
                self.known.recorded = Some(RecordedVpc { id: vpc.id.clone(), cidr });
                self.vpc = Some(vpc);
            }
            Change::TakeBlockBack { .. } => {
                self.known.holding.iter_mut().for_each(|holding| holding.released = None);
            }
            Change::RecordVpc { vpc, cidr } => {
                self.known.recorded = Some(RecordedVpc { id: vpc.clone(), cidr: *cidr });
            }
            Change::TagResource { id, tags } => self.tag(id, |there| there.0.extend(tags.0.clone())),
            Change::UntagResource { id, tags } => self.tag(id, |there| there.remove(tags)),
            Change::EnableDnsHostnames { .. } => self.dns_hostnames = true,
            Change::CloseDefaultGroup { .. } => self.default_group_closed = true,
            Change::CreateRouteTable { vpc, routing } => self.tables.push(RouteTable {
                vpc: vpc.clone(),
                id: or(&format!("rtb-(new {})", routing_tag(*routing).unwrap_or("main"))),
                routing: Some(*routing),
                default_route: None,
                subnets: [].into(),
                paths: Vec::new(),
                tags: input.table_tags(*routing).unwrap_or_default(),
            }),
            Change::CreateSubnet { vpc, block } => self.subnets.push(Subnet {
                vpc: vpc.clone(),
                id: or(&format!("subnet-(new {} {})", block.tier, block.zone)),
                cidr: block.cidr,
                place: Some((block.tier.clone(), block.zone.clone())),
                tags: input.subnet_tags(&block.tier, &block.zone),
            }),
            Change::CreateFlowLogs { vpc, destination } => self.flow_logs.push(FlowLog {
                vpc: vpc.clone(),
                id: or("fl-(new)"),
                destination: destination.clone(),
                tags: input.flow_log_tags(),
            }),
            _ => self.apply_wiring(input, change, &or),
        }
    }

    /// Changes tags of the VPC or of a part of it.
    fn tag(&mut self, id: &str, change: impl Fn(&mut Tags)) {
        let vpc = self.vpc.iter_mut().map(|vpc| (&vpc.id, &mut vpc.tags));
        let subnets = self.subnets.iter_mut().map(|subnet| (&subnet.id, &mut subnet.tags));
        let tables = self.tables.iter_mut().map(|table| (&table.id, &mut table.tags));
        let gateway = self.gateway.iter_mut().map(|gateway| (&gateway.id, &mut gateway.tags));
        let endpoints = self.endpoints.iter_mut().map(|endpoint| (&endpoint.id, &mut endpoint.tags));
        let logs = self.flow_logs.iter_mut().map(|log| (&log.id, &mut log.tags));
        let all = vpc.chain(subnets).chain(tables).chain(gateway).chain(endpoints).chain(logs);
        for (_, there) in all.filter(|(known, _)| *known == id) {
            change(there);
        }
    }

    /// Applies a change that joins parts of the VPC.
    fn apply_wiring(&mut self, input: &Input, change: &Change, or: &impl Fn(&str) -> String) {
        match change {
            Change::CreateInternetGateway { .. } => {
                let (id, tags) = (or("igw-(new)"), input.gateway_tags());
                self.gateway = Some(InternetGateway { id, is_ours: true, is_attached: false, tags });
            }
            Change::AttachInternetGateway { .. } => {
                self.gateway.iter_mut().for_each(|gateway| gateway.is_attached = true);
            }
            Change::RouteToInternet { table, gateway } => {
                for known in self.tables.iter_mut().filter(|known| known.id == *table) {
                    known.default_route = Some(gateway.clone());
                }
            }
            Change::AssociateSubnet { subnet, table } => {
                for known in self.tables.iter_mut().filter(|known| known.id == *table) {
                    known.subnets.insert(subnet.clone());
                }
            }
            Change::CreateEndpoint { vpc, service, table } => self.endpoints.push(Endpoint {
                vpc: vpc.clone(),
                id: or(&format!("vpce-(new {service})")),
                service: service_name(input, service),
                tables: [table.clone()].into(),
                tags: input.endpoint_tags(service),
            }),
            Change::RouteToEndpoint { endpoint, table, .. } => {
                for known in self.endpoints.iter_mut().filter(|known| known.id == *endpoint) {
                    known.tables.insert(table.clone());
                }
            }
            _ => {}
        }
    }
}

/// What only AWS, or the ledger, can say about a change that was made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Made {
    /// Id of what was made; empty when nothing was.
    pub id: String,
    /// Its block, when that was not known before.
    pub cidr: Option<Ipv4Net>,
}

impl Made {
    /// Something that has only an id.
    pub(crate) fn with_id(id: String) -> Self {
        Self { id, cidr: None }
    }
}

/// A block whose address is not known yet.
fn placeholder(prefix_length: u8) -> Ipv4Net {
    Ipv4Net::new([0, 0, 0, 0].into(), prefix_length).unwrap_or_default()
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
