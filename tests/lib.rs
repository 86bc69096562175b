//! End to end: journeys, faults, contract, house rules.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a test that cannot go on panics"
)]

pub mod counting;
pub mod faults;
pub mod generated;
pub mod makespan;
pub mod permissions;
pub mod registry;
pub mod rig;
