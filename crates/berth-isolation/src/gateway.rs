//! What the network account says about the gateway: the material of the proof. States and kinds are AWS's own words, so
//! that one which nobody knows yet is compared, too, and not lost on the way.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use jiff::Timestamp;

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

/// What decides where the attachment's traffic may go. [EC2 `TransitGatewayAttachmentAssociation`]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AssociatedWith {
    /// A route table.
    RouteTable(String),
    /// A policy table, whose rules pick a route table for each packet.
    PolicyTable(String),
    /// Something that the answer does not name in a way that Berth knows.
    Unknown,
}

impl fmt::Display for AssociatedWith {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RouteTable(table) => f.write_str(table),
            Self::PolicyTable(table) => write!(f, "the policy table {table}"),
            Self::Unknown => f.write_str("something that is neither a route table nor a policy table"),
        }
    }
}

/// What the attachment is associated with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Association {
    /// The table.
    pub with: AssociatedWith,
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

/// The network account's view of the attachment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hub {
    /// The association, when there is one.
    pub association: Option<Association>,
    /// Read only when there is something to prove.
    pub details: Option<Details>,
}

/// What a route of the gateway leads to.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// The attachment; empty when the answer names none.
    pub attachment: String,
    /// What it attaches. [EC2 `TransitGatewayAttachmentResourceType`]
    pub kind: String,
}

/// One route of a table of the gateway. [EC2 `TransitGatewayRoute`]
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct GatewayRoute {
    /// Block.
    pub destination: String,
    /// The prefix list that the block comes from, when the table refers to one.
    pub prefix_list: Option<String>,
    /// Where it comes from. [EC2 `TransitGatewayRouteType`]
    pub kind: String,
    /// Its state. [EC2 `TransitGatewayRouteState`]
    pub state: String,
    /// What it leads to; nothing for a blackhole.
    pub targets: Vec<Target>,
}

impl GatewayRoute {
    /// Whether it drops what it matches. Any other route may forward it, now or soon.
    pub(crate) fn drops(&self) -> bool {
        self.targets.is_empty() && matches!(self.state.as_str(), "blackhole" | "deleted")
    }

    /// Whether this attachment, and no other, is where it leads.
    pub(crate) fn leads_only_to(&self, attachment: &str) -> bool {
        !self.targets.is_empty() && self.targets.iter().all(|target| target.attachment == attachment)
    }
}

/// Routes of one table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RouteList {
    /// The routes.
    pub routes: Vec<GatewayRoute>,
    /// Whether there are more than were read.
    pub is_cut: bool,
}

/// An attachment as the gateway's owner sees it. [EC2 `TransitGatewayAttachment`]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GatewayAttachment {
    /// Its id.
    pub id: String,
    /// What it attaches. [EC2 `TransitGatewayAttachmentResourceType`]
    pub kind: String,
    /// Account that owns what it attaches; empty when the answer does not say.
    pub owner: String,
}

/// Options of the gateway. What an answer does not say counts as on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GatewayOptions {
    /// Whether it associates new attachments by itself.
    pub default_association: bool,
    /// Whether it propagates new attachments by itself.
    pub default_propagation: bool,
    /// Whether it carries multicast, which follows no route table.
    pub multicast: bool,
}

/// What the network account says once the attachment is associated.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Details {
    /// Tables that learn the VPC's block.
    pub propagations: BTreeMap<String, PropagationState>,
    /// Options of the gateway.
    pub options: GatewayOptions,
    /// Every route of the spoke table.
    pub spoke: RouteList,
    /// Every route of each planned table that learns.
    pub learning: BTreeMap<String, RouteList>,
    /// Routes to this attachment in every other table of the gateway.
    pub elsewhere: BTreeMap<String, RouteList>,
    /// Attachments whose traffic goes by a table that learns, with that table.
    pub users: Vec<(String, GatewayAttachment)>,
    /// Policy tables of the gateway, each with the route tables that its entries lead to.
    pub policies: BTreeMap<String, BTreeSet<String>>,
    /// Shared attachments of the plan, and what the spoke table leads to besides.
    pub attachments: BTreeMap<String, GatewayAttachment>,
    /// Tenants of the accounts that own any of these attachments, as the ledger knows them.
    pub tenants: BTreeMap<String, String>,
    /// When all this was read.
    pub read_at: Timestamp,
}

/// Attachments by id, with what each is associated with.
pub type Attached = BTreeMap<String, (GatewayAttachment, Option<Association>)>;
