//! Runs of the offboarding that take a part of an account, which stays: its entry's suspension, its access, one region.

use std::collections::BTreeMap;

use berth_events::Failure;
use berth_step::StepError;
use berth_tenancy::{AccountId, Given, LeftOver, OffboardingScope, Region, Subject, Thing};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Ledger, Record, Status, journal::inventory, table::Change};

/// Why an account is suspended that an execution is about to take out of its tenant's file.
const FROZEN: &str = "its entry is frozen until it is taken out";

/// What a run takes of an account that stays, from its lease to its good end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Part {
    /// What it takes.
    pub scope: OffboardingScope,
    /// The region, where it is one region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
    /// How the account was before, and is again when the part is done.
    pub was: Box<Before>,
}

/// How an account was before a part of it was taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Before {
    /// Where it was on its way.
    pub status: Status,
    /// Since when.
    pub since: Timestamp,
    /// Why it was ignored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Why it had failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// ARN of its newest execution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_arn: Option<String>,
    /// ARN of the execution that had its lease and has ended: one that failed may be redriven.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<String>,
}

impl Part {
    /// What is taken of the account whose record this is. A run that goes on with a part that has failed leaves the account
    /// as it was before the first of them.
    #[must_use]
    pub fn of(record: &Record, scope: OffboardingScope, region: Option<Region>) -> Self {
        let before = || Before {
            status: record.status,
            since: record.since,
            reason: record.reason.clone(),
            failure: record.failure.clone(),
            execution_arn: record.execution_arn.clone(),
            lease: record.lease.clone(),
        };
        let was = record.part.as_ref().map_or_else(|| Box::new(before()), |part| part.was.clone());
        Self { scope, region, was }
    }

    /// Whether another run took the same.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        (self.scope, &self.region) == (other.scope, &other.region)
    }

    /// What is taken, as a person reads it.
    #[must_use]
    pub fn words(&self) -> String {
        match &self.region {
            Some(region) => region.to_string(),
            None => self.scope.words().to_owned(),
        }
    }
}

/// That an account is suspended, by a person or on its way out: nobody has access to its namespaces, and no run of the
/// onboarding gives it back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Suspension {
    /// Since when.
    pub since: Timestamp,
    /// Why, in one sentence.
    pub reason: String,
    /// ARN of the execution that suspended it before it takes the entry out; none where a person wants it suspended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution: Option<String>,
}

/// That everything was taken away which let people in, and the account's entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccessRemoval {
    /// Since when.
    pub since: Timestamp,
    /// ARN of the execution that took it.
    pub execution: String,
}

/// What a run has taken of an account that stays.
#[derive(Debug, Clone, PartialEq)]
pub struct PartOffboarded {
    /// What.
    pub part: Part,
    /// Why, in one sentence.
    pub reason: String,
    /// Whether nothing is left of the region's baseline, where it is one region. What is left stays on record.
    pub is_baseline_gone: bool,
}

impl Ledger {
    /// Writes that an execution with the lease has suspended the account's entry before it takes it out. An account that is
    /// suspended already stays so. [DynamoDB `UpdateItem`]
    pub async fn freeze(&self, run: &Subject, now: Timestamp) -> Result<(), StepError> {
        let (reason, execution) = (FROZEN.to_owned(), Some(run.execution.clone()));
        let change = Change::when("#lease = :me AND attribute_not_exists(#suspended)")
            .set("suspended", Suspension { since: now, reason, execution })?
            .value("me", &run.execution)?;
        self.update(&run.account_id, change).await.map(drop)
    }

    /// Writes that the entry is out, which ends such a suspension; one that a person wants stays. [DynamoDB `UpdateItem`]
    pub async fn thaw(&self, run: &Subject) -> Result<(), StepError> {
        let change = Change::when("#lease = :me AND attribute_exists(#suspended.#execution)")
            .value("me", &run.execution)?
            .remove(&["suspended"]);
        self.update(&run.account_id, change).await.map(drop)
    }

