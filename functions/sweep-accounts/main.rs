//! Wiring of `sweep-accounts`: settings, clients, serve.

use berth_aws::{Sessions, shared_config};
use berth_config::PlatformConfig;
use berth_ledger::Ledger;
use berth_step::{Settings, serve};
use jiff::Timestamp;
use sweep_accounts::{Limits, SweepAccounts};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let mut settings = Settings::from_env();
    let names = settings.required("BERTH_LEDGER_TABLE").zip(settings.required("BERTH_EXTERNAL_ID"));
    let platform = settings.required::<String>("BERTH_PLATFORM");
    let targets = settings.required("BERTH_STATE_MACHINE_ARN").zip(settings.required("BERTH_BUS"));
    let missing = settings.required("BERTH_SWEEP_MISSING_AFTER_MINUTES");
    let stuck = settings.required("BERTH_SWEEP_STUCK_AFTER_MINUTES");
    let failed = settings.required("BERTH_SWEEP_FAILED_AFTER_MINUTES");
    let read = names.zip(platform).zip(targets).zip(missing.zip(stuck).zip(failed));
    let ((((table, external_id), platform), (state_machine, bus)), ((missing, stuck), failed)) =
        settings.finish(read)?;
    let config = shared_config().await;
    let function = SweepAccounts {
        platform: PlatformConfig::load(platform.as_ref()),
        sessions: Sessions::new(&config, external_id),
        ledger: Ledger::new(aws_sdk_dynamodb::Client::new(&config), table),
        step_functions: aws_sdk_sfn::Client::new(&config),
        event_bridge: aws_sdk_eventbridge::Client::new(&config),
        state_machine,
        bus,
        limits: Limits::of_minutes(missing, stuck, failed),
    };
    let function = &function;
    serve("sweep-accounts", |input| function.handle(input, Timestamp::now())).await
}
