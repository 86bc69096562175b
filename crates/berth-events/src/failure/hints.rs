//! What to do about errors that carry no advice of their own: the service's, Lambda's, and Berth's bare faults.
//!
//! Names: <https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html>,
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>.

/// What an error's name alone tells.
pub(super) struct Known {
    /// What happened, for an error without a message.
    pub(super) happened: &'static str,
    /// What a person should do next.
    pub(super) next: &'static str,
}

const fn known(happened: &'static str, next: &'static str) -> Known {
    Known { happened, next }
}

/// The state that asks people about a plan.
const ASKS_PEOPLE: &str = "AskApproval";

/// What is known of an error in a state. Where people are asked, time runs out for another reason than anywhere else.
pub(super) fn in_state(state: &str, fault: &str) -> Known {
    if state == ASKS_PEOPLE && fault == "States.Timeout" {
        return known(
            "nobody approved or rejected the plan in the time that there was; nothing was changed",
            "berth onboard ACCOUNT asks again; approval.days of its environment in platform.yaml is how long",
        );
    }
    for_fault(fault)
}

/// What is known about an error's name. Every name has an answer.
fn for_fault(fault: &str) -> Known {
    if let Some(known) = berth(fault).or_else(|| states(fault)).or_else(|| lambda(fault)) {
        return known;
    }
    known(
        "the execution failed and its cause is empty",
        "open the execution in the Step Functions console, read the failed state's input and error, then redrive it",
    )
}

/// Berth's own faults, in case a message lost its advice.
fn berth(fault: &str) -> Option<Known> {
    Some(match fault {
        "NotReady" => known(
            "something in AWS was not ready within the limit",
            "look at what the message names in the AWS console; redrive the execution once it is ready",
        ),
        "Throttled" => known(
            "AWS kept asking to slow down",
            "redrive the execution later; if it happens often, lower the intake's concurrency or ask for a higher quota",
        ),
        "Conflict" => known(
            "something else kept changing the same resource",
            "find out who changes the resource that the message names, then redrive the execution",
        ),
        "Denied" => known(
            "AWS refused a call",
            "grant the permission that the message names to the role that it names, then redrive the execution",
        ),
        "NotOwned" => known(
            "something with Berth's name is there but does not carry Berth's tags",
            "decide whose it is: rename or delete it, or tag it as Berth's, then redrive the execution",
        ),
        "InvalidInput" => known(
            "the input or the configuration is not valid",
            "correct what the message names (`berth validate` checks platform.yaml), then start the onboarding again",
        ),
        "Superseded" => known(
            "another execution took over the account",
            "nothing to do here: `berth status` shows the execution that works on the account now",
        ),
        "ExtensionFailed" => known(
            "an extension of the platform failed",
            "mend the function or state machine that the message names, then redrive the execution: it is called once more",
        ),
        "Bug" => known(
            "Berth met an answer that it does not expect",
            "report it with the execution's ARN; running it again is safe",
        ),
        "Aborted" => known(
            "the execution was stopped by a person or a script",
            "redrive the execution to go on, or start the onboarding again: both are safe",
        ),
        _ => return None,
    })
}

/// Errors of Step Functions itself.
fn states(fault: &str) -> Option<Known> {
    Some(match fault {
        "States.Timeout" => known(
            "the state or the execution ran out of time",
            "check what it waited for (the last events of the execution show it), then redrive the execution",
        ),
        "States.HeartbeatTimeout" => known(
            "no answer to the task token arrived in time",
            "check the commit queue and its dead-letter queue, then redrive the execution",
        ),
        "States.DataLimitExceeded" => known(
            "a payload is larger than Step Functions' limit of 256 KiB",
            "report it with the state's name: a step returns too much; a redrive fails the same way",
        ),
        "States.Runtime" => known(
            "the state machine could not process its own data",
            "report it with the state's name: the definition and the functions do not fit; deploy both from one version, \
             then start the onboarding again (this error cannot be caught or retried)",
        ),
        "States.QueryEvaluationError"
        | "States.ParameterPathFailure"
        | "States.ResultPathMatchFailure"
        | "States.IntrinsicFailure"
        | "States.NoChoiceMatched" => known(
            "an expression of the state machine failed",
            "deploy the state machine and the functions from one version, then start the onboarding again",
        ),
        "States.Permissions" => known(
            "the state machine's role may not make this call",
            "deploy infra/ again: the state machine's role lacks a permission; then redrive the execution",
        ),
        "States.ExceedToleratedFailureThreshold"
        | "States.ItemReaderFailed"
        | "States.ResultWriterFailed"
        | "States.BranchFailed" => known(
            "a branch or an item of a map failed",
            "open the execution in the Step Functions console and read the failed item, then redrive the execution",
        ),
        "States.TaskFailed" => known(
            "a task failed without naming its error",
            "read the function's log of that time, then redrive the execution",
        ),
        _ => return None,
    })
}

/// Errors of Lambda and its runtime. The service's exceptions arrive as `Lambda.<name>`.
fn lambda(fault: &str) -> Option<Known> {
    Some(match fault {
        "Lambda.TooManyRequestsException" | "Lambda.EC2ThrottledException" | "Lambda.ENILimitReachedException" => {
            known(
                "Lambda had no free concurrency in the hub account",
                "redrive the execution; if it happens often, raise the functions' reserved concurrency or the account's limit",
            )
        }
        "Lambda.ServiceException"
        | "Lambda.AWSLambdaException"
        | "Lambda.SdkClientException"
        | "Lambda.ClientExecutionTimeoutException"
        | "Lambda.Unknown" => known(
            "Lambda did not answer",
            "nothing is broken by it: redrive the execution; if it stays, look at the AWS Health dashboard",
        ),
        "Lambda.ResourceNotFoundException" | "Lambda.AccessDeniedException" | "Lambda.KMSAccessDeniedException" => {
            known(
                "the state machine cannot reach the function",
                "deploy infra/ again: the function, its alias or the permission to invoke it is missing; then redrive",
            )
        }
        "Function.ResponseSizeTooLarge" => known(
            "the function's answer is larger than Lambda's limit",
            "report it with the state's name; a redrive fails the same way",
        ),
        "Sandbox.Timedout" => known(
            "the function ran into its time-out and was killed",
            "redrive the execution: steps are safe to repeat; if it happens again, raise the function's time-out",
        ),
        "Runtime.ExitError" | "Runtime.Unknown" => known(
            "the function's process ended without an answer (a crash, or out of memory)",
            "read the function's log; redrive the execution, and raise the function's memory if it ran out of it",
        ),
        name if name.starts_with("Runtime.") || name.starts_with("Extension.") => known(
            "the function could not start",
            "deploy the functions again: the package does not fit the runtime or the architecture; then redrive",
        ),
        _ => return None,
    })
}
