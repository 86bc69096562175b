//! What `decide` makes of many worlds: by table, and for any state of the network account.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::collections::BTreeSet;

use berth_step::{Decision, Fault, StepError};
use berth_tenancy::{Mode, Subject, TransitGatewayPlan};
use proptest::prelude::*;

use crate::{
    Action, Association, AssociationState, Attachment, AttachmentState, Details, Hub, Input, Output, PropagationState,
    Route, SpokeRoute, World,
    decide::{decide, imagine},
};

/// What somebody did to the network.
type Breach = fn(&mut World);

pub(crate) const ID: &str = "tgw-attach-1";

pub(crate) fn input() -> Input {
    Input {
        run: Subject {
            account_id: "111122223333".parse().unwrap(),
            account_name: "Payments (dev)".to_owned(),
            tenant: "payments".parse().unwrap(),
            environment: "dev".parse().unwrap(),
            execution: "arn:aws:states:us-east-1:210987654321:execution:berth-onboard-account:e".to_owned(),
            generation: 3,
            mode: Mode::Apply,
            tenant_role: "BerthTenant".parse().unwrap(),
            allow_disruption: false,
            opening_until: None,
        },
        region: "eu-west-1".parse().unwrap(),
        transit_gateway: TransitGatewayPlan {
            id: "tgw-1".to_owned(),
            network_account: "310987654321".parse().unwrap(),
            network_role: "BerthNetwork".parse().unwrap(),
            spoke_route_table: "tgw-rtb-spokes".to_owned(),
            propagate_to: vec!["tgw-rtb-shared".to_owned()],
            shared_attachments: vec!["tgw-attach-shared".to_owned()],
            routes: vec!["10.100.0.0/16".parse().unwrap(), "10.101.0.0/16".parse().unwrap()],
        },
        vpc_id: "vpc-1".to_owned(),
        cidr: "10.1.0.0/20".parse().unwrap(),
        attachment_subnets: vec!["subnet-1".to_owned(), "subnet-2".to_owned()],
        private_route_table: Some("rtb-private".to_owned()),
    }
}

pub(crate) fn attachment(state: AttachmentState) -> Attachment {
    let subnets = ["subnet-1".to_owned(), "subnet-2".to_owned()].into();
    Attachment { id: ID.to_owned(), state, subnets, is_ours: true }
}

pub(crate) fn spoke_route(destination: &str, attachment: &str) -> SpokeRoute {
    let (attachments, state) = match attachment {
        "" => (Vec::new(), "blackhole"),
        _ => (vec![attachment.to_owned()], "active"),
    };
    SpokeRoute { destination: destination.to_owned(), attachments, state: state.to_owned(), prefix_list: None }
}

pub(crate) fn tgw_route(destination: &str) -> Route {
    Route { destination: destination.parse().unwrap(), target: "tgw-1".to_owned(), is_blackhole: false }
}

/// Attached, joined, isolated, routed.
pub(crate) fn finished() -> World {
    let details = Details {
        propagations: [("tgw-rtb-shared".to_owned(), PropagationState::Enabled)].into(),
        spoke_routes: vec![spoke_route("10.100.0.0/15", "tgw-attach-shared"), spoke_route("10.0.0.0/8", "")],
        ..Details::default()
    };
    let association = Association { table: "tgw-rtb-spokes".to_owned(), state: AssociationState::Associated };
    World {
        attachment: Some(attachment(AttachmentState::Available)),
        others: Vec::new(),
        service_linked_role: false,
        hub: Some(Hub { association: Some(association), details: Some(details) }),
        routes: vec![tgw_route("10.100.0.0/16"), tgw_route("10.101.0.0/16")],
    }
}

pub(crate) fn with(change: impl FnOnce(&mut World)) -> World {
    let mut world = finished();
    change(&mut world);
    world
}

pub(crate) fn details(world: &mut World) -> &mut Details {
    world.hub.as_mut().unwrap().details.as_mut().unwrap()
}

pub(crate) fn association(world: &mut World) -> &mut Option<Association> {
    &mut world.hub.as_mut().unwrap().association
}

/// What is asked for next, one line an action.
fn asked(world: &World) -> Vec<String> {
    match decide(&input(), world).unwrap() {
        Decision::Act(actions) => actions.iter().map(ToString::to_string).collect(),
        Decision::Done(_) => Vec::new(),
    }
}

