//! Reads the network of one region: one Describe for each kind of part, all at once, and only when there is a VPC.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::{
    Client,
    types::{
        IpamPoolCidrState, Route, State as EndpointState, VpcCidrBlockAssociation, VpcEndpoint,
        VpcPeeringConnectionVpcInfo,
    },
};
use berth_aws::{CallResultExt, SdkResultExt};
use berth_ec2::{filter, tags};
use berth_ledger::{Holding, Ledger, VpcIntent};
use berth_step::{Fault, StepError};
use berth_tenancy::{Addresses, Region, TierRouting, wait};
use ipnet::Ipv4Net;

use crate::{
    Clients, Creation, Endpoint, FlowLog, Input, InternetGateway, Known, RouteTable, State, Subnet, Vpc,
    decide::has_public_tier,
    state::{Parts, TAG_ROUTING, TAG_TIER, TAG_ZONE, routing_tag},
};

/// Everything that the plan is compared with.
pub(crate) async fn observe(clients: &Clients, input: &Input) -> Result<State, StepError> {
    let known = known(clients, input).await?;
    Box::pin(region(&clients.ec2, &clients.ledger, input, known)).await
}

/// The VPC that the ledger has, and the try to create it that is known, with its age. [DynamoDB `GetItem`]
async fn known(clients: &Clients, input: &Input) -> Result<Known, StepError> {
    let VpcIntent { begun, vpc } = clients.ledger.vpc_intent(&input.run.account_id, &input.region).await?;
    let settled_seconds = clients.settled_seconds;
    let creation = begun.map(|begun| {
        let age_seconds = (clients.now)().as_second().saturating_sub(begun.as_second());
        Creation { begun, age_seconds, settled_seconds }
    });
    Ok(Known { recorded: vpc, creation, given: Vec::new(), holding: None })
}

/// The picture of the region. `known` is what the ledger has of the VPC.
async fn region(ec2: &Client, ledger: &Ledger, input: &Input, known: Known) -> Result<State, StepError> {
    let vpcs = vpcs(ec2, &input.region).await?;
    let recorded = known.recorded.as_ref().map(|vpc| vpc.id.as_str());
    let is_candidate = |vpc: &&Vpc| match recorded {
        Some(id) => vpc.id == id,
        None => vpc.tags.are_ours(&input.run.account_id),
    };
    let ours: Vec<String> = vpcs.iter().filter(is_candidate).map(|vpc| vpc.id.clone()).collect();
    if ours.is_empty() {
        return Ok(State::of(input, vpcs, known, Parts::default()));
    }
    let given = if recorded.is_none() { given(ec2, ledger, input).await? } else { Vec::new() };
    let known = Known { given, ..known };
    let (holding, subnets, tables, open_groups, endpoints, flow_logs, gateways) = tokio::try_join!(
        holding(ledger, input, &known),
        subnets(ec2, input, &ours),
        route_tables(ec2, input, &ours),
        open_default_groups(ec2, &ours),
        endpoints(ec2, &ours),
        flow_logs(ec2, &ours),
        internet_gateways(ec2, input),
    )?;
    let peers = peers(ec2, &tables).await?;
    let known = Known { holding, ..known };
    Ok(State::of(input, vpcs, known, Parts { subnets, tables, endpoints, gateways, open_groups, flow_logs, peers }))
}

/// Blocks that a VPC of this account may have: the one that the ledger gave, or those of the IPAM pool. Read only before
/// a VPC is on record. [EC2 `GetIpamPoolCidrs`]
async fn given(ec2: &Client, ledger: &Ledger, input: &Input) -> Result<Vec<Ipv4Net>, StepError> {
    let pool = match &input.network.addresses {
        Addresses::Ledger { pool, .. } => {
            return ledger.held_blocks(pool, &input.run.account_id, &input.region).await;
        }
        Addresses::Ipam { supernets, .. } if !supernets.is_empty() => return Ok(supernets.clone()),
        Addresses::Ipam { pool_id, .. } => pool_id,
    };
    let mut pages = ec2.get_ipam_pool_cidrs().ipam_pool_id(pool).into_paginator().items().send();
    let mut given = Vec::new();
    while let Some(cidr) = pages.next().await {
        let cidr = cidr.named("ec2:GetIpamPoolCidrs").or_common()?;
        let is_there = cidr.state == Some(IpamPoolCidrState::Provisioned);
        given.extend(cidr.cidr.filter(|_| is_there).and_then(|text| text.parse::<Ipv4Net>().ok()));
    }
    Ok(given)
}

