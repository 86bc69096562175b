//! What was observed of one VPC's attachment, and how each change alters it.

use std::collections::BTreeSet;

use berth_isolation::{AssociatedWith, Association, AssociationState, GatewayRoute, Hub, PropagationState, Target};
use berth_tenancy::{Destination, Tags};

use crate::{Change, Input};

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
    pub id: String,
    pub state: AttachmentState,
    pub subnets: BTreeSet<String>,
    /// Whether its tags say that it is ours.
    pub is_ours: bool,
    pub tags: Tags,
}

/// An attachment of the VPC to another gateway than the planned one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherAttachment {
    pub id: String,
    pub gateway: String,
}

/// One route of the VPC's private table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    pub destination: Destination,
    /// Id of the gateway, interface or connection that it leads to.
    pub target: String,
    /// Whether it drops traffic, because its target is gone.
    pub is_blackhole: bool,
}

/// Attachment, network account and routes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
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

impl State {
    /// Applies a change. After one in the network account what is true there must be read back; in a dry run everything
    /// comes about at once, so that a plan shows the whole way.
    pub(crate) fn apply(&mut self, input: &Input, change: &Change, made: Option<Made>) {
        if made.is_some() && change.is_in_network_account() && !matches!(change, Change::Accept { .. }) {
            self.hub = None;
            return;
        }
        match change {
            Change::EnsureServiceLinkedRole => self.service_linked_role = true,
            Change::CreateAttachment { subnets, .. } => {
                let (id, state) = made.map_or((PLANNED_ID.to_owned(), None), |made| (made.id, made.state));
                let (state, subnets) = (state.unwrap_or(AttachmentState::Available), subnets.iter().cloned().collect());
                self.attachment = Some(Attachment { id, state, subnets, is_ours: true, tags: input.tags() });
            }
            Change::ChangeSubnets { add, remove, .. } => {
                if let Some(attachment) = &mut self.attachment {
                    attachment.state = made.and_then(|made| made.state).unwrap_or(AttachmentState::Available);
                    attachment.subnets.extend(add.iter().cloned());
                    attachment.subnets.retain(|subnet| !remove.contains(subnet));
                }
            }
            Change::Tag { tags, .. } => {
                self.attachment.iter_mut().for_each(|attachment| attachment.tags.0.extend(tags.0.clone()));
            }
            Change::Untag { tags, .. } => {
                self.attachment.iter_mut().for_each(|attachment| attachment.tags.remove(tags));
            }
            Change::Accept { .. } => {
                if let Some(attachment) = &mut self.attachment {
                    attachment.state = made.and_then(|made| made.state).unwrap_or(AttachmentState::Available);
                }
            }
            Change::Associate { table, .. } => {
                let with = AssociatedWith::RouteTable(table.clone());
                let association = Association { with, state: AssociationState::Associated };
                self.hub.get_or_insert_default().association = Some(association);
            }
            Change::Disassociate { .. } | Change::LeavePolicyTable { .. } => {
                self.hub.get_or_insert_default().association = None;
            }
            Change::Propagate { attachment, table } => {
                let details = self.hub.get_or_insert_default().details.get_or_insert_default();
                let learned = learned(input, attachment);
                details.learning.entry(table.clone()).or_default().routes.push(learned);
                details.propagations.insert(table.clone(), PropagationState::Enabled);
            }
            Change::StopPropagation { table, .. } => {
                if let Some(details) = self.hub.as_mut().and_then(|hub| hub.details.as_mut()) {
                    details.propagations.remove(table);
                    if let Some(list) = details.elsewhere.get_mut(table) {
                        list.routes.retain(|route| route.kind != "propagated");
                    }
                }
            }
            Change::CreateRoute { destination, gateway, .. } | Change::ReplaceRoute { destination, gateway, .. } => {
                let (destination, target) = (destination.clone(), gateway.clone());
                self.routes.retain(|known| known.destination != destination);
                self.routes.push(Route { destination, target, is_blackhole: false });
            }
            Change::DeleteRoute { destination, .. } => self.routes.retain(|known| known.destination != *destination),
        }
    }
}

/// Stands for the id of an attachment that is only planned.
const PLANNED_ID: &str = "tgw-attach-(new)";

/// What only AWS can say about a change that was made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Made {
    /// Id of an attachment that was made; empty otherwise.
    pub id: String,
    /// State of the attachment, when the change was about it.
    pub state: Option<AttachmentState>,
}

/// What a table learns from the attachment.
fn learned(input: &Input, attachment: &str) -> GatewayRoute {
    GatewayRoute {
        destination: input.cidr.to_string(),
        prefix_list: None,
        kind: "propagated".to_owned(),
        state: "active".to_owned(),
        targets: vec![Target { attachment: attachment.to_owned(), kind: "vpc".to_owned() }],
    }
}
