//! `decide` of grant-sign-in: what is asked for, what is waited for, and that ten are never exceeded.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use berth_step::{Decision, DryRun, Fault, Step, StepError, dry_run};
use berth_tenancy::{AssignmentPlan, LeftOver, LeftOverTags, Mode, OrganizationTags, SignInPlan, Subject, Thing};
use grant_sign_in::{
    Change, GrantSignIn, Input, OUTSTANDING_MAX, ObservedAssignment, ObservedLeftOver, Output, Progress, State,
};
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
            tags: OrganizationTags::default(),
            left_over_tags: LeftOverTags::default(),
            only_planned: None,
            repairs: None,
        },
        sign_in: Some(SignInPlan {
            account: "999988887777".parse().unwrap(),
            role: "BerthSignIn".parse().unwrap(),
            region: "eu-west-1".parse().unwrap(),
            instance_arn: "arn:aws:sso:::instance/ssoins-1ca1be4700000001".into(),
            identity_store_id: "d-1ca1be4700".into(),
            assignments: (0..count).map(assignment).collect(),
        }),
        left_over: Vec::new(),
    }
}

fn decide(input: &Input, state: &State) -> Result<Decision<Change, Output>, StepError> {
    GrantSignIn::decide(input, state)
}

fn state(outstanding: usize, progress: Vec<Progress>) -> State {
    let observed = |(n, progress)| ObservedAssignment {
        assignment: assignment(n),
        group_id: format!("group-{n}"),
        permission_set_arn: "arn:aws:sso:::permissionSet/ssoins-1ca1be4700000001/ps-1".into(),
        progress,
    };
    let assignments = progress.into_iter().enumerate().map(observed).collect();
    State { outstanding, assignments, left_over: Vec::new() }
}

/// Why an earlier request for what is asked for failed.
fn failed_before(change: &Change) -> Option<&str> {
    let Change::Assign { failed_before, .. } = change else { panic!("{change}") };
    failed_before.as_deref()
}

const ABSENT: Progress = Progress::Absent { failed: None };
const UNDER_WAY: Progress = Progress::UnderWay { failed_before: None };

fn lines(decision: Decision<Change, Output>) -> Vec<String> {
    match decision {
        Decision::Act(changes) => changes.iter().map(ToString::to_string).collect(),
        Decision::Done(output) => panic!("nothing is asked for: {output:?}"),
    }
}

#[test]
fn what_is_absent_is_asked_for_and_what_is_assigned_is_left() {
    let decided = decide(&input(2, Mode::Apply), &state(0, vec![Progress::Assigned, ABSENT])).unwrap();
    assert_eq!(lines(decided), ["assign group payments-1 with permission set Developer"]);
    let done = decide(&input(2, Mode::Apply), &state(0, vec![Progress::Assigned, Progress::Assigned])).unwrap();
    let Decision::Done(Output { sign_in, .. }) = done else { panic!("{done:?}") };
    let groups: Vec<&str> = sign_in.iter().map(|one| one.group.as_str()).collect();
    assert_eq!(groups, ["payments-0", "payments-1"]);
}

#[test]
fn an_account_without_declared_sign_in_needs_nothing() {
    let input = Input { sign_in: None, ..input(0, Mode::Apply) };
    assert!(
        matches!(decide(&input, &State::default()), Ok(Decision::Done(Output { sign_in, .. })) if sign_in.is_empty())
    );
}

#[test]
fn only_as_many_are_asked_for_as_the_organization_has_places_left() {
    let decided = decide(&input(3, Mode::Apply), &state(8, vec![ABSENT, ABSENT, ABSENT])).unwrap();
    assert_eq!(lines(decided).len(), 2);
    let error = decide(&input(1, Mode::Apply), &state(OUTSTANDING_MAX, vec![ABSENT])).unwrap_err();
    assert_eq!(error.fault, Fault::Throttled);
    assert!(error.message.contains("10 assignments outstanding") && error.message.contains("payments-0"), "{error}");
}

#[test]
fn what_is_under_way_is_waited_for_and_named() {
    let error = decide(&input(1, Mode::Apply), &state(1, vec![UNDER_WAY])).unwrap_err();
    assert_eq!(error.fault, Fault::NotReady);
    assert!(error.message.contains("group payments-0 with permission set Developer"), "{error}");
}

#[test]
fn a_request_that_failed_is_asked_for_again_and_its_reason_is_the_fault() {
    let failed = Progress::Absent { failed: Some("no such policy".into()) };
    let mut state = state(0, vec![failed]);
    let Decision::Act(asked) = decide(&input(1, Mode::Apply), &state).unwrap() else { panic!("not asked again") };
    assert_eq!(failed_before(&asked[0]), Some("no such policy"));
    let made = Progress::UnderWay { failed_before: failed_before(&asked[0]).map(str::to_owned) };
    GrantSignIn::apply(&mut state, &input(1, Mode::Apply), &asked[0], Some(made));
    let error = decide(&input(1, Mode::Apply), &state).unwrap_err();
    assert_eq!(error.fault, Fault::Conflict);
    assert!(error.message.contains("no such policy") && error.message.contains("payments-0"), "{error}");
}

#[test]
fn a_plan_shows_every_assignment_and_waits_for_nothing() {
    let state = state(OUTSTANDING_MAX, vec![ABSENT, UNDER_WAY]);
    let DryRun { batches, output, .. } = dry_run::<GrantSignIn>(&input(2, Mode::Plan), state).unwrap();
    assert_eq!((batches.concat().len(), output.sign_in.len()), (1, 2));
}

