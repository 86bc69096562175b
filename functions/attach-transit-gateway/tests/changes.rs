//! Changes of the plan: what is added at once, what is reported and left, and what is done with leave only.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};

use berth_isolation::{
    AssociatedWith, Association, AssociationState, Details, GatewayRoute, Hub, Isolation, PropagationState, Target,
};
use berth_step::{Decision, Fault};
use berth_tenancy::{Mode, PlannedChange};
use proptest::prelude::*;

use crate::{
    AttachmentState, Change, Input, OtherAttachment, Output, Route, State,
    decide::decide,
    decide_tests::{ID, association, attachment, details, input, isolated, spoke_route, tgw_route, whole, with},
    races::{Aws, End, invoke},
};

/// What somebody changed, or the plan of today.
type Edit = fn(&mut State);

fn route_table(id: &str) -> AssociatedWith {
    AssociatedWith::RouteTable(id.to_owned())
}

fn with_leave() -> Input {
    let mut input = input();
    input.run.allow_disruption = true;
    input
}

/// What is asked for, one line an action, and what is reported.
fn outcome(input: &Input, observed: &State) -> (Vec<String>, Vec<PlannedChange>) {
    match decide(input, observed).unwrap() {
        Decision::Act(actions) => (actions.iter().map(ToString::to_string).collect(), Vec::new()),
        Decision::Done(output) => (Vec::new(), output.planned_changes),
    }
}

#[test]
fn what_is_no_breach_of_isolation_is_reported_and_left_and_done_with_leave() {
    let table: [(Edit, &str, &str); 5] = [
        (
            |observed| observed.routes.first_mut().unwrap().target = "nat-1".to_owned(),
            "rtb-private routes 10.100.0.0/16 to nat-1; planned: tgw-1",
            "lead the route 10.100.0.0/16 to tgw-1 in rtb-private",
        ),
        (
            |observed| observed.routes.push(tgw_route("10.102.0.0/16")),
            "rtb-private routes 10.102.0.0/16 to tgw-1, which is not planned any more",
            "delete the route 10.102.0.0/16 from rtb-private",
        ),
        (
            |observed| observed.routes.push(tgw_route("pl-0a1b2c3d")),
            "rtb-private routes pl-0a1b2c3d to tgw-1, which is not planned any more",
            "delete the route pl-0a1b2c3d from rtb-private",
        ),
        (
            |observed| {
                observed.attachment.as_mut().unwrap().subnets.insert("subnet-9".to_owned());
            },
            "tgw-attach-1 uses subnet-9, which is not planned any more",
            "remove subnet-9 from tgw-attach-1",
        ),
        (
            |observed| {
                observed.attachment.as_mut().unwrap().subnets = ["subnet-9".to_owned()].into();
                observed.attachment.as_mut().unwrap().subnets.extend(input().attachment_subnets);
            },
            "tgw-attach-1 uses subnet-9, which is not planned any more",
            "remove subnet-9 from tgw-attach-1",
        ),
    ];
    for (change, reported, done) in table {
        let observed = with(change);
        assert_eq!(outcome(&input(), &observed), (Vec::new(), vec![PlannedChange::by_berth(reported)]));
        assert_eq!(outcome(&with_leave(), &observed), (vec![done.to_owned()], Vec::new()));
    }
}

#[test]
fn a_breach_of_isolation_is_a_fault_and_mended_with_leave_only() {
    let table: [(Edit, &str); 4] = [
        (
            |observed| {
                association(observed).as_mut().unwrap().with = AssociatedWith::PolicyTable("tgw-ptb-1".to_owned());
            },
            "disassociate tgw-attach-1 from the policy table tgw-ptb-1",
        ),
        (
            |observed| association(observed).as_mut().unwrap().with = route_table("tgw-rtb-old"),
            "disassociate tgw-attach-1 from tgw-rtb-old",
        ),
        (
            |observed| {
                details(observed).propagations.insert("tgw-rtb-old".to_owned(), PropagationState::Enabled);
            },
            "stop the propagation of tgw-attach-1 to tgw-rtb-old",
        ),
        (
            |observed| {
                details(observed).propagations.insert("tgw-rtb-spokes".to_owned(), PropagationState::Enabled);
            },
            "stop the propagation of tgw-attach-1 to tgw-rtb-spokes",
        ),
    ];
    for (change, mended) in table {
        let observed = with(change);
        let error = decide(&input(), &observed).unwrap_err();
        assert_eq!(error.fault, Fault::NotOwned, "{error}");
        assert!(error.hint.contains("berth onboard --allow-disruption"), "{error}");
        assert_eq!(outcome(&with_leave(), &observed), (vec![mended.to_owned()], Vec::new()));
    }
    // A tenant's route in the spoke table is nobody's leave to give.
    let leak = with(|observed| details(observed).spoke.routes.push(spoke_route("10.2.0.0/20", "tgw-attach-other")));
    assert_eq!(decide(&with_leave(), &leak).unwrap_err().fault, Fault::NotOwned);
}

