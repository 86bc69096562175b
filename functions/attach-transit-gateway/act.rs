//! Makes one change. What an error code means stands beside the call that answers it.

mod routes;

use aws_config::SdkConfig;
use aws_sdk_ec2::{
    Client,
    types::{ResourceType, TransitGatewayVpcAttachment},
};
use berth_aws::{CallFailure, CallResultExt, SdkResultExt};
use berth_ec2::{sdk_tags, tag_specification};
use berth_iam::ensure_service_linked_role;
use berth_step::{Fault, StepError};
use berth_tenancy::{Tags, wait};

use crate::{AttachmentState, Change, Clients, Input, Made};

/// Service that owns the service-linked role. [IAM `CreateServiceLinkedRole`; VPC "Transit gateway service-linked role"]
const SERVICE: &str = "transitgateway.amazonaws.com";

/// Makes one change, in the account that it is about.
pub(crate) async fn act(clients: &Clients, input: &Input, change: &Change) -> Result<Made, StepError> {
    if !change.is_in_network_account() {
        return in_tenant(&clients.tenant, input, change).await;
    }
    let acted = in_network(clients.network(input).await?, input, change).await;
    acted.map_err(|error| error.for_account(&input.transit_gateway.network_account))
}

/// Performs a change in the tenant account.
async fn in_tenant(tenant: &SdkConfig, input: &Input, change: &Change) -> Result<Made, StepError> {
    let ec2 = || Client::new(tenant);
    match change {
        Change::EnsureServiceLinkedRole => {
            ensure_service_linked_role(&aws_sdk_iam::Client::new(tenant), SERVICE).await?;
            Ok(Made::default())
        }
        Change::CreateAttachment { vpc, gateway, subnets } => {
            create_attachment(&ec2(), input, vpc, gateway, subnets).await
        }
        Change::ChangeSubnets { attachment, add, remove } => change_subnets(&ec2(), attachment, add, remove).await,
        Change::Tag { attachment, tags } => tag(&ec2(), attachment, tags).await,
        Change::Untag { attachment, tags } => untag(&ec2(), attachment, tags).await,
        Change::CreateRoute { table, destination, gateway } => {
            routes::create(&ec2(), table, destination, gateway).await
        }
        Change::ReplaceRoute { table, destination, gateway } => {
            routes::replace(&ec2(), table, destination, gateway).await
        }
        Change::DeleteRoute { table, destination } => routes::delete(&ec2(), table, destination).await,
        _ => Err(misplaced(change)),
    }
}

/// Performs a change in the network account.
async fn in_network(network: &Client, input: &Input, change: &Change) -> Result<Made, StepError> {
    match change {
        Change::Accept { attachment } => accept(network, attachment).await,
        Change::Associate { attachment, table } => associate(network, attachment, table).await,
        Change::Disassociate { attachment, table } => disassociate(network, attachment, table).await,
        Change::LeavePolicyTable { attachment, table } => leave_policy_table(network, attachment, table).await,
        Change::Propagate { attachment, table } => propagate(network, attachment, table).await,
        Change::StopPropagation { attachment, table } => stop_propagation(network, attachment, table).await,
        _ => Err(misplaced(change).for_account(&input.run.account_id)),
    }
}

fn misplaced(change: &Change) -> StepError {
    StepError::new(Fault::Bug, format!("asked the wrong account to {change}"))
}

/// [EC2 `CreateTransitGatewayVpcAttachment`] has no client token; a second send collides on gateway and VPC.
async fn create_attachment(
    ec2: &Client,
    input: &Input,
    vpc: &str,
    gateway: &str,
    subnets: &[String],
) -> Result<Made, StepError> {
    let tags = tag_specification(ResourceType::TransitGatewayAttachment, &input.tags());
    let request = ec2.create_transit_gateway_vpc_attachment().vpc_id(vpc).transit_gateway_id(gateway);
    let request = request.set_subnet_ids(Some(subnets.to_vec())).tag_specifications(tags);
    let answer = request.send().await.named("ec2:CreateTransitGatewayVpcAttachment");
    let answer = answer.map_err(|failure| match failure.code() {
        Some("DuplicateTransitGatewayAttachment") => lost_race(failure),
        Some("InvalidTransitGatewayID.NotFound") => failure.as_fault(
            Fault::NotReady,
            wait(
                "a new share reaches an account after some minutes",
                format!("share {gateway} with this account's organizational unit by RAM, then redrive the execution"),
            ),
        ),
        Some("InvalidVpcID.NotFound" | "InvalidSubnetID.NotFound") => failure.as_fault(
            Fault::NotReady,
            wait(
                "AWS does not show the new VPC everywhere yet",
                "see whether the VPC and its subnets are still there: who deleted them? then start anew: berth \
                     replay ACCOUNT --new",
            ),
        ),
        // One code for what passes and what never does; no field tells, only the text. [terraform-provider-aws#8557]
        Some("IncorrectState") if failure.mentions("not available in availability zone") => {
            failure.as_fault(Fault::InvalidInput, no_gateway_in_zone())
        }
        Some("IncorrectState") => failure.as_fault(
            Fault::NotReady,
            wait(
                "the gateway or the VPC is being changed",
                format!(
                    "see in the network account what {gateway} waits for, or whether it is being deleted; then \
                         redrive the execution"
                ),
            ),
        ),
        Some("DuplicateSubnetsInSameZone") => {
            failure.as_fault(Fault::InvalidInput, "give the attachment tier one subnet in each zone")
        }
        Some("TransitGatewayAttachmentLimitExceeded" | "AttachmentLimitExceeded") => failure.as_fault(
            Fault::InvalidInput,
            format!("raise the attachment quota of {gateway} in the network account, then redrive"),
        ),
        _ => failure.or_common(),
    })?;
    let made = answer.transit_gateway_vpc_attachment;
    let state = state(made.as_ref());
    let Some(id) = made.and_then(|made| made.transit_gateway_attachment_id) else {
        return Err(StepError::new(Fault::Bug, "ec2:CreateTransitGatewayVpcAttachment answered without an id"));
    };
    Ok(Made { id, state: Some(state) })
}

