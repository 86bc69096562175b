//! Rules that the state machine must keep whatever an execution does. Each gives findings; none means that it is kept.

use std::collections::BTreeSet;

use berth_step::Fault;
use berth_tests::registry::{Level, State, leads_to, states};
use serde_json::Value;

use crate::template::Template;

/// Error names of Lambda that mean that the service, not the function, failed for a moment.
/// <https://docs.aws.amazon.com/step-functions/latest/dg/bp-lambda-serviceexception.html>
const LAMBDA_TRANSIENT: [&str; 5] = [
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
];

/// Error names of `sqs:sendMessage`: the call did not come through, and SQS answered with an error. Optimized
/// integrations report all errors that the service answers by one name, so throttling and 5xx cannot be told from a
/// denial; a denial is retried too, and ends with its own message. The names are those of AWS's Java SDK, as histories
/// of real executions show them.
/// <https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html>
const SQS_TRANSIENT: [&str; 2] = ["SQS.SdkClientException", "SQS.AmazonSQSException"];

/// Further names of the service that may stand in `ErrorEquals`. All are transient, or are crashes of a step, and a step
/// may be run again at any point.
/// - `States.Timeout`, `Lambda.Unknown`, `Sandbox.Timedout`, `Runtime.ExitError`: a function that ran out of time or
///   memory, or ended early. <https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html>,
///   <https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-invocation.html>
const OTHER_KNOWN: [&str; 4] = ["States.Timeout", "Lambda.Unknown", "Sandbox.Timedout", "Runtime.ExitError"];

/// Names that match more than they name, permanent faults among it.
const TOO_WIDE: [&str; 2] = ["States.ALL", "States.TaskFailed"];

/// All rules on the machine and the template behind it.
pub fn findings(machine: &Value, template: &Template) -> Vec<String> {
    [
        language(machine),
        error_names(machine),
        retries(machine),
        limits(machine),
        waiting(machine),
        redrive(machine),
        reachable(machine),
        variables(machine),
        substitutions(machine, template),
        timeouts(machine, template),
    ]
    .concat()
}

fn language(machine: &Value) -> Vec<String> {
    let mut found = Vec::new();
    if machine["QueryLanguage"] != "JSONata" {
        found.push("QueryLanguage: is not JSONata".to_owned());
    }
    for state in states(machine) {
        if state.body.get("QueryLanguage").is_some_and(|language| language != "JSONata") {
            found.push(format!("{}: QueryLanguage: is not JSONata", state.at));
        }
    }
    found
}

pub fn names(rule: &Value) -> impl Iterator<Item = &str> {
    rule["ErrorEquals"].as_array().into_iter().flatten().filter_map(Value::as_str)
}

/// Every name in `ErrorEquals` is a fault of ours or a known one of the service, and stands in one retrier only.
fn error_names(machine: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for state in states(machine) {
        let mut seen = BTreeSet::new();
        let catchers = state.body["Catch"].as_array().into_iter().flatten();
        for name in state.retriers().iter().chain(catchers).flat_map(names) {
            let ours = Fault::ALL.iter().any(|fault| fault.name() == name);
            let known =
                [&LAMBDA_TRANSIENT[..], &SQS_TRANSIENT, &OTHER_KNOWN, &TOO_WIDE].iter().any(|set| set.contains(&name));
            if !ours && !known {
                found.push(format!("{}: {name} is neither a fault of ours nor a known error of the service", state.at));
            }
            if !seen.insert(name) {
                found.push(format!("{}: {name} stands in two retriers; the second never counts", state.at));
            }
        }
    }
    found
}

/// Every retryable fault is retried by every task, and no permanent one is.
fn retries(machine: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for state in states(machine) {
        let retried: BTreeSet<&str> = state.retriers().iter().flat_map(names).collect();
        for fault in Fault::ALL {
            match (fault.is_retryable(), retried.contains(fault.name())) {
                (true, false) if state.is_task() => found.push(format!("{}: {fault} is not retried", state.at)),
                (false, true) => found.push(format!("{}: {fault} is permanent, but retried", state.at)),
                _ => {}
            }
        }
        for name in TOO_WIDE.into_iter().filter(|name| retried.contains(name)) {
            found.push(format!("{}: {name} retries permanent faults too", state.at));
        }
        for name in transient(&state).iter().filter(|name| !retried.contains(*name)) {
            found.push(format!("{}: {name} is not retried", state.at));
        }
    }
    found
}

