//! Wiring of `plan-offboarding`: settings, clients, serve.

use berth_aws::{Sessions, shared_config};
use berth_config::PlatformConfig;
use berth_ledger::Ledger;
use berth_step::{Settings, serve};
use jiff::Timestamp;
use plan_offboarding::PlanOffboarding;

berth_step::settings! {
    /// Settings of this function.
    struct PlanSettings {
        table: String = "BERTH_LEDGER_TABLE",
        external_id: String = "BERTH_EXTERNAL_ID",
        platform: String = "BERTH_PLATFORM",
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let PlanSettings { table, external_id, platform } = Settings::from_env().load()?;
    let platform = PlatformConfig::load(platform.as_ref());
    let config = shared_config().await;
    let step = PlanOffboarding {
        platform,
        sessions: Sessions::new(&config, external_id),
        ledger: Ledger::new(aws_sdk_dynamodb::Client::new(&config), table),
        step_functions: aws_sdk_sfn::Client::new(&config),
    };
    let step = &step;
    serve("plan-offboarding", |input| step.handle(input, Timestamp::now())).await
}
