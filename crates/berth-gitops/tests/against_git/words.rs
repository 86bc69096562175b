//! What servers say of a push, of a read and of themselves: the branch tells what happened, the words tell people.

use berth_gitops::{BatchOutcome, GitRepo, GitSettings, RepoError, TenantRepo};

use crate::support::{
    Entry, Fault, GitServer, Repository, Service, append, framed, open, path, paths, run, set, settings, write,
};

/// A report of a push that git's words are not in.
fn report(line: &str) -> Vec<u8> {
    [framed("unpack ok\n"), framed(line), b"0000".to_vec()].concat()
}

fn by_hand(repository: &Repository) {
    repository.commit_by_hand(&[("NOTES.md", Entry::File("x\n"))]);
}

#[tokio::test]
async fn a_race_is_lost_when_the_branch_has_moved_whatever_the_words() {
    // JGit 6.7, go-git 6, and a server that nobody knows.
    for words in ["invalid old id sent", "reference has changed concurrently", "computer says no"] {
        let server = GitServer::start(Repository::new());
        let repo = open(&server);
        let head = repo.read(&paths(&["payments"])).await.unwrap().head;
        let lost = move |repository: &Repository| {
            by_hand(repository);
            report(&format!("ng refs/heads/main {words}\n"))
        };
        server.fault(Service::Push, Fault::Instead(Box::new(lost)));
        let changes = [write("payments", "one\n")];
        let error = repo.commit(&head, &changes, "Lost", &crate::support::authorship()).await.unwrap_err();
        assert!(matches!(&error, RepoError::LostRace { reason: Some(reason) } if reason == words), "{error:?}");
        server.fault(Service::Push, Fault::Instead(Box::new(lost)));
        let outcome = run(&repo, &["payments"], append("payments", "ours")).await.unwrap();
        assert!(matches!(outcome, BatchOutcome::Committed { attempts: 2, .. }), "{outcome:?}");
        assert_eq!((server.repository.commits(), server.faults_left()), (4, 0));
    }
}

#[tokio::test]
async fn a_lock_that_was_left_is_a_refusal_and_no_race() {
    let server = GitServer::start(Repository::new());
    let lock = server.repository.root().join("tenants.git/refs/heads/main.lock");
    std::fs::write(&lock, "").unwrap();
    let error = run(&open(&server), &["payments"], set("payments", "one\n")).await.unwrap_err();
    let RepoError::Rejected { reason } = &error else { panic!("{error:?}") };
    assert!(reason.contains("main.lock") && reason.contains("File exists"), "{reason}");
    std::fs::remove_file(lock).unwrap();
    run(&open(&server), &["payments"], set("payments", "one\n")).await.unwrap();
}

#[tokio::test]
async fn the_ok_of_an_unknown_server_counts_when_the_branch_has_moved() {
    let server = GitServer::start(Repository::new());
    server.call_itself("dulwich/1.2.21");
    run(&open(&server), &["payments"], set("payments", "one\n")).await.unwrap();
    // The race is lost, and the server says ok: findings/dulwich-stale-push.sh.
    let stale = |repository: &Repository| {
        by_hand(repository);
        report("ok refs/heads/main\n")
    };
    server.fault(Service::Push, Fault::Instead(Box::new(stale)));
    server.take_served();
    run(&open(&server), &["payments"], append("payments", "ours")).await.unwrap();
    assert_eq!(server.repository.text(&path("payments")).as_deref(), Some("one\nours\n"));
    assert_eq!((server.repository.commits(), server.faults_left()), (4, 0));
    // Nothing moved at all: it is no success either, and no loop without an end.
    for _ in 0..20 {
        server.fault(Service::Push, Fault::Body(report("ok refs/heads/main\n")));
    }
    let error = run(&open(&server), &["payments"], append("payments", "more")).await.unwrap_err();
    assert!(matches!(&error, RepoError::Rejected { reason } if reason.contains("did not move")), "{error:?}");
}

