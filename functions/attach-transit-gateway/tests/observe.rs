//! What `observe` makes of recorded answers of EC2: absent fields, further pages, every type and state, and what ended
//! beside what lives. The proof is only as good as this reading.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::format_collect)]
#![allow(clippy::many_single_char_names, clippy::type_complexity, reason = "a table of cases")]

use std::fmt::Write as _;

use aws_sdk_ec2::{
    Client,
    config::{BehaviorVersion, Credentials, Region},
};
use berth_isolation::{AssociatedWith, AssociationState, Details, GatewayOptions, Hub, PropagationState};
use berth_recorded::Recorded;
use berth_step::{Fault, StepError};
use berth_tenancy::Mode;
use jiff::Timestamp;

use super::{attachments, needs_network};
use crate::{
    AttachmentState, Input, State,
    decide_tests::{ID, attachment, input, owned},
};

fn client(recorded: &Recorded) -> Client {
    let config = aws_sdk_ec2::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .credentials_provider(Credentials::new("key", "secret", None, None, "test"))
        .http_client(recorded.http_client());
    Client::from_conf(config.build())
}

/// `<name>` around items, in the answer of an operation.
fn answer(operation: &str, set: &str, items: &[&str], rest: &str) -> String {
    let items = items.iter().fold(String::new(), |mut text, item| {
        let _ = write!(text, "<item>{item}</item>");
        text
    });
    format!("<{operation}Response><{set}>{items}</{set}>{rest}</{operation}Response>")
}

const SHARED: &str = "<transitGatewayAttachmentId>tgw-attach-shared</transitGatewayAttachmentId>\
    <resourceType>vpc</resourceType><resourceOwnerId>310987654321</resourceOwnerId>";

/// The VPC's attachment as the network account sees it, with this association.
fn own(association: &str) -> String {
    format!(
        "<transitGatewayAttachmentId>{ID}</transitGatewayAttachmentId><resourceType>vpc</resourceType>\
         <resourceOwnerId>111122223333</resourceOwnerId>{association}"
    )
}

const ASSOCIATED: &str = "<association><transitGatewayRouteTableId>tgw-rtb-spokes</transitGatewayRouteTableId>\
    <state>associated</state></association>";

fn described(items: &[&str]) -> String {
    answer("DescribeTransitGatewayAttachments", "transitGatewayAttachments", items, "")
}

fn gateway(options: &str) -> String {
    let gateway = format!("<transitGatewayId>tgw-1</transitGatewayId><options>{options}</options>");
    answer("DescribeTransitGateways", "transitGatewaySet", &[&gateway], "")
}

const OPTIONS_OFF: &str = "<defaultRouteTableAssociation>disable</defaultRouteTableAssociation>\
    <defaultRouteTablePropagation>disable</defaultRouteTablePropagation><multicastSupport>disable</multicastSupport>";

fn propagations(items: &[&str]) -> String {
    answer("GetTransitGatewayAttachmentPropagations", "transitGatewayAttachmentPropagations", items, "")
}

fn route(destination: &str, attachment: &str, kind: &str, state: &str) -> String {
    format!(
        "<destinationCidrBlock>{destination}</destinationCidrBlock><transitGatewayAttachments><item>\
         <transitGatewayAttachmentId>{attachment}</transitGatewayAttachmentId><resourceType>vpc</resourceType>\
         </item></transitGatewayAttachments><type>{kind}</type><state>{state}</state>"
    )
}

fn found(routes: &[&str], rest: &str) -> String {
    answer("SearchTransitGatewayRoutes", "routeSet", routes, rest)
}

const ALL: &str = "<additionalRoutesAvailable>false</additionalRoutesAvailable>";

fn tables(ids: &[(&str, &str)]) -> String {
    let items: Vec<String> = ids
        .iter()
        .map(|(id, state)| {
            format!("<transitGatewayRouteTableId>{id}</transitGatewayRouteTableId><state>{state}</state>")
        })
        .collect();
    let items: Vec<&str> = items.iter().map(String::as_str).collect();
    answer("DescribeTransitGatewayRouteTables", "transitGatewayRouteTables", &items, "")
}

