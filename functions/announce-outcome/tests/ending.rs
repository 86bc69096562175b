//! What the end of an execution means, and which state of it failed.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use announce_outcome::{Change, Ended, ended, offboarding_ended};
use berth_events::Failure;
use berth_ledger::{Ending, Readiness};
use berth_step::Fault;
use berth_tenancy::Thing;
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
        "readiness": [{ "cluster": "shared-dev-1", "state": "ready", "message": "Reconciled: as the spec says" }],
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

/// Left over when it was planned, and not any more when it ended: it has left the inventory.
#[test]
fn what_was_left_over_and_is_not_any_more_is_gone() {
    let role =
        |name: &str| json!({ "thing": { "kind": "role", "name": name, "arn": format!("arn:{name}") }, "remove": true });
    let provider = json!({ "thing": { "kind": "oidcProvider", "arn": "arn:p" }, "remove": true });
    let mut output = onboarded("apply", Some("0123"));
    output["leftOverBefore"] = json!([role("stays"), role("went"), provider]);
    output["leftOver"] = json!([role("stays")]);
    let gone = |output: &Value| match ended(&change("SUCCEEDED", &asked(), Some(output)), None).unwrap() {
        Ended::Outcome { ending: Ending::Onboarded { gone, .. }, .. } => gone,
        other => panic!("{other:?}"),
    };
    let keys: Vec<String> = gone(&output).iter().map(Thing::key).collect();
    assert_eq!(keys, ["role arn:went", "oidc-provider arn:p"]);
    assert_eq!(gone(&onboarded("apply", Some("0123"))), [], "an execution of an earlier version does not say");
}

