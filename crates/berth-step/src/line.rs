//! The one line that an invocation writes: who, what for, how it ended, what it took.

use std::io::Write;

use jiff::Timestamp;
use serde::Serialize;

use crate::{Fault, StepError, metrics::Metrics};

/// Whom an invocation is about. What is not known is left out of the line.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct About {
    /// Lambda's id of the request.
    pub(crate) request: String,
    /// Trace header of X-Ray: leads from this line to the trace, and to the other lines of the same onboarding.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) trace: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) account: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) region: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) execution: Option<String>,
    /// How often the state was tried before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) attempt: Option<u64>,
}

/// What an invocation took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spent {
    /// Requests to AWS, retries of the SDK included.
    pub(crate) calls: u64,
    /// Duration.
    pub(crate) milliseconds: u64,
}

/// The line. Its first members are named as in the other lines of the log.
#[derive(Debug, Serialize)]
struct Line<'a> {
    timestamp: String,
    level: &'static str,
    step: &'a str,
    #[serde(flatten)]
    about: &'a About,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<Fault>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    causes: Vec<String>,
    calls: u64,
    milliseconds: u64,
    #[serde(flatten)]
    metrics: Metrics<'a>,
}

/// The line of an invocation of `step` that ended at `now`. `outcome` is `done`, `again` (the state machine asks again by
/// itself) or `fault`.
pub(crate) fn line(step: &str, about: &About, error: Option<&StepError>, spent: Spent, now: Timestamp) -> String {
    let fault = error.map(|error| error.fault);
    let (level, outcome) = match fault {
        None => ("INFO", "done"),
        Some(fault) if fault.is_retryable() => ("INFO", "again"),
        Some(_) => ("ERROR", "fault"),
    };
    let Spent { calls, milliseconds } = spent;
    let line = Line {
        timestamp: now.to_string(),
        level,
        step,
        about,
        outcome,
        fault,
        error: error.map(|error| error.message.as_str()),
        causes: error.map(StepError::chain).unwrap_or_default(),
        calls,
        milliseconds,
        metrics: Metrics::of(step, fault, calls, milliseconds, now),
    };
    // It is text and numbers only, so it can always be written.
    serde_json::to_string(&line).unwrap_or_default()
}

/// Writes a line to the log. A log that takes nothing must not fail the invocation.
pub(crate) fn write(line: &str) {
    // One write, its end included: copies of a function may share a log, and lines of two must not become one.
    let line = format!("{line}\n");
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(line.as_bytes()).and_then(|()| out.flush());
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::metrics::EMITTED;

    fn about() -> About {
        About {
            request: "5f2d".to_owned(),
            trace: Some("Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1".to_owned()),
            account: Some("111122223333".to_owned()),
            region: Some("eu-west-1".to_owned()),
            execution: Some("arn:aws:states:us-east-1:210987654321:execution:berth-onboard-account:g1".to_owned()),
            attempt: Some(2),
        }
    }

    fn read(error: Option<&StepError>) -> Value {
        let now = "2026-11-21T08:30:00.25Z".parse().unwrap();
        serde_json::from_str(&line("provision-vpc", &about(), error, Spent { calls: 7, milliseconds: 412 }, now))
            .unwrap()
    }

    #[test]
    fn the_line_says_who_what_for_how_it_ended_and_what_it_took() {
        let error = StepError::new(Fault::NotReady, "VPC vpc-1 is pending").because("the cause");
        let aws = json!({ "Timestamp": 1_795_249_800_250_i64, "CloudWatchMetrics": [
            { "Namespace": "Berth", "Dimensions": [["Step"]], "Metrics": [
                { "Name": "Duration", "Unit": "Milliseconds" }, { "Name": "Calls", "Unit": "Count" }] },
            { "Namespace": "Berth", "Dimensions": [["Step", "Fault"], ["Fault"]], "Metrics": [
                { "Name": "Invocations", "Unit": "Count" }] },
        ] });
        let golden = json!({
            "timestamp": "2026-11-21T08:30:00.25Z", "level": "INFO", "step": "provision-vpc", "request": "5f2d",
            "trace": "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1", "account": "111122223333",
            "region": "eu-west-1",
            "execution": "arn:aws:states:us-east-1:210987654321:execution:berth-onboard-account:g1", "attempt": 2,
            "outcome": "again", "fault": "NotReady", "error": "VPC vpc-1 is pending", "causes": ["the cause"],
            "calls": 7, "milliseconds": 412,
            "_aws": aws, "Step": "provision-vpc", "Fault": "NotReady", "Invocations": 1, "Calls": 7, "Duration": 412,
        });
        assert_eq!(read(Some(&error)), golden);
    }

    /// The rules of [CloudWatch embedded metric format: specification], for what every invocation can write.
    #[test]
    fn every_line_is_one_that_cloudwatch_takes_metrics_from() {
        let schema: Value = serde_json::from_str(include_str!("../tests/emf.schema.json")).unwrap();
        let schema = jsonschema::validator_for(&schema).unwrap();
        let errors = Fault::ALL.map(|fault| StepError::new(fault, "x"));
        for error in errors.iter().map(Some).chain([None]) {
            let line = read(error);
            let problems: Vec<String> = schema.iter_errors(&line).map(|problem| problem.to_string()).collect();
            assert!(problems.is_empty(), "{problems:?}\n{line}");
            for directive in EMITTED {
                for dimension in directive.dimensions.iter().copied().flatten() {
                    assert!(line[dimension].is_string(), "{dimension} of {line}");
                }
                for metric in directive.metrics {
                    assert!(line[metric.name].is_u64(), "{} of {line}", metric.name);
                }
            }
        }
        let mut wrong = read(None);
        wrong["_aws"]["CloudWatchMetrics"][0]["Metrics"][0]["Unit"] = json!("Fortnights");
        assert!(!schema.is_valid(&wrong), "the schema refuses nothing");
    }

    #[test]
    fn neither_account_nor_region_is_a_dimension_of_a_metric() {
        let dimensions: Vec<&str> =
            EMITTED.iter().flat_map(|directive| directive.dimensions.iter().copied().flatten().copied()).collect();
        assert!(dimensions.iter().all(|name| ["Step", "Fault"].contains(name)), "{dimensions:?}");
    }

    #[test]
    fn what_is_not_known_is_left_out_and_a_permanent_fault_is_an_error() {
        let now = "2026-11-21T08:30:00Z".parse().unwrap();
        let spent = Spent { calls: 0, milliseconds: 1 };
        let error = StepError::new(Fault::Denied, "no");
        let text = line("accept-event", &About::default(), Some(&error), spent, now);
        let line: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&line["level"], &line["outcome"]), (&json!("ERROR"), &json!("fault")));
        for absent in ["account", "region", "execution", "attempt", "trace", "causes"] {
            assert!(line.get(absent).is_none(), "{absent} in {line}");
        }
    }
}
