//! Everything that can go wrong with a repository, told apart by what to do about it.

use std::{error::Error, fmt};

use crate::{CommitId, RepoPath};

/// What a host can answer besides success. `Display` holds neither credentials nor the text of its source.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RepoError {
    /// The head was not the expected one: somebody else was faster. Read again, edit again, commit again.
    #[error("the branch moved while the commit was made{}", because(reason.as_deref()))]
    LostRace {
        /// What the server said, if it was asked.
        reason: Option<String>,
    },
    /// The server took the commit and refused it: a hook, or branch protection (`ng` in git's report-status). The branch
    /// was looked at afterwards, and still is where it was.
    #[error("the git server refused the commit: {reason}")]
    Rejected {
        /// What the server said, on one line.
        reason: String,
    },
    /// The server refuses what it is asked for, in its own words: a right that is missing (git's `ERR`, which comes with
    /// HTTP 200), or a request that it does not take (HTTP 4xx).
    #[error("the git server refused to {what}: {reason}")]
    Refused {
        /// What the server was asked to do.
        what: &'static str,
        /// What the server said, on one line.
        reason: String,
    },
    /// The commit was sent, and no answer came that can be understood. It may be there, or not: read the head.
    #[error("the git server's answer to the commit was lost")]
    AnswerLost {
        /// The commit that was sent, where the host knows it beforehand.
        attempted: Option<CommitId>,
        /// What went wrong with the answer.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The credentials are wrong, expired, or do not allow this (HTTP 401, or 403 without `Retry-After`).
    #[error("the git server refused the credentials (HTTP {status}){}", because(said.as_deref()))]
    Unauthorized {
        /// The HTTP status.
        status: u16,
        /// What the server said, on one line.
        said: Option<String>,
    },
    /// Too many requests (HTTP 429; 403 or 503 with `Retry-After`).
    #[error("the git server asks to slow down (HTTP {status}{})", after(*retry_after_seconds))]
    Throttled {
        /// The HTTP status.
        status: u16,
        /// How long the server wants us to wait. `None` if it does not say so in seconds.
        retry_after_seconds: Option<u64>,
    },
    /// There is no such repository, or no such branch. An empty repository has no branch.
    #[error("{0}")]
    NotFound(Missing),
    /// Something other than a regular file is in the way. The text says where.
    #[error("{path} is refused: {refusal}")]
    RefusedPath {
        /// The path that was to be written.
        path: RepoPath,
        /// What is in its way.
        refusal: Refusal,
    },
    /// The edit wants to change a path that the batch did not read: a mistake in the caller.
    #[error("{path} is changed, but was not read before")]
    UnreadPath {
        /// The path.
        path: RepoPath,
    },
    /// The server sends more than we are ready to hold.
    #[error("{what} is larger than {limit_bytes} bytes")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// The limit that it is over.
        limit_bytes: usize,
    },
    /// The server could not be reached, broke off, or had a failure of its own. Nothing was changed.
    #[error("the git server could not {what}{}", status_of(*status))]
    Transport {
        /// What the server was asked to do.
        what: &'static str,
        /// The HTTP status, if there was an answer.
        status: Option<u16>,
        /// The failure underneath, without the address.
        source: Option<Box<dyn Error + Send + Sync>>,
    },
    /// The server does not speak git's protocol as we know it.
    #[error("the git server's answer makes no sense: {0}")]
    Protocol(String),
    /// A setting or an argument is not usable. It never quotes the value.
    #[error("{0}")]
    Invalid(&'static str),
}

impl RepoError {
    /// Whether the same call may succeed in a moment, without anybody doing anything.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::LostRace { .. } | Self::AnswerLost { .. } | Self::Transport { .. })
    }
}

/// What does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Missing {
    /// The server knows no repository at this address, or hides it from these credentials (HTTP 404).
    #[error("there is no git repository at this address, or these credentials may not see it")]
    Repository,
    /// The repository has no such branch.
    #[error("the branch does not exist; an empty repository needs a first commit made by hand")]
    Branch,
}

/// Why a path is not read and not written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The path itself, or the parent of it, that is in the way.
    pub at: String,
    /// What is there.
    pub found: RefusedKind,
}

/// What can be in the way of a tenant's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusedKind {
    /// A symbolic link, which could lead anywhere.
    Symlink,
    /// A submodule (gitlink).
    Submodule,
    /// A directory where the file should be.
    Directory,
    /// A file where a directory should be.
    File,
    /// A regular file that is larger than we read.
    TooLarge,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = match self.found {
            RefusedKind::Symlink => "a symbolic link",
            RefusedKind::Submodule => "a submodule",
            RefusedKind::Directory => "a directory",
            RefusedKind::File => "a file and not a directory",
            RefusedKind::TooLarge => "too large",
        };
        write!(f, "{} is {found}", self.at)
    }
}

fn because(reason: Option<&str>) -> String {
    reason.map(|reason| format!(" (server: {reason})")).unwrap_or_default()
}

fn after(seconds: Option<u64>) -> String {
    seconds.map(|seconds| format!(", for {seconds} s")).unwrap_or_default()
}

fn status_of(status: Option<u16>) -> String {
    status.map(|status| format!(" (HTTP {status})")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_never_includes_the_source() {
        let lost = RepoError::AnswerLost { attempted: None, source: "canary".into() };
        let cut = RepoError::Transport { what: "list the branch", status: Some(502), source: Some("canary".into()) };
        assert!(!lost.to_string().contains("canary") && !cut.to_string().contains("canary"));
        assert_eq!(cut.to_string(), "the git server could not list the branch (HTTP 502)");
        assert_eq!(lost.source().map(ToString::to_string).as_deref(), Some("canary"));
    }

    #[test]
    fn throttling_says_for_how_long() {
        let throttled = RepoError::Throttled { status: 429, retry_after_seconds: Some(30) };
        assert_eq!(throttled.to_string(), "the git server asks to slow down (HTTP 429, for 30 s)");
    }
}
