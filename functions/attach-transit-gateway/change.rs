//! The changes of this step, each with all that making it takes.

use std::fmt;

use berth_isolation::AssociatedWith;
use berth_tenancy::{Destination, Effect, ResourceKind, Tags, UNTAG_CHANGE, UntaggedKind};

use crate::{Input, State};

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
    /// Remove tags that left platform.yaml, of which these are the values that Berth gave.
    Untag { attachment: String, tags: Tags },
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
    /// What it does, as far as `state`, the state before it, says.
    pub(crate) fn effect(&self, input: &Input, state: &State) -> Effect {
        let effect = match self {
            Self::EnsureServiceLinkedRole => {
                Effect::creates(UntaggedKind::ServiceLinkedRole, "iam:CreateServiceLinkedRole")
                    .name("transitgateway.amazonaws.com")
            }
            Self::CreateAttachment { vpc, gateway, subnets } => created(vpc, gateway, subnets),
            Self::ChangeSubnets { attachment, add, remove } => changed_subnets(state, attachment, add, remove),
            Self::Tag { attachment, tags } => {
                let before = state.attachment.as_ref().map(|attachment| &attachment.tags);
                of_attachment(attachment, "ec2:CreateTags").tags(before, tags)
            }
            Self::Untag { attachment, tags } => of_attachment(attachment, "ec2:DeleteTags").without_tags(tags),
            Self::Accept { attachment } => {
                let (before, after) = ("pendingAcceptance", "available");
                let effect = of_attachment(attachment, "ec2:AcceptTransitGatewayVpcAttachment");
                effect.field("state", before, after).part_of(attached(input))
            }
            Self::Associate { attachment, table } => of_attachment(attachment, "ec2:AssociateTransitGatewayRouteTable")
                .field("association", association(state), table),
            Self::Disassociate { attachment, table } => {
                of_attachment(attachment, "ec2:DisassociateTransitGatewayRouteTable")
                    .field("association", table, ())
                    .disrupting()
            }
            Self::LeavePolicyTable { attachment, table } => {
                of_attachment(attachment, "ec2:DisassociateTransitGatewayPolicyTable")
                    .field("association", table, ())
                    .disrupting()
            }
            Self::Propagate { attachment, table } => of_attachment(
                attachment,
                "ec2:EnableTransitGatewayRouteTablePropagation",
            )
            .field(&format!("propagations.{table}"), (), "enabled"),
            Self::StopPropagation { attachment, table } => {
                of_attachment(attachment, "ec2:DisableTransitGatewayRouteTablePropagation")
                    .field(&format!("propagations.{table}"), "enabled", ())
                    .disrupting()
            }
            Self::CreateRoute { table, destination, gateway } => {
                routed(state, "ec2:CreateRoute", table, destination, Some(gateway))
            }
            Self::ReplaceRoute { table, destination, gateway } => {
                routed(state, "ec2:ReplaceRoute", table, destination, Some(gateway))
            }
            Self::DeleteRoute { table, destination } => routed(state, "ec2:DeleteRoute", table, destination, None),
        };
        if self.is_in_network_account() { effect.in_account(&input.transit_gateway.network_account) } else { effect }
    }

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

/// The attachment is made. A gateway says only then whether it must be accepted.
fn created(vpc: &str, gateway: &str, subnets: &[String]) -> Effect {
    Effect::creates(ResourceKind::TransitGatewayAttachment, "ec2:CreateTransitGatewayVpcAttachment")
        .given("vpcId", (), vpc)
        .field("transitGatewayId", (), gateway)
        .given("subnetIds", (), subnets)
}

/// The same as it was made, as far as the input says.
fn attached(input: &Input) -> Effect {
    created(&input.vpc_id, &input.transit_gateway.id, &input.attachment_subnets)
}

/// A change of the attachment.
fn of_attachment(attachment: &str, operation: &'static str) -> Effect {
    Effect::changes(ResourceKind::TransitGatewayAttachment, operation).id(attachment)
}

/// What the attachment is associated with.
fn association(state: &State) -> Option<&String> {
    match &state.hub.as_ref()?.association.as_ref()?.with {
        AssociatedWith::RouteTable(table) | AssociatedWith::PolicyTable(table) => Some(table),
        AssociatedWith::Unknown => None,
    }
}

/// The subnets of the attachment. It loses some only where an outage is allowed.
fn changed_subnets(state: &State, attachment: &str, add: &[String], remove: &[String]) -> Effect {
    let before: Vec<&String> = state.attachment.iter().flat_map(|attachment| &attachment.subnets).collect();
    let kept = before.iter().copied().filter(|subnet| !remove.contains(subnet));
    let after: Vec<&String> = kept.chain(add).collect();
    let effect = of_attachment(attachment, "ec2:ModifyTransitGatewayVpcAttachment");
    let effect = effect.given("subnetIds", before, after);
    if remove.is_empty() { effect } else { effect.disrupting() }
}

/// A route of the private table. One that leads somewhere is taken from whoever uses it.
fn routed(
    state: &State,
    operation: &'static str,
    table: &str,
    destination: &Destination,
    gateway: Option<&String>,
) -> Effect {
    let there = state.routes.iter().find(|route| route.destination == *destination);
    let before = there.map(|route| &route.target);
    let effect = Effect::changes(ResourceKind::RouteTable, operation).id(table).name("private");
    let effect = effect.field(&format!("routes.{destination}"), before, gateway);
    if there.is_some_and(|route| !route.is_blackhole) { effect.disrupting() } else { effect }
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
            Self::Tag { attachment, tags } => write!(f, "tag {attachment} with {}", tags.keys()),
            Self::Untag { attachment, tags } => write!(f, "{UNTAG_CHANGE}{} from {attachment}", tags.keys()),
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
