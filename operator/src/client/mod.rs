//! What touches the cluster.

mod act;
mod api;
mod error;
mod observe;
mod reconcile;
mod watch;

pub use reconcile::{Context, Outcome, reconcile};
pub use watch::{discover, run};
