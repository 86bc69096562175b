//! The changes of this step, each with all that making it takes.

use std::fmt;

use crate::Route;

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
