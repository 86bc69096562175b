//! The registry: what the folders of the functions declare (`[package.metadata.berth]` of each `Cargo.toml`), and the state
//! machines. Wiring in `infra/`, retries, and every list of steps in tests come from here, so that none is typed twice.

mod accounts;
mod cloudformation;
mod dashboard;
mod function;
mod hub;
mod machine;
mod retry;
mod states;
mod wiring;

use std::sync::LazyLock;

pub use self::{
    dashboard::with_rows,
    function::{AssumedRole, CallsMax, Declared, Exception, Function, Queue, Schedule, Trigger, pascal_case},
    machine::{Machine, machines},
    retry::{Retrier, retriers, with_retries},
    states::{Level, State, leads_to, states},
    wiring::Wiring,
};

/// All functions, by name.
///
/// # Panics
/// With everything that is wrong in the folders at once.
#[must_use]
pub fn functions() -> &'static [Function] {
    static READ: LazyLock<Vec<Function>> = LazyLock::new(|| {
        let functions = function::read().unwrap_or_else(|problems| panic!("{}", problems.join("\n")));
        let problems = machine::mismatches(&functions, machines());
        assert!(problems.is_empty(), "{}", problems.join("\n"));
        functions
    });
    &READ
}

/// A function by its name.
///
/// # Panics
/// When there is none of that name.
#[must_use]
pub fn function(name: &str) -> &'static Function {
    functions().iter().find(|each| each.name == name).unwrap_or_else(|| panic!("functions/ has no {name}"))
}

/// A state machine by its name.
///
/// # Panics
/// When there is none of that name.
#[must_use]
pub fn machine(name: &str) -> &'static Machine {
    machines().iter().find(|each| each.name == name).unwrap_or_else(|| panic!("statemachines/ has no {name}"))
}

/// The function behind a state, in whichever state machine it is.
#[must_use]
pub fn function_of_state(state: &str) -> Option<&'static Function> {
    functions().iter().find(|each| each.declared.states.iter().any(|name| name == state))
}

/// The steps: functions of states, in the order in which the machines come to them.
#[must_use]
pub fn steps() -> Vec<&'static Function> {
    let mut steps: Vec<&'static Function> = Vec::new();
    for step in machines().iter().flat_map(Machine::tasks).filter_map(|state| function_of_state(&state.name)) {
        if !steps.iter().any(|known| known.name == step.name) {
            steps.push(step);
        }
    }
    steps
}

/// All functions: steps in their order, then those that are no steps, by name.
#[must_use]
pub fn in_order() -> Vec<&'static Function> {
    let mut all = steps();
    let known: Vec<&str> = all.iter().map(|step| step.name.as_str()).collect();
    all.extend(functions().iter().filter(|function| !known.contains(&function.name.as_str())));
    all
}
