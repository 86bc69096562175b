//! What `observe` makes of recorded answers of EC2, in both accounts.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::format_collect)]

use aws_sdk_ec2::config::{BehaviorVersion, Credentials, Region as AwsRegion};
use berth_recorded::Recorded;

use super::*;
use crate::decide_tests::input;

const TAGS: &str = "<tagSet><item><key>berth:managed-by</key><value>berth</value></item>\
    <item><key>berth:account</key><value>111122223333</value></item></tagSet>";

fn ec2(recorded: &Recorded) -> Client {
    let config = aws_sdk_ec2::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(AwsRegion::new("eu-west-1"))
        .credentials_provider(Credentials::new("key", "secret", None, None, "test"))
        .http_client(recorded.http_client());
    Client::from_conf(config.build())
}

fn answer(operation: &str, set: &str, items: &[&str], rest: &str) -> String {
    let items: String = items.iter().map(|item| format!("<item>{item}</item>")).collect();
    format!("<{operation}Response><{set}>{items}</{set}>{rest}</{operation}Response>")
}

fn attachment(id: &str, state: &str, rest: &str) -> String {
    format!(
        "<transitGatewayAttachmentId>{id}</transitGatewayAttachmentId><transitGatewayId>tgw-1</transitGatewayId>\
         <state>{state}</state>{rest}"
    )
}

fn ids(attachments: &[Attachment]) -> Vec<(&str, bool)> {
    attachments.iter().map(|attachment| (attachment.id.as_str(), attachment.is_ours)).collect()
}

#[tokio::test]
async fn in_the_tenant_account_tags_say_whose_an_attachment_is_over_all_pages() {
    let operation = "DescribeTransitGatewayVpcAttachments";
    let page = |items: &[&str], rest: &str| answer(operation, "transitGatewayVpcAttachments", items, rest);
    let second = page(&[&attachment("tgw-attach-2", "pending", "")], "");
    let first = page(
        &[&attachment("tgw-attach-0", "deleted", TAGS), &attachment("tgw-attach-1", "available", TAGS)],
        "<nextToken>2</nextToken>",
    );
    let recorded = Recorded::default()
        .on(&[&format!("Action={operation}&"), "NextToken=2&"], second)
        .on(&[&format!("Action={operation}&"), "Filter.1.Name=vpc-id&", "vpc-1&"], first);
    let found = attachments(&ec2(&recorded), &input(), "vpc-1").await.unwrap();
    assert_eq!(ids(&found), [("tgw-attach-1", true), ("tgw-attach-2", false)]);
}

#[tokio::test]
async fn of_a_closed_account_the_record_says_whose_an_attachment_is() {
    let items = [attachment("tgw-attach-1", "available", ""), attachment("tgw-attach-2", "available", "")];
    let items: Vec<&str> = items.iter().map(String::as_str).collect();
    let described = answer("DescribeTransitGatewayAttachments", "transitGatewayAttachments", &items, "");
    let recorded = Recorded::default().on(
        &["Action=DescribeTransitGatewayAttachments&", "Name=resource-id&", "Name=resource-owner-id&", "111122223333&"],
        described,
    );
    for (known, expected) in [(Some("tgw-attach-1"), [true, false]), (None, [false, false])] {
        let found = hub::attachments(&ec2(&recorded), &input(), "vpc-1", known).await.unwrap();
        assert_eq!(found.iter().map(|each| each.is_ours).collect::<Vec<_>>(), expected);
    }
}

#[tokio::test]
async fn only_routes_to_the_gateway_in_tables_of_ours_are_taken_away() {
    let route =
        |to: &str, target: &str| format!("<item><destinationCidrBlock>{to}</destinationCidrBlock>{target}</item>");
    let gateway = "<transitGatewayId>tgw-1</transitGatewayId>";
    let routes = [
        route("10.0.0.0/8", gateway),
        route("10.1.0.0/20", "<gatewayId>local</gatewayId>"),
        route("10.9.0.0/16", "<transitGatewayId>tgw-9</transitGatewayId>"),
        format!("<item><destinationPrefixListId>pl-0a1b2c3d</destinationPrefixListId>{gateway}</item>"),
    ]
    .concat();
    let table = |id: &str, tags: &str| format!("<routeTableId>{id}</routeTableId><routeSet>{routes}</routeSet>{tags}");
    let (ours, others) = (table("rtb-1", TAGS), table("rtb-9", ""));
    let described = answer("DescribeRouteTables", "routeTableSet", &[&ours, &others], "");
    let recorded = Recorded::default().on(&["Action=DescribeRouteTables&"], described);
    let found = super::routes(&ec2(&recorded), &input(), "vpc-1", &["tgw-1"]).await.unwrap();
    let found: Vec<String> = found.iter().map(|route| format!("{} {}", route.table, route.destination)).collect();
    assert_eq!(found, ["rtb-1 10.0.0.0/8", "rtb-1 pl-0a1b2c3d"]);
}

