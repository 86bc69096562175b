//! `decide` of grant-cluster-access: which changes bring the Pod Identity associations of a cluster to the plan.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::collections::BTreeMap;

use berth_ledger::RoleRecord;
use berth_step::{Decision, DryRun, Fault, Step, StepError, dry_run};
use berth_tenancy::{LeftOver, PodIdentityPlan, Pods, Tags, Thing, WorkloadPlan};
use grant_cluster_access::{Change, GrantClusterAccess, Input, ObservedAssociation, ObservedCluster, Output, State};
use proptest::prelude::*;
use serde_json::{Value, json};

use self::support::{cluster, plan};

const FIRST: &str = "arn:aws:iam::210987654321:role/tenant-pods";
const TARGET: &str = "arn:aws:iam::111122223333:role/tenant/payments-workload";

fn pods(service_account: &str) -> Pods {
    Pods { namespace: "payments-dev".into(), service_account: service_account.into() }
}

fn planned(service_account: &str) -> PodIdentityPlan {
    PodIdentityPlan {
        cluster: plan().name,
        workload: WorkloadPlan {
            role: "workload".into(),
            namespace: "payments-dev".into(),
            service_account: service_account.into(),
            platform_role: FIRST.into(),
        },
    }
}

fn input() -> Input {
    let roles = vec![RoleRecord { name: "workload".into(), arn: TARGET.into(), access: None, role_id: None }];
    Input { roles, pod_identity: vec![planned("api")], ..support::input() }
}

fn decide(input: &Input, state: &State) -> Result<Decision<Change, Output>, StepError> {
    GrantClusterAccess::decide(input, state)
}

fn state(associations: BTreeMap<Pods, ObservedAssociation>) -> State {
    State { clusters: vec![ObservedCluster { associations, ..cluster() }] }
}

/// The lines of what happens until nothing is left, and the state afterwards.
fn converge(input: &Input, state: State) -> (Vec<String>, Output, State) {
    let DryRun { batches, output, state } = dry_run::<GrantClusterAccess>(input, state).unwrap();
    assert!(batches.len() < 5, "{batches:?}");
    (batches.concat().iter().map(ToString::to_string).collect(), output, state)
}

fn converged() -> State {
    converge(&input(), state(BTreeMap::new())).2
}

fn there(state: &mut State) -> &mut ObservedAssociation {
    state.clusters[0].associations.get_mut(&pods("api")).unwrap()
}

fn lines(of: &[&str]) -> Vec<String> {
    of.iter().map(|line| line.replace("IT", "pod identity association of payments-dev/api on dev-euw1")).collect()
}

#[test]
fn pods_get_the_tenants_role_by_the_one_of_the_clusters_account() {
    let (said, output, mut after) = converge(&input(), state(BTreeMap::new()));
    assert_eq!(said, lines(&[&format!("create IT, with {TARGET}")]));
    let made = there(&mut after);
    assert_eq!((made.role.as_str(), made.target.as_deref(), made.session_tags), (FIRST, Some(TARGET), true));
    assert!(made.tags.are_ours(&"111122223333".parse().unwrap()));
    assert_eq!(made.tags.get("berth:role"), Some("workload"));
    let record = &output.cluster_access[0].pod_identity[0];
    assert_eq!((&record.pods, record.role.as_str(), record.of_others), (&pods("api"), TARGET, false));
    assert!(matches!(decide(&input(), &after), Ok(Decision::Done(_))));
}

