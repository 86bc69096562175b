//! Which accounts are to be offboarded, which of them leave by themselves, and when those are too many. Pure.

use berth_config::{Match, PlatformConfig};
use berth_contract::sweep::Leave;
use berth_ledger::{OffboardingMark, Record, Status, accounts_with_something, day};
use berth_step::{Fault, StepError};
use berth_tenancy::AccountId;
use jiff::{SignedDuration, Timestamp};

use crate::{State, decide::assumed};

/// Onboarded accounts whose tags one sweep reads, to see whether a tag keeps them out by now. Organizations answers a few such
/// calls a second, and asks every account for one.
pub const TAGS_PER_SWEEP: usize = 200;

/// How often it sweeps, in seconds.
const SWEEP_SECONDS: i64 = 3600;

/// Accounts whose tags are read for that alone: those on the list, each time, and of the onboarded ones [`TAGS_PER_SWEEP`], the
/// next ones an hour later. Pure.
#[must_use]
pub fn may_be_out(state: &State, now: Timestamp) -> Vec<AccountId> {
    let with_record = state.accounts.iter().filter_map(|listed| state.records.get(&listed.facts.account_id));
    let (listed, others): (Vec<&Record>, Vec<&Record>) =
        with_record.filter(|record| is_settled(record)).partition(|record| record.offboarding.is_some());
    let mut onboarded: Vec<AccountId> = others
        .into_iter()
        .filter(|record| record.status == Status::Onboarded)
        .map(|record| record.account_id.clone())
        .collect();
    onboarded.sort();
    let rounds = i64::try_from(onboarded.len().div_ceil(TAGS_PER_SWEEP).max(1)).unwrap_or(1);
    let round = usize::try_from(now.as_second().div_euclid(SWEEP_SECONDS).rem_euclid(rounds)).unwrap_or_default();
    let turn = onboarded.chunks(TAGS_PER_SWEEP).nth(round).unwrap_or_default();
    listed.into_iter().map(|record| record.account_id.clone()).chain(turn.iter().cloned()).collect()
}

/// What becomes of accounts that have something of Berth's and are not Berth's any more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Leaving {
    /// All of them, by account id.
    pub listed: Vec<Leave>,
    /// Those that are not on the list yet, by account id.
    pub to_mark: Vec<(AccountId, OffboardingMark)>,
    /// Accounts on the list that are Berth's again, each with its mark.
    pub to_forget: Vec<(AccountId, OffboardingMark)>,
    /// How many may leave today.
    pub allowed: usize,
}

impl Leaving {
    /// Accounts whose offboarding is started.
    pub fn due(&self) -> impl Iterator<Item = &Leave> {
        self.listed.iter().filter(|leave| leave.starts)
    }

    /// Starts none when more are due than may leave in a day: the usual cause is a wrong unit, or a wrong event.
    pub fn stopped(&mut self) -> Option<StepError> {
        let due = self.due().count();
        if due <= self.allowed {
            return None;
        }
        self.listed.iter_mut().for_each(|leave| leave.starts = false);
        let what = format!(
            "{due} accounts would be offboarded at once, and the guard allows {} in a day, so none was started",
            self.allowed
        );
        Some(StepError::new(Fault::InvalidInput, what).hint(
            "look at why so many leave (berth status lists them): if it is a mistake, undo it, or take them off the list \
             with berth offboard ACCOUNT --cancel; if it is right, raise offboardingGuard in platform.yaml and deploy",
        ))
    }
}

/// Looks at every account that the ledger knows.
#[must_use]
pub fn leaving(platform: &PlatformConfig, state: &State, now: Timestamp) -> Leaving {
    let all = accounts_with_something(state.records.values(), &day(now)).max(1);
    let mut leaving = Leaving { allowed: platform.offboarding_guard.allowed(all), ..Leaving::default() };
    for (account, record) in &state.records {
        if state.unreadable.contains(account) || !is_settled(record) {
            continue;
        }
        let (Some(reason), mark) = (why(platform, state, account, record), &record.offboarding) else {
            leaving.to_forget.extend(record.offboarding.clone().map(|mark| (account.clone(), mark)));
            continue;
        };
        // A person has said that it stays.
        if mark.is_none() && record.offboarding_cancelled.is_some() {
            continue;
        }
        let since = mark.as_ref().map_or(now, |mark| mark.since);
        if mark.is_none() {
            leaving.to_mark.push((account.clone(), OffboardingMark { since, reason: reason.clone() }));
        }
        let starts = is_due(platform, record, since, now);
        leaving.listed.push(Leave { account_id: account.clone(), reason, since, starts });
    }
    leaving
}

/// Whether nobody works on it, and it has something.
fn is_settled(record: &Record) -> bool {
    let is_settled = matches!(record.status, Status::Onboarded | Status::Failed | Status::Ignored);
    is_settled && record.identity().is_some() && !record.given().is_empty()
}

/// Why it is not Berth's any more; none while it is, or while nobody can say.
fn why(platform: &PlatformConfig, state: &State, account: &AccountId, record: &Record) -> Option<String> {
    let Some(listed) = state.accounts.iter().find(|listed| listed.facts.account_id == *account) else {
        return state.is_whole.then(|| "it is not in the organization any more".to_owned());
    };
    match platform.match_account(&assumed(platform, listed, Some(record))) {
        Ok(Match::Ignored { reason }) => Some(reason),
        _ => None,
    }
}

/// Whether it leaves without asking a person.
fn is_due(platform: &PlatformConfig, record: &Record, since: Timestamp, now: Timestamp) -> bool {
    let environment = record.identity().map(|identity| identity.environment);
    let Some(environment) = environment.and_then(|name| platform.environments.get(&name)) else { return false };
    let rules = environment.offboarding;
    let grace = SignedDuration::from_hours(24 * i64::from(rules.grace_days));
    rules.auto && !rules.protected && now.duration_since(since) >= grace
}
