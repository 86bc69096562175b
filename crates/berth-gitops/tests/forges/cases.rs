//! What must hold at every server.

use std::pin::Pin;

use berth_gitops::{
    BatchOutcome, Change, Edit, FileState, GitRepo, Missing, Proposal, ProposalBranch, ProposalState, Proposals,
    RepoError, TenantRepo,
};

use crate::{
    Cell,
    servers::{Forge, Rights, Sha256},
    support::{Entry, Fault, GitServer, Repository, Service, append, authorship, open, path, paths, run, set, write},
};

pub(crate) type Case = for<'a> fn(&'a Forge) -> Pin<Box<dyn Future<Output = Cell> + 'a>>;

/// Their names, as issue 19 lists them.
pub(crate) const CASES: [(&str, Case); 16] = [
    ("read", |forge| Box::pin(read(forge))),
    ("commit", |forge| Box::pin(commit(forge))),
    ("lost race", |forge| Box::pin(lost_race(forge))),
    ("batch", |forge| Box::pin(batch(forge))),
    ("propose", |forge| Box::pin(propose(forge))),
    ("again", |forge| Box::pin(again(forge))),
    ("merge", |forge| Box::pin(merge(forge))),
    ("revert", |forge| Box::pin(revert(forge))),
    ("refuse by hook", |forge| Box::pin(refuse_by_hook(forge))),
    ("no right to read", |forge| Box::pin(no_right_to_read(forge))),
    ("no right to write", |forge| Box::pin(no_right_to_write(forge))),
    ("empty", |forge| Box::pin(empty(forge))),
    ("SHA-256", |forge| Box::pin(sha256(forge))),
    ("10,000 branches", |forge| Box::pin(many_branches(forge))),
    ("a cut answer", |forge| Box::pin(cut_answer(forge))),
    ("a slow answer", |forge| Box::pin(slow_answer(forge))),
];

fn start(forge: &Forge) -> (GitServer, GitRepo) {
    let server = forge.serve(Repository::with_tenants(20), Rights::Write);
    let repo = open(&server);
    (server, repo)
}

async fn read(forge: &Forge) -> Cell {
    let (server, repo) = start(forge);
    let snapshot = repo.read(&paths(&["tenant-7", "nobody"])).await.unwrap();
    assert_eq!(snapshot.head.as_str(), server.repository.head());
    assert!(snapshot.bytes(&path("tenant-7")).unwrap().unwrap().ends_with(b"name: tenant-7\n"));
    assert_eq!(snapshot.files[&path("nobody")], FileState::Absent);
    Cell::Held
}

async fn commit(forge: &Forge) -> Cell {
    let (server, repo) = start(forge);
    for text in ["one\n", "two\n"] {
        let outcome = run(&repo, &["tenant-7"], set("tenant-7", text)).await.unwrap();
        assert_eq!(outcome.sha().as_str(), server.repository.head());
        assert_eq!(server.repository.text(&path("tenant-7")).as_deref(), Some(text));
        // Somebody else's commit in between is read, and kept.
        server.repository.commit_by_hand(&[("README.md", Entry::File(text))]);
    }
    server.repository.git(&["fsck", "--strict"]);
    Cell::Held
}

async fn lost_race(forge: &Forge) -> Cell {
    let (server, repo) = start(forge);
    let faster =
        |repository: &Repository| repository.commit_by_hand(&[(path("shared").as_str(), Entry::File("theirs\n"))]);
    server.fault(Service::Push, Fault::First(Box::new(faster)));
    let outcome = run(&repo, &["shared"], append("shared", "ours")).await.unwrap();
    assert!(matches!(outcome, BatchOutcome::Committed { attempts: 2, .. }), "{outcome:?}");
    assert_eq!(server.repository.text(&path("shared")).as_deref(), Some("theirs\nours\n"));
    assert_eq!(server.faults_left(), 0);
    Cell::Held
}

async fn batch(forge: &Forge) -> Cell {
    let (server, repo) = start(forge);
    let (tenants, before): (Vec<String>, _) =
        ((0..50).map(|n| format!("team-{n}")).collect(), server.repository.commits());
    let names: Vec<&str> = tenants.iter().map(String::as_str).collect();
    let all = |_: &_| Edit { changes: names.iter().map(|name| write(name, name)).collect(), message: "Fifty".into() };
    run(&repo, &names, all).await.unwrap();
    assert_eq!(server.repository.commits(), before + 1);
    assert!(names.iter().all(|name| server.repository.text(&path(name)).as_deref() == Some(name)));
    Cell::Held
}

