//! Lines that say how accounts stand, as metrics: how many how to their plan, and how many wait for an approval.

use jiff::Timestamp;
use serde::Serialize;

use crate::{
    line,
    metrics::{APPROVALS, Directive, STANDINGS},
};

/// The function that counts standings.
const COUNTED_BY: &str = "detect-drift";
/// The function that counts approvals.
const SWEPT_BY: &str = "sweep-accounts";

/// A line with [`STANDINGS`].
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct StandingsLine {
    #[serde(rename = "_aws")]
    about: AboutStandings,
    function: &'static str,
    accounts_in_sync: usize,
    accounts_drifted: usize,
    accounts_unknown: usize,
}

/// A line with [`APPROVALS`].
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct ApprovalsLine {
    #[serde(rename = "_aws")]
    about: AboutStandings,
    function: &'static str,
    approvals_waiting: usize,
    oldest_approval_seconds: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct AboutStandings {
    timestamp: i64,
    cloud_watch_metrics: [Directive; 1],
}

/// The line that says how many accounts are in sync, have drifted, and are unknown.
fn standings_line([in_sync, drifted, unknown]: [usize; 3], now: Timestamp) -> String {
    let about = AboutStandings { timestamp: now.as_millisecond(), cloud_watch_metrics: [STANDINGS] };
    let line = StandingsLine {
        about,
        function: COUNTED_BY,
        accounts_in_sync: in_sync,
        accounts_drifted: drifted,
        accounts_unknown: unknown,
    };
    serde_json::to_string(&line).unwrap_or_default()
}

/// Logs how many accounts are in sync, have drifted, and are unknown, as metrics.
pub fn write_standings(counts: [usize; 3], now: Timestamp) {
    line::write(&standings_line(counts, now));
}

fn approvals_line(waiting: usize, oldest_seconds: u64, now: Timestamp) -> String {
    let about = AboutStandings { timestamp: now.as_millisecond(), cloud_watch_metrics: [APPROVALS] };
    let (approvals_waiting, oldest_approval_seconds) = (waiting, oldest_seconds);
    let line = ApprovalsLine { about, function: SWEPT_BY, approvals_waiting, oldest_approval_seconds };
    serde_json::to_string(&line).unwrap_or_default()
}

/// Logs how many plans wait for an approval, and for how long the oldest of them, as metrics.
pub fn write_approvals(waiting: usize, oldest_seconds: u64, now: Timestamp) {
    line::write(&approvals_line(waiting, oldest_seconds, now));
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn the_line_of_standings_is_one_that_cloudwatch_takes_metrics_from() {
        let schema: Value = serde_json::from_str(include_str!("../tests/emf.schema.json")).unwrap();
        let now = "2026-11-21T08:30:00Z".parse().unwrap();
        let line: Value = serde_json::from_str(&standings_line([7, 2, 1], now)).unwrap();
        assert!(jsonschema::validator_for(&schema).unwrap().is_valid(&line), "{line}");
        assert_eq!((&line["AccountsDrifted"], &line["AccountsUnknown"]), (&json!(2), &json!(1)));
        for metric in STANDINGS.metrics {
            assert!(line[metric.name].is_u64(), "{} of {line}", metric.name);
        }
    }

    #[test]
    fn the_line_of_approvals_is_one_that_cloudwatch_takes_metrics_from() {
        let schema: Value = serde_json::from_str(include_str!("../tests/emf.schema.json")).unwrap();
        let now = "2026-11-21T08:30:00Z".parse().unwrap();
        let line: Value = serde_json::from_str(&approvals_line(3, 90_000, now)).unwrap();
        assert!(jsonschema::validator_for(&schema).unwrap().is_valid(&line), "{line}");
        assert_eq!((&line["ApprovalsWaiting"], &line["OldestApprovalSeconds"]), (&json!(3), &json!(90_000)));
        assert_eq!(APPROVALS.metrics.iter().filter(|metric| line[metric.name].is_u64()).count(), 2);
    }
}
