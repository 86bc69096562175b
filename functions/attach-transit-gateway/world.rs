//! The picture of one VPC's attachment, as far as `decide` needs it.

use std::collections::{BTreeMap, BTreeSet};

use berth_tenancy::Destination;

use crate::{Effect, SpokeRoute};

/// State of an attachment. [EC2 `TransitGatewayAttachmentState`]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttachmentState {
    /// AWS is making or changing it; the text is AWS's name of the state.
    Working(String),
    /// The network account must accept it.
    PendingAcceptance,
    /// It carries traffic.
    Available,
    /// It ended, or is ending; the text is AWS's name of the state.
    Ended(String),
}

impl AttachmentState {
    /// The state by AWS's name. A name that is not known is work in progress: waiting has a limit.
    #[must_use]
    pub fn of(name: &str) -> Self {
        match name {
            "available" => Self::Available,
            "pendingAcceptance" => Self::PendingAcceptance,
            "deleting" | "failed" | "failing" | "rejected" | "rejecting" => Self::Ended(name.to_owned()),
            _ => Self::Working(name.to_owned()),
        }
    }
}

/// The VPC's attachment to the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Its id.
    pub id: String,
    /// Its state.
    pub state: AttachmentState,
    /// Its subnets.
    pub subnets: BTreeSet<String>,
    /// Whether its tags say that it is ours.
    pub is_ours: bool,
}

/// An attachment of the VPC to another gateway than the planned one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherAttachment {
    /// Its id.
    pub id: String,
    /// The gateway.
    pub gateway: String,
}

/// State of an association. [EC2 `TransitGatewayAssociationState`]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AssociationState {
    /// AWS is working on it.
    Associating,
    /// It is in effect.
    Associated,
    /// Someone is ending it.
    Disassociating,
}

/// The route table that decides where the attachment's traffic may go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Association {
    /// The table.
    pub table: String,
    /// Its state.
    pub state: AssociationState,
}

/// State of a propagation. [EC2 `TransitGatewayPropagationState`]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PropagationState {
    /// In effect.
    Enabled,
    /// AWS is enabling or disabling it.
    Changing,
}

/// What the network account says once the attachment is associated: the material of the proof.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Details {
    /// Tables that learn the VPC's block.
    pub propagations: BTreeMap<String, PropagationState>,
    /// Whether the gateway associates new attachments by itself.
    pub default_association: bool,
    /// Whether the gateway propagates new attachments by itself.
    pub default_propagation: bool,
    /// Every route of the spoke table.
    pub spoke_routes: Vec<SpokeRoute>,
    /// Whether there are more routes than one answer holds.
    pub spoke_routes_truncated: bool,
}

/// The network account's view of the attachment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hub {
    /// The association, when there is one.
    pub association: Option<Association>,
    /// Read only when there is something to prove.
    pub details: Option<Details>,
}

/// One route of the VPC's private table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Where to.
    pub destination: Destination,
    /// Id of the gateway, interface or connection that it leads to.
    pub target: String,
    /// Whether it drops traffic, because its target is gone.
    pub is_blackhole: bool,
}

/// Attachment, network account and routes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct World {
    /// The attachment, when there is one that is not deleted.
    pub attachment: Option<Attachment>,
    /// Attachments of the VPC to other gateways that are not deleted.
    pub others: Vec<OtherAttachment>,
    /// Whether this run has made sure of the service-linked role.
    pub service_linked_role: bool,
    /// The network account's view; none while there is no reason to look.
    pub hub: Option<Hub>,
    /// Routes of the private table.
    pub routes: Vec<Route>,
}

impl World {
    /// Applies what an action left behind.
    pub fn apply(&mut self, effect: Effect) {
        match effect {
            Effect::ServiceLinkedRole => self.service_linked_role = true,
            Effect::Attachment(attachment) => self.attachment = Some(attachment),
            Effect::Changed { state, added, removed } => {
                if let Some(attachment) = &mut self.attachment {
                    attachment.state = state;
                    attachment.subnets.extend(added);
                    attachment.subnets.retain(|subnet| !removed.contains(subnet));
                }
            }
            Effect::HubChanged => self.hub = None,
            Effect::WouldAssociate(table) => {
                let hub = self.hub.get_or_insert_default();
                hub.association = Some(Association { table, state: AssociationState::Associated });
            }
            Effect::WouldPropagate(table) => {
                let details = self.hub.get_or_insert_default().details.get_or_insert_default();
                details.propagations.insert(table, PropagationState::Enabled);
            }
            Effect::WouldDisassociate => self.hub.get_or_insert_default().association = None,
            Effect::WouldStopPropagation(table) => {
                if let Some(details) = self.hub.as_mut().and_then(|hub| hub.details.as_mut()) {
                    details.propagations.remove(&table);
                }
            }
            Effect::Route(route) => {
                self.routes.retain(|known| known.destination != route.destination);
                self.routes.push(route);
            }
            Effect::RouteGone(destination) => self.routes.retain(|known| known.destination != destination),
        }
    }
}
