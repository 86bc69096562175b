//! Step Functions, whoever starts an execution or answers a task of one: the alias, and what the codes mean.

use berth_step::{Fault, StepError};
use serde_json::json;

use crate::CallFailure;

/// Alias of the state machine; `infra/hub.yaml` publishes it.
const ALIAS: &str = "live";

/// Codes that say that nobody waits for a task token any more: the execution was stopped, timed out, or was answered before.
/// [Step Functions `SendTaskSuccess`, `SendTaskFailure`, "Errors"]
const NOBODY_WAITS: [&str; 3] = ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"];

/// What to start executions with, from the ARN of the state machine: its alias, which points to the version that was
/// deployed last. An execution finishes on the version that it was started with, whatever is deployed meanwhile.
/// [Step Functions `StartExecution`]
#[must_use]
pub fn live_alias(state_machine: &str) -> String {
    format!("{state_machine}:{ALIAS}")
}

/// What the codes of `StartExecution` mean to a function that has the state machine from `setting`. `patience` is said where
/// too many executions are open. [Step Functions `StartExecution`, "Errors"]
#[must_use]
pub fn failed_start(failure: CallFailure, patience: String, setting: &str) -> StepError {
    match failure.code() {
        Some("ExecutionLimitExceeded") => failure.as_fault(Fault::Throttled, patience),
        Some("StateMachineDoesNotExist" | "InvalidArn" | "StateMachineDeleting") => {
            let hint = format!("set {setting} to the state machine of this deployment");
            failure.as_fault(Fault::InvalidInput, hint)
        }
        _ => failure.or_common(),
    }
}

/// The cause with which a task fails, in the form of a Lambda's, so that every failure is read in one way.
/// [Step Functions `SendTaskFailure`]
#[must_use]
pub fn failure_cause(error: &StepError) -> String {
    json!({ "errorType": error.fault.name(), "errorMessage": error.to_string() }).to_string()
}

/// Whether somebody waited for the answer to a task token. When nobody does any more, that is no failure.
///
/// # Errors
/// Whatever else the call failed with.
pub fn was_awaited<T>(sent: Result<T, CallFailure>) -> Result<bool, CallFailure> {
    match sent {
        Err(failure) if failure.is(&NOBODY_WAITS) => Ok(false),
        sent => sent.map(|_| true),
    }
}
