//! Where an execution was when it was stopped.

use std::collections::{HashMap, HashSet};

use berth_events::Failure;

use crate::{HistoryEvent, Kind};

/// Where an execution was when it was stopped or ran out of time, for which no event names a state: the task that was
/// entered and not left, and the message of its last failure, when it waited for a retry. Of several at once it is the
/// one that failed last.
#[must_use]
pub fn stopped_state(events: &[HistoryEvent]) -> Option<(String, Option<String>)> {
    let by_id: HashMap<i64, &HistoryEvent> = events.iter().map(|event| (event.id, event)).collect();
    let task_of = |event: &HistoryEvent| {
        let mut next = Some(event);
        for _ in 0..=by_id.len() {
            let event = next?;
            if matches!(event.kind, Kind::Entered { .. }) {
                return Some(event.id);
            }
            next = by_id.get(&event.previous).copied();
        }
        None
    };
    let left: HashSet<i64> = events.iter().filter(|event| event.kind == Kind::Exited).filter_map(task_of).collect();
    let is_open =
        |event: &&HistoryEvent| matches!(event.kind, Kind::Entered { is_task: true, .. }) && !left.contains(&event.id);
    let last_failure = |task: &HistoryEvent| {
        let failed = events.iter().filter(|event| event.failure.is_some() && event.kind != Kind::Ended);
        failed.filter(|event| task_of(event) == Some(task.id)).max_by_key(|event| event.id)
    };
    let open = events.iter().filter(is_open).map(|task| (task, last_failure(task)));
    let (task, failure) = open.max_by_key(|(task, failure)| (failure.map(|event| event.id), task.id))?;
    let (error, cause) = failure.and_then(|event| event.failure.clone()).unwrap_or_default();
    let message = failure.map(|_| Failure::from_error(error.as_deref(), cause.as_deref(), "").message);
    let Kind::Entered { state, .. } = &task.kind else { return None };
    Some((state.clone(), message))
}
