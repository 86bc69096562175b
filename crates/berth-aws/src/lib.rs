//! Sessions into other accounts, the retry policy, tags, and what AWS error codes mean.

mod config;
mod counted;
mod failure;
mod policy;
mod sessions;

pub use config::shared_config;
pub use failure::CallFailure;
pub use policy::{FunctionPolicy, Part, PolicyFile, SessionPolicy, Statement};
pub use sessions::{SessionScope, Sessions, session_name};