#[test]
fn an_onboarding_that_succeeded_is_written_with_all_that_it_made() {
    let change = change("SUCCEEDED", &asked(), Some(&onboarded("apply", Some("0123"))));
    let Ended::Outcome { account, ending } = ended(&change, None).unwrap() else { panic!("silent") };
    assert_eq!(account.as_str(), "111122223333");
    let Ending::Onboarded {
        run,
        regions,
        roles,
        default_vpcs,
        sign_in,
        cluster_access,
        readiness,
        commit,
        left_over: _,
        gone: _,
        given: _,
    } = ending
    else {
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
    assert_eq!((readiness[0].cluster.as_str(), readiness[0].state), ("shared-dev-1", Readiness::Ready));
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
fn an_account_not_ours_is_ignored_with_a_reason_and_a_duplicate_silent() {
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

#[test]
fn a_superseded_execution_leaves_the_outcome_to_its_successor() {
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

const LEAVING: &str = "arn:aws:states:us-east-1:210987654321:execution:berth-offboard-account:one";

/// The end of an offboarding.
fn left(status: &str, mode: &str, output: Option<&Value>) -> Change {
    let input = json!({ "accountId": "111122223333", "mode": mode, "accessRemoved": true });
    Change { execution_arn: LEAVING.to_owned(), ..change(status, &input, output) }
}

fn departed(mode: &str) -> Value {
    let mut run = onboarded(mode, None)["run"].clone();
    run["execution"] = json!(LEAVING);
    json!({
        "decision": "offboard", "run": run, "isClosed": true, "leftBehind": ["vpc-1 in eu-west-1"], "leftOver": [],
        "regions": [{ "region": "eu-west-1", "blocks": ["10.16.16.0/20"], "leftBehind": "vpc-1", "changes": ["delete tgw-attach-1"] }],
        "commit": { "sha": "0123", "path": "clusters/dev/tenants/df/payments.yaml" }, "changes": ["take it out"],
    })
}

#[test]
fn an_offboarding_ends_with_a_tombstone_and_a_plan_of_one_with_nothing() {
    let end = left("SUCCEEDED", "apply", Some(&departed("apply")));
    let Ok(Ended::Outcome { account, ending: Ending::Offboarded(tombstone) }) = offboarding_ended(&end, None, None)
    else {
        panic!("no tombstone")
    };
    assert_eq!((account.as_str(), tombstone.is_closed), ("111122223333", true));
    assert_eq!(tombstone.left_behind, ["vpc-1 in eu-west-1"]);
    assert_eq!(tombstone.snapshot["blocks"][0]["blocks"], json!(["10.16.16.0/20"]));
    assert_eq!(tombstone.snapshot["changes"], json!(["take it out"]));
    let plan = left("SUCCEEDED", "plan", Some(&departed("plan")));
    assert!(matches!(offboarding_ended(&plan, None, None), Ok(Ended::Silent { .. })));
}

#[test]
fn a_failed_offboarding_is_no_failed_onboarding() {
    let failure = Failure::from_error(Some("NotOwned"), None, "InspectVpc");
    let end = offboarding_ended(&left("FAILED", "apply", None), Some(failure.clone()), None).unwrap();
    let Ended::Outcome { ending, .. } = end else { panic!("{end:?}") };
    assert_eq!(ending, Ending::OffboardingFailed(failure.clone()));
    for (mode, failure) in [("plan", failure), ("apply", Failure::from_error(Some("Superseded"), None, "DeleteVpc"))] {
        let end = offboarding_ended(&left("FAILED", mode, None), Some(failure), None).unwrap();
        assert!(matches!(end, Ended::Silent { .. }), "{mode}: {end:?}");
    }
    let aborted = offboarding_ended(&left("ABORTED", "apply", None), None, None).unwrap();
    assert!(matches!(aborted, Ended::Outcome { ending: Ending::OffboardingFailed(_), .. }), "{aborted:?}");
}

#[test]
fn an_offboarding_that_found_nothing_says_nothing() {
    for decision in ["ignore", "duplicate"] {
        let output =
            json!({ "decision": decision, "reason": "the ledger does not know it", "accountId": "111122223333" });
        let end = offboarding_ended(&left("SUCCEEDED", "apply", Some(&output)), None, None).unwrap();
        assert!(matches!(end, Ended::Silent { .. }), "{end:?}");
    }
}

/// The end of a run that took a part, and whether access of it is left.
fn taken(scope: &str, more: &Value, is_left: bool) -> Ending {
    let thing = json!({ "kind": "signIn", "group": "g", "permissionSet": "P" });
    let mut output = departed("apply");
    output["scope"] = json!(scope);
    output["leftOver"] = if is_left { json!([{ "thing": thing, "remove": true }]) } else { json!([]) };
    let mut input = json!({ "accountId": "111122223333", "mode": "apply", "scope": scope });
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let change = Change { execution_arn: LEAVING.to_owned(), ..change("SUCCEEDED", &input, Some(&output)) };
    let was = json!({ "status": "onboarded", "since": "2026-11-01T00:00:00Z" });
    let record = serde_json::from_value(json!({
        "accountId": "111122223333", "status": "offboarding", "generation": 2, "since": "2026-11-02T00:00:00Z",
        "lease": LEAVING, "part": { "scope": scope, "was": was },
    }))
    .unwrap();
    let end = offboarding_ended(&change, None, Some(&record)).unwrap();
    let Ended::Outcome { ending, .. } = end else { panic!("{end:?}") };
    ending
}

#[test]
fn a_part_that_was_taken_leaves_no_tombstone() {
    for scope in ["suspend", "resume", "access", "region"] {
        let ending = taken(scope, &json!({ "reason": "a stolen laptop" }), false);
        let Ending::PartOffboarded(taken) = ending else { panic!("{scope}: {ending:?}") };
        assert_eq!((json!(taken.part.scope), taken.reason.as_str()), (json!(scope), "a stolen laptop"));
        assert_eq!(taken.part.was.status.name(), "onboarded");
    }
}

#[test]
fn a_regions_baseline_is_gone_only_where_nothing_of_it_stays() {
    let gone = |baselines: &[Value]| {
        let asked = json!({ "accountId": "111122223333", "mode": "apply", "scope": "region", "region": "eu-west-1" });
        let mut output = departed("apply");
        output["scope"] = json!("region");
        if let Some(baselines) = (!baselines.is_empty()).then_some(baselines) {
            output["baselines"] = json!(baselines);
        }
        let change = Change { execution_arn: LEAVING.to_owned(), ..change("SUCCEEDED", &asked, Some(&output)) };
        let record = json!({
            "accountId": "111122223333", "status": "offboarding", "generation": 2, "since": "2026-11-02T00:00:00Z",
        });
        let record = serde_json::from_value(record).unwrap();
        let end = offboarding_ended(&change, None, Some(&record)).unwrap();
        let Ended::Outcome { ending: Ending::PartOffboarded(taken), .. } = end else { panic!("{end:?}") };
        taken.is_baseline_gone
    };
    let baseline =
        |region: &str, left: &[&str]| json!({ "region": region, "leftBehind": left, "changes": ["delete it"] });
    assert!(gone(&[baseline("eu-west-1", &[])]));
    assert!(!gone(&[baseline("eu-west-1", &["a vault"])]), "a vault with backups");
    assert!(!gone(&[baseline("us-east-1", &[])]), "another region");
    assert!(!gone(&[]), "an execution of an earlier version left it");
}

#[test]
fn access_that_stays_fails_a_transfer_unless_a_person_says_it_is_gone() {
    let Ending::OffboardingFailed(failure) = taken("access", &json!({}), true) else { panic!("it did not fail") };
    assert_eq!(failure.fault, "NotOwned");
    assert!(failure.message.contains("sign-in of g with P"), "{failure:?}");
    assert!(failure.hint.contains("--old-access-removed"), "{failure:?}");
    assert!(matches!(taken("access", &json!({ "accessRemoved": true }), true), Ending::PartOffboarded(_)));
}
