//! What a look at an onboarded account found, what the schedule asks for, and its report.

use std::collections::BTreeMap;

use berth_events::Failure;
use berth_step::Traced;
use berth_tenancy::{
    AccountId, Counts, DriftedChange, PlannedChange, Region, RepairLimit, ResourceChange, Standing, short_digest,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Most bytes of changes that a record keeps. The execution has all of them.
const CHANGES_BYTES_MAX: usize = 24 * 1024;

/// How an account stands to its plan, since when, and what is different about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Drift {
    /// How it stands.
    pub standing: Standing,
    /// Since when it has stood so, as far as anybody has looked.
    pub since: Timestamp,
    /// When it was last looked at.
    pub looked_at: Timestamp,
    /// The execution that looked: the answers of its steps have the whole plan, for 90 days.
    pub execution_arn: String,
    /// How many changes would make it as it is planned.
    #[serde(default)]
    pub counts: Counts,
    /// The changes, in the order of the plan, as far as there is room.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<DriftedChange>,
    /// Differences that only a person can close, by region.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub planned_changes: BTreeMap<Region, Vec<PlannedChange>>,
    /// Why nobody could look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

impl Drift {
    /// What an execution found that ended at `looked_at`: so many changes, of which these are known.
    #[must_use]
    pub fn found(
        account: &AccountId,
        (execution_arn, looked_at): (&str, Timestamp),
        (counts, changes): (Counts, &[ResourceChange]),
        planned_changes: BTreeMap<Region, Vec<PlannedChange>>,
    ) -> Self {
        let is_in_sync = counts.sum() == 0 && planned_changes.values().all(Vec::is_empty);
        let standing = if is_in_sync { Standing::InSync } else { Standing::Drifted };
        let mut room = CHANGES_BYTES_MAX;
        let told = changes.iter().map(|change| DriftedChange::of(account, change)).take_while(|change| {
            let bytes = serde_json::to_string(change).map_or(usize::MAX, |text| text.len());
            let fits = bytes <= room;
            room = room.saturating_sub(bytes);
            fits
        });
        Self {
            standing,
            since: looked_at,
            looked_at,
            execution_arn: execution_arn.to_owned(),
            counts,
            changes: told.collect(),
            planned_changes,
            failure: None,
        }
    }

    /// Why an execution could not look that ended at `looked_at`.
    #[must_use]
    pub fn unknown((execution_arn, looked_at): (&str, Timestamp), failure: Failure) -> Self {
        Self {
            standing: Standing::Unknown,
            since: looked_at,
            looked_at,
            execution_arn: execution_arn.to_owned(),
            counts: Counts::default(),
            changes: Vec::new(),
            planned_changes: BTreeMap::new(),
            failure: Some(failure),
        }
    }

    /// The same, where `before` is what the look before found: an account that stands as it stood has done so since then.
    #[must_use]
    pub fn after(mut self, before: Option<&Self>) -> Self {
        if let Some(before) = before.filter(|before| before.standing == self.standing) {
            self.since = before.since;
        }
        self
    }

    /// The same after a repair, with what it has left of what was found before it: differences that take an outage stand there
    /// as changes.
    #[must_use]
    pub fn with_left(mut self, before: &Self, limit: &RepairLimit) -> Self {
        let changes = before.changes.iter().filter(|change| !limit.allows(change.action, change.kind));
        self.changes = changes.cloned().collect();
        self.counts = Counts::of_actions(self.changes.iter().map(|change| change.action));
        if self.counts.disrupts > 0 {
            self.planned_changes.values_mut().for_each(|changes| changes.retain(|change| !change.by_berth));
            self.planned_changes.retain(|_, changes| !changes.is_empty());
        }
        if self.counts.sum() > 0 {
            self.standing = Standing::Drifted;
        }
        self
    }

    /// How many changes there are besides those that it tells.
    #[must_use]
    pub fn untold(&self) -> usize {
        self.counts.sum().saturating_sub(self.changes.len())
    }
}

/// The name of the execution that repairs what a look has found: the same for the same look, so that it is repaired once.
#[must_use]
pub fn repair_name(account: &AccountId, look: &str) -> String {
    format!("{account}{REPAIR}{}", short_digest(look))
}

/// Whether an execution is a repair that the schedule has started, by its ARN.
#[must_use]
pub fn is_repair(execution: &str) -> bool {
    execution.rsplit(':').next().is_some_and(|name| name.contains(REPAIR))
}

/// What the name of a repair has after the account.
const REPAIR: &str = "-repair-";

/// What the schedule, or a person, asks for. Everything may be left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Input {
    /// Only say which accounts would be looked at.
    pub dry_run: bool,
    /// Looks at these accounts now, whosever turn it is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub accounts: Vec<AccountId>,
}

impl Traced for Input {
    fn account(&self) -> Option<AccountId> {
        None
    }
}

/// What was asked for, and how all accounts stand.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Whether nothing was started.
    pub dry_run: bool,
    /// Whether platform.yaml has a `driftSchedule`.
    pub is_on: bool,
    /// Accounts that are looked at, longest overdue first.
    pub looks: Vec<AccountId>,
    /// Accounts that are repaired, because the look before found what `onDrift` of their environment lists.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repairs: Vec<AccountId>,
    /// Accounts in which such things have drifted and that wait for a person, each with why.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unrepaired: BTreeMap<AccountId, String>,
    /// How many of those whose turn it is wait for a later one, so that not too many are looked at together.
    pub waiting: usize,
    /// How many onboarded accounts stand how, as far as anybody has looked.
    pub standings: BTreeMap<Standing, usize>,
}
