//! Starts the plan of an account, or its repair.

use aws_sdk_sfn::Client as StepFunctions;
use berth_aws::{CallResultExt, SdkResultExt, failed_start, live_alias};
use berth_step::StepError;
use berth_tenancy::{AccountId, Mode, RepairLimit, wait};
use serde_json::{Value, json};

/// What a look is asked: with leave to disrupt, so that the plan has what would disrupt, too. A plan makes nothing.
pub(crate) fn look(account: &AccountId) -> Value {
    json!({ "accountId": account, "mode": Mode::Plan, "drift": true, "allowDisruption": true })
}

/// What a repair is asked: an ordinary onboarding, which may mend this.
pub(crate) fn repair(account: &AccountId, limit: &RepairLimit) -> Value {
    json!({ "accountId": account, "repairs": limit })
}

/// Starts an execution, once by each name. [Step Functions `StartExecution`]
pub(crate) async fn start(client: &StepFunctions, machine: &str, name: &str, input: &Value) -> Result<(), StepError> {
    let call = client.start_execution().state_machine_arn(live_alias(machine)).name(name).input(input.to_string());
    let sent = call.send().await.named("states:StartExecution").none_if(&["ExecutionAlreadyExists"]);
    sent.map(drop).map_err(|failure| {
        let patience =
            wait("the next tick starts it", "raise the quota of open executions of Step Functions; then: berth drift");
        failed_start(failure, patience, "BERTH_STATE_MACHINE_ARN")
    })
}
