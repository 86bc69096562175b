//! Wiring of `detect-drift`: settings, clients, serve.

use berth_aws::shared_config;
use berth_config::PlatformConfig;
use berth_ledger::Ledger;
use berth_step::{Settings, serve};
use detect_drift::DetectDrift;
use jiff::Timestamp;

berth_step::settings! {
    /// Settings of this function.
    struct DriftSettings {
        table: String = "BERTH_LEDGER_TABLE",
        platform: String = "BERTH_PLATFORM",
        state_machine: String = "BERTH_STATE_MACHINE_ARN",
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let DriftSettings { table, platform, state_machine } = Settings::from_env().load()?;
    let config = shared_config().await;
    let function = DetectDrift {
        platform: PlatformConfig::load(platform.as_ref()),
        ledger: Ledger::new(aws_sdk_dynamodb::Client::new(&config), table),
        step_functions: aws_sdk_sfn::Client::new(&config),
        state_machine,
    };
    let function = &function;
    serve("detect-drift", |input| function.handle(input, Timestamp::now())).await
}
