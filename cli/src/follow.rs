//! Follows an execution to its end, with a line for each thing that happens.

use std::time::Duration;

use aws_sdk_sfn::{
    operation::describe_execution::DescribeExecutionOutput,
    types::{ExecutionStatus, HistoryEvent},
};
use berth_aws::{CallResultExt, SdkResultExt};
use berth_events::{Failure, outcome::StillThere, recognise};
use berth_history::Extent;
use berth_ledger::{Record, Status};
use berth_step::Fault;
use berth_tenancy::{AccountId, LeftOver, Mode, PlannedChange, Region, ResourceChange, ToldChange};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    history::{History, Line},
    outcome::Problem,
    paint,
    partial::{self, Partial},
    plan::show,
    target::Deployment,
};

/// Pause between two looks. `DescribeExecution` and `GetExecutionHistory` allow 10 and 5 a second and account.
const PAUSE: Duration = Duration::from_millis(400);

/// Looks at the ledger for the end of an execution: five minutes of them. It is announced within seconds.
const ANNOUNCED_LOOKS_MAX: usize = 750;

/// How an execution ended.
pub(crate) struct Ended {
    status: ExecutionStatus,
    output: Value,
    failure: Option<Failure>,
    seconds: f64,
    /// Every change of the run, from the journal; none where it is not about this execution.
    told: Option<Vec<ToldChange>>,
    /// The account that it left suspended, as a person wants it.
    suspended: Option<AccountId>,
    /// What a plan that could not go on had found out.
    partial: Option<Partial>,
    /// Of a plan: every change in the answers of its steps, in the order of the answers.
    planned: Vec<ResourceChange>,
    ended_at: Timestamp,
}

/// What an execution had done before a redrive.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    history: History,
    redrives: i32,
}

/// What the execution has done so far, so that following it after a redrive shows only what comes.
pub(crate) async fn seen(deployment: &Deployment, execution: &str) -> Result<Progress, Problem> {
    let mut history = History::default();
    let described = describe(deployment, execution).await?;
    history.read(&read_all(deployment, execution).await?);
    Ok(Progress { history, redrives: described.redrive_count().unwrap_or_default().saturating_add(1) })
}

/// Waits until the execution ends. Prints progress to standard error when `show` is set.
pub(crate) async fn to_the_end(deployment: &Deployment, execution: &str, show: bool) -> Result<Ended, Problem> {
    rest(deployment, execution, show, Progress::default()).await
}

/// The same for an execution of which a part was seen already.
pub(crate) async fn rest(
    deployment: &Deployment,
    execution: &str,
    show: bool,
    seen: Progress,
) -> Result<Ended, Problem> {
    let Progress { mut history, redrives } = seen;
    loop {
        let described = describe(deployment, execution).await?;
        let events = read_all(deployment, execution).await?;
        for line in history.read(&events) {
            if show {
                print(&line);
            }
        }
        // Until the redrive shows, the end is the one before it.
        let is_this_run = described.redrive_count().unwrap_or_default() >= redrives;
        if is_this_run && described.status() != &ExecutionStatus::Running {
            let record = record_after(deployment, &described).await?;
            let suspended = record.as_ref().filter(|record| record.suspended.is_some());
            let suspended = suspended.map(|record| record.account_id.clone());
            let told = record.and_then(|record| record.changes_of(execution));
            return Ok(Ended { told, suspended, ..ended(&described, &events) });
        }
        pause().await;
    }
}

/// What the ledger has of the account when a run of it has ended: its journal has all that the run changed, while the output
/// has only what the last attempt of each state did. None of a plan.
async fn record_after(deployment: &Deployment, described: &DescribeExecutionOutput) -> Result<Option<Record>, Problem> {
    match acted_on(described.input().unwrap_or_default()) {
        Some(account) => Ok(deployment.ledger.get(&account).await?),
        None => Ok(None),
    }
}

