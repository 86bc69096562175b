//! States of a machine, wherever they are nested.

use std::collections::BTreeSet;

use berth_tenancy::{ApprovalPlan, Delivery};
use serde_json::{Map, Value};

/// The states of one level: the machine itself, a branch, or an item processor.
#[derive(Debug, Clone)]
pub struct Level<'a> {
    /// Where it is; empty for the machine itself.
    pub at: String,
    /// Its body: `StartAt` and `States`.
    pub body: &'a Value,
}

impl<'a> Level<'a> {
    /// The machine itself.
    #[must_use]
    pub fn top(machine: &'a Value) -> Self {
        Self { at: String::new(), body: machine }
    }

    /// The state with which it begins.
    #[must_use]
    pub fn start(&self) -> &'a str {
        self.body["StartAt"].as_str().unwrap_or_default()
    }

    /// Its states by name.
    #[must_use]
    pub fn states(&self) -> &'a Map<String, Value> {
        static NONE: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
        self.body["States"].as_object().unwrap_or(&NONE)
    }

    /// The levels inside one of its states.
    #[must_use]
    pub fn inside(&self, name: &str) -> Vec<Level<'a>> {
        let Some(state) = self.states().get(name) else { return Vec::new() };
        let branches = state["Branches"].as_array().into_iter().flatten();
        branches.chain(state.get("ItemProcessor")).map(|body| Level { at: join(&self.at, name), body }).collect()
    }

    /// Its states in the order in which an execution comes to them, without those inside them.
    #[must_use]
    pub fn in_order(&self) -> Vec<State<'a>> {
        let (mut found, mut seen, mut next) = (Vec::new(), BTreeSet::new(), vec![self.start()]);
        while let Some(name) = next.pop() {
            let Some((name, body)) = self.states().get_key_value(name) else { continue };
            if seen.insert(name) {
                found.push(State::new(self, name, body));
                next.extend(leads_to(body).into_iter().rev());
            }
        }
        found
    }

    /// Its tasks and those inside its states, in that order; branches one after the other.
    #[must_use]
    pub fn tasks(&self) -> Vec<State<'a>> {
        let with_inner = self.in_order().into_iter().flat_map(|state| {
            let inner: Vec<State<'a>> = self.inside(&state.name).iter().flat_map(Level::tasks).collect();
            [state].into_iter().chain(inner)
        });
        with_inner.filter(State::is_task).collect()
    }

    /// This level and all below it.
    #[must_use]
    pub fn all(machine: &'a Value) -> Vec<Level<'a>> {
        let mut levels = vec![Level::top(machine)];
        let mut next = 0;
        while let Some(level) = levels.get(next).cloned() {
            levels.extend(level.states().keys().flat_map(|name| level.inside(name)));
            next += 1;
        }
        levels
    }
}

fn join(at: &str, name: &str) -> String {
    if at.is_empty() { name.to_owned() } else { format!("{at}/{name}") }
}

/// One state and where it is.
#[derive(Debug, Clone)]
pub struct State<'a> {
    /// Its name. No two states of a machine have one name.
    pub name: String,
    /// Names of the states around it and its own, with slashes between.
    pub at: String,
    /// Its body.
    pub body: &'a Value,
}

impl<'a> State<'a> {
    /// A state of a level.
    #[must_use]
    pub fn new(level: &Level<'_>, name: &str, body: &'a Value) -> Self {
        Self { name: name.to_owned(), at: join(&level.at, name), body }
    }

    /// Its type.
    #[must_use]
    pub fn kind(&self) -> &'a str {
        self.body["Type"].as_str().unwrap_or_default()
    }

    /// Whether it calls a service.
    #[must_use]
    pub fn is_task(&self) -> bool {
        self.kind() == "Task"
    }

    /// Whether people are asked in it (docs/decisions/0037).
    #[must_use]
    pub fn asks_people(&self) -> bool {
        self.body["TimeoutSeconds"] == "{% $plan.approval.answerSecondsMax %}"
    }

    /// Its limit in seconds, as the shortest and the longest that it may be. Where people have the last word it is the plan's
    /// to say: how long a merge may take (docs/decisions/0018), and an answer. Of questions there may be several.
    #[must_use]
    pub fn limit_seconds(&self) -> Option<(u64, u64)> {
        let limit = &self.body["TimeoutSeconds"];
        if self.asks_people() {
            let longest = ApprovalPlan::DAYS_MAX * ApprovalPlan::QUESTIONS_MAX * 24 * 3600;
            return Some((24 * 3600, u64::from(longest)));
        }
        if limit == "{% $plan.gitOps.answerSecondsMax %}" {
            let longest = u64::from(Delivery::MERGE_DAYS_MAX) * 24 * 3600;
            return Some((u64::from(Delivery::PUSH_SECONDS_MAX), longest));
        }
        limit.as_u64().map(|seconds| (seconds, seconds))
    }

    /// Its retriers.
    #[must_use]
    pub fn retriers(&self) -> &'a [Value] {
        self.body["Retry"].as_array().map_or(&[], Vec::as_slice)
    }
}

/// Every state, wherever it is nested.
#[must_use]
pub fn states<'a>(machine: &'a Value) -> Vec<State<'a>> {
    let of_level = |level: Level<'a>| {
        let states = level.states();
        states.iter().map(|(name, body)| State::new(&level, name, body)).collect::<Vec<_>>()
    };
    Level::all(machine).into_iter().flat_map(of_level).collect()
}

/// Names of the states that may come after a state.
#[must_use]
pub fn leads_to(state: &Value) -> Vec<&str> {
    let rules = ["Choices", "Catch"].into_iter().flat_map(|list| state[list].as_array().into_iter().flatten());
    rules.map(|rule| &rule["Next"]).chain([&state["Next"], &state["Default"]]).filter_map(Value::as_str).collect()
}