/// What the service behind a task may answer for a moment.
fn transient(state: &State<'_>) -> &'static [&'static str] {
    match state.body["Resource"].as_str() {
        Some(resource) if resource.starts_with("arn:aws:states:::lambda:invoke") => &LAMBDA_TRANSIENT,
        Some(resource) if resource.starts_with("arn:aws:states:::sqs:sendMessage") => &SQS_TRANSIENT,
        _ => &[],
    }
}

/// Every task has a time-out, every retrier a limit, and growing pauses have a longest one.
fn limits(machine: &Value) -> Vec<String> {
    let mut found = Vec::new();
    if machine["TimeoutSeconds"].as_u64().is_none() {
        found.push("TimeoutSeconds: an execution has no limit".to_owned());
    }
    for state in states(machine) {
        if state.is_task() && state.limit_seconds().is_none_or(|(shortest, _)| shortest == 0) {
            found.push(format!("{}: TimeoutSeconds is missing", state.at));
        }
        for retrier in state.retriers() {
            let which = names(retrier).next().unwrap_or_default();
            if retrier["MaxAttempts"].as_u64().is_none_or(|attempts| attempts == 0) {
                found.push(format!("{}: MaxAttempts of {which} is missing", state.at));
            }
            if retrier["IntervalSeconds"].as_u64().is_none() {
                found.push(format!("{}: IntervalSeconds of {which} is missing", state.at));
            }
            let grows = retrier["BackoffRate"].as_f64().is_none_or(|rate| rate > 1.0);
            if grows && retrier["MaxDelaySeconds"].as_u64().is_none() {
                found.push(format!("{}: MaxDelaySeconds of {which} is missing", state.at));
            }
        }
    }
    found
}

/// Seconds that the retriers of one state may wait, all of them used up.
pub fn waiting_seconds(state: &State<'_>) -> f64 {
    state.retriers().iter().map(retrier_seconds).sum()
}

/// Seconds that one retrier may wait. `FULL` jitter only shortens pauses: to half of this, on average.
pub fn retrier_seconds(retrier: &Value) -> f64 {
    let attempts = retrier["MaxAttempts"].as_u64().unwrap_or(3).min(100_000);
    let (mut pause, mut sum) = (retrier["IntervalSeconds"].as_f64().unwrap_or(1.0), 0.0);
    let longest = retrier["MaxDelaySeconds"].as_f64().unwrap_or(f64::INFINITY);
    for _ in 0..attempts {
        sum += pause.min(longest);
        pause = (pause * retrier["BackoffRate"].as_f64().unwrap_or(2.0)).min(longest);
    }
    sum
}

/// Whose limits count on a way through the machine: without people there is neither a merge nor an answer to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Commits {
    /// Berth pushes.
    Pushed,
    /// A person merges, as late as the configuration allows.
    Merged,
}

/// The longest way through a level: what its states may wait, and one whole run of each.
pub fn longest_seconds(level: &Level<'_>, commits: Commits) -> f64 {
    from(level, level.start(), commits, &mut BTreeSet::new())
}

fn from<'a>(level: &Level<'a>, name: &'a str, commits: Commits, above: &mut BTreeSet<&'a str>) -> f64 {
    let Some(body) = level.states().get(name) else { return 0.0 };
    if !above.insert(name) {
        return f64::INFINITY; // a loop in the machine waits for ever
    }
    let state = State { name: name.to_owned(), at: name.to_owned(), body };
    let inside = level.inside(name).iter().map(|inner| longest_seconds(inner, commits)).fold(0.0, f64::max);
    let limit = state.limit_seconds().map_or(f64::INFINITY, |(pushed, merged)| {
        let seconds = if commits == Commits::Pushed { pushed } else { merged };
        u32::try_from(seconds).map_or(f64::INFINITY, f64::from)
    });
    let limit = if state.asks_people() && commits == Commits::Pushed { 0.0 } else { limit };
    let own = if state.is_task() { limit } else { inside };
    let after = leads_to(body).into_iter().map(|next| from(level, next, commits, above)).fold(0.0, f64::max);
    above.remove(name);
    let waits = if state.asks_people() && commits == Commits::Pushed { 0.0 } else { waiting_seconds(&state) };
    own + waits + after
}

/// All waiting is bounded by the limits of the tasks, which name what was waited for, before the machine's own limit,
/// which names nothing, is reached.
fn waiting(machine: &Value) -> Vec<String> {
    let longest = longest_seconds(&Level::top(machine), Commits::Merged);
    let limit = machine["TimeoutSeconds"].as_f64().unwrap_or_default();
    if longest < limit {
        return Vec::new();
    }
    vec![format!("the longest way takes {longest} s, and the machine ends it after {limit} s")]
}

