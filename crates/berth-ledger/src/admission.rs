//! Whether a request starts a new onboarding or is a duplicate. Pure: the same request always gets the same answer.

use jiff::Timestamp;

use crate::{Record, Status};

/// What becomes of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    /// Start the execution of this generation. The name is the same for every duplicate, so that they collapse at
    /// `StartExecution`.
    Start {
        /// Part of the execution's name.
        generation: u32,
    },
    /// Nothing to start.
    Duplicate {
        /// Why, in one sentence.
        reason: String,
    },
}

/// Decides what becomes of an event about an account.
///
/// `happened` is the time inside the event: a delivery or a replay keeps it. An event that is older than the end of the
/// newest onboarding (of an ignored account: than its start) has been served by it, so replaying any number of old
/// events starts nothing. A newer one asks for another generation. An event without a time counts as old.
///
/// `wanted` is the generation that the event itself asks for, when it does: the sweep has seen that the one before is
/// over, whatever the ledger says. Then times do not matter, and however often it asks, one execution is started.
#[must_use]
pub fn admit(record: Option<&Record>, happened: Option<Timestamp>, wanted: Option<u32>) -> Admission {
    if let Some(wanted) = wanted {
        return admit_wanted(record, wanted);
    }
    let Some(record) = record else { return Admission::Start { generation: 1 } };
    let generation = record.generation.max(1);
    match record.status {
        Status::Requested => Admission::Start { generation },
        Status::Running => Admission::Duplicate { reason: format!("onboarding {generation} is under way") },
        // Whoever wants it back says so: `berth onboard`.
        Status::Offboarding | Status::OffboardingFailed => {
            Admission::Duplicate { reason: "the account is being offboarded".to_owned() }
        }
        Status::Onboarded | Status::Failed | Status::Ignored | Status::Offboarded => match happened {
            Some(time) if time > record.since => Admission::Start { generation: next_generation(Some(record)) },
            _ => Admission::Duplicate {
                reason: format!(
                    "onboarding {generation} ended after this event ({} since {})",
                    record.status.name(),
                    record.since
                ),
            },
        },
    }
}

/// The generation that comes after what the ledger knows: 1 for an account that it does not know.
#[must_use]
pub fn next_generation(record: Option<&Record>) -> u32 {
    record.map_or(1, |record| record.generation.max(1).saturating_add(1))
}

