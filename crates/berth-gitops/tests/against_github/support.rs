//! The stand-in (`local/berth_local/github`), a client of it, and an edit.

#[path = "../against_git/support/repository.rs"]
#[allow(dead_code, reason = "the other suite uses more of it")]
mod repository;

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, SystemTime},
};

use berth_gitops::{
    Authorship, BatchOutcome, BatchPolicy, Change, Edit, GitHubRepo, GitHubSettings, GitIdentity, GitLimits,
    HostSecret, Jitter, RepoError, RepoPath, Snapshot, commit_batch,
};
use serde_json::{Value, json};

pub(crate) use self::repository::{Entry, Repository};

/// GitHub, until it is dropped.
pub(crate) struct GitHub {
    pub(crate) repository: Repository,
    /// Seconds that our clock is ahead.
    pub(crate) ahead: Arc<AtomicI64>,
    pub(crate) secret: String,
    person: String,
    port: u64,
    child: Child,
}

impl GitHub {
    pub(crate) fn start(repository: Repository) -> Self {
        let local = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../local");
        let mut child = Command::new(local.join(".venv/bin/python"))
            .args(["-m", "berth_local.github.server", "--root"])
            .arg(repository.root())
            .env("PYTHONPATH", &local)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("make test makes the virtual environment");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).expect("the stand-in starts");
        let text = |key: &str| ready[key].as_str().unwrap().to_owned();
        let (secret, person, port) = (text("secret"), text("person"), ready["port"].as_u64().unwrap());
        Self { repository, ahead: Arc::default(), secret, person, port, child }
    }

    pub(crate) fn settings(&self) -> GitHubSettings {
        let HostSecret::GitHub(app) = HostSecret::parse(&self.secret).unwrap() else { panic!("an App's secret") };
        let ahead = Arc::clone(&self.ahead);
        let clock = Arc::new(move || now() + ahead.load(Ordering::SeqCst));
        let url = format!("http://127.0.0.1:{}/berth/tenants.git", self.port);
        GitHubSettings { url, branch: "main".into(), app: *app, clock, limits: GitLimits::default() }
    }

    pub(crate) fn open(&self) -> GitHubRepo {
        GitHubRepo::open(&self.settings()).unwrap()
    }

    /// Tells the stand-in something; its state.
    pub(crate) async fn tell(&self, what: &str, body: Value) -> Value {
        self.call(reqwest::Method::POST, &format!("_berth/{what}"), body).await
    }

    /// Lets the next request of this kind go wrong.
    pub(crate) async fn fault(&self, at: &str, mut fault: Value) {
        fault["at"] = json!(at);
        self.tell("fault", fault).await;
    }

    /// How many requests of this kind were served.
    pub(crate) async fn served(&self, kind: &str) -> usize {
        let state = self.tell("state", json!({})).await;
        assert_eq!(state["faults"], 0, "a fault did not happen");
        state["served"].as_array().unwrap().iter().filter(|served| *served == kind).count()
    }

    /// What a person does.
    pub(crate) async fn person(&self, method: reqwest::Method, path: &str) -> Value {
        self.call(method, &format!("v3/repos/berth/tenants/{path}"), json!({})).await
    }

    async fn call(&self, method: reqwest::Method, path: &str, body: Value) -> Value {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = client.request(method, format!("http://127.0.0.1:{}/api/{path}", self.port));
        let request = request.bearer_auth(&self.person).header("content-type", "application/json");
        let answer = request.body(body.to_string()).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    }
}

impl Drop for GitHub {
    fn drop(&mut self) {
        // It ends when its standard input closes.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

pub(crate) fn path(tenant: &str) -> RepoPath {
    RepoPath::for_tenant(&"dev-1".parse().unwrap(), &tenant.parse().unwrap())
}

pub(crate) fn paths(tenants: &[&str]) -> BTreeSet<RepoPath> {
    tenants.iter().map(|tenant| path(tenant)).collect()
}

pub(crate) fn write(tenant: &str, text: &str) -> Change {
    Change::Write { path: path(tenant), bytes: text.as_bytes().to_vec() }
}

pub(crate) fn authorship() -> Authorship {
    let person = GitIdentity::new("Berth", "berth@example.com").unwrap();
    Authorship { author: person.clone(), committer: person, time_unix_seconds: 1_790_000_000 }
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
        Edit { changes, message: format!("Append {line}\nBerth-Account: 111122223333\n") }
    }
}

pub(crate) async fn run(
    repo: &GitHubRepo,
    tenants: &[&str],
    edit: impl FnMut(&Snapshot) -> Edit + Send,
) -> Result<BatchOutcome, RepoError> {
    let (delay_first, delay_max) = (Duration::from_millis(2), Duration::from_millis(20));
    let policy = BatchPolicy { delay_first, delay_max, ..BatchPolicy::default() };
    commit_batch(repo, &paths(tenants), &authorship(), &policy, &mut Jitter::from_seed(1), edit).await
}

/// An error as any log could show it.
pub(crate) fn everything_of(error: &RepoError) -> String {
    let mut shown = String::new();
    let mut next: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = next {
        shown.extend([format!("{error}\n"), format!("{error:?}\n"), format!("{error:#?}\n")]);
        next = error.source();
    }
    shown
}
