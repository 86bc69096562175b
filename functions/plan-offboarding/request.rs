//! What the execution was asked for. Only a person asks for it: an event puts an account on the list.

use berth_step::{Fault, StepError};
use berth_tenancy::{AccountId, Mode, OffboardingScope, Region};
use serde::Deserialize;
use serde_json::Value;

/// A request to offboard an account: the execution's input.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OffboardingRequest {
    pub account_id: AccountId,
    /// Whether to act. It must be said: what is taken away is gone.
    pub mode: Mode,
    /// How much is taken away; everything when it is left out.
    #[serde(default)]
    pub scope: OffboardingScope,
    /// The region, where the scope is one region.
    #[serde(default)]
    pub region: Option<Region>,
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
    let wrong = |why: String| {
        StepError::new(Fault::InvalidInput, format!("the execution's input asks for no offboarding: {why}"))
            .hint("start it with `berth offboard ACCOUNT --plan`, then `berth offboard ACCOUNT --yes`")
    };
    let read: OffboardingRequest = serde_json::from_value(request.clone()).map_err(|error| wrong(error.to_string()))?;
    match (read.scope, &read.region) {
        (OffboardingScope::Region, None) => Err(wrong("the scope is a region, and `region` is not there".to_owned())),
        (OffboardingScope::Region, Some(_)) | (_, None) => Ok(read),
        (_, Some(_)) => Err(wrong("`region` belongs to the scope `region`".to_owned())),
    }
}