/// The account that an execution with this input acts on; none for one that plans. The input of an offboarding is no
/// event: it has keys of its own.
fn acted_on(input: &str) -> Option<AccountId> {
    let request = recognise(input.as_bytes());
    let plain: Value = serde_json::from_str(input).unwrap_or_default();
    let is_plan = request.mode == Some(Mode::Plan) || plain.get("mode").is_some_and(|mode| *mode == json!(Mode::Plan));
    let named = || plain.get("accountId").and_then(Value::as_str)?.parse().ok();
    request.account_id.or_else(named).filter(|_| !is_plan)
}

/// Waits until the ledger knows how an execution of an offboarding has ended: then whoever goes on finds it so.
pub(crate) async fn until_announced(
    deployment: &Deployment,
    account: &AccountId,
    execution: &str,
) -> Result<(), Problem> {
    for _ in 0..ANNOUNCED_LOOKS_MAX {
        let record = deployment.ledger.get(account).await?;
        let has_lease = record.as_ref().is_some_and(|record| record.lease.as_deref() == Some(execution));
        if !has_lease || record.is_some_and(|record| record.status == Status::OffboardingFailed) {
            return Ok(());
        }
        pause().await;
    }
    let what = format!("{execution} has ended, and the ledger does not know it yet");
    Err(Problem::failed(
        what,
        "look at the queue berth-outcomes and its dead letters: berth replay; then run this again",
    ))
}

async fn describe(deployment: &Deployment, execution: &str) -> Result<DescribeExecutionOutput, Problem> {
    let described = deployment.step_functions.describe_execution().execution_arn(execution).send().await;
    Ok(described.named("states:DescribeExecution").or_common()?)
}

#[expect(clippy::disallowed_methods, reason = "a person's terminal may wait; a Lambda may not")]
async fn pause() {
    tokio::time::sleep(PAUSE).await;
}

/// The whole history. [Step Functions `GetExecutionHistory`]
pub(crate) async fn read_all(deployment: &Deployment, execution: &str) -> Result<Vec<HistoryEvent>, Problem> {
    let mut pages =
        deployment.step_functions.get_execution_history().execution_arn(execution).into_paginator().items().send();
    let mut events = Vec::new();
    while let Some(event) = pages.next().await {
        events.push(event.named("states:GetExecutionHistory").or_common()?);
    }
    Ok(events)
}

fn print(line: &Line) {
    let at = |region: &Option<String>| region.as_ref().map(|region| format!(" {region}")).unwrap_or_default();
    match line {
        Line::Entered { state, region } => anstream::eprintln!("  {} {state}{}", paint::faint("…"), at(region)),
        Line::Exited { state, region, seconds } => {
            anstream::eprintln!(
                "  {} {state}{} {}",
                paint::good("✓"),
                at(region),
                paint::faint(&format!("{seconds:.1} s"))
            );
        }
        Line::Fault { state, region, fault, message } => {
            let (sign, fault) = if is_asked_again(fault) {
                (paint::waiting("↻"), paint::waiting(fault))
            } else {
                (paint::bad("✗"), paint::bad(fault))
            };
            anstream::eprintln!("  {sign} {state}{} {fault}: {message}", at(region));
        }
    }
}

/// Whether the state machine asks again by itself after this error. Names that are no fault are those of Lambda and of
/// Step Functions, which it retries.
fn is_asked_again(error: &str) -> bool {
    Fault::ALL.into_iter().find(|fault| fault.name() == error).is_none_or(Fault::is_retryable)
}

fn planned_json((region, change): (String, PlannedChange)) -> Value {
    let PlannedChange { what, by_berth, next } = change;
    json!({ "region": region, "what": what, "byBerth": by_berth, "next": next })
}

