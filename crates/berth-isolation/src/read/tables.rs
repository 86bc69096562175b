//! Reads the tables of the gateway: which there are, and their routes.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::{
    Client,
    types::{Filter, TransitGatewayPolicyTableState, TransitGatewayRoute, TransitGatewayRouteTableState},
};
use berth_aws::{CallFailure, CallResultExt, SdkResultExt};
use berth_step::{Fault, StepError};
use berth_tenancy::TransitGatewayPlan;

use crate::{GatewayRoute, RouteList, Target};
use berth_ec2::filter;

/// Routes of one page. [EC2 `SearchTransitGatewayRoutes`: `MaxResults`]
const PAGE_ROUTES: usize = 1000;

/// Most pages of a table that are read. A gateway has at most 10,000 routes; what is beyond is not
/// proven, which is a fault.
const SEARCH_PAGES_MAX: usize = 12;

/// States of routes: those that forward, and those that drop. EC2 demands a filter.
const FORWARDING_OR_NOT: [&str; 2] = ["active", "blackhole"];

/// Every route of a table: those that forward and those that drop. Not by type: AWS adds types. `field` is where
/// platform.yaml names the table.
pub(super) async fn every_route(network: &Client, table: &str, field: &str) -> Result<RouteList, StepError> {
    search(network, table, filter("state", &FORWARDING_OR_NOT)).await.map_err(|failure| {
        if failure.is(&["InvalidRouteTableID.NotFound"]) {
            let next = format!("correct {field} in platform.yaml: the network account has no {table}");
            return failure.as_fault(Fault::InvalidInput, next);
        }
        failure.or_common()
    })
}

/// Every route of each of the tables that learn.
pub(super) async fn learning(network: &Client, tables: &[String]) -> Result<BTreeMap<String, RouteList>, StepError> {
    let mut learning = BTreeMap::new();
    for table in tables {
        learning.insert(table.clone(), every_route(network, table, "propagateTo").await?);
    }
    Ok(learning)
}

/// Routes to the attachment in every table of the gateway that is neither the spoke table nor one that learns.
pub(super) async fn leading_to(
    network: &Client,
    plan: &TransitGatewayPlan,
    attachment: Option<&str>,
) -> Result<BTreeMap<String, RouteList>, StepError> {
    let Some(attachment) = attachment else { return Ok(BTreeMap::new()) };
    elsewhere(network, plan, &filter("attachment.transit-gateway-attachment-id", &[attachment])).await
}

/// Every route of each of those tables.
pub(super) async fn others(
    network: &Client,
    plan: &TransitGatewayPlan,
) -> Result<BTreeMap<String, RouteList>, StepError> {
    elsewhere(network, plan, &filter("state", &FORWARDING_OR_NOT)).await
}

/// Routes by one filter, in every table of the gateway that is neither the spoke table nor one that learns.
/// [EC2 `DescribeTransitGatewayRouteTables`]
async fn elsewhere(
    network: &Client,
    plan: &TransitGatewayPlan,
    by: &Filter,
) -> Result<BTreeMap<String, RouteList>, StepError> {
    let mut found = BTreeMap::new();
    let request = network.describe_transit_gateway_route_tables();
    let mut pages = request.filters(filter("transit-gateway-id", &[&plan.id])).into_paginator().items().send();
    while let Some(table) = pages.next().await {
        let table = table.named("ec2:DescribeTransitGatewayRouteTables").or_common()?;
        let is_gone = table.state == Some(TransitGatewayRouteTableState::Deleted);
        let Some(id) = table.transit_gateway_route_table_id.filter(|_| !is_gone) else { continue };
        if id == plan.spoke_route_table || plan.propagate_to.contains(&id) {
            continue;
        }
        match search(network, &id, by.clone()).await {
            Ok(list) => found.extend((list.is_cut || !list.routes.is_empty()).then_some((id, list))),
            // It was deleted since.
            Err(failure) if failure.is(&["InvalidRouteTableID.NotFound"]) => {}
            Err(failure) => return Err(failure.or_common()),
        }
    }
    Ok(found)
}

