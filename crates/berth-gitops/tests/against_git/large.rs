//! A repository of 10,000 tenants: seconds, not minutes, and little of it over the network.

use std::time::{Duration, Instant};

use berth_gitops::{GitLimits, GitRepo, Jitter, RepoError, TenantRepo};

use crate::support::{Entry, GitServer, Repository, Service, open, path, paths, run, set, settings};

const TENANTS: usize = 10_000;

fn bytes(served: &[(Service, usize)]) -> usize {
    served.iter().map(|(_, bytes)| bytes).sum()
}

#[tokio::test]
async fn ten_thousand_tenants_are_committed_to_within_seconds() {
    let server = GitServer::start(Repository::with_tenants(TENANTS));
    let repo = open(&server);
    let start = Instant::now();
    run(&repo, &["tenant-77"], set("tenant-77", "changed\n")).await.unwrap();
    let cold = start.elapsed();
    assert!(cold < Duration::from_secs(10), "{cold:?}");
    assert_eq!(server.repository.text(&path("tenant-77")).as_deref(), Some("changed\n"));
    assert_eq!(server.repository.git(&["ls-tree", "-r", "--name-only", "main"]).lines().count(), TENANTS + 1);
    let cold_bytes = bytes(&server.take_served());
    assert!(cold_bytes < 1 << 20, "{cold_bytes} bytes, although contents can be left out");

    // Warm: only what a person changed in between comes over the network.
    server.repository.commit_by_hand(&[(path("tenant-5").as_str(), Entry::File("by hand\n"))]);
    let start = Instant::now();
    run(&repo, &["tenant-6"], set("tenant-6", "changed\n")).await.unwrap();
    let warm = start.elapsed();
    let warm_bytes = bytes(&server.take_served());
    println!("cold {cold:?} with {cold_bytes} bytes, warm {warm:?} with {warm_bytes} bytes");
    assert!(warm_bytes * 10 < cold_bytes, "{warm_bytes} of {cold_bytes}");
    assert_eq!(server.repository.text(&path("tenant-5")).as_deref(), Some("by hand\n"));

    // And nothing but the question where the branch is, if nothing changed.
    run(&repo, &["tenant-6"], set("tenant-6", "changed\n")).await.unwrap();
    let services: Vec<Service> = server.take_served().into_iter().map(|(service, _)| service).collect();
    assert_eq!(services, [Service::List]);
}

#[tokio::test]
async fn a_commit_among_ten_thousand_tenants_takes_seconds_without_a_filter() {
    let server = GitServer::start(Repository::with_tenants(TENANTS).without_filter());
    let start = Instant::now();
    run(&open(&server), &["tenant-77"], set("tenant-77", "changed\n")).await.unwrap();
    let cold = start.elapsed();
    println!("without a filter {cold:?} with {} bytes", bytes(&server.take_served()));
    assert!(cold < Duration::from_secs(20), "{cold:?}");
    assert_eq!(server.repository.text(&path("tenant-77")).as_deref(), Some("changed\n"));
}

/// Text that hardly compresses, another one for each seed.
fn noise(seed: u64, length: usize) -> String {
    let mut jitter = Jitter::from_seed(seed);
    (0..length).map(|_| if jitter.fraction() < 0.5 { 'a' } else { 'b' }).collect()
}

#[tokio::test]
async fn neither_history_nor_contents_that_nobody_asked_for_are_fetched() {
    // One version of the file takes about 10 kB in a pack, all twenty take 200.
    for (has_filter, speaks_v2, bytes_max) in [(true, true, 5_000), (false, true, 30_000), (false, false, 30_000)] {
        let repository = if has_filter { Repository::new() } else { Repository::new().without_filter() };
        for number in 0..20 {
            repository.commit_by_hand(&[(path("payments").as_str(), Entry::File(&noise(number, 60_000)))]);
        }
        let (server, before) = (GitServer::start(repository), noise(19, 60_000));
        if !speaks_v2 {
            server.speak_only_v0();
        }
        let head = server.repository.head();
        run(&open(&server), &["other"], set("other", "one\n")).await.unwrap();
        let fetched = bytes(&server.take_served());
        assert!(fetched < bytes_max, "{fetched} bytes, filter {has_filter}, version 2 {speaks_v2}");
        assert_eq!(server.repository.git(&["rev-parse", "main~1"]), head, "and yet nothing of it is lost");
        assert_eq!(server.repository.text(&path("payments")), Some(before));
    }
}

#[tokio::test]
async fn more_than_the_limits_allow_is_refused() {
    let server = GitServer::start(Repository::with_tenants(300));
    let limited = |limits| GitRepo::open(&berth_gitops::GitSettings { limits, ..settings(&server) }).unwrap();
    let wide = GitLimits::default();
    for limits in [GitLimits { response_bytes_max: 5_000, ..wide }, GitLimits { unpacked_bytes_max: 5_000, ..wide }] {
        let error = limited(limits).read(&paths(&["tenant-1"])).await.unwrap_err();
        assert!(matches!(error, RepoError::TooLarge { limit_bytes: 5_000, .. }), "{error:?}");
    }
    let snapshot = limited(GitLimits { file_bytes_max: 10, ..wide }).read(&paths(&["tenant-1"])).await.unwrap();
    assert!(snapshot.bytes(&path("tenant-1")).unwrap_err().to_string().ends_with("tenant-1.yaml is too large"));
}

#[tokio::test]
async fn memory_over_the_limit_is_forgotten_and_nothing_else() {
    let server = GitServer::start(Repository::with_tenants(50));
    let limits = GitLimits { kept_bytes_max: 0, ..GitLimits::default() };
    let repo = GitRepo::open(&berth_gitops::GitSettings { limits, ..settings(&server) }).unwrap();
    for text in ["one\n", "two\n", "three\n"] {
        run(&repo, &["tenant-1"], set("tenant-1", text)).await.unwrap();
        assert_eq!(server.repository.text(&path("tenant-1")).as_deref(), Some(text));
    }
    assert_eq!(server.take_served().iter().filter(|(service, _)| *service == Service::Advertisement).count(), 3);
}
