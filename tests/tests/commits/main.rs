//! Commits to a plain git server, from the state machine's message to the repository, on a local AWS of their own: what a
//! queue makes of many, what SQS and the server refuse, who merges without pull requests, and where no secret may be.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod branches;
mod queue;
mod secrets;

use std::sync::{Mutex, MutexGuard, OnceLock};

use berth_tests::rig::{Rig, rig};

/// One test after the other: each looks at all commits.
fn alone() -> (&'static Rig, MutexGuard<'static, ()>) {
    static ALONE: Mutex<()> = Mutex::new(());
    static READY: OnceLock<()> = OnceLock::new();
    let alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let rig = rig();
    READY.get_or_init(|| {
        rig.review(&["prod", "dev"]);
        rig.slim("dev");
        rig.slim("staging");
    });
    (rig, alone)
}
