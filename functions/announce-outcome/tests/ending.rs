//! What the end of an execution means, and which state of it failed.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use announce_outcome::{Change, Ended, HistoryEvent, ended, failed_state, stopped_state};
use berth_events::Failure;
use berth_ledger::Ending;
use berth_step::Fault;
use proptest::prelude::*;
use serde_json::{Value, json};

const ARN: &str = "arn:aws:states:us-east-1:210987654321:execution:berth-onboard-account:111122223333-g1";

fn change(status: &str, input: &Value, output: Option<&Value>) -> Change {
    let text = |value: &Value| value.to_string();
    let change = json!({
        "executionArn": ARN, "stateMachineArn": "arn", "name": "111122223333-g1", "status": status, "startDate": 1,
        "stopDate": 1_767_225_600_000_i64, "input": text(input), "output": output.map(text), "inputDetails": {},
    });
    serde_json::from_value(change).unwrap()
}

fn asked() -> Value {
    json!({ "accountId": "111122223333", "generation": 1 })
}

fn planned() -> Value {
    json!({ "accountId": "111122223333", "mode": "plan" })
}

fn onboarded(mode: &str, sha: Option<&str>) -> Value {
    json!({
        "decision": "onboard",
        "run": {
            "accountId": "111122223333", "accountName": "payments-dev", "tenant": "payments", "environment": "dev",
            "execution": ARN, "generation": 1, "mode": mode, "tenantRole": "BerthTenant",
        },
        "regions": [{
            "region": "eu-west-1", "vpcId": "vpc-1", "cidr": "10.16.16.0/20", "duplicateVpcs": ["vpc-2"], "attachmentId": "tgw-attach-1",
            "isolation": { "spokeRoutes": [] }, "changes": ["make the VPC"],
        }],
        "roles": [{ "name": "developer", "arn": "arn:aws:iam::111122223333:role/payments-developer" }],
        "defaultVpcs": [{ "region": "us-east-1", "vpcId": "vpc-default", "reason": "it has a network interface" }],
        "signIn": [{ "group": "payments-developers", "permissionSet": "TenantDeveloper" }],
        "clusterAccess": [{ "cluster": "dev-euw1", "entries": [{
            "role": "arn:aws:iam::111122223333:role/payments-developer", "groups": ["tenant:payments:edit"],
        }] }],
        "commit": { "sha": sha, "path": "clusters/dev-euw1/tenants/df/payments.yaml" },
        "changes": ["make the VPC"],
    })
}

fn silent(ended: &Ended) -> &str {
    match ended {
        Ended::Silent { reason } => reason,
        Ended::Outcome { .. } => panic!("not silent: {ended:?}"),
    }
}

fn failure(ended: Ended) -> Failure {
    match ended {
        Ended::Outcome { account, ending: Ending::Failed(failure) } if account.as_str() == "111122223333" => failure,
        other => panic!("no failure of the account: {other:?}"),
    }
}

#[test]
fn an_onboarding_that_succeeded_is_written_with_all_that_it_made() {
    let change = change("SUCCEEDED", &asked(), Some(&onboarded("apply", Some("0123"))));
    let Ended::Outcome { account, ending } = ended(&change, None).unwrap() else { panic!("silent") };
    assert_eq!(account.as_str(), "111122223333");
    let Ending::Onboarded { run, regions, roles, default_vpcs, sign_in, cluster_access, commit } = ending else {
        panic!("{ending:?}")
    };
    assert_eq!(run.tenant.as_str(), "payments");
    let region = &regions[&"eu-west-1".parse().unwrap()];
    assert_eq!((region.vpc_id.as_str(), region.attachment_id.as_str()), ("vpc-1", "tgw-attach-1"));
    assert_eq!(region.isolation, Some(json!({ "spokeRoutes": [] })));
    assert_eq!(region.duplicate_vpcs, ["vpc-2"]);
    assert_eq!(default_vpcs[0].vpc_id.as_deref(), Some("vpc-default"));
    assert_eq!((roles.len(), commit.sha.as_str()), (1, "0123"));
    assert_eq!(sign_in[0].permission_set, "TenantDeveloper");
    assert_eq!(cluster_access[0].entries[0].groups, ["tenant:payments:edit"]);
    assert_eq!(change.ended_at().unwrap().to_string(), "2026-01-01T00:00:00Z");
    let failed = Ending::Failed(Failure::from_status("FAILED", None, None, "PlanOnboarding"));
    assert_eq!(change.since(&failed).unwrap(), change.ended_at().unwrap());
    let ignored = Ending::Ignored { reason: "not ours".into() };
    assert_eq!(
        change.since(&ignored).unwrap().to_string(),
        "1970-01-01T00:00:00.001Z",
        "it was looked at when it started"
    );
}