const USERS: &[&str] = &["Action=DescribeTransitGatewayAttachments", "association.transit-gateway-route-table-id"];
const OWN: &[&str] = &["Action=DescribeTransitGatewayAttachments", "Filter.1.Name=transit-gateway-attachment-id"];
const SPOKE: &[&str] = &["Action=SearchTransitGatewayRoutes", "tgw-rtb-spokes"];
const LEARNING: &[&str] = &["Action=SearchTransitGatewayRoutes", "tgw-rtb-shared"];
const POLICIES: &[&str] = &["Action=DescribeTransitGatewayPolicyTables"];
const TABLES: &[&str] = &["Action=DescribeTransitGatewayRouteTables"];
const GATEWAY: &[&str] = &["Action=DescribeTransitGateways&"];
const PROPAGATIONS: &[&str] = &["Action=GetTransitGatewayAttachmentPropagations"];

/// A network account in which everything is as planned.
fn network() -> Recorded {
    let enabled = "<transitGatewayRouteTableId>tgw-rtb-shared</transitGatewayRouteTableId><state>enabled</state>";
    let used = format!(
        "{SHARED}<association><transitGatewayRouteTableId>tgw-rtb-shared</transitGatewayRouteTableId>\
                        <state>associated</state></association>"
    );
    Recorded::default()
        .on(USERS, described(&[&used]))
        .on(OWN, described(&[&own(ASSOCIATED), SHARED]))
        .on(PROPAGATIONS, propagations(&[enabled]))
        .on(GATEWAY, gateway(OPTIONS_OFF))
        .on(SPOKE, found(&[&route("10.100.0.0/15", "tgw-attach-shared", "static", "active")], ALL))
        .on(LEARNING, found(&[&route("10.1.0.0/20", ID, "propagated", "active")], ALL))
        .on(TABLES, tables(&[("tgw-rtb-spokes", "available"), ("tgw-rtb-shared", "available")]))
        .on(POLICIES, answer("DescribeTransitGatewayPolicyTables", "transitGatewayPolicyTables", &[], ""))
}

fn attached() -> State {
    State { attachment: Some(attachment(AttachmentState::Available)), ..State::default() }
}

/// What the network account says of the VPC.
async fn hub(network: &Client, input: &Input, state: &State) -> Result<Hub, StepError> {
    let own = state.attachment.as_ref().map(|attachment| attachment.id.as_str());
    let is_plan = input.run.mode == Mode::Plan;
    berth_isolation::read::hub(network, &input.transit_gateway, own, is_plan, Timestamp::UNIX_EPOCH).await
}

async fn read(recorded: &Recorded) -> Result<Hub, StepError> {
    hub(&client(recorded), &input(), &attached()).await
}

async fn details(recorded: &Recorded) -> Details {
    read(recorded).await.unwrap().details.unwrap()
}

#[tokio::test]
async fn everything_that_the_proof_needs_is_read() {
    let recorded = network();
    let hub = read(&recorded).await.unwrap();
    let association = hub.association.unwrap();
    assert_eq!(association.with, AssociatedWith::RouteTable("tgw-rtb-spokes".to_owned()));
    assert_eq!(association.state, AssociationState::Associated);
    let details = hub.details.unwrap();
    assert_eq!(details.options, GatewayOptions::default());
    assert_eq!(details.propagations, [("tgw-rtb-shared".to_owned(), PropagationState::Enabled)].into());
    assert_eq!(details.spoke.routes.len(), 1);
    assert_eq!(details.learning["tgw-rtb-shared"].routes[0].destination, "10.1.0.0/20");
    assert_eq!(details.users, [("tgw-rtb-shared".to_owned(), owned("tgw-attach-shared", "310987654321"))]);
    let shared = owned("tgw-attach-shared", "310987654321");
    assert_eq!(details.attachments, [("tgw-attach-shared".to_owned(), shared)].into());
    assert!(details.elsewhere.is_empty() && details.policies.is_empty());
    let asked = recorded.asked();
    assert_eq!(asked.len(), 8, "{asked:#?}");
}

#[tokio::test]
async fn an_option_that_the_answer_does_not_say_counts_as_on() {
    let on = GatewayOptions { default_association: true, default_propagation: true, multicast: true };
    let cases = [
        ("", on),
        (
            "<defaultRouteTableAssociation>disable</defaultRouteTableAssociation>",
            GatewayOptions { default_association: false, ..on },
        ),
        (
            "<defaultRouteTablePropagation>disable</defaultRouteTablePropagation>",
            GatewayOptions { default_propagation: false, ..on },
        ),
        ("<multicastSupport>disable</multicastSupport>", GatewayOptions { multicast: false, ..on }),
        ("<defaultRouteTableAssociation>sometimes</defaultRouteTableAssociation>", on),
    ];
    for (options, expected) in cases {
        assert_eq!(details(&network().but(GATEWAY, gateway(options))).await.options, expected, "{options}");
    }
    let nothing = answer("DescribeTransitGateways", "transitGatewaySet", &[], "");
    assert_eq!(details(&network().but(GATEWAY, nothing)).await.options, on);
}

