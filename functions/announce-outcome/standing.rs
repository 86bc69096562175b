//! Whether the end of an execution still counts for its account. Pure: the ledger's condition, before anything is
//! published.

use berth_events::recognise;
use berth_ledger::{Ending, Record, Status};
use jiff::Timestamp;

use crate::Change;

/// What becomes of an ending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It is published, and written.
    Counts,
    /// It is neither published nor written.
    Silent { reason: String },
}

/// Compares the ending with the record. An announcement may come late: what a newer execution does or has done to the
/// account is not taken back by an older one, and a subscriber must never hear so.
///
/// `since` is that of [`Change::since`].
#[must_use]
pub fn standing(record: Option<&Record>, change: &Change, ending: &Ending, since: Timestamp) -> Standing {
    let silent = |reason: String| Standing::Silent { reason };
    let Some(record) = record else { return Standing::Counts };
    let me = Some(change.execution_arn.as_str());
    let is_newest = record.execution_arn.as_deref() == me;
    if is_newest && Some(record.status) == ending.status() && record.since >= since {
        return silent("was announced before".to_owned());
    }
    if record.lease.as_deref() == me {
        return Standing::Counts;
    }
    let other = record.execution_arn.as_deref().unwrap_or("another execution");
    if generation(change).is_some_and(|mine| record.generation > mine) {
        return silent(format!("ended late: {other} is onboarding {} of the account", record.generation));
    }
    match (record.status, ending) {
        (Status::Running, _) => {
            let holder = record.lease.as_deref().unwrap_or(other);
            silent(format!("ended without the account's lease, which {holder} has"))
        }
        (Status::Requested, _) if !is_newest => silent(format!("ended after {other} was asked for")),
        (
            _,
            Ending::Onboarded { .. } | Ending::Offboarded(_) | Ending::PartOffboarded(_) | Ending::OffboardingFailed(_),
        ) => silent(format!("ended without the account's lease, after {other}")),
        // What an execution says that never had the lease is not about an account that leaves.
        (Status::Offboarding | Status::OffboardingFailed | Status::Offboarded, _) => {
            silent(format!("ended without the account's lease: {other} takes the account away"))
        }
        (Status::Onboarded | Status::Failed | Status::Ignored, _) if record.since >= since => {
            let (status, at) = (record.status.name(), record.since);
            silent(format!("ended before the account was {status} by {other} at {at}"))
        }
        _ => Standing::Counts,
    }
}

/// Which onboarding of the account the execution was: from its input, else from the name that accept-event gives
/// (`<account>-g<generation>`); none for one that a person started. The record may be another execution's already.
#[must_use]
pub fn generation(change: &Change) -> Option<u32> {
    let input = change.input.as_deref().and_then(|input| recognise(input.as_bytes()).generation);
    let name = || change.execution_arn.rsplit(':').next()?.split_once("-g");
    input.or_else(|| {
        name()
            .filter(|(account, _)| account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit()))?
            .1
            .parse()
            .ok()
    })
}
