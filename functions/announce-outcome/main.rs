//! Wiring of `announce-outcome`: settings, clients, serve.

use announce_outcome::AnnounceOutcome;
use berth_aws::shared_config;
use berth_ledger::Ledger;
use berth_step::{Settings, serve};

berth_step::settings! {
    /// Settings of this function.
    struct OutcomeSettings {
        table: String = "BERTH_LEDGER_TABLE",
        bus: String = "BERTH_BUS",
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let OutcomeSettings { table, bus } = Settings::from_env().load()?;
    let config = shared_config().await;
    let function = AnnounceOutcome {
        ledger: Ledger::new(aws_sdk_dynamodb::Client::new(&config), table),
        step_functions: aws_sdk_sfn::Client::new(&config),
        event_bridge: aws_sdk_eventbridge::Client::new(&config),
        bus,
    };
    let function = &function;
    serve("announce-outcome", |batch| function.handle(batch)).await
}