#[tokio::test]
async fn every_state_and_kind_of_an_association_is_told_apart() {
    let with = |inner: &str| format!("<association>{inner}</association>");
    let table = "<transitGatewayRouteTableId>tgw-rtb-spokes</transitGatewayRouteTableId>";
    let policy = "<transitGatewayPolicyTableId>tgw-ptb-1</transitGatewayPolicyTableId>";
    let spokes = || AssociatedWith::RouteTable("tgw-rtb-spokes".to_owned());
    let by_policy = || AssociatedWith::PolicyTable("tgw-ptb-1".to_owned());
    let cases = [
        (String::new(), None),
        (with(&format!("{table}<state>associating</state>")), Some((spokes(), AssociationState::Associating))),
        (with(&format!("{table}<state>associated</state>")), Some((spokes(), AssociationState::Associated))),
        (with(&format!("{table}<state>disassociating</state>")), Some((spokes(), AssociationState::Disassociating))),
        (with(&format!("{table}<state>disassociated</state>")), None),
        (with(&format!("{table}<state>entangled</state>")), Some((spokes(), AssociationState::Associating))),
        (with(table), Some((spokes(), AssociationState::Associating))),
        (with(&format!("{policy}<state>associated</state>")), Some((by_policy(), AssociationState::Associated))),
        (with(&format!("{table}{policy}<state>associated</state>")), Some((by_policy(), AssociationState::Associated))),
        (with("<state>associated</state>"), Some((AssociatedWith::Unknown, AssociationState::Associated))),
    ];
    for (association, expected) in cases {
        let hub = read(&network().but(OWN, described(&[SHARED, &own(&association)]))).await.unwrap();
        assert_eq!(hub.association.map(|each| (each.with, each.state)), expected, "{association}");
        let is_proven =
            association.contains(">associated<") && association.contains("rtb") && !association.contains("ptb");
        assert_eq!(hub.details.is_some(), is_proven, "{association}");
    }
}

#[tokio::test]
async fn an_attachment_that_the_network_account_does_not_see_is_waited_for() {
    let error = read(&network().but(OWN, described(&[SHARED]))).await.unwrap_err();
    assert_eq!((error.fault, error.message), (Fault::NotReady, format!("the network account does not see {ID} yet")));
}

#[tokio::test]
async fn routes_of_every_type_and_state_come_from_all_pages() {
    let kinds = ["static", "propagated", "system", "teleported"];
    let states = ["active", "blackhole", "pending", "deleting", "deleted", "entangled"];
    let routes: Vec<String> = kinds
        .iter()
        .flat_map(|kind| states.iter().map(move |state| route("10.9.0.0/16", "tgw-attach-shared", kind, state)))
        .collect();
    let first: Vec<&str> = routes[..12].iter().map(String::as_str).collect();
    let second: Vec<&str> = routes[12..].iter().map(String::as_str).collect();
    let more = "<additionalRoutesAvailable>true</additionalRoutesAvailable><nextToken>two</nextToken>";
    let recorded = network().but(SPOKE, found(&first, more));
    let recorded =
        recorded.but(&["Action=SearchTransitGatewayRoutes", "tgw-rtb-spokes", "NextToken=two"], found(&second, ALL));
    let spoke = details(&recorded).await.spoke;
    assert!(!spoke.is_cut);
    let read: Vec<(&str, &str)> =
        spoke.routes.iter().map(|route| (route.kind.as_str(), route.state.as_str())).collect();
    let expected: Vec<(&str, &str)> =
        kinds.iter().flat_map(|kind| states.iter().map(move |state| (*kind, *state))).collect();
    assert_eq!(read, expected);
    let search = recorded.asked().into_iter().find(|asked| asked.contains("tgw-rtb-spokes")).unwrap();
    assert!(search.contains("Filter.1.Name=state&") && !search.contains("Name=type"), "{search}");
}

