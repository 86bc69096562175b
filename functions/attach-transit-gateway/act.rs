//! Makes one change. What an error code means stands beside the call that answers it.

mod routes;

use aws_config::SdkConfig;
use aws_sdk_ec2::{
    Client,
    types::{ResourceType, Tag, TagSpecification, TransitGatewayVpcAttachment},
};
use berth_aws::CallFailure;
use berth_step::{Fault, StepError};

use crate::{Action, Attachment, AttachmentState, Effect, Input};

/// Service that owns the service-linked role. [IAM `CreateServiceLinkedRole`; VPC "Transit gateway service-linked role"]
const SERVICE: &str = "transitgateway.amazonaws.com";

/// Performs a change in the tenant account.
pub(crate) async fn in_tenant(tenant: &SdkConfig, input: &Input, action: &Action) -> Result<Effect, StepError> {
    let ec2 = || Client::new(tenant);
    match action {
        Action::EnsureServiceLinkedRole => ensure_service_linked_role(tenant).await,
        Action::CreateAttachment { vpc, gateway, subnets } => {
            create_attachment(&ec2(), input, vpc, gateway, subnets).await
        }
        Action::ChangeSubnets { attachment, add, remove } => change_subnets(&ec2(), attachment, add, remove).await,
        Action::CreateRoute { table, destination, gateway } => {
            routes::create(&ec2(), table, destination, gateway).await
        }
        Action::ReplaceRoute { table, destination, gateway } => {
            routes::replace(&ec2(), table, destination, gateway).await
        }
        Action::DeleteRoute { table, destination } => routes::delete(&ec2(), table, destination).await,
        _ => Err(misplaced(action)),
    }
}

/// Performs a change in the network account.
pub(crate) async fn in_network(network: &Client, input: &Input, action: &Action) -> Result<Effect, StepError> {
    match action {
        Action::Accept { attachment } => accept(network, attachment).await,
        Action::Associate { attachment, table } => associate(network, attachment, table).await,
        Action::Disassociate { attachment, table } => disassociate(network, attachment, table).await,
        Action::Propagate { attachment, table } => propagate(network, attachment, table).await,
        Action::StopPropagation { attachment, table } => stop_propagation(network, attachment, table).await,
        _ => Err(misplaced(action).for_account(&input.run.account_id)),
    }
}

fn misplaced(action: &Action) -> StepError {
    StepError::new(Fault::Bug, format!("asked the wrong account to {action}"))
}

/// [IAM `CreateServiceLinkedRole`] answers `InvalidInput` when the role is there, and for wrong input too: only the
/// message tells them apart, and the input is a constant.
async fn ensure_service_linked_role(tenant: &SdkConfig) -> Result<Effect, StepError> {
    let iam = aws_sdk_iam::Client::new(tenant);
    match iam.create_service_linked_role().aws_service_name(SERVICE).send().await {
        Ok(_) => Ok(Effect::ServiceLinkedRole),
        Err(error) => {
            let is_there = error
                .as_service_error()
                .and_then(|error| error.meta().message())
                .is_some_and(|message| message.contains("has been taken in this account"));
            let failure = CallFailure::of("iam:CreateServiceLinkedRole", &error);
            match failure.code() {
                Some("InvalidInput" | "InvalidInputException") if is_there => Ok(Effect::ServiceLinkedRole),
                // Another region of the same account makes it at the same time.
                Some("ConcurrentModification" | "ConcurrentModificationException") => {
                    Err(failure.as_fault(Fault::Conflict, "nothing yet: another region makes the same role"))
                }
                _ => Err(failure.or_common()),
            }
        }
    }
}

