//! The network account's view of an attachment.

use std::collections::BTreeSet;

use aws_sdk_ec2::{
    Client,
    types::{TransitGatewayAssociationState, TransitGatewayRouteTableState},
};
use berth_aws::{CallResultExt, SdkResultExt};
use berth_ec2::filter;
use berth_step::StepError;

use crate::{Attachment, AttachmentState, Hub, Input};

/// Attachments of a closed account's VPC. The gateway's owner sees no tags of the account, so the record says which one
/// is ours. [EC2 `DescribeTransitGatewayAttachments`]
pub(super) async fn attachments(
    network: &Client,
    input: &Input,
    vpc: &str,
    known: Option<&str>,
) -> Result<Vec<Attachment>, StepError> {
    let request = network.describe_transit_gateway_attachments();
    let request = request.filters(filter("resource-id", &[vpc]));
    let request = request.filters(filter("resource-owner-id", &[input.run.account_id.as_str()]));
    let mut pages = request.into_paginator().items().send();
    let mut found = Vec::new();
    while let Some(answer) = pages.next().await {
        let answer = answer.named("ec2:DescribeTransitGatewayAttachments").or_common()?;
        let state = AttachmentState::of(answer.state.as_ref().map_or("", |state| state.as_str()));
        let (Some(id), Some(state)) = (answer.transit_gateway_attachment_id, state) else { continue };
        let is_ours = known == Some(id.as_str());
        found.push(Attachment { id, gateway: answer.transit_gateway_id.unwrap_or_default(), state, is_ours });
    }
    Ok(found)
}

/// What the attachment takes part in; none while the network account does not see it.
pub(super) async fn of(network: &Client, attachment: &Attachment) -> Result<Option<Hub>, StepError> {
    let Some((associated, is_changing)) = association(network, &attachment.id).await? else { return Ok(None) };
    let learning = learning(network, &attachment.id).await?;
    let written = written(network, attachment).await?;
    Ok(Some(Hub { associated, is_changing, learning, written }))
}

/// The route table that the attachment is associated with, and whether AWS is changing that; none while the network account
/// does not see the attachment. [EC2 `DescribeTransitGatewayAttachments`]
async fn association(network: &Client, id: &str) -> Result<Option<(Option<String>, bool)>, StepError> {
    let by_id = filter("transit-gateway-attachment-id", &[id]);
    let sent = network.describe_transit_gateway_attachments().filters(by_id).send().await;
    let answer = sent.named("ec2:DescribeTransitGatewayAttachments").or_common()?;
    let Some(seen) = answer.transit_gateway_attachments.unwrap_or_default().into_iter().next() else { return Ok(None) };
    let Some(association) = seen.association else { return Ok(Some((None, false))) };
    Ok(Some(match association.state.as_ref().map(TransitGatewayAssociationState::as_str) {
        Some("associated") => (association.transit_gateway_route_table_id.filter(|table| !table.is_empty()), false),
        Some("disassociated") => (None, false),
        _ => (None, true),
    }))
}

/// Tables that learn from the attachment. [EC2 `GetTransitGatewayAttachmentPropagations`]
async fn learning(network: &Client, id: &str) -> Result<BTreeSet<String>, StepError> {
    let request = network.get_transit_gateway_attachment_propagations().transit_gateway_attachment_id(id);
    let mut pages = request.into_paginator().items().send();
    let mut found = BTreeSet::new();
    while let Some(propagation) = pages.next().await {
        let propagation = propagation.named("ec2:GetTransitGatewayAttachmentPropagations").or_common()?;
        let is_over =
            propagation.state.as_ref().is_some_and(|state| ["disabled", "disabling"].contains(&state.as_str()));
        found.extend(propagation.transit_gateway_route_table_id.filter(|_| !is_over));
    }
    Ok(found)
}

/// Routes to the attachment that no propagation made, in every table of its gateway. A prefix list reference shows as
/// them. [EC2 `DescribeTransitGatewayRouteTables`, `SearchTransitGatewayRoutes`]
async fn written(network: &Client, attachment: &Attachment) -> Result<Vec<(String, String)>, StepError> {
    let of_gateway = filter("transit-gateway-id", &[&attachment.gateway]);
    let mut pages = network.describe_transit_gateway_route_tables().filters(of_gateway).into_paginator().items().send();
    let mut found = Vec::new();
    while let Some(table) = pages.next().await {
        let table = table.named("ec2:DescribeTransitGatewayRouteTables").or_common()?;
        let is_gone = table.state == Some(TransitGatewayRouteTableState::Deleted);
        let Some(id) = table.transit_gateway_route_table_id.filter(|_| !is_gone) else { continue };
        let by = filter("attachment.transit-gateway-attachment-id", &[&attachment.id]);
        let sent = network.search_transit_gateway_routes().transit_gateway_route_table_id(&id).filters(by).send().await;
        let answer =
            sent.named("ec2:SearchTransitGatewayRoutes").none_if(&["InvalidRouteTableID.NotFound"]).or_common()?;
        let routes = answer.and_then(|answer| answer.routes).unwrap_or_default();
        let written =
            routes.into_iter().filter(|route| route.r#type.as_ref().is_none_or(|kind| kind.as_str() != "propagated"));
        found.extend(written.map(|route| {
            let to = route.prefix_list_id.or(route.destination_cidr_block).unwrap_or_default();
            (id.clone(), to)
        }));
    }
    Ok(found)
}
