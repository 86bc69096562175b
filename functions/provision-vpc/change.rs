//! The changes of this step, each with all that making it takes.

use std::fmt;

use berth_ledger::VpcIntent;
use berth_tenancy::{Effect, RECORD_CHANGE, ResourceKind, SubnetBlock, Tags, TierRouting, UNTAG_CHANGE, UntaggedKind};
use ipnet::Ipv4Net;

use crate::{State, state::routing_tag};

/// One change. `Display` is the line that a plan shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Reserve a block in Berth's own ledger.
    ReserveBlock {
        /// Name of the pool.
        pool: String,
        /// Prefix length of the block.
        prefix_length: u8,
    },
    CreateVpc {
        /// Where its block comes from.
        block: Block,
        /// What the ledger knows of the VPC: nobody else may have begun one since.
        seen: VpcIntent,
    },
    /// Take the VPC's block back, which rests since the account was closed.
    TakeBlockBack {
        /// Name of the pool.
        pool: String,
        /// The block.
        cidr: Ipv4Net,
    },
    /// Write into the ledger that a VPC whose answer was lost is the account's.
    RecordVpc {
        vpc: String,
        /// Its block.
        cidr: Ipv4Net,
    },
    /// Set tags that the VPC or a part of it lacks.
    TagResource {
        /// The VPC or the part.
        id: String,
        tags: Tags,
    },
    /// Remove tags that left platform.yaml.
    UntagResource {
        /// The VPC or the part.
        id: String,
        /// With the values that Berth gave them.
        tags: Tags,
    },
    /// Turn DNS host names on.
    EnableDnsHostnames { vpc: String },
    /// Remove every rule of the default security group.
    CloseDefaultGroup { vpc: String },
    /// Create the route table of the private or of the public tiers.
    CreateRouteTable {
        vpc: String,
        /// Which tiers it is for.
        routing: TierRouting,
    },
    /// Create the internet gateway of the public tiers.
    CreateInternetGateway {
        /// The VPC that it is for.
        vpc: String,
    },
    /// Attach the internet gateway.
    AttachInternetGateway {
        vpc: String,
        /// The internet gateway.
        gateway: String,
    },
    /// Give the public route table its default route.
    RouteToInternet {
        /// The route table.
        table: String,
        /// The internet gateway.
        gateway: String,
    },
    CreateSubnet {
        vpc: String,
        /// Tier, zone and block.
        block: SubnetBlock,
    },
    /// Associate a subnet with the route table of its tier.
    AssociateSubnet {
        subnet: String,
        /// The route table.
        table: String,
    },
    /// Create a gateway endpoint.
    CreateEndpoint {
        vpc: String,
        /// Short name of the service (`s3`).
        service: String,
        /// Route table that leads to it.
        table: String,
    },
    /// Let the private route table lead to a gateway endpoint that exists.
    RouteToEndpoint {
        endpoint: String,
        /// Short name of the service.
        service: String,
        /// The route table.
        table: String,
    },
    /// Send flow logs of the VPC to S3.
    CreateFlowLogs {
        vpc: String,
        /// ARN of bucket and prefix.
        destination: String,
    },
}

/// Where the block of a new VPC comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// IPAM allocates it in the same call.
    Ipam {
        pool_id: String,
        /// Prefix length of the block.
        prefix_length: u8,
    },
    /// It was reserved before.
    Reserved(Ipv4Net),
}

/// A block; nothing while its address is a placeholder.
fn known(cidr: Ipv4Net) -> Option<Ipv4Net> {
    (!is_placeholder(cidr)).then_some(cidr)
}

/// Whether nobody knows the block's address yet.
fn is_placeholder(cidr: Ipv4Net) -> bool {
    cidr.network().octets().first() == Some(&0)
}

/// A block as text; only its size while its address is a placeholder, because nobody knows it yet.
fn shown(cidr: Ipv4Net) -> String {
    if is_placeholder(cidr) { format!("a /{}", cidr.prefix_len()) } else { cidr.to_string() }
}

