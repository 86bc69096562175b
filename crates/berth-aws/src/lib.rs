//! Sessions into other accounts, the retry policy, tags, and what AWS error codes mean.

mod config;
mod denial;
mod failure;
mod http;
mod machine;
mod policy;
mod sessions;

pub use config::{CONNECT_MAX, patient, shared_config};
pub use failure::{CallFailure, CallResultExt, SdkResultExt};
pub use machine::live_alias;
pub use policy::{Effect, FunctionPolicy, Part, PolicyFile, SessionPolicy, Statement};
pub use sessions::{SessionScope, Sessions, session_name};
