//! `decide` of grant-cluster-access: which changes bring the entries of a cluster to the plan, from any state.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use berth_ledger::RoleRecord;
use berth_step::{Decision, DryRun, Fault, Step, StepError, dry_run};
use berth_tenancy::{Access, LeftOver, Tags, Thing};
use grant_cluster_access::{
    Change, EntryChange, GrantClusterAccess, Input, ObservedCluster, ObservedEntry, Output, State, TAG_ROLE_ID, What,
};
use proptest::prelude::*;

use self::support::{cluster, plan};

fn arn(key: &str) -> String {
    format!("arn:aws:iam::111122223333:role/tenant/payments-{key}")
}

fn role(key: &str, access: Option<Access>) -> RoleRecord {
    RoleRecord { name: key.into(), arn: arn(key), access, role_id: Some(format!("AROA{key}")) }
}

fn input() -> Input {
    let roles = vec![role("developer", Some(Access::Edit)), role("viewer", Some(Access::View)), role("workload", None)];
    Input { roles, ..support::input() }
}

fn decide(input: &Input, state: &State) -> Result<Decision<Change, Output>, StepError> {
    GrantClusterAccess::decide(input, state)
}

fn state(entries: BTreeMap<String, ObservedEntry>) -> State {
    State { clusters: vec![ObservedCluster { entries, ..cluster() }] }
}

/// The lines of what happens until nothing is left, and the state afterwards.
fn converge(input: &Input, state: State) -> (Vec<String>, Output, State) {
    let DryRun { batches, output, state } = dry_run::<GrantClusterAccess>(input, state).unwrap();
    assert!(batches.len() < 8, "{batches:?}");
    (batches.concat().iter().map(ToString::to_string).collect(), output, state)
}

fn converged() -> State {
    converge(&input(), state(BTreeMap::new())).2
}

fn entry<'a>(state: &'a mut State, key: &str) -> &'a mut ObservedEntry {
    state.clusters[0].entries.get_mut(&arn(key)).unwrap()
}

#[test]
fn every_role_with_access_gets_one_entry_with_one_group_and_our_tags() {
    let (lines, output, state) = converge(&input(), state(BTreeMap::new()));
    assert_eq!(
        lines,
        ["developer", "viewer"].map(|key| format!("create access entry of {} on dev-euw1", arn(key))).to_vec()
    );
    let access = &output.cluster_access[0];
    assert_eq!(access.entries[0].groups, ["tenant:payments:dev:edit"]);
    assert_eq!(access.entries[1].groups, ["tenant:payments:dev:view"]);
    let made = &state.clusters[0].entries[&arn("developer")];
    assert_eq!(made.groups, BTreeSet::from(["tenant:payments:dev:edit".to_owned()]));
    assert_eq!((made.kind.as_str(), made.tags.get(TAG_ROLE_ID)), ("STANDARD", Some("AROAdeveloper")));
    assert!(made.tags.are_ours(&"111122223333".parse().unwrap()));
    assert!(!state.clusters[0].entries.contains_key(&arn("workload")), "a role without access gets none");
}

#[test]
fn the_organizations_tags_are_added_to_an_entry_that_is_there() {
    let mut input = input();
    input.run.tags.all = [("owner".into(), "platform".into())].into();
    let state = converged();
    let Decision::Act(batch) = decide(&input, &state).unwrap() else { panic!() };
    let missing = [("owner", "platform")].into_iter().collect::<Tags>();
    for change in &batch {
        let of_entry = |what: &What| match what {
            What::Entry { change: EntryChange::Tag { tags, .. }, .. } => *tags == missing,
            _ => false,
        };
        assert!(of_entry(&change.what), "{change}");
    }
    assert!(!batch.is_empty());
}

