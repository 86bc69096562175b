//! `decide` of create-tenant-roles: which changes bring IAM to the plan, from any state.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;

use berth_step::{Decision, DryRun, Fault, Step, StepError, dry_run};
use berth_tenancy::{
    Access, BoundaryPlan, LeftOver, LeftOverTags, Mode, OrganizationTags, ResourceKind, RolePlan, RoleTrust, RolesPlan,
    Subject, Tags, Thing,
};
use create_tenant_roles::{
    Change, CreateTenantRoles, Input, LeftBoundary, ObservedBoundary, ObservedRole, Output, State,
};
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
            tags: OrganizationTags::default(),
            left_over_tags: LeftOverTags::default(),
            only_planned: None,
            repairs: None,
        },
        left_over: Vec::new(),
        roles: Some(RolesPlan {
            boundary: BoundaryPlan {
                name: "berth-boundary".into(),
                path: "/tenant/".into(),
                document: json!({ "Statement": ["boundary"] }),
            },
            roles: vec![role("developer"), role("viewer")],
        }),
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
fn an_empty_account_gets_the_boundary_then_roles_then_their_policies() {
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
fn a_role_with_our_name_without_our_tags_is_not_owned_nor_changed() {
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
fn a_boundary_under_another_path_is_not_owned_even_with_our_tags() {
    let mut state = converged();
    let there = state.boundary.as_mut().unwrap();
    there.arn = "arn:aws:iam::111122223333:policy/berth-boundary".into();
    let error = decide(&input(), &state).unwrap_err();
    assert_eq!(error.fault, Fault::NotOwned);
    assert!(error.message.contains("policy/berth-boundary in place of"), "{error}");
}

#[test]
fn the_templates_tags_are_made_and_repaired_and_never_replace_ours() {
    let mut input = input();
    input.roles.as_mut().unwrap().roles[0].tags.insert("berth:account".into(), "999999999999".into());
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
fn the_organizations_tags_are_on_roles_and_a_roles_own_win() {
    let mut input = input();
    input.run.tags.all = [("cost-center", "0"), ("owner", "platform")].map(|(k, v)| (k.into(), v.into())).into();
    let (_, _, state) = converge(&input, State::default());
    let tags = &state.roles["payments-developer"].tags;
    assert_eq!((tags.get("cost-center"), tags.get("owner")), (Some("4711"), Some("platform")));

    // What was made before gets them; those of other people stay.
    let (rounds, ..) = converge(&input, converged());
    let lines: Vec<String> = rounds.concat().iter().map(ToString::to_string).collect();
    assert!(!lines.is_empty() && lines.iter().all(|line| line.starts_with("repair tags of role ")), "{lines:?}");
}

#[test]
fn the_boundarys_tags_are_repaired_with_its_document_and_alone() {
    let mut input = input();
    input.run.tags.by_kind.insert(ResourceKind::Policy, [("owner".into(), "security".into())].into());
    let mut state = converged();
    let there = state.boundary.as_mut().unwrap();
    there.tags = Some(Tags::of(&input.run.account_id, &input.run.tenant));
    let (alone, mut other) = (state.clone(), state);
    other.boundary.as_mut().unwrap().document = json!({});
    let (tag, update) = ("repair tags of permissions boundary", "update permissions boundary");
    for (state, expected) in [(alone, vec![tag]), (other, vec![tag, update])] {
        let Decision::Act(batch) = decide(&input, &state).unwrap() else { panic!() };
        let lines: Vec<String> = batch.iter().map(ToString::to_string).collect();
        let tags = [("owner", "security")].into_iter().collect();
        assert_eq!(batch[0], Change::TagBoundary { arn: BOUNDARY.into(), tags });
        assert_eq!(lines, expected.iter().map(|what| format!("{what} {BOUNDARY}")).collect::<Vec<_>>());
        assert!(converge(&input, state).2.boundary.unwrap().tags.unwrap().get("owner").is_some());
    }
}

#[test]
fn a_boundary_of_somebody_else_that_says_what_is_planned_is_not_tagged() {
    let mut input = input();
    input.run.tags.all.insert("owner".into(), "security".into());
    let mut state = converged();
    state.boundary.as_mut().unwrap().tags = Some(Tags::default());
    state.roles.values_mut().for_each(|role| role.tags.0.extend([("owner".into(), "security".into())]));
    assert!(matches!(decide(&input, &state).unwrap(), Decision::Done(_)));
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

/// The account as it is planned, and a role besides that the plan had once, with policies.
fn with_a_left_role(remove: bool) -> (Input, State) {
    let mut state = converged();
    let mut gone = state.roles["payments-viewer"].clone();
    gone.tags.0.insert("berth:role".into(), "auditor".into());
    state.left_roles.insert(AUDITOR.to_owned(), gone);
    let thing = Thing::Role { name: "auditor".to_owned(), arn: AUDITOR.to_owned() };
    (Input { left_over: vec![LeftOver::new(thing, remove)], ..input() }, state)
}

const AUDITOR: &str = "arn:aws:iam::111122223333:role/tenant/payments-auditor";

#[test]
fn a_role_that_the_plan_does_not_have_any_more_is_removed_with_its_policies() {
    let (input, state) = with_a_left_role(true);
    let (rounds, output, state) = converge(&input, state);
    let lines: Vec<Vec<String>> = rounds.iter().map(|r| r.iter().map(ToString::to_string).collect()).collect();
    assert_eq!(
        lines,
        [
            vec![
                "detach arn:aws:iam::aws:policy/ReadOnlyAccess from role payments-auditor, which the plan does not have",
                "delete inline policy deploy of role payments-auditor, which the plan does not have",
            ],
            vec![&*format!("remove role {AUDITOR}, which the plan does not have any more")],
        ]
    );
    assert!(output.left_over.is_empty() && state.left_roles.is_empty());
    assert_eq!(output.roles.len(), 2, "what is planned stays");
}

#[test]
fn a_left_role_stays_and_is_told_when_it_may_not_go_or_is_not_provably_ours() {
    type Case = (bool, fn(&mut ObservedRole));
    let cases: [Case; 4] = [
        (false, |_| {}),
        (true, |role| {
            role.tags.0.remove("berth:managed-by");
        }),
        (true, |role| {
            role.tags.0.insert("berth:account".into(), "999999999999".into());
        }),
        (true, |role| role.instance_profiles = 1),
    ];
    for (remove, change) in cases {
        let (input, mut state) = with_a_left_role(remove);
        change(state.left_roles.get_mut(AUDITOR).unwrap());
        let (rounds, output, _) = converge(&input, state);
        assert_eq!((rounds.len(), output.left_over), (0, input.left_over.clone()));
    }
}

#[test]
fn what_is_gone_already_is_neither_removed_nor_told() {
    let (input, mut state) = with_a_left_role(true);
    state.left_roles.clear();
    let (rounds, output, _) = converge(&input, state);
    assert!(rounds.is_empty() && output.left_over.is_empty());
}

#[test]
fn nothing_is_taken_away_before_what_is_wanted_is_there() {
    let (input, mut state) = with_a_left_role(true);
    state.roles.remove("payments-developer");
    let (rounds, ..) = converge(&input, state);
    let is_removal = |round: &Vec<Change>| round.iter().any(|change| change.to_string().contains("auditor"));
    let first = rounds.iter().position(is_removal).unwrap();
    let last = rounds.iter().rposition(|round| round.iter().any(|change| change.to_string().contains("developer")));
    assert!(last.unwrap() < first, "{rounds:?}");
}

/// An account that shall have nothing any more: its offboarding.
#[test]
fn with_nothing_wanted_all_that_was_given_goes_the_boundary_last() {
    let state = converged();
    let arn = |name: &str| format!("arn:aws:iam::111122223333:role/tenant/{name}");
    let left_roles: BTreeMap<String, ObservedRole> =
        state.roles.iter().map(|(name, role)| (arn(name), role.clone())).collect();
    let tags = Tags::of(&input().run.account_id, &input().run.tenant);
    let boundary = LeftBoundary { tags, versions: vec!["v1".to_owned()], uses: 2 };
    let left_boundaries = BTreeMap::from([(BOUNDARY.to_owned(), boundary)]);
    let role = |arn: &String| Thing::Role { name: String::new(), arn: arn.clone() };
    let things = left_roles.keys().map(role).chain([Thing::Boundary { arn: BOUNDARY.to_owned() }]);
    let left_over = things.map(|thing| LeftOver::new(thing, true)).collect();
    let everything = Input { roles: None, left_over, ..input() };
    let there = State { left_roles, left_boundaries, ..State::default() };
    let (rounds, output, state) = converge(&everything, there.clone());
    assert_eq!((state, output.left_over.len(), output.roles.len()), (State::default(), 0, 0));
    let removed: Vec<String> = rounds.last().unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(removed, [format!("remove permissions boundary {BOUNDARY}, which the plan does not have any more")]);

    // A role of somebody else has the boundary: it stays, and is told.
    let mut used = there;
    used.left_boundaries.get_mut(BOUNDARY).unwrap().uses = 3;
    let (_, output, state) = converge(&everything, used);
    assert_eq!((state.left_boundaries.len(), output.left_over.len()), (1, 1));
}
