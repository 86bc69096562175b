//! Asks an extension what it would do; of a state machine, how far its executions are.

use std::time::Duration;

use aws_sdk_lambda::{
    config::{Config, retry::RetryConfig, timeout::TimeoutConfig},
    primitives::Blob,
};
use aws_sdk_sfn::types::ExecutionStatus;
use berth_aws::{CallFailure, CallResultExt, SdkResultExt};
use berth_contract::ExtensionRequest;
use berth_step::{Fault, StepError};
use berth_tenancy::{ExtensionKind, Mode, short_digest, wait};
use serde_json::{Value, json};

use crate::{CallExtension, Ended, Input, State};

/// Longest that a function may take: less than this one has itself. What takes longer is a state machine.
const FUNCTION_SECONDS_MAX: u64 = 100;
/// The error type by which a function says that it is to be asked again.
const NOT_READY: &str = "NotReady";
/// Longest text of an extension in a message.
const CHARS_MAX: usize = 500;

/// What the extension would do; and what it does already, where that is an execution of its own.
pub(crate) async fn observe(clients: &CallExtension, input: &Input) -> Result<State, StepError> {
    match input.extension.kind() {
        ExtensionKind::Function => Ok(State { asked: invoke(clients, input, Mode::Plan).await?, called: None }),
        ExtensionKind::StateMachine => executions(clients, input).await,
    }
}

/// A call of the run goes on, whichever redrive began it. One that failed before the newest redrive is forgotten.
async fn executions(clients: &CallExtension, input: &Input) -> Result<State, StepError> {
    if input.run.mode == Mode::Apply {
        for redrive in (0..=input.redrives).rev() {
            match describe(clients, input, Mode::Apply, redrive).await? {
                None => {}
                Some(Ended::Failed(_)) if redrive < input.redrives => break,
                called => return Ok(State { asked: Ended::Answered(json!({ "changes": [] })), called }),
            }
        }
    }
    let asked = match describe(clients, input, Mode::Plan, input.redrives).await? {
        Some(asked) => asked,
        None => start(clients, input, Mode::Plan).await?,
    };
    Ok(State { asked, called: None })
}

/// Name of the execution of one call: the same for every attempt, so that none starts a second one.
fn execution_name(input: &Input, mode: Mode, redrive: u32) -> String {
    let call = short_digest(&format!("{} {}", input.run.execution, input.at));
    let mode = if mode == Mode::Plan { "plan" } else { "apply" };
    format!("{call}-{mode}-{redrive}")
}

fn request(input: &Input, mode: Mode) -> Result<String, StepError> {
    let request = ExtensionRequest::of(&input.run, input.at, mode, &input.regions, &input.roles);
    serde_json::to_string(&request)
        .map_err(|error| StepError::new(Fault::Bug, "the request cannot be written").because(error))
}

/// Calls a function. [Lambda `Invoke`]
pub(crate) async fn invoke(clients: &CallExtension, input: &Input, mode: Mode) -> Result<Ended, StepError> {
    let payload = Blob::new(request(input, mode)?);
    let patience = TimeoutConfig::builder().operation_attempt_timeout(Duration::from_secs(FUNCTION_SECONDS_MAX));
    // It may do something: an answer that was lost is asked for by the state machine, which looks first.
    let once = Config::builder().retry_config(RetryConfig::disabled()).timeout_config(patience.build());
    let call = clients.lambda.invoke().function_name(input.extension.as_str()).payload(payload);
    let sent = call.customize().config_override(once).send().await;
    let answer = sent.named("lambda:InvokeFunction").map_err(|failure| missing(failure, input))?;
    let body = answer.payload.map(Blob::into_inner).unwrap_or_default();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    if answer.function_error.is_none() {
        return Ok(Ended::Answered(body));
    }
    let said = |field: &str| body.get(field).and_then(Value::as_str).unwrap_or("no text").to_owned();
    Ok(match said("errorType") {
        kind if kind == NOT_READY => Ended::Waits(cut(&said("errorMessage"))),
        kind => Ended::Failed(cut(&format!("{kind}: {}", said("errorMessage")))),
    })
}

/// Starts an execution, whose end a later attempt sees. [Step Functions `StartExecution`]
pub(crate) async fn start(clients: &CallExtension, input: &Input, mode: Mode) -> Result<Ended, StepError> {
    let name = execution_name(input, mode, input.redrives);
    let call = clients.step_functions.start_execution().state_machine_arn(input.extension.as_str()).name(&name);
    let sent = call.input(request(input, mode)?).send().await;
    let sent = sent.named("states:StartExecution").none_if(&["ExecutionAlreadyExists"]);
    sent.map_err(|failure| missing(failure, input))?;
    Ok(runs(&name))
}

/// How an execution ended; none when nobody started it. [Step Functions `DescribeExecution`]
async fn describe(
    clients: &CallExtension,
    input: &Input,
    mode: Mode,
    redrive: u32,
) -> Result<Option<Ended>, StepError> {
    let name = execution_name(input, mode, redrive);
    let arn = format!("{}:{name}", input.extension.as_str().replacen(":stateMachine:", ":execution:", 1));
    let sent = clients.step_functions.describe_execution().execution_arn(arn).send().await;
    let found = sent.named("states:DescribeExecution").none_if(&["ExecutionDoesNotExist"]);
    let Some(found) = found.map_err(|failure| missing(failure, input))? else { return Ok(None) };
    Ok(Some(match found.status() {
        ExecutionStatus::Succeeded => {
            Ended::Answered(serde_json::from_str(found.output().unwrap_or_default()).unwrap_or_default())
        }
        ExecutionStatus::Failed | ExecutionStatus::TimedOut | ExecutionStatus::Aborted => {
            let (error, cause) = (found.error().unwrap_or("no error"), found.cause().unwrap_or("no cause"));
            Ended::Failed(cut(&format!("its execution {name} ended {}: {error}: {cause}", found.status())))
        }
        _ => runs(&name),
    }))
}

fn runs(name: &str) -> Ended {
    Ended::Waits(format!("its execution {name} runs"))
}

/// What the codes of a call mean.
fn missing(failure: CallFailure, input: &Input) -> StepError {
    let name = input.extension.name();
    match failure.code() {
        Some("ResourceNotFoundException" | "StateMachineDoesNotExist") => {
            let hint = format!(
                "make {} in the hub account, then redrive the execution; or take {name} out of `after` in platform.yaml, and \
                 start the onboarding again",
                input.extension
            );
            failure.as_fault(Fault::InvalidInput, hint)
        }
        Some("StateMachineTypeNotSupported" | "InvalidArn") => {
            let hint =
                format!("{name} must be a state machine of the type STANDARD, whose executions can be looked at");
            failure.as_fault(Fault::InvalidInput, hint)
        }
        Some("ResourceConflictException" | "ResourceNotReadyException" | "CodeArtifactUserPendingException") => {
            let hint =
                wait("Lambda is still making the function ready", format!("look at the state of {name}, then redrive"));
            failure.as_fault(Fault::NotReady, hint)
        }
        Some("ExecutionLimitExceeded") => {
            let hint = wait("there are too many open executions", "end some, then redrive the execution");
            failure.as_fault(Fault::Throttled, hint)
        }
        _ => failure.or_common(),
    }
}

fn cut(text: &str) -> String {
    text.chars().take(CHARS_MAX).collect()
}
