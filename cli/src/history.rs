//! The history of an execution as lines for a person. Pure.

use std::collections::HashMap;

use aws_sdk_sfn::types::{HistoryEvent, HistoryEventType};
use serde_json::Value;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Line {
    /// A task began.
    Entered { state: String, region: Option<String> },
    /// A task ended.
    Exited { state: String, region: Option<String>, seconds: f64 },
    /// A task failed; the state machine may ask again.
    Fault { state: String, region: Option<String>, fault: String, message: String },
}

/// Where an event belongs: the task that it is in, and the region or branch that it is for.
#[derive(Debug, Clone, Default)]
struct Branch {
    state: Option<String>,
    entered: f64,
    region: Option<String>,
}

/// Reads the history of one execution, event by event.
#[derive(Debug, Default)]
pub(crate) struct History {
    branches: HashMap<i64, Branch>,
    seen: i64,
}

impl History {
    /// The lines of those of `events` that were not read before.
    pub(crate) fn read(&mut self, events: &[HistoryEvent]) -> Vec<Line> {
        let mut lines = Vec::new();
        for event in events {
            if event.id() > self.seen {
                self.seen = event.id();
                lines.extend(self.line(event));
            }
        }
        lines
    }

    fn line(&mut self, event: &HistoryEvent) -> Option<Line> {
        let mut branch = self.branches.get(&event.previous_event_id()).cloned().unwrap_or_default();
        let at = event.timestamp().as_secs_f64();
        let mut line = None;
        match event.r#type() {
            HistoryEventType::TaskStateEntered => {
                let details = event.state_entered_event_details();
                branch.state = details.map(|details| details.name().to_owned());
                branch.entered = at;
                branch.region = details.and_then(|d| d.input()).and_then(region_of).or(branch.region);
                let region = branch.region.clone();
                line = branch.state.clone().map(|state| Line::Entered { state, region });
            }
            HistoryEventType::TaskStateExited => {
                let (region, seconds) = (branch.region.clone(), at - branch.entered);
                line = branch.state.clone().map(|state| Line::Exited { state, region, seconds });
            }
            HistoryEventType::TaskFailed | HistoryEventType::LambdaFunctionFailed => {
                let details = event.task_failed_event_details();
                let fault = details.and_then(|d| d.error()).unwrap_or("unknown").to_owned();
                let message = details.and_then(|d| d.cause()).map(message_of).unwrap_or_default();
                let region = branch.region.clone();
                line = branch.state.clone().map(|state| Line::Fault { state, region, fault, message });
            }
            // What comes after a Map or a Parallel belongs to none of their branches.
            HistoryEventType::MapStateExited | HistoryEventType::ParallelStateExited => branch.region = None,
            _ => {}
        }
        self.branches.insert(event.id(), branch);
        line
    }
}

/// The region in a state's input.
pub(crate) fn region_of(input: &str) -> Option<String> {
    let input: Value = serde_json::from_str(input).ok()?;
    input.get("region").and_then(Value::as_str).map(str::to_owned)
}

/// The first line of a cause: what happened, without the advice.
pub(crate) fn message_of(cause: &str) -> String {
    let parsed: Option<Value> = serde_json::from_str(cause).ok();
    let message = parsed.as_ref().and_then(|cause| cause.get("errorMessage")).and_then(Value::as_str).unwrap_or(cause);
    message.lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use aws_sdk_sfn::{
        primitives::DateTime,
        types::{StateEnteredEventDetails, TaskFailedEventDetails, builders::HistoryEventBuilder},
    };

    use super::*;

    fn event(id: i64, previous: i64, kind: HistoryEventType) -> HistoryEventBuilder {
        HistoryEvent::builder().id(id).previous_event_id(previous).r#type(kind).timestamp(DateTime::from_secs(id))
    }

    fn entered(name: &str, input: &str) -> StateEnteredEventDetails {
        StateEnteredEventDetails::builder().name(name).input(input).build().unwrap()
    }

    #[test]
    fn two_regions_that_run_at_once_keep_their_own_lines() {
        let failed = TaskFailedEventDetails::builder()
            .resource_type("lambda")
            .resource("invoke")
            .error("NotReady")
            .cause(r#"{"errorType":"NotReady","errorMessage":"it is pending\nNext: nothing yet"}"#);
        let events = [
            event(1, 0, HistoryEventType::TaskStateEntered)
                .state_entered_event_details(entered("ProvisionVpc", r#"{"region":"eu-west-1"}"#)),
            event(2, 0, HistoryEventType::TaskStateEntered)
                .state_entered_event_details(entered("ProvisionVpc", r#"{"region":"eu-central-1"}"#)),
            event(3, 1, HistoryEventType::TaskStateExited),
            event(4, 3, HistoryEventType::TaskStateEntered).state_entered_event_details(entered("Attach", "{}")),
            event(5, 4, HistoryEventType::TaskFailed).task_failed_event_details(failed.build().unwrap()),
        ]
        .map(|event| event.build().unwrap());
        let mut history = History::default();
        let lines = history.read(&events);
        let west = Some("eu-west-1".to_owned());
        assert_eq!(lines[2], Line::Exited { state: "ProvisionVpc".into(), region: west.clone(), seconds: 2.0 });
        let fault = Line::Fault {
            state: "Attach".into(),
            region: west,
            fault: "NotReady".into(),
            message: "it is pending".into(),
        };
        assert_eq!(lines[4], fault);
        assert!(history.read(&events).is_empty(), "a line is shown once");
    }
}
