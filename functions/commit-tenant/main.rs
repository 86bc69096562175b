//! Wiring of `commit-tenant`: settings, clients, serve.

use std::sync::Arc;

use berth_aws::shared_config;
use berth_gitops::{Authorship, Jitter};
use berth_ledger::Ledger;
use berth_repository::{Repository, authorship};
use berth_step::{Settings, serve};
use commit_tenant::CommitTenant;
use jiff::Timestamp;

berth_step::settings! {
    /// Settings of this function.
    struct CommitSettings {
        table: String = "BERTH_LEDGER_TABLE",
        url: String = "BERTH_GITOPS_URL",
        branch: String = "BERTH_GITOPS_BRANCH",
        secret: String = "BERTH_GITOPS_SECRET",
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let CommitSettings { table, url, branch, secret } = Settings::from_env().load()?;
    let config = shared_config().await;
    let secrets = aws_sdk_secretsmanager::Client::new(&config);
    let function = CommitTenant {
        ledger: Ledger::new(aws_sdk_dynamodb::Client::new(&config), table),
        step_functions: aws_sdk_sfn::Client::new(&config),
        repository: Repository::new(secrets, url, branch, secret, Arc::new(|| Timestamp::now().as_second())),
        now: Timestamp::now,
    };
    let (function, by) = (&function, &authorship(0)?);
    serve("commit-tenant", |batch| {
        let now = Timestamp::now();
        let by = Authorship { time_unix_seconds: now.as_second(), ..by.clone() };
        let jitter = Jitter::from_seed(u64::from(now.subsec_nanosecond().unsigned_abs()));
        function.handle(batch, by, jitter)
    })
    .await
}
