//! Reads the network of one region: one Describe for each kind of part, all at once, and only when there is a VPC.

use std::collections::BTreeSet;

use aws_sdk_ec2::{
    Client,
    types::{Filter, FlowLog, State, VpcEndpoint},
};
use berth_aws::CallFailure;
use berth_step::{Fault, StepError};
use berth_tenancy::{Region, Tags, TierRouting};
use ipnet::Ipv4Net;

use crate::{
    Endpoint, Input, InternetGateway, RouteTable, Subnet, Vpc, World, public,
    world::{Parts, TAG_ROUTING, TAG_TIER, TAG_ZONE, routing_tag},
};

/// The picture of the region.
pub(crate) async fn world(ec2: &Client, input: &Input) -> Result<World, StepError> {
    let vpcs = vpcs(ec2, &input.region).await?;
    let ours: Vec<String> =
        vpcs.iter().filter(|vpc| vpc.tags.are_ours(&input.run.account_id)).map(|vpc| vpc.id.clone()).collect();
    if ours.is_empty() {
        return Ok(World::of(input, vpcs, Parts::default()));
    }
    let (subnets, tables, open_groups, endpoints, flow_logs, gateways) = tokio::try_join!(
        subnets(ec2, input, &ours),
        route_tables(ec2, input, &ours),
        open_default_groups(ec2, &ours),
        endpoints(ec2, input, &ours),
        flow_logs(ec2, input, &ours),
        internet_gateways(ec2, input),
    )?;
    Ok(World::of(input, vpcs, Parts { subnets, tables, endpoints, gateways, open_groups, flow_logs }))
}

/// Every VPC of the account in the region: few, and one that lost its tags must be seen too. [EC2 `DescribeVpcs`]
async fn vpcs(ec2: &Client, region: &Region) -> Result<Vec<Vpc>, StepError> {
    let mut pages = ec2.describe_vpcs().into_paginator().items().send();
    let mut vpcs = Vec::new();
    while let Some(vpc) = pages.next().await {
        let vpc = vpc.map_err(|error| {
            let failure = CallFailure::of("ec2:DescribeVpcs", &error);
            // A region that is not opted in does not know the session's token.
            if failure.is(&["AuthFailure", "OptInRequired"]) {
                let advice = format!(
                    "nothing yet: AWS is opening the account or {region}; if it stays, enable {region} for the account"
                );
                return failure.as_fault(Fault::NotReady, &advice);
            }
            failure.or_common()
        })?;
        let Some(id) = vpc.vpc_id else { continue };
        // Passing over a VPC whose block IPAM has not shown yet would make a second one.
        let Some(cidr) = vpc.cidr_block else {
            return Err(StepError::new(Fault::NotReady, format!("{id} has no block yet")));
        };
        vpcs.push(Vpc { cidr: block(&cidr, &id)?, id, tags: tags(vpc.tags.as_deref()) });
    }
    Ok(vpcs)
}

/// Every subnet of these VPCs. [EC2 `DescribeSubnets`]
async fn subnets(ec2: &Client, input: &Input, vpcs: &[String]) -> Result<Vec<Subnet>, StepError> {
    let mut pages = ec2.describe_subnets().filters(filter("vpc-id", vpcs)).into_paginator().items().send();
    let mut subnets = Vec::new();
    while let Some(subnet) = pages.next().await {
        let subnet = subnet.map_err(|error| CallFailure::of("ec2:DescribeSubnets", &error).or_common())?;
        let (Some(id), Some(vpc), Some(cidr)) = (subnet.subnet_id, subnet.vpc_id, subnet.cidr_block) else { continue };
        let tags = tags(subnet.tags.as_deref());
        let place = tags.get(TAG_TIER).zip(tags.get(TAG_ZONE)).map(|(t, z)| (t.to_owned(), z.to_owned()));
        let place = place.filter(|_| tags.are_ours(&input.run.account_id));
        subnets.push(Subnet { cidr: block(&cidr, &id)?, vpc, id, place });
    }
    Ok(subnets)
}

/// Every route table of these VPCs. [EC2 `DescribeRouteTables`]
async fn route_tables(ec2: &Client, input: &Input, vpcs: &[String]) -> Result<Vec<RouteTable>, StepError> {
    let mut pages = ec2.describe_route_tables().filters(filter("vpc-id", vpcs)).into_paginator().items().send();
    let mut tables = Vec::new();
    while let Some(table) = pages.next().await {
        let table = table.map_err(|error| CallFailure::of("ec2:DescribeRouteTables", &error).or_common())?;
        let (Some(id), Some(vpc)) = (table.route_table_id, table.vpc_id) else { continue };
        let tags = tags(table.tags.as_deref());
        let tag = tags.get(TAG_ROUTING).filter(|_| tags.are_ours(&input.run.account_id));
        let kinds = [TierRouting::Private, TierRouting::Public].into_iter();
        let routing = tag.and_then(|tag| kinds.into_iter().find(|kind| routing_tag(*kind) == Some(tag)));
        let default =
            table.routes.unwrap_or_default().into_iter().find(|r| r.destination_cidr_block() == Some("0.0.0.0/0"));
        let default_route = default.map(|route| route.gateway_id.unwrap_or_else(|| "no gateway".to_owned()));
        let subnets = table.associations.unwrap_or_default().into_iter().filter_map(|a| a.subnet_id).collect();
        tables.push(RouteTable { vpc, id, routing, default_route, subnets });
    }
    Ok(tables)
}

