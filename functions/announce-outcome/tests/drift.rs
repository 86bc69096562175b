//! What the end of a look for drift means, and when it does not count.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use announce_outcome::{Change, Looked, account_looked_at, looked, outdated};
use berth_contract::Drift;
use berth_events::Failure;
use berth_ledger::{Record, Status};
use berth_tenancy::Standing;
use jiff::Timestamp;
use serde_json::{Value, json};

const ARN: &str = "arn:aws:states:us-east-1:210987654321:execution:berth-onboard-account:111122223333-drift-7";

fn change(status: &str, output: Option<&Value>) -> Change {
    let input = json!({ "accountId": "111122223333", "mode": "plan", "drift": true, "allowDisruption": true });
    let change = json!({
        "executionArn": ARN, "status": status, "startDate": 1_767_225_600_000_i64, "stopDate": 1_767_225_605_000_i64,
        "input": input.to_string(), "output": output.map(Value::to_string),
    });
    serde_json::from_value(change).unwrap()
}

fn planned(regions: &Value, plan: &Value) -> Value {
    json!({
        "decision": "onboard",
        "run": {
            "accountId": "111122223333", "accountName": "payments-dev", "tenant": "payments", "environment": "dev",
            "execution": ARN, "generation": 1, "mode": "plan", "tenantRole": "BerthTenant",
        },
        "regions": regions, "roles": [], "defaultVpcs": [], "signIn": [], "clusterAccess": [], "readiness": [],
        "commit": { "sha": null, "path": "clusters/dev-euw1/tenants/df/payments.yaml" }, "changes": [], "plan": plan,
    })
}

fn record(more: &Value) -> Record {
    let mut value = json!({
        "accountId": "111122223333", "status": "onboarded", "generation": 1, "since": "2025-12-01T00:00:00Z",
    });
    value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(value).unwrap()
}

#[test]
fn only_an_execution_that_was_asked_for_drift_is_a_look() {
    assert_eq!(account_looked_at(&change("SUCCEEDED", None)).unwrap().as_str(), "111122223333");
    let mut plan = change("SUCCEEDED", None);
    plan.input = Some(json!({ "accountId": "111122223333", "mode": "plan" }).to_string());
    assert_eq!(account_looked_at(&plan), None, "a person's plan is told to nobody");
}

#[test]
fn a_plan_without_changes_is_in_sync_but_for_what_a_person_must_close() {
    let network = |planned: &Value| {
        json!([{ "region": "eu-west-1", "vpcId": "vpc-1", "cidr": "10.0.0.0/20", "attachmentId": "tgw-attach-1",
                 "isolation": {}, "changes": [], "plannedChanges": planned }])
    };
    let by_hand = json!([{ "what": "it has another block", "byBerth": false, "next": "make another VPC" }]);
    let counts = json!({ "create": 1, "change": 2, "delete": 0, "disrupts": 1 });
    let summary = json!([{ "step": "provision-vpc", "region": "eu-west-1", "counts": counts, "digest": "x" }]);
    for (regions, plan, standing, sum) in [
        (network(&json!([])), json!([]), Standing::InSync, 0),
        (network(&by_hand), json!([]), Standing::Drifted, 0),
        (network(&json!([])), summary, Standing::Drifted, 4),
    ] {
        let output = planned(&regions, &plan);
        let Looked::Plan(plan, differences) = looked(&change("SUCCEEDED", Some(&output)), None).unwrap() else {
            panic!("{output}")
        };
        let counts = plan.iter().map(|summary| summary.counts).sum();
        let drift =
            Drift::found(&"111122223333".parse().unwrap(), (ARN, Timestamp::UNIX_EPOCH), (counts, &[]), differences);
        assert_eq!((drift.standing, drift.counts.sum(), drift.untold()), (standing, sum, sum), "{drift:?}");
    }
}

#[test]
fn a_look_that_failed_says_why_and_one_of_a_stranger_says_nothing() {
    let failure = Failure::from_error(Some("Denied"), None, "ProvisionVpc");
    assert_eq!(looked(&change("FAILED", None), Some(failure.clone())).unwrap(), Looked::Failed(failure));
    let ignored = json!({ "decision": "ignore", "reason": "it was moved", "accountId": "111122223333" });
    assert!(matches!(looked(&change("SUCCEEDED", Some(&ignored)), None).unwrap(), Looked::Nothing { .. }));
    assert!(looked(&change("SUCCEEDED", Some(&json!({ "decision": "other" }))), None).is_err());
}

#[test]
fn a_look_does_not_count_that_a_run_or_a_later_look_has_overtaken() {
    let change = change("SUCCEEDED", None);
    let (began, ended) = (change.started_at().unwrap(), change.ended_at().unwrap());
    let outdated = |record: Option<&Record>| outdated(record, began, ended);
    assert_eq!(outdated(Some(&record(&json!({})))), None);
    let looked_at = |at: Timestamp| json!({ "drift": { "standing": "drifted", "since": at, "lookedAt": at, "executionArn": "arn" } });
    assert_eq!(outdated(Some(&record(&looked_at(began)))), None);
    for (why, known) in [
        ("nobody knows it", None),
        ("it was looked at again", Some(record(&looked_at(ended)))),
        ("a run has ended meanwhile", Some(record(&json!({ "since": ended })))),
        ("a run works on it", Some(record(&json!({ "status": "running" })))),
        ("it leaves", Some(record(&json!({ "status": "offboarding" })))),
    ] {
        assert!(outdated(known.as_ref()).is_some(), "{why}");
    }
    assert_eq!(record(&json!({})).status, Status::Onboarded);
}

#[test]
fn an_account_has_stood_so_since_it_was_first_found_so() {
    let account = "111122223333".parse().unwrap();
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let found = |time: &str, count: usize| {
        let counts = berth_tenancy::Counts { change: count, ..Default::default() };
        Drift::found(&account, (ARN, at(time)), (counts, &[]), Default::default())
    };
    let first = found("2026-11-01T00:00:00Z", 1);
    let second = found("2026-11-02T00:00:00Z", 3).after(Some(&first));
    assert_eq!((second.since, second.looked_at), (at("2026-11-01T00:00:00Z"), at("2026-11-02T00:00:00Z")));
    let mended = found("2026-11-03T00:00:00Z", 0).after(Some(&second));
    assert_eq!((mended.standing, mended.since), (Standing::InSync, mended.looked_at));
}