async fn proposal(repo: &GitRepo) -> Proposal {
    let changes: Vec<Change> = vec![write("proposed", "one\n")];
    let branch = ProposalBranch::of(&changes).unwrap();
    let base = repo.read(&paths(&["proposed"])).await.unwrap().head;
    Proposal { branch, base, changes, message: "Onboard one\n".into(), description: String::new() }
}

async fn state(repo: &GitRepo, branch: &ProposalBranch) -> ProposalState {
    repo.look(std::slice::from_ref(branch)).await.unwrap().states[0].clone()
}

async fn propose(forge: &Forge) -> Cell {
    let (server, repo) = start(forge);
    let before = server.repository.head();
    let wanted = proposal(&repo).await;
    repo.propose(&wanted, &authorship()).await.unwrap();
    assert_eq!(server.repository.git(&["rev-parse", &format!("{}~1", wanted.branch)]), before);
    assert_eq!(state(&repo, &wanted.branch).await, ProposalState::Open);
    assert_eq!(server.repository.head(), before);
    server.repository.git(&["branch", "-D", wanted.branch.as_str()]);
    assert_eq!(state(&repo, &wanted.branch).await, ProposalState::Closed);
    Cell::Held
}

async fn again(forge: &Forge) -> Cell {
    let (server, repo) = start(forge);
    let first = proposal(&repo).await;
    repo.propose(&first, &authorship()).await.unwrap();
    let tip = server.repository.git(&["rev-parse", first.branch.as_str()]);
    server.repository.commit_by_hand(&[("NOTES.md", Entry::File("x\n"))]);
    // Another copy of the function, with another base.
    let other = open(&server);
    other.propose(&proposal(&other).await, &authorship()).await.unwrap();
    assert_eq!(server.repository.git(&["rev-parse", first.branch.as_str()]), tip);
    Cell::Held
}

/// Proposes, and merges it as a person would; the branch stays.
async fn merged(forge: &Forge) -> (GitServer, GitRepo, ProposalBranch) {
    let (server, repo) = start(forge);
    let wanted = proposal(&repo).await;
    repo.propose(&wanted, &authorship()).await.unwrap();
    merge_by_hand(&server, &wanted.branch);
    (server, repo, wanted.branch)
}

fn merge_by_hand(server: &GitServer, branch: &ProposalBranch) {
    let tree = server.repository.git(&["rev-parse", &format!("{branch}^{{tree}}")]);
    let merged = server.repository.git(&["commit-tree", &tree, "-p", "main", "-p", branch.as_str(), "-m", "Merge"]);
    server.repository.git(&["update-ref", "refs/heads/main", &merged]);
}

async fn merge(forge: &Forge) -> Cell {
    let (server, repo, branch) = merged(forge).await;
    let look = repo.look(&[branch]).await.unwrap();
    assert_eq!(
        (look.states[0].clone(), look.head.unwrap().to_string()),
        (ProposalState::Merged, server.repository.head())
    );
    Cell::Held
}

async fn revert(forge: &Forge) -> Cell {
    let (server, repo, branch) = merged(forge).await;
    let tree = server.repository.git(&["rev-parse", "main^1^{tree}"]);
    let reverted = server.repository.git(&["commit-tree", &tree, "-p", "main", "-m", "Revert"]);
    server.repository.git(&["update-ref", "refs/heads/main", &reverted]);
    repo.propose(&proposal(&repo).await, &authorship()).await.unwrap();
    assert_eq!(state(&repo, &branch).await, ProposalState::Open);
    merge_by_hand(&server, &branch);
    assert_eq!(server.repository.text(&path("proposed")).as_deref(), Some("one\n"));
    Cell::Held
}

async fn refuse_by_hook(forge: &Forge) -> Cell {
    let (server, repo) = start(forge);
    let script = "#!/bin/sh\necho GH013: violations >&2\necho '- Sign your commits.' >&2\nexit 1\n";
    server.repository.hook("pre-receive", script);
    let before = server.repository.head();
    let error = run(&repo, &["tenant-7"], set("tenant-7", "one\n")).await.unwrap_err();
    let RepoError::Rejected { reason } = &error else { panic!("{error:?}") };
    assert!(reason.contains("declined") && reason.ends_with("- Sign your commits."), "{reason}");
    assert_eq!(server.repository.head(), before);
    let pushes = server.take_served().iter().filter(|(service, _)| *service == Service::Push).count();
    assert_eq!(pushes, 1, "nothing is tried again");
    Cell::Held
}

