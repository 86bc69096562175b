//! The fault kit: takes a scenario, breaks every AWS call that it makes, one at a time and in every way, and looks at what
//! is left.
//!
//! Nothing here knows a step or a call by name. A scenario is run once without faults and its calls are recorded; from
//! them come the points, from the points the runs. A new call is covered the day it is added.

mod campaign;
mod fault;
mod finished;
mod injection_point;
mod invariants;
mod mutants;
mod neighbours;
mod run;
mod scenario;
mod schedule;
mod testbed;
mod throttling;

pub use self::{
    campaign::{Campaign, Found, Tally},
    fault::{FaultKind, Recovery},
    finished::Finished,
    injection_point::{InjectionPoint, Owner, points},
    mutants::kill,
    run::{Outcome, Run, runs},
    scenario::Scenario,
    schedule::{Schedule, schedules},
    throttling::{Throttled, ThrottlingScenario},
};
