//! Which state of a failed execution failed, and why: read backwards from its history.

use std::collections::{HashMap, HashSet};

use aws_sdk_sfn::types::{HistoryEvent as SdkEvent, HistoryEventType};
use berth_aws::CallFailure;
use berth_events::Failure;
use berth_step::StepError;

use crate::{AnnounceOutcome, Change};

/// Events in one page of a history. [Step Functions `GetExecutionHistory` takes up to 1,000]
const PAGE_EVENTS: i32 = 1000;

/// Pages that are read: a history has at most 25,000 events. [Step Functions quotas]
const PAGES_MAX: usize = 25;

/// One event of a history, as far as it matters here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HistoryEvent {
    /// Its number.
    pub id: i64,
    /// The number of the event before it in its own branch; 0 for none.
    pub previous: i64,
    /// The state that it entered, when it entered one.
    pub entered: Option<String>,
    /// Whether that state is a task.
    pub is_task: bool,
    /// Whether it left a state.
    pub exited: bool,
    /// Whether it is the end of the whole execution. Tasks that were under way may still report after it.
    pub is_end: bool,
    /// Error and cause, when it reports a failure.
    pub failure: Option<(Option<String>, Option<String>)>,
}

/// The state that failed: from the newest failure back through its own branch to the state that was entered last.
///
/// `events` may be the newest part of a history, in any order; `None` means that the state is further back.
#[must_use]
pub fn failed_state(events: &[HistoryEvent]) -> Option<(String, Option<String>, Option<String>)> {
    let by_id: HashMap<i64, &HistoryEvent> = events.iter().map(|event| (event.id, event)).collect();
    // A task of another branch may still report after the execution's end, and tells nothing about why it ended.
    let end = events.iter().filter(|event| event.is_end).map(|event| event.id).max().unwrap_or(i64::MAX);
    let until_end = || events.iter().filter(|event| event.id <= end);
    let newest_failure = until_end().filter(|event| event.failure.is_some()).max_by_key(|event| event.id);
    let (error, cause) = newest_failure.and_then(|event| event.failure.clone()).unwrap_or_default();
    // The execution's own failure names the error; the event before it lies in the branch that failed.
    let mut next = until_end().max_by_key(|event| event.id);
    while let Some(event) = next {
        if let Some(state) = &event.entered {
            return Some((state.clone(), error, cause));
        }
        next = by_id.get(&event.previous).copied();
    }
    None
}

/// Where an execution was when it was stopped or ran out of time, for which no event names a state: the task that was
/// entered and not left, and the message of its last failure, when it waited for a retry. Of several at once it is the
/// one that failed last.
#[must_use]
pub fn stopped_state(events: &[HistoryEvent]) -> Option<(String, Option<String>)> {
    let by_id: HashMap<i64, &HistoryEvent> = events.iter().map(|event| (event.id, event)).collect();
    let task_of = |event: &HistoryEvent| {
        let mut next = Some(event);
        while let Some(event) = next {
            if event.entered.is_some() {
                return Some(event.id);
            }
            next = by_id.get(&event.previous).copied();
        }
        None
    };
    let left: HashSet<i64> = events.iter().filter(|event| event.exited).filter_map(task_of).collect();
    let is_open = |event: &&HistoryEvent| event.is_task && event.entered.is_some() && !left.contains(&event.id);
    let last_failure = |task: &HistoryEvent| {
        let failed = events.iter().filter(|event| event.failure.is_some() && !event.is_end);
        failed.filter(|event| task_of(event) == Some(task.id)).max_by_key(|event| event.id)
    };
    let open = events.iter().filter(is_open).map(|task| (task, last_failure(task)));
    let (task, failure) = open.max_by_key(|(task, failure)| (failure.map(|event| event.id), task.id))?;
    let (error, cause) = failure.and_then(|event| event.failure.clone()).unwrap_or_default();
    let message = failure.map(|_| Failure::from_error(error.as_deref(), cause.as_deref(), "").message);
    Some((task.entered.clone()?, message))
}

impl AnnounceOutcome {
    /// Reads why the execution failed. [Step Functions `GetExecutionHistory`, newest first]
    pub(crate) async fn read_failure(&self, change: &Change) -> Result<Option<Failure>, StepError> {
        let status = change.status.name();
        let mut events = Vec::new();
        let mut token = None;
        for _ in 0..PAGES_MAX {
            let page = self
                .step_functions
                .get_execution_history()
                .execution_arn(&change.execution_arn)
                .reverse_order(true)
                .max_results(PAGE_EVENTS)
                .include_execution_data(false)
                .set_next_token(token)
                .send()
                .await
                .map_err(|error| CallFailure::of("states:GetExecutionHistory", &error).or_common())?;
            events.extend(page.events.iter().map(read));
            if change.status.is_stopped() {
                if let Some((state, waited_for)) = stopped_state(&events) {
                    return Ok(Some(stopped(status, &events, &state, waited_for)));
                }
            } else if let Some((state, error, cause)) = failed_state(&events) {
                return Ok(Some(Failure::from_status(status, error.as_deref(), cause.as_deref(), &state)));
            }
            token = page.next_token;
            if token.is_none() {
                break;
            }
        }
        let (error, cause) = events.iter().find_map(|event| event.failure.clone()).unwrap_or_default();
        Ok(Some(Failure::from_status(status, error.as_deref(), cause.as_deref(), "")))
    }
}

/// The failure of an execution that was stopped or ran out of time: in the words of whoever stopped it, else with what it
/// waited for.
fn stopped(status: &str, events: &[HistoryEvent], state: &str, waited_for: Option<String>) -> Failure {
    let end = events.iter().filter(|event| event.is_end).max_by_key(|event| event.id);
    let (error, cause) = end.and_then(|event| event.failure.clone()).unwrap_or_default();
    let failure = Failure::from_status(status, error.as_deref(), cause.as_deref(), state);
    let said = cause.is_some_and(|cause| !cause.trim().is_empty());
    match waited_for {
        Some(what) if !said => {
            let message = format!("{}; {state} was waiting: {what}", failure.message);
            Failure::new(state, &failure.fault, &message, Some(&failure.hint))
        }
        _ => failure,
    }
}

/// Reads one event of the SDK.
fn read(event: &SdkEvent) -> HistoryEvent {
    let text = |text: Option<&str>| text.map(str::to_owned);
    let failure = event
        .execution_failed_event_details()
        .map(|d| (text(d.error()), text(d.cause())))
        .or_else(|| event.execution_timed_out_event_details().map(|d| (text(d.error()), text(d.cause()))))
        .or_else(|| event.execution_aborted_event_details().map(|d| (text(d.error()), text(d.cause()))))
        .or_else(|| event.task_failed_event_details().map(|d| (text(d.error()), text(d.cause()))))
        .or_else(|| event.task_timed_out_event_details().map(|d| (text(d.error()), text(d.cause()))))
        .or_else(|| event.evaluation_failed_event_details().map(|d| (text(d.error()), text(d.cause()))));
    HistoryEvent {
        id: event.id(),
        previous: event.previous_event_id(),
        entered: event.state_entered_event_details().map(|details| details.name().to_owned()),
        is_task: event.r#type() == &HistoryEventType::TaskStateEntered,
        exited: event.state_exited_event_details().is_some(),
        is_end: matches!(
            event.r#type(),
            HistoryEventType::ExecutionAborted
                | HistoryEventType::ExecutionFailed
                | HistoryEventType::ExecutionTimedOut
        ),
        failure,
    }
}
