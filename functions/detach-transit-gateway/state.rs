//! What was observed of the attachment that goes, and how each change alters it.

use std::collections::BTreeSet;

use berth_tenancy::Destination;

use crate::Change;

/// State of an attachment. [EC2 `TransitGatewayAttachmentState`]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttachmentState {
    /// It can be deleted.
    Settled,
    /// AWS is at work; the text is AWS's name of the state.
    Working(String),
}

impl AttachmentState {
    /// The state by AWS's name; none of an attachment that is gone. One that failed or was rejected goes by itself, and
    /// holds nothing. A name that is not known is work in progress: waiting has a limit.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        match name {
            "deleted" | "failed" | "rejected" => None,
            "available" | "pendingAcceptance" => Some(Self::Settled),
            other => Some(Self::Working(other.to_owned())),
        }
    }
}

/// The attachment of the VPC on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    pub id: String,
    pub gateway: String,
    pub state: AttachmentState,
    /// Whether it is ours: by its tags, or for a closed account because it is on record.
    pub is_ours: bool,
}

/// A route of the VPC to the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Route table, which is ours.
    pub table: String,
    pub destination: Destination,
}

/// The network account's view of the attachment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hub {
    /// The route table that it is associated with.
    pub associated: Option<String>,
    /// Whether AWS is changing the association.
    pub is_changing: bool,
    /// Tables that learn from it.
    pub learning: BTreeSet<String>,
    /// Routes that somebody wrote, which lead to it: table and destination.
    pub written: Vec<(String, String)>,
}

/// Attachment, network account and routes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// The attachments of the VPC on record that are there.
    pub attachments: Vec<Attachment>,
    /// The network account's view; none when there is nothing to take away.
    pub hub: Option<Hub>,
    /// Routes to the gateway in tables of ours.
    pub routes: Vec<Route>,
}

impl State {
    /// Makes a change in the observed state. What AWS takes time for is under way once it was asked for; in a dry run it
    /// comes about at once.
    pub(crate) fn apply(&mut self, change: &Change, is_made: bool) {
        match change {
            Change::DeleteRoute(route) => self.routes.retain(|known| known != route),
            Change::StopPropagation { table, .. } => {
                self.hub.get_or_insert_default().learning.remove(table);
            }
            Change::Disassociate { .. } => {
                let hub = self.hub.get_or_insert_default();
                (hub.associated, hub.is_changing) = (None, is_made);
            }
            Change::DeleteAttachment { attachment } if is_made => {
                for known in self.attachments.iter_mut().filter(|known| known.id == *attachment) {
                    known.state = AttachmentState::Working("deleting".to_owned());
                }
            }
            Change::DeleteAttachment { attachment } => self.attachments.retain(|known| known.id != *attachment),
        }
    }
}
