//! The one SDK configuration of a process: pinned behaviour, retries and time limits.

use std::time::Duration;

use aws_config::{BehaviorVersion, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::http::SharedHttpClient;

use crate::counted::Counted;

/// Longest that one attempt of a call may take. Three attempts and their pauses fit into the shortest function time-out.
const ATTEMPT_SECONDS_MAX: u64 = 8;

/// Attempts of one call, the first included. More would hide throttling from the state machine, which waits without
/// paying for a running function.
const ATTEMPTS_MAX: u32 = 3;

/// The configuration that every client of this process is made from. Its HTTP client is shared by all of them.
///
/// Credentials and region come from the environment, as Lambda sets it.
pub async fn shared_config() -> SdkConfig {
    let http_client = Builder::new().tls_provider(Provider::Rustls(CryptoMode::AwsLc)).build_https();
    aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(SharedHttpClient::new(Counted(http_client)))
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS_MAX))
        .timeout_config(
            TimeoutConfig::builder().operation_attempt_timeout(Duration::from_secs(ATTEMPT_SECONDS_MAX)).build(),
        )
        .load()
        .await
}
