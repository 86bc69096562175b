//! One commit for many tenants: read, edit, commit on the head that was read, and again when somebody was faster.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crate::{Authorship, Change, CommitId, FileState, Jitter, RepoError, RepoPath, Snapshot, TenantRepo};

/// What an edit wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// What shall be at which path. A change to what is there already is no change. Of two for one path, the last one
    /// counts.
    pub changes: Vec<Change>,
    /// The commit's message with its trailers. Made by the edit, because only then is known who takes part.
    pub message: String,
}

/// How often and how patiently to try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchPolicy {
    /// The most commits that are sent; at least one is.
    pub attempts_max: u32,
    /// The longest wait before the second attempt; it doubles with each one. The wait is a random part of it.
    pub delay_first: Duration,
    /// What the longest wait never grows over.
    pub delay_max: Duration,
}

impl Default for BatchPolicy {
    fn default() -> Self {
        Self { attempts_max: 10, delay_first: Duration::from_millis(100), delay_max: Duration::from_secs(3) }
    }
}

/// How a batch ended well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BatchOutcome {
    /// One commit holds every change.
    Committed {
        /// The commit.
        sha: CommitId,
        /// How many commits were sent until one was taken.
        attempts: u32,
    },
    /// Everything was there already, byte for byte, and no commit was made.
    Unchanged {
        /// The commit that holds it.
        head: CommitId,
    },
}

impl BatchOutcome {
    /// A commit that holds every change.
    #[must_use]
    pub fn sha(&self) -> &CommitId {
        match self {
            Self::Committed { sha, .. } => sha,
            Self::Unchanged { head } => head,
        }
    }
}

/// Brings the changes that `edit` asks for to the branch in one commit, and loses no one else's.
///
/// `edit` sees the files at `paths` as they are now. It is called again for every attempt, so it must start afresh each
/// time; a path that is refused (see [`Snapshot::bytes`]) it must leave alone. A commit whose answer was lost is looked
/// for before another is made: it counts if it is the head, or right below the head; deeper down its content is there
/// and the batch ends as `Unchanged`.
///
/// # Errors
/// What the host said last, once attempts are used up; at once if trying again would not help, which includes
/// [`RepoError::Throttled`] (the caller knows better whether to wait that long). [`RepoError::UnreadPath`] and
/// [`RepoError::RefusedPath`] if `edit` changes what it must not.
pub async fn commit_batch<R: TenantRepo + ?Sized>(
    repo: &R,
    paths: &BTreeSet<RepoPath>,
    by: &Authorship,
    policy: &BatchPolicy,
    jitter: &mut Jitter,
    mut edit: impl FnMut(&Snapshot) -> Edit + Send,
) -> Result<BatchOutcome, RepoError> {
    let mut progress = Progress::default();
    loop {
        let snapshot = match read_patiently(repo, paths, policy, jitter, &mut progress).await {
            Ok(snapshot) => snapshot,
            // Do not hide that a commit may be there behind a head that cannot be read.
            Err(error) => return Err(progress.lost_answer.take().unwrap_or(error)),
        };
        if let Some(sha) = progress.landed(&snapshot) {
            return Ok(BatchOutcome::Committed { sha, attempts: progress.attempts });
        }
        if let Some(error) = progress.refused_here(&snapshot) {
            return Err(error);
        }
        let Edit { changes, message } = edit(&snapshot);
        let changes = needed(&snapshot, changes)?;
        if changes.is_empty() {
            return Ok(BatchOutcome::Unchanged { head: snapshot.head });
        }
        if progress.attempts >= policy.attempts_max.max(1) {
            return Err(progress.gave_up(&snapshot.head));
        }
        progress.attempts += 1;
        match repo.commit(&snapshot.head, &changes, &message, by).await {
            Ok(outcome) => return Ok(BatchOutcome::Committed { sha: outcome.sha, attempts: progress.attempts }),
            Err(error) => progress.note(snapshot.head, error)?,
        }
        wait(policy, jitter, progress.attempts).await;
    }
}

