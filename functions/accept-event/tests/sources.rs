//! Which sources start an onboarding, by configuration and by kind of event.
#![allow(clippy::unwrap_used)]

use accept_event::{execution_name, sources};
use berth_config::StartSource::{ControlTower, Move, Organizations};
use berth_events::Source;
use proptest::prelude::*;

#[test]
fn own_events_and_people_always_start_an_onboarding() {
    for event in [None, Some("MoveAccount"), Some("CreateManagedAccount")] {
        let sources = sources(&[], event);
        assert!(sources.contains(Source::Own) && sources.contains(Source::Manual), "{event:?}");
        assert!(!sources.contains(Source::ControlTower) && !sources.contains(Source::Organizations), "{event:?}");
    }
}

#[test]
fn control_tower_starts_one_only_when_it_is_listed() {
    assert!(sources(&[ControlTower], Some("CreateManagedAccount")).contains(Source::ControlTower));
    assert!(!sources(&[Organizations, Move], Some("CreateManagedAccount")).contains(Source::ControlTower));
}

#[test]
fn accounts_that_organizations_made_and_moved_are_listed_apart() {
    for (start_on, created, moved) in [
        (vec![], false, false),
        (vec![Organizations], true, false),
        (vec![Move], false, true),
        (vec![Organizations, Move], true, true),
        (vec![ControlTower], false, false),
    ] {
        let may = |event| sources(&start_on, Some(event)).contains(Source::Organizations);
        assert_eq!((may("CreateAccountResult"), may("MoveAccount")), (created, moved), "{start_on:?}");
    }
}

#[test]
fn the_name_of_an_execution_is_made_from_the_account_and_the_generation() {
    let account = "111122223333".parse().unwrap();
    assert_eq!(execution_name(&account, 1), "111122223333-g1");
    assert_eq!(execution_name(&account, u32::MAX), "111122223333-g4294967295");
    assert!(execution_name(&account, u32::MAX).len() <= 80, "StartExecution takes names of up to 80 characters");
}

proptest! {
    #[test]
    fn one_more_source_takes_none_away_and_order_and_repeats_do_not_matter(
        listed in proptest::collection::vec(proptest::sample::select(vec![ControlTower, Organizations, Move]), 0..5),
        more in proptest::sample::select(vec![ControlTower, Organizations, Move]),
        event in proptest::option::of(prop_oneof![Just("MoveAccount".to_owned()), any::<String>()]),
    ) {
        let may = |listed: &[_]| {
            let sources = sources(listed, event.as_deref());
            [Source::ControlTower, Source::Organizations, Source::Own, Source::Manual].map(|each| sources.contains(each))
        };
        let fewer = may(&listed);
        let [.., own, manual] = fewer;
        prop_assert!(own && manual);
        let more = may(&[listed.as_slice(), &[more]].concat());
        prop_assert!(fewer.iter().zip(more).all(|(before, after)| !before || after), "{:?} {:?}", fewer, more);
        let reversed: Vec<_> = listed.iter().rev().chain(&listed).copied().collect();
        prop_assert_eq!(may(&reversed), fewer);
    }
}
