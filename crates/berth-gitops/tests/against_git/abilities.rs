//! What is known of a server and of our rights there without changing anything.

use berth_gitops::{Abilities, Credentials, GitRepo, GitSettings, Missing, Proposals, RepoError, TenantRepo};

use crate::support::{
    GitServer, PASSWORD, Repository, Service, USER,
    gitlab::{self, API_TOKEN},
    open, paths, settings,
};

async fn of(server: &GitServer) -> Abilities {
    let before = server.repository.git(&["for-each-ref"]);
    let abilities = open(server).abilities().await;
    assert!(server.take_served().iter().all(|(service, _)| *service != Service::Push));
    assert_eq!(server.repository.git(&["for-each-ref"]), before);
    abilities
}

#[tokio::test]
async fn a_server_that_takes_pushes_says_its_name_and_its_branches() {
    let server = GitServer::start(Repository::new());
    server.repository.git(&["branch", "topic", "main"]);
    for is_v0 in [false, true] {
        if is_v0 {
            server.speak_only_v0();
        }
        let Abilities { host, branches, write, proposals } = of(&server).await;
        assert!(host.starts_with("a git server (git/"), "{host}");
        assert_eq!(branches.unwrap(), ["main", "topic"]);
        write.unwrap();
        assert_eq!(proposals.unwrap(), "a branch, which a person merges");
    }
}

#[tokio::test]
async fn who_may_not_push_can_neither_write_nor_propose() {
    let server = GitServer::start(Repository::new());
    server.repository.git(&["config", "http.receivepack", "false"]);
    let Abilities { write, proposals, branches, .. } = of(&server).await;
    assert!(matches!(write, Err(RepoError::Unauthorized { status: 403, .. })), "{write:?}");
    assert!(proposals.is_err());
    assert_eq!(branches.unwrap(), ["main"]);
}

#[tokio::test]
async fn an_empty_repository_has_no_branches() {
    let server = GitServer::start(Repository::empty());
    assert!(matches!(open(&server).read(&paths(&["a"])).await, Err(RepoError::NotFound(Missing::Branch))));
    let Abilities { branches, write, .. } = of(&server).await;
    assert!(branches.unwrap().is_empty());
    write.unwrap();
}

#[tokio::test]
async fn a_branch_that_is_in_the_way_of_all_proposals_is_named() {
    let server = GitServer::start(Repository::new());
    server.repository.git(&["branch", "berth", "main"]);
    let proposals = of(&server).await.proposals.unwrap_err().to_string();
    assert!(proposals.contains("a branch named berth is in the way"), "{proposals}");
}

#[tokio::test]
async fn gitlab_says_by_which_means_and_whether_its_api_answers() {
    let server = GitServer::start(Repository::new());
    gitlab::act(&server);
    let open = |more: &str| {
        let secret = format!(r#"{{"username":"{USER}","password":"{PASSWORD}","provider":"gitlab"{more}}}"#);
        let credentials = Credentials::from_secret(&secret).unwrap();
        GitRepo::open(&GitSettings { url: server.url_in(gitlab::GROUP), credentials, ..settings(&server) }).unwrap()
    };
    let with_api = format!(r#","apiToken":"{API_TOKEN}""#);
    for (more, wanted) in [
        ("", "made by the push; one that is closed is seen when its branch is deleted (no token for the API)"),
        (&*with_api, "made by the push; one that is closed is seen by the API"),
        (
            r#","apiToken":"another-canary""#,
            "is seen when its branch is deleted: of the API, the git server refused the",
        ),
    ] {
        let repo = open(more);
        let means = repo.abilities().await.proposals.unwrap();
        assert!(means.contains(wanted) && !means.contains("canary"), "{means}");
        assert_eq!(repo.signs_in_with().contains("another token for the server's API"), !more.is_empty());
    }
    server.repository.git(&["config", "receive.advertisePushOptions", "false"]);
    assert!(open("").abilities().await.proposals.unwrap().contains("the server takes no push options"));
}

#[test]
fn the_form_of_a_secret_is_told_without_the_secret() {
    let server = GitServer::start(Repository::new());
    for (secret, wanted) in [
        (r#"{"username":"u","password":"canary"}"#, "a user and a password"),
        (r#"{"token":"canary"}"#, "a token, sent as Bearer, or as a password where the server asks for one"),
        (r#"{"token":"canary","provider":"gitlab"}"#, "a token, sent as the password of oauth2"),
        (r#"{"token":"canary","provider":"bitbucketDataCenter"}"#, "a token, sent as Bearer"),
    ] {
        let credentials = Credentials::from_secret(secret).unwrap();
        let repo = GitRepo::open(&GitSettings { credentials, ..settings(&server) }).unwrap();
        assert_eq!(repo.signs_in_with(), wanted);
    }
}
