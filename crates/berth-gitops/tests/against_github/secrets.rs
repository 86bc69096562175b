//! The App's key, its proofs and its tokens show in no error, even where GitHub sends them back to us.

use berth_gitops::{GitHubRepo, HostSecret, RepoError};
use serde_json::{Value, json};

use crate::support::{GitHub, Repository, append, everything_of, run};

/// Parts of the key's PEM, and how tokens and proofs begin.
fn canaries(secret: &str) -> Vec<String> {
    let secret: Value = serde_json::from_str(secret).unwrap();
    let pem = secret["privateKey"].as_str().unwrap();
    let lines = pem.lines().filter(|line| !line.starts_with("-----")).map(str::to_owned);
    lines.chain(["ghs_".to_owned(), "eyJ0".to_owned(), "PRIVATE KEY".to_owned()]).collect()
}

fn assert_silent(secret: &str, shown: &str) {
    for canary in canaries(secret) {
        assert!(!shown.contains(&canary), "{shown}");
    }
}

#[tokio::test]
async fn no_error_shows_key_proof_or_token() {
    let github = GitHub::start(Repository::new());
    let mut seen = 0;
    for at in ["token", "read", "commit"] {
        for status in [302, 400, 401, 403, 404, 409, 422, 429] {
            // Twice, because a token that is refused once is renewed once.
            for _ in 0..2 {
                github.fault(at, json!({ "status": status, "body": { "message": "who are you?" } })).await;
            }
            let error = run(&github.open(), &["a"], append("a", "x")).await.unwrap_err();
            assert_silent(&github.secret, &everything_of(&error));
            github.tell("heal", json!({})).await;
            seen += 1;
        }
        for _ in 0..20 {
            github.fault(at, json!({ "cut": true })).await;
        }
        let error = run(&github.open(), &["a"], append("a", "x")).await.unwrap_err();
        assert_silent(&github.secret, &everything_of(&error));
        github.tell("heal", json!({})).await;
    }
    assert_eq!(seen, 24);
}

#[tokio::test]
async fn what_github_echoes_is_scrubbed() {
    let github = GitHub::start(Repository::new());
    let repo = github.open();
    // The stand-in puts the request's own Authorization header where it is asked to.
    let echo = json!({ "status": 200, "echo": true, "body": { "errors": [{ "type": "UNPROCESSABLE", "message": "got ECHO\u{1b}[31m" }] } });
    github.fault("commit", echo).await;
    let error = run(&repo, &["a"], append("a", "x")).await.unwrap_err();
    let RepoError::Rejected { reason } = &error else { panic!("{error:?}") };
    assert!(reason.starts_with("got ") && reason.contains("[redacted]") && !reason.contains('\u{1b}'), "{reason}");
    assert_silent(&github.secret, &everything_of(&error));
}

#[tokio::test]
async fn settings_and_secrets_are_silent_too() {
    let github = GitHub::start(Repository::new());
    let secret = HostSecret::parse(&github.secret).unwrap();
    assert_silent(&github.secret, &format!("{secret:?} {:?}", github.settings()));
    let parsed: Value = serde_json::from_str(&github.secret).unwrap();
    for bad in [
        json!({ "privateKey": parsed["privateKey"] }),
        json!({ "clientId": "Iv1", "privateKey": parsed["privateKey"] }),
        json!({ "clientId": "Iv1\r\nX: y", "installationId": 1, "privateKey": parsed["privateKey"] }),
        json!({ "clientId": "Iv1", "installationId": "x", "privateKey": parsed["privateKey"] }),
        json!({ "clientId": "Iv1", "installationId": 1, "privateKey": "canary" }),
        json!({ "clientId": "Iv1", "installationId": 1, "privateKey": parsed["privateKey"], "token": "canary" }),
    ] {
        let error = HostSecret::parse(&bad.to_string()).unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("canary"), "{shown}");
        assert!(canaries(&github.secret).iter().filter(|part| part.len() > 20).all(|part| !shown.contains(part)));
    }
    let mut settings = github.settings();
    settings.url = "http://git.example.com/a/b".into();
    let error = GitHubRepo::open(&settings).map(|_| ()).unwrap_err();
    assert!(matches!(error, RepoError::Invalid(_)), "only this machine is asked over http");
}
