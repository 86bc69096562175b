//! A branch on GitHub, as a GitHub App: short-lived tokens for one repository, and one atomic commit of many files.
//!
//! A read is one GraphQL request: the branch's head and, at that very commit, what is at each path and at each folder
//! above it. A commit is one `createCommitOnBranch` with the expected head, which is GitHub's compare-and-swap; GitHub
//! signs it, so it shows as verified. Nothing here sleeps: a wait that GitHub asks for is an error with its seconds, and
//! until it is over nothing more is asked.

mod address;
mod api;
mod app;
mod graphql;
mod proposing;
mod reading;

use std::collections::BTreeSet;

use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

pub use self::app::GitHubApp;
use self::{address::Address, api::Api};
use crate::{
    Authorship, Change, Clock, CommitId, CommitOutcome, GitLimits, RepoError, RepoPath, Snapshot, TenantRepo,
    git::http::Failure,
};

/// The most bytes of files in one commit, in base64. GitHub cuts requests off that take it too long.
const COMMIT_BYTES_MAX: usize = 20 << 20;

/// Where the repository is, and who we are there.
#[derive(Clone)]
pub struct GitHubSettings {
    /// The address that people clone from: `https://github.com/owner/repository`, or that of a GitHub Enterprise host.
    /// Plain `http` is only for this machine.
    pub url: String,
    /// The branch that is read and committed to, without `refs/heads/`.
    pub branch: String,
    /// Who we are.
    pub app: GitHubApp,
    /// The time, for proofs and for the end of tokens: nothing here reads a clock by itself.
    pub clock: Clock,
    /// How much and how long.
    pub limits: GitLimits,
}

impl std::fmt::Debug for GitHubSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GitHubSettings").field("url", &self.url).field("branch", &self.branch).finish_non_exhaustive()
    }
}

/// A branch of a repository on GitHub.
pub struct GitHubRepo {
    api: Api,
    limits: GitLimits,
}

impl GitHubRepo {
    /// Gets ready; GitHub is asked nothing yet. Keep it between invocations: it keeps the token.
    ///
    /// # Errors
    /// [`RepoError::Invalid`] if a setting is not usable.
    pub fn open(settings: &GitHubSettings) -> Result<Self, RepoError> {
        let address = Address::of(&settings.url, &settings.branch)?;
        let api = Api::new(address, settings.app.clone(), settings.clock.clone(), settings.limits)?;
        Ok(Self { api, limits: settings.limits })
    }

    /// Commits to any branch of the repository. [GitHub GraphQL `createCommitOnBranch`]
    async fn commit_to(
        &self,
        branch: &str,
        expected: &CommitId,
        changes: &[Change],
        message: &str,
    ) -> Result<CommitId, Failure> {
        let input = commit_input(&self.api.address, branch, expected, changes, message).map_err(Failure::Clear)?;
        let answer = self.api.graphql("take the commit", &graphql::commit(&input)).await?;
        let data = graphql::data(&self.api, &answer, true).await?;
        let commit = data.pointer("/createCommitOnBranch/commit").cloned().unwrap_or_default();
        reading::oid(&commit).map_err(Failure::Uncertain)
    }

    /// Looks for a commit whose answer was lost: at the branch's head or right below it, on the expected parent, with
    /// our message, which names executions.
    async fn landed(&self, expected: &CommitId, message: &str) -> Option<CommitId> {
        let head = reading::at(&self.api, None, &[]).await.ok()?;
        let is_ours = |commit: &&Value| {
            let said = commit.get("message").and_then(Value::as_str).unwrap_or_default();
            let above = reading::parents(commit).unwrap_or_default();
            said.trim() == message.trim() && above.first() == Some(expected)
        };
        let below = head.pointer("/parents/nodes").and_then(Value::as_array).into_iter().flatten();
        let found = std::iter::once(&head).chain(below).find(is_ours)?;
        reading::oid(found).ok()
    }
}

#[async_trait]
impl TenantRepo for GitHubRepo {
    async fn read(&self, paths: &BTreeSet<RepoPath>) -> Result<Snapshot, RepoError> {
        reading::snapshot(&self.api, &self.limits, paths).await
    }

    /// GitHub writes its own names into the commit, so `by` does not count.
    async fn commit(
        &self,
        expected: &CommitId,
        changes: &[Change],
        message: &str,
        _: &Authorship,
    ) -> Result<CommitOutcome, RepoError> {
        let branch = self.api.address.branch.clone();
        match self.commit_to(&branch, expected, changes, message).await {
            Ok(sha) => Ok(CommitOutcome { sha }),
            Err(Failure::Clear(error)) => Err(error),
            Err(Failure::Uncertain(error)) => match self.landed(expected, message).await {
                Some(sha) => Ok(CommitOutcome { sha }),
                None => Err(RepoError::AnswerLost { attempted: None, source: Box::new(error) }),
            },
        }
    }
}

fn commit_input(
    address: &Address,
    branch: &str,
    expected: &CommitId,
    changes: &[Change],
    message: &str,
) -> Result<Value, RepoError> {
    if message.trim().is_empty() || message.contains('\0') {
        return Err(RepoError::Invalid("a commit needs a message, without NUL"));
    }
    let (mut additions, mut deletions, mut bytes_in_all) = (Vec::new(), Vec::new(), 0_usize);
    for change in changes {
        match change {
            Change::Write { path, bytes } => {
                let contents = STANDARD.encode(bytes);
                bytes_in_all = bytes_in_all.saturating_add(contents.len());
                additions.push(json!({ "path": path.as_str(), "contents": contents }));
            }
            Change::Delete { path } => deletions.push(json!({ "path": path.as_str() })),
        }
    }
    if bytes_in_all > COMMIT_BYTES_MAX {
        return Err(RepoError::TooLarge { what: "the commit", limit_bytes: COMMIT_BYTES_MAX });
    }
    let (headline, body) = message.split_once('\n').unwrap_or((message, ""));
    Ok(json!({
        "branch": { "repositoryNameWithOwner": format!("{}/{}", address.owner, address.name), "branchName": branch },
        "expectedHeadOid": expected.as_str(),
        "message": { "headline": headline.trim(), "body": body.trim() },
        "fileChanges": { "additions": additions, "deletions": deletions },
    }))
}
