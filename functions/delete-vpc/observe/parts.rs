//! Reads everything that can be in a VPC, ours or not.

use aws_sdk_ec2::{
    Client,
    types::{
        AttachmentStatus, EgressOnlyInternetGateway, FlowLog, InternetGateway, NetworkAcl, NetworkInterface,
        RouteTable, SecurityGroup, Subnet, VpcEndpoint, VpcPeeringConnection, VpcPeeringConnectionStateReasonCode,
        VpnGateway, VpnState,
    },
};
use berth_aws::{CallResultExt, SdkResultExt};
use berth_ec2::{filter, tags};
use berth_step::StepError;
use berth_tenancy::Tags;

/// What is in a VPC, as EC2 describes it.
#[derive(Debug, Clone, Default)]
pub(super) struct Parts {
    pub(super) interfaces: Vec<NetworkInterface>,
    pub(super) subnets: Vec<Subnet>,
    pub(super) tables: Vec<RouteTable>,
    pub(super) groups: Vec<SecurityGroup>,
    pub(super) acls: Vec<NetworkAcl>,
    /// Those that are not gone.
    pub(super) endpoints: Vec<VpcEndpoint>,
    pub(super) flow_logs: Vec<FlowLog>,
    /// Every internet gateway of the region: ours may be attached to nothing.
    pub(super) gateways: Vec<InternetGateway>,
    pub(super) egress_gateways: Vec<EgressOnlyInternetGateway>,
    pub(super) vpn_gateways: Vec<VpnGateway>,
    pub(super) peerings: Vec<VpcPeeringConnection>,
}

impl Parts {
    /// An internet gateway of ours that is attached to nothing.
    pub(super) fn loose_gateway(&self, ours: &impl Fn(&Tags) -> bool) -> Option<String> {
        let loose = |gateway: &&InternetGateway| gateway.attachments().is_empty();
        let ours = |gateway: &&InternetGateway| ours(&tags(gateway.tags.as_deref()));
        self.gateways.iter().filter(loose).find(ours).and_then(|gateway| gateway.internet_gateway_id.clone())
    }
}

/// Every item of a Describe call, over all of its pages.
macro_rules! all {
    ($operation:literal, $request:expr) => {
        async {
            let items = $request.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await;
            items.named($operation).or_common()
        }
    };
}

/// All parts of a VPC.
pub(super) async fn of(ec2: &Client, vpc: &str) -> Result<Parts, StepError> {
    let of = |name: &str| filter(name, &[vpc]);
    let networks = async {
        tokio::try_join!(
            all!("ec2:DescribeNetworkInterfaces", ec2.describe_network_interfaces().filters(of("vpc-id"))),
            all!("ec2:DescribeSubnets", ec2.describe_subnets().filters(of("vpc-id"))),
            all!("ec2:DescribeRouteTables", ec2.describe_route_tables().filters(of("vpc-id"))),
            all!("ec2:DescribeSecurityGroups", ec2.describe_security_groups().filters(of("vpc-id"))),
            all!("ec2:DescribeNetworkAcls", ec2.describe_network_acls().filters(of("vpc-id"))),
        )
    };
    let ways_out = async {
        tokio::try_join!(
            all!("ec2:DescribeVpcEndpoints", ec2.describe_vpc_endpoints().filters(of("vpc-id"))),
            all!("ec2:DescribeFlowLogs", ec2.describe_flow_logs().filter(of("resource-id"))),
            internet_gateways(ec2),
            egress_gateways(ec2, vpc),
            vpn_gateways(ec2, vpc),
            peerings(ec2, vpc),
        )
    };
    let (interfaces, subnets, tables, groups, acls) = Box::pin(networks).await?;
    let (mut endpoints, flow_logs, gateways, egress_gateways, vpn_gateways, peerings) = Box::pin(ways_out).await?;
    endpoints.retain(|endpoint| !["deleted", "failed", "rejected", "expired"].contains(&&*state_of(endpoint)));
    Ok(Parts {
        interfaces,
        subnets,
        tables,
        groups,
        acls,
        endpoints,
        flow_logs,
        gateways,
        egress_gateways,
        vpn_gateways,
        peerings,
    })
}

/// State of an endpoint. EC2 answers it in other letter cases than the SDK's type has.
pub(super) fn state_of(endpoint: &VpcEndpoint) -> String {
    endpoint.state().map(|state| state.as_str().to_ascii_lowercase()).unwrap_or_default()
}

/// Every internet gateway of the account in the region: few. [EC2 `DescribeInternetGateways`]
pub(super) async fn internet_gateways(ec2: &Client) -> Result<Vec<InternetGateway>, StepError> {
    all!("ec2:DescribeInternetGateways", ec2.describe_internet_gateways()).await
}

/// Those that are attached to the VPC: EC2 has no filter for it. [EC2 `DescribeEgressOnlyInternetGateways`]
async fn egress_gateways(ec2: &Client, vpc: &str) -> Result<Vec<EgressOnlyInternetGateway>, StepError> {
    let request = ec2.describe_egress_only_internet_gateways();
    let mut found = all!("ec2:DescribeEgressOnlyInternetGateways", request).await?;
    found.retain(|gateway| gateway.attachments().iter().any(|attachment| attachment.vpc_id() == Some(vpc)));
    Ok(found)
}

/// VPN gateways that are attached to the VPC. [EC2 `DescribeVpnGateways`]
async fn vpn_gateways(ec2: &Client, vpc: &str) -> Result<Vec<VpnGateway>, StepError> {
    let sent = ec2.describe_vpn_gateways().filters(filter("attachment.vpc-id", &[vpc])).send().await;
    let mut found = sent.named("ec2:DescribeVpnGateways").or_common()?.vpn_gateways.unwrap_or_default();
    let is_over = |state: Option<&str>| matches!(state, Some("deleted" | "detached"));
    found.retain(|gateway| {
        !is_over(gateway.state().map(VpnState::as_str))
            && gateway.vpc_attachments().iter().any(|attachment| {
                attachment.vpc_id() == Some(vpc) && !is_over(attachment.state().map(AttachmentStatus::as_str))
            })
    });
    Ok(found)
}

/// Peerings that are not over with the VPC on either side. [EC2 `DescribeVpcPeeringConnections`]
async fn peerings(ec2: &Client, vpc: &str) -> Result<Vec<VpcPeeringConnection>, StepError> {
    let mut found = Vec::new();
    for side in ["requester-vpc-info.vpc-id", "accepter-vpc-info.vpc-id"] {
        let request = ec2.describe_vpc_peering_connections().filters(filter(side, &[vpc]));
        found.extend(all!("ec2:DescribeVpcPeeringConnections", request).await?);
    }
    found.retain(|peering| {
        let code = peering.status().and_then(|status| status.code()).map(VpcPeeringConnectionStateReasonCode::as_str);
        !matches!(code, Some("deleted" | "expired" | "failed" | "rejected"))
    });
    Ok(found)
}
