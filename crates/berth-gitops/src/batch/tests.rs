//! The loop against a repository in memory that loses races, answers and patience on demand.

#![allow(clippy::unwrap_used)]

use std::{collections::VecDeque, sync::Mutex};

use async_trait::async_trait;

use super::*;
use crate::{CommitOutcome, GitIdentity, Refusal, RefusedKind};

/// What shall happen to a commit.
enum Fate {
    /// Somebody else commits this first.
    Overtaken(RepoPath, &'static str),
    /// It lands, and nobody hears of it; then so many others land on top.
    LandsUnheard(u32),
    /// It gets lost on the way.
    Lost,
    /// The host refuses it.
    Fails(fn() -> RepoError),
    /// Somebody else commits this first, and the host calls the race a refusal.
    OvertakenAndRejected(RepoPath, &'static str),
}

#[derive(Default)]
struct Memory {
    files: BTreeMap<RepoPath, FileState>,
    commits: u32,
    ours: u32,
    fates: VecDeque<Fate>,
    reads_to_fail: u32,
}

#[derive(Default)]
struct MemoryRepo(Mutex<Memory>);

fn id(number: u32) -> CommitId {
    format!("{number:040x}").parse().unwrap()
}

impl Memory {
    fn write(&mut self, path: &RepoPath, text: &str) {
        self.files.insert(path.clone(), FileState::Regular(text.as_bytes().to_vec()));
        self.commits += 1;
    }

    fn take(&mut self, changes: &[Change]) -> CommitId {
        for change in changes {
            let state = match change {
                Change::Write { bytes, .. } => FileState::Regular(bytes.clone()),
                Change::Delete { .. } => FileState::Absent,
            };
            self.files.insert(change.path().clone(), state);
        }
        self.commits += 1;
        self.ours += 1;
        id(self.commits)
    }
}

#[async_trait]
impl TenantRepo for MemoryRepo {
    async fn read(&self, paths: &BTreeSet<RepoPath>) -> Result<Snapshot, RepoError> {
        let mut memory = self.0.lock().unwrap();
        if memory.reads_to_fail > 0 {
            memory.reads_to_fail -= 1;
            return Err(RepoError::Transport { what: "be reached", status: None, source: None });
        }
        let state = |path: &RepoPath| memory.files.get(path).cloned().unwrap_or(FileState::Absent);
        Ok(Snapshot {
            head: id(memory.commits),
            parents: memory.commits.checked_sub(1).map(id).into_iter().collect(),
            files: paths.iter().map(|path| (path.clone(), state(path))).collect(),
            elsewhere: BTreeMap::new(),
        })
    }

    async fn commit(
        &self,
        expected: &CommitId,
        changes: &[Change],
        _: &str,
        _: &Authorship,
    ) -> Result<CommitOutcome, RepoError> {
        let mut memory = self.0.lock().unwrap();
        match memory.fates.pop_front() {
            Some(Fate::Overtaken(path, text)) => memory.write(&path, text),
            Some(Fate::OvertakenAndRejected(path, text)) => {
                memory.write(&path, text);
                return Err(RepoError::Rejected { reason: "words we do not know".into() });
            }
            Some(Fate::LandsUnheard(others)) => {
                let attempted = Some(memory.take(changes));
                memory.commits += others;
                return Err(RepoError::AnswerLost { attempted, source: "cut".into() });
            }
            Some(Fate::Lost) => {
                let attempted = Some(id(memory.commits + 1000));
                return Err(RepoError::AnswerLost { attempted, source: "cut".into() });
            }
            Some(Fate::Fails(error)) => return Err(error()),
            None => {}
        }
        if *expected != id(memory.commits) {
            return Err(RepoError::LostRace { reason: None });
        }
        Ok(CommitOutcome { sha: memory.take(changes) })
    }
}

fn path(tenant: &str) -> RepoPath {
    RepoPath::for_tenant(&"dev".parse().unwrap(), &tenant.parse().unwrap())
}

/// Appends a line to the tenant's file unless it is there.
fn append(path: &RepoPath) -> impl FnMut(&Snapshot) -> Edit + Send + use<> {
    let path = path.clone();
    move |snapshot| {
        let mut text = String::from_utf8(snapshot.bytes(&path).unwrap().unwrap_or_default().to_vec()).unwrap();
        if !text.contains("ours\n") {
            text.push_str("ours\n");
        }
        let changes = vec![Change::Write { path: path.clone(), bytes: text.into_bytes() }];
        Edit { changes, message: "Add ours".into() }
    }
}

async fn run(repo: &MemoryRepo, policy: BatchPolicy) -> Result<BatchOutcome, RepoError> {
    let berth = GitIdentity::new("Berth", "berth@example.com").unwrap();
    let by = Authorship { author: berth.clone(), committer: berth, time_unix_seconds: 0 };
    let paths = BTreeSet::from([path("a"), path("b")]);
    commit_batch(repo, &paths, &by, &policy, &mut Jitter::from_seed(1), append(&path("a"))).await
}

fn with(fates: impl IntoIterator<Item = Fate>) -> MemoryRepo {
    MemoryRepo(Mutex::new(Memory { fates: fates.into_iter().collect(), ..Memory::default() }))
}

fn text(repo: &MemoryRepo, tenant: &str) -> String {
    match repo.0.lock().unwrap().files.get(&path(tenant)) {
        Some(FileState::Regular(bytes)) => String::from_utf8(bytes.clone()).unwrap(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_there_already_makes_no_commit() {
    let repo = with([]);
    let first = run(&repo, BatchPolicy::default()).await.unwrap();
    assert_eq!(first, BatchOutcome::Committed { sha: id(1), attempts: 1 });
    assert_eq!(run(&repo, BatchPolicy::default()).await.unwrap(), BatchOutcome::Unchanged { head: id(1) });
}

#[tokio::test(start_paused = true)]
async fn a_lost_race_is_edited_again_on_the_new_content() {
    let repo = with([Fate::Overtaken(path("a"), "theirs\n"), Fate::Overtaken(path("b"), "other\n")]);
    let outcome = run(&repo, BatchPolicy::default()).await.unwrap();
    assert_eq!(outcome, BatchOutcome::Committed { sha: id(3), attempts: 3 });
    assert_eq!((text(&repo, "a").as_str(), text(&repo, "b").as_str()), ("theirs\nours\n", "other\n"));
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_landed_unheard_is_recognised_and_not_made_again() {
    for others in [0, 1] {
        let repo = with([Fate::LandsUnheard(others)]);
        let outcome = run(&repo, BatchPolicy::default()).await.unwrap();
        assert_eq!(outcome, BatchOutcome::Committed { sha: id(1), attempts: 1 }, "{others} on top");
    }
    let repo = with([Fate::LandsUnheard(5)]);
    assert_eq!(run(&repo, BatchPolicy::default()).await.unwrap(), BatchOutcome::Unchanged { head: id(6) });
    assert_eq!(repo.0.lock().unwrap().ours, 1);
}

#[tokio::test(start_paused = true)]
async fn the_last_attempts_lost_answer_is_still_looked_for() {
    let policy = BatchPolicy { attempts_max: 1, ..BatchPolicy::default() };
    let repo = with([Fate::LandsUnheard(0)]);
    assert_eq!(run(&repo, policy).await.unwrap(), BatchOutcome::Committed { sha: id(1), attempts: 1 });
    let error = run(&with([Fate::Lost]), policy).await.unwrap_err();
    assert!(matches!(error, RepoError::AnswerLost { .. }), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_got_lost_on_the_way_is_sent_again() {
    let repo = with([Fate::Lost]);
    assert_eq!(run(&repo, BatchPolicy::default()).await.unwrap(), BatchOutcome::Committed { sha: id(1), attempts: 2 });
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_final_only_while_the_head_stands_still() {
    let refuse = || RepoError::Rejected { reason: "hook declined".into() };
    let error = run(&with([Fate::Fails(refuse)]), BatchPolicy::default()).await.unwrap_err();
    assert!(matches!(error, RepoError::Rejected { .. }), "{error:?}");
    let repo = with([Fate::OvertakenAndRejected(path("b"), "other\n")]);
    let outcome = run(&repo, BatchPolicy::default()).await.unwrap();
    assert_eq!(outcome, BatchOutcome::Committed { sha: id(2), attempts: 2 });
}

#[tokio::test(start_paused = true)]
async fn attempts_are_bounded() {
    let policy = BatchPolicy { attempts_max: 3, ..BatchPolicy::default() };
    let repo = with((0..9).map(|_| Fate::Overtaken(path("b"), "other\n")));
    let error = run(&repo, policy).await.unwrap_err();
    assert!(matches!(error, RepoError::LostRace { .. }), "{error:?}");
    let memory = repo.0.lock().unwrap();
    assert_eq!((memory.fates.len(), memory.ours), (6, 0));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_comes_back_is_read_again_and_one_that_does_not_is_reported() {
    let repo = with([]);
    repo.0.lock().unwrap().reads_to_fail = 2;
    assert!(run(&repo, BatchPolicy::default()).await.is_ok());
    repo.0.lock().unwrap().reads_to_fail = 100;
    let error = run(&repo, BatchPolicy::default()).await.unwrap_err();
    assert!(matches!(error, RepoError::Transport { .. }), "{error:?}");
    assert_eq!(repo.0.lock().unwrap().reads_to_fail, 90);
}

#[tokio::test(start_paused = true)]
async fn throttling_and_bad_credentials_are_returned_at_once() {
    let throttled = || RepoError::Throttled { status: 429, retry_after_seconds: Some(60) };
    let error = run(&with([Fate::Fails(throttled)]), BatchPolicy::default()).await.unwrap_err();
    assert!(matches!(error, RepoError::Throttled { retry_after_seconds: Some(60), .. }), "{error:?}");
    let error =
        run(&with([Fate::Fails(|| RepoError::Unauthorized { status: 401, said: None })]), BatchPolicy::default()).await;
    assert!(matches!(error, Err(RepoError::Unauthorized { status: 401, .. })));
}

#[test]
fn only_paths_that_were_read_and_are_not_refused_may_change() {
    let refusal = Refusal { at: "clusters".into(), found: RefusedKind::Symlink };
    let files = BTreeMap::from([(path("a"), FileState::Refused(refusal)), (path("b"), FileState::Absent)]);
    let snapshot = Snapshot { head: id(1), parents: vec![], files, elsewhere: BTreeMap::new() };
    let write = |tenant: &str| vec![Change::Write { path: path(tenant), bytes: vec![] }];
    assert!(matches!(needed(&snapshot, write("a")), Err(RepoError::RefusedPath { .. })));
    assert!(matches!(needed(&snapshot, write("c")), Err(RepoError::UnreadPath { .. })));
    assert_eq!(needed(&snapshot, write("b")).unwrap().len(), 1);
}

#[test]
fn the_last_change_of_a_path_counts_even_if_it_changes_nothing() {
    let files = BTreeMap::from([(path("a"), FileState::Regular(b"old".to_vec()))]);
    let snapshot = Snapshot { head: id(1), parents: vec![], files, elsewhere: BTreeMap::new() };
    let write = |text: &str| Change::Write { path: path("a"), bytes: text.as_bytes().to_vec() };
    assert_eq!(needed(&snapshot, vec![write("new"), write("old")]).unwrap(), vec![]);
    assert_eq!(needed(&snapshot, vec![write("old"), Change::Delete { path: path("a") }]).unwrap().len(), 1);
}
