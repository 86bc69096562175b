//! `decide` of grant-sign-in: what is asked for, what is waited for, and that ten are never exceeded.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use berth_step::{Decision, Fault, Step};
use berth_tenancy::{AssignmentPlan, Mode, SignInPlan, Subject};
use grant_sign_in::{Action, Effect, GrantSignIn, Input, OUTSTANDING_MAX, Observed, Output, State, World, decide};
use proptest::prelude::*;

fn assignment(n: usize) -> AssignmentPlan {
    AssignmentPlan { group: format!("payments-{n}"), permission_set: "Developer".into(), permission_set_arn: None }
}

fn input(count: usize, mode: Mode) -> Input {
    Input {
        run: Subject {
            account_id: "111122223333".parse().unwrap(),
            account_name: "payments-dev".into(),
            tenant: "payments".parse().unwrap(),
            environment: "dev".parse().unwrap(),
            execution: "arn:aws:states:us-east-1:210987654321:execution:m:e".into(),
            generation: 1,
            mode,
            tenant_role: "BerthTenant".parse().unwrap(),
            allow_disruption: false,
            opening_until: None,
        },
        sign_in: Some(SignInPlan {
            account: "999988887777".parse().unwrap(),
            role: "BerthSignIn".parse().unwrap(),
            region: "eu-west-1".parse().unwrap(),
            instance_arn: "arn:aws:sso:::instance/ssoins-1ca1be4700000001".into(),
            identity_store_id: "d-1ca1be4700".into(),
            assignments: (0..count).map(assignment).collect(),
        }),
    }
}

fn world(outstanding: usize, states: Vec<State>) -> World {
    let observed = |(n, state)| Observed {
        assignment: assignment(n),
        group_id: format!("group-{n}"),
        permission_set_arn: "arn:aws:sso:::permissionSet/ssoins-1ca1be4700000001/ps-1".into(),
        state,
    };
    World::new(outstanding, states.into_iter().enumerate().map(observed).collect())
}

const ABSENT: State = State::Absent { failed: None };
const UNDER_WAY: State = State::UnderWay { failed_before: None };

fn actions(decision: Decision<Action, Output>) -> Vec<String> {
    match decision {
        Decision::Act(actions) => actions.iter().map(ToString::to_string).collect(),
        Decision::Done(output) => panic!("nothing is asked for: {output:?}"),
    }
}

#[test]
fn what_is_absent_is_asked_for_and_what_is_assigned_is_left() {
    let decided = decide(&input(2, Mode::Apply), &world(0, vec![State::Assigned, ABSENT])).unwrap();
    assert_eq!(actions(decided), ["assign group payments-1 with permission set Developer"]);
    let done = decide(&input(2, Mode::Apply), &world(0, vec![State::Assigned, State::Assigned])).unwrap();
    let Decision::Done(Output { sign_in }) = done else { panic!("{done:?}") };
    let groups: Vec<&str> = sign_in.iter().map(|one| one.group.as_str()).collect();
    assert_eq!(groups, ["payments-0", "payments-1"]);
}

#[test]
fn an_account_without_declared_sign_in_needs_nothing() {
    let input = Input { sign_in: None, ..input(0, Mode::Apply) };
    assert!(matches!(decide(&input, &World::default()), Ok(Decision::Done(Output { sign_in })) if sign_in.is_empty()));
}

#[test]
fn only_as_many_are_asked_for_as_the_organization_has_places_left() {
    let decided = decide(&input(3, Mode::Apply), &world(8, vec![ABSENT, ABSENT, ABSENT])).unwrap();
    assert_eq!(actions(decided).len(), 2);
    let error = decide(&input(1, Mode::Apply), &world(OUTSTANDING_MAX, vec![ABSENT])).unwrap_err();
    assert_eq!(error.fault, Fault::Throttled);
    assert!(error.what.contains("10 assignments outstanding") && error.what.contains("payments-0"), "{error}");
}

#[test]
fn what_is_under_way_is_waited_for_and_named() {
    let error = decide(&input(1, Mode::Apply), &world(1, vec![UNDER_WAY])).unwrap_err();
    assert_eq!(error.fault, Fault::NotReady);
    assert!(error.what.contains("group payments-0 with permission set Developer"), "{error}");
}

#[test]
fn a_request_that_failed_is_asked_for_again_and_its_reason_is_the_fault() {
    let failed = State::Absent { failed: Some("no such policy".into()) };
    let mut world = world(0, vec![failed]);
    let Decision::Act(asked) = decide(&input(1, Mode::Apply), &world).unwrap() else { panic!("not asked again") };
    assert_eq!(asked[0].failed_before.as_deref(), Some("no such policy"));
    let state = State::UnderWay { failed_before: asked[0].failed_before.clone() };
    GrantSignIn::apply(&mut world, Effect { assignment: assignment(0), state });
    let error = decide(&input(1, Mode::Apply), &world).unwrap_err();
    assert_eq!(error.fault, Fault::Conflict);
    assert!(error.what.contains("no such policy") && error.what.contains("payments-0"), "{error}");
}

#[test]
fn a_plan_shows_every_assignment_and_waits_for_nothing() {
    let (input, mut world) = (input(2, Mode::Plan), world(OUTSTANDING_MAX, vec![ABSENT, UNDER_WAY]));
    let Decision::Act(planned) = decide(&input, &world).unwrap() else { panic!("nothing planned") };
    for action in &planned {
        let effect = GrantSignIn::imagine(&input, &world, action);
        GrantSignIn::apply(&mut world, effect);
    }
    assert_eq!(planned.len(), 1);
    assert!(matches!(decide(&input, &world), Ok(Decision::Done(_))));
}

fn any_state() -> impl Strategy<Value = State> {
    prop_oneof![Just(ABSENT), Just(State::Absent { failed: Some("no".into()) }), Just(UNDER_WAY), Just(State::Assigned),]
}

proptest! {
    /// The service finishes what it was asked for between two invocations; other accounts take some of the places.
    #[test]
    fn any_world_converges_without_exceeding_the_limit_and_then_needs_nothing(
        states in proptest::collection::vec(any_state(), 0..30),
        others in proptest::collection::vec(0..=OUTSTANDING_MAX, 30),
    ) {
        let input = input(states.len(), Mode::Apply);
        let mut world = world(0, states);
        let mut done = false;
        for taken in others.into_iter().chain([0; 30]) {
            // An invocation: everything of ours that was under way has ended by now.
            for observed in &mut world.assignments {
                if matches!(observed.state, State::UnderWay { .. }) {
                    observed.state = State::Assigned;
                }
            }
            world.outstanding = taken;
            for _ in 0..16 {
                match decide(&input, &world) {
                    Ok(Decision::Act(actions)) => {
                        prop_assert!(!actions.is_empty());
                        prop_assert!(world.outstanding + actions.len() <= OUTSTANDING_MAX);
                        for action in actions {
                            let state = State::UnderWay { failed_before: action.failed_before };
                            GrantSignIn::apply(&mut world, Effect { assignment: action.assignment, state });
                        }
                    }
                    Ok(Decision::Done(_)) => { done = true; break; }
                    Err(error) => { prop_assert!(error.fault.is_retryable()); break; }
                }
            }
            if done { break; }
        }
        prop_assert!(done, "{:?}", world.assignments);
        prop_assert!(matches!(decide(&input, &world), Ok(Decision::Done(_))));
    }
}
