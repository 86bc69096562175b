//! How a step starts: reads its settings, makes what every step is made from, and serves.
//!
//! The `main.rs` of a step is one call:
//!
//! ```no_run
//! # use berth_step::{Decision, Step, StepError};
//! # use berth_wiring::Wiring;
//! # use std::fmt;
//! # #[derive(serde::Deserialize)] struct Input { run: berth_tenancy::Subject }
//! # berth_step::has_subject!(Input);
//! # struct Nothing;
//! # impl Nothing { fn new(_: Wiring) -> Self { Self } }
//! # impl Step for Nothing {
//! #     type Input = Input; type Output = (); type Clients = (); type State = (); type Change = String; type Made = ();
//! #     async fn connect(&self, _: &Input) -> Result<(), StepError> { Ok(()) }
//! #     async fn observe(_: &(), _: &Input) -> Result<(), StepError> { Ok(()) }
//! #     fn decide(_: &Input, _: &()) -> Result<Decision<String, ()>, StepError> { Ok(Decision::Done(())) }
//! #     async fn act(_: &(), _: &Input, _: &String) -> Result<(), StepError> { Ok(()) }
//! #     fn apply(_: &mut (), _: &Input, _: &String, _: Option<()>) {}
//! #     fn effect(_: &Input, _: &(), _: &String) -> berth_tenancy::Effect { unreachable!("it decides on no change") }
//! # }
//! fn main() -> Result<(), berth_wiring::Error> {
//!     berth_wiring::serve_step(env!("CARGO_PKG_NAME"), Nothing::new)
//! }
//! ```
#![warn(missing_docs)]

use aws_config::SdkConfig;
use berth_aws::{Sessions, shared_config};
use berth_ledger::Ledger;
use berth_step::{FromEnv, Settings, Step};
pub use lambda_runtime::Error;

berth_step::settings! {
    /// Settings of every step.
    struct StepSettings {
        table: String = "BERTH_LEDGER_TABLE",
        external_id: String = "BERTH_EXTERNAL_ID",
    }
}

/// What a step is made from.
#[derive(Debug, Clone)]
pub struct Wiring<T = ()> {
    /// The SDK's configuration in the hub account.
    pub hub: SdkConfig,
    /// Sessions into other accounts.
    pub sessions: Sessions,
    /// The ledger.
    pub ledger: Ledger,
    /// Settings that only this step has.
    pub settings: T,
}

/// Serves a step until the runtime ends. `name` is the function's name in the log line.
///
/// # Errors
/// Settings that are absent or wrong, all of them; or the runtime's own.
pub fn serve_step<S: Step, T: FromEnv>(name: &'static str, make: impl FnOnce(Wiring<T>) -> S) -> Result<(), Error> {
    let (StepSettings { table, external_id }, settings) = Settings::from_env().load()?;
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let hub = shared_config().await;
        let ledger = Ledger::new(aws_sdk_dynamodb::Client::new(&hub), table);
        let sessions = Sessions::new(&hub, external_id);
        berth_step::serve_step(name, make(Wiring { hub, sessions, ledger: ledger.clone(), settings }), ledger).await
    })
}
