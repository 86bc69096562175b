//! Several writers on one branch: nobody's update is lost.

use std::{collections::BTreeSet, time::Duration};

use berth_gitops::{BatchOutcome, BatchPolicy, Jitter, commit_batch};

use crate::support::{Entry, Fault, GitServer, Repository, Service, append, authorship, open, path, paths, run, set};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixteen_writers_racing_lose_no_update() {
    let server = GitServer::start(Repository::new());
    let policy = BatchPolicy {
        attempts_max: 200,
        delay_first: Duration::from_millis(40),
        delay_max: Duration::from_millis(600),
    };
    let writers: Vec<_> = (0..16_u64)
        .map(|writer| {
            let repo = open(&server);
            tokio::spawn(async move {
                let mut jitter = Jitter::from_seed(writer);
                for round in 0..2 {
                    let edit = append("shared", &format!("writer {writer} round {round}"));
                    commit_batch(&repo, &paths(&["shared"]), &authorship(), &policy, &mut jitter, edit).await.unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let text = server.repository.text(&path("shared")).unwrap();
    let lines: BTreeSet<&str> = text.lines().collect();
    assert_eq!((lines.len(), text.lines().count(), server.repository.commits()), (32, 32, 33));
    server.repository.git(&["fsck", "--strict"]);
}

#[tokio::test]
async fn a_persons_commit_in_between_is_kept() {
    let server = GitServer::start(Repository::new());
    let by_hand = |repository: &Repository| {
        let shared = path("shared");
        repository
            .commit_by_hand(&[("NOTES.md", Entry::File("mind this\n")), (shared.as_str(), Entry::File("theirs\n"))]);
    };
    server.fault(Service::Push, Fault::First(Box::new(by_hand)));
    let outcome = run(&open(&server), &["shared"], append("shared", "ours")).await.unwrap();
    assert!(matches!(outcome, BatchOutcome::Committed { attempts: 2, .. }), "{outcome:?}");
    assert_eq!(server.repository.text(&path("shared")).as_deref(), Some("theirs\nours\n"));
    assert_eq!(server.repository.git(&["show", "main:NOTES.md"]), "mind this");
    assert_eq!(server.repository.commits(), 3);
}

#[tokio::test]
async fn a_branch_that_was_rewritten_is_read_anew() {
    let server = GitServer::start(Repository::new());
    let repo = open(&server);
    run(&repo, &["payments"], set("payments", "one\n")).await.unwrap();
    // Somebody forces the branch back, and the commit that we have in memory is pruned.
    server.repository.git(&["update-ref", "refs/heads/main", "main~1"]);
    server.repository.commit_by_hand(&[("NOTES.md", Entry::File("x\n"))]);
    server.repository.git(&["reflog", "expire", "--expire=all", "--all"]);
    server.repository.git(&["gc", "--prune=now", "-q"]);
    run(&repo, &["payments"], set("payments", "two\n")).await.unwrap();
    assert_eq!(server.repository.text(&path("payments")).as_deref(), Some("two\n"));
    assert_eq!(server.repository.commits(), 3);
}

#[tokio::test]
async fn one_repo_used_by_two_batches_at_once_loses_nothing() {
    let server = GitServer::start(Repository::new());
    let repo = open(&server);
    let (one, two) = tokio::join!(
        run(&repo, &["shared"], append("shared", "one")),
        run(&repo, &["shared"], append("shared", "two"))
    );
    assert_ne!(one.unwrap().sha(), two.unwrap().sha());
    assert_eq!(server.repository.text(&path("shared")).unwrap().lines().count(), 2);
}