/// Who has the block of the VPC on record in the ledger's pool: it may rest, when the account was closed and is back.
async fn holding(ledger: &Ledger, input: &Input, known: &Known) -> Result<Option<Holding>, StepError> {
    match (&input.network.addresses, &known.recorded) {
        (Addresses::Ledger { pool, .. }, Some(vpc)) => ledger.holding(pool, vpc.cidr).await,
        _ => Ok(None),
    }
}

/// Whose the other sides of the VPC peerings are that a route leads to, by the id of the connection. None is asked for
/// where no route does. [EC2 `DescribeVpcPeeringConnections`]
async fn peers(ec2: &Client, tables: &[RouteTable]) -> Result<BTreeMap<String, String>, StepError> {
    let targets = tables.iter().flat_map(|table| &table.paths).map(|(_, target)| target);
    let peerings: BTreeSet<String> = targets.filter(|target| target.starts_with("pcx-")).cloned().collect();
    if peerings.is_empty() {
        return Ok(BTreeMap::new());
    }
    let ids: Vec<String> = peerings.into_iter().collect();
    let wanted = filter("vpc-peering-connection-id", &ids);
    let mut pages = ec2.describe_vpc_peering_connections().filters(wanted).into_paginator().items().send();
    let mut peers = BTreeMap::new();
    while let Some(peering) = pages.next().await {
        let peering = peering.named("ec2:DescribeVpcPeeringConnections").or_common()?;
        let side = |side: Option<VpcPeeringConnectionVpcInfo>| {
            let side = side?;
            Some(format!("{} of account {}", side.vpc_id.unwrap_or_default(), side.owner_id.unwrap_or_default()))
        };
        let sides = [side(peering.requester_vpc_info), side(peering.accepter_vpc_info)];
        let sides: Vec<String> = sides.into_iter().flatten().collect();
        peers.extend(peering.vpc_peering_connection_id.map(|id| (id, sides.join(" and "))));
    }
    Ok(peers)
}

/// What to do about a VPC whose block EC2 does not show yet.
pub(crate) fn no_block_yet() -> String {
    wait(
        "IPAM's block shows some seconds after the VPC",
        "see in EC2 and IPAM why the VPC has no block; delete it there if it never got one, then redrive the execution",
    )
}

/// Every VPC of the account in the region: few, and one that lost its tags must be seen too. [EC2 `DescribeVpcs`]
async fn vpcs(ec2: &Client, region: &Region) -> Result<Vec<Vpc>, StepError> {
    let mut pages = ec2.describe_vpcs().into_paginator().items().send();
    let mut vpcs = Vec::new();
    while let Some(vpc) = pages.next().await {
        let vpc = vpc.named("ec2:DescribeVpcs").map_err(|failure| {
            // A region that is not opted in does not know the session's token.
            if failure.is(&["AuthFailure", "OptInRequired"]) {
                let hint = wait(
                    format!("AWS is opening the account or {region}"),
                    format!(
                        "enable {region} for the account and redrive the execution, or take it out of \
                             platform.yaml and start anew: berth replay ACCOUNT --new"
                    ),
                );
                return failure.as_fault(Fault::NotReady, hint);
            }
            failure.or_common()
        })?;
        let Some(id) = vpc.vpc_id else { continue };
        // Passing over a VPC whose block IPAM has not shown yet would make a second one.
        let Some(cidr) = vpc.cidr_block else {
            return Err(StepError::new(Fault::NotReady, format!("{id} has no block yet")).hint(no_block_yet()));
        };
        let further = further(&cidr, vpc.cidr_block_association_set.unwrap_or_default());
        vpcs.push(Vpc { cidr: block(&cidr, &id)?, id, further, tags: tags(vpc.tags.as_deref()) });
    }
    Ok(vpcs)
}

