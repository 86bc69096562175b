//! What is taken away, in which order, and what stops it.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use berth_step::{Decision, Fault, dry_run};
use berth_tenancy::Mode;
use proptest::prelude::*;
use serde_json::json;

use crate::{Attachment, AttachmentState, Change, DetachTransitGateway, Hub, Input, Route, State};

pub(crate) fn input() -> Input {
    let run = json!({
        "accountId": "111122223333", "accountName": "payments-dev", "tenant": "payments", "environment": "dev",
        "execution": "arn:aws:states:us-east-1:999988887777:execution:berth-offboard-account:one", "generation": 2,
        "mode": Mode::Apply, "tenantRole": "BerthTenant",
    });
    let input = json!({
        "run": run, "region": "eu-west-1", "isClosed": false,
        "networkAccount": "310987654321", "networkRole": "BerthNetwork",
    });
    serde_json::from_value(input).unwrap()
}

fn attachment() -> Attachment {
    Attachment {
        id: "tgw-attach-1".to_owned(),
        gateway: "tgw-1".to_owned(),
        state: AttachmentState::Settled,
        is_ours: true,
    }
}

fn attached() -> State {
    let route = |to: &str| Route { table: "rtb-1".to_owned(), destination: to.parse().unwrap() };
    State {
        attachments: vec![attachment()],
        hub: Some(Hub {
            associated: Some("tgw-rtb-spokes".to_owned()),
            is_changing: false,
            learning: ["tgw-rtb-a", "tgw-rtb-b"].map(str::to_owned).into(),
            written: Vec::new(),
        }),
        routes: vec![route("10.0.0.0/8"), route("pl-0a1b2c3d")],
    }
}

fn lines(state: State) -> Vec<Vec<String>> {
    let run = dry_run::<DetachTransitGateway>(&input(), state).unwrap();
    run.batches.iter().map(|batch| batch.iter().map(ToString::to_string).collect()).collect()
}

#[test]
fn it_is_taken_away_in_the_order_in_which_it_was_made_backwards() {
    let order = [
        vec!["delete the route 10.0.0.0/8 from rtb-1", "delete the route pl-0a1b2c3d from rtb-1"],
        vec!["stop the propagation of tgw-attach-1 to tgw-rtb-a", "stop the propagation of tgw-attach-1 to tgw-rtb-b"],
        vec!["disassociate tgw-attach-1 from tgw-rtb-spokes"],
        vec!["delete tgw-attach-1"],
    ];
    assert_eq!(lines(attached()), order);
}

#[test]
fn a_vpc_without_an_attachment_needs_nothing() {
    assert_eq!(lines(State::default()), Vec::<Vec<String>>::new());
}

#[test]
fn one_that_nobody_has_accepted_is_deleted_at_once() {
    let state = State { hub: Some(Hub::default()), routes: Vec::new(), ..attached() };
    assert_eq!(lines(state), [["delete tgw-attach-1"]]);
}

#[test]
fn what_aws_works_on_is_waited_for() {
    let working = Attachment { state: AttachmentState::Working("deleting".to_owned()), ..attachment() };
    let mut changing = attached();
    changing.routes.clear();
    changing.hub = Some(Hub { is_changing: true, ..Hub::default() });
    for (state, what) in [
        (State { attachments: vec![working], ..State::default() }, "tgw-attach-1 is deleting"),
        (changing, "the network account's route tables change for tgw-attach-1"),
        (State { hub: None, ..attached() }, "the network account does not see tgw-attach-1"),
    ] {
        let error = crate::decide::decide(&input(), &state).unwrap_err();
        assert_eq!((error.fault, error.message.as_str()), (Fault::NotReady, what));
    }
}

