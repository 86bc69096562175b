//! `decide` of await-tenant: Ready is believed of what was committed and of nothing else, and a wait says what for.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use await_tenant::{AwaitTenant, Change, Input, Output, State, View};
use berth_contract::Readiness;
use berth_crd::{AccountEntry, RegionNetwork, RoleEntry, join};
use berth_step::{Decision, Fault, Step, StepError};
use berth_tenancy::{Access, ClusterPlan, LeftOverTags, Mode, OrganizationTags, Subject};
use proptest::prelude::*;
use serde_json::{Value, json};

fn entry() -> AccountEntry {
    AccountEntry {
        tenant: "payments".parse().unwrap(),
        display_name: "Payments (dev)".to_owned(),
        contact_email: Some("payments@example.com".to_owned()),
        cost_center: None,
        owner_groups: vec!["payments-leads".to_owned()],
        cluster: "dev-euw1".parse().unwrap(),
        cluster_region: "eu-west-1".parse().unwrap(),
        stage: None,
        environment: "dev".parse().unwrap(),
        account_id: "111122223333".parse().unwrap(),
        regions: vec![RegionNetwork {
            region: "eu-west-1".parse().unwrap(),
            vpc_id: "vpc-0123456789abcdef0".to_owned(),
            cidrs: vec!["10.16.16.0/20".parse().unwrap()],
            transit_gateway_attachment_id: "tgw-attach-0123456789abcdef0".to_owned(),
        }],
        roles: vec![RoleEntry {
            name: "developer".to_owned(),
            arn: "arn:aws:iam::111122223333:role/payments-developer".to_owned(),
            access: Access::Edit,
        }],
        workloads: Vec::new(),
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
        cluster: ClusterPlan {
            name: "dev-euw1".parse().unwrap(),
            eks_name: "shared-dev".parse().unwrap(),
            region: "eu-west-1".parse().unwrap(),
            outside: None,
        },
        entry: Some(entry()),
    }
}

/// The Tenant as a cluster has it once the commit is synced: with what the server and others add.
fn synced(generation: i64, conditions: &Value) -> Value {
    let mut tenant: Value = serde_saphyr::from_str(&join(None, &entry()).unwrap()).unwrap();
    tenant["metadata"] = json!({
        "name": "payments", "generation": generation, "uid": "u", "resourceVersion": "7",
        "managedFields": [{ "manager": "argocd", "fieldsV1": { "f:spec": {} } }],
    });
    tenant["spec"]["deletionPolicy"] = "Retain".into();
    tenant["status"] = json!({ "observedGeneration": generation, "conditions": conditions });
    tenant
}

fn condition(name: &str, status: &str, generation: i64, reason: &str, message: &str) -> Value {
    json!({ "type": name, "status": status, "observedGeneration": generation, "reason": reason, "message": message })
}

fn ready(generation: i64) -> Value {
    json!([condition("Ready", "True", generation, "Reconciled", "everything is as the spec says")])
}

fn decide(view: View) -> Result<Decision<Change, Output>, StepError> {
    AwaitTenant::decide(&input(), &State { view })
}

fn answered(status: u16, body: Value) -> Result<Decision<Change, Output>, StepError> {
    decide(View::Answered { status, body })
}

fn done(decided: Result<Decision<Change, Output>, StepError>) -> (Readiness, String) {
    match decided.unwrap() {
        Decision::Done(Output { readiness }) => {
            assert_eq!(readiness.cluster.as_str(), "dev-euw1");
            (readiness.state, readiness.message)
        }
        Decision::Act(changes) => panic!("{changes:?}"),
    }
}

#[test]
fn ready_of_what_was_committed_is_ready_with_what_the_operator_says() {
    let said = done(answered(200, synced(3, &ready(3))));
    assert_eq!(said, (Readiness::Ready, "Reconciled: everything is as the spec says".to_owned()));
}

#[test]
fn what_people_change_beside_the_account_does_not_disturb() {
    let mut changed = synced(4, &ready(4));
    changed["spec"]["displayName"] = "Payments of Europe".into();
    changed["spec"]["registries"] = json!(["ghcr.io/payments/"]);
    changed["spec"]["accounts"]
        .as_array_mut()
        .unwrap()
        .push(json!({ "environment": "prod", "accountId": "444455556666" }));
    assert_eq!(done(answered(200, changed)).0, Readiness::Ready);
}

