//! One execution: what Step Functions says of it, and running it again.

use aws_sdk_sfn::operation::describe_execution::DescribeExecutionOutput;
use berth_aws::{CallResultExt, SdkResultExt};
use berth_step::{Fault, StepError};

use crate::{outcome::Problem, target::Deployment};

/// The execution; none when Step Functions does not know it: 90 days after its end, or when it was never started.
/// [Step Functions `DescribeExecution`]
pub(crate) async fn describe(deployment: &Deployment, arn: &str) -> Result<Option<DescribeExecutionOutput>, Problem> {
    let sent = deployment.step_functions.describe_execution().execution_arn(arn).send().await;
    Ok(sent.named("states:DescribeExecution").none_if(&["ExecutionDoesNotExist"]).or_common()?)
}

/// Goes on where the execution failed. Answers whether Step Functions did. [Step Functions `RedriveExecution`]
pub(crate) async fn redrive(deployment: &Deployment, arn: &str) -> Result<bool, StepError> {
    let sent = deployment.step_functions.redrive_execution().execution_arn(arn).send().await;
    let sent = sent.named("states:RedriveExecution").none_if(&["ExecutionNotRedrivable", "ExecutionDoesNotExist"]);
    let redriven = sent.map_err(|failure| match failure.code() {
        Some("ExecutionLimitExceeded") => {
            failure.as_fault(Fault::Throttled, "too many executions are open: try again later")
        }
        _ => failure.or_common(),
    })?;
    Ok(redriven.is_some())
}

/// Whether the execution began with another definition of the state machine than the one that is deployed now: a
/// redrive would go on with the old one. When it cannot be told, it counts as the same.
/// [Step Functions `DescribeStateMachineForExecution`, `DescribeStateMachine`]
pub(crate) async fn has_old_definition(deployment: &Deployment, arn: &str) -> bool {
    let Ok(machine) = deployment.state_machine().await else { return false };
    let began = deployment.step_functions.describe_state_machine_for_execution().execution_arn(arn).send().await;
    let now = deployment.step_functions.describe_state_machine().state_machine_arn(machine).send().await;
    match (began, now) {
        (Ok(began), Ok(now)) => began.definition() != now.definition(),
        _ => false,
    }
}
