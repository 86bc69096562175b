//! `decide` of create-tenant-roles: which changes bring IAM to the plan, from any state.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;

use berth_step::{Decision, DryRun, Fault, Step, StepError, dry_run};
use berth_tenancy::{Access, BoundaryPlan, Mode, RolePlan, RoleTrust, RolesPlan, Subject, Tags};
use create_tenant_roles::{Change, CreateTenantRoles, Input, ObservedBoundary, ObservedRole, Output, State};
use proptest::prelude::*;
use serde_json::json;

/// ARN of the planned boundary.
const BOUNDARY: &str = "arn:aws:iam::111122223333:policy/tenant/berth-boundary";

fn role(key: &str) -> RolePlan {
    RolePlan {
        key: key.into(),
        name: format!("payments-{key}"),
        path: "/tenant/".into(),
        trust: RoleTrust::PodIdentity {},
        access: Some(Access::Edit),
        managed_policies: vec!["arn:aws:iam::aws:policy/ReadOnlyAccess".into()],
        inline_policies: BTreeMap::from([("deploy".into(), json!({ "Statement": [key] }))]),
        session_seconds_max: 3600,
        tags: BTreeMap::from([("cost-center".to_owned(), "4711".to_owned())]),
    }
}

fn input() -> Input {
    Input {
        run: Subject {
            account_id: "111122223333".parse().unwrap(),
            account_name: "payments-dev".into(),
            tenant: "payments".parse().unwrap(),
            environment: "dev".parse().unwrap(),
            execution: "arn:aws:states:us-east-1:210987654321:execution:m:e".into(),
            generation: 1,
            mode: Mode::Apply,
            tenant_role: "BerthTenant".parse().unwrap(),
            allow_disruption: false,
            opening_until: None,
        },
        roles: RolesPlan {
            boundary: BoundaryPlan {
                name: "berth-boundary".into(),
                path: "/tenant/".into(),
                document: json!({ "Statement": ["boundary"] }),
            },
            roles: vec![role("developer"), role("viewer")],
        },
    }
}

fn decide(input: &Input, state: &State) -> Result<Decision<Change, Output>, StepError> {
    CreateTenantRoles::decide(input, state)
}

/// What happens until nothing is left, and the state afterwards.
fn converge(input: &Input, state: State) -> (Vec<Vec<Change>>, Output, State) {
    let DryRun { batches, output, state } = dry_run::<CreateTenantRoles>(input, state).unwrap();
    assert!(batches.len() <= 8, "{batches:?}");
    (batches, output, state)
}

fn converged() -> State {
    converge(&input(), State::default()).2
}

#[test]
fn an_empty_account_gets_the_boundary_first_then_the_roles_then_their_policies() {
    let (rounds, output, _) = converge(&input(), State::default());
    let lines: Vec<Vec<String>> = rounds.iter().map(|r| r.iter().map(ToString::to_string).collect()).collect();
    assert_eq!(lines[0], ["create permissions boundary berth-boundary"]);
    assert_eq!(lines[1], ["create role /tenant/payments-developer", "create role /tenant/payments-viewer"]);
    assert_eq!(lines[2].len(), 4);
    assert_eq!(lines.len(), 3);
    assert_eq!(output.roles[0].arn, "arn:aws:iam::111122223333:role/tenant/payments-developer");
}

#[test]
fn every_role_is_created_with_the_boundary() {
    let (rounds, ..) = converge(&input(), State::default());
    for change in rounds.concat() {
        if let Change::CreateRole { boundary, .. } = change {
            assert_eq!(boundary, BOUNDARY);
        }
    }
}

#[test]
fn a_converged_account_needs_nothing() {
    assert!(matches!(decide(&input(), &converged()), Ok(Decision::Done(_))));
}