#[test]
fn every_kind_of_drift_is_repaired_by_the_one_change_that_it_needs() {
    type Drift = (&'static str, fn(&mut ObservedEntry));
    let cases: [Drift; 3] = [
        ("repair the groups of the access entry of ROLE on dev-euw1", |entry| entry.groups.clear()),
        ("repair the groups of the access entry of ROLE on dev-euw1", |entry| {
            entry.groups.insert("tenant:others:admin".into());
        }),
        ("repair tags of the access entry of ROLE on dev-euw1", |entry| {
            entry.tags.0.remove("berth:tenant");
        }),
    ];
    for (line, drift) in cases {
        let mut state = converged();
        drift(entry(&mut state, "viewer"));
        let (lines, ..) = converge(&input(), state);
        assert_eq!(lines, [line.replace("ROLE", &arn("viewer"))]);
    }
}

/// Until 2026-11-28 the group had no environment.
#[test]
fn an_upgrade_sets_the_groups_of_existing_entries_once_and_then_nothing() {
    let mut earlier = converged();
    for (key, access) in [("developer", "edit"), ("viewer", "view")] {
        entry(&mut earlier, key).groups = BTreeSet::from([format!("tenant:payments:{access}")]);
    }
    let (lines, _, mut upgraded) = converge(&input(), earlier);
    let repaired = |key: &str| format!("repair the groups of the access entry of {} on dev-euw1", arn(key));
    assert_eq!(lines, [repaired("developer"), repaired("viewer")]);
    assert_eq!(entry(&mut upgraded, "developer").groups, BTreeSet::from(["tenant:payments:dev:edit".to_owned()]));
    assert_eq!(converge(&input(), upgraded).0, Vec::<String>::new());
}

#[test]
fn environments_that_share_a_cluster_share_no_group() {
    let mut prod = input();
    prod.run.environment = "prod".parse().unwrap();
    let groups = |input: &Input| -> BTreeSet<String> {
        let access = converge(input, state(BTreeMap::new())).1.cluster_access.remove(0);
        access.entries.into_iter().flat_map(|entry| entry.groups).collect()
    };
    assert!(groups(&input()).is_disjoint(&groups(&prod)));
}

#[test]
fn an_entry_of_a_role_that_was_made_again_is_replaced() {
    for drift in [Some("AROAEARLIER"), None] {
        let mut state = converged();
        let tags = &mut entry(&mut state, "developer").tags.0;
        match drift {
            Some(id) => drop(tags.insert(TAG_ROLE_ID.to_owned(), id.to_owned())),
            None => drop(tags.remove(TAG_ROLE_ID)),
        }
        let (lines, _, mut after) = converge(&input(), state);
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(
            lines[0].starts_with("delete access entry") && lines[1].starts_with("create access entry"),
            "{lines:?}"
        );
        assert_eq!(entry(&mut after, "developer").tags.get(TAG_ROLE_ID), Some("AROAdeveloper"));
    }
}

#[test]
fn an_entry_of_others_is_not_owned_even_where_it_would_be_replaced() {
    let theirs = Tags::of(&"999999999999".parse().unwrap(), &"payments".parse().unwrap());
    for tags in [Tags::default(), theirs] {
        let mut state = converged();
        entry(&mut state, "viewer").tags = tags;
        let error = decide(&input(), &state).unwrap_err();
        assert_eq!(error.fault, Fault::NotOwned);
        assert!(error.message.contains(&arn("viewer")) && error.message.contains("dev"), "{error}");
    }
    let mut nodes = converged();
    entry(&mut nodes, "viewer").kind = "EC2_LINUX".into();
    assert_eq!(decide(&input(), &nodes).unwrap_err().fault, Fault::NotOwned);
}

#[test]
fn an_entry_without_access_any_more_stays_without_groups_and_is_reported() {
    let mut input = input();
    input.roles[0].access = None;
    let (lines, output, mut after) = converge(&input, converged());
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].starts_with("remove the groups of the access entry"), "{lines:?}");
    assert!(entry(&mut after, "developer").groups.is_empty());
    assert_eq!(output.cluster_access[0].retired, [arn("developer")]);
}

#[test]
fn an_entry_of_another_role_of_the_account_that_is_not_ours_is_left() {
    let mut state = converged();
    let mut theirs = entry(&mut state, "viewer").clone();
    theirs.tags = Tags::default();
    state.clusters[0].entries.insert(arn("theirs"), theirs);
    let (lines, output, _) = converge(&input(), state);
    assert!(lines.is_empty() && output.cluster_access[0].retired.is_empty(), "{lines:?}");
}

#[test]
fn a_cluster_of_the_config_map_is_named_with_what_to_change() {
    let mut state = converged();
    state.clusters[0].authentication = "CONFIG_MAP".into();
    let error = decide(&input(), &state).unwrap_err();
    assert_eq!(error.fault, Fault::InvalidInput);
    assert!(error.message.contains("the cluster dev has the authentication mode CONFIG_MAP"), "{error}");
    assert!(error.hint.contains("authenticationMode=API_AND_CONFIG_MAP"), "{error}");
}

