//! Commits that nothing stands in the way of.

use berth_gitops::{BatchOutcome, Change, Edit, TenantRepo};

use crate::support::{Entry, GitServer, Repository, Service, authorship, open, path, paths, run, set};

#[tokio::test]
async fn a_file_is_created_and_then_updated() {
    let server = GitServer::start(Repository::new());
    let repo = open(&server);
    for (text, commits) in [("one\n", 2), ("two\n", 3)] {
        let outcome = run(&repo, &["payments"], set("payments", text)).await.unwrap();
        let BatchOutcome::Committed { sha, attempts: 1 } = outcome else { panic!("{outcome:?}") };
        assert_eq!(sha.as_str(), server.repository.head());
        assert_eq!(server.repository.text(&path("payments")).as_deref(), Some(text));
        assert_eq!(server.repository.commits(), commits);
    }
    assert_eq!(server.repository.text(&path("payments")).as_deref(), Some("two\n"));
    server.repository.git(&["fsck", "--strict"]);
}

#[tokio::test]
async fn author_committer_time_and_trailers_are_the_callers() {
    let server = GitServer::start(Repository::new());
    run(&open(&server), &["payments"], set("payments", "one\n")).await.unwrap();
    let shown = server.repository.git(&["log", "-1", "--format=%an <%ae> %ad|%cn <%ce> %ct", "--date=raw"]);
    assert_eq!(shown, "Berth <berth@example.com> 1790000000 +0000|Berth Bot <bot@example.com> 1790000000");
    let trailer = server.repository.git(&["log", "-1", "--format=%(trailers:key=Berth-Accounts,valueonly)"]);
    assert_eq!(trailer, "111122223333");
}

#[tokio::test]
async fn a_tree_that_stays_the_same_makes_no_commit_and_no_push() {
    let server = GitServer::start(Repository::new());
    run(&open(&server), &["payments"], set("payments", "one\n")).await.unwrap();
    let head = server.repository.head();
    server.take_served();
    let outcome = run(&open(&server), &["payments"], set("payments", "one\n")).await.unwrap();
    assert_eq!(outcome, BatchOutcome::Unchanged { head: head.parse().unwrap() });
    assert_eq!(server.repository.head(), head);
    assert!(server.take_served().iter().all(|(service, _)| *service != Service::Push));
}

#[tokio::test]
async fn fifty_tenants_are_one_commit_and_everything_else_stays() {
    let server = GitServer::start(Repository::new());
    let tenants: Vec<String> = (0..50).map(|number| format!("team-{number}")).collect();
    let tenants: Vec<&str> = tenants.iter().map(String::as_str).collect();
    let all = |_: &_| {
        let write = |tenant: &&str| Change::Write { path: path(tenant), bytes: tenant.as_bytes().to_vec() };
        Edit { changes: tenants.iter().map(write).collect(), message: "Fifty".into() }
    };
    run(&open(&server), &tenants, all).await.unwrap();
    assert_eq!(server.repository.commits(), 2);
    assert_eq!(server.repository.git(&["ls-tree", "-r", "--name-only", "main"]).lines().count(), 51);
    assert!(tenants.iter().all(|tenant| server.repository.text(&path(tenant)).as_deref() == Some(tenant)));
    server.repository.git(&["fsck", "--strict"]);
}

#[tokio::test]
async fn a_deleted_tenant_leaves_no_empty_folder() {
    let server = GitServer::start(Repository::new());
    let repo = open(&server);
    run(&repo, &["payments"], set("payments", "one\n")).await.unwrap();
    let delete = |_: &_| Edit { changes: vec![Change::Delete { path: path("payments") }], message: "Gone".into() };
    run(&repo, &["payments"], delete).await.unwrap();
    assert_eq!(server.repository.git(&["ls-tree", "-r", "-t", "--name-only", "main"]), "README.md");
}

#[tokio::test]
async fn an_executable_file_is_a_regular_file() {
    let server = GitServer::start(Repository::new());
    server.repository.commit_by_hand(&[(path("payments").as_str(), Entry::Executable("by hand\n"))]);
    let snapshot = open(&server).read(&paths(&["payments", "other"])).await.unwrap();
    assert_eq!(snapshot.bytes(&path("payments")), Ok(Some(&b"by hand\n"[..])));
    assert_eq!(snapshot.bytes(&path("other")), Ok(None));
}

#[tokio::test]
async fn servers_without_a_filter_or_with_the_old_protocol_only_serve_as_well() {
    let old = GitServer::start(Repository::with_tenants(20).without_filter());
    old.speak_only_v0();
    for server in [GitServer::start(Repository::with_tenants(20).without_filter()), old] {
        let repo = open(&server);
        for text in ["one\n", "two\n"] {
            run(&repo, &["tenant-7"], set("tenant-7", text)).await.unwrap();
            assert_eq!(server.repository.text(&path("tenant-7")).as_deref(), Some(text));
            server.repository.commit_by_hand(&[("README.md", Entry::File(text))]);
        }
        let snapshot = repo.read(&paths(&["tenant-7", "tenant-8"])).await.unwrap();
        assert_eq!(snapshot.bytes(&path("tenant-7")), Ok(Some(&b"two\n"[..])));
        assert!(snapshot.bytes(&path("tenant-8")).unwrap().unwrap().ends_with(b"name: tenant-8\n"));
        assert_eq!(server.repository.commits(), 6);
    }
}

#[tokio::test]
async fn a_commit_on_another_head_than_the_expected_one_is_a_lost_race() {
    let server = GitServer::start(Repository::new());
    let repo = open(&server);
    let snapshot = repo.read(&paths(&["payments"])).await.unwrap();
    let changes = [Change::Write { path: path("payments"), bytes: b"one\n".to_vec() }];
    repo.commit(&snapshot.head, &changes, "First", &authorship()).await.unwrap();
    let error = repo.commit(&snapshot.head, &changes, "Second", &authorship()).await.unwrap_err();
    assert!(matches!(error, berth_gitops::RepoError::LostRace { .. }), "{error:?}");
    assert_eq!(server.repository.commits(), 2);
}
