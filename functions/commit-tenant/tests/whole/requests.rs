//! Requests as the state machine sends them, and a function that takes them.

use std::sync::Arc;

use berth_gitops::{Authorship, GitIdentity, Jitter};
use berth_ledger::Ledger;
use berth_repository::Repository;
use berth_step::Batch;
use commit_tenant::CommitTenant;
use serde_json::{Value, json};

use crate::{
    aws::Aws,
    git::{GitServer, PASSWORD, Repository as Bare, USER},
};

/// A git server, a stand-in for AWS, and one copy of the function.
pub(crate) struct Whole {
    pub(crate) git: GitServer,
    pub(crate) aws: Aws,
    pub(crate) function: CommitTenant,
}

/// The account with this number.
pub(crate) fn account(number: usize) -> String {
    format!("{:012}", 100_000_000_000 + number)
}

/// The request of the account with this number: tenant `team-<number>`.
pub(crate) fn request(number: usize) -> Value {
    let (account, execution) = (account(number), execution(number));
    json!({
        "taskToken": token(number),
        "run": {
            "accountId": account, "accountName": format!("team-{number}-dev"), "tenant": format!("team-{number}"),
            "environment": "dev", "execution": execution, "generation": 1, "mode": "apply",
            "tenantRole": "BerthTenant",
        },
        "gitOps": {
            "cluster": "dev-1", "clusterRegion": "eu-west-1", "path": "is not taken from here",
            "delivery": "push", "answerSecondsMax": 3600,
            "contactEmail": "team@example.com", "costCenter": "cc-1", "ownerGroups": ["leads"],
        },
        "regions": [{
            "region": "eu-west-1", "vpcId": "vpc-0000000000000000a", "cidr": "10.16.16.0/20", "duplicateVpcs": [],
            "attachmentId": "tgw-attach-0000000000000000a", "isolation": {}, "changes": [],
        }],
        "roles": [{ "name": "developer", "arn": format!("arn:aws:iam::{account}:role/developer"), "access": "edit" }],
    })
}

pub(crate) fn token(number: usize) -> String {
    format!("token-{number}")
}

pub(crate) fn execution(number: usize) -> String {
    format!("arn:aws:states:us-east-1:210987654321:execution:berth-onboard-account:{}-g1", account(number))
}

/// The ledger's record of an account whose onboarding holds the lease.
pub(crate) fn record(number: usize) -> Value {
    json!({
        "accountId": account(number), "status": "running", "generation": 1, "lease": execution(number),
        "executionArn": execution(number), "since": "2026-01-01T00:00:00Z",
    })
}

/// A batch as Lambda delivers it.
pub(crate) fn batch(requests: impl IntoIterator<Item = Value>) -> Batch {
    let message =
        |(index, request): (usize, Value)| json!({ "messageId": format!("m{index}"), "body": request.to_string() });
    let messages: Vec<Value> = requests.into_iter().enumerate().map(message).collect();
    serde_json::from_value(json!({ "Records": messages })).unwrap()
}

impl Whole {
    /// With the leases of the accounts below `accounts`.
    pub(crate) fn start(accounts: usize) -> Self {
        let git = GitServer::start(Bare::new());
        let aws = Aws::start(json!({ "username": USER, "password": PASSWORD }));
        for number in 0..accounts {
            aws.put(record(number));
        }
        let function = function(&aws, git.url());
        Self { git, aws, function }
    }

    /// Another copy of the function, as Lambda runs several.
    pub(crate) fn copy(&self) -> CommitTenant {
        function(&self.aws, self.git.url())
    }

    /// Gives the function one batch; the ids of the messages that go back to the queue.
    pub(crate) async fn take(&self, batch: Batch) -> Vec<String> {
        handle(&self.function, batch, 1).await
    }
}

/// Gives a function one batch; the ids of the messages that go back to the queue.
pub(crate) async fn handle(function: &CommitTenant, batch: Batch, seed: u64) -> Vec<String> {
    let berth = GitIdentity::new("Berth", "berth@example.com").unwrap();
    let by = Authorship { author: berth.clone(), committer: berth, time_unix_seconds: 1_790_000_000 };
    let answer = function.handle(batch, by, Jitter::from_seed(seed)).await.unwrap();
    let answer = serde_json::to_value(&answer).unwrap();
    let failures = answer["batchItemFailures"].as_array().unwrap();
    failures.iter().map(|failure| failure["itemIdentifier"].as_str().unwrap().to_owned()).collect()
}

macro_rules! client {
    ($aws:expr, $sdk:ident) => {{
        let (endpoint, keys, region, version) = $aws.endpoint();
        let config = $sdk::config::Builder::new().behavior_version(version).region(region).credentials_provider(keys);
        $sdk::Client::from_conf(config.endpoint_url(endpoint).build())
    }};
}

fn function(aws: &Aws, url: String) -> CommitTenant {
    CommitTenant {
        ledger: Ledger::new(client!(aws, aws_sdk_dynamodb), "berth-ledger".to_owned()),
        step_functions: client!(aws, aws_sdk_sfn),
        repository: Repository::new(
            client!(aws, aws_sdk_secretsmanager),
            url,
            "main".to_owned(),
            "secret".to_owned(),
            Arc::new(|| 1_790_000_000),
        ),
        now: || jiff::Timestamp::UNIX_EPOCH,
    }
}
