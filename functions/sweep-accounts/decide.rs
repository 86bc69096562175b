//! Which accounts are asked for, and why the others are left alone. Pure.

use std::collections::{BTreeMap, BTreeSet};

use berth_config::{AccountFacts, Match, MatchError, PlatformConfig};
use berth_contract::{
    drift::is_repair,
    sweep::{Ask, IdentityChange, Left, Why},
};
use berth_ledger::{Record, Status, next_generation};
use berth_tenancy::{AccountId, Identity, TenantSource};
use jiff::{SignedDuration, Timestamp};

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
pub struct State {
    /// Every account of the organization. Tags are there only for accounts that [`needs_tags`] named; of those that
    /// [`crate::may_be_out`] named only the one that keeps an account out.
    pub accounts: Vec<Listed>,
    /// What the ledger knows.
    pub records: BTreeMap<AccountId, Record>,
    /// ARNs of the executions that run, read after the ledger.
    pub running: BTreeSet<String>,
    /// Whether every account of the organization was read: only then is one that is not there gone.
    pub is_whole: bool,
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
    /// Whether its tags were read.
    pub is_tagged: bool,
}

/// Most accounts that may turn up as others while the sweep still asks for the rest. More of them at once are a mistake
/// in platform.yaml, and whatever else it makes of accounts is not to be trusted either.
pub const IDENTITY_CHANGES_MAX: usize = 5;

/// What the sweep makes of the state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Swept {
    /// Accounts that are asked for, by account id.
    pub asked: Vec<Ask>,
    /// How many accounts are left alone, by reason.
    pub left: BTreeMap<Left, usize>,
    /// Accounts that would become others, by account id.
    pub changed: Vec<IdentityChange>,
}

impl Swept {
    /// Whether so many accounts would become others that nothing is asked for.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.changed.len() > IDENTITY_CHANGES_MAX
    }
}

/// Accounts whose tags must be read before anything is decided: those that nothing but a tag keeps out now, those that are
/// bound and may be asked for again, and onboarded ones whose name alone says another tenant. All others are decided without:
/// an account that its tag keeps out is asked for once, ends as ignored, and is known from then on. That saves a call to
/// Organizations for each account of a lost day.
#[must_use]
pub fn needs_tags(platform: &PlatformConfig, state: &State) -> Vec<AccountId> {
    let wanted = |listed: &&Listed| {
        let Some(record) = state.records.get(&listed.facts.account_id) else { return false };
        let Ok(ours) = is_ours(platform, &listed.facts) else { return false };
        match record.status {
            Status::Ignored => true,
            Status::Onboarded => is_by_name(record) && !is_tenant_of(record, &ours),
            Status::Requested | Status::Running | Status::Failed => record.identity().is_some(),
            Status::Offboarding | Status::OffboardingFailed | Status::Offboarded => false,
        }
    };
    state.accounts.iter().filter(wanted).map(|listed| listed.facts.account_id.clone()).collect()
}

/// Whether the tenant was read from the account's name. The tag of an onboarded account that is known by it is not read, and
/// of one that an earlier version onboarded nobody knows; both are compared when they are planned again.
fn is_by_name(record: &Record) -> bool {
    record.binding.as_ref().is_some_and(|binding| binding.tenant_from == Some(TenantSource::Name))
}

/// Whether the match gives the tenant that the account has.
fn is_tenant_of(record: &Record, ours: &Ours) -> bool {
    let tenant = record.identity().map(|identity| identity.tenant);
    ours.identity.as_ref().map(|identity| &identity.tenant) == tenant.as_ref()
}

/// The facts of an account whose tags were not read: as if its tag named the tenant that it has.
pub(crate) fn assumed(platform: &PlatformConfig, listed: &Listed, record: Option<&Record>) -> AccountFacts {
    let mut facts = listed.facts.clone();
    let tenant = record.filter(|_| !listed.is_tagged).and_then(Record::identity).map(|identity| identity.tenant);
    facts.tags.extend(tenant.map(|tenant| (platform.tenant_tag.clone(), tenant.to_string())));
    facts
}

/// Decides about every account. Each is either asked for or left alone.
#[must_use]
pub fn decide(platform: &PlatformConfig, state: &State, limits: Limits, now: Timestamp) -> Swept {
    let mut swept = Swept::default();
    for listed in &state.accounts {
        match look(platform, state, listed, limits, now) {
            Looked::Ask(ask) => swept.asked.push(ask),
            Looked::Leave(left) => *swept.left.entry(left).or_default() += 1,
            Looked::Changed(change) => {
                *swept.left.entry(Left::OtherIdentity).or_default() += 1;
                swept.changed.push(change);
            }
        }
    }
    swept.asked.sort_by(|a, b| a.account_id.cmp(&b.account_id));
    swept.changed.sort_by(|a, b| a.account_id.cmp(&b.account_id));
    swept
}

/// What a look at one account says.
enum Looked {
    Ask(Ask),
    Leave(Left),
    Changed(IdentityChange),
}

impl From<Left> for Looked {
    fn from(left: Left) -> Self {
        Self::Leave(left)
    }
}