/// Blocks besides the first that are not gone. A state that nobody knows is not gone.
fn further(first: &str, blocks: Vec<VpcCidrBlockAssociation>) -> Vec<(String, String)> {
    let described = blocks.into_iter().map(|block| {
        let state = block.cidr_block_state.and_then(|state| state.state);
        let state = state.map_or("of unknown state".to_owned(), |state| state.as_str().to_owned());
        (block.cidr_block.unwrap_or_default(), state)
    });
    described.filter(|(block, state)| block != first && !matches!(state.as_str(), "disassociated" | "failed")).collect()
}

/// Every subnet of these VPCs. [EC2 `DescribeSubnets`]
async fn subnets(ec2: &Client, input: &Input, vpcs: &[String]) -> Result<Vec<Subnet>, StepError> {
    let mut pages = ec2.describe_subnets().filters(filter("vpc-id", vpcs)).into_paginator().items().send();
    let mut subnets = Vec::new();
    while let Some(subnet) = pages.next().await {
        let subnet = subnet.named("ec2:DescribeSubnets").or_common()?;
        let (Some(id), Some(vpc), Some(cidr)) = (subnet.subnet_id, subnet.vpc_id, subnet.cidr_block) else { continue };
        let tags = tags(subnet.tags.as_deref());
        let place = tags.get(TAG_TIER).zip(tags.get(TAG_ZONE)).map(|(t, z)| (t.to_owned(), z.to_owned()));
        let place = place.filter(|_| tags.are_ours(&input.run.account_id));
        subnets.push(Subnet { cidr: block(&cidr, &id)?, vpc, id, place, tags });
    }
    Ok(subnets)
}

/// Every route table of these VPCs. [EC2 `DescribeRouteTables`]
async fn route_tables(ec2: &Client, input: &Input, vpcs: &[String]) -> Result<Vec<RouteTable>, StepError> {
    let mut pages = ec2.describe_route_tables().filters(filter("vpc-id", vpcs)).into_paginator().items().send();
    let mut tables = Vec::new();
    while let Some(table) = pages.next().await {
        let table = table.named("ec2:DescribeRouteTables").or_common()?;
        let (Some(id), Some(vpc)) = (table.route_table_id, table.vpc_id) else { continue };
        let tags = tags(table.tags.as_deref());
        let tag = tags.get(TAG_ROUTING).filter(|_| tags.are_ours(&input.run.account_id));
        let kinds = [TierRouting::Private, TierRouting::Public].into_iter();
        let routing = tag.and_then(|tag| kinds.into_iter().find(|kind| routing_tag(*kind) == Some(tag)));
        let routes = table.routes.unwrap_or_default();
        let paths = routes.iter().filter_map(path).collect();
        let default = routes.into_iter().find(|r| r.destination_cidr_block() == Some("0.0.0.0/0"));
        let default_route = default.map(|route| route.gateway_id.unwrap_or_else(|| "no gateway".to_owned()));
        let subnets = table.associations.unwrap_or_default().into_iter().filter_map(|a| a.subnet_id).collect();
        tables.push(RouteTable { vpc, id, routing, default_route, subnets, paths, tags });
    }
    Ok(tables)
}

/// Where a route leads that leaves the VPC past the Transit Gateway; none for others. A gateway endpoint leads to a
/// service of AWS, and a route whose target is gone nowhere.
fn path(route: &Route) -> Option<(String, String)> {
    let to = route.destination_cidr_block().or(route.destination_ipv6_cidr_block());
    let to = to.or(route.destination_prefix_list_id()).unwrap_or("an unknown destination");
    let target = route
        .transit_gateway_id()
        .or(route.vpc_peering_connection_id())
        .or(route.nat_gateway_id())
        .or(route.gateway_id())
        .or(route.egress_only_internet_gateway_id())
        .or(route.local_gateway_id())
        .or(route.carrier_gateway_id())
        .or(route.core_network_arn())
        .or(route.network_interface_id())
        .unwrap_or("a target that Berth does not know");
    let is_known = target == "local" || ["tgw-", "vpce-"].iter().any(|prefix| target.starts_with(prefix));
    let is_dead = route.state.as_ref().is_some_and(|state| state.as_str() == "blackhole");
    (!is_known && !is_dead).then(|| (to.to_owned(), target.to_owned()))
}

