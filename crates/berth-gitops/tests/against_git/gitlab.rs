//! Merge requests on GitLab: made by the push, and looked at by the API where a token for it is given.

use berth_gitops::{
    Authorship, Credentials, GitRepo, GitSettings, Proposal, ProposalBranch, ProposalState, Proposals, TenantRepo,
};

use crate::support::{
    Entry, Fault, GitServer, PASSWORD, Repository, Service, USER, authorship,
    gitlab::{self, API_TOKEN, GROUP, merge_requests, of_somebody_else, options, set_state},
    path, paths, settings, write,
};

fn start() -> GitServer {
    let server = GitServer::start(Repository::new());
    gitlab::act(&server);
    server
}

fn open(server: &GitServer, secret: &str) -> GitRepo {
    let credentials = Credentials::from_secret(secret).unwrap();
    GitRepo::open(&GitSettings { url: server.url_in(GROUP), credentials, ..settings(server) }).unwrap()
}

fn secret(more: &str) -> String {
    format!(r#"{{"username":"{USER}","password":"{PASSWORD}","provider":"gitlab"{more}}}"#)
}

fn with_api() -> String {
    secret(&format!(r#","apiToken":"{API_TOKEN}""#))
}

async fn proposal(repo: &GitRepo) -> Proposal {
    let changes = vec![write("a", "one\n")];
    let branch = ProposalBranch::of(&changes).unwrap();
    let base = repo.read(&paths(&["a"])).await.unwrap().head;
    let message = format!("Onboard payments{}\n\nBerth-Account: 111122223333\n", "!".repeat(300));
    Proposal { branch, base, changes, message, description: String::new() }
}

async fn state(repo: &GitRepo, branch: &ProposalBranch) -> ProposalState {
    repo.look(std::slice::from_ref(branch)).await.unwrap().states[0].clone()
}

#[tokio::test]
async fn the_push_makes_the_merge_request_and_its_address_is_shown() {
    let server = start();
    let repo = open(&server, &secret(""));
    let wanted = proposal(&repo).await;
    let shown = repo.propose(&wanted, &authorship()).await.unwrap();
    assert_eq!(shown, format!("{}/-/merge_requests/1", gitlab::address(&server)));
    let title = format!("Onboard payments{}", "!".repeat(255 - "Onboard payments".len()));
    let title = format!("merge_request.title={title}");
    assert_eq!(
        options(&server.repository),
        ["merge_request.create", "merge_request.target=main", &title, "merge_request.remove_source_branch"]
    );
    let made = &merge_requests(&server.repository)[0];
    assert_eq!((&made["source_branch"], &made["target_branch"]), (&wanted.branch.as_str().into(), &"main".into()));
    // Proposing twice proposes once.
    repo.propose(&wanted, &authorship()).await.unwrap();
    assert_eq!(merge_requests(&server.repository).len(), 1);
    assert!(server.take_served().iter().all(|(service, _)| *service != Service::Api), "no token, no question");
}

#[tokio::test]
async fn a_server_that_is_not_gitlab_hears_nothing_of_merge_requests() {
    let server = start();
    let repo = open(&server, &format!(r#"{{"username":"{USER}","password":"{PASSWORD}"}}"#));
    repo.propose(&proposal(&repo).await, &authorship()).await.unwrap();
    assert!(options(&server.repository).is_empty() && merge_requests(&server.repository).is_empty());
}

#[tokio::test]
async fn gitlab_that_takes_no_push_options_gets_the_branch_and_people_the_page() {
    let server = start();
    server.repository.git(&["config", "receive.advertisePushOptions", "false"]);
    let repo = open(&server, &secret(""));
    let wanted = proposal(&repo).await;
    let shown = repo.propose(&wanted, &authorship()).await.unwrap();
    assert!(shown.contains("/-/merge_requests/new?merge_request%5Bsource_branch%5D=berth%2F"), "{shown}");
    assert_eq!(state(&repo, &wanted.branch).await, ProposalState::Open);
    assert!(merge_requests(&server.repository).is_empty());
}

#[tokio::test]
async fn a_closed_merge_request_is_seen_by_the_api_alone_and_made_again() {
    let server = start();
    let (with, without) = (open(&server, &with_api()), open(&server, &secret("")));
    let wanted = proposal(&with).await;
    with.propose(&wanted, &authorship()).await.unwrap();
    assert_eq!(state(&with, &wanted.branch).await, ProposalState::Open);
    set_state(&server.repository, 1, "closed");
    assert_eq!(state(&with, &wanted.branch).await, ProposalState::Closed);
    assert_eq!(state(&without, &wanted.branch).await, ProposalState::Open, "its branch is all that the refs show");
    // Asked for once more: closed is closed, so another one is made.
    let later = Authorship { time_unix_seconds: authorship().time_unix_seconds + 60, ..authorship() };
    let shown = with.propose(&wanted, &later).await.unwrap();
    assert_eq!(shown, format!("{}/-/merge_requests/2", gitlab::address(&server)));
    assert_eq!(state(&with, &wanted.branch).await, ProposalState::Open);
}

#[tokio::test]
async fn a_squash_that_takes_the_branch_along_is_seen_by_the_api_alone() {
    let server = start();
    let (with, without) = (open(&server, &with_api()), open(&server, &secret("")));
    let wanted = proposal(&with).await;
    with.propose(&wanted, &authorship()).await.unwrap();
    // Squashed, and the source branch removed, as the push asked for.
    server.repository.commit_by_hand(&[(path("a").as_str(), Entry::File("one\n"))]);
    server.repository.git(&["branch", "-D", wanted.branch.as_str()]);
    set_state(&server.repository, 1, "merged");
    let look = with.look(std::slice::from_ref(&wanted.branch)).await.unwrap();
    assert_eq!(look.states, [ProposalState::Merged]);
    assert_eq!(look.mergers, [(wanted.branch.clone(), "mona".to_owned())].into());
    // By the refs it is over: whoever waits compares the file, and finds what was asked for.
    let look = without.look(std::slice::from_ref(&wanted.branch)).await.unwrap();
    assert_eq!(look.states, [ProposalState::Closed]);
    assert_eq!(look.head.unwrap().to_string(), server.repository.head());
}

#[tokio::test]
async fn a_merge_that_keeps_the_commits_is_seen_by_the_refs_alone() {
    let server = start();
    let repo = open(&server, &secret(""));
    let wanted = proposal(&repo).await;
    repo.propose(&wanted, &authorship()).await.unwrap();
    server.repository.git(&["update-ref", "refs/heads/main", &format!("refs/heads/{}", wanted.branch)]);
    assert_eq!(state(&repo, &wanted.branch).await, ProposalState::Merged);
}

#[tokio::test]
async fn an_api_that_refuses_or_breaks_leaves_what_the_branches_tell() {
    let server = start();
    let repo = open(&server, &secret(r#","apiToken":"another-canary""#));
    let wanted = proposal(&repo).await;
    repo.propose(&wanted, &authorship()).await.unwrap();
    set_state(&server.repository, 1, "closed");
    server.take_served();
    assert_eq!(state(&repo, &wanted.branch).await, ProposalState::Open, "the API refuses the token");
    let repo = open(&server, &with_api());
    for fault in [Fault::Status(500, &[]), Fault::Body(b"<html>".to_vec()), Fault::CutBefore] {
        server.fault(Service::Api, fault);
        assert_eq!(state(&repo, &wanted.branch).await, ProposalState::Open);
        assert_eq!(server.faults_left(), 0);
    }
    assert_eq!(state(&repo, &wanted.branch).await, ProposalState::Closed);
    // One each, but for the one that was cut.
    assert_eq!(server.take_served().iter().filter(|(service, _)| *service == Service::Api).count(), 4);
}

#[tokio::test]
async fn a_merge_request_is_found_behind_a_hundred_newer_ones() {
    let server = start();
    let repo = open(&server, &with_api());
    let wanted = proposal(&repo).await;
    repo.propose(&wanted, &authorship()).await.unwrap();
    let asked = || server.take_served().iter().filter(|(service, _)| *service == Service::Api).count();
    (0..99).for_each(|_| of_somebody_else(&server.repository));
    asked();
    assert_eq!((state(&repo, &wanted.branch).await, asked()), (ProposalState::Open, 1), "it is on the first page");
    of_somebody_else(&server.repository);
    set_state(&server.repository, 1, "closed");
    assert_eq!((state(&repo, &wanted.branch).await, asked()), (ProposalState::Closed, 2));
}

#[tokio::test]
async fn one_token_signs_in_to_git_and_to_the_api() {
    // `printf 'oauth2:glpat-canary-7' | base64`
    let server = GitServer::admitting(Repository::new(), "Basic b2F1dGgyOmdscGF0LWNhbmFyeS03".into());
    gitlab::act(&server);
    let repo = open(&server, &format!(r#"{{"token":"{API_TOKEN}","provider":"gitlab"}}"#));
    let wanted = proposal(&repo).await;
    repo.propose(&wanted, &authorship()).await.unwrap();
    set_state(&server.repository, 1, "closed");
    assert_eq!(state(&repo, &wanted.branch).await, ProposalState::Closed);
}