/// [EC2 `CreateTags`]
async fn tag(ec2: &Client, attachment: &str, tags: &Tags) -> Result<Made, StepError> {
    let sent = ec2.create_tags().resources(attachment).set_tags(Some(sdk_tags(tags))).send().await;
    sent.named("ec2:CreateTags").map_err(|failure| match failure.code() {
        Some("InvalidTransitGatewayAttachmentID.NotFound") => lost_race(failure),
        Some("TagLimitExceeded") => failure.as_fault(
            Fault::InvalidInput,
            format!("remove tags of others from {attachment}: AWS takes 50; then redrive the execution"),
        ),
        _ => failure.or_common(),
    })?;
    Ok(Made::default())
}

/// EC2 removes a tag only while it has the value. [EC2 `DeleteTags`]
async fn untag(ec2: &Client, attachment: &str, tags: &Tags) -> Result<Made, StepError> {
    let sent = ec2.delete_tags().resources(attachment).set_tags(Some(sdk_tags(tags))).send().await;
    sent.named("ec2:DeleteTags").map_err(|failure| match failure.code() {
        Some("InvalidTransitGatewayAttachmentID.NotFound") => lost_race(failure),
        _ => failure.or_common(),
    })?;
    Ok(Made::default())
}

/// A zone of the VPC that Transit Gateway does not serve: no waiting changes that.
fn no_gateway_in_zone() -> &'static str {
    "leave the zone out of `zones` of this region in platform.yaml (`aws ec2 describe-availability-zones` shows its id), or \
     give the attachment tier other zones; then start the onboarding anew: berth replay ACCOUNT --new"
}

/// [EC2 `ModifyTransitGatewayVpcAttachment`]
async fn change_subnets(ec2: &Client, attachment: &str, add: &[String], remove: &[String]) -> Result<Made, StepError> {
    let some = |subnets: &[String]| (!subnets.is_empty()).then(|| subnets.to_vec());
    let request = ec2.modify_transit_gateway_vpc_attachment().transit_gateway_attachment_id(attachment);
    let request = request.set_add_subnet_ids(some(add)).set_remove_subnet_ids(some(remove));
    let answer = request.send().await.named("ec2:ModifyTransitGatewayVpcAttachment");
    let answer = answer.map_err(|failure| match failure.code() {
        Some("IncorrectState" | "InvalidSubnetID.NotFound") => lost_race(failure),
        Some("DuplicateSubnetsInSameZone") => failure.as_fault(
            Fault::Conflict,
            wait(
                "Berth looks again",
                "the attachment uses another subnet of that zone: berth onboard ACCOUNT --allow-disruption \
                     replaces it",
            ),
        ),
        _ => failure.or_common(),
    })?;
    let state = state(answer.transit_gateway_vpc_attachment.as_ref());
    Ok(in_state(state))
}

/// [EC2 `AcceptTransitGatewayVpcAttachment`]
async fn accept(network: &Client, attachment: &str) -> Result<Made, StepError> {
    let request = network.accept_transit_gateway_vpc_attachment().transit_gateway_attachment_id(attachment);
    let answer = request.send().await.named("ec2:AcceptTransitGatewayVpcAttachment");
    let answer = answer.map_err(|failure| match failure.code() {
        // Accepted already, by a call whose answer was lost or by a person.
        Some("IncorrectState" | "InvalidTransitGatewayAttachmentState") => lost_race(failure),
        Some("InvalidTransitGatewayAttachmentID.NotFound") => not_seen(failure),
        _ => failure.or_common(),
    })?;
    let state = state(answer.transit_gateway_vpc_attachment.as_ref());
    Ok(in_state(state))
}

