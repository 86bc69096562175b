//! What touches the cluster.

mod act;
mod api;
mod error;
mod events;
mod lease;
mod observe;
mod platform;
mod reconcile;
mod scan;
mod serve;
mod watch;

pub use api::connect;
pub use lease::{Candidate, Fence};
pub use platform::{CRD, Platform, look};
pub use reconcile::{Context, Outcome, reconcile};
pub use scan::scan;
pub use serve::serve;
pub use watch::{Operator, run};
