//! One event of a history, as far as it tells what failed.

use aws_sdk_sfn::types::{HistoryEvent as SdkEvent, HistoryEventType};

/// One event of a history.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HistoryEvent {
    /// Its number; they grow with time.
    pub id: i64,
    /// The number of the event before it in its own branch; 0 for none.
    pub previous: i64,
    /// What happened.
    pub kind: Kind,
    /// Error and cause, when it reports a failure.
    pub failure: Option<(Option<String>, Option<String>)>,
}

/// What happened, as far as it matters here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Kind {
    /// A state was entered.
    Entered {
        /// Its name.
        state: String,
        /// Whether it is a task.
        is_task: bool,
    },
    /// A state was left.
    Exited,
    /// The whole execution ended without success. Tasks that were under way may still report after it.
    Ended,
    /// The execution goes on after an end.
    Redriven,
    /// A state or an iteration failed with something in it, which its event names as the one before it.
    Closed,
    /// A state or an iteration was stopped, because something beside it failed. It goes on with nothing, either.
    Aborted,
    /// Something else.
    #[default]
    Other,
}

impl From<&SdkEvent> for HistoryEvent {
    fn from(event: &SdkEvent) -> Self {
        Self { id: event.id(), previous: event.previous_event_id(), kind: kind(event), failure: failure(event) }
    }
}

fn kind(event: &SdkEvent) -> Kind {
    if let Some(details) = event.state_entered_event_details() {
        let is_task = event.r#type() == &HistoryEventType::TaskStateEntered;
        return Kind::Entered { state: details.name().to_owned(), is_task };
    }
    match event.r#type() {
        _ if event.state_exited_event_details().is_some() => Kind::Exited,
        HistoryEventType::ExecutionAborted
        | HistoryEventType::ExecutionFailed
        | HistoryEventType::ExecutionTimedOut => Kind::Ended,
        HistoryEventType::ExecutionRedriven => Kind::Redriven,
        HistoryEventType::ParallelStateFailed
        | HistoryEventType::MapStateFailed
        | HistoryEventType::MapIterationFailed => Kind::Closed,
        HistoryEventType::MapIterationAborted
        | HistoryEventType::TaskStateAborted
        | HistoryEventType::ParallelStateAborted
        | HistoryEventType::MapStateAborted
        | HistoryEventType::WaitStateAborted => Kind::Aborted,
        _ => Kind::Other,
    }
}

fn failure(event: &SdkEvent) -> Option<(Option<String>, Option<String>)> {
    let pair = |error: Option<&str>, cause: Option<&str>| (error.map(str::to_owned), cause.map(str::to_owned));
    event
        .execution_failed_event_details()
        .map(|d| pair(d.error(), d.cause()))
        .or_else(|| event.execution_timed_out_event_details().map(|d| pair(d.error(), d.cause())))
        .or_else(|| event.execution_aborted_event_details().map(|d| pair(d.error(), d.cause())))
        .or_else(|| event.task_failed_event_details().map(|d| pair(d.error(), d.cause())))
        .or_else(|| event.task_timed_out_event_details().map(|d| pair(d.error(), d.cause())))
        .or_else(|| event.task_start_failed_event_details().map(|d| pair(d.error(), d.cause())))
        .or_else(|| event.task_submit_failed_event_details().map(|d| pair(d.error(), d.cause())))
        .or_else(|| event.evaluation_failed_event_details().map(|d| pair(d.error(), d.cause())))
}
