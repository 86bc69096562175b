//! Pull requests: one for what is proposed, however often it is proposed.

use berth_gitops::{GitHubRepo, Proposal, ProposalBranch, ProposalState, Proposals, RepoError, TenantRepo};
use reqwest::Method;
use serde_json::json;

use crate::support::{Entry, GitHub, Repository, authorship, path, paths, write};

async fn proposal(repo: &GitHubRepo) -> Proposal {
    let changes = vec![write("a", "one\n"), write("b", "two\n")];
    let branch = ProposalBranch::of(&changes).unwrap();
    let base = repo.read(&paths(&["a", "b"])).await.unwrap().head;
    Proposal {
        branch,
        base,
        changes,
        message: "Onboard 2 accounts\n\nBerth-Account: 111122223333\n".into(),
        description: String::new(),
    }
}

async fn pulls(github: &GitHub) -> usize {
    github.tell("state", json!({})).await["pulls"].as_array().unwrap().len()
}

#[tokio::test]
async fn proposing_twice_makes_one_branch_one_commit_and_one_pull_request() {
    let github = GitHub::start(Repository::new());
    let repo = github.open();
    let first = proposal(&repo).await;
    let url = repo.propose(&first, &authorship()).await.unwrap();
    assert!(url.ends_with("/berth/tenants/pull/1"), "{url}");
    // Somebody else's commit moves the base; what is proposed is the same.
    github.repository.commit_by_hand(&[("NOTES.md", Entry::File("x\n"))]);
    let again = proposal(&repo).await;
    assert_ne!(again.base, first.base);
    assert_eq!(repo.propose(&again, &authorship()).await.unwrap(), url);
    assert_eq!((pulls(&github).await, github.served("commit").await), (1, 1));
    assert_eq!(repo.look(&[first.branch]).await.unwrap().states, [ProposalState::Open]);
    assert_eq!(github.repository.text(&path("a")), None, "nothing is on the branch that clusters follow");
}

#[tokio::test]
async fn whatever_is_cut_while_proposing_a_second_try_completes_the_same_proposal() {
    for at in ["post-branch", "commit", "post-pull"] {
        for after in [true, false] {
            let github = GitHub::start(Repository::new());
            let repo = github.open();
            let proposal = proposal(&repo).await;
            github.fault(at, json!({ "after": after, "cut": true })).await;
            repo.propose(&proposal, &authorship()).await.unwrap_err();
            repo.propose(&proposal, &authorship()).await.unwrap();
            assert_eq!(pulls(&github).await, 1, "{at} {after}");
            let branch = format!("refs/heads/{}", proposal.branch);
            assert_eq!(github.repository.git(&["rev-list", "--count", &branch]), "2", "{at} {after}");
        }
    }
}

#[tokio::test]
async fn a_merge_and_a_close_are_seen_and_one_request_looks_at_many() {
    let github = GitHub::start(Repository::new());
    let repo = github.open();
    let mut branches = Vec::new();
    for tenant in ["a", "b", "c"] {
        let changes = vec![write(tenant, "one\n")];
        let branch = ProposalBranch::of(&changes).unwrap();
        let base = repo.read(&paths(&[tenant])).await.unwrap().head;
        let message = format!("Onboard {tenant}\n");
        repo.propose(
            &Proposal { branch: branch.clone(), base, changes, message, description: String::new() },
            &authorship(),
        )
        .await
        .unwrap();
        branches.push(branch);
    }
    github.person(Method::PUT, "pulls/1/merge").await;
    github.person(Method::PATCH, "pulls/2").await;
    let look = repo.look(&branches).await.unwrap();
    assert_eq!(look.states, [ProposalState::Merged, ProposalState::Closed, ProposalState::Open]);
    assert_eq!(look.mergers, [(branches[0].clone(), "octocat".to_owned())].into());
    assert_eq!(github.served("look").await, 1);
    assert_eq!(github.repository.text(&path("a")).as_deref(), Some("one\n"));
    // What was closed can be proposed again: from the branch that is there.
    let changes = vec![write("b", "one\n")];
    let base = repo.read(&paths(&["b"])).await.unwrap().head;
    let again = Proposal {
        branch: branches[1].clone(),
        base,
        changes,
        message: "Onboard b\n".into(),
        description: String::new(),
    };
    assert!(repo.propose(&again, &authorship()).await.unwrap().ends_with("/pull/4"));
}

#[tokio::test]
async fn pull_requests_of_forks_say_nothing_about_ours_and_do_not_hide_it() {
    let github = GitHub::start(Repository::new());
    let repo = github.open();
    let proposal = proposal(&repo).await;
    let url = repo.propose(&proposal, &authorship()).await.unwrap();
    let branches = [proposal.branch.clone()];
    let fork = async |state: &str, count: usize| {
        let told = json!({ "head": proposal.branch.as_str(), "base": "main", "state": state, "count": count });
        github.tell("fork", told).await;
    };
    for state in ["CLOSED", "MERGED"] {
        fork(state, 15).await;
        assert_eq!(repo.look(&branches).await.unwrap().states, [ProposalState::Open], "{state} is a fork's");
    }
    assert_eq!(repo.propose(&proposal, &authorship()).await.unwrap(), url, "the fork's is not taken for ours");
    github.person(Method::PUT, "pulls/1/merge").await;
    fork("OPEN", 1).await;
    assert_eq!(repo.look(&branches).await.unwrap().states, [ProposalState::Merged], "the open one is a fork's");
    // More than an answer holds: ours is hidden, and nothing is known of it.
    fork("CLOSED", 100).await;
    assert_eq!(repo.look(&branches).await.unwrap().states, [ProposalState::Open]);
}

