//! Which accounts are asked for, and why the others are left alone. Pure.

use std::collections::{BTreeMap, BTreeSet};

use berth_config::{AccountFacts, Match, MatchError, PlatformConfig};
use berth_ledger::{Record, Status, next_generation};
use berth_tenancy::{AccountId, EnvironmentName};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How long an account may stay as it is before the sweep asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// After it joined the organization, without the ledger knowing it: its own event may still be on its way.
    pub missing_after: SignedDuration,
    /// After it was asked for or begun, without an execution that runs: one lives longer only while it waits for a merge,
    /// and is then seen running.
    pub stuck_after: SignedDuration,
    /// After it failed: a person may be working on it.
    pub failed_after: SignedDuration,
}

/// What the sweep has seen.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct World {
    /// Every account of the organization. Tags are there only for accounts that [`needs_tags`] named.
    pub accounts: Vec<Listed>,
    /// What the ledger knows.
    pub records: BTreeMap<AccountId, Record>,
    /// ARNs of the executions that run, read after the ledger.
    pub running: BTreeSet<String>,
    /// Accounts of which something could not be read: nothing is decided about them.
    pub unreadable: BTreeSet<AccountId>,
}

/// An account of the organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// What Organizations says about it.
    pub facts: AccountFacts,
    /// When it joined the organization.
    pub joined: Option<Timestamp>,
}

/// Why an account is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Why {
    /// The ledger does not know it.
    Missing,
    /// Nobody works on it although the ledger says so.
    Stuck,
    /// It failed long ago.
    Failed,
    /// It was ignored, and is Berth's to onboard now: it was moved, or its tag changed.
    Ours,
    /// It was onboarded, and is in a unit of another environment now. Its own event may have come while it was being
    /// onboarded, when nothing else may start.
    Moved,
}

/// One account that is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ask {
    /// The account.
    pub account_id: AccountId,
    /// Its name in Organizations.
    pub account_name: String,
    /// Why, as a word.
    pub why: Why,
    /// Why, as a sentence.
    pub reason: String,
    /// The generation to start: the next one, so that asking twice starts one.
    pub generation: u32,
}

/// Why an account is left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Left {
    /// It is onboarded.
    Onboarded,
    /// An execution works on it, or was asked for a short time ago.
    UnderWay,
    /// It failed a short time ago.
    FailedLately,
    /// The rules of platform.yaml leave it out: no unit of ours, a core account, closed, or its tag.
    NotOurs,
    /// It is new, or still being opened: its event may come.
    Young,
    /// Something about it could not be read. The sweep ends with an error.
    Unreadable,
}

/// What the sweep makes of the world.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Swept {
    /// Accounts that are asked for, by account id.
    pub asked: Vec<Ask>,
    /// How many accounts are left alone, by reason.
    pub left: BTreeMap<Left, usize>,
}

/// Accounts whose tags must be read before anything is decided: those that were ignored once and that nothing but a tag
/// keeps out now. All others are decided without: an account that its tag keeps out is asked for once, ends as ignored,
/// and is known from then on. That saves a call to Organizations for each account of a lost day.
#[must_use]
pub fn needs_tags(platform: &PlatformConfig, world: &World) -> Vec<AccountId> {
    let was_ignored =
        |account: &AccountId| world.records.get(account).is_some_and(|record| record.status == Status::Ignored);
    let accounts = world.accounts.iter().map(|listed| &listed.facts);
    let ours = accounts.filter(|facts| was_ignored(&facts.account_id) && is_ours(platform, facts).is_ok());
    ours.map(|facts| facts.account_id.clone()).collect()
}

/// Decides about every account. Each is either asked for or left alone.
#[must_use]
pub fn decide(platform: &PlatformConfig, world: &World, limits: Limits, now: Timestamp) -> Swept {
    let mut swept = Swept::default();
    for listed in &world.accounts {
        match look(platform, world, listed, limits, now) {
            Ok(ask) => swept.asked.push(ask),
            Err(left) => *swept.left.entry(left).or_default() += 1,
        }
    }
    swept.asked.sort_by(|a, b| a.account_id.cmp(&b.account_id));
    swept
}