fn error(world: &World) -> StepError {
    match decide(&input(), world) {
        Err(error) => error,
        Ok(decision) => panic!("no fault, but {decision:?}"),
    }
}

#[test]
fn a_finished_attachment_needs_nothing_and_its_output_is_the_proof() {
    let Decision::Done(Output { attachment_id, isolation, planned_changes }) = decide(&input(), &finished()).unwrap()
    else {
        panic!("not done");
    };
    assert_eq!((attachment_id.as_str(), planned_changes), (ID, Vec::new()));
    assert_eq!(
        serde_json::to_value(isolation).unwrap(),
        serde_json::json!({
            "spokeRouteTable": "tgw-rtb-spokes",
            "associatedWith": "tgw-rtb-spokes",
            "propagatedTo": ["tgw-rtb-shared"],
            "spokeRoutes": {
                "count": 2,
                "leadTo": ["tgw-attach-shared"],
                "digest": "1e482d35ad4a89f45ec8c1cf9c7de37e8c5e47d4a86cc798feb965d819fe0892",
                "first": [
                    { "destination": "10.0.0.0/8", "attachments": [], "state": "blackhole" },
                    { "destination": "10.100.0.0/15", "attachments": ["tgw-attach-shared"], "state": "active" },
                ],
            },
            "defaultAssociation": false,
            "defaultPropagation": false,
        })
    );
}

#[test]
fn every_stage_asks_for_its_own_changes_and_no_others() {
    let table: [(World, &[&str]); 8] = [
        (World::default(), &["ensure the service-linked role of Transit Gateway"]),
        (World { service_linked_role: true, ..World::default() }, &["attach vpc-1 to tgw-1 with subnet-1, subnet-2"]),
        (
            World { attachment: Some(attachment(AttachmentState::PendingAcceptance)), ..World::default() },
            &["accept tgw-attach-1"],
        ),
        (
            with(|world| {
                world.attachment.as_mut().unwrap().subnets.remove("subnet-2");
            }),
            &["add subnet-2 to tgw-attach-1"],
        ),
        (
            with(|world| world.hub = Some(Hub::default())),
            &["associate tgw-attach-1 with tgw-rtb-spokes", "propagate tgw-attach-1 to tgw-rtb-shared"],
        ),
        (with(|world| details(world).propagations.clear()), &["propagate tgw-attach-1 to tgw-rtb-shared"]),
        (
            with(|world| {
                world.routes.remove(0);
            }),
            &["route 10.100.0.0/16 to tgw-1 in rtb-private"],
        ),
        (
            with(|world| {
                world.attachment.as_mut().unwrap().subnets.insert("subnet-9".to_owned());
            }),
            &[],
        ),
    ];
    for (world, expected) in table {
        assert_eq!(asked(&world), expected, "{world:?}");
    }
}

#[test]
fn what_aws_is_still_doing_is_not_ready_and_says_for_what_it_waits() {
    let working = |name: &str| World { attachment: Some(attachment(AttachmentState::of(name))), ..World::default() };
    let associating = |state| {
        with(|world| {
            association(world).as_mut().unwrap().state = state;
            world.hub.as_mut().unwrap().details = None;
        })
    };
    let table = [
        (working("initiating"), "tgw-attach-1 is initiating"),
        (working("initiatingRequest"), "tgw-attach-1 is initiatingRequest"),
        (working("pending"), "tgw-attach-1 is pending"),
        (working("modifying"), "tgw-attach-1 is modifying"),
        (working("somethingNew"), "tgw-attach-1 is somethingNew"),
        (associating(AssociationState::Associating), "tgw-attach-1 is being associated with tgw-rtb-spokes"),
        (associating(AssociationState::Disassociating), "tgw-attach-1 is being disassociated from tgw-rtb-spokes"),
        (with(|world| world.hub = None), "the network account's route tables change for tgw-attach-1"),
        (
            with(|world| {
                details(world).propagations.insert("tgw-rtb-shared".to_owned(), PropagationState::Changing);
            }),
            "the propagation of tgw-attach-1 to tgw-rtb-shared is changing",
        ),
    ];
    for (world, expected) in table {
        let error = error(&world);
        assert_eq!((error.fault, error.what.as_str()), (Fault::NotReady, expected));
    }
}