#[tokio::test]
async fn fields_of_a_route_that_are_absent_are_empty_and_no_route_is_left_out() {
    let bare = [
        "",
        "<destinationCidrBlock>10.9.0.0/16</destinationCidrBlock>",
        "<transitGatewayAttachments><item/></transitGatewayAttachments><state>active</state>",
        "<prefixListId>pl-1</prefixListId><type>static</type>",
    ];
    let spoke = details(&network().but(SPOKE, found(&bare, ALL))).await.spoke;
    assert_eq!(spoke.routes.len(), 4);
    assert_eq!((spoke.routes[0].kind.as_str(), spoke.routes[0].state.as_str()), ("", ""));
    assert_eq!(spoke.routes[2].targets.len(), 1, "an attachment without an id is one");
    assert_eq!(spoke.routes[2].targets[0].attachment, "");
    assert_eq!(spoke.routes[3].prefix_list.as_deref(), Some("pl-1"));
}

#[tokio::test]
async fn a_table_that_ec2_does_not_give_whole_is_known_to_be_cut() {
    let one = route("10.9.0.0/16", "tgw-attach-shared", "static", "active");
    let more = "<additionalRoutesAvailable>true</additionalRoutesAvailable>";
    assert!(details(&network().but(SPOKE, found(&[&one], more))).await.spoke.is_cut);
    assert!(details(&network().but(LEARNING, found(&[&one], more))).await.learning["tgw-rtb-shared"].is_cut);
    assert!(!details(&network().but(SPOKE, found(&[&one], ""))).await.spoke.is_cut);
    let full = vec![one.as_str(); 1000];
    assert!(details(&network().but(SPOKE, found(&full, ""))).await.spoke.is_cut, "a full page that says nothing");
    // However often EC2 promises one page more.
    let endless = network().but(SPOKE, found(&[&one], "<nextToken>on</nextToken>"));
    assert!(details(&endless).await.spoke.is_cut);
}

#[tokio::test]
async fn tables_beside_the_planned_ones_are_searched_unless_they_are_gone() {
    let three = tables(&[
        ("tgw-rtb-spokes", "available"),
        ("tgw-rtb-shared", "available"),
        ("tgw-rtb-third", "available"),
        ("tgw-rtb-new", "pending"),
        ("tgw-rtb-gone", "deleted"),
        ("tgw-rtb-raced", "deleting"),
    ]);
    let recorded = network()
        .but(&["tgw-rtb-third"], found(&[&route("10.1.0.0/24", ID, "static", "active")], ALL))
        .but(&["tgw-rtb-new"], found(&[], ALL))
        .but(TABLES, three);
    let recorded = Recorded::default().refuse(&["tgw-rtb-raced"], "InvalidRouteTableID.NotFound").followed_by(recorded);
    let details = details(&recorded).await;
    assert_eq!(details.elsewhere.keys().collect::<Vec<_>>(), ["tgw-rtb-third"]);
    let asked = recorded.asked();
    assert!(!asked.iter().any(|asked| asked.contains("tgw-rtb-gone")), "{asked:#?}");
    let search = asked.iter().find(|asked| asked.contains("tgw-rtb-third")).unwrap();
    assert!(search.contains("attachment.transit-gateway-attachment-id"), "{search}");
}

#[tokio::test]
async fn policy_tables_of_the_gateway_are_read_with_where_they_lead() {
    let policy = |id: &str, gateway: &str, state: &str| {
        format!(
            "<transitGatewayPolicyTableId>{id}</transitGatewayPolicyTableId>\
                 <transitGatewayId>{gateway}</transitGatewayId><state>{state}</state>"
        )
    };
    let items = [
        policy("tgw-ptb-1", "tgw-1", "available"),
        policy("tgw-ptb-2", "tgw-9", "available"),
        policy("tgw-ptb-3", "tgw-1", "deleted"),
        "<transitGatewayPolicyTableId>tgw-ptb-4</transitGatewayPolicyTableId>".to_owned(),
    ];
    let items: Vec<&str> = items.iter().map(String::as_str).collect();
    let entries = |items: &[&str], rest: &str| {
        answer("GetTransitGatewayPolicyTableEntries", "transitGatewayPolicyTableEntries", items, rest)
    };
    let target = "<targetRouteTableId>tgw-rtb-shared</targetRouteTableId>";
    let recorded = network()
        .but(
            &["Action=GetTransitGatewayPolicyTableEntries", "tgw-ptb-1"],
            entries(&[target], "<nextToken>2</nextToken>"),
        )
        .but(&["Action=GetTransitGatewayPolicyTableEntries", "NextToken=2"], entries(&["<state>active</state>"], ""))
        .but(&["Action=GetTransitGatewayPolicyTableEntries", "tgw-ptb-4"], entries(&[], ""))
        .but(POLICIES, answer("DescribeTransitGatewayPolicyTables", "transitGatewayPolicyTables", &items, ""));
    let policies = details(&recorded).await.policies;
    assert_eq!(policies.keys().collect::<Vec<_>>(), ["tgw-ptb-1", "tgw-ptb-4"]);
    let unknown = "a table that the answer does not name".to_owned();
    assert_eq!(policies["tgw-ptb-1"], [unknown, "tgw-rtb-shared".to_owned()].into());
}

