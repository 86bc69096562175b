//! Any git server over HTTPS, without a git binary and without a disk.
//!
//! A read asks where the branch is, fetches that one commit with its trees (without the contents of files, where the
//! server can leave them out), then the contents of the few files that were asked for. A commit makes the new trees in
//! memory and sends them in one request, which the server takes as a compare-and-swap on the branch.
//!
//! The objects are gix's, the transport is not: gix 0.90 has no push and no blob filter, and its HTTP errors lose the
//! `Retry-After` that tells throttling from missing rights. What a read brought stays in memory, so the next one, also
//! of a later invocation, brings only what is new; forgetting it costs time and nothing else.

mod abilities;
mod advert;
mod fetch;
mod gitlab;
pub(crate) mod http;
mod objects;
mod pack;
mod pkt_line;
mod proposing;
mod push;
mod pushing;
mod reading;
pub(crate) mod settings;
mod tree;

use std::collections::BTreeSet;

use async_trait::async_trait;
use gix_hash::ObjectId;
use gix_object::{Kind, WriteTo};
use tokio::sync::Mutex;

pub use self::settings::{GitLimits, GitSettings};
use self::{
    http::Http,
    objects::Objects,
    pack::PackError,
    proposing::Looked,
    push::Push,
    reading::Reading,
    tree::{Found, TreeError},
};
use crate::{Authorship, Change, CommitId, CommitOutcome, RepoError, RepoPath, Snapshot, TenantRepo};

/// A branch of a repository on a git server.
pub struct GitRepo {
    http: Http,
    reference: String,
    limits: GitLimits,
    known: Mutex<Known>,
    /// What the server can do with a push; asked before the first one.
    receives: Mutex<Option<advert::Capabilities>>,
    looked: Mutex<Option<Looked>>,
}

/// What is known of the branch from earlier reads and commits.
#[derive(Default)]
struct Known {
    capabilities: Option<advert::Capabilities>,
    /// The head when it was last looked at, and the tree of it.
    head: Option<Head>,
    objects: Objects,
}

#[derive(Clone, Copy)]
struct Head {
    commit: ObjectId,
    tree: ObjectId,
}

impl GitRepo {
    /// Gets ready; the server is asked nothing yet. Keep it between invocations. After
    /// [`RepoError::Unauthorized`], read the secret again and open it anew.
    ///
    /// # Errors
    /// [`RepoError::Invalid`] if a setting is not usable.
    pub fn open(settings: &GitSettings) -> Result<Self, RepoError> {
        let checked = settings::check(settings)?;
        let http = Http::new(&checked, settings)?;
        let (known, receives, looked) = (Mutex::default(), Mutex::default(), Mutex::default());
        Ok(Self { http, reference: checked.reference, limits: settings.limits, known, receives, looked })
    }

    fn reading(&self) -> Reading<'_> {
        Reading { http: &self.http, reference: &self.reference, limits: &self.limits }
    }
}

#[async_trait]
impl TenantRepo for GitRepo {
    async fn read(&self, paths: &BTreeSet<RepoPath>) -> Result<Snapshot, RepoError> {
        let mut known = self.known.lock().await;
        if known.objects.bytes() > self.limits.kept_bytes_max {
            *known = Known::default();
        }
        let reading = self.reading();
        let was_warm = known.head.is_some();
        let result = reading.snapshot(&mut known, paths).await;
        if result.is_err() {
            *known = Known::default();
        }
        match result {
            // What we remember and what the server has do not fit together (a rewritten branch, another server).
            Err(RepoError::Protocol(reason) | RepoError::Refused { reason, .. }) if was_warm => {
                tracing::info!(reason, "reading the whole branch again");
                reading.snapshot(&mut known, paths).await
            }
            result => result,
        }
    }

    async fn commit(
        &self,
        expected: &CommitId,
        changes: &[Change],
        message: &str,
        by: &Authorship,
    ) -> Result<CommitOutcome, RepoError> {
        if message.trim().is_empty() || message.contains('\0') {
            return Err(RepoError::Invalid("a commit needs a message, without NUL"));
        }
        let mut known = self.known.lock().await;
        // Whoever moved it since `expected` was read, the branch is elsewhere now.
        let expected = ObjectId::from_hex(expected.as_str().as_bytes()).map_err(nonsense)?;
        let head = known.head.filter(|head| head.commit == expected);
        let Some(head) = head else { return Err(RepoError::LostRace { reason: None }) };
        let (after, new) = build(&known.objects, head, changes, message, by)?;
        let pack = pack::write(new.iter()).map_err(pack_error)?;
        let sha = commit_id(after.commit)?;
        let push = Push { reference: &self.reference, old: head.commit, new: after.commit, pack: &pack, options: &[] };
        self.move_branch(&mut known, &push).await?;
        known.objects.absorb(new);
        known.head = Some(after);
        Ok(CommitOutcome { sha })
    }
}

/// Makes the commit: the new head, and the objects that the server does not have yet.
fn build(
    objects: &Objects,
    head: Head,
    changes: &[Change],
    message: &str,
    by: &Authorship,
) -> Result<(Head, Objects), RepoError> {
    for change in changes {
        let path = change.path();
        if let Found::Refused(refusal) = tree::find(objects, head.tree, path).map_err(tree_error)? {
            return Err(RepoError::RefusedPath { path: path.clone(), refusal });
        }
    }
    let mut new = Objects::default();
    let tree = tree::edit(objects, head.tree, changes, &mut new).map_err(tree_error)?;
    let signature = |identity: &crate::GitIdentity| gix_actor::Signature {
        name: identity.name().into(),
        email: identity.email().into(),
        time: gix_actor::date::Time::new(by.time_unix_seconds, 0),
    };
    let commit = gix_object::Commit {
        tree,
        parents: std::iter::once(head.commit).collect(),
        author: signature(&by.author),
        committer: signature(&by.committer),
        encoding: None,
        message: message.into(),
        extra_headers: Vec::new(),
    };
    let mut data = Vec::new();
    commit.write_to(&mut data).map_err(|_| RepoError::Invalid("the commit's author or time cannot be written"))?;
    let commit = new.add(Kind::Commit, data).ok_or(RepoError::Invalid("the commit has a colliding id"))?;
    Ok((Head { commit, tree }, new))
}

fn commit_id(id: ObjectId) -> Result<CommitId, RepoError> {
    id.to_string().parse()
}

fn nonsense(error: impl std::fmt::Display) -> RepoError {
    RepoError::Protocol(error.to_string())
}

fn tree_error(error: TreeError) -> RepoError {
    RepoError::Protocol(
        match error {
            TreeError::Lacking => "it did not send a folder that is needed",
            TreeError::Malformed => "it sent a folder that cannot be read",
        }
        .into(),
    )
}

fn pack_error(error: PackError) -> RepoError {
    match error {
        PackError::TooLarge(limit_bytes) => RepoError::TooLarge { what: "the fetched repository", limit_bytes },
        PackError::Malformed(_) => nonsense(error),
    }
}
