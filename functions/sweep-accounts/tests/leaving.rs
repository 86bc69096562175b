//! Which accounts the sweep puts on the list, which it lets go, and when it lets none.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeMap;

use berth_config::{AccountFacts, OffboardingRules, PlatformConfig};
use berth_ledger::Record;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use serde_json::{Value, json};
use sweep_accounts::{Leaving, Listed, State, TAGS_PER_SWEEP, leaving, may_be_out};

fn now() -> Timestamp {
    "2026-11-21T06:00:00Z".parse().unwrap()
}

fn platform(rules: OffboardingRules) -> PlatformConfig {
    let mut platform = PlatformConfig::parse(include_str!("../../../infra/platform.example.yaml")).unwrap();
    platform.environments.values_mut().for_each(|environment| environment.offboarding = rules);
    platform
}

fn auto(grace_days: u32) -> OffboardingRules {
    OffboardingRules { auto: true, grace_days, ..OffboardingRules::default() }
}

fn id(number: usize) -> String {
    format!("{number:012}")
}

/// An account that is onboarded into dev, with these further fields of its record.
fn record(number: usize, extra: &Value) -> Record {
    let mut value = json!({
        "accountId": id(number), "status": "onboarded", "generation": 1, "since": "2026-11-01T00:00:00Z",
        "tenant": format!("tenant{number}"), "environment": "dev",
        "commit": { "sha": "0", "path": "clusters/dev-euw1/tenants/df/x.yaml" },
    });
    value.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    serde_json::from_value(value).unwrap()
}

fn listed(number: usize, state: &str, unit: &str) -> Listed {
    let facts = AccountFacts {
        account_id: id(number).parse().unwrap(),
        name: format!("tenant{number}-dev"),
        email: None,
        state: state.to_owned(),
        ous: vec![unit.to_owned()],
        joined: None,
        tags: BTreeMap::new(),
    };
    Listed { facts, joined: None, is_tagged: false }
}

fn ours(number: usize) -> Listed {
    listed(number, "ACTIVE", "ou-ab12-dev00001")
}

fn observed(accounts: Vec<Listed>, records: Vec<Record>) -> State {
    let records = records.into_iter().map(|record| (record.account_id.clone(), record)).collect();
    State { accounts, records, is_whole: true, ..State::default() }
}

fn look(rules: OffboardingRules, state: &State) -> Leaving {
    leaving(&platform(rules), state, now())
}

fn marked(days: i64) -> Value {
    json!({ "offboarding": { "since": now() - SignedDuration::from_hours(24 * days), "reason": "closed" } })
}

#[test]
fn an_account_that_is_gone_closed_or_moved_is_put_on_the_list() {
    for (accounts, says) in [
        (vec![], "not in the organization any more"),
        (vec![listed(1, "SUSPENDED", "ou-ab12-dev00001")], "SUSPENDED"),
        (vec![listed(1, "ACTIVE", "ou-ab12-other001")], "unit"),
    ] {
        let leaving = look(OffboardingRules::default(), &observed(accounts, vec![record(1, &json!({}))]));
        let [(account, mark)] = leaving.to_mark.as_slice() else { panic!("{leaving:?}") };
        assert_eq!((account.as_str(), mark.since), (id(1).as_str(), now()));
        assert!(mark.reason.contains(says), "{says}: {}", mark.reason);
        assert!(!leaving.listed[0].starts, "a person says yes");
    }
}

#[test]
fn who_is_ours_is_left_alone_and_taken_off_the_list_again() {
    let leaving = look(auto(0), &observed(vec![ours(1), ours(2)], vec![record(1, &json!({})), record(2, &marked(9))]));
    assert!(leaving.listed.is_empty() && leaving.to_mark.is_empty(), "{leaving:?}");
    assert_eq!(leaving.to_forget.iter().map(|(account, _)| account.to_string()).collect::<Vec<_>>(), [id(2)]);
}

#[test]
fn nothing_is_said_of_who_is_under_way_has_left_or_has_nothing() {
    for status in ["requested", "running", "offboarding", "offboarding-failed", "offboarded"] {
        let leaving = look(auto(0), &observed(vec![], vec![record(1, &json!({ "status": status }))]));
        assert_eq!((leaving.listed.len(), leaving.to_mark.len(), leaving.to_forget.len()), (0, 0, 0), "{status}");
    }
    let nothing = look(auto(0), &observed(vec![], vec![record(1, &json!({ "commit": null }))]));
    assert!(nothing.listed.is_empty());
    let partial = State { is_whole: false, ..observed(vec![], vec![record(1, &json!({}))]) };
    assert!(look(auto(0), &partial).listed.is_empty(), "an organization that was not read whole lacks nobody");
    let unreadable =
        State { unreadable: [id(1).parse().unwrap()].into(), ..observed(vec![], vec![record(1, &json!({}))]) };
    assert!(look(auto(0), &unreadable).listed.is_empty());
}

