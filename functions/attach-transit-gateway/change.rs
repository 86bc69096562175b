//! The changes of this step, each with all that making it takes.

use std::fmt;

use berth_tenancy::{Destination, Tags};

/// One change. `Display` is the line that a plan shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Make sure that the tenant account has the Transit Gateway's service-linked role.
    EnsureServiceLinkedRole,
    /// Attach the VPC, with all subnets in one call: several calls at once race.
    CreateAttachment {
        vpc: String,
        gateway: String,
        /// One subnet in each zone.
        subnets: Vec<String>,
    },
    /// Add subnets of further zones; with leave to disrupt, remove those that are not planned in the same call.
    ChangeSubnets {
        attachment: String,
        /// The subnets that it lacks.
        add: Vec<String>,
        /// The subnets that it has too many.
        remove: Vec<String>,
    },
    /// Set tags that the attachment lacks.
    Tag { attachment: String, tags: Tags },
    /// Accept the attachment, in the network account.
    Accept { attachment: String },
    /// Associate the attachment with the spoke table, in the network account.
    Associate {
        attachment: String,
        /// The spoke table.
        table: String,
    },
    /// End the association with a table that is not the spoke table, in the network account. Disrupts.
    Disassociate { attachment: String, table: String },
    /// End the association with a policy table, in the network account. Disrupts.
    LeavePolicyTable {
        attachment: String,
        /// The policy table.
        table: String,
    },
    /// Let a table of the shared services learn the VPC's block, in the network account.
    Propagate { attachment: String, table: String },
    /// Stop a table that is not planned from learning the VPC's block, in the network account. Disrupts.
    StopPropagation { attachment: String, table: String },
    /// Route a destination from the private tiers to the gateway.
    CreateRoute {
        /// The VPC's private table.
        table: String,
        destination: Destination,
        gateway: String,
    },
    /// Let a route lead to the gateway that leads elsewhere now. Disrupts, unless it leads nowhere.
    ReplaceRoute {
        /// The VPC's private table.
        table: String,
        destination: Destination,
        gateway: String,
    },
    /// Delete a route to the gateway that is not planned. Disrupts.
    DeleteRoute {
        /// The VPC's private table.
        table: String,
        destination: Destination,
    },
}

impl Change {
    /// Whether the network account is changed, not the tenant's.
    #[must_use]
    pub fn is_in_network_account(&self) -> bool {
        matches!(
            self,
            Self::Accept { .. }
                | Self::Associate { .. }
                | Self::Disassociate { .. }
                | Self::LeavePolicyTable { .. }
                | Self::Propagate { .. }
                | Self::StopPropagation { .. }
        )
    }
}

impl fmt::Display for Change {
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
            Self::Tag { attachment, tags } => {
                write!(f, "tag {attachment} with {}", tags.0.keys().cloned().collect::<Vec<_>>().join(", "))
            }
            Self::Accept { attachment } => write!(f, "accept {attachment}"),
            Self::Associate { attachment, table } => write!(f, "associate {attachment} with {table}"),
            Self::Disassociate { attachment, table } => write!(f, "disassociate {attachment} from {table}"),
            Self::LeavePolicyTable { attachment, table } => {
                write!(f, "disassociate {attachment} from the policy table {table}")
            }
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
