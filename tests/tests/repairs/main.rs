//! What somebody changed or took away in an account that is onboarded is repaired by the one change that it needs; parts
//! that platform.yaml switches off are left alone; clusters in other accounts.
//!
//! These journeys change platform.yaml, so they have a local AWS of their own and take turns.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod baseline;
mod clusters;
mod commits;
mod drift;
mod extensions;
mod left_over;
mod network;
mod plans;
mod roles;
mod tags;

use std::sync::MutexGuard;

use berth_tests::rig::{self, Rig, TimingProfile, onboarded, run};
use serde_json::Value;

/// The one region of the environment `staging`.
const WEST: &str = "eu-west-1";

/// The rig, for one journey at a time, with the first platform.yaml but for these values.
fn turn(edits: &[(&str, Value)]) -> (&'static Rig, MutexGuard<'static, ()>) {
    let (rig, turn) = rig::alone(TimingProfile::Fast, |_| ());
    rig.deploy_platform(edits);
    (rig, turn)
}

/// What a run changed, in order of the alphabet; and that the next one changes nothing.
fn repaired(rig: &Rig, account: &str) -> Vec<String> {
    let mut changes = onboarded(rig, account).changes();
    changes.sort();
    let again = onboarded(rig, account).changes();
    assert!(again.is_empty(), "{again:?}");
    changes
}

/// Operations that a function called in an execution.
fn operations(rig: &Rig, execution: &str, function: &str) -> Vec<String> {
    let of_function = |call: &berth_tests::rig::Call| call.function == format!("berth-{function}");
    rig.calls_of(execution).into_iter().filter(of_function).map(|call| call.operation).collect()
}