#[test]
fn a_person_who_took_an_account_off_the_list_is_not_overruled() {
    let cancelled = json!({ "offboardingCancelled": "2026-11-20T00:00:00Z" });
    let leaving = look(auto(0), &observed(vec![], vec![record(1, &cancelled)]));
    assert!(leaving.listed.is_empty() && leaving.to_mark.is_empty(), "{leaving:?}");
}

#[test]
fn only_auto_lets_an_account_go_and_only_after_its_days_of_grace() {
    let by_hand = OffboardingRules { grace_days: 0, ..OffboardingRules::default() };
    let protected = OffboardingRules { protected: true, ..auto(0) };
    for (rules, days, starts) in
        [(by_hand, 90, false), (auto(7), 6, false), (auto(7), 7, true), (auto(0), 0, true), (protected, 90, false)]
    {
        let leaving = look(rules, &observed(vec![], vec![record(1, &marked(days))]));
        assert_eq!(leaving.listed[0].starts, starts, "{rules:?} {days}");
    }
}

#[test]
fn sixty_closings_of_a_hundred_accounts_start_nothing_and_are_an_error() {
    let accounts = (1..=100).map(|n| if n <= 60 { listed(n, "SUSPENDED", "ou-ab12-dev00001") } else { ours(n) });
    let records = (1..=100).map(|n| record(n, &json!({})));
    let mut leaving = look(auto(0), &observed(accounts.collect(), records.collect()));
    assert_eq!((leaving.due().count(), leaving.allowed), (60, 10));
    let error = leaving.stopped().unwrap();
    assert!(error.message.starts_with("60 accounts would be offboarded at once"), "{}", error.message);
    assert_eq!((leaving.due().count(), leaving.to_mark.len()), (0, 60), "they are on the list all the same");
}

proptest! {
    #[test]
    fn never_more_start_than_the_guard_allows_and_never_one_that_is_ours(
        closed in proptest::collection::vec(any::<bool>(), 1..60),
    ) {
        let state = |closed: bool| if closed { "SUSPENDED" } else { "ACTIVE" };
        let accounts = closed.iter().enumerate().map(|(n, closed)| listed(n + 1, state(*closed), "ou-ab12-dev00001"));
        let records = (1..=closed.len()).map(|n| record(n, &marked(30)));
        let mut leaving = look(auto(7), &observed(accounts.collect(), records.collect()));
        let gone = closed.iter().filter(|closed| **closed).count();
        prop_assert_eq!(leaving.due().count(), gone);
        prop_assert_eq!(leaving.to_forget.len(), closed.len() - gone);
        prop_assert_eq!(leaving.stopped().is_some(), gone > leaving.allowed);
        prop_assert!(leaving.due().count() <= leaving.allowed);
    }
}

#[test]
fn every_onboarded_account_has_its_turn_and_one_on_the_list_always_has() {
    let mark = json!({ "offboarding": { "since": "2026-11-20T00:00:00Z", "reason": "its tag" } });
    let count = 2 * TAGS_PER_SWEEP + 4;
    let numbers = 1..=count;
    let records = numbers.clone().map(|number| {
        let extra = match number {
            1 => mark.clone(),
            2 => json!({ "status": "offboarded" }),
            3 => json!({ "status": "running" }),
            _ => json!({}),
        };
        record(number, &extra)
    });
    let state = State {
        accounts: numbers.map(ours).collect(),
        records: records.map(|record| (record.account_id.clone(), record)).collect(),
        ..observed(vec![], vec![])
    };
    let hours: Vec<Vec<_>> = (0..3).map(|hour| may_be_out(&state, now() + SignedDuration::from_hours(hour))).collect();
    assert!(hours.iter().all(|asked| asked.len() <= TAGS_PER_SWEEP + 1 && asked[0].as_str() == id(1)));
    let mut all: Vec<String> = hours.iter().flat_map(|asked| &asked[1..]).map(ToString::to_string).collect();
    all.sort();
    assert_eq!(all, (4..=count).map(id).collect::<Vec<_>>(), "each of the onboarded once, and no other");
}
