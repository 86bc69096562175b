//! A thousand deliveries, and one that is poison.

use std::collections::BTreeSet;

use berth_ledger::{Record, Status};
use berth_tests::rig::{Event, Rig, event};
use serde_json::{Value, json};

use crate::{alone, assert_one_of_each, names, wait_for_all};

/// Deliveries of the events of each account, replays not counted.
const DELIVERIES_EACH: usize = 10;

/// The same numbers in an order that only `seed` decides: Fisher and Yates, with Knuth's generator.
fn shuffled<T>(mut list: Vec<T>, mut seed: u64) -> Vec<T> {
    for last in (1..list.len()).rev() {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        list.swap(last, usize::try_from(seed >> 33).unwrap() % (last + 1));
    }
    list
}

/// The event as a replay of the archive brings it: with the replay's name, and its own time and id.
fn replayed(event: &str) -> String {
    let mut event: Value = serde_json::from_str(event).unwrap();
    event["replay-name"] = json!("after-the-outage");
    event.to_string()
}

/// One of so many deliveries is published on the bus and comes through its rules. The others go straight onto the queue,
/// as EventBridge's own duplicates would: the local EventBridge delivers once, in order, and never twice.
const PUBLISHED_EACH: usize = 5;

/// Create and Update of every account, five times each, every seventh as a replay, in no order.
fn deliveries(accounts: &[String]) -> Vec<String> {
    let kinds = [Event::Created, Event::Updated];
    let events: Vec<String> = accounts.iter().flat_map(|account| kinds.map(|kind| event(kind, account))).collect();
    let copies = events.iter().cycle().take(accounts.len() * DELIVERIES_EACH).enumerate();
    let copies = copies.map(|(number, event)| if number % 7 == 0 { replayed(event) } else { event.clone() });
    shuffled(copies.collect(), 20_261_121)
}

/// Messages of which accept-event has said what it made. One that goes back to the queue comes again.
fn handled(rig: &Rig) -> usize {
    let is_about_a_message = |line: &&String| line.contains("message_id") && !line.contains("goes back to the queue");
    rig.log_lines("berth-accept-event").iter().filter(is_about_a_message).count()
}

fn mutating_calls(rig: &Rig) -> usize {
    rig.calls(0).iter().filter(|call| call.effect == "resource").count()
}

/// Many tenants to a commit, each account in exactly one of them, and that is the one that its record names.
fn assert_few_commits(rig: &Rig, records: &[Record]) {
    let commits: BTreeSet<&str> = records.iter().map(|record| record.commit.as_ref().unwrap().sha.as_str()).collect();
    assert!(commits.len() < records.len() / 2, "many tenants to a commit, not {} commits", commits.len());
    let by_commit = rig.accounts_by_commit();
    let ours: BTreeSet<&str> = records.iter().map(|record| record.account_id.as_str()).collect();
    let named: Vec<&str> =
        by_commit.iter().flatten().map(String::as_str).filter(|account| ours.contains(account)).collect();
    assert_eq!((named.len(), named.into_iter().collect::<BTreeSet<_>>()), (records.len(), ours.clone()));
    let with_ours = by_commit.iter().filter(|commit| commit.iter().any(|account| ours.contains(account.as_str())));
    assert_eq!(with_ours.count(), commits.len());
}

/// Delivers the events of so many new accounts, many times and in no order; each account is onboarded once. Their records.
fn deliver_and_count(rig: &Rig, prefix: &str, count: usize) -> Vec<Record> {
    let accounts = rig.accounts(&names(prefix, count), "staging");
    let deliveries = deliveries(&accounts);
    assert_eq!(deliveries.len(), count * DELIVERIES_EACH);
    let (published, queued): (Vec<_>, Vec<_>) =
        deliveries.iter().cloned().enumerate().partition(|(number, _)| number % PUBLISHED_EACH == 0);
    let [published, queued] =
        [published, queued].map(|some| some.into_iter().map(|(_, event)| event).collect::<Vec<_>>());
    let before = handled(rig);
    let ids = std::thread::scope(|threads| {
        threads.spawn(|| rig.publish(&published));
        rig.enqueue(&queued)
    });
    let records = wait_for_all(rig, &accounts, Status::Onboarded);
    rig.wait_until_accepted(&ids);
    rig.until("what came through the bus", || (handled(rig) - before >= deliveries.len()).then_some(()));
    assert_eq!((published.len(), handled(rig) - before), (deliveries.len() / PUBLISHED_EACH, deliveries.len()));
    assert_one_of_each(rig, &records);

    // Everything once more, as a replay of the whole day brings it: nothing starts, nothing changes.
    let before = (rig.execution_names().len(), mutating_calls(rig));
    let replays: Vec<String> = deliveries.iter().take(2 * count).map(|event| replayed(event)).collect();
    let ids = rig.enqueue(&replays);
    rig.wait_until_accepted(&ids);
    assert_eq!((rig.execution_names().len(), mutating_calls(rig)), before);
    assert_eq!(wait_for_all(rig, &accounts, Status::Onboarded), records);
    records
}

#[test]
fn eighty_deliveries_end_in_exactly_eight_onboardings() {
    let (rig, _alone) = alone();
    deliver_and_count(rig, "caller", 8);
}

#[test]
#[ignore = "make test-all: a thousand deliveries"]
fn a_thousand_deliveries_end_in_exactly_a_hundred_onboardings() {
    let (rig, _alone) = alone();
    let records = deliver_and_count(rig, "arrival", 100);
    assert_few_commits(rig, &records);
}

#[test]
fn a_poison_message_delays_no_other_and_is_dead_lettered_once() {
    let (rig, _alone) = alone();
    let accounts = rig.crowd(100, "suspended");
    let poison = r#"{"source": "aws.controltower", "detail": "the-poison"#.to_owned();
    let mut messages: Vec<String> = accounts.iter().map(|account| event(Event::Created, account)).collect();
    messages.insert(50, poison.clone());
    let ids = rig.enqueue(&messages);
    wait_for_all(rig, &accounts, Status::Ignored);
    rig.wait_until_accepted(&ids);
    let of_the_poison = |line: &&String| line.contains(&ids[50]);
    let lines = rig.log_lines("berth-accept-event");
    assert_eq!(lines.iter().filter(of_the_poison).count(), 1, "it was looked at once");
    let dead = rig.dead_letters("berth-intake-dlq", "the-poison");
    let [dead] = dead.as_slice() else { panic!("exactly one: {dead:?}") };
    assert_eq!(dead.body(), Some(poison.as_str()));
    let reason = dead.message_attributes().unwrap()["BERTH_REASON"].string_value().unwrap();
    assert!(reason.contains("not JSON"), "{reason}");
}
