//! What `observe` makes of recorded answers of EC2: whose each thing is, and what stands in the way.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::format_collect)]

use aws_sdk_ec2::config::{BehaviorVersion, Credentials, Region as AwsRegion};
use berth_recorded::Recorded;

use super::*;
use crate::decide_tests::input;

const TAGS: &str = "<tagSet><item><key>berth:managed-by</key><value>berth</value></item>\
    <item><key>berth:account</key><value>111122223333</value></item></tagSet>";
/// Berth's, of another account: whoever may tag can copy them.
const OTHERS_TAGS: &str = "<tagSet><item><key>berth:managed-by</key><value>berth</value></item>\
    <item><key>berth:account</key><value>444455556666</value></item></tagSet>";

fn ec2(recorded: &Recorded) -> Client {
    let config = aws_sdk_ec2::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(AwsRegion::new("eu-west-1"))
        .credentials_provider(Credentials::new("key", "secret", None, None, "test"))
        .http_client(recorded.http_client());
    Client::from_conf(config.build())
}

fn answer(operation: &str, set: &str, items: &[&str]) -> String {
    let items: String = items.iter().map(|item| format!("<item>{item}</item>")).collect();
    format!("<{operation}Response><{set}>{items}</{set}></{operation}Response>")
}

const LISTS: [(&str, &str); 11] = [
    ("DescribeNetworkInterfaces", "networkInterfaceSet"),
    ("DescribeSubnets", "subnetSet"),
    ("DescribeRouteTables", "routeTableSet"),
    ("DescribeSecurityGroups", "securityGroupInfo"),
    ("DescribeNetworkAcls", "networkAclSet"),
    ("DescribeVpcEndpoints", "vpcEndpointSet"),
    ("DescribeFlowLogs", "flowLogSet"),
    ("DescribeInternetGateways", "internetGatewaySet"),
    ("DescribeEgressOnlyInternetGateways", "egressOnlyInternetGatewaySet"),
    ("DescribeVpnGateways", "vpnGatewaySet"),
    ("DescribeVpcPeeringConnections", "vpcPeeringConnectionSet"),
];

/// A VPC with nothing in it but what these lists have.
fn with(lists: &[(&str, &[&str])]) -> Recorded {
    LISTS.into_iter().fold(Recorded::default(), |recorded, (operation, set)| {
        let items = lists.iter().find(|(name, _)| *name == operation).map_or(&[][..], |(_, items)| *items);
        recorded.on(&[&format!("Action={operation}&")], answer(operation, set, items))
    })
}

async fn read(recorded: &Recorded) -> Vpc {
    let account = input().run.account_id;
    let ours = |tags: &Tags| tags.are_ours(&account);
    let parts = parts::of(&ec2(recorded), "vpc-1").await.unwrap();
    vpc("vpc-1".to_owned(), true, &parts, &ours)
}

fn whats(vpc: &Vpc) -> Vec<&str> {
    vpc.foreign.iter().map(|held| held.what.as_str()).collect()
}

#[tokio::test]
async fn what_carries_our_tags_is_ours_and_what_aws_makes_with_a_vpc_is_nobodys() {
    let attached = "<attachmentSet><item><vpcId>vpc-1</vpcId><state>available</state></item></attachmentSet>";
    let main = "<routeTableId>rtb-main</routeTableId><associationSet><item><main>true</main></item></associationSet>";
    let of_gateway = "<networkInterfaceId>eni-1</networkInterfaceId><interfaceType>transit_gateway</interfaceType>";
    let recorded = with(&[
        ("DescribeNetworkInterfaces", &[of_gateway]),
        ("DescribeSubnets", &[&format!("<subnetId>subnet-1</subnetId>{TAGS}")]),
        ("DescribeRouteTables", &[main, &format!("<routeTableId>rtb-1</routeTableId>{TAGS}")]),
        ("DescribeSecurityGroups", &["<groupId>sg-1</groupId><groupName>default</groupName>"]),
        ("DescribeNetworkAcls", &["<networkAclId>acl-1</networkAclId><default>true</default>"]),
        (
            "DescribeVpcEndpoints",
            &[
                &format!("<vpcEndpointId>vpce-1</vpcEndpointId><state>available</state>{TAGS}"),
                &format!("<vpcEndpointId>vpce-2</vpcEndpointId><state>deleting</state>{TAGS}"),
                &format!("<vpcEndpointId>vpce-3</vpcEndpointId><state>Deleted</state>{TAGS}"),
            ],
        ),
        ("DescribeFlowLogs", &[&format!("<flowLogId>fl-1</flowLogId>{TAGS}"), "<flowLogId>fl-2</flowLogId>"]),
        ("DescribeInternetGateways", &[&format!("<internetGatewayId>igw-1</internetGatewayId>{attached}{TAGS}")]),
    ]);
    let vpc = read(&recorded).await;
    assert_eq!(whats(&vpc), Vec::<&str>::new());
    let part = |id: &str, is_going| Part { id: id.to_owned(), is_going };
    assert_eq!(vpc.endpoints, [part("vpce-1", false), part("vpce-2", true)]);
    assert_eq!(
        (&vpc.flow_logs[..], &vpc.subnets[..], &vpc.tables[..]),
        (&["fl-1".to_owned()][..], &["subnet-1".to_owned()][..], &["rtb-1".to_owned()][..])
    );
    assert_eq!(vpc.gateway.as_deref(), Some("igw-1"));
}

