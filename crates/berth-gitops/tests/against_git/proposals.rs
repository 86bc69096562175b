//! Proposals where there are no pull requests: a branch, for a person to merge with git.

use berth_gitops::{
    Change, GitRepo, Proposal, ProposalBranch, ProposalState, Proposals, RefusedKind, RepoError, TenantRepo,
};

use crate::support::{Entry, Fault, GitServer, Repository, Service, authorship, framed, open, path, paths};

async fn proposal(repo: &GitRepo, tenant: &str) -> Proposal {
    let changes = vec![Change::Write { path: path(tenant), bytes: b"one\n".to_vec() }];
    let branch = ProposalBranch::of(&changes).unwrap();
    let base = repo.read(&paths(&[tenant])).await.unwrap().head;
    Proposal { branch, base, changes, message: format!("Onboard {tenant}\n"), description: String::new() }
}

#[tokio::test]
async fn proposing_twice_makes_one_commit_on_one_branch_and_none_on_the_base() {
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
    assert_eq!(look.states, [ProposalState::Closed, ProposalState::Merged]);
    assert_eq!(look.head.unwrap().to_string(), server.repository.head());
    assert_eq!(server.repository.text(&path("b")).as_deref(), Some("one\n"), "it was merged");
}

#[tokio::test]
async fn a_server_without_new_branches_and_a_link_in_the_way_are_refused() {
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

/// Merges a branch of a proposal, or whatever its name leads to, into `main`, as a person would, and leaves it there.
fn merge(server: &GitServer, branch: &ProposalBranch) {
    let tip = server.repository.git(&["rev-parse", &format!("refs/heads/{branch}")]);
    let tree = server.repository.git(&["rev-parse", &format!("{tip}^{{tree}}")]);
    let merged = server.repository.git(&["commit-tree", &tree, "-p", "main", "-p", &tip, "-m", "Merge"]);
    server.repository.git(&["update-ref", "refs/heads/main", &merged]);
}

/// Puts `main` back to what it was before its last merge, by a commit on top.
fn revert(server: &GitServer) {
    let tree = server.repository.git(&["rev-parse", "main^1^{tree}"]);
    let reverted = server.repository.git(&["commit-tree", &tree, "-p", "main", "-m", "Revert"]);
    server.repository.git(&["update-ref", "refs/heads/main", &reverted]);
}

#[tokio::test]
async fn what_was_merged_and_reverted_can_be_proposed_and_merged_again() {
    for speaks_v2 in [true, false] {
        let server = GitServer::start(Repository::new());
        if !speaks_v2 {
            server.speak_only_v0();
        }
        let repo = open(&server);
        let first = proposal(&repo, "a").await;
        repo.propose(&first, &authorship()).await.unwrap();
        merge(&server, &first.branch);
        assert_eq!(repo.look(std::slice::from_ref(&first.branch)).await.unwrap().states, [ProposalState::Merged]);
        revert(&server);
        let again = proposal(&repo, "a").await;
        assert_eq!(again.branch, first.branch, "the same content has the same name");
        repo.propose(&again, &authorship()).await.unwrap();
        assert_eq!(repo.look(std::slice::from_ref(&first.branch)).await.unwrap().states, [ProposalState::Open]);
        assert_eq!(server.repository.text(&path("a")), None);
        merge(&server, &first.branch);
        assert_eq!(server.repository.text(&path("a")).as_deref(), Some("one\n"), "version 2: {speaks_v2}");
        assert_eq!(repo.look(&[first.branch]).await.unwrap().states, [ProposalState::Merged]);
    }
}

#[tokio::test]
async fn what_a_person_did_on_a_branch_that_is_open_is_kept() {
    let server = GitServer::start(Repository::new());
    let repo = open(&server);
    let first = proposal(&repo, "a").await;
    repo.propose(&first, &authorship()).await.unwrap();
    let branch = format!("refs/heads/{}", first.branch);
    let tree = server.repository.git(&["rev-parse", &format!("{branch}^{{tree}}")]);
    let reviewed = server.repository.git(&["commit-tree", &tree, "-p", &branch, "-m", "Reviewed"]);
    server.repository.git(&["update-ref", &branch, &reviewed]);
    server.repository.commit_by_hand(&[("NOTES.md", Entry::File("x\n"))]);
    repo.propose(&proposal(&repo, "a").await, &authorship()).await.unwrap();
    assert_eq!(server.repository.git(&["rev-parse", &branch]), reviewed);
}

#[tokio::test]
async fn what_is_in_the_way_of_a_branch_is_told_and_nothing_was_proposed() {
    let server = GitServer::start(Repository::new());
    let repo = open(&server);
    server.repository.git(&["branch", "berth", "main"]);
    let error = repo.propose(&proposal(&repo, "a").await, &authorship()).await.unwrap_err();
    let RepoError::Rejected { reason } = &error else { panic!("{error:?}") };
    assert!(reason.starts_with("a branch named berth is in the way"), "{reason}");
    server.repository.git(&["branch", "-D", "berth"]);

    let wanted = proposal(&repo, "a").await;
    let lock = server.repository.root().join(format!("tenants.git/refs/heads/{}.lock", wanted.branch));
    std::fs::create_dir_all(lock.parent().unwrap()).unwrap();
    std::fs::write(&lock, "").unwrap();
    let error = repo.propose(&wanted, &authorship()).await.unwrap_err();
    let RepoError::Rejected { reason } = &error else { panic!("{error:?}") };
    assert!(reason.contains("File exists"), "{reason}");
    std::fs::remove_file(lock).unwrap();
    repo.propose(&wanted, &authorship()).await.unwrap();
    assert_eq!(repo.look(&[wanted.branch]).await.unwrap().states, [ProposalState::Open]);
}

#[tokio::test]
async fn a_branch_that_another_copy_makes_is_found_whatever_the_words() {
    for words in ["invalid old id sent", "reference has changed concurrently", "computer says no"] {
        let server = GitServer::start(Repository::new());
        let repo = open(&server);
        let wanted = proposal(&repo, "a").await;
        let branch = format!("refs/heads/{}", wanted.branch);
        let made = move |repository: &Repository| {
            let other = repository.git(&["commit-tree", "main^{tree}", "-p", "main", "-m", "The other copy's"]);
            repository.git(&["update-ref", &branch, &other]);
            [framed("unpack ok\n"), framed(&format!("ng {branch} {words}\n")), b"0000".to_vec()].concat()
        };
        server.fault(Service::Push, Fault::Instead(Box::new(made)));
        repo.propose(&wanted, &authorship()).await.unwrap();
        assert_eq!(server.faults_left(), 0);
    }
}

#[tokio::test]
async fn a_look_at_many_proposals_is_one_list_and_at_most_one_fetch() {
    for (speaks_v2, count) in [(true, 60), (true, 3), (false, 3)] {
        let server = GitServer::start(Repository::new());
        let repo = open(&server);
        let mut branches = Vec::new();
        for number in 0..count {
            let wanted = proposal(&repo, &format!("t{number}")).await;
            repo.propose(&wanted, &authorship()).await.unwrap();
            branches.push(wanted.branch);
        }
        if !speaks_v2 {
            server.speak_only_v0();
        }
        let repo = open(&server);
        server.take_served();
        let first = repo.look(&branches).await.unwrap();
        assert_eq!(first.states, vec![ProposalState::Open; count]);
        let services = || server.take_served().into_iter().map(|(service, _)| service).collect::<Vec<_>>();
        let listing =
            if speaks_v2 { vec![Service::Advertisement, Service::List] } else { vec![Service::Advertisement] };
        assert_eq!(services(), [&listing[..], &[Service::Fetch]].concat());
        assert_eq!(repo.look(&branches).await.unwrap(), first);
        let again = if speaks_v2 { Service::List } else { Service::Advertisement };
        assert_eq!(services(), [again], "nothing moved");
    }
}

#[tokio::test]
async fn a_proposal_is_taken_back_where_it_was_left_and_nowhere_else() {
    let server = GitServer::start(Repository::new());
    let repo = open(&server);
    let proposal = proposal(&repo, "a").await;
    assert_eq!(repo.tip(&proposal.branch).await.unwrap(), None);
    repo.propose(&proposal, &authorship()).await.unwrap();
    let left_at = repo.tip(&proposal.branch).await.unwrap().unwrap();
    let elsewhere = repo.withdraw(&proposal.branch, &proposal.base).await.unwrap_err();
    assert!(matches!(elsewhere, RepoError::LostRace { .. }), "somebody has worked on it: {elsewhere}");
    server.repository.git(&["config", "receive.denyDeletes", "true"]);
    let refused = repo.withdraw(&proposal.branch, &left_at).await.unwrap_err();
    assert!(matches!(&refused, RepoError::Rejected { reason } if reason.contains("delet")), "{refused:?}");
    server.repository.git(&["config", "receive.denyDeletes", "false"]);
    server.fault(Service::Push, Fault::CutAfter);
    repo.withdraw(&proposal.branch, &left_at).await.unwrap_err();
    assert_eq!(server.faults_left(), 0);
    repo.withdraw(&proposal.branch, &left_at).await.unwrap();
    assert_eq!(repo.tip(&proposal.branch).await.unwrap(), None);
    assert_eq!(repo.look(&[proposal.branch]).await.unwrap().states, [ProposalState::Closed]);
}
