//! Wiring of `decide-approval`: settings, clients, serve.

use aws_sdk_sfn::Client as StepFunctions;
use berth_approval::Answers;
use berth_aws::shared_config;
use berth_ledger::Ledger;
use berth_step::{Settings, serve};
use decide_approval::{DecideApproval, Sts};
use jiff::Timestamp;

berth_step::settings! {
    /// Settings of this function.
    struct DecideSettings {
        table: String = "BERTH_LEDGER_TABLE",
        state_machine: String = "BERTH_STATE_MACHINE_ARN",
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let DecideSettings { table, state_machine } = Settings::from_env().load()?;
    let config = shared_config().await;
    let region = config.region().map(AsRef::as_ref).unwrap_or_default();
    let function = DecideApproval {
        answers: Answers {
            ledger: Ledger::new(aws_sdk_dynamodb::Client::new(&config), table),
            step_functions: StepFunctions::new(&config),
        },
        sts: Sts::new(region, config.endpoint_url())?,
        state_machine,
    };
    let function = &function;
    serve("decide-approval", |input| function.handle(input, Timestamp::now())).await
}
