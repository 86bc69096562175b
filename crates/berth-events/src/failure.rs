//! How an onboarding failed: where, by which fault, what happened, and what a person should do next.

mod hints;

use berth_tenancy::after_waiting;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::quoting::cut;

/// Longest message kept, in characters. Step Functions allows a cause of 32,768; the ledger and a notification do not.
pub const MESSAGE_CHARS_MAX: usize = 2_000;
/// Longest hint kept, in characters.
pub const HINT_CHARS_MAX: usize = 500;
/// Longest fault or state name kept, in characters (`StartExecution` allows 256 for an error's name).
pub const NAME_CHARS_MAX: usize = 256;

/// What separates what happened from what to do next in a Lambda's error message.
const NEXT: &str = "\nNext: ";
/// The fault when neither the service nor the function named one.
const UNNAMED: &str = "Unknown";

/// Why an onboarding stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// The state of the state machine that failed; empty when the execution did not fail in a state.
    pub state: String,
    /// The error's name: one of Berth's faults, or the service's own (`States.Timeout`).
    #[serde(deserialize_with = "current_name")]
    pub fault: String,
    /// What happened.
    pub message: String,
    /// What a person should do next.
    pub hint: String,
}

/// Until November 2026 `NotOwned` was called `Foreign`: ledgers and histories of then still say so.
const FORMER_NAMES: [(&str, &str); 1] = [("Foreign", "NotOwned")];

/// The name that a fault has today.
fn renamed(fault: &str) -> &str {
    FORMER_NAMES.iter().find(|(former, _)| *former == fault).map_or(fault, |(_, current)| current)
}

fn current_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    String::deserialize(deserializer).map(|fault| renamed(&fault).to_owned())
}

/// What a Lambda function's error looks like in the `Cause` of Step Functions.
/// <https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html>
#[derive(Deserialize)]
struct LambdaError {
    #[serde(rename = "errorType")]
    kind: Option<String>,
    #[serde(rename = "errorMessage")]
    message: Option<String>,
}

impl Failure {
    /// Reads the `error` and `cause` of an execution or of a failed state. Any text is fine: a `Lambda` error in JSON,
    /// plain text of the service, nothing at all.
    #[must_use]
    pub fn from_error(error: Option<&str>, cause: Option<&str>, state: &str) -> Self {
        let cause = cause.map(str::trim).unwrap_or_default();
        let lambda = serde_json::from_str::<LambdaError>(cause).ok();
        let (kind, text) = match lambda {
            Some(LambdaError { kind, message }) if kind.is_some() || message.is_some() => (kind, message),
            _ => (None, Some(cause.to_owned())),
        };
        let text = text.unwrap_or_default();
        let (message, hint) = split_message(&text);
        let fault = [error, kind.as_deref()].into_iter().flatten().map(str::trim).find(|name| !name.is_empty());
        Self::new(state, fault.unwrap_or(UNNAMED), message, hint)
    }

    /// The failure of an execution by its status in "Step Functions Execution Status Change". A status that has no
    /// error of its own (`ABORTED`, `TIMED_OUT`) becomes the fault.
    /// <https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html>
    #[must_use]
    pub fn from_status(status: &str, error: Option<&str>, cause: Option<&str>, state: &str) -> Self {
        let named = error.filter(|name| !name.trim().is_empty());
        let by_status = match status {
            "ABORTED" => Some("Aborted"),
            "TIMED_OUT" => Some("States.Timeout"),
            _ => None,
        };
        Self::from_error(named.or(by_status), cause, state)
    }

    /// A failure whose parts are known; an empty message or a missing hint is filled from the fault's name.
    #[must_use]
    pub fn new(state: &str, fault: &str, message: &str, hint: Option<&str>) -> Self {
        let fault = renamed(fault);
        let known = hints::in_state(state, fault);
        let message = if message.is_empty() { known.happened } else { message };
        Self {
            state: cut(state, NAME_CHARS_MAX).to_owned(),
            fault: cut(fault, NAME_CHARS_MAX).to_owned(),
            message: cut(message, MESSAGE_CHARS_MAX).to_owned(),
            // Nothing asks again: the part of the hint that asks for patience is over.
            hint: cut(after_waiting(hint.unwrap_or(known.next)), HINT_CHARS_MAX).to_owned(),
        }
    }

    /// The text of a Lambda's `errorMessage`: what happened, and on a line of its own what to do next.
    #[must_use]
    pub fn error_message(&self) -> String {
        format!("{}{NEXT}{}", self.message, self.hint)
    }
}

/// Splits a Lambda's `errorMessage` into what happened and the hint.
#[must_use]
pub fn split_message(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once(NEXT) {
        Some((message, hint)) if !hint.trim().is_empty() => (message.trim(), Some(hint.trim())),
        Some((message, _)) => (message.trim(), None),
        None => (text.trim(), None),
    }
}
