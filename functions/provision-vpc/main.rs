//! Wiring of `provision-vpc`: settings, clients, serve.

use berth_aws::{Sessions, shared_config};
use berth_ledger::Ledger;
use berth_step::{Settings, serve_old_step};
use jiff::Timestamp;
use provision_vpc::ProvisionVpc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let mut settings = Settings::from_env();
    let (table, external_id) = (settings.required("BERTH_LEDGER_TABLE"), settings.required("BERTH_EXTERNAL_ID"));
    let settled_seconds = settings.required("BERTH_VPC_SETTLED_SECONDS");
    let ((table, external_id), settled_seconds): ((String, String), i64) =
        settings.finish(table.zip(external_id).zip(settled_seconds))?;
    let config = shared_config().await;
    let ledger = Ledger::new(aws_sdk_dynamodb::Client::new(&config), table);
    let step = ProvisionVpc::new(Sessions::new(&config, external_id), ledger.clone(), settled_seconds, Timestamp::now);
    serve_old_step("provision-vpc", step, ledger).await
}
