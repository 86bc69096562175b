//! Reads the default VPCs: one call for each enabled region, and everything about those that are there.

mod untouched;

use std::collections::BTreeSet;

use aws_config::{Region as SdkRegion, SdkConfig};
use aws_sdk_ec2::{
    Client,
    types::{RouteTable, Vpc as SdkVpc},
};
use berth_aws::{CallFailure, CallResultExt, SdkResultExt};
use berth_ec2::filter;
use berth_step::{Fault, StepError};
use berth_tenancy::{Region, wait};
use futures::{StreamExt, TryStreamExt, stream};

use self::untouched::{Parts, default_gateway, used};
use crate::{Found, Gateway, State, Vpc};

/// Regions that are looked at at the same time.
const REGIONS_AT_ONCE: usize = 8;

/// A client of the session in `region`.
pub(crate) fn client(session: &SdkConfig, region: &Region) -> Client {
    Client::new(&session.to_builder().region(SdkRegion::new(region.as_str().to_owned())).build())
}

/// Regions that are enabled for the account. [EC2 `DescribeRegions`]
async fn regions(ec2: &Client) -> Result<Vec<Region>, StepError> {
    let sent = ec2.describe_regions().all_regions(false).send().await;
    let answer = sent.named("ec2:DescribeRegions").map_err(opening)?;
    let names = answer.regions.unwrap_or_default().into_iter().filter_map(|region| region.region_name);
    names
        .map(|name| {
            name.parse().map_err(|error| {
                StepError::new(Fault::Bug, format!("ec2:DescribeRegions names {name:?}")).because(error)
            })
        })
        .collect()
}

/// Every enabled region of the account.
pub(crate) async fn observe(session: &SdkConfig) -> Result<State, StepError> {
    let enabled = regions(&Client::new(session)).await?;
    let looks = stream::iter(&enabled).map(|region| async move {
        let found = Box::pin(found(&client(session, region), region)).await;
        let found = found.map_err(|error| error.in_region(region))?;
        Ok::<_, StepError>(found.map(|found| (region.clone(), found)))
    });
    let regions: Vec<Option<(Region, Found)>> = looks.buffer_unordered(REGIONS_AT_ONCE).try_collect().await?;
    Ok(State { regions: regions.into_iter().flatten().collect(), enabled: enabled.len() })
}

/// What is in one region. [EC2 `DescribeVpcs`]
async fn found(ec2: &Client, region: &Region) -> Result<Option<Found>, StepError> {
    let sent = ec2.describe_vpcs().filters(filter("is-default", &["true"])).send().await;
    let answer = match sent.named("ec2:DescribeVpcs") {
        Ok(answer) => answer,
        Err(failure) if failure.is(&["UnauthorizedOperation", "AccessDenied"]) => {
            return Ok(Some(Found::Denied(failure.or_common().message)));
        }
        Err(failure) => return Err(opening(failure)),
    };
    match answer.vpcs.unwrap_or_default().into_iter().next() {
        Some(vpc) => default_vpc(ec2, region, vpc).await.map(|vpc| Some(Found::Vpc(vpc))),
        None => Ok(None),
    }
}

/// An account or a region that was opened moments ago does not know the session's token yet.
fn opening(failure: CallFailure) -> StepError {
    if failure.is(&["AuthFailure"]) {
        failure.as_fault(
            Fault::NotReady,
            wait(
                "AWS is opening the account or the region",
                "see whether the region is enabled for the account, and whether AWS has verified it; then redrive the \
             execution",
            ),
        )
    } else {
        failure.or_common()
    }
}

/// One Describe of this operation, with or without a filter on the VPC; its items.
macro_rules! items {
    ($operation:literal, $request:expr, $items:ident) => {
        async {
            let answer = $request.send().await.named($operation).or_common()?;
            Ok::<_, StepError>(answer.$items.unwrap_or_default())
        }
    };
}

