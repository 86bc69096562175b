//! The metrics of an invocation, in CloudWatch's embedded metric format: a part of the log line, so that nothing is called.
//!
//! Dimensions are the step and the fault: both are closed sets, and each combination costs money. Accounts and regions
//! are in the line, for Logs Insights, and never a dimension.

use jiff::Timestamp;
use serde::Serialize;

use crate::Fault;

/// CloudWatch namespace of Berth's metrics.
pub const NAMESPACE: &str = "Berth";

/// Value of the dimension `Fault` of an invocation that had none.
pub const NO_FAULT: &str = "None";

/// A metric, and the unit that CloudWatch shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Metric {
    /// Name of the metric, and of the member of the log line that holds its value.
    pub name: &'static str,
    /// Its unit. [CloudWatch `MetricDatum`]
    pub unit: &'static str,
}

/// Metrics that share their sets of dimensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Directive {
    /// Where they are.
    pub namespace: &'static str,
    /// Each set of dimensions gives every metric once more.
    pub dimensions: &'static [&'static [&'static str]],
    /// The metrics.
    pub metrics: &'static [Metric],
}

/// Every metric that an invocation emits. Dashboard and alarms may read these, and a test holds them to it.
pub const EMITTED: [Directive; 2] = [
    Directive {
        namespace: NAMESPACE,
        dimensions: &[&["Step"]],
        metrics: &[Metric { name: "Duration", unit: "Milliseconds" }, Metric { name: "Calls", unit: "Count" }],
    },
    Directive {
        namespace: NAMESPACE,
        dimensions: &[&["Step", "Fault"], &["Fault"]],
        metrics: &[Metric { name: "Invocations", unit: "Count" }],
    },
];

/// How many onboarded accounts stand how to their plan. Whoever counts them emits it: see [`crate::write_standings`].
pub const STANDINGS: Directive = Directive {
    namespace: NAMESPACE,
    dimensions: &[&["Function"]],
    metrics: &[
        Metric { name: "AccountsInSync", unit: "Count" },
        Metric { name: "AccountsDrifted", unit: "Count" },
        Metric { name: "AccountsUnknown", unit: "Count" },
    ],
};

/// How many plans wait for an approval, and for how long the oldest of them. Written while any does: see
/// [`crate::write_approvals`].
pub const APPROVALS: Directive = Directive {
    namespace: NAMESPACE,
    dimensions: &[&["Function"]],
    metrics: &[
        Metric { name: "ApprovalsWaiting", unit: "Count" },
        Metric { name: "OldestApprovalSeconds", unit: "Seconds" },
    ],
};

/// The members of a log line that CloudWatch reads.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Metrics<'a> {
    #[serde(rename = "_aws")]
    about: About,
    step: &'a str,
    fault: &'static str,
    invocations: u8,
    calls: u64,
    duration: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct About {
    timestamp: i64,
    cloud_watch_metrics: [Directive; 2],
}

impl<'a> Metrics<'a> {
    /// Of one invocation of `step` that ended at `now`.
    pub(crate) fn of(step: &'a str, fault: Option<Fault>, calls: u64, milliseconds: u64, now: Timestamp) -> Self {
        Self {
            about: About { timestamp: now.as_millisecond(), cloud_watch_metrics: EMITTED },
            step,
            fault: fault.map_or(NO_FAULT, Fault::name),
            invocations: 1,
            calls,
            duration: milliseconds,
        }
    }
}
