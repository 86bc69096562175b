//! The GitOps repository of a deployment: opened once with the secret's credentials, and again when they change.
//!
//! ```
//! use berth_gitops::Clock;
//! use berth_repository::{CommitFailure, Repository};
//!
//! /// Whether the repository can be used with the secret `berth/gitops`.
//! async fn is_open(secrets: aws_sdk_secretsmanager::Client, clock: Clock) -> Result<(), CommitFailure> {
//!     let url = "https://git.example.com/berth/tenants.git".to_owned();
//!     let repository = Repository::new(secrets, url, "main".to_owned(), "berth/gitops".to_owned(), clock);
//!     repository.open().await.map(drop)
//! }
//! ```
#![warn(missing_docs)]

mod check;
mod fault;

use std::sync::Arc;

use aws_sdk_secretsmanager::Client;
use berth_aws::{CallFailure, SdkResultExt};
use berth_gitops::{Authorship, Clock, GitIdentity, Host, HostSecret, RepoError};
use berth_step::{Fault, StepError};
use berth_tenancy::AccountId;
use tokio::sync::Mutex;

/// Who the commits are by.
const AUTHOR: (&str, &str) = ("Berth", "berth@berth.dev");

/// Berth, as who it commits at this time.
///
/// # Errors
/// Never: the name fits.
pub fn authorship(time_unix_seconds: i64) -> Result<Authorship, RepoError> {
    let author = GitIdentity::new(AUTHOR.0, AUTHOR.1)?;
    Ok(Authorship { author: author.clone(), committer: author, time_unix_seconds })
}

/// Where the repository is, and the open one.
pub struct Repository {
    secrets: Client,
    url: String,
    branch: String,
    secret: String,
    clock: Clock,
    open: Mutex<Option<Host>>,
}

/// Why there is no repository to commit to, or no commit.
#[derive(Debug)]
pub enum CommitFailure {
    /// The secret cannot be read or used.
    Secret(StepError),
    /// The repository said so.
    Repository(RepoError),
}

impl CommitFailure {
    /// The fault for one account of the batch.
    #[must_use]
    pub fn for_account(&self, account: &AccountId) -> StepError {
        match self {
            Self::Repository(error) => fault::of(error, account),
            Self::Secret(error) => {
                StepError::new(error.fault, error.message.clone()).hint(error.hint.clone()).for_account(account)
            }
        }
    }
}

impl CommitFailure {
    /// The fault where it is about no account.
    #[must_use]
    pub fn for_nobody(self) -> StepError {
        match self {
            Self::Repository(error) => fault::of_nobody(&error),
            Self::Secret(error) => error,
        }
    }
}

impl std::fmt::Debug for Repository {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Repository").field("url", &self.url).field("branch", &self.branch).finish_non_exhaustive()
    }
}

impl Repository {
    /// The repository at `url`; `secret` is the name or ARN of the secret with its credentials, which also say which
    /// kind of host it is.
    #[must_use]
    pub fn new(secrets: Client, url: String, branch: String, secret: String, clock: Clock) -> Self {
        Self { secrets, url, branch, secret, clock, open: Mutex::new(None) }
    }

    /// The repository, opened at the first call. [Secrets Manager `GetSecretValue`]
    ///
    /// # Errors
    /// [`CommitFailure`] says which of the two could not be used.
    pub async fn open(&self) -> Result<Host, CommitFailure> {
        let mut open = self.open.lock().await;
        if let Some(repo) = open.as_ref() {
            return Ok(Arc::clone(repo));
        }
        let secret = self.secret().await.map_err(CommitFailure::Secret)?;
        let repo = berth_gitops::open(secret, &self.url, &self.branch, Arc::clone(&self.clock));
        let repo = repo.map_err(CommitFailure::Repository)?;
        *open = Some(Arc::clone(&repo));
        Ok(repo)
    }

    /// Whether the credentials were refused. They may have been renewed since this copy of the function read them: the
    /// next [`Self::open`] reads the secret again, so that once more is worth a try.
    pub async fn was_refused<T: Sync>(&self, outcome: &Result<T, CommitFailure>) -> bool {
        let is_refused = matches!(outcome, Err(CommitFailure::Repository(RepoError::Unauthorized { .. })));
        if is_refused {
            *self.open.lock().await = None;
        }
        is_refused
    }

    async fn secret(&self) -> Result<HostSecret, StepError> {
        let answer = self.secrets.get_secret_value().secret_id(&self.secret).send().await;
        let answer = answer.named("secretsmanager:GetSecretValue").map_err(secret_fault)?;
        HostSecret::parse(answer.secret_string().unwrap_or_default()).map_err(|malformed| {
            StepError::new(Fault::InvalidInput, format!("the secret of the GitOps repository: {malformed}"))
                .hint("put one of the forms of docs/gitops.md into the secret that BERTH_GITOPS_SECRET names")
        })
    }
}

/// The fault of a secret that cannot be read.
fn secret_fault(failure: CallFailure) -> StepError {
    match failure.code() {
        Some("ResourceNotFoundException" | "InvalidRequestException") => {
            failure.as_fault(Fault::InvalidInput, "make the secret that BERTH_GITOPS_SECRET names")
        }
        Some("DecryptionFailure") => failure.as_fault(Fault::Denied, "allow kms:Decrypt on the secret's key"),
        _ => failure.or_common(),
    }
}
