//! Reads the attachments of the VPC on record, in the tenant account or for a closed one in the network account, and there
//! what they take part in.

mod hub;

use aws_sdk_ec2::Client;
use berth_aws::{CallResultExt, SdkResultExt};
use berth_ec2::{filter, tags};
use berth_step::StepError;

use crate::{Attachment, AttachmentState, Clients, Input, Route, State};

/// What there is to take away, and what is in the way.
pub(crate) async fn observe(clients: &Clients, input: &Input) -> Result<State, StepError> {
    let (account, region) = (&input.run.account_id, &input.region);
    let Some(vpc) = clients.ledger.vpc_intent(account, region).await?.vpc else { return Ok(State::default()) };
    let mut state = State::default();
    if let Some(tenant) = &clients.tenant {
        state.attachments = attachments(tenant, input, &vpc.id).await?;
        let gateways: Vec<&str> = state.attachments.iter().map(|attachment| attachment.gateway.as_str()).collect();
        if !gateways.is_empty() {
            state.routes = Box::pin(routes(tenant, input, &vpc.id, &gateways)).await?;
        }
    } else {
        let record = clients.ledger.get(account).await?;
        let known = record.and_then(|mut record| record.regions.remove(region)).map(|region| region.attachment_id);
        let network = clients.network(input).await?;
        state.attachments = hub::attachments(network, input, &vpc.id, known.as_deref()).await?;
    }
    let first = state.attachments.first().filter(|attachment| attachment.is_ours);
    if let Some(attachment) = first.filter(|attachment| attachment.state == AttachmentState::Settled) {
        state.hub = Box::pin(hub::of(clients.network(input).await?, attachment)).await?;
    }
    Ok(state)
}

/// Attachments of the VPC that are there, as the tenant account sees them. [EC2 `DescribeTransitGatewayVpcAttachments`]
async fn attachments(ec2: &Client, input: &Input, vpc: &str) -> Result<Vec<Attachment>, StepError> {
    let request = ec2.describe_transit_gateway_vpc_attachments().filters(filter("vpc-id", &[vpc]));
    let mut pages = request.into_paginator().items().send();
    let mut found = Vec::new();
    while let Some(answer) = pages.next().await {
        let answer = answer.named("ec2:DescribeTransitGatewayVpcAttachments").or_common()?;
        let is_ours = tags(answer.tags.as_deref()).are_ours(&input.run.account_id);
        let state = AttachmentState::of(answer.state.as_ref().map_or("", |state| state.as_str()));
        let (Some(id), Some(state)) = (answer.transit_gateway_attachment_id, state) else { continue };
        found.push(Attachment { id, gateway: answer.transit_gateway_id.unwrap_or_default(), state, is_ours });
    }
    Ok(found)
}

/// Routes to these gateways in route tables of the VPC that are ours. [EC2 `DescribeRouteTables`]
async fn routes(ec2: &Client, input: &Input, vpc: &str, gateways: &[&str]) -> Result<Vec<Route>, StepError> {
    let mut pages = ec2.describe_route_tables().filters(filter("vpc-id", &[vpc])).into_paginator().items().send();
    let mut found = Vec::new();
    while let Some(table) = pages.next().await {
        let table = table.named("ec2:DescribeRouteTables").or_common()?;
        let is_ours = tags(table.tags.as_deref()).are_ours(&input.run.account_id);
        let Some(id) = table.route_table_id.filter(|_| is_ours) else { continue };
        let leads = table
            .routes
            .unwrap_or_default()
            .into_iter()
            .filter(|route| route.transit_gateway_id().is_some_and(|gateway| gateways.contains(&gateway)));
        let destinations =
            leads.filter_map(|route| route.destination_cidr_block.or(route.destination_prefix_list_id)?.parse().ok());
        found.extend(destinations.map(|destination| Route { table: id.clone(), destination }));
    }
    Ok(found)
}

#[cfg(test)]
#[path = "tests/observe.rs"]
mod tests;
