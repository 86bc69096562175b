//! How states retry: one table of faults for all of them, the named exceptions of functions, and the lists that follow.

use std::{collections::BTreeMap, fmt::Write as _};

use berth_step::Fault;
use serde::{Serialize, Serializer};

use super::function::Exception;

/// One entry of a `Retry` list.
/// <https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html>
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Retrier {
    /// Names of errors.
    pub error_equals: Vec<&'static str>,
    /// The first pause.
    pub interval_seconds: u32,
    /// What each further pause is multiplied by, in tenths.
    #[serde(rename = "BackoffRate", serialize_with = "tenths")]
    pub backoff_tenths: u32,
    /// The longest pause.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_delay_seconds: Option<u32>,
    /// How often it is tried again.
    pub max_attempts: u32,
    /// `FULL`: each pause is drawn between nothing and its length, so that a crowd does not come back at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jitter_strategy: Option<&'static str>,
}

impl Retrier {
    /// Asks again in pauses that grow by a fifth: what came is found late by a tenth of what it took, on average, and the
    /// history holds many such waits (docs/decisions/0030).
    fn steady(max_attempts: u32) -> Self {
        Self {
            error_equals: Vec::new(),
            interval_seconds: 3,
            backoff_tenths: 12,
            max_delay_seconds: Some(120),
            max_attempts,
            jitter_strategy: None,
        }
    }

    /// Asks again in pauses that double from a second on, with jitter.
    fn growing(max_delay_seconds: u32, max_attempts: u32) -> Self {
        Self {
            error_equals: Vec::new(),
            interval_seconds: 1,
            backoff_tenths: 20,
            max_delay_seconds: Some(max_delay_seconds),
            max_attempts,
            jitter_strategy: Some("FULL"),
        }
    }

    fn of(self, error_equals: Vec<&'static str>) -> Self {
        Self { error_equals, ..self }
    }

    fn except(self, exception: Exception) -> Self {
        Self {
            interval_seconds: exception.interval_seconds.unwrap_or(self.interval_seconds),
            max_delay_seconds: exception.delay_seconds_max.or(self.max_delay_seconds),
            max_attempts: exception.attempts_max.unwrap_or(self.max_attempts),
            ..self
        }
    }
}

/// Tenths as a number of JSON: whole where it is whole.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde calls")]
fn tenths<S: Serializer>(tenths: &u32, serializer: S) -> Result<S::Ok, S::Error> {
    if tenths.is_multiple_of(10) {
        serializer.serialize_u32(tenths / 10)
    } else {
        serializer.serialize_f64(f64::from(*tenths) / 10.0)
    }
}

/// How a fault is retried wherever nothing else is said; none for permanent ones.
/// What is not ready is waited for 20 minutes; throttling is outlasted for two hours, as a crowd needs
/// (docs/decisions/0027).
fn usual(fault: Fault) -> Option<Retrier> {
    match fault {
        Fault::NotReady => Some(Retrier::steady(26)),
        Fault::Throttled => Some(Retrier::growing(1500, 14)),
        Fault::Conflict => Some(Retrier::growing(30, 6)),
        Fault::Denied
        | Fault::NotOwned
        | Fault::InvalidInput
        | Fault::Superseded
        | Fault::ExtensionFailed
        | Fault::Bug => None,
    }
}

/// The service that a task calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Service {
    Lambda,
    /// The function answers through a task token, which people may have: the time-out is theirs.
    LambdaByToken,
    Sqs,
}

/// Names of errors of Lambda, and of functions that broke down; the last is that of a state which ran out of time.
const BROKEN: [&str; 8] = [
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.Unknown",
    "Runtime.ExitError",
    "Sandbox.Timedout",
    "States.Timeout",
];

impl Service {
    /// By the `Resource` of a task.
    fn of(resource: &str) -> Option<Self> {
        match resource {
            "arn:aws:states:::lambda:invoke" => Some(Self::Lambda),
            "arn:aws:states:::lambda:invoke.waitForTaskToken" => Some(Self::LambdaByToken),
            "arn:aws:states:::sqs:sendMessage.waitForTaskToken" => Some(Self::Sqs),
            _ => None,
        }
    }

