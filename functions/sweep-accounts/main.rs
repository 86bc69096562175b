//! Wiring of `sweep-accounts`: settings, clients, serve.

use berth_aws::{Sessions, shared_config};
use berth_config::PlatformConfig;
use berth_ledger::Ledger;
use berth_step::{Settings, serve};
use jiff::Timestamp;
use sweep_accounts::{Limits, SweepAccounts};

berth_step::settings! {
    /// Settings of this function.
    struct SweepSettings {
        table: String = "BERTH_LEDGER_TABLE",
        external_id: String = "BERTH_EXTERNAL_ID",
        platform: String = "BERTH_PLATFORM",
        state_machine: String = "BERTH_STATE_MACHINE_ARN",
        offboarding_machine: String = "BERTH_OFFBOARDING_MACHINE_ARN",
        bus: String = "BERTH_BUS",
        missing: u32 = "BERTH_SWEEP_MISSING_AFTER_MINUTES",
        stuck: u32 = "BERTH_SWEEP_STUCK_AFTER_MINUTES",
        failed: u32 = "BERTH_SWEEP_FAILED_AFTER_MINUTES",
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let settings: SweepSettings = Settings::from_env().load()?;
    let SweepSettings { table, external_id, platform, state_machine, offboarding_machine, bus, missing, stuck, failed } =
        settings;
    let config = shared_config().await;
    let function = SweepAccounts {
        platform: PlatformConfig::load(platform.as_ref()),
        sessions: Sessions::new(&config, external_id),
        ledger: Ledger::new(aws_sdk_dynamodb::Client::new(&config), table),
        step_functions: aws_sdk_sfn::Client::new(&config),
        event_bridge: aws_sdk_eventbridge::Client::new(&config),
        state_machine,
        offboarding_machine,
        bus,
        limits: Limits::of_minutes(missing, stuck, failed),
    };
    let function = &function;
    serve("sweep-accounts", |input| function.handle(input, Timestamp::now())).await
}
