//! What GitHub refuses, what it asks to wait for, and what we refuse ourselves.

use std::sync::atomic::Ordering;

use berth_gitops::{BatchOutcome, Missing, RefusedKind, RepoError, TenantRepo};
use serde_json::json;

use crate::support::{Entry, GitHub, Repository, append, path, paths, run};

#[tokio::test]
async fn a_protected_branch_is_rejected_with_githubs_reason_and_no_retry() {
    let github = GitHub::start(Repository::new());
    github.tell("protect", json!({ "branch": "main" })).await;
    let error = run(&github.open(), &["a"], append("a", "x")).await.unwrap_err();
    let RepoError::Rejected { reason } = &error else { panic!("{error:?}") };
    assert!(reason.contains("Changes must be made through a pull request"), "{reason}");
    assert_eq!((github.repository.commits(), github.served("commit").await), (1, 1));
}

#[tokio::test]
async fn an_expired_token_is_renewed_once_and_unseen() {
    let github = GitHub::start(Repository::new());
    let repo = github.open();
    run(&repo, &["a"], append("a", "one")).await.unwrap();
    github.tell("expire", json!({})).await;
    let outcome = run(&repo, &["a"], append("a", "two")).await.unwrap();
    assert!(matches!(outcome, BatchOutcome::Committed { attempts: 1, .. }), "{outcome:?}");
    assert_eq!(github.served("token").await, 2);
}

#[tokio::test]
async fn a_token_is_kept_until_shortly_before_its_end() {
    let github = GitHub::start(Repository::new());
    let repo = github.open();
    for _ in 0..3 {
        repo.read(&paths(&["a"])).await.unwrap();
    }
    assert_eq!(github.served("token").await, 1);
    // GitHub's clock agrees with ours only within limits, so what is asked with a clock that is 56 minutes ahead fails;
    // but it was asked.
    github.ahead.store(56 * 60, Ordering::SeqCst);
    let error = repo.read(&paths(&["a"])).await.unwrap_err();
    assert!(matches!(error, RepoError::Unauthorized { status: 401, .. }), "{error:?}");
    assert_eq!(github.served("token").await, 2);
}

#[tokio::test]
async fn a_token_that_is_refused_again_and_again_is_unauthorized() {
    let github = GitHub::start(Repository::new());
    for _ in 0..1 {
        github.fault("read", json!({ "status": 401, "body": { "message": "Bad credentials" } })).await;
    }
    let error = github.open().read(&paths(&["a"])).await.unwrap_err();
    assert!(matches!(error, RepoError::Unauthorized { status: 401, .. }), "{error:?}");
    assert_eq!(github.served("token").await, 1, "one that was made just now is not made again");
}

#[tokio::test]
async fn throttling_carries_its_seconds_and_github_is_left_alone_until_then() {
    let secondary = json!({ "message": "You have exceeded a secondary rate limit. Please wait a few minutes." });
    let reset = i64::try_from(
        std::time::SystemTime::now().duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap().as_secs(),
    )
    .unwrap()
        + 100;
    for (fault, seconds) in [
        (json!({ "status": 403, "headers": { "Retry-After": "37" } }), 37..=37),
        (json!({ "status": 429, "headers": { "Retry-After": "5" } }), 5..=5),
        (json!({ "status": 429 }), 60..=60),
        (json!({ "status": 403, "body": secondary }), 60..=60),
        (
            json!({ "status": 403, "headers": {
                "x-ratelimit-remaining": "0", "x-ratelimit-reset": reset.to_string(),
            } }),
            30..=100,
        ),
        (json!({ "status": 200, "body": { "errors": [{ "type": "RATE_LIMITED", "message": "limit" }] } }), 60..=60),
    ] {
        for at in ["read", "commit"] {
            let github = GitHub::start(Repository::new());
            let repo = github.open();
            github.fault(at, fault.clone()).await;
            let error = run(&repo, &["a"], append("a", "x")).await.unwrap_err();
            let RepoError::Throttled { retry_after_seconds: Some(asked), .. } = error else { panic!("{error:?}") };
            assert!(seconds.contains(&asked), "{fault}: {asked}");
            let before = github.served("read").await;
            let error = repo.read(&paths(&["a"])).await.unwrap_err();
            assert!(matches!(error, RepoError::Throttled { .. }), "{error:?}");
            assert_eq!((github.served("read").await, github.repository.commits()), (before, 1), "asked meanwhile");
        }
    }
}

