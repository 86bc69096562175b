//! Which VPCs are compared with which gateway, and the verdict on all of them at once.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::sync::LazyLock;

use berth_config::PlatformConfig;
use berth_isolation::{
    AssociatedWith, Association, AssociationState, Attached, Details, GatewayAttachment, GatewayRoute, RouteList,
    Target, Vpc, prove_all,
};
use berth_ledger::Record;
use berth_step::Fault;
use berth_tenancy::TransitGatewayPlan;
use prove_isolation::{Gateway, gateways};
use serde_json::json;

static PLATFORM: LazyLock<PlatformConfig> =
    LazyLock::new(|| PlatformConfig::parse(include_str!("../../../infra/platform.example.yaml")).unwrap());

const NETWORK: &str = "310987654321";

fn id(number: u32) -> String {
    format!("{number:012}")
}

fn record(number: u32, environment: &str, status: &str, cidr: &str) -> Record {
    let network = |region: &str| {
        let attachment = format!("tgw-attach-{number}-{region}");
        json!({ "vpcId": format!("vpc-{number}"), "cidr": cidr, "attachmentId": attachment })
    };
    serde_json::from_value(json!({
        "accountId": id(number), "tenant": format!("tenant{number}"), "environment": environment, "status": status,
        "generation": 1, "since": "2026-11-30T06:00:00Z",
        "regions": { "eu-west-1": network("eu-west-1"), "xx-gone-1": network("xx-gone-1") },
    }))
    .unwrap()
}

fn in_west<'a>(found: &'a [Gateway], environment: &str) -> &'a Gateway {
    let environment = environment.parse().unwrap();
    let here =
        |gateway: &&Gateway| gateway.region.as_str() == "eu-west-1" && gateway.environments.contains(&environment);
    found.iter().find(here).unwrap()
}

#[test]
fn every_vpc_on_record_is_compared_with_the_gateway_of_its_environment() {
    let records = [
        record(1, "dev", "onboarded", "10.16.0.0/20"),
        record(2, "dev", "failed", "10.16.16.0/20"),
        record(3, "prod", "offboarding-failed", "10.48.0.0/20"),
        record(4, "dev", "offboarded", "10.16.32.0/20"),
        record(5, "dev", "onboarded", "10.16.48.0"),
    ];
    let (found, left_over, problems) = gateways(&PLATFORM, &records);
    let accounts = |environment: &str| -> Vec<String> {
        in_west(&found, environment).vpcs.iter().map(|vpc| vpc.account_id.to_string()).collect()
    };
    assert!(accounts("dev").starts_with(&[id(1), id(2)]) && accounts("prod").contains(&id(3)), "{found:#?}");
    assert!(!accounts("dev").contains(&id(4)), "what was offboarded has no VPC");
    // The region that the platform has no more, of each account that is not offboarded.
    assert_eq!(left_over, 4);
    let [problem] = problems.as_slice() else { panic!("{problems:?}") };
    assert_eq!((problem.fault, problem.account.as_ref().unwrap().to_string()), (Fault::InvalidInput, id(5)));
    for gateway in &found {
        assert!(gateway.plan.routes.is_empty() && !gateway.environments.is_empty());
    }
}

fn plan() -> TransitGatewayPlan {
    serde_json::from_value(json!({
        "id": "tgw-1", "networkAccount": NETWORK, "networkRole": "BerthNetwork", "spokeRouteTable": "tgw-rtb-spokes",
        "propagateTo": ["tgw-rtb-shared"], "sharedAttachments": ["shared"], "tenantBlocks": ["10.16.0.0/12"],
        "routes": [],
    }))
    .unwrap()
}

/// The VPC of tenant `number`: 10.16.`number`.0/24.
fn vpc(number: u32) -> Vpc {
    Vpc {
        account_id: id(number).parse().unwrap(),
        tenant: format!("tenant{number}").parse().unwrap(),
        attachment: format!("tgw-attach-{number}"),
        cidr: format!("10.16.{number}.0/24").parse().unwrap(),
        is_planned: false,
    }
}

fn route(destination: &str, attachment: &str, kind: &str) -> GatewayRoute {
    GatewayRoute {
        destination: destination.to_owned(),
        prefix_list: None,
        kind: kind.to_owned(),
        state: "active".to_owned(),
        targets: vec![Target { attachment: attachment.to_owned(), kind: "vpc".to_owned() }],
    }
}

fn list(routes: Vec<GatewayRoute>) -> RouteList {
    RouteList { routes, is_cut: false }
}

fn attached_with(number: u32, with: AssociatedWith) -> (String, (GatewayAttachment, Option<Association>)) {
    let Vpc { attachment, account_id, .. } = vpc(number);
    let seen = GatewayAttachment { id: attachment.clone(), kind: "vpc".to_owned(), owner: account_id.to_string() };
    (attachment, (seen, Some(Association { with, state: AssociationState::Associated })))
}

