//! One execution: what Step Functions says of it, and running it again.

use aws_sdk_sfn::operation::describe_execution::DescribeExecutionOutput;
use berth_aws::CallFailure;
use berth_step::{Fault, StepError};

use crate::{outcome::Problem, target::Deployment};

/// The execution; none when Step Functions does not know it: 90 days after its end, or when it was never started.
/// [Step Functions `DescribeExecution`]
pub(crate) async fn describe(deployment: &Deployment, arn: &str) -> Result<Option<DescribeExecutionOutput>, Problem> {
    match deployment.step_functions.describe_execution().execution_arn(arn).send().await {
        Ok(answer) => Ok(Some(answer)),
        Err(error) => {
            let failure = CallFailure::of("states:DescribeExecution", &error);
            if failure.is(&["ExecutionDoesNotExist"]) { Ok(None) } else { Err(failure.or_common().into()) }
        }
    }
}

/// Goes on where the execution failed. Answers whether Step Functions did. [Step Functions `RedriveExecution`]
pub(crate) async fn redrive(deployment: &Deployment, arn: &str) -> Result<bool, StepError> {
    match deployment.step_functions.redrive_execution().execution_arn(arn).send().await {
        Ok(_) => Ok(true),
        Err(error) => {
            let failure = CallFailure::of("states:RedriveExecution", &error);
            match failure.code() {
                Some("ExecutionNotRedrivable" | "ExecutionDoesNotExist") => Ok(false),
                Some("ExecutionLimitExceeded") => {
                    Err(failure.as_fault(Fault::Throttled, "too many executions are open: try again later"))
                }
                _ => Err(failure.or_common()),
            }
        }
    }
}

/// Whether the execution began with another definition of the state machine than the one that is deployed now: a
/// redrive would go on with the old one. When it cannot be told, it counts as the same.
/// [Step Functions `DescribeStateMachineForExecution`, `DescribeStateMachine`]
pub(crate) async fn has_old_definition(deployment: &Deployment, arn: &str) -> bool {
    let Ok(machine) = deployment.state_machine() else { return false };
    let began = deployment.step_functions.describe_state_machine_for_execution().execution_arn(arn).send().await;
    let now = deployment.step_functions.describe_state_machine().state_machine_arn(machine).send().await;
    match (began, now) {
        (Ok(began), Ok(now)) => began.definition() != now.definition(),
        _ => false,
    }
}