/// [EC2 `CreateTransitGatewayVpcAttachment`] has no client token; a second send collides on gateway and VPC.
async fn create_attachment(
    ec2: &Client,
    input: &Input,
    vpc: &str,
    gateway: &str,
    subnets: &[String],
) -> Result<Effect, StepError> {
    let tags = input.tags().0.into_iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect();
    let kind = ResourceType::TransitGatewayAttachment;
    let tags = TagSpecification::builder().resource_type(kind).set_tags(Some(tags)).build();
    let request = ec2.create_transit_gateway_vpc_attachment().vpc_id(vpc).transit_gateway_id(gateway);
    let request = request.set_subnet_ids(Some(subnets.to_vec())).tag_specifications(tags);
    let answer = request.send().await.map_err(|error| {
        let failure = CallFailure::of("ec2:CreateTransitGatewayVpcAttachment", &error);
        match failure.code() {
            Some("DuplicateTransitGatewayAttachment") => lost_race(failure),
            Some("InvalidTransitGatewayID.NotFound") => failure.as_fault(
                Fault::NotReady,
                &format!("nothing yet; if it stays, share {gateway} with this account's organizational unit by RAM"),
            ),
            Some("InvalidVpcID.NotFound" | "InvalidSubnetID.NotFound") => {
                failure.as_fault(Fault::NotReady, "nothing yet: AWS does not show the new VPC everywhere yet")
            }
            Some("IncorrectState") => {
                failure.as_fault(Fault::NotReady, "nothing yet: the gateway or the VPC is being changed")
            }
            Some("DuplicateSubnetsInSameZone") => {
                failure.as_fault(Fault::InvalidInput, "give the attachment tier one subnet in each zone")
            }
            Some("TransitGatewayAttachmentLimitExceeded" | "AttachmentLimitExceeded") => failure.as_fault(
                Fault::InvalidInput,
                &format!("raise the attachment quota of {gateway} in the network account, then redrive"),
            ),
            _ => failure.or_common(),
        }
    })?;
    let made = answer.transit_gateway_vpc_attachment;
    let state = state(made.as_ref());
    let Some(id) = made.and_then(|made| made.transit_gateway_attachment_id) else {
        return Err(StepError::new(Fault::Bug, "ec2:CreateTransitGatewayVpcAttachment answered without an id"));
    };
    Ok(Effect::Attachment(Attachment { id, state, subnets: subnets.iter().cloned().collect(), is_ours: true }))
}

/// [EC2 `ModifyTransitGatewayVpcAttachment`]
async fn change_subnets(
    ec2: &Client,
    attachment: &str,
    add: &[String],
    remove: &[String],
) -> Result<Effect, StepError> {
    let some = |subnets: &[String]| (!subnets.is_empty()).then(|| subnets.to_vec());
    let request = ec2.modify_transit_gateway_vpc_attachment().transit_gateway_attachment_id(attachment);
    let request = request.set_add_subnet_ids(some(add)).set_remove_subnet_ids(some(remove));
    let answer = request.send().await.map_err(|error| {
        let failure = CallFailure::of("ec2:ModifyTransitGatewayVpcAttachment", &error);
        match failure.code() {
            Some("IncorrectState" | "InvalidSubnetID.NotFound") => lost_race(failure),
            Some("DuplicateSubnetsInSameZone") => failure.as_fault(
                Fault::Conflict,
                "nothing yet; if it stays, the attachment uses another subnet of that zone: berth onboard \
                 --allow-disruption replaces it",
            ),
            _ => failure.or_common(),
        }
    })?;
    let state = state(answer.transit_gateway_vpc_attachment.as_ref());
    Ok(Effect::Changed { state, added: add.to_vec(), removed: remove.to_vec() })
}

/// [EC2 `AcceptTransitGatewayVpcAttachment`]
async fn accept(network: &Client, attachment: &str) -> Result<Effect, StepError> {
    let request = network.accept_transit_gateway_vpc_attachment().transit_gateway_attachment_id(attachment);
    let answer = request.send().await.map_err(|error| {
        let failure = CallFailure::of("ec2:AcceptTransitGatewayVpcAttachment", &error);
        match failure.code() {
            // Accepted already, by a call whose answer was lost or by a person.
            Some("IncorrectState" | "InvalidTransitGatewayAttachmentState") => lost_race(failure),
            Some("InvalidTransitGatewayAttachmentID.NotFound") => not_seen(failure),
            _ => failure.or_common(),
        }
    })?;
    let state = state(answer.transit_gateway_vpc_attachment.as_ref());
    Ok(Effect::Changed { state, added: Vec::new(), removed: Vec::new() })
}

