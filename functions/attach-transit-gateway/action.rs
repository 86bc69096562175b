//! The changes that `attach-transit-gateway` can make, and what each leaves behind.

use std::fmt;

use ipnet::Ipv4Net;

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
    /// Add subnets of further zones.
    AddSubnets {
        /// The attachment.
        attachment: String,
        /// The subnets that it lacks.
        subnets: Vec<String>,
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
    /// Let a table of the shared services learn the VPC's block, in the network account.
    Propagate {
        /// The attachment.
        attachment: String,
        /// The table.
        table: String,
    },
    /// Route a block from the private tiers to the gateway.
    CreateRoute {
        /// The VPC's private table.
        table: String,
        /// The block.
        destination: Ipv4Net,
        /// The gateway.
        gateway: String,
    },
}

impl Action {
    /// Whether the network account is changed, not the tenant's.
    #[must_use]
    pub fn is_in_network_account(&self) -> bool {
        matches!(self, Self::Accept { .. } | Self::Associate { .. } | Self::Propagate { .. })
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EnsureServiceLinkedRole => f.write_str("ensure the service-linked role of Transit Gateway"),
            Self::CreateAttachment { vpc, gateway, subnets } => {
                write!(f, "attach {vpc} to {gateway} with {}", subnets.join(", "))
            }
            Self::AddSubnets { attachment, subnets } => write!(f, "add {} to {attachment}", subnets.join(", ")),
            Self::Accept { attachment } => write!(f, "accept {attachment}"),
            Self::Associate { attachment, table } => write!(f, "associate {attachment} with {table}"),
            Self::Propagate { attachment, table } => write!(f, "propagate {attachment} to {table}"),
            Self::CreateRoute { table, destination, gateway } => {
                write!(f, "route {destination} to {gateway} in {table}")
            }
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
    /// The attachment has this state, and these subnets more.
    Changed {
        /// The state.
        state: AttachmentState,
        /// Subnets that it has now too.
        subnets: Vec<String>,
    },
    /// The network account was changed; what is true there now must be read back.
    HubChanged,
    /// In a plan: the attachment would be associated with this table.
    WouldAssociate(String),
    /// In a plan: the attachment would propagate to this table.
    WouldPropagate(String),
    /// The private table has this route.
    Route(Route),
}