    /// Names by which the service says that it is asked too often. For SQS all errors of the service have one name, so
    /// throttling cannot be told from a denial; a denial is retried too, and ends with its own message.
    fn throttled(self) -> &'static [&'static str] {
        match self {
            Self::Lambda | Self::LambdaByToken => &["Lambda.TooManyRequestsException"],
            Self::Sqs => &["SQS.SdkClientException", "SQS.AmazonSQSException"],
        }
    }

    /// Names by which it says that it, or the function, broke down for a moment. A step may be run again at any point.
    /// <https://docs.aws.amazon.com/step-functions/latest/dg/bp-lambda-serviceexception.html>
    fn broken(self) -> &'static [&'static str] {
        match self {
            Self::Lambda => &BROKEN,
            // Nobody has answered in all the time that there was: asking again is for a person to decide.
            Self::LambdaByToken => BROKEN.split_last().map_or(&[], |(_, broken)| broken),
            Self::Sqs => &[],
        }
    }
}

/// The `Retry` list of a task with this `Resource`, whose function has these exceptions; none when the service is not known.
#[must_use]
pub fn retriers(resource: &str, exceptions: &BTreeMap<String, Exception>) -> Option<Vec<Retrier>> {
    let service = Service::of(resource)?;
    let mut list = Vec::new();
    for fault in Fault::ALL {
        let Some(retrier) = usual(fault) else { continue };
        let retrier = retrier.except(exceptions.get(fault.name()).copied().unwrap_or_default());
        let throttled = if fault == Fault::Throttled { service.throttled() } else { &[] };
        list.push(retrier.of([&[fault.name()], throttled].concat()));
        if fault == Fault::Throttled && !service.broken().is_empty() {
            list.push(Retrier::growing(30, 6).of(service.broken().to_vec()));
        }
    }
    Some(list)
}

/// The text of a state machine with these `Retry` lists in its states, by their names. Everything else stays as it is, byte
/// for byte. The text is written with an indent of two spaces, each member on its line.
///
/// # Errors
/// A state has a `Retry` that nothing gives a list for, or none where there is one to write.
pub fn with_retries(text: &str, lists: &BTreeMap<String, Vec<Retrier>>) -> Result<String, String> {
    let (mut out, mut written) = (String::new(), Vec::new());
    // Names of the objects around the line, with their indents.
    let mut around: Vec<(usize, &str)> = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let (indent, member) = (line.len() - line.trim_start().len(), line.trim_start());
        around.retain(|(outer, _)| *outer < indent);
        if let Some(name) = member.strip_prefix('"').and_then(|rest| rest.strip_suffix("\": {")) {
            around.push((indent, name));
        }
        if !member.starts_with("\"Retry\": [") {
            let _ = writeln!(out, "{line}");
            continue;
        }
        let state = around.last().map(|(_, name)| *name).unwrap_or_default();
        let list = lists.get(state).ok_or_else(|| format!("{state}: has a Retry, but is no task of a function"))?;
        let is_end = |line: &&str| line.len() - line.trim_start().len() == indent && line.trim_start().starts_with(']');
        let end = if member.contains(']') { line } else { lines.find(is_end).unwrap_or_default() };
        let comma = if end.ends_with(',') { "," } else { "" };
        let json = serde_json::to_string_pretty(list).map_err(|error| error.to_string())?;
        let pad = " ".repeat(indent);
        let _ = writeln!(out, "{pad}\"Retry\": {}{comma}", json.replace('\n', &format!("\n{pad}")));
        written.push(state);
    }
    if !text.ends_with('\n') {
        out.pop();
    }
    match lists.keys().find(|state| !written.contains(&state.as_str())) {
        Some(state) => Err(format!("{state}: has no Retry; write \"Retry\": [] where it belongs, and it is filled in")),
        None => Ok(out),
    }
}