/// Policy tables of the gateway, with the route tables that their entries lead to. [EC2
/// `DescribeTransitGatewayPolicyTables`, `GetTransitGatewayPolicyTableEntries`]
pub(super) async fn policies(network: &Client, gateway: &str) -> Result<BTreeMap<String, BTreeSet<String>>, StepError> {
    let mut pages = network.describe_transit_gateway_policy_tables().into_paginator().items().send();
    let mut found = BTreeMap::new();
    while let Some(table) = pages.next().await {
        let table = table.named("ec2:DescribeTransitGatewayPolicyTables").or_common()?;
        let is_gone = table.state == Some(TransitGatewayPolicyTableState::Deleted);
        let is_elsewhere = table.transit_gateway_id.as_deref().is_some_and(|id| id != gateway);
        let Some(id) = table.transit_gateway_policy_table_id.filter(|_| !is_gone && !is_elsewhere) else { continue };
        let tables = entries(network, &id).await?;
        found.insert(id, tables);
    }
    Ok(found)
}

/// Route tables that a policy table leads to. [EC2 `GetTransitGatewayPolicyTableEntries`]
async fn entries(network: &Client, policy: &str) -> Result<BTreeSet<String>, StepError> {
    let (mut tables, mut token) = (BTreeSet::new(), None);
    for _ in 0..SEARCH_PAGES_MAX {
        let request = network.get_transit_gateway_policy_table_entries().transit_gateway_policy_table_id(policy);
        let answer = request.set_next_token(token).send().await;
        let answer = answer.named("ec2:GetTransitGatewayPolicyTableEntries").or_common()?;
        let targets = answer.transit_gateway_policy_table_entries.unwrap_or_default().into_iter();
        let unknown = || "a table that the answer does not name".to_owned();
        tables.extend(targets.map(|entry| entry.target_route_table_id.unwrap_or_else(unknown)));
        token = answer.next_token.filter(|token| !token.is_empty());
        if token.is_none() {
            return Ok(tables);
        }
    }
    tables.insert("more tables than were read".to_owned());
    Ok(tables)
}

/// Routes of a table by one filter; EC2 requires one. [EC2 `SearchTransitGatewayRoutes`]
async fn search(network: &Client, table: &str, by: Filter) -> Result<RouteList, CallFailure> {
    let request = network.search_transit_gateway_routes().transit_gateway_route_table_id(table).filters(by);
    let (mut routes, mut token) = (Vec::new(), None);
    for _ in 0..SEARCH_PAGES_MAX {
        let answer = request.clone().set_next_token(token).send().await;
        let answer = answer.named("ec2:SearchTransitGatewayRoutes")?;
        let page = answer.routes.unwrap_or_default();
        // A full page that does not say so may be the first of more.
        let is_cut = answer.additional_routes_available.unwrap_or(page.len() >= PAGE_ROUTES);
        routes.extend(page.into_iter().map(route));
        token = answer.next_token.filter(|token| !token.is_empty());
        if token.is_none() {
            return Ok(RouteList { routes, is_cut });
        }
    }
    Ok(RouteList { routes, is_cut: true })
}

fn route(route: TransitGatewayRoute) -> GatewayRoute {
    let attachments = route.transit_gateway_attachments.unwrap_or_default().into_iter();
    GatewayRoute {
        destination: route.destination_cidr_block.unwrap_or_default(),
        prefix_list: route.prefix_list_id,
        kind: route.r#type.map(|kind| kind.as_str().to_owned()).unwrap_or_default(),
        state: route.state.map(|state| state.as_str().to_owned()).unwrap_or_default(),
        // An attachment without an id is none that could be allowed.
        targets: attachments
            .map(|attachment| Target {
                attachment: attachment.transit_gateway_attachment_id.unwrap_or_default(),
                kind: attachment.resource_type.map(|kind| kind.as_str().to_owned()).unwrap_or_default(),
            })
            .collect(),
    }
}
