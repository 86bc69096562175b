//! Whether a plan leaves the account who it is. Pure.

use berth_config::{AccountFacts, Onboarding};
use berth_events::Transfer;
use berth_ledger::{Bound, Record, Status};
use berth_step::{Fault, StepError};
use berth_tenancy::{Binding, Claim, Identity, IdentityDifference, JOIN_CHANGE, TenantSource};
use jiff::Timestamp;

use crate::transfer;

/// Differences that a message names; the first ones say most.
const NAMED_MAX: usize = 4;

/// Compares what the account was given with what its plan gives.
///
/// # Errors
/// `NotOwned` when anything that was given would be given otherwise: who the account is, a person decides. With a transfer
/// that a person asked for, see [`transfer::check`].
pub fn bind(
    record: Option<&Record>,
    wanted: &Identity,
    facts: &AccountFacts,
    matched: &Onboarding,
    request: Option<&Transfer>,
    now: Timestamp,
) -> Result<Bound, StepError> {
    let tenant_from = Some(matched.tenant_from);
    let Some(was) = record.and_then(Record::identity) else {
        let binding = Binding { identity: wanted.clone(), tenant_from, since: now, revision: 1 };
        return Ok(Bound {
            binding,
            seen: None,
            is_new: true,
            released: None,
            given: Vec::new(),
            resumes: false,
            onboarded_since: None,
        });
    };
    let differences = was.differences(wanted);
    let given = record.map(Record::given).unwrap_or_default();
    let binding = record.and_then(|record| record.binding.as_ref());
    let seen = binding.map(|binding| binding.revision);
    if !differences.is_empty() {
        let (Some(request), Some(record)) = (request, record) else {
            return Err(changed(&was, binding, wanted, &differences, facts, matched));
        };
        transfer::check(request, &transfer::transfer_plan(record, &was, wanted, matched))?;
        let revision = seen.map_or(1, |seen| seen.saturating_add(1));
        let binding = Binding { identity: wanted.clone(), tenant_from, since: now, revision };
        return Ok(Bound {
            binding,
            seen,
            is_new: false,
            released: Some(was),
            given,
            resumes: false,
            onboarded_since: None,
        });
    }
    let identity = was.with(wanted);
    let revision = match binding {
        None => 1,
        Some(same) if same.identity == identity && same.tenant_from == tenant_from => same.revision,
        Some(other) => other.revision.saturating_add(1),
    };
    let since = binding.map_or(now, |binding| binding.since);
    let binding = Binding { identity, tenant_from, since, revision };
    let onboarded = record.filter(|record| record.status == Status::Onboarded && record.onboarded_since.is_none());
    let onboarded_since = onboarded.map(|record| record.since);
    Ok(Bound { binding, seen, is_new: false, released: None, given, resumes: false, onboarded_since })
}

/// The error of a plan that would make the account another one.
fn changed(
    was: &Identity,
    binding: Option<&Binding>,
    wanted: &Identity,
    differences: &[IdentityDifference],
    facts: &AccountFacts,
    matched: &Onboarding,
) -> StepError {
    let account = &facts.account_id;
    let since = binding.map_or_else(String::new, |binding| format!(" since {}", binding.since));
    let mut named: Vec<String> = differences.iter().take(NAMED_MAX).map(ToString::to_string).collect();
    if differences.len() > NAMED_MAX {
        named.push(format!("{} differences more", differences.len() - NAMED_MAX));
    }
    let is = |what: &str| differences.iter().any(|difference| difference.what == what);
    let mut why = Vec::new();
    if is("tenant") {
        why.push(tenant_source(facts, matched.tenant_from));
    }
    if is("environment") {
        why.push(matched.reason.clone());
    }
    if why.is_empty() {
        why.push("platform.yaml has changed".to_owned());
    }
    let what = format!(
        "the account is {was}{since}, and this plan would make it {wanted}: {}, because {}; nothing was changed",
        named.join("; "),
        why.join(" and ")
    );
    let next = format!(
        "undo it (the account's name, its tag, its organizational unit, or platform.yaml) and run it again, or let the \
         account change hands: `berth transfer {account} --to {wanted}` takes its old access away, and makes it {wanted}; \
         with --plan it shows what moves, what is made anew and what is taken away"
    );
    StepError::new(Fault::NotOwned, what).hint(next)
}

/// What the tenant's name comes from, in words.
fn tenant_source(facts: &AccountFacts, source: TenantSource) -> String {
    match source {
        TenantSource::Tag => "its tag names that tenant".to_owned(),
        // Hostile text: quoted and cut.
        TenantSource::Name => format!("its name is {:?}", facts.name.chars().take(80).collect::<String>()),
    }
}

/// The error of an account that claims what another account has.
#[must_use]
pub fn claimed(claim: &Claim, facts: &AccountFacts, source: TenantSource, tenant_tag: &str) -> StepError {
    let Claim { tenant, environment, account_id: other, since } = claim;
    let me = &facts.account_id;
    let why = tenant_source(facts, source);
    let what = format!(
        "the environment {environment} of the tenant {tenant} is account {other} since {since}; account {me} claims it, \
         too, because {why}; nothing was changed, and nobody was let in"
    );
    let next = format!(
        "if {me} belongs to another tenant, set its tag {tenant_tag} in Organizations to that tenant's name, and run it \
         again; if it replaces {other}, offboard {other} first, and then free its place: berth ledger release {other}"
    );
    StepError::new(Fault::NotOwned, what).hint(next)
}

/// What a plan says of an account that has no identity yet: whom it joins, if anybody. Refuses what another account has.
pub fn joins(
    claims: &[Claim],
    wanted: &Identity,
    facts: &AccountFacts,
    source: TenantSource,
    tenant_tag: &str,
) -> Result<Option<String>, StepError> {
    let mine = |claim: &&Claim| claim.environment == wanted.environment;
    if let Some(taken) = claims.iter().find(mine).filter(|claim| claim.account_id != facts.account_id) {
        return Err(claimed(taken, facts, source, tenant_tag));
    }
    let others = claims.iter().filter(|claim| !mine(claim) && claim.account_id != facts.account_id);
    let others: Vec<String> = others.map(|claim| format!("{} is {}", claim.environment, claim.account_id)).collect();
    let why = tenant_source(facts, source);
    let line = || format!("{JOIN_CHANGE}{}, because {why}: {}", wanted.tenant, others.join(", "));
    Ok((!others.is_empty()).then(line))
}