#[test]
fn a_plan_is_silent_however_it_ends() {
    let output = onboarded("plan", None);
    assert_eq!(silent(&ended(&change("SUCCEEDED", &planned(), Some(&output)), None).unwrap()), "only planned");
    let output = json!({ "decision": "ignore", "reason": "opted out", "accountId": "111122223333" });
    assert_eq!(silent(&ended(&change("SUCCEEDED", &planned(), Some(&output)), None).unwrap()), "only planned");
    for status in ["FAILED", "TIMED_OUT", "ABORTED"] {
        assert!(silent(&ended(&change(status, &planned(), None), None).unwrap()).contains("only planned"), "{status}");
    }
}

#[test]
fn an_account_that_is_not_ours_is_ignored_with_the_reason_and_a_duplicate_is_silent() {
    let output = json!({ "decision": "ignore", "reason": "opted out", "accountId": "111122223333" });
    let ignored = ended(&change("SUCCEEDED", &asked(), Some(&output)), None).unwrap();
    let ending = Ending::Ignored { reason: "opted out".to_owned() };
    assert_eq!(ignored, Ended::Outcome { account: "111122223333".parse().unwrap(), ending });
    let output = json!({ "decision": "duplicate", "reason": "it runs", "accountId": "111122223333" });
    assert!(silent(&ended(&change("SUCCEEDED", &asked(), Some(&output)), None).unwrap()).contains("it runs"));
}

#[test]
fn an_output_that_does_not_fit_is_a_bug_and_never_passed_over() {
    let mut strange = onboarded("apply", Some("0123"));
    strange["networks"] = json!([]);
    let without_commit = onboarded("apply", None);
    for output in
        [None, Some(&json!({})), Some(&json!({ "decision": "postpone" })), Some(&strange), Some(&without_commit)]
    {
        let error = ended(&change("SUCCEEDED", &asked(), output), None).unwrap_err();
        assert_eq!(error.fault, Fault::Bug, "{output:?}: {error}");
    }
}

#[test]
fn a_failure_is_that_of_the_history_or_else_of_the_status() {
    let known = Failure::new("ProvisionVpc", "Denied", "ec2:CreateVpc was refused", Some("allow it"));
    let read = failure(ended(&change("FAILED", &asked(), None), Some(known.clone())).unwrap());
    assert_eq!(read, known);
    assert_eq!(failure(ended(&change("ABORTED", &asked(), None), None).unwrap()).fault, "Aborted");
    assert_eq!(failure(ended(&change("TIMED_OUT", &asked(), None), None).unwrap()).fault, "States.Timeout");
}

#[test]
fn a_failure_whose_input_names_no_account_is_silent_with_the_reason() {
    let reason = ended(&change("FAILED", &json!({ "account": 1 }), None), None).unwrap();
    assert!(silent(&reason).starts_with("failed, and its input names no account: "), "{reason:?}");
}

fn entered(id: i64, previous: i64, name: &str) -> HistoryEvent {
    HistoryEvent { id, previous, entered: Some(name.to_owned()), is_task: true, ..HistoryEvent::default() }
}

fn other(id: i64, previous: i64) -> HistoryEvent {
    HistoryEvent { id, previous, ..HistoryEvent::default() }
}

fn failed(id: i64, previous: i64, error: &str) -> HistoryEvent {
    let failure = Some((Some(error.to_owned()), Some("why".to_owned())));
    HistoryEvent { id, previous, failure, ..HistoryEvent::default() }
}

/// The history that Step Functions writes for a Map inside a Parallel: each branch and each item has its own chain of
/// previous ids, and events of all of them are mixed.
fn mixed(last_of_failing_branch: i64) -> Vec<HistoryEvent> {
    vec![
        failed(16, last_of_failing_branch, "Denied"),
        entered(15, 11, "CreateTenantRoles"),
        failed(14, 13, "Denied"),
        other(13, 12), // TaskScheduled
        entered(12, 10, "AttachTransitGateway"),
        other(11, 5),
        other(10, 9),
        entered(9, 7, "ProvisionVpc"),
        entered(8, 7, "ProvisionVpc"),
        entered(7, 5, "Regions"),
        other(6, 5),
        entered(5, 3, "ProvisionAccount"),
        entered(3, 1, "PlanOnboarding"),
        other(1, 0),
    ]
}

#[test]
fn the_state_that_failed_is_found_in_its_own_branch() {
    let (state, error, cause) = failed_state(&mixed(14)).unwrap();
    assert_eq!(
        (state.as_str(), error.as_deref(), cause.as_deref()),
        ("AttachTransitGateway", Some("Denied"), Some("why"))
    );
}

#[test]
fn a_task_of_another_branch_that_reports_after_the_end_is_not_the_failure() {
    let mut history = mixed(14);
    history[0].is_end = true;
    history.insert(0, failed(17, 15, "NotReady"));
    let (state, error, _) = failed_state(&history).unwrap();
    assert_eq!((state.as_str(), error.as_deref()), ("AttachTransitGateway", Some("Denied")));
}