#[test]
fn a_plan_that_grew_is_followed_without_leave() {
    let mut grown = input();
    grown.attachment_subnets.push("subnet-3".to_owned());
    assert_eq!(outcome(&grown, &with(|_| {})).0, ["add subnet-3 to tgw-attach-1"]);
    let mut grown = input();
    grown.transit_gateway.routes.extend(["10.103.0.0/16".parse().unwrap(), "pl-0a1b2c3d".parse().unwrap()]);
    assert_eq!(
        outcome(&grown, &with(|_| {})).0,
        ["route 10.103.0.0/16 to tgw-1 in rtb-private", "route pl-0a1b2c3d to tgw-1 in rtb-private"]
    );
    let mut grown = input();
    grown.transit_gateway.propagate_to.push("tgw-rtb-more".to_owned());
    assert_eq!(outcome(&grown, &with(|_| {})).0, ["propagate tgw-attach-1 to tgw-rtb-more"]);
}

#[test]
fn a_zone_whose_subnet_is_another_now_is_swapped_in_one_call() {
    let observed = with(|observed| {
        observed.attachment.as_mut().unwrap().subnets = ["subnet-1".to_owned(), "subnet-old".to_owned()].into();
    });
    assert_eq!(outcome(&with_leave(), &observed).0, ["add subnet-2 to tgw-attach-1 and remove subnet-old"]);
    assert_eq!(outcome(&input(), &observed).0, ["add subnet-2 to tgw-attach-1"]);
}

#[test]
fn a_blackhole_of_a_former_attachment_is_replaced_without_leave() {
    let blackhole = with(|observed| observed.routes.first_mut().unwrap().is_blackhole = true);
    assert_eq!(outcome(&input(), &blackhole).0, ["lead the route 10.100.0.0/16 to tgw-1 in rtb-private"]);
    let theirs = with(|observed| {
        let route = observed.routes.first_mut().unwrap();
        (route.is_blackhole, route.target) = (true, "nat-gone".to_owned());
    });
    assert_eq!(outcome(&input(), &theirs).1.len(), 1, "somebody else's route is left, dead or alive");
}

#[test]
fn an_attachment_to_another_gateway_is_reported_and_left_to_a_person() {
    let observed = with(|observed| {
        observed.others.push(OtherAttachment { id: "tgw-attach-9".to_owned(), gateway: "tgw-9".to_owned() });
    });
    for input in [input(), with_leave()] {
        let (actions, planned) = outcome(&input, &observed);
        assert!(actions.is_empty(), "{actions:?}");
        let [change] = planned.as_slice() else { panic!("{planned:?}") };
        assert_eq!((change.what.as_str(), change.by_berth), ("tgw-attach-9 attaches vpc-1 to tgw-9, too", false));
    }
}

#[test]
fn a_plan_with_leave_shows_the_whole_way_to_another_association() {
    let mut planned = with_leave();
    planned.run.mode = Mode::Plan;
    let mut observed = with(|observed| association(observed).as_mut().unwrap().with = route_table("tgw-rtb-old"));
    let mut lines = Vec::new();
    while let Decision::Act(actions) = decide(&planned, &observed).unwrap() {
        lines.extend(actions.iter().map(ToString::to_string));
        for change in &actions {
            observed.apply(&planned, change, None);
        }
    }
    assert_eq!(lines, ["disassociate tgw-attach-1 from tgw-rtb-old", "associate tgw-attach-1 with tgw-rtb-spokes"]);
}

