//! Where an account is now: the states that its execution is in, and what they wait for.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_sfn::types::{ExecutionStatus, HistoryEvent, HistoryEventType};
use berth_ledger::{Record, Status};
use jiff::Timestamp;
use serde::Serialize;

use crate::{
    execution, follow,
    history::{message_of, region_of},
    outcome::Problem,
    target::Deployment,
};

/// The execution of an account.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Position {
    /// What Step Functions says: `RUNNING`, `FAILED` …
    pub(crate) status: String,
    /// How often it was redriven.
    pub(crate) redrives: i32,
    /// The tasks that it is in.
    pub(crate) now: Vec<Open>,
}

/// A task that has not ended.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Open {
    pub(crate) state: String,
    pub(crate) region: Option<String>,
    pub(crate) since: Timestamp,
    /// The last answer of its function, when that was a fault that is retried.
    pub(crate) waits_for: Option<WaitsFor>,
}

/// What a task waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WaitsFor {
    pub(crate) fault: String,
    pub(crate) message: String,
    /// How often the function answered so.
    pub(crate) times: u32,
}

impl Position {
    /// Whether the execution is running, whatever the ledger says: a redriven one is `failed` there until it ends again.
    pub(crate) fn is_running(&self) -> bool {
        self.status == ExecutionStatus::Running.as_str()
    }

    /// Whether a failure in the ledger is one before its redrive: it runs again, or has succeeded since, which the ledger
    /// is told a little later.
    pub(crate) fn is_past_failure(&self) -> bool {
        self.is_running() || self.status == ExecutionStatus::Succeeded.as_str()
    }
}

/// Reads where an account is; none when no execution works on it.
pub(crate) async fn of(deployment: &Deployment, record: &Record) -> Result<Option<Position>, Problem> {
    let may_run = matches!(
        record.status,
        Status::Requested | Status::Running | Status::Failed | Status::Offboarding | Status::OffboardingFailed
    );
    // Of an account whose access is gone the newest execution is the one that took it: its end is known.
    let may_run = may_run && record.access_removed.is_none();
    let Some(arn) = record.execution_arn.as_deref().filter(|_| may_run) else { return Ok(None) };
    let Some(described) = execution::describe(deployment, arn).await? else { return Ok(None) };
    let mut position = Position {
        status: described.status().as_str().to_owned(),
        redrives: described.redrive_count().unwrap_or_default(),
        now: Vec::new(),
    };
    if position.is_running() {
        position.now = asked(open(&follow::read_all(deployment, arn).await?), record);
    }
    Ok(Some(position))
}

/// What is open, once people are asked: its plan is made by then, whatever the last answer was that the function gave before.
fn asked(mut open: Vec<Open>, record: &Record) -> Vec<Open> {
    if record.waiting().is_some() {
        open.iter_mut().filter(|open| open.state == "AskApproval").for_each(|open| open.waits_for = None);
    }
    open
}

/// Where an event belongs: the task that it is in, and its region.
#[derive(Debug, Clone, Default)]
struct Branch {
    entered: Option<i64>,
    region: Option<String>,
}

/// The tasks of a history that have not ended, oldest first. Pure.
fn open(events: &[HistoryEvent]) -> Vec<Open> {
    let mut ordered: Vec<&HistoryEvent> = events.iter().collect();
    ordered.sort_by_key(|event| event.id());
    let (mut branches, mut open): (HashMap<i64, Branch>, BTreeMap<i64, Open>) = Default::default();
    for event in ordered {
        let mut branch = branches.get(&event.previous_event_id()).cloned().unwrap_or_default();
        match event.r#type() {
            HistoryEventType::TaskStateEntered => {
                if let Some(details) = event.state_entered_event_details() {
                    branch.region = details.input().and_then(region_of).or(branch.region);
                    branch.entered = Some(event.id());
                    let since = Timestamp::from_second(event.timestamp().secs()).unwrap_or_default();
                    let (state, region) = (details.name().to_owned(), branch.region.clone());
                    open.insert(event.id(), Open { state, region, since, waits_for: None });
                }
            }
            HistoryEventType::TaskStateExited => {
                branch.entered.take().and_then(|entered| open.remove(&entered));
            }
            HistoryEventType::TaskFailed | HistoryEventType::LambdaFunctionFailed => {
                if let Some(task) = branch.entered.and_then(|entered| open.get_mut(&entered)) {
                    task.waits_for = Some(waits_for(event, task.waits_for.as_ref()));
                }
            }
            HistoryEventType::MapStateExited | HistoryEventType::ParallelStateExited => branch.region = None,
            // What had not ended is entered again, and no task is open in an execution that has ended.
            HistoryEventType::ExecutionRedriven
            | HistoryEventType::ExecutionFailed
            | HistoryEventType::ExecutionTimedOut
            | HistoryEventType::ExecutionAborted => open.clear(),
            _ => {}
        }
        branches.insert(event.id(), branch);
    }
    open.into_values().collect()
}

