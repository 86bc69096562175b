//! What every step is: fault names, observe-decide-act, serving a Lambda, settings, the log line.

mod batch;
mod converge;
mod error;
mod fault;
mod opening;
mod serve;
mod settings;

pub use batch::{ATTRIBUTES_MAX, Batch, BatchAnswer, Message, MessageAttribute, REASON_ATTRIBUTE, REPLAYS_ATTRIBUTE};
pub use converge::{Converged, Decision, HasSubject, Lease, Step, converge};
pub use error::StepError;
pub use fault::Fault;
pub use opening::while_opening;
pub use serve::{Traced, serve, serve_step};
pub use settings::{Settings, SettingsError};