/// A VPC that was attached by another plan than today's, and that others have changed since.
#[derive(Debug, Clone)]
struct Past {
    table: Option<usize>,
    state: usize,
    propagations: BTreeSet<usize>,
    subnets: BTreeSet<usize>,
    routes: BTreeMap<usize, (usize, bool)>,
}

const TABLES: [&str; 4] = ["tgw-rtb-spokes", "tgw-rtb-shared", "tgw-rtb-old", "tgw-rtb-older"];
const TARGETS: [&str; 3] = ["tgw-1", "nat-1", "tgw-9"];
const DESTINATIONS: [&str; 5] = ["10.100.0.0/16", "10.101.0.0/16", "10.102.0.0/16", "pl-0a1b2c3d", "0.0.0.0/0"];

fn past() -> impl Strategy<Value = Past> {
    let routes = proptest::collection::btree_map(0usize..5, (0usize..3, any::<bool>()), 0..5);
    let subnets = proptest::collection::btree_set(0usize..5, 1..5);
    let propagations = proptest::collection::btree_set(0usize..4, 0..4);
    (proptest::option::of(0usize..4), 0usize..3, propagations, subnets, routes)
        .prop_map(|(table, state, propagations, subnets, routes)| Past { table, state, propagations, subnets, routes })
}

impl Past {
    fn aws(&self) -> Aws {
        let states = [AssociationState::Associated, AssociationState::Associating, AssociationState::Disassociating];
        let mut attachment = attachment(AttachmentState::Available);
        attachment.subnets = self.subnets.iter().map(|n| format!("subnet-{n}")).collect();
        let name = |n: &usize| TABLES.get(*n).unwrap().to_string();
        let route = |(destination, (target, is_blackhole)): (&usize, &(usize, bool))| Route {
            destination: DESTINATIONS.get(*destination).unwrap().parse().unwrap(),
            target: TARGETS.get(*target).unwrap().to_string(),
            is_blackhole: *is_blackhole,
        };
        Aws {
            attachment: Some(attachment),
            association: self
                .table
                .map(|n| Association { with: route_table(&name(&n)), state: *states.get(self.state).unwrap() }),
            propagations: self.propagations.iter().map(|n| (name(n), PropagationState::Enabled)).collect(),
            routes: self.routes.iter().map(route).collect(),
            ..Aws::default()
        }
    }
}

/// Whether traffic that flows in `observed` may stop because of the action.
fn cuts_off(observed: &State, change: &Change) -> bool {
    match change {
        Change::ChangeSubnets { remove, .. } => !remove.is_empty(),
        Change::Disassociate { .. } | Change::StopPropagation { .. } | Change::DeleteRoute { .. } => true,
        Change::ReplaceRoute { destination, gateway, .. } => {
            observed.routes.iter().any(|route| route.destination == *destination && route.target != *gateway)
                || observed.routes.iter().any(|route| route.destination == *destination && !route.is_blackhole)
        }
        _ => false,
    }
}

