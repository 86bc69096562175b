//! Proposals where there are no pull requests: a branch, for a person to merge with git.

use berth_gitops::{
    Change, GitRepo, Proposal, ProposalBranch, ProposalState, Proposals, RefusedKind, RepoError, TenantRepo,
};

use crate::support::{Entry, Fault, GitServer, Repository, Service, authorship, open, path, paths};

async fn proposal(repo: &GitRepo, tenant: &str) -> Proposal {
    let changes = vec![Change::Write { path: path(tenant), bytes: b"one\n".to_vec() }];
    let branch = ProposalBranch::of(&changes).unwrap();
    let base = repo.read(&paths(&[tenant])).await.unwrap().head;
    Proposal { branch, base, changes, message: format!("Onboard {tenant}\n") }
}

#[tokio::test]
async fn proposing_twice_makes_one_branch_of_one_commit_and_nothing_on_the_branch_that_clusters_follow() {
    let server = GitServer::start(Repository::new());
    let repo = open(&server);
    let first = proposal(&repo, "a").await;
    let said = repo.propose(&first, &authorship()).await.unwrap();
    assert_eq!(said, format!("the branch {}", first.branch));
    let tip = server.repository.git(&["rev-parse", first.branch.as_str()]);
    // Somebody else's commit moves the base; what is proposed is the same, and stays where it is.
    server.repository.commit_by_hand(&[("NOTES.md", Entry::File("x\n"))]);
    let again = proposal(&repo, "a").await;
    assert_ne!(again.base, first.base);
    assert_eq!(repo.propose(&again, &authorship()).await.unwrap(), said);
    assert_eq!(server.repository.git(&["rev-parse", first.branch.as_str()]), tip);
    assert_eq!(server.repository.git(&["rev-list", "--count", first.branch.as_str()]), "2");
    assert_eq!(server.repository.text(&path("a")), None);
}

#[tokio::test]
async fn whatever_is_cut_while_proposing_a_second_try_completes_the_same_proposal() {
    for fault in [Fault::CutBefore, Fault::CutAfter, Fault::CutWithin(3)] {
        let server = GitServer::start(Repository::new());
        let repo = open(&server);
        let proposal = proposal(&repo, "a").await;
        server.fault(Service::Push, fault);
        repo.propose(&proposal, &authorship()).await.unwrap_err();
        repo.propose(&proposal, &authorship()).await.unwrap();
        assert_eq!(server.faults_left(), 0);
        assert_eq!(server.repository.git(&["rev-list", "--count", proposal.branch.as_str()]), "2");
    }
}

#[tokio::test]
async fn a_look_tells_where_the_base_is_and_which_branches_are_gone() {
    let server = GitServer::start(Repository::new());
    let repo = open(&server);
    let proposals = [proposal(&repo, "a").await, proposal(&repo, "b").await];
    let branches = proposals.clone().map(|proposal| proposal.branch);
    for proposal in &proposals {
        repo.propose(proposal, &authorship()).await.unwrap();
    }
    let look = repo.look(&branches).await.unwrap();
    assert_eq!(look.states, [ProposalState::Open, ProposalState::Open]);
    assert_eq!(look.head, Some(proposals[0].base.clone()));
    server.repository.git(&["update-ref", "-d", &format!("refs/heads/{}", branches[0])]);
    server.repository.git(&["update-ref", "refs/heads/main", branches[1].as_str()]);
    let look = repo.look(&branches).await.unwrap();
    assert_eq!(look.states, [ProposalState::Closed, ProposalState::Open]);
    assert_eq!(look.head.unwrap().to_string(), server.repository.head());
    assert_eq!(server.repository.text(&path("b")).as_deref(), Some("one\n"), "it was merged");
}

#[tokio::test]
async fn a_server_that_lets_nobody_make_branches_and_a_link_in_the_way_are_refused() {
    let server = GitServer::start(Repository::new());
    server.repository.hook("update", "#!/bin/sh\necho 'only main may be pushed' >&2\nexit 1\n");
    let repo = open(&server);
    let error = repo.propose(&proposal(&repo, "a").await, &authorship()).await.unwrap_err();
    assert!(matches!(error, RepoError::Rejected { .. }), "{error:?}");
    let link = path("b");
    server.repository.commit_by_hand(&[(link.as_str(), Entry::Symlink("../../../../README.md"))]);
    let error = repo.propose(&proposal(&repo, "b").await, &authorship()).await.unwrap_err();
    let RepoError::RefusedPath { refusal, .. } = &error else { panic!("{error:?}") };
    assert_eq!(refusal.found, RefusedKind::Symlink);
    assert_eq!(server.repository.git(&["for-each-ref", "--format=%(refname:short)", "refs/heads"]), "main");
}