    /// Writes what `execution` has taken of an account, and releases its lease. Answers whether it was written: not for an
    /// execution that has no lease. [DynamoDB `UpdateItem`]
    pub(crate) async fn finish_part(
        &self,
        account: &AccountId,
        execution: &str,
        offboarded: &PartOffboarded,
        record: Option<&Record>,
        now: Timestamp,
    ) -> Result<bool, StepError> {
        let Some(record) = record else { return Ok(false) };
        let PartOffboarded { part, reason, is_baseline_gone } = offboarded;
        let change = Change::when("#lease = :me").value("me", execution)?.remove(&["part"]);
        let change = match (part.scope, &part.region) {
            (OffboardingScope::Access, _) => without_access(change, record, execution, now)?,
            // A failed onboarding whose plan has the region must not go on.
            (OffboardingScope::Region, Some(region)) => {
                without_region(as_before(change, part)?, record, region, *is_baseline_gone)?.remove(&["lease"])
            }
            (OffboardingScope::Suspend, _) => {
                let suspension = Suspension { since: now, reason: reason.clone(), execution: None };
                set_or_remove(as_before(change, part)?, "lease", part.was.lease.as_ref())?
                    .set("suspended", suspension)?
            }
            _ => set_or_remove(as_before(change, part)?, "lease", part.was.lease.as_ref())?.remove(&["suspended"]),
        };
        Ok(self.update(account, change).await?.is_some())
    }
}

/// The account is where it was before.
fn as_before(change: Change, part: &Part) -> Result<Change, StepError> {
    let Before { status, since, reason, failure, execution_arn, lease: _ } = &*part.was;
    let change = change.set("status", status)?.set("since", since)?;
    let change = set_or_remove(change, "reason", reason.as_ref())?;
    let change = set_or_remove(change, "failure", failure.as_ref())?;
    set_or_remove(change, "executionArn", execution_arn.as_ref())
}

fn set_or_remove(change: Change, name: &str, value: Option<&impl Serialize>) -> Result<Change, StepError> {
    match value {
        Some(value) => change.set(name, value),
        None => Ok(change.remove(&[name])),
    }
}

/// The account is nobody's until its onboarding, which was asked for, gives it access again.
fn without_access(change: Change, record: &Record, execution: &str, now: Timestamp) -> Result<Change, StepError> {
    Ok(change
        .set("status", Status::Requested)?
        .set("since", now)?
        .set("executionArn", execution)?
        .set("accessRemoved", AccessRemoval { since: now, execution: execution.to_owned() })?
        .set("inventory", kept(record, |thing| !lets_in(thing)))?
        .set("leftOver", left(record, |thing| !lets_in(thing)))?
        .remove(&["lease", "reason", "failure", "roles", "signIn", "clusterAccess", "readiness", "commit"]))
}

/// The region's network is gone. Its baseline stays on record while something of it is there.
fn without_region(
    change: Change,
    record: &Record,
    region: &Region,
    is_baseline_gone: bool,
) -> Result<Change, StepError> {
    let goes = |thing: &Thing| is_baseline_gone || !matches!(thing, Thing::Baseline { .. });
    let is_gone = |thing: &Thing| thing.region() == Some(region) && goes(thing);
    let mut regions = record.regions.clone();
    regions.remove(region);
    let change = change.set("regions", regions)?.set("inventory", kept(record, |thing| !is_gone(thing)))?;
    change.set("leftOver", left(record, |thing| !is_gone(thing)))
}

/// Whether a thing goes with an account's access: what lets people in, the roles' boundary and providers, and the entry.
fn lets_in(thing: &Thing) -> bool {
    thing.is_access() || matches!(thing, Thing::Boundary { .. } | Thing::OidcProvider { .. } | Thing::File { .. })
}

fn kept(record: &Record, stays: impl Fn(&Thing) -> bool) -> BTreeMap<String, Given> {
    inventory(record.given().into_iter().filter(|given| stays(&given.thing)))
}

fn left(record: &Record, stays: impl Fn(&Thing) -> bool) -> Vec<LeftOver> {
    record.left_over.iter().filter(|left| stays(&left.thing)).cloned().collect()
}