#[test]
fn an_attachment_that_ended_is_a_fault_with_a_next_step() {
    for state in ["failed", "failing", "rejected", "rejecting", "deleting"] {
        let ended = attachment(AttachmentState::of(state));
        let error = error(&World { attachment: Some(ended), ..World::default() });
        assert_eq!((error.fault, error.what), (Fault::InvalidInput, format!("tgw-attach-1 is {state}")));
        assert!(error.next.ends_with("then redrive the execution, which attaches anew"), "{}", error.next);
    }
}

#[test]
fn an_attachment_without_our_tags_is_not_owned_whatever_its_state() {
    for state in ["available", "pending", "failed", "pendingAcceptance"] {
        let mut theirs = attachment(AttachmentState::of(state));
        theirs.is_ours = false;
        assert_eq!(error(&World { attachment: Some(theirs), ..World::default() }).fault, Fault::NotOwned);
    }
}

#[test]
fn every_breach_of_isolation_is_a_fault_with_both_sides_and_no_route_is_made() {
    let table: [(Breach, &str); 10] = [
        (
            |world| association(world).as_mut().unwrap().table = "tgw-rtb-default".to_owned(),
            "tgw-attach-1 is associated with tgw-rtb-default; planned: tgw-rtb-spokes",
        ),
        (
            |world| {
                details(world).propagations.insert("tgw-rtb-spokes".to_owned(), PropagationState::Enabled);
            },
            "tgw-attach-1 propagates to tgw-rtb-shared, tgw-rtb-spokes; planned: tgw-rtb-shared",
        ),
        (
            |world| details(world).default_association = true,
            "tgw-1 has default association on and default propagation off; planned: off and off",
        ),
        (
            |world| details(world).default_propagation = true,
            "tgw-1 has default association off and default propagation on; planned: off and off",
        ),
        (
            |world| details(world).spoke_routes.push(spoke_route("10.2.0.0/20", "tgw-attach-other")),
            "tgw-rtb-spokes has routes 10.2.0.0/20 (active) to tgw-attach-other; allowed attachments: tgw-attach-shared",
        ),
        (
            |world| details(world).spoke_routes[0].attachments.push("tgw-attach-other".to_owned()),
            "tgw-rtb-spokes has routes 10.100.0.0/15 (active) to tgw-attach-shared, tgw-attach-other; allowed \
             attachments: tgw-attach-shared",
        ),
        (
            |world| details(world).spoke_routes[0].attachments.clear(),
            "tgw-rtb-spokes has routes 10.100.0.0/15 (active) to nothing; allowed attachments: tgw-attach-shared",
        ),
        (
            |world| details(world).spoke_routes[0].attachments = vec![String::new()],
            "tgw-rtb-spokes has routes 10.100.0.0/15 (active) to nothing; allowed attachments: tgw-attach-shared",
        ),
        (
            |world| {
                let route = spoke_route("10.2.0.0/20", "tgw-attach-other");
                details(world).spoke_routes.push(SpokeRoute { prefix_list: Some("pl-0a1b2c3d".to_owned()), ..route });
            },
            "tgw-rtb-spokes has routes 10.2.0.0/20 of pl-0a1b2c3d (active) to tgw-attach-other; allowed attachments: \
             tgw-attach-shared",
        ),
        (
            |world| {
                details(world)
                    .spoke_routes
                    .push(SpokeRoute { state: "blackhole".to_owned(), ..spoke_route("fd00::/64", "tgw-attach-other") });
            },
            "tgw-rtb-spokes has routes fd00::/64 (blackhole) to tgw-attach-other; allowed attachments: \
             tgw-attach-shared",
        ),
    ];
    for (breach, expected) in table {
        let mut world = with(breach);
        world.routes.clear();
        let error = error(&world);
        assert_eq!(error.fault, Fault::NotOwned);
        assert_eq!(error.what, format!("isolation is not as planned in 310987654321: {expected}"));
    }
    let truncated = with(|world| details(world).spoke_routes_truncated = true);
    assert_eq!(error(&truncated).what, "tgw-rtb-spokes has more than 2 routes: isolation cannot be proven");
}

#[test]
fn a_message_names_the_first_breaches_and_counts_the_others() {
    let world = with(|world| {
        let other = |n: usize| spoke_route(&format!("10.2.{n}.0/24"), &format!("tgw-attach-{n}"));
        details(world).spoke_routes.extend((0..200).map(other));
    });
    let error = error(&world);
    assert_eq!(error.fault, Fault::NotOwned);
    assert!(error.what.contains("10.2.7.0/24 (active) to tgw-attach-7; and 192 more; allowed"), "{}", error.what);
    assert!(error.what.len() < 1000, "{}", error.what);
}