#[tokio::test]
async fn a_right_that_the_app_lacks_is_not_throttling() {
    let github = GitHub::start(Repository::new());
    github
        .fault("read", json!({ "status": 403, "body": { "message": "Resource not accessible by integration" } }))
        .await;
    let error = github.open().read(&paths(&["a"])).await.unwrap_err();
    assert!(matches!(error, RepoError::Unauthorized { status: 403, .. }), "{error:?}");
    github.tell("grant", json!({ "contents": "read" })).await;
    let error = github.open().read(&paths(&["a"])).await.unwrap_err();
    assert!(matches!(&error, RepoError::Rejected { reason } if reason.contains("not granted")), "{error:?}");
}

#[tokio::test]
async fn an_app_that_only_pushes_needs_no_right_to_pull_requests() {
    let github = GitHub::start(Repository::new());
    github.tell("grant", json!({ "contents": "write", "metadata": "read" })).await;
    run(&github.open(), &["a"], append("a", "x")).await.unwrap();
    assert_eq!(github.repository.commits(), 2);
}

#[tokio::test]
async fn a_missing_branch_and_a_missing_repository_say_so() {
    let github = GitHub::start(Repository::new());
    let mut settings = github.settings();
    settings.branch = "mai".into();
    let error = berth_gitops::GitHubRepo::open(&settings).unwrap().read(&paths(&["a"])).await.unwrap_err();
    assert!(matches!(error, RepoError::NotFound(Missing::Branch)), "{error:?}");
    let mut settings = github.settings();
    settings.url = settings.url.replace("/berth/", "/other/");
    let error = berth_gitops::GitHubRepo::open(&settings).unwrap().read(&paths(&["a"])).await.unwrap_err();
    assert!(matches!(error, RepoError::NotFound(Missing::Repository)), "{error:?}");
}

#[tokio::test]
async fn links_submodules_and_what_else_is_in_the_way_are_refused() {
    let file = path("payments").to_string();
    for (at, entry, found) in [
        (file.clone(), Entry::Symlink("../../x"), RefusedKind::Symlink),
        ("clusters".to_owned(), Entry::Symlink("/etc"), RefusedKind::Symlink),
        ("clusters/dev-1/tenants".to_owned(), Entry::Symlink("/etc"), RefusedKind::Symlink),
        (file.clone(), Entry::Submodule, RefusedKind::Submodule),
        ("clusters/dev-1".to_owned(), Entry::Submodule, RefusedKind::Submodule),
        ("clusters".to_owned(), Entry::File("x"), RefusedKind::File),
    ] {
        let github = GitHub::start(Repository::new());
        github.repository.commit_by_hand(&[(&at, entry)]);
        let snapshot = github.open().read(&paths(&["payments"])).await.unwrap();
        let refusal = snapshot.bytes(&path("payments")).unwrap_err();
        assert_eq!((&refusal.at, refusal.found), (&at, found));
        let edit = |_: &berth_gitops::Snapshot| berth_gitops::Edit {
            changes: vec![crate::support::write("payments", "x")],
            message: "Through the link".into(),
        };
        let error = run(&github.open(), &["payments"], edit).await.unwrap_err();
        assert!(matches!(error, RepoError::RefusedPath { .. }), "{error:?}");
        assert_eq!(github.repository.commits(), 2);
    }
}