#[tokio::test]
async fn a_commit_is_found_below_others_after_an_ok_that_has_to_be_proven() {
    let server = GitServer::start(Repository::new());
    server.call_itself("go-git/6");
    // The second list is the one after the push: a person has committed on top of ours by then.
    server.fault(Service::List, Fault::First(Box::new(|_| {})));
    server.fault(Service::List, Fault::First(Box::new(by_hand)));
    let outcome = run(&open(&server), &["payments"], append("payments", "ours")).await.unwrap();
    let ours = server.repository.git(&["rev-parse", "main~1"]);
    assert_eq!(outcome, BatchOutcome::Committed { sha: ours.parse().unwrap(), attempts: 1 });
    assert_eq!(server.repository.commits(), 3);
}

#[tokio::test]
async fn a_git_server_that_is_known_is_asked_nothing_more_after_its_ok() {
    let server = GitServer::start(Repository::new());
    let repo = open(&server);
    run(&repo, &["payments"], set("payments", "one\n")).await.unwrap();
    server.take_served();
    run(&repo, &["payments"], set("payments", "two\n")).await.unwrap();
    let services: Vec<Service> = server.take_served().into_iter().map(|(service, _)| service).collect();
    assert_eq!(services, [Service::List, Service::Push]);
}

#[tokio::test]
async fn an_err_with_http_200_is_a_refusal_at_once_with_the_servers_line() {
    // gitolite 3.6.12 says so to whom it lets not read, or not write.
    let said = "FATAL: R any tenants berth-bot DENIED by fallthru";
    for service in [Service::Advertisement, Service::List, Service::Fetch, Service::PushAdvertisement, Service::Push] {
        let server = GitServer::start(Repository::new());
        // Twice: a fetch is refused for good when the branch is still there.
        for _ in 0..2 {
            let introduced = [framed("# service=git-upload-pack\n"), b"0000".to_vec()].concat();
            let head = if service == Service::Advertisement { introduced } else { Vec::new() };
            server.fault(service, Fault::Body([head, framed(&format!("ERR {said}\n"))].concat()));
        }
        let error = run(&open(&server), &["payments"], set("payments", "one\n")).await.unwrap_err();
        assert!(matches!(&error, RepoError::Refused { reason, .. } if reason == said), "{service:?} {error:?}");
        assert_eq!((server.faults_left(), server.repository.commits()), (1, 1), "{service:?}: it is asked once");
    }
}

#[tokio::test]
async fn a_branch_that_moves_before_its_fetch_is_fetched_where_it_is() {
    let server = GitServer::start(Repository::new());
    let rewritten = |repository: &Repository| {
        by_hand(repository);
        framed("ERR upload-pack: not our ref 0123456789012345678901234567890123456789\n")
    };
    server.fault(Service::Fetch, Fault::Instead(Box::new(rewritten)));
    let snapshot = open(&server).read(&paths(&["payments"])).await.unwrap();
    assert_eq!((snapshot.head.as_str(), server.faults_left()), (server.repository.head().as_str(), 0));
}

#[tokio::test]
async fn an_unknown_status_is_shown_with_the_servers_words() {
    let said = "TF401041: The Git protocol sent is not as expected.";
    let server = GitServer::start(Repository::new());
    for (service, status) in [(Service::Fetch, 400), (Service::PushAdvertisement, 422), (Service::Push, 413)] {
        server.fault(service, Fault::Says(status, said));
        let error = run(&open(&server), &["payments"], set("payments", "one\n")).await.unwrap_err();
        let wanted = format!("{said} (HTTP {status})");
        assert!(matches!(&error, RepoError::Refused { reason, .. } if *reason == wanted), "{error:?}");
    }
    server.fault(Service::Advertisement, Fault::Says(403, "You are not allowed to do that."));
    let error = run(&open(&server), &["payments"], set("payments", "one\n")).await.unwrap_err();
    assert!(error.to_string().ends_with("(HTTP 403) (server: You are not allowed to do that.)"), "{error}");
    // A web page has no words for a log; Azure Repos shows its sign-in page with 203.
    server.fault(Service::Advertisement, Fault::Says(203, "<!doctype html><title>Sign In</title>"));
    let error = run(&open(&server), &["payments"], set("payments", "one\n")).await.unwrap_err();
    assert!(matches!(&error, RepoError::Unauthorized { status: 203, said: None }), "{error:?}");
}

