//! Wiring of `ask-approval`: settings, clients, serve.

use ask_approval::AskApproval;
use aws_sdk_eventbridge::Client as EventBridge;
use aws_sdk_sfn::Client as StepFunctions;
use berth_aws::shared_config;
use berth_ledger::Ledger;
use berth_step::{Settings, serve};
use jiff::Timestamp;

berth_step::settings! {
    /// Settings of this function.
    struct AskSettings {
        table: String = "BERTH_LEDGER_TABLE",
        bus: String = "BERTH_BUS",
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let AskSettings { table, bus } = Settings::from_env().load()?;
    let config = shared_config().await;
    let function = AskApproval {
        ledger: Ledger::new(aws_sdk_dynamodb::Client::new(&config), table),
        step_functions: StepFunctions::new(&config),
        event_bridge: EventBridge::new(&config),
        bus,
    };
    let function = &function;
    serve("ask-approval", |input| function.handle(input, Timestamp::now())).await
}
