//! Commits to a plain git server, from the state machine's message to the repository, on a local AWS of their own: what a
//! queue makes of many, what SQS and the server refuse, who merges without pull requests, and where no secret may be.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod approved;
mod branches;
mod checked;
mod queue;
mod refused;
mod secrets;

use std::sync::MutexGuard;

use berth_tests::rig::{self, Rig, TimingProfile};

/// One test after the other: each looks at all commits.
fn alone() -> (&'static Rig, MutexGuard<'static, ()>) {
    rig::alone(TimingProfile::Fast, |rig| {
        rig.review(&["prod", "dev"]);
        rig.slim("dev");
        rig.slim("staging");
    })
}
