//! Whose turn it is to be looked at. Pure.

use std::collections::BTreeMap;

use berth_ledger::{Record, Status};
use berth_tenancy::{AccountId, Standing, short_digest};
use jiff::{SignedDuration, Timestamp};

/// How often the schedule asks, in minutes.
pub const TICK_MINUTES: i64 = 1;

/// Most accounts that are looked at in one tick. They begin within half a second, and each makes four calls to Identity Center,
/// which takes 20 at once and 20 a second of the whole organization. In a day it is 11,520 accounts.
pub const LOOKS_PER_TICK_MAX: usize = 8;

/// So many may be looked at in a tick however few accounts there are.
const LOOKS_PER_TICK_MIN: usize = 2;

/// One account that is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// The account.
    pub account_id: AccountId,
    /// Name of the execution: the same for the same turn, so that asking twice starts one.
    pub name: String,
}

/// What a tick makes of the ledger.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decided {
    /// Accounts that are looked at, longest overdue first.
    pub looks: Vec<Look>,
    /// How many of those whose turn it is wait for a later tick.
    pub waiting: usize,
    /// How many onboarded accounts stand how.
    pub standings: BTreeMap<Standing, usize>,
}

/// An account's newest turn: its number, and when it began.
///
/// Turns of an account are `period` apart, and where in the period they lie is computed from its id: the same for ever, and
/// spread evenly over all accounts.
#[must_use]
pub fn turn(account: &AccountId, period: SignedDuration, now: Timestamp) -> (i64, Timestamp) {
    let period = period.as_secs().max(1);
    let hash = u64::from_str_radix(&short_digest(account.as_str()), 16).unwrap_or_default();
    let offset = i64::try_from(hash % period.unsigned_abs()).unwrap_or_default();
    let number = now.as_second().saturating_sub(offset).div_euclid(period);
    let began = number.saturating_mul(period).saturating_add(offset);
    (number, Timestamp::from_second(began).unwrap_or(now))
}

/// Which accounts are looked at now: onboarded ones that nobody has looked at since their turn began, and that are not about to
/// leave. After an outage, or when the schedule is new, many are overdue: then twice as many are looked at as an even spread
/// takes, and never more than [`LOOKS_PER_TICK_MAX`].
#[must_use]
pub fn decide(records: &[Record], period: SignedDuration, now: Timestamp) -> Decided {
    let onboarded: Vec<&Record> = records.iter().filter(|record| record.status == Status::Onboarded).collect();
    let mut due: Vec<(Timestamp, Look)> = Vec::new();
    for record in onboarded.iter().filter(|record| record.offboarding.is_none()) {
        let account = &record.account_id;
        let (number, began) = turn(account, period, now);
        if looked_at(record) < began {
            let name = format!("{account}-drift-{number}");
            due.push((looked_at(record), Look { account_id: account.clone(), name }));
        }
    }
    due.sort_by(|(a, one), (b, other)| a.cmp(b).then_with(|| one.account_id.cmp(&other.account_id)));
    let all = due.len();
    due.truncate(looks_max(onboarded.len(), period));
    Decided {
        waiting: all - due.len(),
        looks: due.into_iter().map(|(_, look)| look).collect(),
        standings: standings(records),
    }
}

/// When somebody last looked at an onboarded account: a run looks, too.
fn looked_at(record: &Record) -> Timestamp {
    record.drift.as_ref().map_or(record.since, |drift| drift.looked_at)
}

/// How many of so many accounts are looked at in one tick.
fn looks_max(accounts: usize, period: SignedDuration) -> usize {
    let ticks = usize::try_from(period.as_mins() / TICK_MINUTES).unwrap_or_default().max(1);
    accounts.saturating_mul(2).div_ceil(ticks).clamp(LOOKS_PER_TICK_MIN, LOOKS_PER_TICK_MAX)
}

/// How many onboarded accounts stand how. An account that nobody has looked at since it was last onboarded by an earlier
/// version counts as in sync.
#[must_use]
pub fn standings(records: &[Record]) -> BTreeMap<Standing, usize> {
    let mut standings = [Standing::InSync, Standing::Drifted, Standing::Unknown].map(|standing| (standing, 0)).into();
    let count = |counts: &mut BTreeMap<Standing, usize>, standing| *counts.entry(standing).or_default() += 1;
    for record in records.iter().filter(|record| record.status == Status::Onboarded) {
        count(&mut standings, record.drift.as_ref().map_or(Standing::InSync, |drift| drift.standing));
    }
    standings
}
