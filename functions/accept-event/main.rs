//! Wiring of `accept-event`: settings, clients, serve.

use accept_event::AcceptEvent;
use berth_aws::shared_config;
use berth_config::PlatformConfig;
use berth_ledger::Ledger;
use berth_step::{Settings, serve};
use jiff::Timestamp;

berth_step::settings! {
    /// Settings of this function.
    struct AcceptSettings {
        table: String = "BERTH_LEDGER_TABLE",
        state_machine: String = "BERTH_STATE_MACHINE_ARN",
        dead_letters: String = "BERTH_INTAKE_DLQ_URL",
        platform: String = "BERTH_PLATFORM",
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let AcceptSettings { table, state_machine, dead_letters, platform } = Settings::from_env().load()?;
    let config = shared_config().await;
    let function = AcceptEvent {
        platform: PlatformConfig::load(platform.as_ref()),
        ledger: Ledger::new(aws_sdk_dynamodb::Client::new(&config), table),
        step_functions: aws_sdk_sfn::Client::new(&config),
        queues: aws_sdk_sqs::Client::new(&config),
        state_machine,
        dead_letters,
    };
    let function = &function;
    serve("accept-event", |batch| function.handle(batch, Timestamp::now())).await
}
