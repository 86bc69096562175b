//! Through which alias onboardings are started.

/// Alias of the state machine; `infra/hub.yaml` publishes it.
const ALIAS: &str = "live";

/// What to start executions with, from the ARN of the state machine: its alias, which points to the version that was
/// deployed last. An execution finishes on the version that it was started with, whatever is deployed meanwhile.
/// [Step Functions `StartExecution`]
#[must_use]
pub fn live_alias(state_machine: &str) -> String {
    format!("{state_machine}:{ALIAS}")
}