#[tokio::test]
async fn what_is_no_repository_for_berth_says_what_to_set() {
    let dumb = format!("{}\trefs/heads/main\n", "0123456789".repeat(4));
    for (body, wanted) in [
        (b"<!doctype html>Sign in".to_vec(), "the address that git clone takes"),
        (b"{\"error\": 1}".to_vec(), "the address that git clone takes"),
        (Vec::new(), "the address that git clone takes"),
        (dumb.into_bytes(), "git http-backend"),
    ] {
        let server = GitServer::start(Repository::new());
        server.fault(Service::Advertisement, Fault::Body(body));
        let error = open(&server).read(&paths(&["payments"])).await.unwrap_err();
        assert!(matches!(&error, RepoError::Invalid(said) if said.contains(wanted)), "{error:?}");
    }
}

#[tokio::test]
async fn a_sha_256_repository_says_how_to_make_another_in_either_protocol() {
    for speaks_v2 in [true, false] {
        let server = GitServer::start(Repository::sha256());
        if !speaks_v2 {
            server.speak_only_v0();
        }
        let error = open(&server).read(&paths(&["payments"])).await.unwrap_err();
        assert!(matches!(&error, RepoError::Invalid(said) if said.contains("--object-format=sha1")), "{error:?}");
    }
}

#[tokio::test]
async fn an_empty_repository_of_which_nothing_is_said_has_no_branch_yet() {
    let server = GitServer::start(Repository::new());
    // dulwich 1.2.21: no line at all, also not for its capabilities.
    let nothing = [framed("# service=git-upload-pack\n"), b"00000000".to_vec()].concat();
    server.fault(Service::Advertisement, Fault::Body(nothing));
    let error = open(&server).read(&paths(&["payments"])).await.unwrap_err();
    assert!(matches!(error, RepoError::NotFound(berth_gitops::Missing::Branch)), "{error:?}");
}

#[tokio::test]
async fn a_server_that_demands_multi_ack_is_read_and_committed_to() {
    let server = GitServer::start(Repository::with_tenants(20));
    server.demand_multi_ack();
    let repo = open(&server);
    for text in ["one\n", "two\n"] {
        run(&repo, &["tenant-7"], set("tenant-7", text)).await.unwrap();
        assert_eq!(server.repository.text(&path("tenant-7")).as_deref(), Some(text));
    }
}

#[tokio::test]
async fn a_token_is_sent_as_a_password_to_a_server_that_asks_for_one() {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let as_password = |user: &str| format!("Basic {}", STANDARD.encode(format!("{user}:glpat-example")));
    for (secret, user, unauthorized) in [
        (r#"{"token":"glpat-example"}"#, "oauth2", true),
        (r#"{"token":"glpat-example","provider":"gitlab"}"#, "oauth2", false),
        (r#"{"token":"glpat-example","provider":"bitbucket"}"#, "x-token-auth", false),
    ] {
        let server = GitServer::admitting(Repository::new(), as_password(user));
        let credentials = berth_gitops::Credentials::from_secret(secret).unwrap();
        let repo = GitRepo::open(&GitSettings { credentials, ..settings(&server) }).unwrap();
        run(&repo, &["payments"], set("payments", "one\n")).await.unwrap();
        // Bearer is tried first where nothing tells the kind of server, and only once.
        let asked = server.take_served().into_iter().filter(|(service, _)| *service == Service::Advertisement).count();
        assert_eq!(asked, if unauthorized { 2 } else { 1 }, "{secret}");
    }
}
