//! What `decide` makes of many worlds: by table, and for any state of the network account.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::collections::BTreeSet;

use berth_isolation::{
    AssociatedWith, Association, AssociationState, Details, GatewayAttachment, GatewayRoute, Hub, PropagationState,
    RouteList, Target,
};
use berth_step::{Decision, Fault, StepError};
use berth_tenancy::{LeftOverTags, Mode, OrganizationTags, Subject, TransitGatewayPlan};
use proptest::prelude::*;

use crate::{Attachment, AttachmentState, Change, Input, Output, Route, State, decide::decide};

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
            tags: OrganizationTags::default(),
            left_over_tags: LeftOverTags::default(),
            only_planned: None,
            repairs: None,
        },
        region: "eu-west-1".parse().unwrap(),
        transit_gateway: TransitGatewayPlan {
            id: "tgw-1".to_owned(),
            network_account: "310987654321".parse().unwrap(),
            network_role: "BerthNetwork".parse().unwrap(),
            spoke_route_table: "tgw-rtb-spokes".to_owned(),
            propagate_to: vec!["tgw-rtb-shared".to_owned()],
            shared_attachments: vec!["tgw-attach-shared".to_owned()],
            filtering_attachments: Vec::new(),
            tenant_blocks: vec!["10.0.0.0/12".parse().unwrap()],
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
    Attachment { id: ID.to_owned(), state, subnets, is_ours: true, tags: input().tags() }
}

pub(crate) fn spoke_route(destination: &str, attachment: &str) -> GatewayRoute {
    let state = if attachment.is_empty() { "blackhole" } else { "active" };
    let target = Target { attachment: attachment.to_owned(), kind: "vpc".to_owned() };
    GatewayRoute {
        destination: destination.to_owned(),
        prefix_list: None,
        kind: "static".to_owned(),
        state: state.to_owned(),
        targets: Some(target).filter(|target| !target.attachment.is_empty()).into_iter().collect(),
    }
}

pub(crate) fn learned(destination: &str, attachment: &str) -> GatewayRoute {
    GatewayRoute { kind: "propagated".to_owned(), ..spoke_route(destination, attachment) }
}

pub(crate) fn whole(routes: Vec<GatewayRoute>) -> RouteList {
    RouteList { routes, is_cut: false }
}

/// An attachment of a VPC of this account.
pub(crate) fn owned(id: &str, owner: &str) -> GatewayAttachment {
    GatewayAttachment { id: id.to_owned(), kind: "vpc".to_owned(), owner: owner.to_owned() }
}

/// The gateway of the plan, with one tenant more and the shared services.
pub(crate) fn isolated() -> Details {
    let (shared, table) = (owned("tgw-attach-shared", "310987654321"), "tgw-rtb-shared".to_owned());
    let learning = whole(vec![learned("10.1.0.0/20", ID), learned("10.2.0.0/20", "tgw-attach-other")]);
    Details {
        propagations: [(table.clone(), PropagationState::Enabled)].into(),
        spoke: whole(vec![spoke_route("10.100.0.0/15", "tgw-attach-shared"), spoke_route("10.0.0.0/8", "")]),
        learning: [(table.clone(), learning)].into(),
        users: vec![(table, shared.clone())],
        attachments: [(shared.id.clone(), shared)].into(),
        ..Details::default()
    }
}

pub(crate) fn tgw_route(destination: &str) -> Route {
    Route { destination: destination.parse().unwrap(), target: "tgw-1".to_owned(), is_blackhole: false }
}

/// Attached, joined, isolated, routed.
pub(crate) fn finished() -> State {
    let with = AssociatedWith::RouteTable("tgw-rtb-spokes".to_owned());
    let association = Association { with, state: AssociationState::Associated };
    State {
        attachment: Some(attachment(AttachmentState::Available)),
        others: Vec::new(),
        service_linked_role: false,
        hub: Some(Hub { association: Some(association), details: Some(isolated()) }),
        routes: vec![tgw_route("10.100.0.0/16"), tgw_route("10.101.0.0/16")],
    }
}

pub(crate) fn with(change: impl FnOnce(&mut State)) -> State {
    let mut observed = finished();
    change(&mut observed);
    observed
}

pub(crate) fn details(observed: &mut State) -> &mut Details {
    observed.hub.as_mut().unwrap().details.as_mut().unwrap()
}

pub(crate) fn association(observed: &mut State) -> &mut Option<Association> {
    &mut observed.hub.as_mut().unwrap().association
}

/// What is asked for next, one line an action.
fn asked(observed: &State) -> Vec<String> {
    match crate::decide::decide(&input(), observed).unwrap() {
        Decision::Act(actions) => actions.iter().map(ToString::to_string).collect(),
        Decision::Done(_) => Vec::new(),
    }
}

