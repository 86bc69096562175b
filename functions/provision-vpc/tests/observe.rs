//! What `observe` makes of recorded answers of EC2: absent fields, further pages, every state, and what is gone beside what
//! is there.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::format_collect)]

use aws_sdk_dynamodb as dynamodb;
use aws_sdk_ec2::config::{BehaviorVersion, Credentials, Region as AwsRegion};
use berth_recorded::Recorded;
use berth_step::Fault;
use berth_tenancy::TierRouting;

use super::*;
use crate::decide_tests::{input, on_record};

fn ec2(recorded: &Recorded) -> Client {
    let config = aws_sdk_ec2::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(AwsRegion::new("eu-west-1"))
        .credentials_provider(Credentials::new("key", "secret", None, None, "test"))
        .http_client(recorded.http_client());
    Client::from_conf(config.build())
}

/// A ledger that nobody asks: the VPC is on record, or IPAM gives its block.
fn ledger(recorded: &Recorded) -> Ledger {
    let config = dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(AwsRegion::new("eu-west-1"))
        .credentials_provider(Credentials::new("key", "secret", None, None, "test"))
        .http_client(recorded.http_client());
    Ledger::new(dynamodb::Client::from_conf(config.build()), "ledger".to_owned())
}

fn answer(operation: &str, set: &str, items: &[String], rest: &str) -> String {
    let items: String = items.iter().map(|item| format!("<item>{item}</item>")).collect();
    format!("<{operation}Response><{set}>{items}</{set}>{rest}</{operation}Response>")
}

const TAGS: &str = "<tagSet><item><key>berth:managed-by</key><value>berth</value></item>\
    <item><key>berth:account</key><value>111122223333</value></item></tagSet>";

fn vpc(id: &str, block: &str, more: &str) -> String {
    format!("<vpcId>{id}</vpcId><cidrBlock>{block}</cidrBlock>{more}")
}

fn vpcs(items: &[String], rest: &str) -> String {
    answer("DescribeVpcs", "vpcSet", items, rest)
}

const VPCS: &[&str] = &["Action=DescribeVpcs&"];
const TABLES: &[&str] = &["Action=DescribeRouteTables&"];
const ENDPOINTS: &[&str] = &["Action=DescribeVpcEndpoints&"];
const GROUPS: &[&str] = &["Action=DescribeSecurityGroups&"];
const SUBNETS: &[&str] = &["Action=DescribeSubnets&"];

/// A region in which the VPC on record is, with nothing in it.
fn recorded_region() -> Recorded {
    Recorded::default()
        .on(VPCS, vpcs(&[vpc("vpc-1", "10.1.0.0/20", TAGS)], ""))
        .on(SUBNETS, answer("DescribeSubnets", "subnetSet", &[], ""))
        .on(TABLES, answer("DescribeRouteTables", "routeTableSet", &[], ""))
        .on(GROUPS, answer("DescribeSecurityGroups", "securityGroupInfo", &[], ""))
        .on(ENDPOINTS, answer("DescribeVpcEndpoints", "vpcEndpointSet", &[], ""))
        .on(&["Action=DescribeFlowLogs&"], answer("DescribeFlowLogs", "flowLogSet", &[], ""))
}

async fn read(recorded: &Recorded) -> State {
    region(&ec2(recorded), &ledger(recorded), &input(), on_record()).await.unwrap()
}

#[tokio::test]
async fn every_further_block_is_seen_unless_it_is_gone() {
    let block = |block: &str, state: &str| {
        format!("<item><cidrBlock>{block}</cidrBlock><cidrBlockState><state>{state}</state></cidrBlockState></item>")
    };
    let states = ["associating", "associated", "disassociating", "disassociated", "failing", "failed", "entangled"];
    let blocks: String = states.iter().enumerate().map(|(n, state)| block(&format!("10.2{n}.0.0/24"), state)).collect();
    let first = block("10.1.0.0/20", "associated");
    let bare = "<item><cidrBlock>10.99.0.0/24</cidrBlock></item>";
    let set = format!("{TAGS}<cidrBlockAssociationSet>{first}{blocks}{bare}</cidrBlockAssociationSet>");
    let observed = read(&recorded_region().but(VPCS, vpcs(&[vpc("vpc-1", "10.1.0.0/20", &set)], ""))).await;
    let further: Vec<String> =
        observed.vpc.unwrap().further.into_iter().map(|(block, state)| format!("{block} {state}")).collect();
    assert_eq!(
        further,
        [
            "10.20.0.0/24 associating",
            "10.21.0.0/24 associated",
            "10.22.0.0/24 disassociating",
            "10.24.0.0/24 failing",
            "10.26.0.0/24 entangled",
            "10.99.0.0/24 of unknown state",
        ]
    );
}

