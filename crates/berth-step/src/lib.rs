//! What every step is: fault names, observe-decide-act, serving a Lambda, settings, the log line.
//!
//! ```
//! use berth_step::{Decision, Step, StepError, dry_run};
//! use berth_tenancy::{Effect, UntaggedKind};
//!
//! /// Raises a level by one at a time until it is as planned.
//! struct Raise;
//!
//! #[derive(serde::Deserialize)]
//! struct Input {
//!     run: berth_tenancy::Subject,
//!     planned: u32,
//! }
//! berth_step::has_subject!(Input);
//!
//! impl Step for Raise {
//!     type Input = Input;
//!     type Output = u32;
//!     type Clients = ();
//!     type State = u32;
//!     type Change = String;
//!     type Made = ();
//!
//!     async fn connect(&self, _: &Input) -> Result<(), StepError> {
//!         Ok(())
//!     }
//!
//!     async fn observe(_: &(), _: &Input) -> Result<u32, StepError> {
//!         Ok(0)
//!     }
//!
//!     fn decide(input: &Input, level: &u32) -> Result<Decision<String, u32>, StepError> {
//!         if *level >= input.planned {
//!             return Ok(Decision::Done(*level));
//!         }
//!         Ok(Decision::Act(vec![format!("raise it to {}", level + 1)]))
//!     }
//!
//!     async fn act(_: &(), _: &Input, _: &String) -> Result<(), StepError> {
//!         Ok(())
//!     }
//!
//!     fn apply(level: &mut u32, _: &Input, _: &String, _: Option<()>) {
//!         *level += 1;
//!     }
//!
//!     fn effect(_: &Input, level: &u32, _: &String) -> Effect {
//!         Effect::changes(UntaggedKind::Record, "dynamodb:UpdateItem").field("level", level, level + 1)
//!     }
//! }
//!
//! # let run = serde_json::json!({
//! #     "accountId": "111122223333", "accountName": "payments-dev", "tenant": "payments", "environment": "dev",
//! #     "execution": "arn:aws:states:us-east-1:210987654321:execution:berth-onboard-account:111122223333-g1",
//! #     "generation": 1, "mode": "plan", "tenantRole": "BerthTenant",
//! # });
//! let input: Input = serde_json::from_value(serde_json::json!({ "run": run, "planned": 2 }))?;
//! let plan = dry_run::<Raise>(&input, 0)?;
//! assert_eq!(plan.batches, [["raise it to 1"], ["raise it to 2"]]);
//! assert_eq!(plan.output, 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![warn(missing_docs)]

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
mod standings;
mod step;

pub use batch::{ATTRIBUTES_MAX, Batch, BatchAnswer, Message, MessageAttribute, REASON_ATTRIBUTE, REPLAYS_ATTRIBUTE};
pub use calls::count_call;
pub use converge::{Actor, Converged, DryRun, converge, dry_run, planned};
pub use error::StepError;
pub use fault::Fault;
pub use metrics::{APPROVALS, Directive, EMITTED, Metric, NAMESPACE, NO_FAULT, STANDINGS};
pub use opening::while_opening;
pub use serve::{ATTEMPT_FIELD, Traced, serve, serve_step, take_attempt};
pub use settings::{FromEnv, Settings, SettingsError};
pub use standings::{write_approvals, write_standings};
pub use step::{Decision, HasSubject, Intent, Lease, Step};