#[test]
fn a_cluster_that_changes_is_waited_for_only_where_something_is_to_do() {
    for (status, fault) in
        [("UPDATING", Fault::NotReady), ("CREATING", Fault::NotReady), ("FAILED", Fault::InvalidInput)]
    {
        let mut busy = state(BTreeMap::new());
        busy.clusters[0].status = status.into();
        assert_eq!(decide(&input(), &busy).unwrap_err().fault, fault, "{status}");
        let mut idle = converged();
        idle.clusters[0].status = status.into();
        assert!(matches!(decide(&input(), &idle), Ok(Decision::Done(_))), "{status}");
    }
}

#[test]
fn an_environment_whose_clusters_are_not_berths_needs_nothing() {
    let input = Input { clusters: Vec::new(), ..input() };
    let (lines, output, _) = converge(&input, State::default());
    assert!(lines.is_empty() && output.cluster_access.is_empty());
}

proptest! {
    #[test]
    fn any_state_of_ours_converges_and_then_needs_nothing(
        missing in proptest::collection::vec(any::<bool>(), 2),
        drift in proptest::collection::vec(any::<bool>(), 4),
        access in proptest::collection::vec(any::<bool>(), 2),
    ) {
        let mut input = input();
        let mut state = converged();
        for (n, key) in ["developer", "viewer"].into_iter().enumerate() {
            if access[n] { input.roles[n].access = None }
            if missing[n] {
                state.clusters[0].entries.remove(&arn(key));
                continue;
            }
            let there = entry(&mut state, key);
            if drift[0] { there.groups.clear() }
            if drift[1] { there.groups.insert("other".into()); }
            if drift[2] { there.tags.0.insert(TAG_ROLE_ID.into(), "AROAEARLIER".into()); }
            if drift[3] { there.tags.0.remove("berth:role"); }
        }
        let (_, _, after) = converge(&input, state);
        prop_assert!(matches!(decide(&input, &after), Ok(Decision::Done(_))));
    }
}

/// The plan without the viewer, whose entry is there and on record.
fn without_viewer(remove: bool) -> (Input, State) {
    let mut input = input();
    input.roles.retain(|role| role.name != "viewer");
    let thing = Thing::AccessEntry { role: arn("viewer"), cluster: "dev-euw1".to_owned(), at: Some(plan()) };
    input.left_over.push(LeftOver::new(thing, remove));
    (input, converged())
}

#[test]
fn an_entry_that_the_plan_does_not_have_any_more_is_removed() {
    let (input, there) = without_viewer(true);
    let (lines, output, state) = converge(&input, there);
    let wanted = format!("remove access entry of {} on dev-euw1, which the plan does not have any more", arn("viewer"));
    assert_eq!(lines, [wanted]);
    assert!(!state.clusters[0].entries.contains_key(&arn("viewer")) && output.left_over.is_empty());
}

#[test]
fn an_entry_that_may_not_go_loses_its_groups_and_is_told() {
    let (input, there) = without_viewer(false);
    let (lines, output, state) = converge(&input, there);
    assert_eq!((lines.len(), output.left_over), (1, input.left_over));
    assert!(state.clusters[0].entries[&arn("viewer")].groups.is_empty());
}

#[test]
fn an_entry_on_record_that_is_not_provably_ours_stays_and_is_told() {
    let (input, mut there) = without_viewer(true);
    entry(&mut there, "viewer").tags.0.remove("berth:managed-by");
    let (lines, output, _) = converge(&input, there);
    assert_eq!((lines, output.left_over), (Vec::<String>::new(), input.left_over));
}

/// An environment's cluster changes, or an account leaves: what it has on the cluster of before goes.
#[test]
fn entries_on_a_cluster_that_the_plan_does_not_have_are_removed_there() {
    let there = converged();
    let left = |key: &str| {
        let thing = Thing::AccessEntry { role: arn(key), cluster: "dev-euw1".to_owned(), at: Some(plan()) };
        LeftOver::new(thing, true)
    };
    let nothing_wanted = Input {
        clusters: Vec::new(),
        roles: Vec::new(),
        left_over: vec![left("developer"), left("viewer")],
        ..input()
    };
    let (lines, output, state) = converge(&nothing_wanted, there);
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(state.clusters[0].entries.is_empty());
    assert_eq!((output.cluster_access.len(), output.left_over.len()), (0, 0));
}

#[test]
fn an_entry_on_a_cluster_whose_place_nobody_knows_is_told() {
    let thing = Thing::AccessEntry { role: arn("viewer"), cluster: "gone".to_owned(), at: None };
    let input = Input { left_over: vec![LeftOver::new(thing, true)], ..input() };
    let (lines, output, _) = converge(&input, converged());
    assert_eq!((lines.len(), output.left_over), (0, input.left_over));
}
