//! Commits that land: atomic, on the expected head, once.

use berth_gitops::{BatchOutcome, Change, Edit, FileState, GitHubRepo, RepoError, Snapshot, TenantRepo};
use serde_json::json;

use crate::support::{Entry, GitHub, Repository, append, authorship, path, paths, run, write};

#[tokio::test]
async fn a_batch_is_one_commit_of_many_files_and_a_read_is_one_request() {
    let github = GitHub::start(Repository::new());
    github.repository.commit_by_hand(&[(path("b").as_str(), Entry::File("old: \u{e9}\n"))]);
    let edit = |snapshot: &Snapshot| {
        assert_eq!(snapshot.bytes(&path("a")), Ok(None));
        assert_eq!(snapshot.bytes(&path("b")), Ok(Some("old: \u{e9}\n".as_bytes())));
        let changes = vec![write("a", "one\n"), write("b", "two\n")];
        Edit { changes, message: "Onboard 2 accounts\n\nBerth-Account: 1\nBerth-Account: 2\n".into() }
    };
    let outcome = run(&github.open(), &["a", "b"], edit).await.unwrap();
    assert_eq!(outcome, BatchOutcome::Committed { sha: github.repository.head().parse().unwrap(), attempts: 1 });
    assert_eq!(github.repository.commits(), 3);
    assert_eq!(github.repository.text(&path("a")).as_deref(), Some("one\n"));
    assert_eq!(github.repository.text(&path("b")).as_deref(), Some("two\n"));
    let message = github.repository.git(&["log", "-1", "--format=%B", "main"]);
    assert_eq!(message.trim(), "Onboard 2 accounts\n\nBerth-Account: 1\nBerth-Account: 2");
    assert_eq!((github.served("token").await, github.served("read").await, github.served("commit").await), (1, 1, 1));
}

#[tokio::test]
async fn what_is_there_already_makes_no_commit() {
    let github = GitHub::start(Repository::new());
    github.repository.commit_by_hand(&[(path("a").as_str(), Entry::File("one\n"))]);
    let outcome = run(&github.open(), &["a"], append("a", "one")).await.unwrap();
    assert_eq!(outcome, BatchOutcome::Unchanged { head: github.repository.head().parse().unwrap() });
    assert_eq!(github.served("commit").await, 0);
}

#[tokio::test]
async fn a_commit_on_a_stale_head_loses_and_changes_nothing() {
    let github = GitHub::start(Repository::new());
    let repo = github.open();
    let stale = repo.read(&paths(&["a"])).await.unwrap().head;
    github.repository.commit_by_hand(&[("NOTES.md", Entry::File("x\n"))]);
    let error = repo.commit(&stale, &[write("a", "one\n")], "Stale", &authorship()).await.unwrap_err();
    assert!(matches!(error, RepoError::LostRace { .. }), "{error:?}");
    assert_eq!(github.repository.commits(), 2);
}

#[tokio::test]
async fn sixteen_writers_of_one_file_lose_no_line_and_a_humans_commit_is_kept() {
    let github = GitHub::start(Repository::new());
    let repos: Vec<GitHubRepo> = (0..16).map(|_| github.open()).collect();
    let lines: Vec<String> = (0..16).map(|number| format!("writer-{number:02}")).collect();
    github.repository.commit_by_hand(&[(path("human").as_str(), Entry::File("by hand\n"))]);
    let writers = repos.iter().zip(&lines).map(|(repo, line)| async move {
        // A writer that lost all its attempts starts again, as the state machine would.
        loop {
            match run(repo, &["shared"], append("shared", line)).await {
                Ok(_) => return,
                Err(RepoError::LostRace { .. }) => {}
                Err(error) => panic!("{error:?}"),
            }
        }
    });
    futures_of(writers).await;
    let text = github.repository.text(&path("shared")).unwrap();
    let mut found: Vec<&str> = text.lines().collect();
    found.sort_unstable();
    assert_eq!(found, lines.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(github.repository.text(&path("human")).as_deref(), Some("by hand\n"));
    assert_eq!(github.repository.commits(), 18);
}

/// Polls all of them at once.
async fn futures_of(futures: impl Iterator<Item = impl Future<Output = ()>>) {
    let mut open: Vec<_> = futures.map(Box::pin).collect();
    std::future::poll_fn(|context| {
        open.retain_mut(|future| future.as_mut().poll(context).is_pending());
        if open.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_not_made_twice() {
    let trouble = json!({ "errors": [{ "message": "Something went wrong while executing your query." }] });
    for fault in [
        json!({ "after": true, "cut": true }),
        json!({ "after": true, "status": 502 }),
        json!({ "after": true, "status": 200, "body": trouble }),
    ] {
        let github = GitHub::start(Repository::new());
        github.fault("commit", fault).await;
        let outcome = run(&github.open(), &["a"], append("a", "ours")).await.unwrap();
        assert_eq!(outcome, BatchOutcome::Committed { sha: github.repository.head().parse().unwrap(), attempts: 1 });
        assert_eq!((github.repository.commits(), github.served("commit").await), (2, 1));
    }
}

#[tokio::test]
async fn a_commit_that_never_arrived_is_made_once() {
    for fault in [json!({ "cut": true }), json!({ "status": 502 }), json!({ "status": 500 })] {
        let github = GitHub::start(Repository::new());
        github.fault("commit", fault).await;
        run(&github.open(), &["a"], append("a", "ours")).await.unwrap();
        assert_eq!((github.repository.commits(), github.served("commit").await), (2, 2));
    }
}

#[tokio::test]
async fn more_files_than_fit_into_one_request_are_read_at_one_head() {
    let github = GitHub::start(Repository::with_tenants(150));
    let names: Vec<String> = (0..150).map(|number| format!("tenant-{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let snapshot = github.open().read(&paths(&names)).await.unwrap();
    assert_eq!(snapshot.files.len(), 150);
    assert!(
        snapshot.files.values().all(|state| matches!(state, FileState::Regular(bytes) if bytes.starts_with(b"kind")))
    );
    assert_eq!(github.served("read").await, 3);
}

#[tokio::test]
async fn a_file_that_the_text_does_not_show_is_read_byte_for_byte() {
    let github = GitHub::start(Repository::new());
    let long = "x".repeat(600_000);
    github.repository.commit_by_hand(&[(path("long").as_str(), Entry::File(&long))]);
    github.repository.commit_by_hand(&[(path("nul").as_str(), Entry::File("a\0b"))]);
    let snapshot = github.open().read(&paths(&["long", "nul"])).await.unwrap();
    assert_eq!(snapshot.bytes(&path("long")), Ok(Some(long.as_bytes())));
    assert_eq!(snapshot.bytes(&path("nul")), Ok(Some(b"a\0b".as_slice())));
    assert_eq!(github.served("get-blob").await, 2);
}

#[tokio::test]
async fn a_file_can_be_deleted() {
    let github = GitHub::start(Repository::new());
    github.repository.commit_by_hand(&[(path("a").as_str(), Entry::File("one\n"))]);
    let edit = |_: &Snapshot| Edit { changes: vec![Change::Delete { path: path("a") }], message: "Delete a".into() };
    run(&github.open(), &["a"], edit).await.unwrap();
    assert_eq!(github.repository.text(&path("a")), None);
}