/// The default VPC and all that could show that somebody uses it. One page each: a VPC with more than a page of
/// anything is not untouched, whatever the next page says.
async fn default_vpc(ec2: &Client, region: &Region, vpc: SdkVpc) -> Result<Vpc, StepError> {
    let id = vpc.vpc_id.clone().unwrap_or_default();
    let of = |name: &str| filter(name, &[&id]);
    let dhcp = vpc.dhcp_options_id.clone().unwrap_or_default();
    // AWS answers `default` when the VPC has no options of its own.
    let dhcp = (dhcp != "default").then_some(dhcp);
    let first = async {
        tokio::try_join!(
            items!("ec2:DescribeSubnets", ec2.describe_subnets().filters(of("vpc-id")), subnets),
            items!("ec2:DescribeRouteTables", ec2.describe_route_tables().filters(of("vpc-id")), route_tables),
            items!("ec2:DescribeSecurityGroups", ec2.describe_security_groups().filters(of("vpc-id")), security_groups),
            items!("ec2:DescribeNetworkAcls", ec2.describe_network_acls().filters(of("vpc-id")), network_acls),
            items!("ec2:DescribeInternetGateways", ec2.describe_internet_gateways(), internet_gateways),
            items!("ec2:DescribeVpcEndpoints", ec2.describe_vpc_endpoints().filters(of("vpc-id")), vpc_endpoints),
        )
    };
    let interfaces = ec2.describe_network_interfaces().filters(of("vpc-id"));
    let vpn = ec2.describe_vpn_gateways().filters(of("attachment.vpc-id"));
    let second = async {
        tokio::try_join!(
            items!("ec2:DescribeNetworkInterfaces", interfaces, network_interfaces),
            items!("ec2:DescribeVpnGateways", vpn, vpn_gateways),
            items!(
                "ec2:DescribeEgressOnlyInternetGateways",
                ec2.describe_egress_only_internet_gateways(),
                egress_only_internet_gateways
            ),
            items!("ec2:DescribeFlowLogs", ec2.describe_flow_logs().filter(of("resource-id")), flow_logs),
            // Without a filter: either side of a peering may be this VPC.
            items!(
                "ec2:DescribeVpcPeeringConnections",
                ec2.describe_vpc_peering_connections(),
                vpc_peering_connections
            ),
        )
    };
    let options = async {
        match dhcp {
            None => Ok(Vec::new()),
            Some(id) => {
                items!("ec2:DescribeDhcpOptions", ec2.describe_dhcp_options().dhcp_options_ids(id), dhcp_options).await
            }
        }
    };
    let (first, second, dhcp_options) = tokio::try_join!(Box::pin(first), Box::pin(second), Box::pin(options))?;
    let (subnets, route_tables, security_groups, network_acls, internet_gateways, endpoints) = first;
    let (interfaces, vpn_gateways, egress_gateways, flow_logs, peerings) = second;
    let parts = Parts {
        vpc,
        subnets,
        route_tables,
        security_groups,
        network_acls,
        internet_gateways,
        endpoints,
        interfaces,
        vpn_gateways,
        egress_gateways,
        flow_logs,
        peerings,
        dhcp_options,
    };
    Ok(observed(id, region, &parts))
}

fn observed(id: String, region: &Region, parts: &Parts) -> Vpc {
    let named: BTreeSet<String> = parts.route_tables.iter().filter_map(default_route).collect();
    let gateway = default_gateway(&id, &parts.internet_gateways, &named);
    let gateway = gateway
        .and_then(|(gateway, is_attached)| Some(Gateway { id: gateway.internet_gateway_id.clone()?, is_attached }));
    let subnets = parts.subnets.iter().filter_map(|subnet| subnet.subnet_id.clone()).collect();
    Vpc { used: used(&id, region.as_str(), parts), id, gateway, subnets }
}

/// The internet gateway that a table's default route leads to. It stays in the route when the gateway is detached.
fn default_route(table: &RouteTable) -> Option<String> {
    let route = table.routes().iter().find(|route| route.destination_cidr_block() == Some("0.0.0.0/0"))?;
    route.gateway_id.clone()
}