fn any_progress() -> impl Strategy<Value = Progress> {
    prop_oneof![
        Just(ABSENT),
        Just(Progress::Absent { failed: Some("no".into()) }),
        Just(UNDER_WAY),
        Just(Progress::Assigned),
    ]
}

proptest! {
    /// The service finishes what it was asked for between two invocations; other accounts take some of the places.
    #[test]
    fn any_state_converges_within_the_limit_and_then_needs_nothing(
        progress in proptest::collection::vec(any_progress(), 0..30),
        others in proptest::collection::vec(0..=OUTSTANDING_MAX, 30),
    ) {
        let input = input(progress.len(), Mode::Apply);
        let mut state = state(0, progress);
        let mut done = false;
        for taken in others.into_iter().chain([0; 30]) {
            // An invocation: everything of ours that was under way has ended by now.
            for observed in &mut state.assignments {
                if matches!(observed.progress, Progress::UnderWay { .. }) {
                    observed.progress = Progress::Assigned;
                }
            }
            state.outstanding = taken;
            for _ in 0..16 {
                match decide(&input, &state) {
                    Ok(Decision::Act(changes)) => {
                        prop_assert!(!changes.is_empty());
                        prop_assert!(state.outstanding + changes.len() <= OUTSTANDING_MAX);
                        for change in changes {
                            let made = Progress::UnderWay { failed_before: failed_before(&change).map(str::to_owned) };
                            GrantSignIn::apply(&mut state, &input, &change, Some(made));
                        }
                    }
                    Ok(Decision::Done(_)) => { done = true; break; }
                    Err(error) => { prop_assert!(error.fault.is_retryable()); break; }
                }
            }
            if done { break; }
        }
        prop_assert!(done, "{:?}", state.assignments);
        prop_assert!(matches!(decide(&input, &state), Ok(Decision::Done(_))));
    }
}

/// An account whose first group had a larger permission set once.
fn lowered(remove: bool) -> (Input, State) {
    let left = ObservedLeftOver {
        group: "payments-0".into(),
        permission_set: "Administrator".into(),
        group_id: "group-0".into(),
        permission_set_arn: "arn:aws:sso:::permissionSet/ssoins-1ca1be4700000001/ps-2".into(),
        remove,
        until_next_run: false,
        is_leaving: false,
    };
    (input(1, Mode::Apply), State { left_over: vec![left], ..state(0, vec![Progress::Assigned]) })
}

const REMOVE: &str = "remove the assignment of group payments-0 with permission set Administrator, which the plan does not \
                      have any more";

#[test]
fn an_assignment_that_the_plan_does_not_have_any_more_is_removed() {
    let (input, there) = lowered(true);
    let DryRun { batches, output, state } = dry_run::<GrantSignIn>(&input, there).unwrap();
    assert_eq!(batches.concat().iter().map(ToString::to_string).collect::<Vec<_>>(), [REMOVE]);
    assert!(state.left_over.is_empty() && output.left_over.is_empty());
    assert_eq!(output.sign_in.len(), 1, "what is planned stays");
}

#[test]
fn an_assignment_that_may_not_go_stays_and_is_told_with_its_ids() {
    let (input, there) = lowered(false);
    let Decision::Done(output) = decide(&input, &there).unwrap() else { panic!("something is removed") };
    let [LeftOver { thing: Thing::SignIn { group_id, permission_set_arn, .. }, remove: false, .. }] =
        &*output.left_over
    else {
        panic!("{output:?}")
    };
    assert!(group_id.is_some() && permission_set_arn.is_some());
}

#[test]
fn nobody_is_let_out_before_whoever_shall_be_in_is_let_in() {
    let (input, mut there) = lowered(true);
    there.assignments[0].progress = ABSENT;
    let first = lines(decide(&input, &there).unwrap());
    assert_eq!(first, ["assign group payments-0 with permission set Developer"]);
    there.assignments[0].progress = UNDER_WAY;
    assert_eq!(decide(&input, &there).unwrap_err().fault, Fault::NotReady);
}

#[test]
fn a_removal_that_identity_center_works_on_is_waited_for() {
    let (input, mut there) = lowered(true);
    there.left_over[0].is_leaving = true;
    let error = decide(&input, &there).unwrap_err();
    assert_eq!(error.fault, Fault::NotReady);
    assert!(error.hint.contains("if it stays"), "{}", error.hint);
}

#[test]
fn with_nobody_wanted_everybody_on_record_is_let_out() {
    let (mut nobody, there) = lowered(true);
    nobody.sign_in.as_mut().unwrap().assignments.clear();
    let there = State { assignments: Vec::new(), ..there };
    let DryRun { batches, output, .. } = dry_run::<GrantSignIn>(&nobody, there).unwrap();
    assert_eq!((batches.concat().len(), output.sign_in.len(), output.left_over.len()), (1, 0, 0));
}

#[test]
fn without_identity_center_what_is_on_record_is_still_told() {
    let thing = Thing::SignIn {
        group: "payments-0".into(),
        permission_set: "Administrator".into(),
        group_id: None,
        permission_set_arn: None,
    };
    let left_over = vec![LeftOver::new(thing, true)];
    let input = Input { sign_in: None, left_over: left_over.clone(), ..input(0, Mode::Apply) };
    let Decision::Done(output) = decide(&input, &State::default()).unwrap() else { panic!("something is asked for") };
    assert_eq!(output.left_over, left_over);
}