#[tokio::test]
async fn the_vpc_on_record_is_found_on_a_further_page_also_without_tags() {
    let first = vpcs(&[vpc("vpc-0", "172.31.0.0/16", TAGS)], "<nextToken>two</nextToken>");
    let second = vpcs(&[vpc("vpc-1", "10.1.0.0/20", "")], "");
    let recorded = recorded_region().but(VPCS, first).but(&["Action=DescribeVpcs&", "NextToken=two"], second);
    let observed = read(&recorded).await;
    assert_eq!(observed.vpc.unwrap().id, "vpc-1");
    assert_eq!(observed.not_owned.len(), 2, "{:?}", observed.not_owned);
    assert!(recorded.asked().iter().filter(|asked| asked.contains("vpc-id")).all(|asked| !asked.contains("vpc-0")));
}

#[tokio::test]
async fn a_vpc_without_a_block_yet_and_a_region_that_is_closed_are_waited_for() {
    let bare = recorded_region().but(VPCS, vpcs(&["<vpcId>vpc-1</vpcId>".to_owned()], ""));
    let closed = Recorded::default().refuse(VPCS, "AuthFailure");
    for recorded in [bare, closed] {
        let error = region(&ec2(&recorded), &ledger(&recorded), &input(), on_record()).await.unwrap_err();
        assert_eq!(error.fault, Fault::NotReady, "{error}");
    }
}

#[tokio::test]
async fn every_way_out_of_the_vpc_is_seen_and_whose_a_peering_is() {
    let to = "<destinationCidrBlock>10.9.0.0/16</destinationCidrBlock>";
    let targets = [
        format!("{to}<gatewayId>local</gatewayId>"),
        format!("{to}<transitGatewayId>tgw-1</transitGatewayId>"),
        "<destinationPrefixListId>pl-1</destinationPrefixListId><gatewayId>vpce-1</gatewayId>".to_owned(),
        format!("{to}<vpcPeeringConnectionId>pcx-1</vpcPeeringConnectionId><state>active</state>"),
        format!("{to}<vpcPeeringConnectionId>pcx-2</vpcPeeringConnectionId><state>blackhole</state>"),
        format!("{to}<gatewayId>vgw-1</gatewayId>"),
        format!("{to}<natGatewayId>nat-1</natGatewayId>"),
        format!("{to}<networkInterfaceId>eni-1</networkInterfaceId>"),
        format!("{to}<coreNetworkArn>arn:core</coreNetworkArn>"),
        format!("{to}<localGatewayId>lgw-1</localGatewayId>"),
        format!("{to}<carrierGatewayId>cagw-1</carrierGatewayId>"),
        "<destinationIpv6CidrBlock>::/0</destinationIpv6CidrBlock>\
         <egressOnlyInternetGatewayId>eigw-1</egressOnlyInternetGatewayId>"
            .to_owned(),
        to.to_owned(),
    ];
    let routes: String = targets.iter().map(|route| format!("<item>{route}</item>")).collect();
    let table = format!("<routeTableId>rtb-1</routeTableId><vpcId>vpc-1</vpcId><routeSet>{routes}</routeSet>");
    let side = |vpc: &str, owner: &str| format!("<vpcId>{vpc}</vpcId><ownerId>{owner}</ownerId>");
    let peering = format!(
        "<vpcPeeringConnectionId>pcx-1</vpcPeeringConnectionId><requesterVpcInfo>{}</requesterVpcInfo>\
         <accepterVpcInfo>{}</accepterVpcInfo>",
        side("vpc-1", "111122223333"),
        side("vpc-9", "999988887777")
    );
    let peerings = answer("DescribeVpcPeeringConnections", "vpcPeeringConnectionSet", &[peering], "");
    let recorded = recorded_region()
        .but(TABLES, answer("DescribeRouteTables", "routeTableSet", &[table], ""))
        .but(&["Action=DescribeVpcPeeringConnections&", "pcx-1"], peerings);
    let observed = read(&recorded).await;
    let found: Vec<&str> = observed.tables[0].paths.iter().map(|(_, target)| target.as_str()).collect();
    let expected = [
        "pcx-1",
        "vgw-1",
        "nat-1",
        "eni-1",
        "arn:core",
        "lgw-1",
        "cagw-1",
        "eigw-1",
        "a target that Berth does not know",
    ];
    assert_eq!(found, expected);
    assert_eq!(observed.peers["pcx-1"], "vpc-1 of account 111122223333 and vpc-9 of account 999988887777");
    let reported = crate::decide::planned::changes(&input(), &observed, observed.vpc.as_ref().unwrap());
    let peering = reported.iter().find(|change| change.what.contains("pcx-1")).unwrap();
    assert!(peering.what.contains("vpc-9 of account 999988887777, past the Transit Gateway: 10.9.0.0/16 in rtb-1"));
    assert_eq!((reported.len(), peering.by_berth), (expected.len(), false));
}