impl Change {
    /// What it does, as far as `state`, the state before it, says.
    pub(crate) fn effect(&self, state: &State) -> Effect {
        use ResourceKind::{InternetGateway, RouteTable, Subnet, Vpc, VpcEndpoint, VpcFlowLog};
        use UntaggedKind::{AddressBlock, Record, SecurityGroup};
        let creates = |kind: ResourceKind, operation| Effect::creates(kind, operation);
        let changes = |kind: ResourceKind, operation| Effect::changes(kind, operation);
        let in_vpc = |effect: Effect, vpc: &str| effect.given("vpcId", (), vpc);
        match self {
            Self::ReserveBlock { pool, prefix_length } => {
                let effect = Effect::creates(AddressBlock, "dynamodb:PutItem").name(pool);
                effect.field("prefixLength", (), prefix_length)
            }
            Self::TakeBlockBack { pool, cidr } => {
                Effect::changes(AddressBlock, "dynamodb:UpdateItem").id(cidr.to_string()).name(pool)
            }
            Self::RecordVpc { vpc, cidr } => {
                in_vpc(Effect::changes(Record, "dynamodb:UpdateItem"), vpc).given("cidrBlock", (), known(*cidr))
            }
            Self::CreateVpc { block, .. } => created_vpc(block),
            Self::TagResource { id, tags } => {
                let (kind, before) = tagged(state, id);
                changes(kind, "ec2:CreateTags").id(id).tags(before, tags)
            }
            Self::UntagResource { id, tags } => {
                changes(tagged(state, id).0, "ec2:DeleteTags").id(id).without_tags(tags)
            }
            Self::EnableDnsHostnames { vpc } => {
                changes(Vpc, "ec2:ModifyVpcAttribute").id(vpc).field("enableDnsHostnames", (), true)
            }
            Self::CloseDefaultGroup { vpc } => {
                let effect = Effect::changes(SecurityGroup, "ec2:RevokeSecurityGroupIngress").name("default");
                in_vpc(effect, vpc).field("rules", (), [(); 0])
            }
            Self::CreateRouteTable { vpc, routing } => {
                let name = routing_tag(*routing).unwrap_or("main");
                in_vpc(creates(RouteTable, "ec2:CreateRouteTable").name(name), vpc)
            }
            Self::CreateInternetGateway { .. } => creates(InternetGateway, "ec2:CreateInternetGateway"),
            Self::AttachInternetGateway { vpc, gateway } => {
                in_vpc(changes(InternetGateway, "ec2:AttachInternetGateway").id(gateway), vpc)
            }
            Self::RouteToInternet { table, gateway } => {
                let effect = changes(RouteTable, "ec2:CreateRoute").id(table).name("public");
                effect.given("routes.0.0.0.0/0", (), gateway)
            }
            Self::CreateSubnet { vpc, block } => {
                let effect = creates(Subnet, "ec2:CreateSubnet").name(format!("{} {}", block.tier, block.zone));
                in_vpc(effect, vpc).given("cidrBlock", (), known(block.cidr))
            }
            Self::AssociateSubnet { subnet, table } => associated(state, subnet, table),
            Self::CreateEndpoint { vpc, service, table } => {
                let effect = in_vpc(creates(VpcEndpoint, "ec2:CreateVpcEndpoint").name(service), vpc);
                effect.given("routeTableId", (), table)
            }
            Self::RouteToEndpoint { endpoint, service, table } => {
                let effect = changes(VpcEndpoint, "ec2:ModifyVpcEndpoint").id(endpoint).name(service);
                effect.given("routeTableId", (), table)
            }
            Self::CreateFlowLogs { vpc, destination } => {
                in_vpc(creates(VpcFlowLog, "ec2:CreateFlowLogs"), vpc).field("logDestination", (), destination)
            }
        }
    }
}

/// A subnet gets the route table of its tier.
fn associated(state: &State, subnet: &str, table: &str) -> Effect {
    let before = state.associations().get(subnet).copied();
    let effect = Effect::changes(ResourceKind::Subnet, "ec2:AssociateRouteTable").id(subnet);
    let place = state.subnets.iter().find(|known| known.id == subnet).and_then(|known| known.place.as_ref());
    let name = place.map(|(tier, zone)| format!("{tier} {zone}"));
    name.into_iter().fold(effect, Effect::name).given("routeTableId", before, table)
}