/// [EC2 `AssociateTransitGatewayRouteTable`]
async fn associate(network: &Client, attachment: &str, table: &str) -> Result<Made, StepError> {
    let request = network.associate_transit_gateway_route_table().transit_gateway_attachment_id(attachment);
    let sent = request.transit_gateway_route_table_id(table).send().await;
    sent.named("ec2:AssociateTransitGatewayRouteTable").map_err(|failure| match failure.code() {
        // With which table is compared by the next try.
        Some("Resource.AlreadyAssociated") => lost_race(failure),
        _ => not_joined(failure, table),
    })?;
    Ok(Made::default())
}

/// [EC2 `EnableTransitGatewayRouteTablePropagation`]. That it is enabled already is what was wanted.
async fn propagate(network: &Client, attachment: &str, table: &str) -> Result<Made, StepError> {
    let request = network.enable_transit_gateway_route_table_propagation().transit_gateway_attachment_id(attachment);
    let sent = request.transit_gateway_route_table_id(table).send().await;
    let sent = sent.named("ec2:EnableTransitGatewayRouteTablePropagation");
    joined(sent, table, "TransitGatewayRouteTablePropagation.Duplicate")
}

/// [EC2 `DisassociateTransitGatewayRouteTable`]. That it is not associated any more is what was wanted.
async fn disassociate(network: &Client, attachment: &str, table: &str) -> Result<Made, StepError> {
    let request = network.disassociate_transit_gateway_route_table().transit_gateway_attachment_id(attachment);
    let sent = request.transit_gateway_route_table_id(table).send().await;
    let sent = sent.named("ec2:DisassociateTransitGatewayRouteTable");
    joined(sent, table, "InvalidAssociation.NotFound")
}

/// [EC2 `DisassociateTransitGatewayPolicyTable`]. That it is not associated any more is what was wanted.
async fn leave_policy_table(network: &Client, attachment: &str, table: &str) -> Result<Made, StepError> {
    let request = network.disassociate_transit_gateway_policy_table().transit_gateway_attachment_id(attachment);
    let sent = request.transit_gateway_policy_table_id(table).send().await;
    let sent = sent.named("ec2:DisassociateTransitGatewayPolicyTable");
    joined(sent, table, "InvalidAssociation.NotFound")
}

/// [EC2 `DisableTransitGatewayRouteTablePropagation`]. That it is disabled already is what was wanted.
async fn stop_propagation(network: &Client, attachment: &str, table: &str) -> Result<Made, StepError> {
    let request = network.disable_transit_gateway_route_table_propagation().transit_gateway_attachment_id(attachment);
    let sent = request.transit_gateway_route_table_id(table).send().await;
    let sent = sent.named("ec2:DisableTransitGatewayRouteTablePropagation");
    joined(sent, table, "TransitGatewayRouteTablePropagation.NotFound")
}

/// What became of a change of a route table. The code `already` says that it is as wanted without us.
fn joined<T>(sent: Result<T, CallFailure>, table: &str, already: &str) -> Result<Made, StepError> {
    sent.none_if(&[already]).map_err(|failure| not_joined(failure, table))?;
    Ok(Made::default())
}

/// Why a route table of the gateway does not take the attachment.
fn not_joined(failure: CallFailure, table: &str) -> StepError {
    match failure.code() {
        Some("InvalidTransitGatewayAttachmentID.NotFound") => not_seen(failure),
        Some("IncorrectState") => failure.as_fault(
            Fault::NotReady,
            wait(
                "the gateway still works on the attachment",
                "see in the network account in which state the attachment is, and who changes it; then redrive the \
                 execution",
            ),
        ),
        Some("InvalidRouteTableID.NotFound") => failure.as_fault(
            Fault::InvalidInput,
            format!("correct the route tables in platform.yaml: the network account has no {table}"),
        ),
        _ => failure.or_common(),
    }
}

fn in_state(state: AttachmentState) -> Made {
    Made { state: Some(state), ..Made::default() }
}

/// State of an attachment as a mutating call answered it.
fn state(attachment: Option<&TransitGatewayVpcAttachment>) -> AttachmentState {
    let state = attachment.and_then(|attachment| attachment.state.as_ref());
    AttachmentState::of(state.map_or("pending", |state| state.as_str()))
}

/// It is done already: by an earlier call whose answer was lost, or by someone else.
fn lost_race(failure: CallFailure) -> StepError {
    failure.as_fault(
        Fault::Conflict,
        wait(
            "Berth looks again and compares what is there with the plan",
            "find out who else changes the attachment or its route tables, then redrive the execution",
        ),
    )
}

/// The attachment is known in its own account first.
pub(crate) fn not_seen(failure: CallFailure) -> StepError {
    failure.as_fault(
        Fault::NotReady,
        wait(
            "the network account does not see the attachment yet",
            "see whether the gateway is that of the network account, and whether the attachment is still there; then \
         redrive the execution",
        ),
    )
}