#[tokio::test]
async fn tables_of_ours_are_told_from_others_by_their_tags_and_keep_their_subnets() {
    let tag = |value: &str| {
        TAGS.replace("</tagSet>", &format!("<item><key>berth:routing</key><value>{value}</value></item></tagSet>"))
    };
    let table = |id: &str, tags: &str| {
        format!(
            "<routeTableId>{id}</routeTableId><vpcId>vpc-1</vpcId>{tags}<associationSet><item>\
             <subnetId>subnet-{id}</subnetId></item><item><main>true</main></item></associationSet>"
        )
    };
    let items = [
        table("rtb-1", &tag("private")),
        table("rtb-2", &tag("public")),
        table("rtb-3", &tag("sideways")),
        table("rtb-4", "<tagSet><item><key>berth:routing</key><value>private</value></item></tagSet>"),
        "<vpcId>vpc-1</vpcId>".to_owned(),
    ];
    let observed =
        read(&recorded_region().but(TABLES, answer("DescribeRouteTables", "routeTableSet", &items, ""))).await;
    let kinds: Vec<Option<TierRouting>> = observed.tables.iter().map(|table| table.routing).collect();
    assert_eq!(kinds, [Some(TierRouting::Private), Some(TierRouting::Public), None, None]);
    assert_eq!(observed.tables[0].subnets, ["subnet-rtb-1".to_owned()].into());
}

#[tokio::test]
async fn gone_endpoints_do_not_count_and_groups_not_seen_empty_are_open() {
    let endpoint = |n: usize, state: &str, kind: &str| {
        format!(
            "<vpcEndpointId>vpce-{n}</vpcEndpointId><vpcEndpointType>{kind}</vpcEndpointType><vpcId>vpc-1</vpcId>\
             <serviceName>com.amazonaws.eu-west-1.s3</serviceName><state>{state}</state>"
        )
    };
    let states = ["available", "pending", "deleting", "deleted", "failed", "rejected", "expired", "entangled"];
    let mut items: Vec<String> = states.iter().enumerate().map(|(n, state)| endpoint(n, state, "Gateway")).collect();
    items.push(endpoint(8, "available", "Interface"));
    let observed =
        read(&recorded_region().but(ENDPOINTS, answer("DescribeVpcEndpoints", "vpcEndpointSet", &items, ""))).await;
    let living: Vec<&str> = observed.endpoints.iter().map(|endpoint| endpoint.id.as_str()).collect();
    assert_eq!(living, ["vpce-0", "vpce-1", "vpce-7"]);
    assert!(!observed.default_group_closed, "a group that the answer lacks is not known to be closed");
    let empty = "<groupId>sg-1</groupId><vpcId>vpc-1</vpcId>".to_owned();
    let open = format!("{empty}<ipPermissions><item><ipProtocol>-1</ipProtocol></item></ipPermissions>");
    for (group, is_closed) in [(empty, true), (open, false)] {
        let groups = answer("DescribeSecurityGroups", "securityGroupInfo", &[group], "");
        assert_eq!(read(&recorded_region().but(GROUPS, groups)).await.default_group_closed, is_closed);
    }
}

#[tokio::test]
async fn the_pools_cidrs_are_asked_for_only_before_a_vpc_is_on_record() {
    let cidr = |block: &str, state: &str| format!("<cidr>{block}</cidr><state>{state}</state>");
    let items = [cidr("10.0.0.0/12", "provisioned"), cidr("10.64.0.0/12", "deprovisioned"), cidr("x", "provisioned")];
    let recorded =
        recorded_region().but(&["Action=GetIpamPoolCidrs&"], answer("GetIpamPoolCidrs", "ipamPoolCidrSet", &items, ""));
    let mut unlisted = input();
    let pool_id = "ipam-pool-1".to_owned();
    unlisted.network.addresses = Addresses::Ipam { pool_id, prefix_length: 20, supernets: Vec::new() };
    let known = Known { recorded: None, ..on_record() };
    let seen = region(&ec2(&recorded), &ledger(&recorded), &unlisted, known).await.unwrap();
    assert_eq!(seen.known.given, ["10.0.0.0/12".parse().unwrap()]);
    assert_eq!(seen.not_owned, ["vpc-1 has Berth's tags, but the ledger knows of no CreateVpc"]);
    let asked = |recorded: &Recorded| recorded.asked().iter().any(|asked| asked.contains("GetIpamPoolCidrs"));
    assert!(asked(&recorded));
    let recorded = recorded_region();
    read(&recorded).await;
    assert!(!asked(&recorded));
}
