//! What was observed of the VPC that goes, and how each change alters it.

use ipnet::Ipv4Net;

use crate::Change;

/// A part of the VPC with Berth's tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub id: String,
    /// Whether AWS is deleting it already.
    pub is_going: bool,
}

/// The VPC on record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vpc {
    pub id: String,
    /// Whether its tags say that it is ours.
    pub is_ours: bool,
    /// Our gateway endpoints.
    pub endpoints: Vec<Part>,
    pub flow_logs: Vec<String>,
    pub subnets: Vec<String>,
    /// Our route tables.
    pub tables: Vec<String>,
    /// Our internet gateway, attached.
    pub gateway: Option<String>,
    /// What is not ours in it, in words, each with what a person can do.
    pub foreign: Vec<Held>,
}

/// Something of somebody else in the VPC.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Held {
    /// What it is, with its id.
    pub what: String,
    /// What a person can do.
    pub remedy: String,
}

/// The network of one region, as far as it is to be taken away.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// Id of the VPC that the ledger has on record.
    pub recorded: Option<String>,
    /// The VPC on record, when it is there; none also in a closed account.
    pub vpc: Option<Vpc>,
    /// An internet gateway of ours that is attached to nothing.
    pub loose_gateway: Option<String>,
    /// VPCs with Berth's tags that are not on record.
    pub strange: Vec<String>,
    /// Blocks that the ledger's pools have for this account and region.
    pub blocks: Vec<Ipv4Net>,
}

impl State {
    /// Makes a change in the observed state.
    pub(crate) fn apply(&mut self, change: &Change) {
        if let Change::DetachGateway { gateway, .. } = change {
            self.loose_gateway = Some(gateway.clone());
        }
        if let Some(vpc) = &mut self.vpc {
            match change {
                Change::DeleteEndpoint { endpoint } => vpc.endpoints.retain(|part| part.id != *endpoint),
                Change::DeleteFlowLog { flow_log } => vpc.flow_logs.retain(|id| id != flow_log),
                Change::DeleteSubnet { subnet } => vpc.subnets.retain(|id| id != subnet),
                Change::DeleteRouteTable { table } => vpc.tables.retain(|id| id != table),
                Change::DetachGateway { .. } => vpc.gateway = None,
                _ => {}
            }
        }
        match change {
            Change::DeleteGateway { .. } => self.loose_gateway = None,
            Change::DeleteVpc { .. } => self.vpc = None,
            Change::ForgetVpc { .. } => self.recorded = None,
            Change::ReleaseBlocks { .. } => self.blocks.clear(),
            _ => {}
        }
    }
}