#[tokio::test]
async fn users_and_strangers_are_read_with_their_owners() {
    let bare = "<transitGatewayAttachmentId>tgw-attach-bare</transitGatewayAttachmentId>";
    let stranger = "<transitGatewayAttachmentId>tgw-attach-other</transitGatewayAttachmentId>\
                    <resourceType>vpc</resourceType><resourceOwnerId>999988887777</resourceOwnerId>";
    let recorded = network()
        .but(USERS, described(&[bare, stranger]))
        .but(SPOKE, found(&[&route("10.2.0.0/20", "tgw-attach-other", "static", "active")], ALL))
        .but(&["Action=DescribeTransitGatewayAttachments", "Value.1=tgw-attach-other"], described(&[stranger]));
    let details = details(&recorded).await;
    let users: Vec<&str> = details.users.iter().map(|(_, user)| user.id.as_str()).collect();
    assert_eq!(users, ["tgw-attach-bare", "tgw-attach-other"], "also one of which the answer says little");
    assert_eq!(details.attachments["tgw-attach-other"].owner, "999988887777");
}

#[tokio::test]
async fn propagations_of_every_state_come_from_all_pages() {
    let item = |table: &str, state: &str| {
        format!("<transitGatewayRouteTableId>{table}</transitGatewayRouteTableId><state>{state}</state>")
    };
    let (a, b) = (item("tgw-rtb-a", "enabled"), item("tgw-rtb-b", "disabled"));
    let first = answer(
        "GetTransitGatewayAttachmentPropagations",
        "transitGatewayAttachmentPropagations",
        &[&a, &b],
        "<nextToken>two</nextToken>",
    );
    let (c, d, e) = (item("tgw-rtb-c", "enabling"), item("tgw-rtb-d", "disabling"), item("tgw-rtb-e", "entangled"));
    let second = propagations(&[&c, &d, &e, "<state>enabled</state>"]);
    let recorded = network()
        .but(PROPAGATIONS, first)
        .but(&["Action=GetTransitGatewayAttachmentPropagations", "NextToken=two"], second);
    let read = details(&recorded).await.propagations;
    let changing = PropagationState::Changing;
    let expected = [
        ("", PropagationState::Enabled),
        ("tgw-rtb-a", PropagationState::Enabled),
        ("tgw-rtb-c", changing),
        ("tgw-rtb-d", changing),
        ("tgw-rtb-e", changing),
    ];
    assert_eq!(read, expected.map(|(table, state)| (table.to_owned(), state)).into());
}

#[tokio::test]
async fn what_platform_yaml_names_wrongly_is_said_with_its_field() {
    let cases = [
        (Recorded::default().refuse(SPOKE, "InvalidRouteTableID.NotFound"), "correct spokeRouteTable"),
        (Recorded::default().refuse(LEARNING, "InvalidRouteTableID.NotFound"), "correct propagateTo"),
        (Recorded::default().refuse(GATEWAY, "InvalidTransitGatewayID.NotFound"), "correct the Transit Gateway"),
    ];
    for (refusing, hint) in cases {
        let error = read(&refusing.followed_by(network())).await.unwrap_err();
        assert_eq!(error.fault, Fault::InvalidInput);
        assert!(error.hint.starts_with(hint), "{}", error.hint);
    }
}

/// An attachment as the tenant account sees it.
fn vpc_attachment(id: &str, gateway: &str, state: &str, tags: &[(&str, &str)]) -> String {
    let tags = tags.iter().fold(String::new(), |mut text, (key, value)| {
        let _ = write!(text, "<item><key>{key}</key><value>{value}</value></item>");
        text
    });
    format!(
        "<transitGatewayAttachmentId>{id}</transitGatewayAttachmentId><transitGatewayId>{gateway}</transitGatewayId>\
         <state>{state}</state><subnetIds><item>subnet-1</item></subnetIds><tagSet>{tags}</tagSet>"
    )
}