proptest! {
    #[test]
    fn without_leave_nothing_is_cut_off_and_every_difference_is_reported(past in past()) {
        let (input, mut aws) = (input(), past.aws());
        for _ in 0..12 {
            aws.tick();
            let observed = aws.observe();
            match decide(&input, &observed) {
                Ok(Decision::Act(actions)) => {
                    prop_assert!(!actions.iter().any(|action| cuts_off(&observed, action)), "{actions:?}");
                    for action in &actions {
                        aws.perform(action);
                    }
                }
                Ok(Decision::Done(output)) => {
                    // What would be done with leave is what is reported without.
                    let would = matches!(decide(&with_leave(), &observed), Ok(Decision::Act(_)));
                    prop_assert_eq!(output.planned_changes.iter().any(|change| change.by_berth), would);
                    return Ok(());
                }
                Err(error) => prop_assert!([Fault::NotOwned, Fault::NotReady].contains(&error.fault), "{error}"),
            }
        }
        let breached = past.table != Some(0) || past.propagations != BTreeSet::from([1]);
        prop_assert!(breached, "only a breach of isolation keeps it from an end");
    }

    #[test]
    fn with_leave_any_past_converges_and_nothing_is_left_to_do_or_report(
        past in past(),
        luck in proptest::collection::vec((any::<bool>(), proptest::option::of(any::<u8>())), 12),
    ) {
        let (input, mut aws) = (with_leave(), past.aws());
        for (time_passes, lucky) in luck {
            invoke(&mut aws, &input, lucky);
            if time_passes {
                aws.tick();
            }
        }
        let ends: Vec<End> = (0..12).map(|_| { aws.tick(); invoke(&mut aws, &input, None) }).collect();
        prop_assert_eq!(ends.last(), Some(&End::Done));
        for input in [with_leave(), crate::decide_tests::input()] {
            let again = decide(&input, &aws.observe()).unwrap();
            let is_done = matches!(&again, Decision::Done(Output { planned_changes, .. }) if planned_changes.is_empty());
            prop_assert!(is_done, "{again:?}");
        }
        let kept = past.routes.iter().filter(|(n, (target, _))| **n > 1 && *target > 0).count();
        prop_assert_eq!(aws.routes.len(), 2 + kept, "routes of the tenant's own are left");
        prop_assert_eq!(aws.attachments_made, 0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_proof_of_any_spoke_table_is_small_and_its_digest_tells_two_apart(
        count in 0usize..1500,
        through in 1usize..40,
        other in 0usize..1500,
    ) {
        let mut plan = input();
        plan.transit_gateway.shared_attachments = (0..through).map(|n| format!("tgw-attach-{n:017x}")).collect();
        let proof = |count: usize| -> Isolation {
            let target = |id: &String| Target { attachment: id.clone(), kind: "vpc".to_owned() };
            let route = |n: usize| GatewayRoute {
                destination: format!("fd00:{n:x}:ffff:ffff:ffff:ffff:ffff:ffff/128"),
                prefix_list: Some("pl-0a1b2c3d4e5f67890".to_owned()),
                kind: "static".to_owned(),
                targets: plan.transit_gateway.shared_attachments.iter().map(target).collect(),
                state: "active".to_owned(),
            };
            let details = Details { spoke: whole((0..count).map(route).collect()), users: Vec::new(), ..isolated() };
            let hub = Hub { details: Some(details), ..with(|_| {}).hub.unwrap() };
            let Decision::Done(output) = decide(&plan, &with(|observed| observed.hub = Some(hub))).unwrap() else {
                panic!("not done");
            };
            output.isolation
        };
        let first = proof(count);
        prop_assert_eq!(first.spoke_routes.count, count);
        let size = serde_json::to_string(&first).unwrap().len();
        prop_assert!(size < 8 * 1024, "{size}");
        prop_assert_eq!(first.spoke_routes.digest == proof(other).spoke_routes.digest, count == other);
    }
}

#[test]
fn the_order_in_which_aws_lists_routes_does_not_change_the_proof() {
    let proof = |turned: bool| {
        let observed = with(|observed| {
            if turned {
                details(observed).spoke.routes.reverse();
            }
        });
        match decide(&input(), &observed).unwrap() {
            Decision::Done(output) => output.isolation,
            Decision::Act(actions) => panic!("{ID}: {actions:?}"),
        }
    };
    assert_eq!(proof(false), proof(true));
}

#[test]
fn tags_that_the_attachment_lacks_are_set_and_those_of_others_stay() {
    let mut input = input();
    input.run.tags.all = [("owner".to_owned(), "platform".to_owned())].into();
    let foreign = with(|observed| {
        observed.attachment.as_mut().unwrap().tags.0.extend([("bill".to_owned(), "theirs".to_owned())]);
    });
    assert_eq!(outcome(&input, &foreign).0, [format!("tag {ID} with owner")]);
    let mut observed = foreign;
    let Decision::Act(batch) = decide(&input, &observed).unwrap() else { panic!("nothing to do") };
    for change in &batch {
        observed.apply(&input, change, None);
    }
    assert_eq!(outcome(&input, &observed), (Vec::new(), Vec::new()));
    assert_eq!(observed.attachment.unwrap().tags.get("bill"), Some("theirs"));
}
