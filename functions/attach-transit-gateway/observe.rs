//! Reads the attachment in the tenant account, and in the network account only what there is a reason to read.

use std::collections::BTreeMap;

use aws_sdk_ec2::{
    Client,
    types::{
        DefaultRouteTableAssociationValue, DefaultRouteTablePropagationValue, Filter, TransitGatewayAssociationState,
        TransitGatewayPropagationState, TransitGatewayRoute,
    },
};
use berth_aws::CallFailure;
use berth_step::{Fault, StepError};
use berth_tenancy::{Mode, Tags};

use crate::{
    Association, AssociationState, Attachment, AttachmentState, Details, Hub, Input, OtherAttachment, PropagationState,
    Route, SpokeRoute, World, act::not_seen, is_placeholder,
};

/// Most pages of the spoke table that are read, of 1,000 routes each. A gateway has at most 10,000 static routes; what
/// is beyond is not proven, which is a fault.
const SEARCH_PAGES_MAX: usize = 12;

/// The VPC's attachment to the gateway, and those to other gateways; deleted ones, which stay visible for a while, are
/// left out. [EC2 `DescribeTransitGatewayVpcAttachments`]
pub(crate) async fn attachments(
    ec2: &Client,
    input: &Input,
) -> Result<(Option<Attachment>, Vec<OtherAttachment>), StepError> {
    let (mut found, mut others) = (None, Vec::new());
    if is_placeholder(&input.vpc_id) {
        return Ok((found, others));
    }
    let request = ec2.describe_transit_gateway_vpc_attachments().filters(filter("vpc-id", &[&input.vpc_id]));
    let mut pages = request.into_paginator().items().send();
    while let Some(answer) = pages.next().await {
        let answer =
            answer.map_err(|error| CallFailure::of("ec2:DescribeTransitGatewayVpcAttachments", &error).or_common())?;
        let tags: Tags = answer
            .tags()
            .iter()
            .map(|tag| (tag.key().unwrap_or_default().to_owned(), tag.value().unwrap_or_default().to_owned()))
            .collect();
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
        });
    }
    Ok((found, others))
}

/// Whether there is a reason to ask the network account: an attachment to join or to prove, or a plan to show. While
/// AWS works on the attachment there is none.
pub(crate) fn needs_network(input: &Input, world: &World) -> bool {
    match &world.attachment {
        Some(attachment) => attachment.state == AttachmentState::Available && attachment.is_ours,
        None => input.run.mode == Mode::Plan,
    }
}

/// The network account's view. What the proof needs is read only once the attachment is associated with the spoke
/// table, and in a plan.
pub(crate) async fn hub(network: &Client, input: &Input, world: &World) -> Result<Hub, StepError> {
    let plan = &input.transit_gateway;
    let association = match &world.attachment {
        Some(attachment) => association(network, &attachment.id).await,
        None => Ok(None),
    };
    let to_error = |error: StepError| error.for_account(&plan.network_account);
    let association = association.map_err(to_error)?;
    let is_in_effect = |a: &Association| a.table == plan.spoke_route_table && a.state == AssociationState::Associated;
    if input.run.mode != Mode::Plan && !association.as_ref().is_some_and(is_in_effect) {
        return Ok(Hub { association, details: None });
    }
    let (propagations, defaults, routes) = tokio::try_join!(
        propagations(network, world.attachment.as_ref()),
        gateway_defaults(network, &plan.id),
        spoke_routes(network, &plan.spoke_route_table),
    )
    .map_err(to_error)?;
    let details = Details {
        propagations,
        default_association: defaults.0,
        default_propagation: defaults.1,
        spoke_routes: routes.0,
        spoke_routes_truncated: routes.1,
    };
    Ok(Hub { association, details: Some(details) })
}

/// The table that an attachment is associated with. [EC2 `DescribeTransitGatewayAttachments`]
async fn association(network: &Client, attachment: &str) -> Result<Option<Association>, StepError> {
    let request = network.describe_transit_gateway_attachments().transit_gateway_attachment_ids(attachment);
    let answer = request.send().await.map_err(|error| {
        let failure = CallFailure::of("ec2:DescribeTransitGatewayAttachments", &error);
        if failure.is(&["InvalidTransitGatewayAttachmentID.NotFound"]) {
            not_seen(failure)
        } else {
            failure.or_common()
        }
    })?;
    let Some(seen) = answer.transit_gateway_attachments.unwrap_or_default().into_iter().next() else {
        return Err(StepError::new(Fault::NotReady, format!("the network account does not see {attachment} yet")));
    };
    let Some(association) = seen.association else { return Ok(None) };
    let state = match association.state.as_ref().map(TransitGatewayAssociationState::as_str) {
        Some("associated") => AssociationState::Associated,
        Some("disassociating") => AssociationState::Disassociating,
        Some("disassociated") => return Ok(None),
        _ => AssociationState::Associating,
    };
    Ok(association.transit_gateway_route_table_id.map(|table| Association { table, state }))
}

