//! Whose turn it is: everybody's once in a period, spread over it, and never too many together.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::collections::BTreeMap;

use berth_ledger::Record;
use berth_tenancy::{AccountId, Standing};
use detect_drift::{LOOKS_PER_TICK_MAX, TICK_MINUTES, decide, turn};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

const DAY: SignedDuration = SignedDuration::from_hours(24);

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn record(number: usize, more: &Value) -> Record {
    let mut value = json!({
        "accountId": format!("{:012}", 111_122_223_333_usize + number), "status": "onboarded", "generation": 1,
        "since": "2026-11-01T00:00:00Z",
    });
    value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(value).unwrap()
}

fn drift(standing: &str, looked_at: Timestamp) -> Value {
    json!({ "standing": standing, "since": looked_at, "lookedAt": looked_at, "executionArn": "arn" })
}

/// A day of ticks over accounts that are looked at as soon as they are asked for: how often each was, and most in one tick.
fn a_day(records: &mut [Record], from: Timestamp) -> (BTreeMap<AccountId, usize>, usize) {
    let (mut times, mut most) = (BTreeMap::new(), 0);
    for tick in 0..24 * 60 / TICK_MINUTES {
        let now = from + SignedDuration::from_mins(tick * TICK_MINUTES);
        let looks = decide(records, DAY, now).looks;
        most = most.max(looks.len());
        for look in looks {
            *times.entry(look.account_id.clone()).or_default() += 1;
            let record = records.iter_mut().find(|record| record.account_id == look.account_id).unwrap();
            record.drift = serde_json::from_value(drift("inSync", now)).unwrap();
        }
    }
    (times, most)
}

#[test]
fn everybody_has_one_turn_a_day_and_turns_are_spread_over_it() {
    let from = at("2026-11-30T00:00:00Z");
    let mut records: Vec<Record> = (0..2_000).map(|number| record(number, &json!({}))).collect();
    // The first day catches up with accounts that nobody has looked at.
    let (times, most) = a_day(&mut records, from);
    assert_eq!(times.len(), 2_000);
    assert!(most <= LOOKS_PER_TICK_MAX, "{most}");
    let (times, most) = a_day(&mut records, from + DAY);
    assert!(times.len() == 2_000 && times.values().all(|count| *count == 1), "{} accounts", times.len());
    // An even spread takes one or two in a tick.
    assert!(most <= 3, "{most}");
}

#[test]
fn a_tick_that_was_missed_is_made_up_for_and_nobody_is_looked_at_twice() {
    let now = at("2026-11-30T12:00:00Z");
    let mut one = record(7, &json!({}));
    let (number, began) = turn(&one.account_id, DAY, now);
    assert!(began <= now && now.duration_since(began) < DAY);
    assert_eq!(turn(&one.account_id, DAY, began), (number, began));
    assert_eq!(turn(&one.account_id, DAY, began - SignedDuration::from_secs(1)).0, number - 1);
    let name = |record: &Record, now| decide(&[record.clone()], DAY, now).looks.pop().map(|look| look.name);
    let expected = format!("{}-drift-{number}", one.account_id);
    for late in [0, 1, 300] {
        let now = began + SignedDuration::from_mins(late);
        assert_eq!(name(&one, now).as_ref(), Some(&expected), "the same name {late} minutes late");
    }
    one.drift = serde_json::from_value(drift("drifted", began + SignedDuration::from_mins(1))).unwrap();
    assert_eq!(name(&one, began + SignedDuration::from_hours(23)), None);
    assert!(name(&one, began + DAY).is_some());
}

#[test]
fn a_run_is_a_look_and_who_is_not_onboarded_or_leaves_is_not_looked_at() {
    let now = at("2026-11-30T12:00:00Z");
    assert_eq!(decide(&[record(1, &json!({ "since": now }))], DAY, now).looks, []);
    let mark = json!({ "offboarding": { "since": "2026-11-02T00:00:00Z", "reason": "it is closed" } });
    let others = ["requested", "running", "failed", "ignored", "offboarding", "offboarding-failed", "offboarded"];
    let records: Vec<Record> = others
        .iter()
        .map(|status| json!({ "status": status }))
        .chain([mark])
        .collect::<Vec<_>>()
        .iter()
        .enumerate()
        .map(|(number, more)| record(number, more))
        .collect();
    let decided = decide(&records, DAY, now);
    assert_eq!((decided.looks, decided.waiting), (vec![], 0));
    assert_eq!(decided.standings.values().sum::<usize>(), 1, "the one that leaves is onboarded still");
}

#[test]
fn onboarded_accounts_are_counted_by_how_they_stand() {
    let now = at("2026-11-30T12:00:00Z");
    let stands = |number, standing: &str| record(number, &json!({ "drift": drift(standing, now) }));
    let failed = record(9, &json!({ "status": "failed", "drift": drift("drifted", now) }));
    let records = [stands(1, "inSync"), stands(2, "drifted"), stands(3, "drifted"), record(4, &json!({})), failed];
    let counts = decide(&records, DAY, now).standings;
    assert_eq!(counts, [(Standing::InSync, 2), (Standing::Drifted, 2), (Standing::Unknown, 0)].into());
}