/// An event that names its generation: only the next one is new. A number beyond it is a mistake, and would leave a gap.
fn admit_wanted(record: Option<&Record>, wanted: u32) -> Admission {
    let (newest, next) = (record.map_or(0, |record| record.generation.max(1)), next_generation(record));
    let is_requested = record.is_some_and(|record| record.status == Status::Requested);
    if (wanted == next && wanted > newest) || (wanted == newest && is_requested) {
        return Admission::Start { generation: wanted };
    }
    let reason = if wanted > newest {
        format!("the event asks for onboarding {wanted}, but the next one is {next}")
    } else {
        format!("onboarding {wanted} was asked for before")
    };
    Admission::Duplicate { reason }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn record(status: Status) -> Record {
        Record {
            account_id: "111122223333".parse().unwrap(),
            account_name: None,
            tenant: None,
            environment: None,
            binding: None,
            status,
            generation: 3,
            lease: None,
            execution_arn: None,
            since: at(100),
            onboarded_since: None,
            announced: None,
            reason: None,
            failure: None,
            regions: std::collections::BTreeMap::default(),
            roles: vec![],
            default_vpcs: vec![],
            sign_in: Vec::new(),
            cluster_access: Vec::new(),
            readiness: Vec::new(),
            commit: None,
            inventory: None,
            left_over: Vec::new(),
            tags: None,
            journal: std::collections::BTreeMap::new(),
            journal_is_cut: false,
            drift: None,
            offboarding: None,
            offboarding_cancelled: None,
            part: None,
            suspended: None,
            access_removed: None,
            requested_execution: None,
            approval: None,
            offboarded: None,
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn started(status: Status, happened: Option<Timestamp>) -> Option<u32> {
        match admit(Some(&record(status)), happened, None) {
            Admission::Start { generation } => Some(generation),
            Admission::Duplicate { .. } => None,
        }
    }

    #[test]
    fn the_first_event_of_an_account_starts_its_first_generation() {
        assert_eq!(admit(None, None, None), Admission::Start { generation: 1 });
    }

    #[test]
    fn an_event_that_the_last_onboarding_has_served_starts_nothing() {
        for status in [Status::Onboarded, Status::Failed, Status::Ignored, Status::Offboarded] {
            for happened in [None, Some(at(1)), Some(at(100))] {
                assert_eq!(started(status, happened), None, "{status:?} {happened:?}");
            }
        }
    }

    #[test]
    fn a_later_event_starts_the_next_generation() {
        for status in [Status::Onboarded, Status::Failed, Status::Ignored, Status::Offboarded] {
            assert_eq!(started(status, Some(at(101))), Some(4), "{status:?}");
        }
    }

    #[test]
    fn no_event_starts_anything_for_an_account_that_is_leaving() {
        for status in [Status::Offboarding, Status::OffboardingFailed] {
            for happened in [None, Some(at(1)), Some(at(500))] {
                assert_eq!(started(status, happened), None, "{status:?} {happened:?}");
            }
        }
    }

    #[test]
    fn an_event_during_an_onboarding_joins_it() {
        assert_eq!(started(Status::Running, Some(at(500))), None);
    }

    #[test]
    fn a_request_whose_start_was_lost_is_started_again_under_the_same_name() {
        assert_eq!(started(Status::Requested, Some(at(500))), Some(3));
        assert_eq!(started(Status::Requested, None), Some(3));
    }

    fn started_when_wanted(status: Status, wanted: u32) -> Option<u32> {
        match admit(Some(&record(status)), None, Some(wanted)) {
            Admission::Start { generation } => Some(generation),
            Admission::Duplicate { .. } => None,
        }
    }

    #[test]
    fn an_event_that_names_its_generation_starts_only_the_next_one() {
        for status in Status::ALL {
            assert_eq!(started_when_wanted(status, 4), Some(4), "{status:?}: the sweep saw that 3 is over");
            assert_eq!(started_when_wanted(status, 2), None, "{status:?}: asked for before");
            assert_eq!(started_when_wanted(status, 5), None, "{status:?}: a gap");
            assert_eq!(started_when_wanted(status, 0), None, "{status:?}");
            let same = (status == Status::Requested).then_some(3);
            assert_eq!(started_when_wanted(status, 3), same, "{status:?}: only its start may have been lost");
        }
        assert_eq!(admit(None, None, Some(1)), Admission::Start { generation: 1 });
        assert!(matches!(admit(None, None, Some(2)), Admission::Duplicate { .. }));
        let last = Record { generation: u32::MAX, ..record(Status::Failed) };
        assert!(matches!(admit(Some(&last), None, Some(u32::MAX)), Admission::Duplicate { .. }));
    }

    proptest! {
        #[test]
        fn the_same_event_starts_the_same_and_only_a_newer_one_another(
            status in proptest::sample::select(Status::ALL.to_vec()),
            generation in prop_oneof![0..5_u32, Just(u32::MAX), any::<u32>()],
            since in 0..6_i64,
            seconds in proptest::collection::vec(proptest::option::of(0..6_i64), 1..6),
        ) {
            let known = Record { generation, since: at(since), ..record(status) };
            let is_leaving = matches!(status, Status::Offboarding | Status::OffboardingFailed);
            let has_ended = !matches!(status, Status::Requested | Status::Running);
            let mut generations = std::collections::BTreeSet::new();
            for second in seconds {
                let answer = admit(Some(&known), second.map(at), None);
                prop_assert_eq!(&answer, &admit(Some(&known), second.map(at), None));
                let newer = second.is_some_and(|second| second > since);
                let starts = matches!(answer, Admission::Start { .. });
                let expected = if has_ended { newer && !is_leaving } else { status == Status::Requested };
                prop_assert_eq!(starts, expected);
                if let Admission::Start { generation } = answer {
                    generations.insert(generation);
                }
            }
            prop_assert!(generations.len() <= 1, "duplicates collapse only under one name: {:?}", generations);
            prop_assert!(generations.iter().all(|started| *started >= generation.max(1)));
        }
    }
}
