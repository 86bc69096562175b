//! How often onboarded accounts are looked at again, and what becomes of what has drifted.

use std::str::FromStr;

use berth_tenancy::{ChangedKind, Invalid, RepairLimit};
use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::Deserialize;

/// Most hours of a schedule.
const HOURS_MAX: i64 = 30 * 24;

/// A time in which every account has its turn once, as EventBridge writes it: `rate(1 day)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String", extend("pattern" = r"^rate\((1 (hour|day)|[1-9][0-9]{0,2} (hours|days))\)$"))]
pub struct DriftSchedule(SignedDuration);

impl DriftSchedule {
    /// How long it takes until an account has its turn again: whole hours, at least one.
    #[must_use]
    pub fn period(self) -> SignedDuration {
        self.0
    }
}

/// What becomes of accounts of an environment that have drifted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum OnDrift {
    /// It is told, and nothing is changed.
    #[default]
    Report,
    /// Things of these kinds are made, or made right, by an onboarding that is limited to them. What would be taken away or
    /// would cut traffic off is told.
    Repair(#[schemars(length(min = 1), extend("uniqueItems" = true))] Vec<ChangedKind>),
}

impl OnDrift {
    /// What a repair may mend; none where nothing is repaired.
    #[must_use]
    pub fn repairs(&self) -> Option<RepairLimit> {
        match self {
            Self::Report => None,
            Self::Repair(kinds) => Some(RepairLimit::new(kinds.iter().copied())),
        }
    }
}

impl FromStr for DriftSchedule {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let wrong = || Invalid::new(text, "a schedule from rate(1 hour) to rate(30 days)");
        let inner = text.strip_prefix("rate(").and_then(|rest| rest.strip_suffix(')')).ok_or_else(wrong)?;
        let (count, unit) = inner.split_once(' ').ok_or_else(wrong)?;
        let is_number = count.len() <= 3 && count.bytes().all(|byte| byte.is_ascii_digit()) && !count.starts_with('0');
        let count: i64 = count.parse().ok().filter(|_| is_number).ok_or_else(wrong)?;
        let hours = match (count, unit) {
            (1, "hour") => 1,
            (1, "day") => 24,
            (2.., "hours") => count,
            (2.., "days") => count.saturating_mul(24),
            _ => return Err(wrong()),
        };
        if hours > HOURS_MAX { Err(wrong()) } else { Ok(Self(SignedDuration::from_hours(hours))) }
    }
}

impl TryFrom<String> for DriftSchedule {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_schedule_is_a_rate_as_eventbridge_writes_it_within_its_limits() {
        for (good, hours) in [("rate(1 hour)", 1), ("rate(12 hours)", 12), ("rate(1 day)", 24), ("rate(30 days)", 720)]
        {
            assert_eq!(good.parse::<DriftSchedule>().unwrap().period(), SignedDuration::from_hours(hours), "{good}");
        }
        for bad in [
            "",
            "daily",
            "1 day",
            "rate(day)",
            "rate(0 days)",
            "rate(01 days)",
            "rate(1 days)",
            "rate(2 day)",
            "rate(+2 days)",
            "rate(5 minutes)",
            "rate(31 days)",
            "rate(721 hours)",
            "cron(0 3 * * ? *)",
        ] {
            assert!(bad.parse::<DriftSchedule>().is_err(), "{bad}");
        }
    }
}
