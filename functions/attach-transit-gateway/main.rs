//! Wiring of `attach-transit-gateway`: settings, clients, serve.

use attach_transit_gateway::AttachTransitGateway;
use berth_aws::{Sessions, shared_config};
use berth_ledger::Ledger;
use berth_step::{Settings, serve_old_step};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let mut settings = Settings::from_env();
    let (table, external_id) = (settings.required("BERTH_LEDGER_TABLE"), settings.required("BERTH_EXTERNAL_ID"));
    let (table, external_id): (String, String) = settings.finish(table.zip(external_id))?;
    let config = shared_config().await;
    let ledger = Ledger::new(aws_sdk_dynamodb::Client::new(&config), table);
    serve_old_step("attach-transit-gateway", AttachTransitGateway::new(Sessions::new(&config, external_id)), ledger)
        .await
}
