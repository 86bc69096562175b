//! The fault kit: takes a journey, breaks every AWS call that it makes, one at a time and in every way, and looks at what
//! is left.
//!
//! Nothing here knows a step or a call by name. A journey is run once without faults and its calls are recorded; from
//! them come the points, from the points the runs. A new call is covered the day it is added.

mod fault;
mod finished;
mod invariants;
mod journey;
mod planted;
mod point;
mod run;
mod schedule;
mod stand;
mod storm;
mod sweep;

pub use self::{
    fault::{Break, Recovery},
    finished::Finished,
    journey::Journey,
    planted::plant,
    point::{Place, Point, points},
    run::{Outcome, Run, runs},
    schedule::{Schedule, schedules},
    storm::{Storm, Weather},
    sweep::{Found, Sweep, Tally},
};