#[tokio::test]
async fn whatever_somebody_else_has_in_the_vpc_is_named() {
    let attached = "<attachmentSet><item><vpcId>vpc-1</vpcId><state>available</state></item></attachmentSet>";
    let instance =
        "<networkInterfaceId>eni-1</networkInterfaceId><attachment><instanceId>i-1</instanceId></attachment>";
    let balancer = "<networkInterfaceId>eni-2</networkInterfaceId><description>ELB app/web/1</description>";
    let lambda = "<networkInterfaceId>eni-3</networkInterfaceId><interfaceType>lambda</interfaceType>";
    let vpn = "<vpnGatewayId>vgw-1</vpnGatewayId><attachments><item><vpcId>vpc-1</vpcId><state>attached</state></item></attachments>";
    let gone = "<vpnGatewayId>vgw-2</vpnGatewayId><attachments><item><vpcId>vpc-1</vpcId><state>detached</state></item></attachments>";
    let peering = |id: &str, code: &str| {
        format!("<vpcPeeringConnectionId>{id}</vpcPeeringConnectionId><status><code>{code}</code></status>")
    };
    let recorded = with(&[
        ("DescribeNetworkInterfaces", &[instance, balancer, lambda]),
        ("DescribeSubnets", &[&format!("<subnetId>subnet-9</subnetId>{OTHERS_TAGS}")]),
        ("DescribeRouteTables", &["<routeTableId>rtb-9</routeTableId>"]),
        ("DescribeSecurityGroups", &["<groupId>sg-9</groupId><groupName>web</groupName>"]),
        ("DescribeNetworkAcls", &["<networkAclId>acl-9</networkAclId>"]),
        ("DescribeVpcEndpoints", &["<vpcEndpointId>vpce-9</vpcEndpointId><state>Available</state>"]),
        (
            "DescribeInternetGateways",
            &[
                &format!("<internetGatewayId>igw-9</internetGatewayId>{attached}"),
                "<internetGatewayId>igw-8</internetGatewayId>",
            ],
        ),
        (
            "DescribeEgressOnlyInternetGateways",
            &[&format!("<egressOnlyInternetGatewayId>eigw-9</egressOnlyInternetGatewayId>{attached}")],
        ),
        ("DescribeVpnGateways", &[vpn, gone]),
        ("DescribeVpcPeeringConnections", &[&peering("pcx-1", "active"), &peering("pcx-2", "deleted")]),
    ]);
    let vpc = read(&recorded).await;
    assert_eq!(
        whats(&vpc),
        [
            "VPN gateway vgw-1",
            "egress-only internet gateway eigw-9",
            "endpoint vpce-9",
            "instance i-1 (eni-1)",
            "internet gateway igw-9",
            "network ACL acl-9",
            "network interface eni-2 (\"ELB app/web/1\")",
            "network interface eni-3 of a lambda",
            "peering pcx-1",
            "route table rtb-9",
            "security group sg-9",
            "subnet subnet-9",
        ]
    );
    assert!(vpc.subnets.is_empty() && vpc.tables.is_empty() && vpc.endpoints.is_empty() && vpc.gateway.is_none());
    assert!(vpc.foreign.iter().all(|held| !held.remedy.is_empty()));
}

#[tokio::test]
async fn a_gateway_of_ours_that_hangs_on_nothing_is_found_again() {
    let account = input().run.account_id;
    let recorded = with(&[(
        "DescribeInternetGateways",
        &[
            "<internetGatewayId>igw-8</internetGatewayId>",
            &format!("<internetGatewayId>igw-1</internetGatewayId>{TAGS}"),
        ],
    )]);
    let gateways = parts::internet_gateways(&ec2(&recorded)).await.unwrap();
    let parts = Parts { gateways, ..Parts::default() };
    assert_eq!(parts.loose_gateway(&|tags: &Tags| tags.are_ours(&account)).as_deref(), Some("igw-1"));
}

#[tokio::test]
async fn a_vpc_that_is_not_listed_is_asked_for_by_its_id() {
    let by_id = &["Action=DescribeVpcs&", "VpcId.1=vpc-1&"];
    let there = Recorded::default().on(by_id, answer("DescribeVpcs", "vpcSet", &["<vpcId>vpc-1</vpcId>"]));
    let error = confirm_gone(&ec2(&there), Some("vpc-1")).await.unwrap_err();
    assert_eq!(error.fault, Fault::NotReady);
    let gone = Recorded::default().refuse(by_id, "InvalidVpcID.NotFound");
    confirm_gone(&ec2(&gone), Some("vpc-1")).await.unwrap();
    confirm_gone(&ec2(&Recorded::default()), None).await.unwrap();
}
