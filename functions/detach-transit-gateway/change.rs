//! The changes of this step, each with all that making it takes.

use std::fmt;

use berth_tenancy::{Effect, ResourceKind};

use crate::{Input, Route};

/// One change. `Display` is the line that a plan shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Delete a route of the VPC to the gateway, in the tenant account.
    DeleteRoute(Route),
    /// Stop a table from learning the VPC's block, in the network account.
    StopPropagation { attachment: String, table: String },
    /// End the association with a table, in the network account.
    Disassociate { attachment: String, table: String },
    /// Delete the attachment: in the tenant account, or for a closed one in the network account.
    DeleteAttachment { attachment: String },
}

impl Change {
    /// What it does. Everything here cuts the VPC off, which is what an offboarding is for.
    pub(crate) fn effect(&self, input: &Input) -> Effect {
        use ResourceKind::{RouteTable, TransitGatewayAttachment};
        let attachment = |operation, id: &String| Effect::changes(TransitGatewayAttachment, operation).id(id);
        match self {
            Self::DeleteRoute(Route { table, destination }) => {
                let effect = Effect::changes(RouteTable, "ec2:DeleteRoute").id(table).name("private").disrupting();
                effect.field(&format!("routes.{destination}"), "the Transit Gateway", ())
            }
            Self::StopPropagation { attachment: id, table } => {
                let effect = attachment("ec2:DisableTransitGatewayRouteTablePropagation", id);
                let effect = effect.field(&format!("propagations.{table}"), "enabled", ());
                effect.in_account(&input.network_account).disrupting()
            }
            Self::Disassociate { attachment: id, table } => {
                let effect = attachment("ec2:DisassociateTransitGatewayRouteTable", id);
                effect.field("association", table, ()).in_account(&input.network_account).disrupting()
            }
            Self::DeleteAttachment { attachment } => {
                let effect = Effect::deletes(TransitGatewayAttachment, "ec2:DeleteTransitGatewayVpcAttachment");
                let effect = effect.id(attachment);
                if input.is_closed { effect.in_account(&input.network_account) } else { effect }
            }
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DeleteRoute(Route { table, destination }) => {
                write!(f, "delete the route {destination} from {table}")
            }
            Self::StopPropagation { attachment, table } => write!(f, "stop the propagation of {attachment} to {table}"),
            Self::Disassociate { attachment, table } => write!(f, "disassociate {attachment} from {table}"),
            Self::DeleteAttachment { attachment } => write!(f, "delete {attachment}"),
        }
    }
}