fn ended(described: &DescribeExecutionOutput, events: &[HistoryEvent]) -> Ended {
    let output = described.output().and_then(|text| serde_json::from_str(text).ok()).unwrap_or(Value::Null);
    let stop = described.stop_date().unwrap_or(described.start_date()).as_secs_f64();
    let status = described.status().clone();
    let failure = if status == ExecutionStatus::Succeeded {
        None
    } else {
        let events: Vec<berth_history::HistoryEvent> = events.iter().map(From::from).collect();
        berth_history::failure(status.as_str(), &events, Extent::Whole)
    };
    let mode = recognise(described.input().unwrap_or_default().as_bytes()).mode;
    let stopped = failure.as_ref().filter(|_| mode == Some(Mode::Plan));
    let partial = stopped.map(|failure| partial::partial(events, &failure.state));
    let planned = if mode == Some(Mode::Plan) { partial::planned(events) } else { Vec::new() };
    let seconds = stop - described.start_date().as_secs_f64();
    let ended_at = described.stop_date().and_then(|stop| stop.to_millis().ok());
    let ended_at = ended_at.and_then(|stop| Timestamp::from_millisecond(stop).ok()).unwrap_or_default();
    Ended { status, output, failure, partial, planned, ended_at, told: None, suspended: None, seconds }
}

impl Ended {
    /// Whether the execution succeeded and the account is Berth's to onboard: ignoring an account is a success of the
    /// pipeline, but not what somebody who named it asked for.
    pub(crate) fn succeeded(&self) -> bool {
        self.status == ExecutionStatus::Succeeded && self.decision() != "ignore"
    }

    /// What the execution answered.
    pub(crate) fn output(&self) -> &Value {
        &self.output
    }

    /// Of a plan: every change in the answers of its steps, in the order of the answers.
    pub(crate) fn planned(&self) -> &[ResourceChange] {
        &self.planned
    }

    /// When the execution ended.
    pub(crate) fn ended_at(&self) -> Timestamp {
        self.ended_at
    }

    /// Why it failed; none when it did not.
    pub(crate) fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    /// Whether it was an offboarding that took, or in a plan would take, what it was asked for.
    pub(crate) fn is_taken(&self) -> bool {
        self.succeeded() && self.decision() == "offboard"
    }

    /// Whether another execution works on the account.
    pub(crate) fn is_duplicate(&self) -> bool {
        self.succeeded() && self.decision() == "duplicate"
    }

    fn decision(&self) -> &str {
        self.output.get("decision").and_then(Value::as_str).unwrap_or_default()
    }