#[test]
fn every_kind_of_drift_is_repaired_by_the_one_change_that_it_needs() {
    type Drift = (&'static str, fn(&mut ObservedRole));
    let cases: [Drift; 7] = [
        ("repair trust policy of role payments-viewer", |r| r.trust = json!({})),
        ("repair permissions boundary of role payments-viewer", |r| r.boundary = None),
        ("set longest session of role payments-viewer to 3600 s", |r| {
            r.tags.0.insert("berth:session-seconds".into(), "7200".into());
        }),
        ("repair tags of role payments-viewer", |r| {
            r.tags.0.remove("berth:role");
        }),
        ("attach arn:aws:iam::aws:policy/ReadOnlyAccess to role payments-viewer", |r| r.managed.clear()),
        ("write inline policy deploy of role payments-viewer", |r| r.inline.clear()),
        (
            "detach arn:aws:iam::aws:policy/AdministratorAccess from role payments-viewer, which the plan does not \
                 have",
            |r| {
                r.managed.insert("arn:aws:iam::aws:policy/AdministratorAccess".into());
            },
        ),
    ];
    for (line, drift) in cases {
        let mut state = converged();
        drift(state.roles.get_mut("payments-viewer").unwrap());
        let (rounds, ..) = converge(&input(), state);
        let lines: Vec<String> = rounds.concat().iter().map(ToString::to_string).collect();
        assert_eq!(lines, [line]);
    }
}

/// The policy of the step allows policies only on roles within the boundary.
#[test]
fn the_boundary_of_a_role_is_repaired_before_anything_else_of_it() {
    let mut state = converged();
    let role = state.roles.get_mut("payments-viewer").unwrap();
    (role.boundary, role.trust) = (None, json!({}));
    role.managed.clear();
    let (rounds, ..) = converge(&input(), state);
    let lines: Vec<Vec<String>> = rounds.iter().map(|round| round.iter().map(ToString::to_string).collect()).collect();
    assert_eq!(lines[0], ["repair permissions boundary of role payments-viewer"]);
    assert_eq!((lines.len(), lines[1].len()), (2, 2), "{lines:?}");
}

#[test]
fn a_role_with_our_name_but_not_our_tags_is_not_owned_and_nothing_is_changed() {
    for tags in [Tags::default(), Tags::of(&"999999999999".parse().unwrap(), &"payments".parse().unwrap())] {
        let mut state = converged();
        state.roles.get_mut("payments-viewer").unwrap().tags = tags;
        let error = decide(&input(), &state).unwrap_err();
        assert_eq!(error.fault, Fault::NotOwned);
        assert!(error.message.contains("role payments-viewer"), "{error}");
    }
}

#[test]
fn a_role_under_another_path_is_not_owned() {
    let mut state = converged();
    state.roles.get_mut("payments-viewer").unwrap().path = "/".into();
    assert_eq!(decide(&input(), &state).unwrap_err().fault, Fault::NotOwned);
}

/// IAM has a name once, whatever its letter case, so `CreateRole` would be refused for ever. [IAM `CreateRole`, `RoleName`]
#[test]
fn a_role_of_our_name_in_another_letter_case_is_not_owned_and_named() {
    let mut state = converged();
    state.roles.get_mut("payments-viewer").unwrap().name = "Payments-Viewer".into();
    let error = decide(&input(), &state).unwrap_err();
    assert_eq!(error.fault, Fault::NotOwned);
    assert!(error.message.contains("role Payments-Viewer in place of payments-viewer"), "{error}");
}

#[test]
fn a_boundary_that_is_not_ours_is_never_changed() {
    let mut state = converged();
    state.boundary = Some(ObservedBoundary {
        arn: BOUNDARY.into(),
        document: json!({}),
        tags: Some(Tags::default()),
        oldest_of_full: None,
    });
    assert_eq!(decide(&input(), &state).unwrap_err().fault, Fault::NotOwned);
}

#[test]
fn a_boundary_of_our_name_under_another_path_is_not_owned_even_with_our_tags_and_our_document() {
    let mut state = converged();
    let there = state.boundary.as_mut().unwrap();
    there.arn = "arn:aws:iam::111122223333:policy/berth-boundary".into();
    let error = decide(&input(), &state).unwrap_err();
    assert_eq!(error.fault, Fault::NotOwned);
    assert!(error.message.contains("policy/berth-boundary in place of"), "{error}");
}

#[test]
fn tags_of_the_template_are_made_and_repaired_and_never_take_the_place_of_ours() {
    let mut input = input();
    input.roles.roles[0].tags.insert("berth:account".into(), "999999999999".into());
    let (_, _, state) = converge(&input, State::default());
    let tags = &state.roles["payments-developer"].tags;
    assert_eq!((tags.get("cost-center"), tags.get("berth:account")), (Some("4711"), Some("111122223333")));
    let mut drifted = state;
    drifted.roles.get_mut("payments-developer").unwrap().tags.0.insert("cost-center".into(), "0".into());
    let (rounds, ..) = converge(&input, drifted);
    assert_eq!(
        rounds.concat().iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["repair tags of role payments-developer"]
    );
}

#[test]
fn a_full_list_of_versions_loses_its_oldest_when_the_boundary_changes() {
    let mut state = converged();
    let ours = Tags::of(&"111122223333".parse().unwrap(), &"payments".parse().unwrap());
    let oldest = Some("v1".to_owned());
    state.boundary =
        Some(ObservedBoundary { arn: BOUNDARY.into(), document: json!({}), tags: Some(ours), oldest_of_full: oldest });
    let Decision::Act(changes) = decide(&input(), &state).unwrap() else { panic!("nothing to do") };
    assert!(matches!(&changes[..], [Change::UpdateBoundary { delete_version: Some(v), .. }] if v == "v1"));
}

proptest! {
    #[test]
    fn any_drifted_state_converges_and_then_needs_nothing(
        missing in proptest::collection::vec(any::<bool>(), 2),
        drift in proptest::collection::vec(any::<bool>(), 6),
        boundary in any::<bool>(),
    ) {
        let mut state = converged();
        if boundary {
            state.boundary = None;
        }
        for (name, gone) in ["payments-developer", "payments-viewer"].iter().zip(missing) {
            if gone {
                state.roles.remove(*name);
            } else if let Some(role) = state.roles.get_mut(*name) {
                if drift[0] { role.trust = json!(null) }
                if drift[1] { role.boundary = Some("arn:aws:iam::aws:policy/x".into()) }
                if drift[2] { role.managed.clear() }
                if drift[3] { role.inline.insert("extra".into(), json!(1)); }
                if drift[4] { role.tags.0.remove("berth:session-seconds"); }
                if drift[5] { role.tags.0.insert("berth:role".into(), "other".into()); }
            }
        }
        let (_, output, after) = converge(&input(), state);
        prop_assert_eq!(output.roles.len(), 2);
        prop_assert!(matches!(decide(&input(), &after), Ok(Decision::Done(_))));
    }
}