/// Those of these VPCs whose default security group is not seen empty. [EC2 `DescribeSecurityGroups`]
async fn open_default_groups(ec2: &Client, vpcs: &[String]) -> Result<BTreeSet<String>, StepError> {
    let default = filter("group-name", &["default"]);
    let request = ec2.describe_security_groups().filters(filter("vpc-id", vpcs)).filters(default);
    let mut pages = request.into_paginator().items().send();
    let mut open: BTreeSet<String> = vpcs.iter().cloned().collect();
    while let Some(group) = pages.next().await {
        let group = group.named("ec2:DescribeSecurityGroups").or_common()?;
        if group.ip_permissions().is_empty() && group.ip_permissions_egress().is_empty() {
            group.vpc_id.iter().for_each(|vpc| {
                open.remove(vpc);
            });
        }
    }
    Ok(open)
}

/// Gateway endpoints of these VPCs, also those that the plan has no more. [EC2 `DescribeVpcEndpoints`]
async fn endpoints(ec2: &Client, vpcs: &[String]) -> Result<Vec<Endpoint>, StepError> {
    let mut pages = ec2.describe_vpc_endpoints().filters(filter("vpc-id", vpcs)).into_paginator().items().send();
    let mut endpoints = Vec::new();
    while let Some(endpoint) = pages.next().await {
        let endpoint = endpoint.named("ec2:DescribeVpcEndpoints").or_common()?;
        endpoints.extend(gateway_endpoint(endpoint));
    }
    Ok(endpoints)
}

/// The endpoint, when it is a gateway that stays.
fn gateway_endpoint(endpoint: VpcEndpoint) -> Option<Endpoint> {
    let gone = [
        EndpointState::Deleted,
        EndpointState::Deleting,
        EndpointState::Failed,
        EndpointState::Rejected,
        EndpointState::Expired,
    ];
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
        tags: tags(endpoint.tags.as_deref()),
        tables: endpoint.route_table_ids.unwrap_or_default().into_iter().collect(),
    })
}

/// Internet gateways of the region with what they are attached to, when the plan has a public tier: a region has few.
/// [EC2 `DescribeInternetGateways`]
async fn internet_gateways(ec2: &Client, input: &Input) -> Result<Vec<(InternetGateway, Option<String>)>, StepError> {
    if !has_public_tier(input) {
        return Ok(Vec::new());
    }
    let mut pages = ec2.describe_internet_gateways().into_paginator().items().send();
    let mut gateways = Vec::new();
    while let Some(gateway) = pages.next().await {
        let gateway = gateway.named("ec2:DescribeInternetGateways").or_common()?;
        let Some(id) = gateway.internet_gateway_id else { continue };
        let tags = tags(gateway.tags.as_deref());
        let is_ours = tags.are_ours(&input.run.account_id);
        let attached = gateway.attachments.unwrap_or_default().into_iter().find_map(|attachment| attachment.vpc_id);
        gateways.push((InternetGateway { id, is_ours, is_attached: attached.is_some(), tags }, attached));
    }
    Ok(gateways)
}

/// Every flow log of these VPCs, also those that the plan has no more. [EC2 `DescribeFlowLogs`]
async fn flow_logs(ec2: &Client, vpcs: &[String]) -> Result<Vec<FlowLog>, StepError> {
    let mut pages = ec2.describe_flow_logs().filter(filter("resource-id", vpcs)).into_paginator().items().send();
    let mut logs = Vec::new();
    while let Some(log) = pages.next().await {
        let log = log.named("ec2:DescribeFlowLogs").or_common()?;
        let tags = tags(log.tags.as_deref());
        let (Some(vpc), Some(destination)) = (log.resource_id, log.log_destination) else { continue };
        logs.push(FlowLog { vpc, id: log.flow_log_id.unwrap_or_default(), destination, tags });
    }
    Ok(logs)
}

/// Reads the block of `id`.
pub(crate) fn block(text: &str, id: &str) -> Result<Ipv4Net, StepError> {
    text.parse().map_err(|error| StepError::new(Fault::Bug, format!("{id} has the block {text:?}")).because(error))
}

#[cfg(test)]
#[path = "tests/observe.rs"]
mod tests;
