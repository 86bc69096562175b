//! What a plan that could not go on had found out: the answers of the steps that did. Pure.

use std::collections::BTreeMap;

use aws_sdk_sfn::types::{HistoryEvent, HistoryEventType};
use berth_contract::changes_in_output;
use berth_tenancy::ResourceChange;
use serde_json::Value;

/// What the steps answered, and which of them had none yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Partial {
    /// Changes that would be made, in the order of the answers.
    pub(crate) changes: Vec<String>,
    /// Steps that were under way.
    pub(crate) unanswered: Vec<String>,
}

/// Reads the history of an execution that only planned. `failed` is the state that it failed in.
pub(crate) fn partial(events: &[HistoryEvent], failed: &str) -> Partial {
    let mut partial = Partial::default();
    let mut state_of: BTreeMap<i64, (i64, String)> = BTreeMap::new();
    let mut open: BTreeMap<i64, String> = BTreeMap::new();
    for event in events {
        let entered = event.state_entered_event_details().map(|details| (event.id(), details.name().to_owned()));
        let place = entered.clone().or_else(|| state_of.get(&event.previous_event_id()).cloned());
        if let Some((id, name)) = entered.filter(|_| event.r#type() == &HistoryEventType::TaskStateEntered) {
            open.insert(id, name);
        }
        if let Some(details) = event.task_succeeded_event_details() {
            partial.changes.extend(changes_in(details.output().unwrap_or_default()));
        }
        if event.state_exited_event_details().is_some()
            && let Some((id, _)) = &place
        {
            open.remove(id);
        }
        if let Some(place) = place {
            state_of.insert(event.id(), place);
        }
    }
    partial.unanswered = open.into_values().filter(|state| state != failed).collect();
    partial.unanswered.dedup();
    partial
}

/// Every change in the answers of the steps of a plan, in the order of the answers.
pub(crate) fn planned(events: &[HistoryEvent]) -> Vec<ResourceChange> {
    events
        .iter()
        .filter_map(|event| event.task_succeeded_event_details()?.output())
        .flat_map(changes_in_output)
        .collect()
}

/// The changes in the answer of a function, of `PlanOnboarding`, or of `commit-tenant`.
fn changes_in(output: &str) -> Vec<String> {
    let answer: Value = serde_json::from_str(output).unwrap_or_default();
    let lists = ["/Payload/plan/changes", "/Payload/changes", "/changes"].map(|pointer| answer.pointer(pointer));
    let lines = lists.into_iter().flatten().filter_map(Value::as_array).flatten();
    lines.filter_map(Value::as_str).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use aws_sdk_sfn::{
        primitives::DateTime,
        types::{StateEnteredEventDetails, StateExitedEventDetails, TaskSucceededEventDetails},
    };
    use serde_json::json;

    use super::*;

    fn event(id: i64, previous: i64, kind: HistoryEventType) -> aws_sdk_sfn::types::builders::HistoryEventBuilder {
        HistoryEvent::builder().id(id).previous_event_id(previous).r#type(kind).timestamp(DateTime::from_secs(id))
    }

    fn entered(id: i64, name: &str) -> HistoryEvent {
        let details = StateEnteredEventDetails::builder().name(name).build().unwrap();
        event(id, 0, HistoryEventType::TaskStateEntered).state_entered_event_details(details).build().unwrap()
    }

    fn answered(id: i64, previous: i64, name: &str, output: &Value) -> [HistoryEvent; 2] {
        let details = TaskSucceededEventDetails::builder().resource_type("lambda").resource("invoke");
        let details = details.output(output.to_string()).build().unwrap();
        let exited = StateExitedEventDetails::builder().name(name).build().unwrap();
        [
            event(id, previous, HistoryEventType::TaskSucceeded).task_succeeded_event_details(details),
            event(id + 1, id, HistoryEventType::TaskStateExited).state_exited_event_details(exited),
        ]
        .map(|event| event.build().unwrap())
    }

    #[test]
    fn what_the_other_steps_answered_is_kept_and_who_did_not_is_named() {
        let mut events = vec![entered(1, "PlanOnboarding")];
        let joins = json!({ "Payload": { "decision": "onboard", "plan": { "changes": ["join the tenant"] } } });
        events.extend(answered(2, 1, "PlanOnboarding", &joins));
        events.extend([entered(4, "ProvisionVpc"), entered(5, "CreateTenantRoles"), entered(6, "ApplyBaseline")]);
        let vpc = json!({ "Payload": { "vpcId": "vpc-(new)", "changes": ["create the VPC"] } });
        events.extend(answered(7, 4, "ProvisionVpc", &vpc));
        events.extend([event(9, 5, HistoryEventType::TaskFailed).build().unwrap()]);
        let found = partial(&events, "CreateTenantRoles");
        assert_eq!(found.changes, ["join the tenant", "create the VPC"]);
        assert_eq!(found.unanswered, ["ApplyBaseline"]);
    }
}
