//! Which of several replicas acts: the rules of client-go's leader election. Pure.
//!
//! Clocks of two machines are never compared. A replica measures by its own clock how long it has seen the same record:
//! a holder that did not renew it for the whole lease is gone. A holder that could not renew for [`RENEW_DEADLINE`] stops
//! by itself, before anybody may take over.
//! <https://pkg.go.dev/k8s.io/client-go/tools/leaderelection>

use std::time::Duration;

/// For how long a lease holds without being renewed.
pub const LEASE: Duration = Duration::from_secs(15);
/// After this time without a renewal the holder stops.
pub const RENEW_DEADLINE: Duration = Duration::from_secs(10);
/// Between two looks at the lease.
pub const RETRY: Duration = Duration::from_secs(2);

/// The lease as it was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// Who holds it; empty when it was given back.
    pub holder: String,
    /// When it was renewed, as its holder wrote it: compared with itself only.
    pub renewed: String,
    /// How often it changed hands.
    pub transitions: i32,
}

/// A record, and since when this replica has seen no other, by its own clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedRecord {
    record: Record,
    since: Duration,
}

impl ObservedRecord {
    /// What is seen at `now` after `before`.
    #[must_use]
    pub fn next(before: Option<Self>, record: Record, now: Duration) -> Self {
        match before {
            Some(before) if before.record == record => before,
            _ => Self { record, since: now },
        }
    }
}

/// What to do about the lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Make it, as its holder.
    Create,
    /// Renew it.
    Renew,
    /// Take it: its holder is gone, or has given it back.
    TakeOver,
    /// Look again later.
    Wait,
}

/// What `me` does at `now` about the lease as it is seen; `None` when there is none.
#[must_use]
pub fn decide(me: &str, seen: Option<&ObservedRecord>, now: Duration) -> Step {
    let Some(seen) = seen else { return Step::Create };
    if seen.record.holder == me {
        Step::Renew
    } else if seen.record.holder.is_empty() || now.saturating_sub(seen.since) >= LEASE {
        Step::TakeOver
    } else {
        Step::Wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(holder: &str, renewed: &str) -> Record {
        Record { holder: holder.to_owned(), renewed: renewed.to_owned(), transitions: 0 }
    }

    #[test]
    fn only_a_lease_that_was_not_renewed_for_all_of_its_time_is_taken() {
        let mut seen = None;
        for second in 0..60 {
            let now = Duration::from_secs(second);
            seen = Some(ObservedRecord::next(seen, record("a", &format!("{}", second / 5)), now));
            assert_eq!(decide("b", seen.as_ref(), now), Step::Wait, "{second}");
        }
        // Renewed last at second 55.
        for (second, step) in [(69, Step::Wait), (70, Step::TakeOver)] {
            let now = Duration::from_secs(second);
            seen = Some(ObservedRecord::next(seen, record("a", "11"), now));
            assert_eq!(decide("b", seen.as_ref(), now), step, "{second}");
        }
    }

    #[test]
    fn the_holder_renews_and_what_nobody_holds_is_taken_at_once() {
        let now = Duration::from_secs(100);
        assert_eq!(decide("a", None, now), Step::Create);
        assert_eq!(decide("a", Some(&ObservedRecord::next(None, record("a", "1"), now)), now), Step::Renew);
        assert_eq!(decide("a", Some(&ObservedRecord::next(None, record("", "1"), now)), now), Step::TakeOver);
    }

    #[test]
    fn the_holder_stops_before_anybody_may_take_over() {
        assert!(RENEW_DEADLINE + RETRY < LEASE);
    }
}
