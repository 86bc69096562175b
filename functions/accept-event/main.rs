//! Wiring of `accept-event`: settings, clients, serve.

use accept_event::AcceptEvent;
use berth_aws::shared_config;
use berth_config::PlatformConfig;
use berth_ledger::Ledger;
use berth_step::{Settings, serve};
use jiff::Timestamp;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let mut settings = Settings::from_env();
    let table = settings.required("BERTH_LEDGER_TABLE");
    let state_machine = settings.required("BERTH_STATE_MACHINE_ARN");
    let dead_letters = settings.required("BERTH_INTAKE_DLQ_URL");
    let platform = settings.required::<String>("BERTH_PLATFORM");
    let read = table.zip(state_machine).zip(dead_letters).zip(platform);
    let (((table, state_machine), dead_letters), platform) = settings.finish(read)?;
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
