//! The changes that `attach-transit-gateway` can make, and what each leaves behind.

use std::fmt;

use berth_tenancy::Destination;

use crate::{Attachment, AttachmentState, Route};

/// One change. `Display` is the line that a plan shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Make sure that the tenant account has the Transit Gateway's service-linked role.
    EnsureServiceLinkedRole,
    /// Attach the VPC, with all subnets in one call: several calls at once race.
    CreateAttachment {
        /// The VPC.
        vpc: String,
        /// The gateway.
        gateway: String,
        /// One subnet in each zone.
        subnets: Vec<String>,
    },
    /// Add subnets of further zones; with leave to disrupt, remove those that are not planned in the same call.
    ChangeSubnets {
        /// The attachment.
        attachment: String,
        /// The subnets that it lacks.
        add: Vec<String>,
        /// The subnets that it has too many.
        remove: Vec<String>,
    },
    /// Accept the attachment, in the network account.
    Accept {
        /// The attachment.
        attachment: String,
    },
    /// Associate the attachment with the spoke table, in the network account.
    Associate {
        /// The attachment.
        attachment: String,
        /// The spoke table.
        table: String,
    },
    /// End the association with a table that is not the spoke table, in the network account. Disrupts.
    Disassociate {
        /// The attachment.
        attachment: String,
        /// The table.
        table: String,
    },
    /// Let a table of the shared services learn the VPC's block, in the network account.
    Propagate {
        /// The attachment.
        attachment: String,
        /// The table.
        table: String,
    },
    /// Stop a table that is not planned from learning the VPC's block, in the network account. Disrupts.
    StopPropagation {
        /// The attachment.
        attachment: String,
        /// The table.
        table: String,
    },
    /// Route a destination from the private tiers to the gateway.
    CreateRoute {
        /// The VPC's private table.
        table: String,
        /// Where to.
        destination: Destination,
        /// The gateway.
        gateway: String,
    },
    /// Let a route lead to the gateway that leads elsewhere now. Disrupts, unless it leads nowhere.
    ReplaceRoute {
        /// The VPC's private table.
        table: String,
        /// Where to.
        destination: Destination,
        /// The gateway.
        gateway: String,
    },
    /// Delete a route to the gateway that is not planned. Disrupts.
    DeleteRoute {
        /// The VPC's private table.
        table: String,
        /// Where to.
        destination: Destination,
    },
}

impl Action {
    /// Whether the network account is changed, not the tenant's.
    #[must_use]
    pub fn is_in_network_account(&self) -> bool {
        matches!(
            self,
            Self::Accept { .. }
                | Self::Associate { .. }
                | Self::Disassociate { .. }
                | Self::Propagate { .. }
                | Self::StopPropagation { .. }
        )
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EnsureServiceLinkedRole => f.write_str("ensure the service-linked role of Transit Gateway"),
            Self::CreateAttachment { vpc, gateway, subnets } => {
                write!(f, "attach {vpc} to {gateway} with {}", subnets.join(", "))
            }
            Self::ChangeSubnets { attachment, add, remove } => match (add.is_empty(), remove.is_empty()) {
                (_, true) => write!(f, "add {} to {attachment}", add.join(", ")),
                (true, false) => write!(f, "remove {} from {attachment}", remove.join(", ")),
                (false, false) => {
                    write!(f, "add {} to {attachment} and remove {}", add.join(", "), remove.join(", "))
                }
            },
            Self::Accept { attachment } => write!(f, "accept {attachment}"),
            Self::Associate { attachment, table } => write!(f, "associate {attachment} with {table}"),
            Self::Disassociate { attachment, table } => write!(f, "disassociate {attachment} from {table}"),
            Self::Propagate { attachment, table } => write!(f, "propagate {attachment} to {table}"),
            Self::StopPropagation { attachment, table } => write!(f, "stop the propagation of {attachment} to {table}"),
            Self::CreateRoute { table, destination, gateway } => {
                write!(f, "route {destination} to {gateway} in {table}")
            }
            Self::ReplaceRoute { table, destination, gateway } => {
                write!(f, "lead the route {destination} to {gateway} in {table}")
            }
            Self::DeleteRoute { table, destination } => write!(f, "delete the route {destination} from {table}"),
        }
    }
}

/// What an action left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// The service-linked role is there.
    ServiceLinkedRole,
    /// The attachment is there.
    Attachment(Attachment),
    /// The attachment has this state, and these subnets more or fewer.
    Changed {
        /// The state.
        state: AttachmentState,
        /// Subnets that it has now too.
        added: Vec<String>,
        /// Subnets that it has no more.
        removed: Vec<String>,
    },
    /// The network account was changed; what is true there now must be read back.
    HubChanged,
    /// In a plan: the attachment would be associated with this table.
    WouldAssociate(String),
    /// In a plan: the attachment would propagate to this table.
    WouldPropagate(String),
    /// In a plan: the attachment would be associated with no table.
    WouldDisassociate,
    /// In a plan: the attachment would not propagate to this table.
    WouldStopPropagation(String),
    /// The private table has this route.
    Route(Route),
    /// The private table has no such route any more.
    RouteGone(Destination),
}