#[test]
fn the_order_in_which_a_page_has_its_events_does_not_matter() {
    let mut history = mixed(14);
    history.reverse();
    assert_eq!(failed_state(&history).map(|(state, ..)| state).as_deref(), Some("AttachTransitGateway"));
}

#[test]
fn an_execution_that_ended_between_states_names_the_last_that_was_entered_before() {
    assert_eq!(failed_state(&mixed(13)).map(|(state, ..)| state).as_deref(), Some("AttachTransitGateway"));
    assert_eq!(failed_state(&mixed(11)).map(|(state, ..)| state).as_deref(), Some("ProvisionAccount"));
}

#[test]
fn a_part_of_a_history_that_does_not_reach_back_to_a_state_says_so() {
    assert_eq!(failed_state(&mixed(14)[..4]), None);
    assert_eq!(failed_state(&[]), None);
    assert_eq!(failed_state(&[failed(2, 1, "States.Runtime"), other(1, 0)]), None);
}

#[test]
fn a_superseded_execution_is_silent_because_the_outcome_is_that_of_its_successor() {
    for status in ["FAILED", "ABORTED"] {
        let superseded = Failure::new("ProvisionVpc", Fault::Superseded.name(), "another one took over", None);
        let ended = ended(&change(status, &asked(), None), Some(superseded)).unwrap();
        assert_eq!(silent(&ended), "was superseded: another one took over");
    }
}

/// Text that an event may hold: anything, something that fits, or something that nearly does.
fn text(fitting: Vec<Value>) -> impl Strategy<Value = Option<String>> {
    let fitting = proptest::sample::select(fitting).prop_map(|value| value.to_string());
    let damaged = (fitting.clone(), any::<proptest::sample::Index>(), any::<char>()).prop_map(|(text, at, new)| {
        let at = at.index(text.chars().count());
        text.chars().enumerate().map(|(index, old)| if index == at { new } else { old }).collect()
    });
    proptest::option::of(prop_oneof![any::<String>(), fitting, damaged])
}

fn outputs() -> Vec<Value> {
    let ignored = json!({ "decision": "ignore", "reason": "opted out", "accountId": "111122223333" });
    vec![onboarded("apply", Some("0123")), onboarded("apply", None), onboarded("plan", None), ignored]
}

proptest! {
    #[test]
    fn no_text_in_an_event_makes_a_failure_an_onboarding_or_a_panic(
        status in proptest::sample::select(vec!["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]),
        input in text(vec![asked(), planned(), json!({})]),
        output in text(outputs()),
        stop_date: Option<i64>,
    ) {
        let mut change = change(status, &asked(), None);
        (change.input, change.output, change.stop_date) = (input, output, stop_date);
        let _: Result<_, _> = change.ended_at();
        match ended(&change, None) {
            Ok(Ended::Outcome { ending, .. }) => prop_assert_eq!(matches!(ending, Ending::Failed(_)), status != "SUCCEEDED"),
            Ok(Ended::Silent { reason }) => prop_assert!(!reason.is_empty()),
            Err(error) => prop_assert_eq!((status, error.fault), ("SUCCEEDED", Fault::Bug)),
        }
    }
}

/// Two regions and the roles at once; the roles are done, one region has moved on and waits, the other is in its task.
fn stopped() -> Vec<HistoryEvent> {
    let exited = |id, previous| HistoryEvent { exited: true, ..other(id, previous) };
    let parallel = HistoryEvent { is_task: false, ..entered(2, 1, "ProvisionAccount") };
    let end = HistoryEvent { failure: Some((None, None)), is_end: true, ..other(21, 0) };
    vec![
        entered(1, 0, "PlanOnboarding"),
        exited(20, 1),
        parallel,
        entered(3, 2, "ProvisionVpc"),
        entered(4, 2, "ProvisionVpc"),
        entered(5, 2, "CreateTenantRoles"),
        exited(6, 5),
        exited(7, 3),
        entered(8, 7, "AttachTransitGateway"),
        failed(9, 8, "NotReady"),
        failed(10, 9, "NotReady"),
        other(11, 4),
        end,
    ]
}

#[test]
fn an_execution_that_was_stopped_tells_the_task_that_waited_and_for_what() {
    assert_eq!(stopped_state(&stopped()), Some(("AttachTransitGateway".to_owned(), Some("why".to_owned()))));
}

#[test]
fn a_task_that_waits_for_nothing_is_told_too_and_one_that_was_left_is_not() {
    let quiet: Vec<HistoryEvent> = stopped().into_iter().filter(|event| ![9, 10].contains(&event.id)).collect();
    assert_eq!(stopped_state(&quiet), Some(("AttachTransitGateway".to_owned(), None)));
    let earlier: Vec<HistoryEvent> = quiet.into_iter().filter(|event| event.id != 8).collect();
    assert_eq!(stopped_state(&earlier), Some(("ProvisionVpc".to_owned(), None)));
    assert_eq!(stopped_state(&[]), None);
}