/// Tables that learn the VPC's block. [EC2 `GetTransitGatewayAttachmentPropagations`]
async fn propagations(
    network: &Client,
    attachment: Option<&Attachment>,
) -> Result<BTreeMap<String, PropagationState>, StepError> {
    let Some(attachment) = attachment else { return Ok(BTreeMap::new()) };
    let request = network.get_transit_gateway_attachment_propagations().transit_gateway_attachment_id(&attachment.id);
    let mut pages = request.into_paginator().items().send();
    let mut tables = BTreeMap::new();
    while let Some(propagation) = pages.next().await {
        let propagation = propagation
            .map_err(|error| CallFailure::of("ec2:GetTransitGatewayAttachmentPropagations", &error).or_common())?;
        let state = match propagation.state.as_ref().map(TransitGatewayPropagationState::as_str) {
            Some("enabled") => PropagationState::Enabled,
            Some("disabled") => continue,
            _ => PropagationState::Changing,
        };
        tables.extend(propagation.transit_gateway_route_table_id.map(|table| (table, state)));
    }
    Ok(tables)
}

/// Whether the gateway associates and propagates new attachments by itself. What the answer does not say counts as on.
/// [EC2 `DescribeTransitGateways`]
async fn gateway_defaults(network: &Client, gateway: &str) -> Result<(bool, bool), StepError> {
    let answer = network.describe_transit_gateways().transit_gateway_ids(gateway).send().await.map_err(|error| {
        let failure = CallFailure::of("ec2:DescribeTransitGateways", &error);
        if failure.is(&["InvalidTransitGatewayID.NotFound"]) {
            let next = format!("correct the Transit Gateway in platform.yaml: its account does not know {gateway}");
            return failure.as_fault(Fault::InvalidInput, &next);
        }
        failure.or_common()
    })?;
    let options = answer.transit_gateways.unwrap_or_default().into_iter().next().and_then(|gateway| gateway.options);
    let association = options.as_ref().and_then(|options| options.default_route_table_association.clone());
    let propagation = options.as_ref().and_then(|options| options.default_route_table_propagation.clone());
    Ok((
        association != Some(DefaultRouteTableAssociationValue::Disable),
        propagation != Some(DefaultRouteTablePropagationValue::Disable),
    ))
}

/// Every route of the spoke table, and whether there are more. [EC2 `SearchTransitGatewayRoutes`]
async fn spoke_routes(network: &Client, table: &str) -> Result<(Vec<SpokeRoute>, bool), StepError> {
    // A filter is required, and these two types are all that there are.
    let every = filter("type", &["static", "propagated"]);
    let request = network.search_transit_gateway_routes().transit_gateway_route_table_id(table).filters(every);
    let (mut routes, mut token) = (Vec::new(), None);
    for _ in 0..SEARCH_PAGES_MAX {
        let answer = request.clone().set_next_token(token).send().await.map_err(|error| {
            let failure = CallFailure::of("ec2:SearchTransitGatewayRoutes", &error);
            if failure.is(&["InvalidRouteTableID.NotFound"]) {
                let next = format!("correct spokeRouteTable in platform.yaml: the network account has no {table}");
                return failure.as_fault(Fault::InvalidInput, &next);
            }
            failure.or_common()
        })?;
        routes.extend(answer.routes.unwrap_or_default().into_iter().map(spoke_route));
        token = answer.next_token.filter(|token| !token.is_empty());
        if token.is_none() {
            return Ok((routes, answer.additional_routes_available.unwrap_or_default()));
        }
    }
    Ok((routes, true))
}

fn spoke_route(route: TransitGatewayRoute) -> SpokeRoute {
    let attachments = route.transit_gateway_attachments.unwrap_or_default().into_iter();
    SpokeRoute {
        destination: route.destination_cidr_block.unwrap_or_default(),
        prefix_list: route.prefix_list_id,
        // An attachment without an id is none that could be allowed.
        attachments: attachments.map(|a| a.transit_gateway_attachment_id.unwrap_or_default()).collect(),
        state: route.state.map(|state| state.as_str().to_owned()).unwrap_or_default(),
    }
}

/// Routes of the VPC's private table to IPv4 blocks and prefix lists. [EC2 `DescribeRouteTables`]
pub(crate) async fn routes(ec2: &Client, input: &Input) -> Result<Vec<Route>, StepError> {
    let Some(table) = input.private_route_table.as_deref().filter(|table| !is_placeholder(table)) else {
        return Ok(Vec::new());
    };
    let answer = ec2.describe_route_tables().route_table_ids(table).send().await.map_err(|error| {
        let failure = CallFailure::of("ec2:DescribeRouteTables", &error);
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

/// One filter of a Describe call.
fn filter(name: &str, values: &[&str]) -> Filter {
    Filter::builder().name(name).set_values(Some(values.iter().map(|value| (*value).to_owned()).collect())).build()
}