fn waits_for(event: &HistoryEvent, before: Option<&WaitsFor>) -> WaitsFor {
    let details = event.task_failed_event_details();
    let fault = details.and_then(|details| details.error()).unwrap_or("unknown").to_owned();
    let message = details.and_then(|details| details.cause()).map(message_of).unwrap_or_default();
    let same = before.filter(|before| before.fault == fault && before.message == message);
    WaitsFor { fault, message, times: same.map_or(1, |before| before.times.saturating_add(1)) }
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

    fn entered(id: i64, previous: i64, name: &str, region: &str) -> HistoryEventBuilder {
        let input = format!(r#"{{"region":"{region}"}}"#);
        let details = StateEnteredEventDetails::builder().name(name).input(input).build().unwrap();
        event(id, previous, HistoryEventType::TaskStateEntered).state_entered_event_details(details)
    }

    fn not_ready(id: i64, previous: i64, what: &str) -> HistoryEventBuilder {
        let cause = format!(r#"{{"errorType":"NotReady","errorMessage":"{what}\nNext: nothing yet"}}"#);
        let details =
            TaskFailedEventDetails::builder().resource_type("lambda").resource("invoke").error("NotReady").cause(cause);
        event(id, previous, HistoryEventType::TaskFailed).task_failed_event_details(details.build().unwrap())
    }

    fn shown(events: Vec<HistoryEventBuilder>) -> Vec<Open> {
        open(&events.into_iter().map(|event| event.build().unwrap()).collect::<Vec<_>>())
    }

    #[test]
    fn a_waiting_task_is_shown_with_its_region_and_what_it_waits_for() {
        let now = shown(vec![
            entered(1, 0, "ProvisionVpc", "eu-west-1"),
            entered(2, 0, "ProvisionVpc", "eu-central-1"),
            event(3, 1, HistoryEventType::TaskStateExited),
            entered(4, 3, "AttachTransitGateway", "eu-west-1"),
            not_ready(5, 4, "it is pendingAcceptance"),
            not_ready(6, 5, "it is pending"),
            not_ready(7, 6, "it is pending"),
        ]);
        assert_eq!(now.len(), 2);
        assert_eq!((now[0].state.as_str(), now[0].region.as_deref()), ("ProvisionVpc", Some("eu-central-1")));
        assert_eq!(now[0].waits_for, None);
        let waits = WaitsFor { fault: "NotReady".into(), message: "it is pending".into(), times: 2 };
        assert_eq!((now[1].state.as_str(), now[1].waits_for.as_ref()), ("AttachTransitGateway", Some(&waits)));
        assert_eq!(now[1].since, Timestamp::from_second(4).unwrap());
    }

    #[test]
    fn a_run_that_asks_people_waits_for_nothing_that_it_waited_for_before() {
        let now =
            || shown(vec![entered(1, 0, "AskApproval", ""), not_ready(2, 1, "the account is being planned by x")]);
        let mut record = crate::status::tests::record("running");
        assert!(asked(now(), &record)[0].waits_for.is_some(), "it is being planned");
        record.lease = Some("arn:me".to_owned());
        record.approval = serde_json::from_str(
            r#"{"plan": "sha256:1", "plannedBy": "arn:plan", "execution": "arn:me", "question": 1, "revision": 1,
                "counts": {"create": 1, "change": 0, "delete": 0, "disrupts": 0}, "approvers": 1,
                "since": "1970-01-01T00:00:00Z", "asked": "1970-01-01T00:00:00Z", "until": "1970-01-02T00:00:00Z"}"#,
        )
        .ok();
        assert!(record.waiting().is_some() && asked(now(), &record)[0].waits_for.is_none());
    }

    #[test]
    fn after_a_redrive_only_what_was_entered_again_is_open() {
        let mut events = vec![
            entered(1, 0, "CreateTenantRoles", ""),
            not_ready(2, 1, "no"),
            event(3, 2, HistoryEventType::ExecutionFailed),
            event(4, 0, HistoryEventType::ExecutionRedriven),
        ];
        assert!(shown(events.clone()).is_empty());
        events.push(entered(5, 4, "CreateTenantRoles", ""));
        assert_eq!(shown(events).len(), 1);
    }
}
