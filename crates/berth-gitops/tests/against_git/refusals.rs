//! What the server refuses, and what we refuse ourselves.

use berth_gitops::{
    Change, Credentials, Edit, GitLimits, GitRepo, GitSettings, Missing, RefusedKind, RepoError, Snapshot, TenantRepo,
};

use crate::support::{
    Entry, Fault, GitServer, Repository, Service, USER, authorship, open, path, paths, run, set, settings,
};

const ALL: [Service; 5] =
    [Service::Advertisement, Service::List, Service::Fetch, Service::PushAdvertisement, Service::Push];

async fn attempt(server: &GitServer) -> RepoError {
    run(&open(server), &["payments"], set("payments", "one\n")).await.unwrap_err()
}

#[tokio::test]
async fn a_hook_that_declines_is_recognised_and_nothing_is_retried() {
    let server = GitServer::start(Repository::new());
    server
        .repository
        .hook("pre-receive", "#!/bin/sh\necho GH013: violations >&2\necho '- Sign your commits.' >&2\nexit 1\n");
    let error = attempt(&server).await;
    let RepoError::Rejected { reason } = &error else { panic!("{error:?}") };
    assert_eq!(reason, "pre-receive hook declined: - Sign your commits.");
    assert_eq!(server.repository.commits(), 1);
    let pushes = server.take_served().iter().filter(|(service, _)| *service == Service::Push).count();
    assert_eq!(pushes, 1);
}

#[tokio::test]
async fn a_branch_that_its_update_hook_protects_is_a_rejection() {
    let server = GitServer::start(Repository::new());
    server.repository.hook("update", "#!/bin/sh\n[ \"$1\" != refs/heads/main ]\n");
    let error = attempt(&server).await;
    assert!(matches!(&error, RepoError::Rejected { reason } if reason == "hook declined"), "{error:?}");
    server.repository.hook("update", "#!/bin/sh\necho 'ask the platform team' >&2\nexit 1\n");
    let error = attempt(&server).await;
    let RepoError::Rejected { reason } = &error else { panic!("{error:?}") };
    assert_eq!(reason, "hook declined: ask the platform team");
}

#[tokio::test]
async fn wrong_or_expired_credentials_are_unauthorized() {
    let server = GitServer::start(Repository::new());
    for credentials in
        [Credentials::basic(USER, "expired").unwrap(), Credentials::anonymous(), Credentials::token("x").unwrap()]
    {
        let repo = GitRepo::open(&GitSettings { credentials, ..settings(&server) }).unwrap();
        let error = run(&repo, &["payments"], set("payments", "one\n")).await.unwrap_err();
        assert!(matches!(error, RepoError::Unauthorized { status: 401, .. }), "{error:?}");
    }
    for service in ALL {
        for status in [401, 403] {
            server.fault(service, Fault::Status(status, &[]));
            let error = attempt(&server).await;
            assert!(matches!(error, RepoError::Unauthorized { status: s, .. } if s == status), "{service:?} {error:?}");
        }
    }
    assert_eq!((server.repository.commits(), server.faults_left()), (1, 0));
}

#[tokio::test]
async fn a_token_is_sent_as_bearer_and_a_user_is_not_mistaken_for_it() {
    let server = GitServer::admitting(Repository::new(), "Bearer glpat-example".to_owned());
    let token = Credentials::from_secret(r#"{"token":"glpat-example"}"#).unwrap();
    let repo = GitRepo::open(&GitSettings { credentials: token, ..settings(&server) }).unwrap();
    run(&repo, &["payments"], set("payments", "one\n")).await.unwrap();
    assert_eq!(server.repository.text(&path("payments")).as_deref(), Some("one\n"));
    let error = attempt(&server).await;
    assert!(matches!(error, RepoError::Unauthorized { status: 401, .. }), "{error:?}");
}

#[tokio::test]
async fn throttling_carries_its_seconds_and_is_told_from_missing_rights() {
    let server = GitServer::start(Repository::new());
    let date = "Fri, 31 Dec 2027 23:59:59 GMT";
    for service in ALL {
        for (status, retry_after, seconds) in [
            (429, Some("37"), Some(37)),
            (403, Some("60"), Some(60)),
            (503, Some("5"), Some(5)),
            (429, None, None),
            (403, Some(date), None),
        ] {
            let headers: &'static [(&str, &str)] = match retry_after {
                Some(value) => Box::leak(Box::new([("Retry-After", value)])),
                None => &[],
            };
            server.fault(service, Fault::Status(status, headers));
            let error = attempt(&server).await;
            let RepoError::Throttled { status: s, retry_after_seconds } = error else {
                panic!("{service:?} {error:?}")
            };
            assert_eq!((s, retry_after_seconds), (status, seconds));
        }
    }
    assert_eq!((server.repository.commits(), server.faults_left()), (1, 0));
}

#[tokio::test]
async fn an_empty_repository_and_a_missing_branch_say_so() {
    for speaks_v2 in [true, false] {
        for (repository, branch) in [(Repository::empty(), "main"), (Repository::new(), "mai")] {
            let server = GitServer::start(repository);
            if !speaks_v2 {
                server.speak_only_v0();
            }
            let repo = GitRepo::open(&GitSettings { branch: branch.into(), ..settings(&server) }).unwrap();
            let error = repo.read(&paths(&["payments"])).await.unwrap_err();
            assert!(matches!(error, RepoError::NotFound(Missing::Branch)), "{error:?}");
            assert!(error.to_string().contains("branch does not exist"), "{error}");
        }
    }
}