/// [EC2 `AssociateTransitGatewayRouteTable`]
async fn associate(network: &Client, attachment: &str, table: &str) -> Result<Effect, StepError> {
    let request = network.associate_transit_gateway_route_table().transit_gateway_attachment_id(attachment);
    request.transit_gateway_route_table_id(table).send().await.map_err(|error| {
        let failure = CallFailure::of("ec2:AssociateTransitGatewayRouteTable", &error);
        match failure.code() {
            // With which table is compared by the next try.
            Some("Resource.AlreadyAssociated") => lost_race(failure),
            _ => not_joined(failure, table),
        }
    })?;
    Ok(Effect::HubChanged)
}

/// [EC2 `EnableTransitGatewayRouteTablePropagation`]. That it is enabled already is what was wanted.
async fn propagate(network: &Client, attachment: &str, table: &str) -> Result<Effect, StepError> {
    let request = network.enable_transit_gateway_route_table_propagation().transit_gateway_attachment_id(attachment);
    let sent = request.transit_gateway_route_table_id(table).send().await;
    let sent = sent.map_err(|error| CallFailure::of("ec2:EnableTransitGatewayRouteTablePropagation", &error));
    joined(sent, table, "TransitGatewayRouteTablePropagation.Duplicate")
}

/// [EC2 `DisassociateTransitGatewayRouteTable`]. That it is not associated any more is what was wanted.
async fn disassociate(network: &Client, attachment: &str, table: &str) -> Result<Effect, StepError> {
    let request = network.disassociate_transit_gateway_route_table().transit_gateway_attachment_id(attachment);
    let sent = request.transit_gateway_route_table_id(table).send().await;
    let sent = sent.map_err(|error| CallFailure::of("ec2:DisassociateTransitGatewayRouteTable", &error));
    joined(sent, table, "InvalidAssociation.NotFound")
}

/// [EC2 `DisableTransitGatewayRouteTablePropagation`]. That it is disabled already is what was wanted.
async fn stop_propagation(network: &Client, attachment: &str, table: &str) -> Result<Effect, StepError> {
    let request = network.disable_transit_gateway_route_table_propagation().transit_gateway_attachment_id(attachment);
    let sent = request.transit_gateway_route_table_id(table).send().await;
    let sent = sent.map_err(|error| CallFailure::of("ec2:DisableTransitGatewayRouteTablePropagation", &error));
    joined(sent, table, "TransitGatewayRouteTablePropagation.NotFound")
}

/// What became of a change of a route table. The code `already` says that it is as wanted without us.
fn joined<T>(sent: Result<T, CallFailure>, table: &str, already: &str) -> Result<Effect, StepError> {
    match sent {
        Ok(_) => Ok(Effect::HubChanged),
        Err(failure) if failure.is(&[already]) => Ok(Effect::HubChanged),
        Err(failure) => Err(not_joined(failure, table)),
    }
}

/// Why a route table of the gateway does not take the attachment.
fn not_joined(failure: CallFailure, table: &str) -> StepError {
    match failure.code() {
        Some("InvalidTransitGatewayAttachmentID.NotFound") => not_seen(failure),
        Some("IncorrectState") => {
            failure.as_fault(Fault::NotReady, "nothing yet: the gateway still works on the attachment")
        }
        Some("InvalidRouteTableID.NotFound") => failure.as_fault(
            Fault::InvalidInput,
            &format!("correct the route tables in platform.yaml: the network account has no {table}"),
        ),
        _ => failure.or_common(),
    }
}

/// State of an attachment as a mutating call answered it.
fn state(attachment: Option<&TransitGatewayVpcAttachment>) -> AttachmentState {
    let state = attachment.and_then(|attachment| attachment.state.as_ref());
    AttachmentState::of(state.map_or("pending", |state| state.as_str()))
}

/// It is done already: by an earlier call whose answer was lost, or by someone else.
fn lost_race(failure: CallFailure) -> StepError {
    failure.as_fault(Fault::Conflict, "nothing yet: Berth looks again and compares what is there with the plan")
}

/// The attachment is known in its own account first.
pub(crate) fn not_seen(failure: CallFailure) -> StepError {
    failure.as_fault(Fault::NotReady, "nothing yet: the network account does not see the attachment yet")
}