/// The VPC, with its block as far as that is known.
fn created_vpc(block: &Block) -> Effect {
    let effect = Effect::creates(ResourceKind::Vpc, "ec2:CreateVpc");
    match block {
        Block::Ipam { pool_id, prefix_length } => {
            effect.field("ipamPoolId", (), pool_id).field("prefixLength", (), prefix_length).given("cidrBlock", (), ())
        }
        Block::Reserved(cidr) => {
            effect.field("prefixLength", (), cidr.prefix_len()).given("cidrBlock", (), known(*cidr))
        }
    }
}

/// What the VPC or a part of it is, and its tags.
fn tagged<'a>(state: &'a State, id: &str) -> (ResourceKind, Option<&'a Tags>) {
    let vpc = state.vpc.iter().map(|vpc| (ResourceKind::Vpc, &vpc.id, &vpc.tags));
    let subnets = state.subnets.iter().map(|one| (ResourceKind::Subnet, &one.id, &one.tags));
    let tables = state.tables.iter().map(|one| (ResourceKind::RouteTable, &one.id, &one.tags));
    let gateway = state.gateway.iter().map(|one| (ResourceKind::InternetGateway, &one.id, &one.tags));
    let endpoints = state.endpoints.iter().map(|one| (ResourceKind::VpcEndpoint, &one.id, &one.tags));
    let logs = state.flow_logs.iter().map(|one| (ResourceKind::VpcFlowLog, &one.id, &one.tags));
    let mut all = vpc.chain(subnets).chain(tables).chain(gateway).chain(endpoints).chain(logs);
    all.find(|(_, known, _)| *known == id).map_or((ResourceKind::Vpc, None), |(kind, _, tags)| (kind, Some(tags)))
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReserveBlock { pool, prefix_length } => write!(f, "reserve a /{prefix_length} of pool {pool}"),
            Self::CreateVpc { block: Block::Ipam { pool_id, prefix_length }, .. } => {
                write!(f, "create the VPC with a /{prefix_length} of {pool_id}")
            }
            Self::CreateVpc { block: Block::Reserved(cidr), .. } => write!(f, "create the VPC with {}", shown(*cidr)),
            Self::TakeBlockBack { pool, cidr } => write!(f, "take {cidr} of pool {pool} back, which rests"),
            Self::RecordVpc { vpc, cidr } => write!(f, "{RECORD_CHANGE}{vpc} with {cidr}"),
            Self::TagResource { id, tags } => write!(f, "tag {id} with {}", tags.keys()),
            Self::UntagResource { id, tags } => write!(f, "{UNTAG_CHANGE}{} from {id}", tags.keys()),
            Self::EnableDnsHostnames { vpc } => write!(f, "turn on DNS host names in {vpc}"),
            Self::CloseDefaultGroup { vpc } => write!(f, "remove the rules of the default security group of {vpc}"),
            Self::CreateRouteTable { vpc, routing } => {
                write!(f, "create the {} route table of {vpc}", routing_tag(*routing).unwrap_or("main"))
            }
            Self::CreateInternetGateway { vpc } => write!(f, "create the internet gateway of {vpc}"),
            Self::AttachInternetGateway { vpc, gateway } => write!(f, "attach {gateway} to {vpc}"),
            Self::RouteToInternet { table, gateway } => write!(f, "route 0.0.0.0/0 of {table} to {gateway}"),
            Self::CreateSubnet { block, .. } => {
                write!(f, "create subnet {} in {} with {}", block.tier, block.zone, shown(block.cidr))
            }
            Self::AssociateSubnet { subnet, table } => write!(f, "associate {subnet} with {table}"),
            Self::CreateEndpoint { service, table, .. } => {
                write!(f, "create a gateway endpoint for {service} in {table}")
            }
            Self::RouteToEndpoint { endpoint, service, table } => {
                write!(f, "add {table} to {endpoint}, the gateway endpoint for {service}")
            }
            Self::CreateFlowLogs { vpc, destination } => write!(f, "send flow logs of {vpc} to {destination}"),
        }
    }
}
