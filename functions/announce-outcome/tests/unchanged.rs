//! Which good endings nobody is told of, and which failures leave no record.
#![allow(clippy::unwrap_used)]

use announce_outcome::{Change, Ended, ended, is_stranger, says_nothing_new};
use berth_contract::NO_SUCH_ACCOUNT;
use berth_events::Failure;
use berth_ledger::{Ending, Record};
use serde_json::{Value, json};

const ARN: &str = "arn:aws:states:us-east-1:210987654321:execution:berth-onboard-account:7b1c";

fn change() -> Change {
    let output = json!({
        "decision": "onboard",
        "run": {
            "accountId": "111122223333", "accountName": "payments-dev", "tenant": "payments", "environment": "dev",
            "execution": ARN, "generation": 2, "mode": "apply", "tenantRole": "BerthTenant",
        },
        "regions": [{
            "region": "eu-west-1", "vpcId": "vpc-1", "cidr": "10.16.16.0/20", "duplicateVpcs": [],
            "attachmentId": "tgw-attach-1", "isolation": { "provenAt": "2026-11-02T00:00:00Z" }, "changes": [],
        }],
        "roles": [], "defaultVpcs": [], "signIn": [], "clusterAccess": [],
        "commit": { "sha": "0123456789abcdef0123456789abcdef01234567", "path": "p" }, "changes": [], "leftOver": [],
    });
    serde_json::from_value(json!({
        "executionArn": ARN, "status": "SUCCEEDED", "startDate": 1, "stopDate": 2, "output": output.to_string(),
        "input": json!({ "accountId": "111122223333" }).to_string(),
    }))
    .unwrap()
}

fn ending() -> Ending {
    match ended(&change(), None).unwrap() {
        Ended::Outcome { ending, .. } => ending,
        Ended::Silent { reason } => unreachable!("{reason}"),
    }
}

/// The record while the execution ends, with some of its fields changed.
fn record(extra: &Value) -> Record {
    let mut record = json!({
        "accountId": "111122223333", "status": "running", "generation": 2, "since": "2026-11-02T00:00:00Z",
        "lease": ARN, "executionArn": ARN, "announced": "onboarded", "onboardedSince": "2026-11-01T00:00:00Z",
        "regions": { "eu-west-1": {
            "vpcId": "vpc-1", "cidr": "10.16.16.0/20", "attachmentId": "tgw-attach-1", "duplicateVpcs": [],
            "isolation": { "provenAt": "2026-11-01T00:00:00Z" },
        } },
        "commit": { "sha": "0123456789abcdef0123456789abcdef01234567", "path": "p" },
    });
    record.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    serde_json::from_value(record).unwrap()
}

#[test]
fn an_onboarding_that_found_everything_as_it_was_announced_says_nothing_new() {
    assert!(says_nothing_new(Some(&record(&json!({}))), &change(), &ending()));
}

#[test]
fn whatever_a_subscriber_does_not_know_is_told() {
    let batch = json!({ "a": { "generation": 2, "step": "s", "at": "2026-11-02T00:00:00Z", "changes": ["x"] } });
    let moved = json!({ "eu-west-1": {
        "vpcId": "vpc-1", "cidr": "10.16.16.0/20", "attachmentId": "tgw-attach-9", "duplicateVpcs": [],
    } });
    let role = json!({ "kind": "role", "name": "n", "arn": "arn:n" });
    for (why, extra) in [
        ("a failure was heard last", json!({ "announced": "failed" })),
        ("an earlier version did not note it", json!({ "announced": null })),
        ("something was changed", json!({ "journal": batch })),
        ("more was changed than is kept", json!({ "journalIsCut": true })),
        ("another execution has the lease", json!({ "lease": "arn:other" })),
        ("another attachment", json!({ "regions": moved })),
        ("a region more", json!({ "regions": {} })),
        ("another commit", json!({ "commit": { "sha": "1", "path": "p" } })),
        ("something is no longer left over", json!({ "leftOver": [{ "thing": role, "remove": false }] })),
    ] {
        assert!(!says_nothing_new(Some(&record(&extra)), &change(), &ending()), "{why}");
    }
    assert!(!says_nothing_new(None, &change(), &ending()), "the ledger was lost");
    let failed = Ending::Failed(Failure::from_status("FAILED", None, None, "ProvisionVpc"));
    assert!(!says_nothing_new(Some(&record(&json!({}))), &change(), &failed));
}

#[test]
fn an_unknown_account_is_a_stranger_unless_it_had_something() {
    let unknown = Ending::Failed(Failure::new("PlanOnboarding", "InvalidInput", "not found", Some(NO_SUCH_ACCOUNT)));
    let other = Ending::Failed(Failure::new("PlanOnboarding", "InvalidInput", "not found", Some("look")));
    let asked_for: Record = serde_json::from_value(json!({
        "accountId": "111122223333", "status": "requested", "generation": 1, "since": "2026-11-02T00:00:00Z",
    }))
    .unwrap();
    assert!(is_stranger(None, &unknown) && is_stranger(Some(&asked_for), &unknown));
    assert!(!is_stranger(None, &other), "another failure is kept");
    let gone = record(&json!({ "lease": null, "status": "onboarded" }));
    assert!(!is_stranger(Some(&gone), &unknown), "it left the organization, and what it was given is on record");
}
