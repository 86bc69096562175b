//! Which host it is: the secret says so, because each host signs in with another one.

use std::sync::Arc;

use serde_json::Value;

use crate::{
    Credentials, GitHubApp, GitHubRepo, GitHubSettings, GitLimits, GitRepo, GitSettings, MalformedSecret, Proposals,
    RepoError,
};

/// Tells the time in seconds since 1970-01-01 UTC. The caller's `main.rs` gives it.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// A host of the tenant repository.
pub type Host = Arc<dyn Proposals>;

/// What proves who we are, by host. `Debug` is redacted.
#[derive(Debug, Clone)]
pub enum HostSecret {
    /// Any git server.
    Git(Credentials),
    /// GitHub, as an App.
    GitHub(Box<GitHubApp>),
}

impl HostSecret {
    /// Reads the text of the secret (Secrets Manager `GetSecretValue`, `SecretString`). One with a private key is a
    /// GitHub App's.
    ///
    /// # Errors
    /// [`MalformedSecret`] for anything that no host takes; the parser's own error is dropped, because it quotes what it
    /// read.
    pub fn parse(secret: &str) -> Result<Self, MalformedSecret> {
        let value: Value = serde_json::from_str(secret).map_err(|_| MalformedSecret)?;
        if value.get("privateKey").is_none() {
            return Credentials::from_secret(secret).map(Self::Git);
        }
        let both = ["username", "password", "token"].iter().any(|key| value.get(key).is_some());
        if both { Err(MalformedSecret) } else { GitHubApp::from_json(&value).map(|app| Self::GitHub(Box::new(app))) }
    }
}

/// Opens the repository at `url` with what the secret is for.
///
/// # Errors
/// [`RepoError::Invalid`] if the address or the branch does not fit.
pub fn open(secret: HostSecret, url: &str, branch: &str, clock: Clock) -> Result<Host, RepoError> {
    let (url, branch, limits) = (url.to_owned(), branch.to_owned(), GitLimits::default());
    Ok(match secret {
        HostSecret::Git(credentials) => Arc::new(GitRepo::open(&GitSettings { url, branch, credentials, limits })?),
        HostSecret::GitHub(app) => {
            Arc::new(GitHubRepo::open(&GitHubSettings { url, branch, app: *app, clock, limits })?)
        }
    })
}