fn error(observed: &State) -> StepError {
    match decide(&input(), observed) {
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
            "provenAt": "1970-01-01T00:00:00Z",
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
    let table: [(State, &[&str]); 8] = [
        (State::default(), &["ensure the service-linked role of Transit Gateway"]),
        (State { service_linked_role: true, ..State::default() }, &["attach vpc-1 to tgw-1 with subnet-1, subnet-2"]),
        (
            State { attachment: Some(attachment(AttachmentState::PendingAcceptance)), ..State::default() },
            &["accept tgw-attach-1"],
        ),
        (
            with(|observed| {
                observed.attachment.as_mut().unwrap().subnets.remove("subnet-2");
            }),
            &["add subnet-2 to tgw-attach-1"],
        ),
        (
            with(|observed| observed.hub = Some(Hub::default())),
            &["associate tgw-attach-1 with tgw-rtb-spokes", "propagate tgw-attach-1 to tgw-rtb-shared"],
        ),
        (with(|observed| details(observed).propagations.clear()), &["propagate tgw-attach-1 to tgw-rtb-shared"]),
        (
            with(|observed| {
                observed.routes.remove(0);
            }),
            &["route 10.100.0.0/16 to tgw-1 in rtb-private"],
        ),
        (
            with(|observed| {
                observed.attachment.as_mut().unwrap().subnets.insert("subnet-9".to_owned());
            }),
            &[],
        ),
    ];
    for (observed, expected) in table {
        assert_eq!(asked(&observed), expected, "{observed:?}");
    }
}

#[test]
fn what_aws_is_still_doing_is_not_ready_and_says_for_what_it_waits() {
    let working = |name: &str| State { attachment: Some(attachment(AttachmentState::of(name))), ..State::default() };
    let associating = |state| {
        with(|observed| {
            association(observed).as_mut().unwrap().state = state;
            observed.hub.as_mut().unwrap().details = None;
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
        (with(|observed| observed.hub = None), "the network account's route tables change for tgw-attach-1"),
        (
            with(|observed| {
                details(observed).propagations.insert("tgw-rtb-shared".to_owned(), PropagationState::Changing);
            }),
            "the propagation of tgw-attach-1 to tgw-rtb-shared is changing",
        ),
    ];
    for (observed, expected) in table {
        let error = error(&observed);
        assert_eq!((error.fault, error.message.as_str()), (Fault::NotReady, expected));
    }
}

#[test]
fn an_attachment_that_ended_is_a_fault_with_a_next_step() {
    for state in ["failed", "failing", "rejected", "rejecting", "deleting"] {
        let ended = attachment(AttachmentState::of(state));
        let error = error(&State { attachment: Some(ended), ..State::default() });
        assert_eq!((error.fault, error.message), (Fault::InvalidInput, format!("tgw-attach-1 is {state}")));
        assert!(error.hint.ends_with("then redrive the execution, which attaches anew"), "{}", error.hint);
    }
}

#[test]
fn an_attachment_without_our_tags_is_not_owned_whatever_its_state() {
    for state in ["available", "pending", "failed", "pendingAcceptance"] {
        let mut theirs = attachment(AttachmentState::of(state));
        theirs.is_ours = false;
        assert_eq!(error(&State { attachment: Some(theirs), ..State::default() }).fault, Fault::NotOwned);
    }
}

#[test]
fn a_plan_that_propagates_to_the_spoke_table_is_refused_at_once() {
    let mut input = input();
    input.transit_gateway.propagate_to.push("tgw-rtb-spokes".to_owned());
    let error = decide(&input, &State::default()).unwrap_err();
    assert_eq!(error.fault, Fault::InvalidInput);
    assert!(error.message.contains("tenants would reach each other"));
}

#[test]
fn a_vpc_without_subnets_for_the_gateway_is_refused_before_anything_is_made() {
    let input = Input { attachment_subnets: Vec::new(), ..input() };
    assert_eq!(decide(&input, &State::default()).unwrap_err().fault, Fault::InvalidInput);
}

#[test]
fn without_a_private_table_there_is_nothing_to_route() {
    let input = Input { private_route_table: None, ..input() };
    let observed = with(|observed| observed.routes.clear());
    assert!(matches!(decide(&input, &observed).unwrap(), Decision::Done(_)));
}

#[test]
fn a_plan_shows_the_whole_way_and_finds_a_breach_that_is_there_already() {
    let mut planned = input();
    planned.run.mode = Mode::Plan;
    planned.vpc_id = "vpc-(new)".to_owned();
    let unlearned = Details { propagations: [].into(), learning: [].into(), ..isolated() };
    let start = State { hub: Some(Hub { association: None, details: Some(unlearned) }), ..State::default() };
    let mut observed = start.clone();
    let mut lines = Vec::new();
    while let Decision::Act(actions) = decide(&planned, &observed).unwrap() {
        lines.extend(actions.iter().map(ToString::to_string));
        for change in &actions {
            observed.apply(&planned, change, None);
        }
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
    let mut breached = observed;
    details(&mut breached).options.default_association = true;
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
        let observed = with(|observed| {
            observed.routes.clear();
            association(observed).as_mut().unwrap().with = AssociatedWith::RouteTable(tables[table].to_owned());
            let details = details(observed);
            details.propagations =
                propagated.iter().map(|n| (tables[*n].to_owned(), PropagationState::Enabled)).collect();
            (details.options.default_association, details.options.default_propagation) = defaults;
            details.spoke.routes = leads_to.iter().map(|n| spoke_route("10.100.0.0/16", targets[*n])).collect();
        });
        let decision = decide(&input(), &observed);
        let isolated = table == 0
            && propagated == BTreeSet::from([1])
            && defaults == (false, false)
            && !leads_to.contains(&1);
        let routes = matches!(&decision, Ok(Decision::Act(actions))
            if actions.iter().any(|action| matches!(action, Change::CreateRoute { .. })));
        prop_assert_eq!(routes, isolated);
        prop_assert!(!matches!(decision, Ok(Decision::Done(_))));
    }
}
