//! What GitHub lets the App do, told by the tokens that it makes.

use berth_gitops::{Abilities, Proposals, RepoError};
use serde_json::json;

use crate::support::{GitHub, Repository};

#[tokio::test]
async fn an_app_with_every_right_may_commit_and_propose_and_changes_nothing() {
    let github = GitHub::start(Repository::new());
    github.repository.git(&["branch", "topic", "main"]);
    let before = github.repository.git(&["for-each-ref"]);
    let repo = github.open();
    let Abilities { host, branches, write, proposals } = repo.abilities().await;
    assert_eq!(host, "GitHub, as an App");
    assert_eq!(branches.unwrap(), ["main", "topic"]);
    write.unwrap();
    assert_eq!(proposals.unwrap(), "a pull request");
    assert_eq!(github.repository.git(&["for-each-ref"]), before);
    assert_eq!(repo.signs_in_with(), "the private key of a GitHub App");
}

#[tokio::test]
async fn a_right_that_was_not_granted_is_known_before_it_is_needed() {
    let lacks = |result: &Result<(), RepoError>| matches!(result, Err(RepoError::Rejected { reason }) if reason.contains("lacks this repository or a permission"));
    for (granted, may_write) in [
        (json!({ "contents": "write", "metadata": "read" }), true),
        (json!({ "contents": "read", "metadata": "read" }), false),
    ] {
        let github = GitHub::start(Repository::empty());
        github.tell("grant", granted).await;
        let Abilities { branches, write, proposals, .. } = github.open().abilities().await;
        assert_eq!(lacks(&write), !may_write, "{write:?}");
        assert!(lacks(&proposals.map(drop)));
        assert_eq!(branches.ok(), may_write.then(Vec::new), "an empty repository has none");
    }
}