/// One account.
fn look(platform: &PlatformConfig, state: &State, listed: &Listed, limits: Limits, now: Timestamp) -> Looked {
    let account = &listed.facts.account_id;
    if state.unreadable.contains(account) {
        return Left::Unreadable.into();
    }
    let record = state.records.get(account);
    if record.is_some_and(is_leaving) {
        return Left::Leaving.into();
    }
    let facts = assumed(platform, listed, record);
    let ours = match is_ours(platform, &facts) {
        Ok(ours) => ours,
        Err(left) => return left.into(),
    };
    if let Some(change) = record.and_then(|record| changed(record, &facts, &ours)) {
        return Looked::Changed(change);
    }
    let asked = match record {
        None => {
            let joined = listed.joined.is_none_or(|joined| is_over(joined, limits.missing_after, now));
            joined.then_some((Why::Missing, "the ledger does not know it".to_owned())).ok_or(Left::Young)
        }
        Some(record) => known(state, record, limits, now, &ours),
    };
    let (why, reason) = match asked {
        Ok(asked) => asked,
        Err(left) => return left.into(),
    };
    Looked::Ask(Ask {
        account_id: account.clone(),
        account_name: facts.name,
        why,
        reason,
        generation: next_generation(record),
    })
}

/// Whether the account is being offboarded, or was. Whoever wants it back says so: an event after its offboarding, or
/// `berth onboard`.
fn is_leaving(record: &Record) -> bool {
    matches!(record.status, Status::Offboarding | Status::OffboardingFailed | Status::Offboarded)
}

/// What would make the account another one; none when nothing would.
fn changed(record: &Record, facts: &AccountFacts, ours: &Ours) -> Option<IdentityChange> {
    let (is, would_be) = record.identity().zip(ours.identity.as_ref())?;
    let differences = is.differences(would_be);
    (!differences.is_empty()).then(|| IdentityChange {
        account_id: facts.account_id.clone(),
        account_name: facts.name.clone(),
        is: is.to_string(),
        would_be: would_be.to_string(),
        differences,
    })
}

/// An account of ours that the ledger knows, and that stays who it is.
fn known(state: &State, record: &Record, limits: Limits, now: Timestamp, ours: &Ours) -> Result<(Why, String), Left> {
    let (since, status) = (record.since, record.status.name());
    let executions = [&record.execution_arn, &record.lease];
    // A failed execution that is redriven runs again, and the ledger says so only at its next end.
    let runs = executions.into_iter().flatten().any(|arn| state.running.contains(arn));
    match record.status {
        Status::Onboarded => Err(Left::Onboarded),
        Status::Offboarding | Status::OffboardingFailed | Status::Offboarded => Err(Left::Leaving),
        _ if runs => Err(Left::UnderWay),
        Status::Requested | Status::Running if is_over(since, limits.stuck_after, now) => {
            let execution = record.execution_arn.as_deref().unwrap_or("its execution");
            Ok((Why::Stuck, format!("{status} since {since}, but {execution} does not run")))
        }
        Status::Requested | Status::Running => Err(Left::UnderWay),
        // Another run would change more than the repair was allowed to.
        Status::Failed if record.execution_arn.as_deref().is_some_and(is_repair) => Err(Left::FailedRepair),
        // Whoever rejected it was asked already; a person, or another event, asks again.
        Status::Failed if is_rejected(record) => Err(Left::FailedLately),
        Status::Failed if is_over(since, limits.failed_after, now) => {
            let failure = record.failure.as_ref();
            let how = failure.map_or_else(String::new, |failure| format!(" in {}: {}", failure.state, failure.fault));
            Ok((Why::Failed, format!("failed since {since}{how}")))
        }
        Status::Failed => Err(Left::FailedLately),
        Status::Ignored => Ok((Why::Ours, format!("ignored since {since}, but now {}", ours.reason))),
    }
}

/// Whether somebody rejected the plan of its newest run.
fn is_rejected(record: &Record) -> bool {
    let asked = record.execution_arn.as_ref().and_then(|execution| record.asked_by(execution));
    asked.is_some_and(|asked| asked.rejected.is_some())
}

/// Why an account is Berth's.
struct Ours {
    /// In words.
    reason: String,
    /// Who it is by that; not known of one that cannot be planned.
    identity: Option<Identity>,
}

/// Whether the rules of platform.yaml let the account in, and why. The same rule plans its onboarding, so an account that
/// cannot be planned is asked for, too: its execution then fails with advice, and is seen.
fn is_ours(platform: &PlatformConfig, facts: &AccountFacts) -> Result<Ours, Left> {
    match platform.match_account(facts) {
        Ok(Match::Onboard(onboarding)) => Ok(Ours { identity: Some(onboarding.identity()), reason: onboarding.reason }),
        Ok(Match::Ignored { .. }) => Err(Left::NotOurs),
        Err(MatchError::NotReady { .. }) => Err(Left::Young),
        Err(MatchError::InvalidInput { message, .. }) => Ok(Ours { reason: message, identity: None }),
    }
}

fn is_over(since: Timestamp, limit: SignedDuration, now: Timestamp) -> bool {
    now.duration_since(since) >= limit
}
