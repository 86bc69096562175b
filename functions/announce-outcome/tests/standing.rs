//! Which endings are published, as a table over what the ledger says by then.
#![allow(clippy::unwrap_used)]

use announce_outcome::{Change, Standing, generation, standing};
use berth_events::Failure;
use berth_ledger::{Ending, Record};
use jiff::Timestamp;
use serde_json::{Value, json};

fn arn(name: &str) -> String {
    format!("arn:aws:states:us-east-1:210987654321:execution:berth-onboard-account:{name}")
}

fn change(name: &str, input: Option<Value>) -> Change {
    let input = input.map(|input| input.to_string());
    let change =
        json!({ "executionArn": arn(name), "status": "FAILED", "startDate": 1, "stopDate": 2, "input": input });
    serde_json::from_value(change).unwrap()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn record(status: &str, generation: u32, newest: &str, lease: Option<&str>, since: i64) -> Record {
    serde_json::from_value(json!({
        "accountId": "111122223333", "status": status, "generation": generation, "executionArn": arn(newest),
        "lease": lease.map(arn), "since": at(since),
    }))
    .unwrap()
}

fn failed() -> Ending {
    Ending::Failed(Failure::from_status("FAILED", None, None, "ProvisionVpc"))
}

/// The execution `111122223333-g2` ended at the second 100.
fn counts(record: Option<&Record>, ending: &Ending) -> bool {
    let change = change("111122223333-g2", Some(json!({ "accountId": "111122223333", "generation": 2 })));
    standing(record, &change, ending, at(100)) == Standing::Counts
}

#[test]
fn a_failure_counts_only_while_no_newer_execution_has_the_account() {
    let (me, newer, person) = ("111122223333-g2", "111122223333-g3", "7b1c");
    for (status, generation, newest, lease, since, expected, why) in [
        ("running", 2, me, Some(me), 50, true, "it has the lease"),
        ("failed", 2, me, Some(me), 50, true, "it was redriven, and failed again"),
        ("failed", 2, me, Some(me), 100, false, "it was announced before"),
        ("requested", 2, me, None, 50, true, "it failed before it had the lease"),
        ("failed", 1, "111122223333-g1", Some("111122223333-g1"), 50, true, "the ending before it"),
        ("onboarded", 1, "111122223333-g1", None, 50, true, "an onboarded account that could not be planned again"),
        ("onboarded", 3, newer, None, 90, false, "a newer run onboarded it, whatever the clocks say"),
        ("onboarded", 2, person, None, 150, false, "a person's run onboarded it later"),
        ("failed", 3, newer, Some(newer), 150, false, "a newer one failed"),
        ("ignored", 2, person, None, 150, false, "it was ignored later"),
        ("running", 3, newer, Some(newer), 50, false, "a newer one works on it"),
        ("running", 2, person, Some(person), 50, false, "a person's run works on it"),
        ("requested", 3, newer, None, 50, false, "a newer one was asked for"),
    ] {
        let record = record(status, generation, newest, lease, since);
        assert_eq!(counts(Some(&record), &failed()), expected, "{why}: {record:?}");
    }
    assert!(counts(None, &failed()), "the ledger does not know the account yet");
}

#[test]
fn an_account_ignored_by_an_older_execution_stays_as_the_newer_left_it() {
    let ignored = Ending::Ignored { reason: "not ours".to_owned() };
    for (status, since, expected) in
        [("onboarded", 150, false), ("onboarded", 50, true), ("running", 50, false), ("failed", 50, true)]
    {
        let lease = (status == "running").then_some("7b1c");
        assert_eq!(counts(Some(&record(status, 2, "7b1c", lease, since)), &ignored), expected, "{status} {since}");
    }
}

#[test]
fn the_generation_is_that_of_the_execution_and_never_that_of_the_record() {
    for (name, input, expected) in [
        ("111122223333-g2", Some(json!({ "accountId": "111122223333", "generation": 7 })), Some(7)),
        ("111122223333-g2", Some(json!({ "accountId": "111122223333" })), Some(2)),
        ("111122223333-g2", None, Some(2)),
        ("111122223333-gx", None, None),
        ("big-g2", None, None),
        ("7b1c", Some(json!({ "accountId": "111122223333" })), None),
    ] {
        assert_eq!(generation(&change(name, input)), expected, "{name}");
    }
}
