//! The password is a canary: it shows in no error, even where the server sends it back to us.

use base64::{Engine, engine::general_purpose::STANDARD};
use berth_gitops::{Credentials, GitRepo, GitSettings, RepoError};

use crate::support::{
    Fault, GitServer, PASSWORD, Repository, Service, USER, everything_of, framed, open, run, set, settings,
};

fn assert_silent(error: &RepoError) {
    let shown = everything_of(error);
    let header = STANDARD.encode(format!("{USER}:{PASSWORD}"));
    assert!(!shown.contains(PASSWORD) && !shown.contains(&header), "{shown}");
}

#[tokio::test]
async fn no_error_shows_the_credentials() {
    let server = GitServer::start(Repository::new());
    let header = STANDARD.encode(format!("{USER}:{PASSWORD}"));
    let echo = |service| match service {
        Service::Push => {
            let refusal = framed(&format!("ng refs/heads/main declined for {PASSWORD} {header}\n"));
            [framed("unpack ok\n"), refusal, b"0000".to_vec()].concat()
        }
        _ => framed(&format!("ERR who is {PASSWORD} {header}?\n")),
    };
    let mut seen = 0;
    for service in [Service::Advertisement, Service::List, Service::Fetch, Service::Push] {
        let mut faults: Vec<Fault> = [401, 403, 404, 413, 429, 302].map(|status| Fault::Status(status, &[])).into();
        faults.push(Fault::Body(echo(service)));
        for fault in faults {
            server.fault(service, fault);
            let error = run(&open(&server), &["payments"], set("payments", "one\n")).await.unwrap_err();
            assert_silent(&error);
            seen += 1;
        }
        // These are transient, so they must happen more often than they are retried.
        for fault in [|| Fault::CutBefore, || Fault::Body(vec![]), || Fault::Status(500, &[])] {
            (0..20).for_each(|_| server.fault(service, fault()));
            let error = run(&open(&server), &["payments"], set("payments", "one\n")).await.unwrap_err();
            assert_silent(&error);
            seen += 1;
            server.heal();
        }
    }
    assert_eq!(seen, 40);
}

#[tokio::test]
async fn what_the_server_says_is_kept_but_for_the_credentials() {
    let server = GitServer::start(Repository::new());
    let refusal = framed(&format!("ng refs/heads/main declined for {PASSWORD}\u{1b}[31m\n"));
    server.fault(Service::Push, Fault::Body([framed("unpack ok\n"), refusal, b"0000".to_vec()].concat()));
    let error = run(&open(&server), &["payments"], set("payments", "one\n")).await.unwrap_err();
    assert_eq!(error.to_string(), "the git server refused the commit: declined for [redacted] [31m");
}

#[tokio::test]
async fn settings_and_a_server_that_cannot_be_reached_are_silent_too() {
    let server = GitServer::start(Repository::new());
    let settings = settings(&server);
    assert!(!format!("{settings:?}").contains(PASSWORD));
    drop(server);
    let error = run(&GitRepo::open(&settings).unwrap(), &["payments"], set("payments", "one\n")).await.unwrap_err();
    assert_silent(&error);
    assert!(!everything_of(&error).contains("tenants.git"), "nor the address");
    let url = format!("https://{USER}:{PASSWORD}@example.com/tenants.git");
    let bad = GitSettings { url, credentials: Credentials::token(PASSWORD).unwrap(), ..settings };
    let error = GitRepo::open(&bad).map(|_| ()).unwrap_err();
    assert_silent(&error);
}
