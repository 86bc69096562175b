//! Differences from the plan that Berth does not close by itself, because that would cut somebody off.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Most differences that a step reports: the lists become part of payloads and of the ledger.
pub const PLANNED_CHANGES_MAX: usize = 10;

/// One difference from the plan that cannot be closed without an outage.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlannedChange {
    /// What is there and what is planned, as one sentence without a full stop.
    pub what: String,
    /// Whether Berth makes the change when an onboarding allows disruption. Otherwise a person must.
    pub by_berth: bool,
    /// What to do, as one sentence without a full stop.
    pub next: String,
}

impl PlannedChange {
    /// A change that Berth makes when an onboarding allows disruption.
    #[must_use]
    pub fn by_berth(what: impl Into<String>) -> Self {
        let next = "onboard the account with --allow-disruption when its tenant can bear the outage";
        Self { what: what.into(), by_berth: true, next: next.to_owned() }
    }

    /// A change that only a person can make.
    #[must_use]
    pub fn by_hand(what: impl Into<String>, next: impl Into<String>) -> Self {
        Self { what: what.into(), by_berth: false, next: next.into() }
    }

    /// The list as a step reports it: sorted, and cut with a last entry that says how many more there are.
    #[must_use]
    pub fn report(mut changes: Vec<Self>) -> Vec<Self> {
        changes.sort();
        changes.dedup();
        let more = changes.len().saturating_sub(PLANNED_CHANGES_MAX);
        if more > 0 {
            changes.truncate(PLANNED_CHANGES_MAX - 1);
            let what = format!("{} differences more from the plan", more + 1);
            changes.push(Self::by_hand(what, "make the first ones; the others are shown then"));
        }
        changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_list_is_cut_and_says_how_much_is_missing() {
        let some = |count: usize| (0..count).map(|n| PlannedChange::by_berth(format!("{n:03}"))).collect::<Vec<_>>();
        assert_eq!(PlannedChange::report(some(10)).len(), 10);
        let cut = PlannedChange::report(some(25));
        assert_eq!(cut.len(), 10);
        assert_eq!(cut.last().map(|change| change.what.as_str()), Some("16 differences more from the plan"));
    }
}
