//! Which state made an execution fail.

use std::collections::{HashMap, HashSet};

use crate::{Extent, HistoryEvent, Kind, end_of};

/// The state that failed, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedState {
    /// Its name; of nested ones the innermost.
    pub state: String,
    /// Error of the execution.
    pub error: Option<String>,
    /// Cause of the execution.
    pub cause: Option<String>,
}

/// The state whose failure ended the execution.
///
/// A Parallel or a Map fails with error and cause of the branch that failed first, and so does the execution. Hence the
/// failure that says the same as the execution's end is the one, and neither the newest failure (another branch may wait
/// for its next try, or report after the end) nor the event before the end (it belongs to whichever branch wrote last) tells
/// it. Of several that say the same it is the one that closed the outermost state; where no event says so, a try that was
/// given up, and of those the first. Where none says the same, the execution failed outside of a task: the state that was
/// entered last before the end in its branch.
#[must_use]
pub fn failed_state(events: &[HistoryEvent], extent: Extent) -> Option<FailedState> {
    let end = end_of(events);
    let (error, cause) = end.and_then(|event| event.failure.clone()).unwrap_or_default();
    let end_id = end.map_or(i64::MAX, |event| event.id);
    // What was reported before a redrive has been tried again since.
    let begun =
        events.iter().filter(|event| event.kind == Kind::Redriven && event.id < end_id).map(|event| event.id).max();
    let in_run = |event: &&HistoryEvent| event.id < end_id && event.id > begun.unwrap_or(0);
    let by_id: HashMap<i64, &HistoryEvent> = events.iter().map(|event| (event.id, event)).collect();
    let goes_on = |event: &&HistoryEvent| !matches!(event.kind, Kind::Closed | Kind::Aborted);
    let continued: HashSet<i64> = events.iter().filter(in_run).filter(goes_on).map(|event| event.previous).collect();
    let failures = || events.iter().filter(in_run).filter(|event| event.failure.is_some());
    let said_same = |event: &&HistoryEvent| event.failure.as_ref() == Some(&(error.clone(), cause.clone()));
    // A try that is followed by another one, or that a Catch took, goes on in its branch.
    let closed = events.iter().filter(in_run).filter(|event| event.kind == Kind::Closed).max_by_key(|event| event.id);
    let named = closed.and_then(|closed| closed_by(closed, &by_id)).filter(said_same);
    let first =
        named.or_else(|| failures().filter(said_same).min_by_key(|event| (continued.contains(&event.id), event.id)));
    // Without a cause, as of a timeout, two branches say the same, and the older of them may not be read yet.
    let is_named = cause.as_ref().is_some_and(|cause| !cause.is_empty());
    let failed = match (first, extent) {
        (first, Extent::Newest) if first.is_none() || !is_named => return None,
        (None, Extent::Whole) => {
            let named_same = |event: &&HistoryEvent| {
                event.failure.as_ref().is_some_and(|(named, _)| *named == error && error.is_some())
            };
            let given_up = failures().filter(named_same).filter(|event| !continued.contains(&event.id));
            given_up.min_by_key(|event| event.id).or(end).or_else(|| events.iter().max_by_key(|event| event.id))
        }
        (first, _) => first,
    };
    // An event whose branch leads nowhere, as of a history that was read while it was written, has others that say the same.
    let others = || failures().filter(said_same).find_map(|event| state_of(event, &by_id));
    let state = state_of(failed?, &by_id).or_else(others)?;
    Some(FailedState { state: state.to_owned(), error, cause })
}

/// The failure that closed a state, through the states in it that it closed first.
fn closed_by<'a>(closed: &HistoryEvent, by_id: &HashMap<i64, &'a HistoryEvent>) -> Option<&'a HistoryEvent> {
    let mut event = *by_id.get(&closed.previous)?;
    for _ in 0..=by_id.len() {
        if event.kind != Kind::Closed {
            return Some(event);
        }
        event = by_id.get(&event.previous)?;
    }
    None
}

/// The state that an event belongs to: back through its own branch to the one that was entered last.
fn state_of<'a>(event: &'a HistoryEvent, by_id: &HashMap<i64, &'a HistoryEvent>) -> Option<&'a str> {
    let mut next = Some(event);
    // A history that leads in a circle is none of Step Functions'; it must not hang whoever reads it.
    for _ in 0..=by_id.len() {
        let event = next?;
        if let Kind::Entered { state, .. } = &event.kind {
            return Some(state);
        }
        next = by_id.get(&event.previous).copied();
    }
    None
}