#[test]
fn after_a_call_that_takes_aws_time_nothing_more_is_asked_for() {
    let mut state = State { routes: Vec::new(), ..attached() };
    state.hub.as_mut().unwrap().learning.clear();
    let Ok(Decision::Act(batch)) = crate::decide::decide(&input(), &state) else {
        panic!("it has to be disassociated")
    };
    state.apply(&batch[0], true);
    assert_eq!(crate::decide::decide(&input(), &state).unwrap_err().fault, Fault::NotReady, "it is disassociating");
    state.hub = Some(Hub::default());
    let Ok(Decision::Act(batch)) = crate::decide::decide(&input(), &state) else { panic!("it has to be deleted") };
    state.apply(&batch[0], true);
    assert_eq!(crate::decide::decide(&input(), &state).unwrap_err().message, "tgw-attach-1 is deleting");
}

#[test]
fn an_attachment_that_is_not_ours_stops_everything_and_is_named() {
    let other =
        Attachment { id: "tgw-attach-9".to_owned(), gateway: "tgw-9".to_owned(), is_ours: false, ..attachment() };
    let state = State { attachments: vec![attachment(), other], ..attached() };
    for (is_closed, what) in [(false, "lacks Berth's tags"), (true, "is not the one on record")] {
        let error = crate::decide::decide(&Input { is_closed, ..input() }, &state).unwrap_err();
        assert_eq!(error.fault, Fault::NotOwned);
        assert!(error.message.contains("tgw-attach-9") && error.message.contains(what), "{}", error.message);
    }
}

#[test]
fn routes_that_somebody_wrote_stop_everything_and_are_named() {
    let mut state = attached();
    let written = |n: usize| ("tgw-rtb-a".to_owned(), format!("10.{n}.0.0/16"));
    state.hub.as_mut().unwrap().written = (0..9).map(written).collect();
    let error = crate::decide::decide(&input(), &state).unwrap_err();
    assert_eq!(error.fault, Fault::NotOwned);
    assert!(error.message.contains("10.5.0.0/16 in tgw-rtb-a, 3 more; nothing was changed"), "{}", error.message);
    assert!(error.hint.contains("static routes and prefix list references"), "{}", error.hint);
}

#[test]
fn a_state_that_is_over_is_none_and_one_that_nobody_knows_is_waited_for() {
    for name in ["deleted", "failed", "rejected"] {
        assert_eq!(AttachmentState::of(name), None);
    }
    assert_eq!(AttachmentState::of("entangled"), Some(AttachmentState::Working("entangled".to_owned())));
}

proptest! {
    #[test]
    fn from_any_state_it_converges_and_touches_nothing_but_the_attachment(
        routes in 0_usize..4, tables in 0_usize..4, is_associated in any::<bool>(), is_attached in any::<bool>(),
        is_closed in any::<bool>(),
    ) {
        let route = |n: usize| Route { table: "rtb-1".to_owned(), destination: format!("10.{n}.0.0/16").parse().unwrap() };
        let learning: BTreeSet<String> = (0..tables).map(|n| format!("tgw-rtb-{n}")).collect();
        let associated = is_associated.then(|| "tgw-rtb-spokes".to_owned());
        let state = State {
            attachments: if is_attached { vec![attachment()] } else { Vec::new() },
            hub: is_attached.then_some(Hub { associated, is_changing: false, learning, written: Vec::new() }),
            routes: (0..if is_closed { 0 } else { routes }).map(route).collect(),
        };
        let input = Input { is_closed, ..input() };
        let run = dry_run::<DetachTransitGateway>(&input, state).unwrap();
        for change in run.batches.iter().flatten() {
            let about = match change {
                Change::DeleteRoute(_) => "tgw-attach-1",
                Change::StopPropagation { attachment, .. } | Change::Disassociate { attachment, .. }
                | Change::DeleteAttachment { attachment } => attachment,
            };
            prop_assert_eq!(about, "tgw-attach-1");
        }
        prop_assert!(matches!(crate::decide::decide(&input, &run.state), Ok(Decision::Done(_))));
        prop_assert!(run.state.attachments.is_empty() && run.state.routes.is_empty());
    }
}
