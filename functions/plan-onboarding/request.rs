//! What the execution was asked for: an event, or just an account id.

use berth_events::{Decision, Transfer, recognise};
use berth_step::{Fault, StepError};
use berth_tenancy::{AccountId, Mode, PlanLimit, RepairLimit};
use serde_json::Value;

/// A request that names an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnboardingRequest {
    pub account: AccountId,
    /// Whether to act.
    pub mode: Mode,
    /// The generation that the execution was started for; none in an execution that a person started.
    pub generation: Option<u32>,
    /// Whether steps may make changes that cut traffic off for a while.
    pub allow_disruption: bool,
    /// The plan whose changes steps may make, and no other.
    pub only_planned: Option<PlanLimit>,
    /// What steps may mend, where the run is a repair.
    pub repairs: Option<RepairLimit>,
    /// Whom the account shall become, when a person asks for that.
    pub transfer: Option<Transfer>,
}

/// Reads the execution's input with the recogniser that also reads the intake queue, so that the console takes a whole
/// event or just an account id.
pub fn read_request(request: &Value) -> Result<OnboardingRequest, StepError> {
    let recognised = recognise(request.to_string().as_bytes());
    match (recognised.decision, recognised.account_id) {
        (Decision::Onboard, Some(account)) => Ok(OnboardingRequest {
            account,
            mode: recognised.mode.unwrap_or_default(),
            generation: recognised.generation,
            allow_disruption: recognised.allow_disruption,
            only_planned: recognised.only_planned,
            repairs: recognised.repairs,
            transfer: recognised.transfer,
        }),
        (decision, _) => Err(StepError::new(
            Fault::InvalidInput,
            format!("the execution's input asks for no onboarding ({}): {}", decision, recognised.reason),
        )
        .hint("start the execution with {\"accountId\": \"111122223333\"}")),
    }
}
