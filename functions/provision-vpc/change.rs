//! The changes of this step, each with all that making it takes.

use std::fmt;

use berth_ledger::VpcIntent;
use berth_tenancy::{RECORD_CHANGE, SubnetBlock, Tags, TierRouting};
use ipnet::Ipv4Net;

use crate::state::routing_tag;

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

/// A block as text; only its size while its address is a placeholder, because nobody knows it yet.
fn shown(cidr: Ipv4Net) -> String {
    if cidr.network().octets().first() == Some(&0) { format!("a /{}", cidr.prefix_len()) } else { cidr.to_string() }
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
            Self::TagResource { id, tags } => {
                write!(f, "tag {id} with {}", tags.0.keys().cloned().collect::<Vec<_>>().join(", "))
            }
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