fn is_denied(error: &RepoError) -> bool {
    // Hidden, forbidden, or said in words.
    matches!(
        error,
        RepoError::Unauthorized { status: 403, .. }
            | RepoError::Refused { .. }
            | RepoError::NotFound(Missing::Repository)
    )
}

async fn no_right_to_read(forge: &Forge) -> Cell {
    let server = forge.serve(Repository::with_tenants(3), Rights::Nothing);
    let error = open(&server).read(&paths(&["tenant-1"])).await.unwrap_err();
    assert!(is_denied(&error), "{error:?}");
    Cell::Held
}

async fn no_right_to_write(forge: &Forge) -> Cell {
    let server = forge.serve(Repository::with_tenants(3), Rights::Read);
    let before = server.repository.head();
    let repo = open(&server);
    repo.read(&paths(&["tenant-1"])).await.unwrap();
    let error = run(&repo, &["tenant-1"], set("tenant-1", "one\n")).await.unwrap_err();
    assert!(is_denied(&error), "{error:?}");
    let error = repo.propose(&proposal(&repo).await, &authorship()).await.unwrap_err();
    assert!(is_denied(&error), "{error:?}");
    assert_eq!(server.repository.head(), before);
    Cell::Held
}

async fn empty(forge: &Forge) -> Cell {
    let server = forge.serve(Repository::empty(), Rights::Write);
    let error = open(&server).read(&paths(&["tenant-1"])).await.unwrap_err();
    assert!(matches!(error, RepoError::NotFound(Missing::Branch)), "{error:?}");
    Cell::Held
}

async fn sha256(forge: &Forge) -> Cell {
    let server = forge.serve(Repository::sha256(), Rights::Write);
    let error = open(&server).read(&paths(&["tenant-1"])).await.unwrap_err();
    match forge.sha256 {
        Sha256::Named => {
            assert!(matches!(error, RepoError::Invalid(said) if said.contains("SHA-1")), "{error:?}");
            Cell::Held
        }
        Sha256::Mistaken => {
            assert!(matches!(error, RepoError::Transport { status: Some(500), .. }), "{error:?}");
            Cell::NotThere("it makes no such repository, and answers HTTP 500 for one that git made")
        }
    }
}

async fn many_branches(forge: &Forge) -> Cell {
    let repository = Repository::with_tenants(20);
    let head = repository.head();
    let mut lines: Vec<String> = (0..10_000).map(|number| format!("{head} refs/heads/topic/{number}\n")).collect();
    // One head, so this is by name.
    lines.sort();
    let packed = format!("# pack-refs with: peeled fully-peeled sorted \n{}", lines.concat());
    std::fs::write(repository.root().join("tenants.git/packed-refs"), packed).unwrap();
    let server = forge.serve(repository, Rights::Write);
    let repo = open(&server);
    run(&repo, &["tenant-7"], set("tenant-7", "one\n")).await.unwrap();
    let wanted = proposal(&repo).await;
    repo.propose(&wanted, &authorship()).await.unwrap();
    assert_eq!(state(&repo, &wanted.branch).await, ProposalState::Open);
    assert_eq!(server.repository.text(&path("tenant-7")).as_deref(), Some("one\n"));
    Cell::Held
}

async fn cut_answer(forge: &Forge) -> Cell {
    let (server, _) = start(forge);
    for service in [Service::Advertisement, Service::Fetch, Service::PushAdvertisement, Service::Push] {
        for bytes in [0, 5, 40] {
            // One that knows nothing yet, and so asks for everything.
            let (repo, before) = (open(&server), server.repository.commits());
            server.fault(service, Fault::CutWithin(bytes));
            run(&repo, &["shared"], append("shared", &format!("{service:?} {bytes}"))).await.unwrap();
            assert_eq!((server.faults_left(), server.repository.commits()), (0, before + 1), "{service:?} {bytes}");
        }
    }
    assert_eq!(server.repository.text(&path("shared")).unwrap().lines().count(), 12);
    Cell::Held
}

async fn slow_answer(forge: &Forge) -> Cell {
    let (server, repo) = start(forge);
    for service in [Service::Advertisement, Service::Fetch, Service::PushAdvertisement, Service::Push] {
        server.fault(service, Fault::Trickle(50));
    }
    let outcome = run(&repo, &["tenant-7"], set("tenant-7", "one\n")).await.unwrap();
    assert!(matches!(outcome, BatchOutcome::Committed { attempts: 1, .. }), "{outcome:?}");
    assert_eq!(server.faults_left(), 0);
    Cell::Held
}