    /// Every change that was made, or in a plan would be.
    pub(crate) fn changes(&self) -> Vec<String> {
        if let Some(told) = &self.told {
            return told.iter().map(ToString::to_string).collect();
        }
        if let Some(partial) = &self.partial {
            return partial.changes.clone();
        }
        let changes = self.output.get("changes").and_then(Value::as_array);
        changes.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// What the account was given before, and its plan does not have.
    pub(crate) fn left_over(&self) -> Vec<StillThere> {
        let account = self.output.pointer("/run/accountId").and_then(Value::as_str).and_then(|id| id.parse().ok());
        let left = self.output.get("leftOver").cloned().unwrap_or_default();
        let left: Vec<LeftOver> = serde_json::from_value(left).unwrap_or_default();
        account.iter().flat_map(|account| left.iter().map(|left| StillThere::of(account, left))).collect()
    }

    /// What was changed in one region; none when the output does not have the region.
    pub(crate) fn region_changes(&self, region: &Region) -> Option<Vec<&str>> {
        let regions = self.output.get("regions").and_then(Value::as_array)?;
        let found = regions.iter().find(|each| each.get("region").and_then(Value::as_str) == Some(region.as_str()))?;
        Some(found.get("changes").and_then(Value::as_array)?.iter().filter_map(Value::as_str).collect())
    }

    /// Differences from the plan that were left, by region.
    pub(crate) fn planned_changes(&self) -> Vec<(String, PlannedChange)> {
        let regions = self.output.get("regions").and_then(Value::as_array).into_iter().flatten();
        let of_region = |region: &Value| {
            let name = region.get("region").and_then(Value::as_str).unwrap_or_default().to_owned();
            let changes = region.get("plannedChanges").cloned().unwrap_or_default();
            let changes: Vec<PlannedChange> = serde_json::from_value(changes).unwrap_or_default();
            changes.into_iter().map(move |change| (name.clone(), change))
        };
        regions.flat_map(of_region).collect()
    }

    /// Seconds from the start to the end of the execution.
    pub(crate) fn seconds(&self) -> f64 {
        self.seconds
    }

    pub(crate) fn json(&self, execution: &str) -> Value {
        json!({
            "executionArn": execution,
            "status": self.status.as_str(),
            "seconds": self.seconds,
            "changes": self.changes(),
            "leftOver": self.left_over(),
            "suspended": self.suspended.is_some(),
            "plannedChanges": self.planned_changes().into_iter().map(planned_json).collect::<Value>(),
            "failure": self.failure,
            "reason": self.output.get("reason"),
        })
    }

    pub(crate) fn print(&self) {
        if let Some(partial) = &self.partial {
            let Partial { changes, unanswered } = partial;
            let label = paint::waiting("plan");
            anstream::println!("{label}: changes that would be made, as far as it is known: {}", changes.len());
            if self.planned.is_empty() {
                changes.iter().for_each(|change| anstream::println!("  {change}"));
            }
            show::changes(&self.planned, None);
            if !unanswered.is_empty() {
                anstream::println!("  not looked at to the end: {}", unanswered.join(", "));
            }
        }
        if let Some(failure) = &self.failure {
            anstream::println!("{} in {}: {}: {}", paint::bad("failed"), failure.state, failure.fault, failure.message);
            anstream::println!("{}", paint::faint(&format!("Next: {}", failure.hint)));
            let changes = self.told.iter().flatten();
            for change in changes {
                anstream::println!("  before     {change}");
            }
            return;
        }
        let reason = self.output.get("reason").and_then(Value::as_str).unwrap_or_default();
        match self.decision() {
            "onboard" => self.print_changes(),
            "ignore" => {
                anstream::println!("{}: {reason}", paint::bad("not onboarded"));
                let hint =
                    "if Berth shall onboard it, change what the reason names: its unit, its tags, or platform.yaml";
                anstream::println!("{}", paint::faint(&format!("Next: {hint}")));
            }
            _ => anstream::println!("{}: {reason}", paint::waiting("nothing to do")),
        }
    }

    fn print_changes(&self) {
        let is_plan = self.output.pointer("/run/mode").and_then(Value::as_str) == Some("plan");
        let changes = self.changes();
        match (is_plan, changes.len()) {
            (true, 0) => anstream::println!("{}: nothing would change", paint::good("plan")),
            (true, count) => anstream::println!("{}: changes that would be made: {count}", paint::good("plan")),
            (false, 0) => {
                anstream::println!("{}: nothing had to change ({:.1} s)", paint::good("onboarded"), self.seconds);
            }
            (false, count) => {
                anstream::println!("{}: changes made: {count} ({:.1} s)", paint::good("onboarded"), self.seconds);
            }
        }
        for change in changes {
            anstream::println!("  {change}");
        }
        self.print_left();
    }

    /// What is there and stays: a suspension, what is left over, and what would cut somebody off.
    pub(crate) fn print_left(&self) {
        if let Some(account) = &self.suspended {
            anstream::println!("{}: {account} stays so", paint::waiting("suspended"));
            anstream::println!("  {}", paint::faint(&format!("Next: berth suspend {account} --lift ends it")));
        }
        for left in self.left_over() {
            anstream::println!("{} {left}", paint::waiting("left over"));
            anstream::println!("  {}", paint::faint(&format!("Next: {}", left.next())));
        }
        for (region, change) in self.planned_changes() {
            anstream::println!("{} {region}: {}", paint::waiting("planned change"), change.what);
            anstream::println!("  {}", paint::faint(&format!("Next: {}", change.next)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_state_machine_retries_is_shown_as_asked_again() {
        assert!(
            ["NotReady", "Throttled", "Conflict", "States.Timeout", "Lambda.Unknown"].into_iter().all(is_asked_again)
        );
        assert!(!["Denied", "InvalidInput", "NotOwned", "Bug"].into_iter().any(is_asked_again));
    }
}
