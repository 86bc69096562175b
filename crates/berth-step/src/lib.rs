//! What every step is: fault names, observe-decide-act, serving a Lambda, settings, the log line.

mod batch;
mod calls;
mod converge;
mod error;
mod fault;
mod line;
mod metrics;
mod opening;
mod serve;
mod settings;
mod step;

pub use batch::{ATTRIBUTES_MAX, Batch, BatchAnswer, Message, MessageAttribute, REASON_ATTRIBUTE, REPLAYS_ATTRIBUTE};
pub use calls::count_call;
pub use converge::{Actor, Converged, DryRun, converge, dry_run};
pub use error::StepError;
pub use fault::Fault;
pub use metrics::{Directive, EMITTED, Metric, NAMESPACE, NO_FAULT};
pub use opening::while_opening;
pub use serve::{ATTEMPT_FIELD, Traced, serve, serve_step, take_attempt};
pub use settings::{FromEnv, Settings, SettingsError};
pub use step::{Decision, HasSubject, Intent, Lease, Step};
