//! Reads the attachment in the tenant account, and in the network account only what there is a reason to read: while AWS
//! works, only the tenant account is asked.

use aws_sdk_ec2::Client;
use berth_aws::{CallResultExt, SdkResultExt};
use berth_ec2::{filter, tags};
use berth_isolation::read::{hub, tenants};
use berth_step::{Fault, StepError};
use berth_tenancy::Mode;

use crate::{Attachment, AttachmentState, Clients, Input, OtherAttachment, Route, State, is_placeholder};

/// Everything that there is a reason to read.
pub(crate) async fn observe(clients: &Clients, input: &Input) -> Result<State, StepError> {
    let tenant = Client::new(&clients.tenant);
    let (attachment, others) = Box::pin(attachments(&tenant, input)).await?;
    let mut state = State { attachment, others, ..State::default() };
    if needs_network(input, &state) {
        let (network, read_at) = (clients.network(input).await?, (clients.now)());
        let plan = &input.transit_gateway;
        let own = state.attachment.as_ref().map(|attachment| attachment.id.as_str());
        let mut hub = Box::pin(hub(network, plan, own, input.run.mode == Mode::Plan, read_at)).await?;
        if let Some(details) = &mut hub.details {
            details.tenants = tenants(&clients.ledger, plan, &input.run.account_id, details).await?;
        }
        state.hub = Some(hub);
    }
    if state.hub.as_ref().is_some_and(|hub| hub.details.is_some()) {
        state.routes = Box::pin(routes(&tenant, input)).await?;
    }
    Ok(state)
}

/// The VPC's attachment to the gateway, and those to other gateways; deleted ones, which stay visible for a while, are
/// left out. [EC2 `DescribeTransitGatewayVpcAttachments`]
async fn attachments(ec2: &Client, input: &Input) -> Result<(Option<Attachment>, Vec<OtherAttachment>), StepError> {
    let (mut found, mut others) = (None, Vec::new());
    if is_placeholder(&input.vpc_id) {
        return Ok((found, others));
    }
    let request = ec2.describe_transit_gateway_vpc_attachments().filters(filter("vpc-id", &[&input.vpc_id]));
    let mut pages = request.into_paginator().items().send();
    while let Some(answer) = pages.next().await {
        let answer = answer.named("ec2:DescribeTransitGatewayVpcAttachments").or_common()?;
        let tags = tags(answer.tags.as_deref());
        let state = answer.state.as_ref().map_or("", |state| state.as_str());
        let (state, is_deleted) = (AttachmentState::of(state), state == "deleted");
        let (Some(id), false) = (answer.transit_gateway_attachment_id, is_deleted) else { continue };
        let gateway = answer.transit_gateway_id.unwrap_or_default();
        if gateway != input.transit_gateway.id {
            others.push(OtherAttachment { id, gateway });
            continue;
        }
        // EC2 shows an attachment that ended for some hours; it must not hide one that lives.
        if found.is_some() && matches!(state, AttachmentState::Ended(_)) {
            continue;
        }
        found = Some(Attachment {
            id,
            state,
            subnets: answer.subnet_ids.unwrap_or_default().into_iter().collect(),
            is_ours: tags.are_ours(&input.run.account_id),
            tags,
        });
    }
    Ok((found, others))
}

/// Whether there is a reason to ask the network account: an attachment to join or to prove, or a plan to show. While
/// AWS works on the attachment there is none.
fn needs_network(input: &Input, state: &State) -> bool {
    match &state.attachment {
        Some(attachment) => attachment.state == AttachmentState::Available && attachment.is_ours,
        None => input.run.mode == Mode::Plan,
    }
}

/// Routes of the VPC's private table to IPv4 blocks and prefix lists. [EC2 `DescribeRouteTables`]
async fn routes(ec2: &Client, input: &Input) -> Result<Vec<Route>, StepError> {
    let Some(table) = input.private_route_table.as_deref().filter(|table| !is_placeholder(table)) else {
        return Ok(Vec::new());
    };
    let sent = ec2.describe_route_tables().route_table_ids(table).send().await;
    let answer = sent.named("ec2:DescribeRouteTables").map_err(|failure| {
        if failure.is(&["InvalidRouteTableID.NotFound"]) {
            let next = "start the onboarding again: the private route table was deleted after it was made";
            return failure.as_fault(Fault::InvalidInput, next);
        }
        failure.or_common()
    })?;
    let tables = answer.route_tables.unwrap_or_default().into_iter();
    let routes = tables.flat_map(|table| table.routes.unwrap_or_default());
    Ok(routes
        .filter_map(|route| {
            let destination = route.destination_cidr_block.or(route.destination_prefix_list_id)?.parse().ok()?;
            let is_blackhole = route.state.as_ref().is_some_and(|state| state.as_str() == "blackhole");
            let target = route
                .transit_gateway_id
                .or(route.gateway_id)
                .or(route.nat_gateway_id)
                .or(route.network_interface_id)
                .or(route.vpc_peering_connection_id)
                .unwrap_or_else(|| "something else".to_owned());
            Some(Route { destination, target, is_blackhole })
        })
        .collect())
}

#[cfg(test)]
#[path = "tests/observe.rs"]
mod tests;