/// The network account, with this association and these routes in a table.
fn network(association: &str, routes: &str) -> Recorded {
    let seen = attachment("tgw-attach-1", "available", association);
    let propagation = |id: &str, state: &str| {
        format!("<transitGatewayRouteTableId>{id}</transitGatewayRouteTableId><state>{state}</state>")
    };
    let learning = [propagation("tgw-rtb-a", "enabled"), propagation("tgw-rtb-b", "disabling")];
    let learning: Vec<&str> = learning.iter().map(String::as_str).collect();
    let table = |id: &str, state: &str| propagation(id, state);
    let tables = [table("tgw-rtb-a", "available"), table("tgw-rtb-gone", "deleted")];
    let tables: Vec<&str> = tables.iter().map(String::as_str).collect();
    Recorded::default()
        .on(
            &["Action=DescribeTransitGatewayAttachments&"],
            answer("DescribeTransitGatewayAttachments", "transitGatewayAttachments", &[&seen], ""),
        )
        .on(
            &["Action=GetTransitGatewayAttachmentPropagations&"],
            answer("GetTransitGatewayAttachmentPropagations", "transitGatewayAttachmentPropagations", &learning, ""),
        )
        .on(
            &["Action=DescribeTransitGatewayRouteTables&"],
            answer("DescribeTransitGatewayRouteTables", "transitGatewayRouteTables", &tables, ""),
        )
        .on(
            &["Action=SearchTransitGatewayRoutes&", "TransitGatewayRouteTableId=tgw-rtb-a&"],
            format!(
                "<SearchTransitGatewayRoutesResponse><routeSet>{routes}</routeSet></SearchTransitGatewayRoutesResponse>"
            ),
        )
}

async fn hub_of(recorded: &Recorded) -> crate::Hub {
    let state = AttachmentState::Settled;
    let known = Attachment { id: "tgw-attach-1".to_owned(), gateway: "tgw-1".to_owned(), state, is_ours: true };
    hub::of(&ec2(recorded), &known).await.unwrap().unwrap()
}

#[tokio::test]
async fn association_propagations_and_written_routes_are_seen() {
    let associated = "<association><transitGatewayRouteTableId>tgw-rtb-spokes</transitGatewayRouteTableId>\
        <state>associated</state></association>";
    let routes = "<item><destinationCidrBlock>10.1.0.0/20</destinationCidrBlock><type>propagated</type></item>\
        <item><destinationCidrBlock>10.2.0.0/16</destinationCidrBlock><type>static</type></item>\
        <item><destinationCidrBlock>10.3.0.0/16</destinationCidrBlock><prefixListId>pl-9</prefixListId><type>static</type></item>";
    let hub = hub_of(&network(associated, routes)).await;
    assert_eq!((hub.associated.as_deref(), hub.is_changing), (Some("tgw-rtb-spokes"), false));
    assert_eq!(hub.learning.into_iter().collect::<Vec<_>>(), ["tgw-rtb-a"]);
    let written: Vec<(&str, &str)> = hub.written.iter().map(|(table, to)| (&**table, &**to)).collect();
    assert_eq!(written, [("tgw-rtb-a", "10.2.0.0/16"), ("tgw-rtb-a", "pl-9")]);
}

#[tokio::test]
async fn an_association_that_changes_is_waited_for_and_one_that_ended_is_none() {
    let association = |state: &str| format!("<association><state>{state}</state></association>");
    for (association, expected) in [
        (String::new(), (None, false)),
        (association("disassociating"), (None, true)),
        (association("associating"), (None, true)),
        (association("entangled"), (None, true)),
        (association("disassociated"), (None, false)),
    ] {
        let hub = hub_of(&network(&association, "")).await;
        assert_eq!((hub.associated.as_deref(), hub.is_changing), expected, "{association}");
    }
}