#[test]
fn a_plan_that_propagates_to_the_spoke_table_is_refused_before_anything_is_made() {
    let mut input = input();
    input.transit_gateway.propagate_to.push("tgw-rtb-spokes".to_owned());
    let error = decide(&input, &World::default()).unwrap_err();
    assert_eq!(error.fault, Fault::InvalidInput);
    assert!(error.what.contains("tenants would reach each other"));
}

#[test]
fn a_vpc_without_subnets_for_the_gateway_is_refused_before_anything_is_made() {
    let input = Input { attachment_subnets: Vec::new(), ..input() };
    assert_eq!(decide(&input, &World::default()).unwrap_err().fault, Fault::InvalidInput);
}

#[test]
fn without_a_private_table_there_is_nothing_to_route() {
    let input = Input { private_route_table: None, ..input() };
    let world = with(|world| world.routes.clear());
    assert!(matches!(decide(&input, &world).unwrap(), Decision::Done(_)));
}

#[test]
fn a_plan_shows_the_whole_way_and_finds_a_breach_that_is_there_already() {
    let mut planned = input();
    planned.run.mode = Mode::Plan;
    planned.vpc_id = "vpc-(new)".to_owned();
    let mut details = finished().hub.unwrap().details.unwrap();
    details.propagations.clear();
    let start = World { hub: Some(Hub { association: None, details: Some(details) }), ..World::default() };
    let mut world = start.clone();
    let mut lines = Vec::new();
    while let Decision::Act(actions) = decide(&planned, &world).unwrap() {
        lines.extend(actions.iter().map(ToString::to_string));
        actions.iter().map(imagine).for_each(|effect| world.apply(effect));
    }
    assert_eq!(
        lines,
        [
            "ensure the service-linked role of Transit Gateway",
            "attach vpc-(new) to tgw-1 with subnet-1, subnet-2",
            "associate tgw-attach-(new) with tgw-rtb-spokes",
            "propagate tgw-attach-(new) to tgw-rtb-shared",
            "route 10.100.0.0/16 to tgw-1 in rtb-private",
            "route 10.101.0.0/16 to tgw-1 in rtb-private",
        ]
    );
    let mut breached = world;
    breached.hub.as_mut().unwrap().details.as_mut().unwrap().default_association = true;
    assert_eq!(decide(&planned, &breached).unwrap_err().fault, Fault::NotOwned);
}

#[test]
fn the_payload_is_strict() {
    let mut json = serde_json::to_value(input()).unwrap();
    assert!(serde_json::from_value::<Input>(json.clone()).is_ok());
    json["privateRouteTable"] = serde_json::Value::Null;
    assert!(serde_json::from_value::<Input>(json.clone()).is_ok());
    json["vpcID"] = "vpc-1".into();
    assert!(serde_json::from_value::<Input>(json).unwrap_err().to_string().contains("vpcID"));
}

proptest! {
    #[test]
    fn no_world_lets_a_route_into_the_gateway_before_its_isolation_is_proven(
        table in 0usize..3,
        propagated in proptest::collection::btree_set(0usize..3, 0..3),
        defaults in any::<(bool, bool)>(),
        leads_to in proptest::collection::vec(0usize..3, 0..4),
    ) {
        let tables = ["tgw-rtb-spokes", "tgw-rtb-shared", "tgw-rtb-default"];
        let targets = ["tgw-attach-shared", "tgw-attach-other", ""];
        let world = with(|world| {
            world.routes.clear();
            association(world).as_mut().unwrap().table = tables[table].to_owned();
            let details = details(world);
            details.propagations =
                propagated.iter().map(|n| (tables[*n].to_owned(), PropagationState::Enabled)).collect();
            (details.default_association, details.default_propagation) = defaults;
            details.spoke_routes =
                leads_to.iter().map(|n| spoke_route("10.0.0.0/8", targets[*n])).collect();
        });
        let decision = decide(&input(), &world);
        let isolated = table == 0
            && propagated == BTreeSet::from([1])
            && defaults == (false, false)
            && !leads_to.contains(&1);
        let routes = matches!(&decision, Ok(Decision::Act(actions))
            if actions.iter().any(|action| matches!(action, Action::CreateRoute { .. })));
        prop_assert_eq!(routes, isolated);
        prop_assert!(!matches!(decision, Ok(Decision::Done(_))));
    }
}