/// What is known of the attempts so far.
#[derive(Default)]
struct Progress {
    attempts: u32,
    reads_failed: u32,
    /// Commits that were sent and never answered.
    unanswered: BTreeSet<CommitId>,
    lost_answer: Option<RepoError>,
    rejected_at: Option<(CommitId, RepoError)>,
    /// What failed last, and on which head.
    last: Option<(CommitId, RepoError)>,
}

impl Progress {
    /// A commit of ours that turns out to be in the branch.
    fn landed(&self, snapshot: &Snapshot) -> Option<CommitId> {
        std::iter::once(&snapshot.head).chain(&snapshot.parents).find(|id| self.unanswered.contains(*id)).cloned()
    }

    /// The server's refusal, if the head is still the one that it refused our commit on. If the head has moved, the
    /// refusal may have been a lost race in words that we do not know.
    fn refused_here(&mut self, snapshot: &Snapshot) -> Option<RepoError> {
        self.rejected_at.take().filter(|(head, _)| *head == snapshot.head).map(|(_, error)| error)
    }

    /// Keeps what an unsuccessful commit tells, or returns it if there is no use in another attempt.
    fn note(&mut self, head: CommitId, error: RepoError) -> Result<(), RepoError> {
        tracing::info!(attempt = self.attempts, %error, "the commit was not taken");
        match error {
            RepoError::Rejected { .. } => self.rejected_at = Some((head, error)),
            RepoError::AnswerLost { ref attempted, .. } => {
                self.unanswered.extend(attempted.clone());
                self.lost_answer = Some(error);
            }
            error if error.is_transient() => self.last = Some((head, error)),
            error => return Err(error),
        }
        Ok(())
    }

    /// The error when attempts are used up. A race that was lost on the head that still is there was none, whatever the
    /// server called it: a lock that was left behind, for instance.
    fn gave_up(self, head: &CommitId) -> RepoError {
        match self.last {
            Some((at, RepoError::LostRace { reason: Some(reason) })) if at == *head => RepoError::Rejected { reason },
            Some((_, error)) => error,
            None => self.lost_answer.unwrap_or(RepoError::LostRace { reason: None }),
        }
    }
}

/// Reads the branch; a server that cannot be reached is asked again, but no more often than `attempts_max` in all.
async fn read_patiently<R: TenantRepo + ?Sized>(
    repo: &R,
    paths: &BTreeSet<RepoPath>,
    policy: &BatchPolicy,
    jitter: &mut Jitter,
    progress: &mut Progress,
) -> Result<Snapshot, RepoError> {
    loop {
        match repo.read(paths).await {
            Err(error) if error.is_transient() && progress.reads_failed + 1 < policy.attempts_max => {
                progress.reads_failed += 1;
                tracing::info!(%error, "the branch could not be read");
                wait(policy, jitter, progress.reads_failed).await;
            }
            result => return result,
        }
    }
}

/// The changes that change something, one for each path.
fn needed(snapshot: &Snapshot, changes: Vec<Change>) -> Result<Vec<Change>, RepoError> {
    let mut by_path = BTreeMap::new();
    for change in changes {
        let path = change.path().clone();
        let differs = match (snapshot.files.get(&path), &change) {
            (None, _) => return Err(RepoError::UnreadPath { path }),
            (Some(FileState::Refused(refusal)), _) => {
                return Err(RepoError::RefusedPath { path, refusal: refusal.clone() });
            }
            (Some(FileState::Regular(there)), Change::Write { bytes, .. }) => there != bytes,
            (Some(FileState::Absent), Change::Delete { .. }) => false,
            (Some(FileState::Absent), Change::Write { .. }) | (Some(FileState::Regular(_)), Change::Delete { .. }) => {
                true
            }
        };
        by_path.insert(path, differs.then_some(change));
    }
    Ok(by_path.into_values().flatten().collect())
}

/// Waits a random part of a limit that doubles with each attempt ("full jitter").
#[expect(clippy::disallowed_methods, reason = "milliseconds between two pushes of one batch; bounded by the policy")]
async fn wait(policy: &BatchPolicy, jitter: &mut Jitter, attempt: u32) {
    let doubled = policy.delay_first.saturating_mul(2_u32.saturating_pow(attempt.saturating_sub(1)));
    tokio::time::sleep(doubled.min(policy.delay_max).mul_f64(jitter.fraction())).await;
}

#[cfg(test)]
mod tests;