/// One account. The error is why it is left alone.
fn look(
    platform: &PlatformConfig,
    world: &World,
    listed: &Listed,
    limits: Limits,
    now: Timestamp,
) -> Result<Ask, Left> {
    let facts = &listed.facts;
    if world.unreadable.contains(&facts.account_id) {
        return Err(Left::Unreadable);
    }
    let ours = is_ours(platform, facts)?;
    let record = world.records.get(&facts.account_id);
    let (why, reason) = match record {
        None => {
            let joined = listed.joined.is_none_or(|joined| is_over(joined, limits.missing_after, now));
            joined.then_some((Why::Missing, "the ledger does not know it".to_owned())).ok_or(Left::Young)
        }
        Some(record) => known(world, record, limits, now, &ours),
    }?;
    Ok(Ask {
        account_id: facts.account_id.clone(),
        account_name: facts.name.clone(),
        why,
        reason,
        generation: next_generation(record),
    })
}

/// An account of ours that the ledger knows.
fn known(world: &World, record: &Record, limits: Limits, now: Timestamp, ours: &Ours) -> Result<(Why, String), Left> {
    let moved_from = record.environment.as_ref().filter(|was| ours.environment.as_ref().is_some_and(|now| now != *was));
    let (since, status) = (record.since, record.status.name());
    let executions = [&record.execution_arn, &record.lease];
    // A failed execution that is redriven runs again, and the ledger says so only at its next end.
    let runs = executions.into_iter().flatten().any(|arn| world.running.contains(arn));
    match record.status {
        Status::Onboarded if moved_from.is_none() => Err(Left::Onboarded),
        _ if runs => Err(Left::UnderWay),
        Status::Onboarded => {
            let was = moved_from.map(ToString::to_string).unwrap_or_default();
            Ok((Why::Moved, format!("onboarded in the environment {was} since {since}, but now {}", ours.reason)))
        }
        Status::Requested | Status::Running if is_over(since, limits.stuck_after, now) => {
            let execution = record.execution_arn.as_deref().unwrap_or("its execution");
            Ok((Why::Stuck, format!("{status} since {since}, but {execution} does not run")))
        }
        Status::Requested | Status::Running => Err(Left::UnderWay),
        Status::Failed if is_over(since, limits.failed_after, now) => {
            let failure = record.failure.as_ref();
            let how = failure.map_or_else(String::new, |failure| format!(" in {}: {}", failure.state, failure.fault));
            Ok((Why::Failed, format!("failed since {since}{how}")))
        }
        Status::Failed => Err(Left::FailedLately),
        Status::Ignored => Ok((Why::Ours, format!("ignored since {since}, but now {}", ours.reason))),
    }
}

/// Why an account is Berth's.
struct Ours {
    /// In words.
    reason: String,
    /// Where it belongs; not known of one that cannot be planned.
    environment: Option<EnvironmentName>,
}

/// Whether the rules of platform.yaml let the account in, and why. The same rule plans its onboarding, so an account that
/// cannot be planned is asked for, too: its execution then fails with advice, and is seen.
fn is_ours(platform: &PlatformConfig, facts: &AccountFacts) -> Result<Ours, Left> {
    match platform.match_account(facts) {
        Ok(Match::Onboard(onboarding)) => {
            Ok(Ours { reason: onboarding.reason, environment: Some(onboarding.environment) })
        }
        Ok(Match::Ignored { .. }) => Err(Left::NotOurs),
        Err(MatchError::NotReady { .. }) => Err(Left::Young),
        Err(MatchError::InvalidInput { message, .. }) => Ok(Ours { reason: message, environment: None }),
    }
}

fn is_over(since: Timestamp, limit: SignedDuration, now: Timestamp) -> bool {
    now.duration_since(since) >= limit
}
