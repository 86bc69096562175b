//! Replaying a whole month of events that were all processed is a no-op.

use std::collections::BTreeMap;

use berth_ledger::{Record, Status};
use berth_tests::rig::{Call, Event, HUB, Rig, event};
use serde_json::{Value, json};

use crate::{alone, squat};

/// Days of the month, and what came on each of them.
const DAYS: usize = 30;

/// The event as it came on a day of last October.
fn on_day(day: usize, kind: Event, account: &str) -> String {
    let mut event: Value = serde_json::from_str(&event(kind, account)).unwrap();
    event["time"] = format!("2026-10-{day:02}T08:00:00Z").into();
    event.to_string()
}

/// Every record of these accounts, to compare.
fn ledger(rig: &Rig, accounts: &[String]) -> BTreeMap<String, Record> {
    accounts.iter().filter_map(|account| Some((account.clone(), rig.record(account)?))).collect()
}

/// How many messages accept-event has said something about.
fn handled(rig: &Rig) -> usize {
    rig.log_lines("berth-accept-event").iter().filter(|line| line.contains("message_id")).count()
}

/// Whether nothing is on the intake queue or being handled.
fn is_empty(rig: &Rig) -> bool {
    let names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"];
    let url = format!("https://sqs.us-east-1.amazonaws.com/{HUB}/berth-intake");
    let answer = rig.call(HUB, "sqs", "get_queue_attributes", &json!({ "QueueUrl": url, "AttributeNames": names }));
    names.iter().all(|name| answer["Attributes"][name] == "0")
}

#[test]
fn a_replay_of_a_month_of_processed_events_changes_nothing() {
    let (rig, _alone) = alone();
    let onboarded: Vec<String> = (0..2).map(|n| rig.account(&format!("october{n}-staging"), "staging")).collect();
    let failed = rig.account("novembered-staging", "staging");
    squat(rig, &failed, "novembered");
    let ignored: Vec<String> = (0..5).map(|n| rig.account(&format!("october-idle{n}"), "suspended")).collect();
    let accounts: Vec<String> = onboarded.iter().chain([&failed]).chain(&ignored).cloned().collect();

    let before = handled(rig);
    let kinds = [Event::Created, Event::Updated, Event::CreationFailed];
    let month: Vec<String> = (1..=DAYS)
        .flat_map(|day| (0..3).map(move |n| (day, n)))
        .map(|(day, n)| on_day(day, kinds[n], &accounts[(day * 3 + n) % accounts.len()]))
        .collect();
    rig.publish(&month);
    for account in &onboarded {
        rig.wait_for(account, Status::Onboarded);
    }
    for account in &ignored {
        rig.wait_for(account, Status::Ignored);
    }
    rig.wait_for(&failed, Status::Failed);
    rig.until("every event of the month to be handled", || (handled(rig) >= before + month.len()).then_some(()));

    let told_queue = rig.subscribe(&onboarded[0], Some("Account Onboarded"));
    let executions: Vec<_> = accounts.iter().map(|account| rig.executions(account)).collect();
    let (known, handled_before, since) = (ledger(rig, &accounts), handled(rig), rig.last_call());
    assert_eq!(known.len(), accounts.len());
    let (code, text) = rig.berth(&["replay", "--archive", "--from", "2026-10-01", "--wait"]);
    assert_eq!(code, 0, "{text}");
    let deliveries = handled_before + month.len();
    rig.until("every event of the month to be handled again", || (handled(rig) >= deliveries).then_some(()));

    rig.until("the intake queue to be empty", || is_empty(rig).then_some(()));

    let acted = |call: &&Call| ["execution", "resource", "data"].contains(&call.effect.as_str());
    let calls = rig.calls(since);
    assert!(calls.iter().any(|call| call.operation == "GetItem"), "accept-event really looked: {calls:?}");
    let changing: Vec<&Call> = calls.iter().filter(acted).collect();
    assert!(changing.is_empty(), "{changing:#?}");
    assert_eq!(ledger(rig, &accounts), known, "the ledger is as it was");
    let after: Vec<_> = accounts.iter().map(|account| rig.executions(account)).collect();
    assert_eq!(after, executions, "no execution was started");
    assert_eq!(rig.received(&told_queue), None, "nobody is told of old outcomes again");
    crate::unsquat(rig, &failed, "novembered");
    assert_eq!(rig.berth(&["replay", &failed, "--wait"]).0, 0, "the other tests find nothing that failed");
}
