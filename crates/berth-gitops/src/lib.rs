//! The tenant repository: many tenants in one commit, pushed with compare-and-swap, so that no update is ever lost.
//!
//! [`TenantRepo`] is the whole of what a host must do: read the head and some files, and commit on an expected head.
//! [`commit_batch`] is the loop on top: read, edit, commit, and start again when somebody else was faster.
//! [`GitRepo`] is the host for any git server over HTTPS; it needs no git binary and writes nothing to disk.
//!
//! Absent on purpose: a clock, a random source, and any way to write a path that was not made from validated names.

mod batch;
mod credentials;
mod error;
mod git;
mod jitter;
mod path;
mod repo;

pub use batch::{BatchOutcome, BatchPolicy, Edit, commit_batch};
pub use credentials::{Credentials, MalformedSecret};
pub use error::{Missing, Refusal, RefusedKind, RepoError};
pub use git::{GitLimits, GitRepo, GitSettings};
pub use jitter::Jitter;
pub use path::RepoPath;
pub use repo::{Authorship, Change, CommitId, CommitOutcome, FileState, Person, Snapshot, TenantRepo};