/// A gateway at which the VPCs 1 to 3 are as planned.
fn isolated() -> (Details, Attached) {
    let spokes = || AssociatedWith::RouteTable("tgw-rtb-spokes".to_owned());
    let learned = (1..=3).map(|number| route(&vpc(number).cidr.to_string(), &vpc(number).attachment, "propagated"));
    let details = Details {
        spoke: list(vec![route("10.255.0.0/20", "shared", "static")]),
        learning: [("tgw-rtb-shared".to_owned(), list(learned.collect()))].into(),
        elsewhere: [("tgw-rtb-other".to_owned(), list(vec![route("10.255.0.0/20", "shared", "static")]))].into(),
        ..Details::default()
    };
    (details, (1..=3).map(|number| attached_with(number, spokes())).collect())
}

/// The accounts and messages of what is wrong after a change.
fn breaches(change: impl FnOnce(&mut Details, &mut Attached)) -> Vec<(Option<String>, String)> {
    let (mut details, mut attached) = isolated();
    change(&mut details, &mut attached);
    let vpcs: Vec<Vpc> = (1..=3).map(vpc).collect();
    let found = prove_all(&plan(), &vpcs, &details, &attached);
    assert!(found.iter().all(|error| error.fault == Fault::NotOwned), "{found:?}");
    found.into_iter().map(|error| (error.account.map(|account| account.to_string()), error.message)).collect()
}

fn learning(details: &mut Details) -> &mut Vec<GatewayRoute> {
    &mut details.learning.get_mut("tgw-rtb-shared").unwrap().routes
}

#[test]
fn vpcs_that_are_as_planned_have_no_breach() {
    assert_eq!(breaches(|_, _| ()), []);
}

#[test]
fn what_is_gone_or_not_learned_is_drift_and_no_breach() {
    let gone = |details: &mut Details, attached: &mut Attached| {
        learning(details).remove(0);
        attached.remove("tgw-attach-2");
    };
    assert_eq!(breaches(gone), []);
}

#[test]
fn a_breach_names_each_account_that_it_concerns_and_no_other() {
    let found = breaches(|details, attached| {
        // Tenant 1 has a block inside the one of tenant 2; tenant 3 goes by another table.
        learning(details).push(route("10.16.2.128/25", "tgw-attach-1", "propagated"));
        attached.extend([attached_with(3, AssociatedWith::RouteTable("tgw-rtb-other".to_owned()))]);
    });
    let concerned: Vec<Option<String>> = found.iter().map(|(account, _)| account.clone()).collect();
    assert_eq!(concerned, [Some(id(1)), Some(id(2)), Some(id(3))], "{found:#?}");
    assert!(found[0].1.contains("tgw-rtb-shared learns 10.16.2.128/25"), "{found:#?}");
    assert!(found[1].1.contains("leads parts of 10.16.2.0/24 elsewhere: 10.16.2.128/25"), "{found:#?}");
    assert!(found[2].1.contains("tgw-attach-3 is associated with tgw-rtb-other"), "{found:#?}");
}

#[test]
fn a_propagation_into_any_other_table_is_a_breach() {
    let found = breaches(|details, _| {
        let other = details.elsewhere.get_mut("tgw-rtb-other").unwrap();
        other.routes.push(route("10.16.2.0/24", "tgw-attach-2", "propagated"));
    });
    let [(account, message)] = found.as_slice() else { panic!("{found:#?}") };
    assert_eq!(*account, Some(id(2)));
    assert!(message.contains("more tables than tgw-rtb-shared lead to tgw-attach-2: tgw-rtb-other"), "{message}");
}

#[test]
fn a_breach_of_the_gateway_is_told_once_and_of_no_account() {
    type Change = fn(&mut Details, &mut Attached);
    let changes: [(&str, Change); 4] = [
        ("has default association on", |details, _| details.options.default_association = true),
        ("has routes 10.16.1.0/24 (active) to tgw-attach-1", |details, _| {
            details.spoke.routes.push(route("10.16.1.0/24", "tgw-attach-1", "propagated"));
        }),
        ("leads blocks of tenants on", |details, _| details.spoke.routes.push(route("0.0.0.0/0", "shared", "static"))),
        ("account 000000000002 of tenant tenant2", |details, _| {
            let (seen, _) = attached_with(2, AssociatedWith::Unknown).1;
            details.users.push(("tgw-rtb-shared".to_owned(), seen));
        }),
    ];
    for (words, change) in changes {
        let found = breaches(change);
        let [(None, message)] = found.as_slice() else { panic!("{words}: {found:#?}") };
        assert!(message.contains(words), "{message}");
    }
}
