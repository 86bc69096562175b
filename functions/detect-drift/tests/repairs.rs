//! Which accounts are repaired: what their environment lists, once for each look, and never what waits for a person.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use berth_config::PlatformConfig;
use berth_ledger::Record;
use detect_drift::{LOOKS_PER_TICK_MAX, repairs};
use serde_json::{Value, json};

/// The example, with repairs in staging.
fn platform() -> PlatformConfig {
    let text = include_str!("../../../infra/platform.example.yaml");
    let text = text.replacen("version: 1", "version: 1\ndriftSchedule: rate(1 day)", 1);
    let text = text.replacen("    stage: staging", "    stage: staging\n    onDrift: { repair: [role, sign-in] }", 1);
    PlatformConfig::parse(&text).unwrap()
}

fn change(kind: &str, action: &str) -> Value {
    json!({ "step": "x", "action": action, "kind": kind, "change": format!("{action} {kind}") })
}

fn record(number: usize, environment: &str, changes: &[Value], more: &Value) -> Record {
    let at = "2026-11-30T00:00:00Z";
    let mut value = json!({
        "accountId": format!("{:012}", 111_122_223_333_usize + number), "status": "onboarded", "generation": 1, "since": at,
        "environment": environment,
        "drift": {
            "standing": "drifted", "since": at, "lookedAt": at, "executionArn": format!("arn:look-{number}"),
            "counts": { "create": changes.len(), "change": 0, "delete": 0, "disrupts": 0 }, "changes": changes,
        },
    });
    value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(value).unwrap()
}

#[test]
fn what_the_environment_lists_is_repaired_once_for_each_look() {
    let drifted = record(1, "staging", &[change("role", "change"), change("route-table", "disrupts")], &json!({}));
    let due = repairs(&platform(), &[drifted.clone()]).due;
    let [repair] = due.as_slice() else { panic!("{due:?}") };
    assert_eq!((repair.account_id.as_str(), repair.limit.to_string().as_str()), ("111122223334", "role sign-in"));
    assert!(berth_contract::drift::is_repair(&format!("arn:aws:states:e:{}", repair.name)), "{repair:?}");
    assert_eq!(repairs(&platform(), &[drifted]).due, due, "the same look has the same name");
    let later = record(1, "staging", &[change("role", "change")], &json!({}));
    let mut later = later;
    later.drift.as_mut().unwrap().execution_arn = "arn:another-look".to_owned();
    assert_ne!(repairs(&platform(), &[later]).due[0].name, due[0].name);
    let crowd: Vec<Record> = (0..60).map(|n| record(n, "staging", &[change("role", "change")], &json!({}))).collect();
    assert_eq!(repairs(&platform(), &crowd).due.len(), LOOKS_PER_TICK_MAX);
}

#[test]
fn what_is_not_listed_would_disrupt_or_would_be_taken_away_is_left() {
    let none = json!({});
    let suspended = json!({ "suspended": { "since": "2026-11-30T00:00:00Z", "reason": "a person" } });
    let leaves = json!({ "offboarding": { "since": "2026-11-30T00:00:00Z", "reason": "closed" } });
    for (why, record) in [
        ("another environment", record(1, "dev", &[change("role", "change")], &none)),
        ("another kind", record(1, "staging", &[change("vpc", "change")], &none)),
        ("it disrupts", record(1, "staging", &[change("role", "disrupts")], &none)),
        ("it takes away", record(1, "staging", &[change("role", "delete")], &none)),
        ("it is suspended", record(1, "staging", &[change("role", "change")], &suspended)),
        ("it leaves", record(1, "staging", &[change("role", "change")], &leaves)),
        ("it failed", record(1, "staging", &[change("role", "change")], &json!({ "status": "failed" }))),
    ] {
        let found = repairs(&platform(), &[record]);
        assert!(found.due.is_empty() && found.unrepaired.is_empty(), "{why}: {found:?}");
    }
}

#[test]
fn a_repair_that_cannot_go_through_is_not_begun_and_says_why() {
    let role = || change("role", "change");
    let untold = json!({ "drift": {
        "standing": "drifted", "since": "2026-11-30T00:00:00Z", "lookedAt": "2026-11-30T00:00:00Z", "executionArn": "arn",
        "counts": { "create": 0, "change": 900, "delete": 0, "disrupts": 0 }, "changes": [role()],
    } });
    for (said, record) in [
        ("create subnet", record(1, "staging", &[role(), change("subnet", "create")], &json!({}))),
        ("change file", record(1, "staging", &[role(), change("file", "change")], &json!({}))),
        ("900 changes are too many", record(1, "staging", &[role()], &untold)),
    ] {
        let found = repairs(&platform(), &[record]);
        assert_eq!((found.due.len(), found.unrepaired.len()), (0, 1), "{said}");
        assert!(found.unrepaired.values().all(|why| why.contains(said)), "{found:?}");
    }
}