const OURS: [(&str, &str); 2] = [("berth:managed-by", "berth"), ("berth:account", "111122223333")];

fn vpc_attachments(items: &[String], rest: &str) -> String {
    let items: Vec<&str> = items.iter().map(String::as_str).collect();
    answer("DescribeTransitGatewayVpcAttachments", "transitGatewayVpcAttachments", &items, rest)
}

#[tokio::test]
async fn the_live_attachment_is_found_among_ended_ones_and_other_gateways() {
    let first = [
        vpc_attachment("tgw-attach-dead", "tgw-1", "deleted", &OURS),
        vpc_attachment("tgw-attach-other", "tgw-9", "available", &[]),
        vpc_attachment("tgw-attach-gone", "tgw-9", "deleted", &[]),
    ];
    let second = [
        vpc_attachment(ID, "tgw-1", "available", &OURS),
        vpc_attachment("tgw-attach-failed", "tgw-1", "failed", &OURS),
        "<state>available</state>".to_owned(),
    ];
    let asked: &[&str] = &["Action=DescribeTransitGatewayVpcAttachments"];
    let recorded = Recorded::default()
        .on(&[asked[0], "NextToken=two"], vpc_attachments(&second, ""))
        .on(asked, vpc_attachments(&first, "<nextToken>two</nextToken>"));
    let (found, others) = attachments(&client(&recorded), &input()).await.unwrap();
    let found = found.unwrap();
    assert_eq!((found.id.as_str(), &found.state, found.is_ours), (ID, &AttachmentState::Available, true));
    assert_eq!(others.iter().map(|other| other.id.as_str()).collect::<Vec<_>>(), ["tgw-attach-other"]);
}

#[tokio::test]
async fn absent_and_other_states_and_tags_of_an_attachment_are_told_apart() {
    let theirs = [("berth:managed-by", "berth"), ("berth:account", "999988887777")];
    let cases: [(&str, &[(&str, &str)], AttachmentState, bool); 5] = [
        ("available", &[], AttachmentState::Available, false),
        ("available", &theirs, AttachmentState::Available, false),
        ("pendingAcceptance", &OURS, AttachmentState::PendingAcceptance, true),
        ("rejected", &OURS, AttachmentState::Ended("rejected".to_owned()), true),
        ("entangled", &OURS, AttachmentState::Working("entangled".to_owned()), true),
    ];
    for (state, tags, expected, is_ours) in cases {
        let answer = vpc_attachments(&[vpc_attachment(ID, "tgw-1", state, tags)], "");
        let recorded = Recorded::default().on(&["Action=DescribeTransitGatewayVpcAttachments"], answer);
        let found = attachments(&client(&recorded), &input()).await.unwrap().0.unwrap();
        let asks = needs_network(&input(), &State { attachment: Some(found.clone()), ..State::default() });
        assert_eq!((found.state, found.is_ours), (expected, is_ours), "{state}");
        assert_eq!(asks, state == "available" && is_ours);
    }
}

#[tokio::test]
async fn routes_of_the_vpc_show_their_targets_whatever_those_are() {
    let route = |target: &str| format!("<destinationCidrBlock>10.9.0.0/16</destinationCidrBlock>{target}");
    let routes: Vec<String> = [
        "<transitGatewayId>tgw-1</transitGatewayId><state>active</state>",
        "<vpcPeeringConnectionId>pcx-1</vpcPeeringConnectionId><state>blackhole</state>",
        "<gatewayId>local</gatewayId>",
        "<coreNetworkArn>arn:aws:networkmanager::1:core-network/c</coreNetworkArn>",
    ]
    .map(route)
    .into();
    let set: String = routes.iter().map(|route| format!("<item>{route}</item>")).collect();
    let table =
        format!("<routeSet>{set}<item><destinationIpv6CidrBlock>::/0</destinationIpv6CidrBlock></item></routeSet>");
    let recorded = Recorded::default()
        .on(&["Action=DescribeRouteTables"], answer("DescribeRouteTables", "routeTableSet", &[&table], ""));
    let read = super::routes(&client(&recorded), &input()).await.unwrap();
    let targets: Vec<(&str, bool)> = read.iter().map(|route| (route.target.as_str(), route.is_blackhole)).collect();
    assert_eq!(targets, [("tgw-1", false), ("pcx-1", true), ("local", false), ("something else", false)]);
}