#[tokio::test]
async fn a_repository_that_does_not_exist_and_a_server_that_is_none_say_so() {
    let server = GitServer::start(Repository::new());
    let elsewhere = GitSettings { url: server.url().replace("tenants", "other"), ..settings(&server) };
    let error = GitRepo::open(&elsewhere).unwrap().read(&paths(&["a"])).await.unwrap_err();
    assert!(matches!(error, RepoError::NotFound(Missing::Repository)), "{error:?}");
    server.fault(Service::Advertisement, Fault::Status(302, &[("Location", "https://evil.example.com/")]));
    let error = attempt(&server).await;
    assert!(matches!(error, RepoError::Invalid(_)) && !error.to_string().contains("evil"), "{error:?}");
    let url = server.url();
    drop(server);
    let gone =
        GitSettings { url, branch: "main".into(), credentials: Credentials::anonymous(), limits: GitLimits::default() };
    let error = GitRepo::open(&gone).unwrap().read(&paths(&["a"])).await.unwrap_err();
    assert!(matches!(error, RepoError::Transport { status: None, .. }), "{error:?}");
}

/// What is refused at the path of `payments` if a person puts `entry` at `at`.
async fn refused(at: &str, entry: Entry<'_>) -> (String, RefusedKind) {
    let server = GitServer::start(Repository::new());
    server.repository.commit_by_hand(&[(at, entry)]);
    let repo = open(&server);
    let snapshot = repo.read(&paths(&["payments", "other"])).await.unwrap();
    let refusal = snapshot.bytes(&path("payments")).unwrap_err().clone();

    // The host refuses too, whatever the caller made of the snapshot.
    let changes = [Change::Write { path: path("payments"), bytes: b"one\n".to_vec() }];
    let error = repo.commit(&snapshot.head, &changes, "Through the link", &authorship()).await.unwrap_err();
    assert!(matches!(&error, RepoError::RefusedPath { refusal: same, .. } if *same == refusal), "{error:?}");
    let error = run(&repo, &["payments"], set("payments", "one\n")).await.unwrap_err();
    assert!(matches!(error, RepoError::RefusedPath { .. }), "{error:?}");
    assert_eq!(server.repository.commits(), 2);
    (refusal.at, refusal.found)
}

#[tokio::test]
async fn a_symlink_at_the_path_or_above_it_is_refused() {
    let file = path("payments").to_string();
    assert_eq!(refused(&file, Entry::Symlink("../../../../README.md")).await, (file, RefusedKind::Symlink));
    let parents = ["clusters", "clusters/dev-1", "clusters/dev-1/tenants", "clusters/dev-1/tenants/df"];
    for parent in parents {
        assert_eq!(refused(parent, Entry::Symlink("/etc")).await, (parent.into(), RefusedKind::Symlink));
    }
}

#[tokio::test]
async fn submodules_directories_and_files_in_the_way_are_refused() {
    let file = path("payments").to_string();
    let below = format!("{file}/below");
    assert_eq!(refused(&file, Entry::Submodule).await, (file.clone(), RefusedKind::Submodule));
    assert_eq!(refused(&below, Entry::File("x")).await, (file, RefusedKind::Directory));
    assert_eq!(refused("clusters/dev-1", Entry::Submodule).await, ("clusters/dev-1".into(), RefusedKind::Submodule));
    assert_eq!(refused("clusters", Entry::File("x")).await, ("clusters".into(), RefusedKind::File));
}

#[tokio::test]
async fn one_refused_path_fails_alone_and_not_its_batch() {
    let server = GitServer::start(Repository::new());
    server.repository.commit_by_hand(&[(path("payments").as_str(), Entry::Symlink("/etc/passwd"))]);
    let mut failed = Vec::new();
    let edit = |snapshot: &Snapshot| {
        failed.clear();
        let mut changes = Vec::new();
        for path in snapshot.files.keys() {
            match snapshot.bytes(path) {
                Ok(_) => changes.push(Change::Write { path: path.clone(), bytes: b"one\n".to_vec() }),
                Err(refusal) => failed.push(refusal.to_string()),
            }
        }
        Edit { changes, message: "All but the refused one".into() }
    };
    run(&open(&server), &["payments", "other", "third"], edit).await.unwrap();
    assert_eq!(failed, [format!("{} is a symbolic link", path("payments"))]);
    assert_eq!(server.repository.text(&path("other")).as_deref(), Some("one\n"));
    assert_eq!(server.repository.text(&path("third")).as_deref(), Some("one\n"));
}

#[tokio::test]
async fn a_commit_without_a_message_is_refused() {
    let server = GitServer::start(Repository::new());
    let repo = open(&server);
    let head = repo.read(&paths(&[])).await.unwrap().head;
    for message in ["", " \n", "a\0b"] {
        let error = repo.commit(&head, &[], message, &authorship()).await.unwrap_err();
        assert!(matches!(error, RepoError::Invalid(_)), "{error:?}");
    }
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up() {
    // The system accepts the connection; nobody ever reads from it.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let limits = GitLimits { request_timeout: std::time::Duration::from_millis(100), ..GitLimits::default() };
    let url = format!("http://{}/tenants.git", silent.local_addr().unwrap());
    let settings = GitSettings { url, branch: "main".into(), credentials: Credentials::anonymous(), limits };
    let error = GitRepo::open(&settings).unwrap().read(&paths(&["a"])).await.unwrap_err();
    assert!(matches!(error, RepoError::Transport { status: None, .. }), "{error:?}");
}
