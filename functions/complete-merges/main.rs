//! Wiring of `complete-merges`: settings, clients, serve.

use std::sync::Arc;

use berth_approval::Answers;
use berth_aws::shared_config;
use berth_ledger::Ledger;
use berth_repository::Repository;
use berth_step::{Settings, serve};
use complete_merges::CompleteMerges;
use jiff::Timestamp;

berth_step::settings! {
    /// Settings of this function.
    struct MergeSettings {
        table: String = "BERTH_LEDGER_TABLE",
        queue: String = "BERTH_COMMITS_QUEUE_URL",
        url: String = "BERTH_GITOPS_URL",
        branch: String = "BERTH_GITOPS_BRANCH",
        secret: String = "BERTH_GITOPS_SECRET",
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let MergeSettings { table, queue, url, branch, secret } = Settings::from_env().load()?;
    let config = shared_config().await;
    let secrets = aws_sdk_secretsmanager::Client::new(&config);
    let function = CompleteMerges {
        answers: Answers {
            ledger: Ledger::new(aws_sdk_dynamodb::Client::new(&config), table),
            step_functions: aws_sdk_sfn::Client::new(&config),
        },
        queues: aws_sdk_sqs::Client::new(&config),
        queue,
        repository: Repository::new(secrets, url, branch, secret, Arc::new(|| Timestamp::now().as_second())),
    };
    let function = &function;
    serve("complete-merges", |input| function.handle(input, Timestamp::now())).await
}
