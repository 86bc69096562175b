//! The changes of this step, each with all that making it takes.

use std::fmt;

use berth_ledger::Rest;
use berth_tenancy::{Effect, ResourceKind, UntaggedKind};
use ipnet::Ipv4Net;

/// One change. `Display` is the line that a plan shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Delete a gateway endpoint, and with it the routes to it.
    DeleteEndpoint { endpoint: String },
    /// Delete a flow log; what it has written stays.
    DeleteFlowLog { flow_log: String },
    /// Delete a subnet, and with it its association with a route table.
    DeleteSubnet { subnet: String },
    /// Delete a route table.
    DeleteRouteTable { table: String },
    /// Detach the internet gateway of the public tiers.
    DetachGateway { gateway: String, vpc: String },
    /// Delete that internet gateway.
    DeleteGateway { gateway: String },
    /// Delete the VPC, with its main route table, default security group and default network ACL.
    DeleteVpc { vpc: String },
    /// Write into the ledger that the VPC on record is gone.
    ForgetVpc { vpc: String },
    /// Give the account's blocks of the region back to the ledger's pools.
    ReleaseBlocks { blocks: Vec<Ipv4Net>, rest: Rest },
}

impl Change {
    /// What it does.
    pub(crate) fn effect(&self) -> Effect {
        use ResourceKind::{InternetGateway, RouteTable, Subnet, Vpc, VpcEndpoint, VpcFlowLog};
        match self {
            Self::DeleteEndpoint { endpoint } => Effect::deletes(VpcEndpoint, "ec2:DeleteVpcEndpoints").id(endpoint),
            Self::DeleteFlowLog { flow_log } => Effect::deletes(VpcFlowLog, "ec2:DeleteFlowLogs").id(flow_log),
            Self::DeleteSubnet { subnet } => Effect::deletes(Subnet, "ec2:DeleteSubnet").id(subnet),
            Self::DeleteRouteTable { table } => Effect::deletes(RouteTable, "ec2:DeleteRouteTable").id(table),
            Self::DetachGateway { gateway, vpc } => {
                Effect::changes(InternetGateway, "ec2:DetachInternetGateway").id(gateway).field("vpcId", vpc, ())
            }
            Self::DeleteGateway { gateway } => {
                Effect::deletes(InternetGateway, "ec2:DeleteInternetGateway").id(gateway)
            }
            Self::DeleteVpc { vpc } => Effect::deletes(Vpc, "ec2:DeleteVpc").id(vpc),
            Self::ForgetVpc { vpc } => {
                Effect::changes(UntaggedKind::Record, "dynamodb:UpdateItem").field("vpcId", vpc, ())
            }
            Self::ReleaseBlocks { blocks, rest: _ } => {
                Effect::changes(UntaggedKind::AddressBlock, "dynamodb:UpdateItem").field("blocks", blocks, ())
            }
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DeleteEndpoint { endpoint: id }
            | Self::DeleteFlowLog { flow_log: id }
            | Self::DeleteSubnet { subnet: id }
            | Self::DeleteRouteTable { table: id }
            | Self::DeleteGateway { gateway: id }
            | Self::DeleteVpc { vpc: id } => write!(f, "delete {id}"),
            Self::DetachGateway { gateway, vpc } => write!(f, "detach {gateway} from {vpc}"),
            Self::ForgetVpc { vpc } => write!(f, "take {vpc} off the ledger's record"),
            Self::ReleaseBlocks { blocks, rest } => {
                let blocks: Vec<String> = blocks.iter().map(ToString::to_string).collect();
                let rest = match rest {
                    Rest::VpcGone => format!("{} minutes", rest.seconds() / 60),
                    Rest::Unseen => format!("{} days", rest.seconds() / (24 * 3600)),
                };
                write!(f, "let {} rest for {rest}", blocks.join(", "))
            }
        }
    }
}
