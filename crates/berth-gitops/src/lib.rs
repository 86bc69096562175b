//! The tenant repository: many tenants in one commit, pushed with compare-and-swap, so that no update is ever lost.
//!
//! [`TenantRepo`] is the whole of what a host must do: read the head and some files, and commit on an expected head.
//! [`commit_batch`] is the loop on top: read, edit, commit, and start again when somebody else was faster.
//! [`GitRepo`] is the host for any git server over HTTPS; it needs no git binary and writes nothing to disk.
//! [`GitHubRepo`] is GitHub as an App. [`open`] takes the one that the secret is for. [`Proposals`] is what a host does
//! where people review: a branch, a pull request, and a look at what became of them.
//!
//! Absent on purpose: a clock, a random source, and any way to write a path that was not made from validated names.
//!
//! ```
//! use std::collections::BTreeSet;
//!
//! use berth_gitops::{
//!     Authorship, BatchOutcome, BatchPolicy, Change, Edit, Jitter, RepoError, RepoPath, TenantRepo, commit_batch,
//! };
//!
//! /// Writes one tenant's file, however many others commit at the same time.
//! async fn write(repo: &dyn TenantRepo, path: RepoPath, by: &Authorship) -> Result<BatchOutcome, RepoError> {
//!     let paths = BTreeSet::from([path.clone()]);
//!     let (policy, mut jitter) = (BatchPolicy::default(), Jitter::from_seed(7));
//!     commit_batch(repo, &paths, by, &policy, &mut jitter, |now| {
//!         let mut bytes = now.bytes(&path).ok().flatten().unwrap_or_default().to_vec();
//!         bytes.extend_from_slice(b"# seen\n");
//!         Edit { changes: vec![Change::Write { path: path.clone(), bytes }], message: "Mark a file".to_owned() }
//!     })
//!     .await
//! }
//! ```
#![warn(missing_docs)]

mod batch;
mod credentials;
mod error;
mod git;
mod github;
mod host;
mod jitter;
mod path;
mod proposals;
mod provider;
mod repo;

pub use batch::{BatchOutcome, BatchPolicy, Edit, commit_batch};
pub use credentials::{Credentials, MalformedSecret};
pub use error::{Missing, Refusal, RefusedKind, RepoError};
pub use git::{GitLimits, GitRepo, GitSettings};
pub use github::{GitHubApp, GitHubRepo, GitHubSettings};
pub use host::{Clock, Host, HostSecret, open};
pub use jitter::Jitter;
pub use path::RepoPath;
pub use proposals::{Abilities, Look, Proposal, ProposalBranch, ProposalState, Proposals};
pub use provider::Provider;
pub use repo::{Authorship, Change, CommitId, CommitOutcome, FileState, GitIdentity, Snapshot, Stray, TenantRepo};