#[test]
fn what_somebody_changed_is_repaired_by_the_one_change_that_it_needs() {
    type Drift<'a> = (&'a [&'a str], fn(&mut ObservedAssociation));
    let set = "set the IT to arn:aws:iam::111122223333:role/tenant/payments-workload by \
               arn:aws:iam::210987654321:role/tenant-pods";
    let again = [
        "delete IT, which somebody narrowed by a policy",
        "create IT, with arn:aws:iam::111122223333:role/tenant/payments-workload",
    ];
    let cases: [Drift<'_>; 6] = [
        (&[set], |there| there.role = "arn:aws:iam::210987654321:role/another".into()),
        (&[set], |there| there.target = None),
        (&[set], |there| there.target = Some("arn:aws:iam::444455556666:role/theirs".into())),
        (&[set], |there| there.session_tags = false),
        (&["repair tags of the IT"], |there| drop(there.tags.0.remove("berth:role"))),
        (&again, |there| {
            there.is_narrowed = true;
            there.session_tags = false;
        }),
    ];
    for (wanted, drift) in cases {
        let mut state = converged();
        drift(there(&mut state));
        assert_eq!(converge(&input(), state).0, lines(wanted));
    }
}

#[test]
fn an_association_of_somebody_else_serves_as_it_is_or_is_named() {
    let theirs = Tags::of(&"999999999999".parse().unwrap(), &"payments".parse().unwrap());
    for tags in [Tags::default(), theirs] {
        let mut state = converged();
        there(&mut state).tags = tags;
        let (said, output, _) = converge(&input(), state.clone());
        assert_eq!((said, output.cluster_access[0].pod_identity[0].of_others), (Vec::new(), true));
        for differ in [
            (|there| there.target = None) as fn(&mut ObservedAssociation),
            |there| there.session_tags = false,
            |there| there.is_narrowed = true,
        ] {
            let mut state = state.clone();
            differ(there(&mut state));
            let error = decide(&input(), &state).unwrap_err();
            assert_eq!(error.fault, Fault::NotOwned);
            assert!(error.message.contains("of payments-dev/api on dev was not made by Berth"), "{error}");
            assert!(error.hint.contains("aws eks delete-pod-identity-association --cluster-name dev"), "{error}");
        }
    }
}

fn left(service_account: &str, remove: bool) -> LeftOver {
    let thing = Thing::PodIdentity { pods: pods(service_account), cluster: "dev-euw1".into(), at: Some(plan()) };
    LeftOver::new(thing, remove)
}

#[test]
fn a_service_account_that_the_plan_renames_gets_one_and_the_old_one_goes() {
    let renamed = Input { pod_identity: vec![planned("worker")], left_over: vec![left("api", true)], ..input() };
    let (said, output, after) = converge(&renamed, converged());
    let wanted = [
        format!("create pod identity association of payments-dev/worker on dev-euw1, with {TARGET}"),
        "remove pod identity association of payments-dev/api on dev-euw1, which the plan does not have any more".into(),
    ];
    assert_eq!((said, output.left_over.len()), (wanted.to_vec(), 0));
    assert_eq!(after.clusters[0].associations.keys().collect::<Vec<_>>(), [&pods("worker")]);
}

#[test]
fn what_may_not_go_or_is_not_provably_ours_stays_and_is_told() {
    let kept = Input { pod_identity: Vec::new(), left_over: vec![left("api", false)], ..input() };
    let (said, output, _) = converge(&kept, converged());
    assert_eq!((said.len(), output.left_over), (0, kept.left_over));
    let goes = Input { pod_identity: Vec::new(), left_over: vec![left("api", true)], ..input() };
    let mut foreign = converged();
    there(&mut foreign).tags.0.remove("berth:managed-by");
    let (said, output, _) = converge(&goes, foreign);
    assert_eq!((said.len(), output.left_over), (0, goes.left_over));
}

#[test]
fn an_account_that_leaves_takes_its_associations_along_wherever_they_are() {
    let nothing_wanted = Input {
        clusters: Vec::new(),
        roles: Vec::new(),
        pod_identity: Vec::new(),
        left_over: vec![left("api", true)],
        ..input()
    };
    let (said, output, after) = converge(&nothing_wanted, converged());
    assert_eq!((said.len(), output.left_over.len()), (1, 0));
    assert!(after.clusters[0].associations.is_empty());
}

proptest! {
    #[test]
    fn any_state_of_ours_converges_and_then_needs_nothing(
        missing in any::<bool>(), renamed in any::<bool>(), drift in proptest::collection::vec(any::<bool>(), 5),
    ) {
        let mut state = converged();
        let drifted = there(&mut state);
        if drift[0] { drifted.role.push('x') }
        if drift[1] { drifted.target = None }
        if drift[2] { drifted.session_tags = false }
        if drift[3] { drifted.is_narrowed = true }
        if drift[4] { drifted.tags.0.remove("berth:tenant"); }
        if missing { state.clusters[0].associations.clear() }
        let mut input = input();
        if renamed {
            input.pod_identity = vec![planned("worker")];
            input.left_over = vec![left("api", true)];
        }
        let (_, _, after) = converge(&input, state);
        prop_assert!(matches!(decide(&input, &after), Ok(Decision::Done(_))));
    }
}

#[test]
fn a_plan_tells_of_an_association_which_roles_it_has_and_which_it_gets() {
    let told = |state: State| {
        let batches = dry_run::<GrantClusterAccess>(&input(), state.clone()).unwrap().batches;
        let told = berth_step::planned::<GrantClusterAccess>("grant-cluster-access", &input(), state, &batches).planned;
        let [told] = told.as_slice() else { panic!("{told:#?}") };
        json!([told.action, told.kind, told.id, told.name, told.region, told.account_id, told.operation, told.fields])
    };
    let (kind, name) = ("pod-identity-association", "payments-dev/api on dev-euw1");
    let wanted = |field: &str, after: Value| json!({ "field": field, "after": after });
    let set = [wanted("roleArn", json!(FIRST)), wanted("targetRoleArn", json!(TARGET))];
    let made = json!([set[0], set[1], wanted("disableSessionTags", json!(false))]);
    let hub = "210987654321";
    let operation = "eks:CreatePodIdentityAssociation";
    let wanted = json!(["create", kind, null, name, "eu-west-1", hub, operation, made]);
    assert_eq!(told(state(BTreeMap::new())), wanted);

    let mut drifted = converged();
    let other = format!("{TARGET}-other");
    there(&mut drifted).target = Some(other.clone());
    let (id, operation) = (there(&mut drifted).id.clone(), "eks:UpdatePodIdentityAssociation");
    let was = |field: &str, before: Value, after: Value| json!({ "field": field, "before": before, "after": after });
    let set = json!([
        was("roleArn", json!(FIRST), json!(FIRST)),
        was("targetRoleArn", json!(other), json!(TARGET)),
        was("disableSessionTags", json!(false), json!(false)),
    ]);
    assert_eq!(told(drifted), json!(["change", kind, id, name, "eu-west-1", hub, operation, set]));
}