/// Those of these VPCs whose default security group is not seen empty. [EC2 `DescribeSecurityGroups`]
async fn open_default_groups(ec2: &Client, vpcs: &[String]) -> Result<BTreeSet<String>, StepError> {
    let default = filter("group-name", &["default".to_owned()]);
    let request = ec2.describe_security_groups().filters(filter("vpc-id", vpcs)).filters(default);
    let mut pages = request.into_paginator().items().send();
    let mut open: BTreeSet<String> = vpcs.iter().cloned().collect();
    while let Some(group) = pages.next().await {
        let group = group.map_err(|error| CallFailure::of("ec2:DescribeSecurityGroups", &error).or_common())?;
        if group.ip_permissions().is_empty() && group.ip_permissions_egress().is_empty() {
            group.vpc_id.iter().for_each(|vpc| {
                open.remove(vpc);
            });
        }
    }
    Ok(open)
}

/// Gateway endpoints of these VPCs, when the plan has any. [EC2 `DescribeVpcEndpoints`]
async fn endpoints(ec2: &Client, input: &Input, vpcs: &[String]) -> Result<Vec<Endpoint>, StepError> {
    if input.network.gateway_endpoints.is_empty() {
        return Ok(Vec::new());
    }
    let mut pages = ec2.describe_vpc_endpoints().filters(filter("vpc-id", vpcs)).into_paginator().items().send();
    let mut endpoints = Vec::new();
    while let Some(endpoint) = pages.next().await {
        let endpoint = endpoint.map_err(|error| CallFailure::of("ec2:DescribeVpcEndpoints", &error).or_common())?;
        endpoints.extend(gateway_endpoint(endpoint));
    }
    Ok(endpoints)
}

/// The endpoint, when it is a gateway that stays.
fn gateway_endpoint(endpoint: VpcEndpoint) -> Option<Endpoint> {
    let gone = [State::Deleted, State::Deleting, State::Failed, State::Rejected, State::Expired];
    let is_gateway = endpoint.vpc_endpoint_type.as_ref().is_some_and(|kind| kind.as_str() == "Gateway");
    // EC2 answers `available` here, the SDK's type says `Available`.
    let state = endpoint.state.as_ref().map(|state| state.as_str().to_ascii_lowercase()).unwrap_or_default();
    if !is_gateway || gone.iter().any(|gone| gone.as_str().to_ascii_lowercase() == state) {
        return None;
    }
    Some(Endpoint {
        vpc: endpoint.vpc_id?,
        id: endpoint.vpc_endpoint_id?,
        service: endpoint.service_name?,
        tables: endpoint.route_table_ids.unwrap_or_default().into_iter().collect(),
    })
}

/// Internet gateways of the region with what they are attached to, when the plan has a public tier: a region has few.
/// [EC2 `DescribeInternetGateways`]
async fn internet_gateways(ec2: &Client, input: &Input) -> Result<Vec<(InternetGateway, Option<String>)>, StepError> {
    if !public::is_planned(input) {
        return Ok(Vec::new());
    }
    let mut pages = ec2.describe_internet_gateways().into_paginator().items().send();
    let mut gateways = Vec::new();
    while let Some(gateway) = pages.next().await {
        let gateway = gateway.map_err(|error| CallFailure::of("ec2:DescribeInternetGateways", &error).or_common())?;
        let Some(id) = gateway.internet_gateway_id else { continue };
        let is_ours = tags(gateway.tags.as_deref()).are_ours(&input.run.account_id);
        let attached = gateway.attachments.unwrap_or_default().into_iter().find_map(|attachment| attachment.vpc_id);
        gateways.push((InternetGateway { id, is_ours, is_attached: attached.is_some() }, attached));
    }
    Ok(gateways)
}

/// VPC and destination of every flow log of these VPCs, when the plan has flow logs. [EC2 `DescribeFlowLogs`]
async fn flow_logs(ec2: &Client, input: &Input, vpcs: &[String]) -> Result<Vec<(String, String)>, StepError> {
    if input.network.flow_logs.is_none() {
        return Ok(Vec::new());
    }
    let mut pages = ec2.describe_flow_logs().filter(filter("resource-id", vpcs)).into_paginator().items().send();
    let mut logs = Vec::new();
    while let Some(log) = pages.next().await {
        let FlowLog { resource_id, log_destination, .. } =
            log.map_err(|error| CallFailure::of("ec2:DescribeFlowLogs", &error).or_common())?;
        logs.extend(resource_id.zip(log_destination));
    }
    Ok(logs)
}

/// One filter of a Describe call.
pub(crate) fn filter(name: &str, values: &[String]) -> Filter {
    Filter::builder().name(name).set_values(Some(values.to_vec())).build()
}

/// Tags as EC2 answers them.
fn tags(tags: Option<&[aws_sdk_ec2::types::Tag]>) -> Tags {
    tags.unwrap_or_default()
        .iter()
        .map(|tag| (tag.key().unwrap_or_default().to_owned(), tag.value().unwrap_or_default().to_owned()))
        .collect()
}

/// Reads the block of `id`.
pub(crate) fn block(text: &str, id: &str) -> Result<Ipv4Net, StepError> {
    text.parse().map_err(|error| StepError::new(Fault::Bug, format!("{id} has the block {text:?}")).because(error))
}