#[tokio::test]
async fn an_app_without_the_right_to_pull_requests_is_told_so() {
    let github = GitHub::start(Repository::new());
    github.tell("grant", json!({ "contents": "write", "metadata": "read" })).await;
    let repo = github.open();
    let proposal = proposal(&repo).await;
    let error = repo.propose(&proposal, &authorship()).await.unwrap_err();
    assert!(matches!(&error, RepoError::Rejected { reason } if reason.contains("permission")), "{error:?}");
}

#[tokio::test]
async fn what_was_merged_and_reverted_is_proposed_again() {
    let github = GitHub::start(Repository::new());
    let repo = github.open();
    let first = proposal(&repo).await;
    repo.propose(&first, &authorship()).await.unwrap();
    github.person(Method::PUT, "pulls/1/merge").await;
    let tree = github.repository.git(&["rev-parse", "main^1^{tree}"]);
    let reverted = github.repository.git(&["commit-tree", &tree, "-p", "main", "-m", "Revert"]);
    github.repository.git(&["update-ref", "refs/heads/main", &reverted]);
    // GitHub keeps the branch of a merged pull request, unless it is told otherwise.
    let again = proposal(&repo).await;
    assert_eq!(again.branch, first.branch);
    assert!(repo.propose(&again, &authorship()).await.unwrap().ends_with("/pull/2"));
    assert_eq!(repo.look(std::slice::from_ref(&first.branch)).await.unwrap().states, [ProposalState::Open]);
    github.person(Method::PUT, "pulls/2/merge").await;
    assert_eq!(github.repository.text(&path("a")).as_deref(), Some("one\n"));
    assert_eq!(github.served("patch-branch").await, 1);
}

#[tokio::test]
async fn a_branch_that_is_merged_or_pushed_to_meanwhile_is_not_moved() {
    let github = GitHub::start(Repository::new());
    let repo = github.open();
    let first = proposal(&repo).await;
    repo.propose(&first, &authorship()).await.unwrap();
    // The base was read before the merge: it does not have the branch, and the branch that people merge to does.
    let stale = proposal(&repo).await;
    github.person(Method::PUT, "pulls/1/merge").await;
    let branch = format!("refs/heads/{}", first.branch);
    let before = github.repository.git(&["rev-parse", &branch]);
    let error = repo.propose(&stale, &authorship()).await.unwrap_err();
    assert!(matches!(&error, RepoError::LostRace { reason: Some(said) } if said.contains("fast forward")), "{error:?}");
    assert_eq!(github.repository.git(&["rev-parse", &branch]), before);
}

#[tokio::test]
async fn what_is_merged_between_two_looks_is_a_lost_race_and_no_refusal() {
    let github = GitHub::start(Repository::new());
    let repo = github.open();
    let stale = proposal(&repo).await;
    repo.propose(&stale, &authorship()).await.unwrap();
    // It was not merged yet when the branches were compared, and is when its pull request is looked for.
    github.fault("get-comparison", json!({ "status": 200, "body": { "ahead_by": 1 } })).await;
    github.person(Method::PUT, "pulls/1/merge").await;
    let error = repo.propose(&stale, &authorship()).await.unwrap_err();
    assert!(matches!(&error, RepoError::LostRace { reason: Some(said) } if said.contains("No commits")), "{error:?}");
    assert_eq!((pulls(&github).await, github.served("get-comparison").await), (1, 2));
}

#[tokio::test]
async fn a_branch_that_cannot_be_made_is_refused_with_githubs_words() {
    let github = GitHub::start(Repository::new());
    let repo = github.open();
    github.repository.git(&["branch", "berth", "main"]);
    let error = repo.propose(&proposal(&repo).await, &authorship()).await.unwrap_err();
    assert!(matches!(&error, RepoError::Rejected { reason } if reason == "Reference update failed"), "{error:?}");
}

#[tokio::test]
async fn a_proposal_is_taken_back_and_its_pull_request_is_closed() {
    let github = GitHub::start(Repository::new());
    let repo = github.open();
    let first = proposal(&repo).await;
    assert_eq!(repo.tip(&first.branch).await.unwrap(), None);
    repo.propose(&first, &authorship()).await.unwrap();
    let left_at = repo.tip(&first.branch).await.unwrap().unwrap();
    let elsewhere = repo.withdraw(&first.branch, &first.base).await.unwrap_err();
    assert!(matches!(elsewhere, RepoError::LostRace { .. }), "somebody has worked on it: {elsewhere}");
    github.fault("delete-branch", json!({ "after": true, "cut": true })).await;
    repo.withdraw(&first.branch, &left_at).await.unwrap_err();
    repo.withdraw(&first.branch, &left_at).await.unwrap();
    assert_eq!(repo.tip(&first.branch).await.unwrap(), None);
    assert_eq!(repo.look(std::slice::from_ref(&first.branch)).await.unwrap().states, [ProposalState::Closed]);
    assert_eq!(github.tell("state", json!({})).await["pulls"][0]["state"], "CLOSED");
}