/// Nothing turns a failing task into a Fail state: redrive resumes at the state that failed.
/// <https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html>
fn redrive(machine: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for state in states(machine) {
        if state.kind() == "Fail" {
            found.push(format!("{}: a Fail state cannot be redriven to anything else", state.at));
        }
        let caught = state.body["Catch"].as_array().into_iter().flatten().flat_map(names);
        for name in caught.filter(|name| TOO_WIDE.contains(name)) {
            found.push(format!("{}: catches {name}: the failing task must be the failing state", state.at));
        }
    }
    for level in Level::all(machine) {
        for (name, state) in level.states() {
            for catcher in state["Catch"].as_array().into_iter().flatten() {
                let leads = catcher["Next"].as_str().unwrap_or_default();
                let fails = reached(&level, leads).iter().any(|next| level.states()[*next]["Type"] == "Fail");
                if fails {
                    found.push(format!("{name}: its Catch leads to a Fail state through {leads}"));
                }
            }
        }
    }
    found
}

/// States that can be reached from `start`, itself among them.
fn reached<'a>(level: &Level<'a>, start: &'a str) -> BTreeSet<&'a str> {
    let (mut reached, mut open) = (BTreeSet::new(), vec![start]);
    while let Some(name) = open.pop() {
        let Some((name, state)) = level.states().get_key_value(name) else { continue };
        if reached.insert(name.as_str()) {
            open.extend(leads_to(state));
        }
    }
    reached
}

/// Every state is reached, and every state that is named is there.
fn reachable(machine: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for state in states(machine).iter().filter(|state| state.kind() == "Choice" && state.body.get("Default").is_none())
    {
        found.push(format!("{}: Default is missing, so that an execution may fail here", state.at));
    }
    for level in Level::all(machine) {
        let reached = reached(&level, level.start());
        for name in level.states().keys().filter(|name| !reached.contains(name.as_str())) {
            found.push(format!("{name}: no state leads to it"));
        }
        let named = level.states().values().flat_map(leads_to).chain([level.start()]);
        for name in named.filter(|name| !level.states().contains_key(*name)) {
            found.push(format!("{name}: is named, but is no state of its level ({})", level.at));
        }
    }
    found
}

/// Variables that the states of a level assign.
fn assigned<'a>(level: &Level<'a>) -> BTreeSet<&'a str> {
    let states = level.states().values();
    let rules = states.flat_map(|state| state["Choices"].as_array().into_iter().flatten().chain([state]));
    rules.filter_map(|rule| rule["Assign"].as_object()).flat_map(|assign| assign.keys().map(String::as_str)).collect()
}

/// No level assigns a variable of a level around it: Step Functions refuses such a machine.
/// <https://docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html>
fn variables(machine: &Value) -> Vec<String> {
    let levels = Level::all(machine);
    let mut found = Vec::new();
    for outer in &levels {
        let around = |inner: &&Level<'_>| {
            outer.at.is_empty() && !inner.at.is_empty() || inner.at.starts_with(&format!("{}/", outer.at))
        };
        for inner in levels.iter().filter(around) {
            for name in assigned(inner).intersection(&assigned(outer)) {
                found.push(format!("{}: ${name} is assigned inside and outside", inner.at));
            }
        }
    }
    found
}

/// Names in `${…}` anywhere in the machine.
pub fn placeholders(machine: &Value) -> BTreeSet<String> {
    let text = machine.to_string();
    text.split("${").skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name.to_owned()).collect()
}

/// Substitutions and placeholders are the same names.
fn substitutions(machine: &Value, template: &Template) -> Vec<String> {
    let used = placeholders(machine);
    let defined: BTreeSet<String> = template.functions.keys().chain(&template.loose).cloned().collect();
    let missing = used.difference(&defined).map(|name| format!("${{{name}}}: infra/hub.yaml does not define it"));
    let unused = defined.difference(&used).map(|name| format!("${{{name}}}: infra/hub.yaml defines it for nothing"));
    let loose = template.loose.iter().map(|name| format!("${{{name}}}: leads to no function"));
    missing.chain(unused).chain(loose).collect()
}

/// A function ends before its state's limit: otherwise the state gives up on a function that still acts.
fn timeouts(machine: &Value, template: &Template) -> Vec<String> {
    let mut found = Vec::new();
    for state in states(machine).into_iter().filter(State::is_task) {
        let named = placeholders(&state.body["Arguments"]);
        let Some(function) = named.iter().find_map(|name| template.functions.get(name)) else { continue };
        let seconds = state.limit_seconds().map_or(0, |(shortest, _)| shortest);
        if function.timeout_seconds >= seconds {
            let own = function.timeout_seconds;
            found.push(format!("{}: ends after {seconds} s, but {} may run {own} s", state.at, function.binary));
        }
    }
    found
}
