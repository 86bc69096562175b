//! A ledger of the version before identities (commit 9b088a2, made by its functions on the local AWS), with three onboarded
//! accounts: the next run finds each of them to be who it is.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use berth_config::{AccountFacts, Match, Onboarding, PlatformConfig};
use berth_ledger::Record;
use berth_tenancy::{LeftOverPolicy, LeftOvers, TenantSource, Thing};
use jiff::Timestamp;
use plan_onboarding::bind;
use serde_json::{Map, Value};

const RECORDS: &str = include_str!("../../../tests/fixtures/ledger/records-2026-11-21.json");
const PLATFORM: &str = include_str!("../../../tests/fixtures/ledger/platform.yaml");

/// A value as DynamoDB writes it, as plain JSON.
fn plain(typed: &Value) -> Value {
    let (kind, value) = typed.as_object().unwrap().iter().next().unwrap();
    match kind.as_str() {
        "N" => serde_json::from_str(value.as_str().unwrap()).unwrap(),
        "L" => value.as_array().unwrap().iter().map(plain).collect(),
        "M" => object(value).into(),
        _ => value.clone(),
    }
}

fn object(typed: &Value) -> Map<String, Value> {
    typed.as_object().unwrap().iter().map(|(key, value)| (key.clone(), plain(value))).collect()
}

fn records() -> Vec<Record> {
    let items: Vec<Value> = serde_json::from_str(RECORDS).unwrap();
    items.iter().map(|item| serde_json::from_value(object(item).into()).unwrap()).collect()
}

/// What Organizations says of an account of the fixture.
fn facts(record: &Record) -> AccountFacts {
    let (unit, tag) = match record.account_name.as_deref().unwrap() {
        "plain" => ("ou-ab12-dev00001", Some("meadow")),
        "orchard-staging" => ("ou-ab12-stg00001", None),
        _ => ("ou-ab12-dev00001", None),
    };
    AccountFacts {
        account_id: record.account_id.clone(),
        name: record.account_name.clone().unwrap(),
        email: None,
        state: "ACTIVE".to_owned(),
        ous: vec![unit.to_owned()],
        joined: None,
        tags: tag.map(|tenant| ("berth:tenant".to_owned(), tenant.to_owned())).into_iter().collect(),
    }
}

fn matched(facts: &AccountFacts) -> Onboarding {
    match PlatformConfig::parse(PLATFORM).unwrap().match_account(facts).unwrap() {
        Match::Onboard(matched) => *matched,
        Match::Ignored { reason } => panic!("{reason}"),
    }
}

#[test]
fn three_accounts_of_the_version_before_are_bound_to_what_they_have() {
    let mut bound = Vec::new();
    for record in records() {
        assert_eq!(record.binding, None);
        let facts = facts(&record);
        let matched = matched(&facts);
        let answer = bind(Some(&record), &matched.identity(), &facts, &matched, None, Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!((answer.seen, answer.is_new, &answer.released), (None, false, &None));
        assert_eq!(answer.binding.identity, matched.identity(), "nothing is given otherwise");
        let was = record.identity().unwrap();
        assert!(was.given.len() >= 5, "cluster, file and roles are read from the record: {was:?}");
        bound.push((was.to_string(), answer.binding.tenant_from.unwrap()));
    }
    bound.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(
        bound,
        [
            ("meadow/dev".to_owned(), TenantSource::Tag),
            ("orchard/dev".to_owned(), TenantSource::Name),
            ("orchard/staging".to_owned(), TenantSource::Name),
        ]
    );
}

#[test]
fn an_account_of_before_is_onboarded_since_its_last_run() {
    for record in records() {
        let matched = matched(&facts(&record));
        let bound = |record: &Record| {
            bind(Some(record), &matched.identity(), &facts(record), &matched, None, Timestamp::UNIX_EPOCH).unwrap()
        };
        assert_eq!(bound(&record).onboarded_since, Some(record.since), "and subscribers have heard so");
        assert_eq!(record.shown_since(), record.since);
        let known = Record { onboarded_since: Some(Timestamp::UNIX_EPOCH), ..record };
        assert_eq!((bound(&known).onboarded_since, known.shown_since()), (None, Timestamp::UNIX_EPOCH));
    }
}

#[test]
fn an_old_account_that_was_renamed_since_is_for_a_person() {
    let record = records().into_iter().find(|record| record.account_name.as_deref() == Some("orchard-dev")).unwrap();
    let facts = AccountFacts { name: "harvest-dev".to_owned(), ..facts(&record) };
    let matched = matched(&facts);
    let error = bind(Some(&record), &matched.identity(), &facts, &matched, None, Timestamp::UNIX_EPOCH).unwrap_err();
    assert!(error.message.contains("orchard/dev") && error.message.contains("harvest/dev"), "{error}");
}

/// The inventory that the first run writes, and what it would take away of it: nothing, whatever the plan lost.
#[test]
fn an_account_of_before_has_an_inventory_of_which_nothing_goes_at_once() {
    for record in records() {
        let matched = matched(&facts(&record));
        let wanted = matched.things(&record.account_id);
        let answer = bind(Some(&record), &matched.identity(), &facts(&record), &matched, None, Timestamp::UNIX_EPOCH);
        let given = answer.unwrap().given;
        let is_given = |kind: fn(&Thing) -> bool| given.iter().any(|given| kind(&given.thing));
        assert!(is_given(|thing| matches!(thing, Thing::Role { .. })));
        assert!(is_given(|thing| matches!(thing, Thing::Attachment { id: Some(_), .. })));
        assert!(is_given(|thing| matches!(thing, Thing::SignIn { .. })));
        assert_eq!(LeftOvers::of(&given, &wanted, None), LeftOvers::default(), "all of it is wanted");
        let all = LeftOvers::of(&given, &[], Some(LeftOverPolicy::Remove));
        assert_eq!(all.iter().count(), given.len());
        assert!(all.iter().all(|left| !left.remove), "it is reported first");
    }
}
