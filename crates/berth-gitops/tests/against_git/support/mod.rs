//! What the tests share: a server with a repository, a tenant's path, and an edit.

pub(crate) mod gitlab;
pub(crate) mod http1;
mod repository;
pub(crate) mod server;

use std::{collections::BTreeSet, time::Duration};

use berth_gitops::{
    Authorship, BatchOutcome, BatchPolicy, Change, Credentials, Edit, GitIdentity, GitLimits, GitRepo, GitSettings,
    Jitter, RepoError, RepoPath, Snapshot, commit_batch,
};

pub(crate) use self::{
    repository::{Entry, Repository},
    server::{Fault, GitServer, Service},
};

pub(crate) const USER: &str = "berth-bot";
/// Must show up in no error, however it is formatted.
pub(crate) const PASSWORD: &str = "canary-0f3b2a";

pub(crate) fn path(tenant: &str) -> RepoPath {
    RepoPath::for_tenant(&"dev-1".parse().unwrap(), &tenant.parse().unwrap())
}

pub(crate) fn paths(tenants: &[&str]) -> BTreeSet<RepoPath> {
    tenants.iter().map(|tenant| path(tenant)).collect()
}

pub(crate) fn settings(server: &GitServer) -> GitSettings {
    GitSettings {
        url: server.url(),
        branch: "main".into(),
        credentials: Credentials::basic(USER, PASSWORD).unwrap(),
        limits: GitLimits::default(),
    }
}

pub(crate) fn open(server: &GitServer) -> GitRepo {
    GitRepo::open(&settings(server)).unwrap()
}

pub(crate) fn authorship() -> Authorship {
    Authorship {
        author: GitIdentity::new("Berth", "berth@example.com").unwrap(),
        committer: GitIdentity::new("Berth Bot", "bot@example.com").unwrap(),
        time_unix_seconds: 1_790_000_000,
    }
}

/// Waits short enough for a test.
pub(crate) fn policy() -> BatchPolicy {
    let (delay_first, delay_max) = (Duration::from_millis(2), Duration::from_millis(20));
    BatchPolicy { delay_first, delay_max, ..BatchPolicy::default() }
}

/// One packet line.
pub(crate) fn framed(line: &str) -> Vec<u8> {
    format!("{:04x}{line}", line.len() + 4).into_bytes()
}

/// A change of one tenant's file.
pub(crate) fn write(tenant: &str, text: &str) -> Change {
    Change::Write { path: path(tenant), bytes: text.as_bytes().to_vec() }
}

/// An edit that writes one text to one tenant's file.
pub(crate) fn set(tenant: &str, text: &str) -> impl FnMut(&Snapshot) -> Edit + Send + use<> {
    let (path, text) = (path(tenant), text.to_owned());
    move |_| Edit {
        changes: vec![Change::Write { path: path.clone(), bytes: text.clone().into_bytes() }],
        message: format!("Update {path}\n\nBerth-Accounts: 111122223333\n"),
    }
}

/// An edit that appends one line to one tenant's file, unless it is there.
pub(crate) fn append(tenant: &str, line: &str) -> impl FnMut(&Snapshot) -> Edit + Send + use<> {
    let (path, line) = (path(tenant), format!("{line}\n"));
    move |snapshot| {
        let mut text = String::from_utf8(snapshot.bytes(&path).unwrap().unwrap_or_default().to_vec()).unwrap();
        if !text.contains(&line) {
            text.push_str(&line);
        }
        let changes = vec![Change::Write { path: path.clone(), bytes: text.into_bytes() }];
        Edit { changes, message: format!("Append {line}") }
    }
}

pub(crate) async fn run(
    repo: &GitRepo,
    tenants: &[&str],
    edit: impl FnMut(&Snapshot) -> Edit + Send,
) -> Result<BatchOutcome, RepoError> {
    commit_batch(repo, &paths(tenants), &authorship(), &policy(), &mut Jitter::from_seed(1), edit).await
}

/// An error as any log could show it: `Display`, `Debug`, and both of every source.
pub(crate) fn everything_of(error: &RepoError) -> String {
    let mut shown = String::new();
    let mut next: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = next {
        shown.extend([format!("{error}\n"), format!("{error:?}\n"), format!("{error:#?}\n")]);
        next = error.source();
    }
    shown
}
