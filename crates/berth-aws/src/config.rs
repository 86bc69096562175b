//! The one SDK configuration of a process: pinned behaviour, retries and time limits.

use std::time::Duration;

use aws_config::{
    BehaviorVersion, ConfigLoader, SdkConfig,
    environment::{EnvironmentVariableCredentialsProvider, EnvironmentVariableRegionProvider},
    retry::RetryConfig,
    timeout::TimeoutConfig,
};

use crate::http::Http;

/// Longest that making a connection may take: the SDK's own default.
pub const CONNECT_MAX: Duration = Duration::from_millis(3_100);

/// Longest that one attempt of a call may take. Three attempts and their pauses fit into the shortest function time-out.
const ATTEMPT_SECONDS_MAX: u64 = 8;

/// Attempts of one call, the first included. More would hide throttling from the state machine, which waits without
/// paying for a running function.
const ATTEMPTS_MAX: u32 = 3;

/// The configuration that every client of a function is made from. Its HTTP client is shared by all of them.
///
/// Credentials and region come from the environment, as Lambda sets it, and from nowhere else: a function that lacks
/// them must not look for a profile or ask a metadata service.
pub async fn shared_config() -> SdkConfig {
    let http = Http::new(CONNECT_MAX);
    let config = patient(aws_config::defaults(BehaviorVersion::v2026_01_12()))
        .http_client(http.shared())
        .credentials_provider(EnvironmentVariableCredentialsProvider::new())
        .region(EnvironmentVariableRegionProvider::new())
        .load()
        .await;
    if config.endpoint_url().is_none_or(|url| !url.starts_with("http:")) {
        http.prepare_tls();
    }
    config
}

/// Retries and time limits, which are the same for a function and for a person's program.
#[must_use]
pub fn patient(loader: ConfigLoader) -> ConfigLoader {
    let limits = TimeoutConfig::builder()
        .connect_timeout(CONNECT_MAX)
        .operation_attempt_timeout(Duration::from_secs(ATTEMPT_SECONDS_MAX));
    loader.retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS_MAX)).timeout_config(limits.build())
}
