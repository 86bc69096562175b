//! The state machines, as they lie in `statemachines/`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
    sync::LazyLock,
};

use serde_json::Value;

use super::{
    function::{Function, pascal_case},
    retry::{Retrier, retriers},
    states::{Level, State},
};
use crate::rig::checkout;

/// One state machine.
#[derive(Debug, Clone)]
pub struct Machine {
    /// Its name without `berth-`: that of the file.
    pub name: String,
    /// The file.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
    /// The definition.
    pub definition: Value,
}

impl Machine {
    /// The name in logical ids: `onboard-account` is `OnboardAccount`.
    #[must_use]
    pub fn pascal_case(&self) -> String {
        pascal_case(&self.name)
    }

    /// Its tasks, in the order in which an execution comes to them; branches one after the other.
    #[must_use]
    pub fn tasks(&self) -> Vec<State<'_>> {
        Level::top(&self.definition).tasks()
    }

    /// The `Retry` list of each task, by the functions' exceptions.
    ///
    /// # Panics
    /// When a task is of no function, or of a service that is not known.
    #[must_use]
    pub fn retries(&self, functions: &[Function]) -> BTreeMap<String, Vec<Retrier>> {
        let of = |state: &State<'_>| {
            let function = functions.iter().find(|each| each.declared.states.contains(&state.name));
            let function =
                function.unwrap_or_else(|| panic!("{}: no function has the state {}", self.name, state.name));
            let resource = state.body["Resource"].as_str().unwrap_or_default();
            let list = retriers(resource, &function.declared.retry);
            list.unwrap_or_else(|| panic!("{}: nobody knows how to retry {resource}", state.at))
        };
        self.tasks().iter().map(|state| (state.name.clone(), of(state))).collect()
    }
}

/// All of them, the onboarding first.
///
/// # Panics
/// When one cannot be read.
#[must_use]
pub fn machines() -> &'static [Machine] {
    static READ: LazyLock<Vec<Machine>> = LazyLock::new(|| {
        let files = fs::read_dir(checkout().join("statemachines")).unwrap().flatten().map(|entry| entry.path());
        let mut machines: Vec<Machine> = files.filter_map(read).collect();
        // Accounts come before they go; else by name.
        machines.sort_by_key(|machine| (machine.name != "onboard-account", machine.name.clone()));
        machines
    });
    &READ
}

fn read(path: PathBuf) -> Option<Machine> {
    let name = path.file_name()?.to_str()?.strip_suffix(".asl.json")?.to_owned();
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let definition = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    Some(Machine { name, path, text, definition })
}

/// Where folders and state machines disagree: states without a function, or with two, and functions of states that are
/// nowhere.
pub(super) fn mismatches(functions: &[Function], machines: &[Machine]) -> Vec<String> {
    let tasks: BTreeSet<String> = machines.iter().flat_map(Machine::tasks).map(|state| state.name).collect();
    let mut owners: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for function in functions {
        for state in &function.declared.states {
            owners.entry(state).or_default().push(&function.name);
        }
    }
    let homeless = tasks.iter().filter(|state| !owners.contains_key(state.as_str()));
    let mut problems: Vec<String> = homeless
        .map(|state| format!("the state {state} has no function: name it in states of a functions/*/Cargo.toml"))
        .collect();
    for (state, owners) in owners {
        if !tasks.contains(state) {
            problems.push(format!("functions/{}/Cargo.toml: no state machine has a task {state}", owners.join(", ")));
        }
        if owners.len() > 1 {
            problems.push(format!("the state {state} has two functions: {}", owners.join(", ")));
        }
    }
    problems
}
