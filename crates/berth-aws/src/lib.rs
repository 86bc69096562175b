//! Sessions into other accounts, the retry policy, tags, and what AWS error codes mean.
//!
//! A call is named by its IAM action where its answer is read, so that a failure says what to allow:
//!
//! ```
//! use berth_aws::{CallResultExt, SdkResultExt};
//! use berth_step::StepError;
//!
//! async fn whoami(sts: &aws_sdk_sts::Client) -> Result<Option<String>, StepError> {
//!     let sent = sts.get_caller_identity().send().await;
//!     Ok(sent.named("sts:GetCallerIdentity").or_common()?.account)
//! }
//! ```
#![warn(missing_docs)]

mod config;
mod denial;
mod failure;
mod http;
mod machine;
mod policy;
mod presigned;
mod sessions;

pub use config::{CONNECT_MAX, patient, shared_config};
pub use failure::{CallFailure, CallResultExt, SdkResultExt};
pub use machine::{failed_start, failure_cause, live_alias, was_awaited};
pub use policy::{Effect, FunctionPolicy, Part, PolicyFile, SessionPolicy, Statement};
pub use presigned::PresignedIdentity;
pub use sessions::{SessionScope, Sessions, session_name};