#[test]
fn ready_of_anything_else_is_waited_out_and_the_wait_says_for_what() {
    let old = |change: &dyn Fn(&mut Value)| {
        let mut tenant = synced(3, &ready(3));
        change(&mut tenant);
        tenant
    };
    let stalled = json!([
        condition("Ready", "False", 3, "NotOwned", "namespace payments-dev is somebody else's"),
        condition("Stalled", "True", 3, "NotOwned", "namespace payments-dev is somebody else's"),
    ]);
    let cases = [
        (old(&|tenant| tenant["spec"]["accounts"] = json!([])), "is still as before the commit: generation 3"),
        (
            old(&|tenant| tenant["spec"]["accounts"][0]["accountId"] = "999988887777".into()),
            "is still as before the commit (spec.accounts[environment=dev]",
        ),
        (
            old(&|tenant| tenant["spec"]["accounts"][0]["networks"][0]["vpcId"] = "vpc-0123456789abcdef1".into()),
            "is still as before the commit",
        ),
        (old(&|tenant| tenant["status"] = Value::Null), "its operator has said nothing"),
        (synced(3, &ready(2)), "Ready is about generation 2, not 3"),
        (synced(3, &json!([{ "type": "Ready", "status": "True" }])), ""),
        (
            synced(
                3,
                &json!([condition("Ready", "False", 3, "Terminating", "namespace payments-dev is being deleted")]),
            ),
            "is not Ready: Terminating: namespace payments-dev is being deleted",
        ),
        (synced(3, &stalled), "is not Ready: NotOwned: namespace payments-dev is somebody else's"),
        (old(&|tenant| tenant["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into()), "is being deleted"),
    ];
    for (tenant, told) in cases {
        if told.is_empty() {
            // Without a generation of its own a condition is about that of the whole status.
            assert_eq!(done(answered(200, tenant)).0, Readiness::Ready);
            continue;
        }
        let error = answered(200, tenant).unwrap_err();
        assert_eq!(error.fault, Fault::NotReady, "{error}");
        assert!(
            error.message.contains(told) && error.message.contains("the Tenant payments on shared-dev"),
            "{told}: {error}"
        );
    }
    let error = answered(200, synced(3, &stalled)).unwrap_err();
    assert!(error.hint.contains("somebody must act on the cluster (NotOwned)"), "{error}");
}

#[test]
fn every_other_answer_of_the_server_is_a_fault_that_says_what_to_do() {
    let status = |reason: &str, details: Value| json!({ "kind": "Status", "reason": reason, "message": "m", "details": details });
    let cases = [
        (
            404,
            status("NotFound", json!({ "name": "payments" })),
            Fault::NotReady,
            "clusters/dev-euw1 of the repository is not synced",
        ),
        (404, status("NotFound", json!({})), Fault::NotReady, "has no CRD of Tenants"),
        (404, Value::Null, Fault::NotReady, "has no CRD of Tenants"),
        (
            401,
            status("Unauthorized", Value::Null),
            Fault::Denied,
            "aws eks create-access-entry --cluster-name shared-dev",
        ),
        (403, status("Forbidden", Value::Null), Fault::Denied, "awaitReady: true"),
        (429, Value::Null, Fault::Throttled, "answered 429"),
        (503, Value::Null, Fault::Throttled, "answered 503"),
        (400, Value::Null, Fault::Bug, "answered 400"),
        (302, Value::Null, Fault::Bug, "answered 302"),
    ];
    for (code, body, fault, told) in cases {
        let error = answered(code, body).unwrap_err();
        assert_eq!(error.fault, fault, "{code}: {error}");
        assert!(error.to_string().contains(told), "{code}: {error}");
        assert_eq!(error.region.unwrap().as_str(), "eu-west-1");
    }
}

#[test]
fn where_nobody_can_look_that_is_said_and_nothing_is_waited_for() {
    let (state, message) = done(decide(View::Private("the endpoint of shared-dev is private".to_owned())));
    assert_eq!((state, message.as_str()), (Readiness::Unknown, "the endpoint of shared-dev is private"));
    assert_eq!(done(decide(View::Unasked)).0, Readiness::Unknown);
    let error = decide(View::WithoutEndpoint("CREATING".to_owned())).unwrap_err();
    assert_eq!((error.fault, error.message.contains("CREATING")), (Fault::NotReady, true));
}

/// What is decided of an account that left.
fn departed(status: u16, body: Value) -> Result<Decision<Change, Output>, StepError> {
    let input = Input { entry: None, ..input() };
    AwaitTenant::decide(&input, &State { view: View::Answered { status, body } })
}

/// The Tenant that other accounts still have.
fn without(generation: i64, seen: i64) -> Value {
    let mut tenant = synced(generation, &ready(seen));
    tenant["spec"]["accounts"] = json!([{ "environment": "prod", "accountId": "444455556666" }]);
    tenant
}

#[test]
fn an_account_has_left_when_its_tenant_is_gone_or_is_without_it() {
    let gone = json!({ "kind": "Status", "details": { "name": "payments" } });
    let (state, said) = done(departed(404, gone));
    assert_eq!(state, Readiness::Gone);
    assert!(said.contains("payments on shared-dev is gone") && said.contains("with `Retain` they stay"), "{said}");
    let (state, said) = done(departed(200, without(4, 4)));
    assert_eq!(state, Readiness::Gone);
    assert!(said.contains("is without the account: its namespaces stay"), "{said}");
    // Whether the others' part is Ready is their matter.
    let mut stalled = without(4, 4);
    stalled["status"]["conditions"][0]["status"] = "False".into();
    assert_eq!(done(departed(200, stalled)).0, Readiness::Gone);
}

#[test]
fn an_account_that_the_cluster_still_has_is_waited_for_by_what_holds_it() {
    let mut deleted = synced(3, &json!([condition("Ready", "False", 3, "BrakeHeld", "7 tenants go at once")]));
    deleted["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
    let cases = [
        (
            200,
            synced(3, &ready(3)),
            "still has the account: clusters/dev-euw1 of the repository is not synced",
            "prune",
        ),
        (200, deleted, "is being deleted: BrakeHeld: 7 tenants go at once", "tenancy.berth.dev/confirm-gone=payments"),
        (200, without(4, 3), "its operator has not seen that yet", "the tenant operator runs"),
        (404, json!({ "kind": "Status" }), "has no CRD of Tenants", "install the CRD"),
    ];
    for (status, body, message, hint) in cases {
        let error = departed(status, body).unwrap_err();
        assert_eq!(error.fault, Fault::NotReady, "{error}");
        assert!(error.message.contains(message) && error.hint.contains(hint), "{message}: {error}");
    }
    assert_eq!(departed(403, json!({ "message": "m" })).unwrap_err().fault, Fault::Denied);
    let closed = Input { entry: None, ..input() };
    let unseen = State { view: View::Private("the endpoint of shared-dev is private".to_owned()) };
    assert_eq!(done(AwaitTenant::decide(&closed, &unseen)).0, Readiness::Unknown, "said, and not waited for");
}

proptest! {
    #[test]
    fn an_account_that_is_in_the_tenant_is_never_said_to_be_gone(
        status in any::<u16>(), generation in 1_i64..4, seen in 1_i64..4, is_deleted: bool, is_there: bool,
    ) {
        let mut tenant = if is_there { synced(generation, &ready(seen)) } else { without(generation, seen) };
        if is_deleted {
            tenant["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
        }
        let is_gone = status == 200 && !is_there && !is_deleted && generation == seen;
        prop_assert_eq!(departed(status, tenant).is_ok(), is_gone);
    }

    #[test]
    fn whatever_a_cluster_answers_only_a_condition_that_is_true_is_ready(
        status in any::<u16>(), condition_status in "True|False|Unknown|true|", generation in 1_i64..4, seen in 1_i64..4,
        message in ".*",
    ) {
        let conditions = json!([condition("Ready", &condition_status, seen, "R", &message)]);
        let decided = answered(status, synced(generation, &conditions));
        let is_ready = status == 200 && condition_status == "True" && generation == seen;
        prop_assert_eq!(decided.is_ok(), is_ready);
        if let Err(error) = decided {
            prop_assert!(!error.message.contains('\n'), "{}", error.message);
        }
    }
}
