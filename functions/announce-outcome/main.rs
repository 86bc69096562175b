//! Wiring of `announce-outcome`: settings, clients, serve.

use announce_outcome::AnnounceOutcome;
use berth_aws::shared_config;
use berth_ledger::Ledger;
use berth_step::{Settings, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let mut settings = Settings::from_env();
    let (table, bus) = (settings.required("BERTH_LEDGER_TABLE"), settings.required("BERTH_BUS"));
    let (table, bus) = settings.finish(table.zip(bus))?;
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
