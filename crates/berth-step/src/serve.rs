//! Serving a function: reads the payload strictly, writes one structured line for each invocation, answers faults.

use std::time::Instant;

use berth_tenancy::{AccountId, Mode, Region, wait};
use jiff::Timestamp;
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use tracing::Level;
use tracing_subscriber::{filter::Targets, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::{
    Actor, Fault, HasSubject, Lease, Settings, Step, StepError,
    calls::counting,
    converge,
    line::{self, About, Spent, line},
    while_opening,
};

/// What is logged unless `BERTH_LOG` says otherwise: our lines, and only the warnings of libraries.
const LOG_FILTER: &str = "info,lambda_runtime=warn,aws_config=warn,hyper_util=warn";

/// What the log line says about an input.
pub trait Traced {
    /// The account that the input is about, when it is one.
    fn account(&self) -> Option<AccountId>;
    /// The region, when there is one.
    fn region(&self) -> Option<&Region> {
        None
    }
    /// ARN of the execution, when there is one.
    fn execution(&self) -> Option<&str> {
        None
    }
    /// Whether it is a step's, in an execution that only plans.
    fn is_step_of_plan(&self) -> bool {
        false
    }
}

impl<I: HasSubject> Traced for I {
    fn account(&self) -> Option<AccountId> {
        Some(self.subject().account_id.clone())
    }

    fn region(&self) -> Option<&Region> {
        HasSubject::region(self)
    }

    fn execution(&self) -> Option<&str> {
        Some(&self.subject().execution)
    }

    fn is_step_of_plan(&self) -> bool {
        self.subject().mode == Mode::Plan
    }
}

/// Serves invocations until the runtime ends. `name` is the function's name in the log line.
///
/// The payload is taken raw and read strictly here, so that a payload that does not fit is `InvalidInput` in the state
/// machine and not the name of a Rust type.
pub async fn serve<I, O, H, F>(name: &'static str, handler: H) -> Result<(), lambda_runtime::Error>
where
    I: DeserializeOwned + Traced,
    O: Serialize,
    H: Fn(I) -> F,
    F: Future<Output = Result<O, StepError>>,
{
    let lines = fmt::layer().json().flatten_event(true).with_current_span(false).with_target(false);
    tracing_subscriber::registry().with(lines).with(log_filter(Settings::from_env())).init();
    let handler = &handler;
    let service = service_fn(move |event: LambdaEvent<Value>| async move {
        answer(name, event, handler)
            .await
            .map_err(|error| Diagnostic { error_type: error.fault.name().to_owned(), error_message: error.to_string() })
    });
    lambda_runtime::run(service).await
}

/// What is logged. By level and target only: filters by the fields of spans would bring regular expressions into every
/// function, and Berth has no spans. What does not parse counts as not set: a function must not fail over its log.
fn log_filter(mut settings: Settings) -> Targets {
    let ours = || LOG_FILTER.parse().unwrap_or_else(|_| Targets::new().with_default(Level::INFO));
    settings.required("BERTH_LOG").unwrap_or_else(ours)
}

/// Serves a step.
pub async fn serve_step<S>(name: &'static str, step: S, lease: impl Lease) -> Result<(), lambda_runtime::Error>
where
    S: Step,
{
    let (step, lease) = (&step, &lease);
    serve(name, move |input: S::Input| async move {
        let account = input.subject().account_id.clone();
        let region = HasSubject::region(&input).cloned();
        let actor = Actor { step: name, now: Timestamp::now };
        converge(step, lease, actor, &input).await.map_err(|error| {
            let error = error.of_planned(&account);
            let error = while_opening(error, input.subject(), Timestamp::now()).for_account(&account);
            region.iter().fold(error, StepError::in_region)
        })
    })
    .await
}

/// Field of a payload that says how often the state was tried before. It is for the log line, so it is taken out before
/// the payload is read strictly.
pub const ATTEMPT_FIELD: &str = "attempt";

/// Takes the attempt out of a payload. [Step Functions context object, `State.RetryCount`]
pub fn take_attempt(payload: &mut Value) -> Option<u64> {
    payload.as_object_mut()?.remove(ATTEMPT_FIELD)?.as_u64()
}

/// Handles one invocation and writes its line.
async fn answer<I, O, H, F>(name: &str, event: LambdaEvent<Value>, handler: &H) -> Result<O, StepError>
where
    I: DeserializeOwned + Traced,
    H: Fn(I) -> F,
    F: Future<Output = Result<O, StepError>>,
{
    let started = Instant::now();
    let LambdaEvent { mut payload, context } = event;
    let attempt = take_attempt(&mut payload);
    let mut about = About { request: context.request_id, trace: context.xray_trace_id, attempt, ..About::default() };
    let (result, calls) = match read::<I>(name, payload) {
        Ok(input) => {
            about.account = input.account().map(|account| account.to_string());
            about.region = input.region().map(ToString::to_string);
            about.execution = input.execution().map(str::to_owned);
            let looks_once_more = input.is_step_of_plan() && attempt == Some(0);
            // Boxed: the futures of several SDK calls nest deeper than the compiler's limit for one layout.
            let (result, calls) = counting(Box::pin(handler(input))).await;
            (result.map_err(|error| if looks_once_more { not_at_once(error) } else { error }), calls)
        }
        Err(error) => (Err(error), 0),
    };
    let milliseconds = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    line::write(&line(name, &about, result.as_ref().err(), Spent { calls, milliseconds }, Timestamp::now()));
    result
}

/// What a step of a plan answers the first time when it cannot go on: to be asked once more. A final answer would end the
/// steps beside it at once, and whoever plans wants to know what those would do, too.
fn not_at_once(mut error: StepError) -> StepError {
    if error.fault.is_retryable() {
        return error;
    }
    let hint = wait("the plan asks once more, while other steps say what they would do", error.hint.clone());
    error.fault = Fault::NotReady;
    error.hint(hint)
}

/// Reads a payload strictly.
fn read<I: DeserializeOwned>(name: &str, payload: Value) -> Result<I, StepError> {
    serde_path_to_error::deserialize(payload).map_err(|error| {
        let path = error.path().to_string();
        StepError::new(Fault::InvalidInput, format!("the payload of {name} does not fit at {path}: {error}"))
            .hint("compare the state machine's version with the functions'; deploy them together")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_final_fault_of_a_plan_is_asked_about_once_more() {
        let error = not_at_once(StepError::new(Fault::NotOwned, "somebody else's role").hint("rename it"));
        assert_eq!((error.fault, error.message.as_str()), (Fault::NotReady, "somebody else's role"));
        assert_eq!(berth_tenancy::after_waiting(&error.hint), "rename it");
        let error = not_at_once(StepError::new(Fault::Throttled, "slow down").hint("wait"));
        assert_eq!((error.fault, error.hint.as_str()), (Fault::Throttled, "wait"), "it is asked again anyway");
    }

    #[test]
    fn our_lines_and_libraries_warnings_are_logged_unless_set_otherwise() {
        for (wanted, target, level, is_logged) in [
            (None, "berth_step", Level::INFO, true),
            (None, "berth_step", Level::DEBUG, false),
            (None, "lambda_runtime::runtime", Level::INFO, false),
            (None, "lambda_runtime::runtime", Level::WARN, true),
            (Some("debug"), "hyper_util", Level::DEBUG, true),
            (Some("warn,berth_step=debug"), "berth_step", Level::DEBUG, true),
            (Some("warn,berth_step=debug"), "hyper_util", Level::INFO, false),
            (Some("no=such=filter"), "berth_step", Level::INFO, true),
            (Some("no=such=filter"), "aws_config", Level::INFO, false),
        ] {
            let settings = Settings::from_pairs(wanted.map(|text: &str| ("BERTH_LOG".to_owned(), text.to_owned())));
            let logged = log_filter(settings).would_enable(target, &level);
            assert_eq!(logged, is_logged, "{wanted:?} {target} {level}");
        }
    }
}
