//! Wiring of `plan-onboarding`: settings, clients, serve.

use berth_aws::{Sessions, shared_config};
use berth_config::PlatformConfig;
use berth_ledger::Ledger;
use berth_step::{Settings, serve};
use jiff::Timestamp;
use plan_onboarding::PlanOnboarding;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let mut settings = Settings::from_env();
    let table = settings.required("BERTH_LEDGER_TABLE");
    let external_id = settings.required("BERTH_EXTERNAL_ID");
    let platform = settings.required::<String>("BERTH_PLATFORM");
    let ((table, external_id), platform) = settings.finish(table.zip(external_id).zip(platform))?;
    let platform = PlatformConfig::load(platform.as_ref());
    let config = shared_config().await;
    let step = PlanOnboarding {
        platform,
        sessions: Sessions::new(&config, external_id),
        ledger: Ledger::new(aws_sdk_dynamodb::Client::new(&config), table),
        step_functions: aws_sdk_sfn::Client::new(&config),
    };
    let step = &step;
    serve("plan-onboarding", |input| step.handle(input, Timestamp::now())).await
}
