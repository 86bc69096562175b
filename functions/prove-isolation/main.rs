//! Wiring of `prove-isolation`: settings, clients, serve.

use berth_aws::{Sessions, shared_config};
use berth_config::PlatformConfig;
use berth_ledger::Ledger;
use berth_step::{Settings, serve};
use jiff::Timestamp;
use prove_isolation::ProveIsolation;

berth_step::settings! {
    /// Settings of this function.
    struct ProofSettings {
        table: String = "BERTH_LEDGER_TABLE",
        external_id: String = "BERTH_EXTERNAL_ID",
        platform: String = "BERTH_PLATFORM",
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let settings: ProofSettings = Settings::from_env().load()?;
    let ProofSettings { table, external_id, platform } = settings;
    let config = shared_config().await;
    let function = ProveIsolation {
        platform: PlatformConfig::load(platform.as_ref()),
        sessions: Sessions::new(&config, external_id),
        ledger: Ledger::new(aws_sdk_dynamodb::Client::new(&config), table),
    };
    let function = &function;
    serve("prove-isolation", |input| function.handle(input, Timestamp::now())).await
}
