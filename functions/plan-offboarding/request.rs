//! What the execution was asked for. Only a person asks for it: an event puts an account on the list.

use berth_step::{Fault, StepError};
use berth_tenancy::{AccountId, Mode};
use serde::Deserialize;
use serde_json::Value;

/// A request to offboard an account: the execution's input.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OffboardingRequest {
    /// The account.
    pub account_id: AccountId,
    /// Whether to act. It must be said: what is taken away is gone.
    pub mode: Mode,
    /// Whether whoever asks says that access which Berth cannot reach any more was taken away by hand.
    #[serde(default)]
    pub access_removed: bool,
    /// Why, for the record.
    #[serde(default)]
    pub reason: Option<String>,
}

/// Reads the execution's input.
///
/// # Errors
/// `InvalidInput` for anything else: an offboarding is never guessed.
pub fn read_request(request: &Value) -> Result<OffboardingRequest, StepError> {
    serde_json::from_value(request.clone()).map_err(|error| {
        StepError::new(Fault::InvalidInput, format!("the execution's input asks for no offboarding: {error}"))
            .hint("start it with `berth offboard ACCOUNT --plan`, then `berth offboard ACCOUNT --yes`")
    })
}
