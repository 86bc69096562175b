//! Reads from the history of a Step Functions execution which state failed, and why.
//!
//! One answer for everybody who asks: `announce-outcome` writes it to the ledger and publishes it, `berth onboard --wait`
//! shows it. Pure: whoever calls reads the history.
//!
//! ```
//! use berth_history::{Extent, HistoryEvent, Kind, failure};
//!
//! let entered = Kind::Entered { state: "ProvisionVpc".to_owned(), is_task: true };
//! let denied = Some((Some("Denied".to_owned()), Some("ec2:CreateVpc failed".to_owned())));
//! let events = [
//!     HistoryEvent { id: 1, previous: 0, kind: entered, failure: None },
//!     HistoryEvent { id: 2, previous: 1, kind: Kind::Other, failure: denied.clone() },
//!     HistoryEvent { id: 3, previous: 2, kind: Kind::Ended, failure: denied },
//! ];
//! let failure = failure("FAILED", &events, Extent::Whole).expect("a whole history always tells");
//! assert_eq!((failure.state.as_str(), failure.fault.as_str()), ("ProvisionVpc", "Denied"));
//! ```
#![warn(missing_docs)]

mod event;
mod failed;
mod stopped;

use berth_events::Failure;

pub use crate::{
    event::{HistoryEvent, Kind},
    failed::{FailedState, failed_state},
    stopped::stopped_state,
};

/// How much of a history was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Every event.
    Whole,
    /// The newest events; older ones are not read yet.
    Newest,
}

/// Why the execution with this history ended without success, by its `status` (`FAILED`, `TIMED_OUT`, `ABORTED`).
///
/// `events` may be in any order. `None` means that the answer may be among events that are not read yet; with
/// [`Extent::Whole`] there always is one.
#[must_use]
pub fn failure(status: &str, events: &[HistoryEvent], extent: Extent) -> Option<Failure> {
    let is_stopped = matches!(status, "ABORTED" | "TIMED_OUT");
    let found = if is_stopped {
        stopped_state(events).map(|(state, waited_for)| stopped(status, events, &state, waited_for))
    } else {
        failed_state(events, extent).map(|FailedState { state, error, cause }| {
            Failure::from_status(status, error.as_deref(), cause.as_deref(), &state)
        })
    };
    match extent {
        Extent::Newest => found,
        Extent::Whole => Some(found.unwrap_or_else(|| {
            let (error, cause) = end_of(events).and_then(|end| end.failure.clone()).unwrap_or_default();
            Failure::from_status(status, error.as_deref(), cause.as_deref(), "")
        })),
    }
}

/// The end of the newest run of the execution: a redriven one has ended several times.
pub(crate) fn end_of(events: &[HistoryEvent]) -> Option<&HistoryEvent> {
    events.iter().filter(|event| event.kind == Kind::Ended).max_by_key(|event| event.id)
}

/// The failure of an execution that was stopped or ran out of time: in the words of whoever stopped it, else with what it
/// waited for.
fn stopped(status: &str, events: &[HistoryEvent], state: &str, waited_for: Option<String>) -> Failure {
    let (error, cause) = end_of(events).and_then(|end| end.failure.clone()).unwrap_or_default();
    let failure = Failure::from_status(status, error.as_deref(), cause.as_deref(), state);
    let said = cause.is_some_and(|cause| !cause.trim().is_empty());
    match waited_for {
        Some(what) if !said => {
            let message = format!("{}; {state} was waiting: {what}", failure.message);
            Failure::new(state, &failure.fault, &message, Some(&failure.hint))
        }
        _ => failure,
    }
}
