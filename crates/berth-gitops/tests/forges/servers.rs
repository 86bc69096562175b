//! The servers, as they are installed: those of this machine, and what `install.sh` puts into `target/forges`.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Mutex,
};

use crate::support::{
    GitServer, Repository,
    http1::Answer,
    server::{Backend, ask_cgi},
};

/// What the one user may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rights {
    Nothing,
    Read,
    Write,
}

/// What a server makes of a repository whose ids are SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sha256 {
    /// It serves it, and names the format.
    Named,
    /// It makes none. Of one that git made it shows the first 40 digits of each id, and fails when that is asked for.
    Mistaken,
}

/// A git server that can be started here.
pub(crate) struct Forge {
    pub(crate) name: &'static str,
    pub(crate) version: String,
    pub(crate) protocol: &'static str,
    pub(crate) sha256: Sha256,
    program: Program,
}

enum Program {
    /// `git http-backend` of this git.
    Git(PathBuf),
    /// gitolite, unpacked into this folder.
    Gitolite(PathBuf),
    /// A program that serves a folder and prints its port, and the repository's path there.
    Server { command: Vec<String>, env: Vec<(String, String)>, path: &'static str },
}

/// A program that serves at a port, and ends with its standard input.
struct Running {
    child: Mutex<Child>,
    port: u16,
}

impl Running {
    fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut child = self.child.lock().unwrap();
        drop(child.stdin.take());
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// Where `make test-forges` has installed servers; `make test` has nothing but the machine's own git.
fn installed() -> PathBuf {
    std::env::var_os("BERTH_FORGES").map_or_else(|| PathBuf::from("/nonexistent"), PathBuf::from)
}

fn printed(command: &mut Command) -> Option<String> {
    let output = command.stderr(Stdio::null()).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// A server, or why it is not here.
type Found = (&'static str, Result<Forge, String>);

/// Every server that Berth is run against.
pub(crate) fn all() -> Vec<Found> {
    let folder = installed();
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/forges/servers");
    let server = |name, protocol, sha256, version: &str, command: Vec<String>, env, path| {
        let version = std::fs::read_to_string(folder.join(version)).map_err(|_| "it is not installed".to_owned());
        let program = Program::Server { command, env, path };
        let forge = |version: String| Forge { name, version: version.trim().to_owned(), protocol, sha256, program };
        (name, version.map(forge))
    };
    let script = |name: &str| scripts.join(name).display().to_string();
    let inside = |name: &str| folder.join(name).display().to_string();
    let node = ("NODE_PATH".to_owned(), inside("npm/node_modules"));
    let class_path = format!("{}/*:{}", inside("java"), inside("classes"));
    vec![
        git("git", &["git"]),
        git("git, a second version", &["/usr/bin/git", "/usr/local/bin/git", "/opt/homebrew/bin/git"]),
        gitolite(&folder),
        server(
            "JGit on Jetty",
            "2",
            Sha256::Mistaken,
            "jgit.version",
            words(["java", "-cp", &class_path, "JGit"]),
            vec![],
            "/tenants.git",
        ),
        server(
            "node-git-server",
            "0",
            Sha256::Named,
            "node-git-server.version",
            words(["node", &script("node-git-server.js")]),
            vec![node],
            "/tenants.git",
        ),
        server(
            "dulwich",
            "0",
            Sha256::Named,
            "dulwich.version",
            words([&inside("venv/bin/python"), &script("serve_dulwich.py")]),
            vec![],
            "/tenants.git",
        ),
        server(
            "klaus",
            "0",
            Sha256::Named,
            "klaus.version",
            words([&inside("venv/bin/python"), &script("serve_klaus.py")]),
            vec![],
            "/tenants",
        ),
    ]
}

fn words<const N: usize>(words: [&str; N]) -> Vec<String> {
    words.map(str::to_owned).into()
}

/// The git among `paths` that is not the one of `PATH`, or the one of `PATH`.
fn git(name: &'static str, paths: &[&str]) -> Found {
    let version =
        |path: &str| printed(Command::new(path).arg("version"))?.strip_prefix("git version ").map(str::to_owned);
    let Some(first) = version("git") else { return (name, Err("there is no git".to_owned())) };
    let found = paths.iter().find_map(|path| {
        let version = version(path)?;
        (*path == "git" || version != first).then(|| (PathBuf::from(path), version))
    });
    let found = found.ok_or_else(|| format!("this machine has git {first} alone"));
    let forge = |(path, version)| named(name, version, Program::Git(path));
    (name, found.map(forge))
}

fn gitolite(folder: &Path) -> Found {
    let name = "gitolite";
    let version = std::fs::read_to_string(folder.join("gitolite.version"));
    let version = version.map_err(|_| "it is not installed".to_owned());
    (name, version.map(|version| named(name, version.trim().to_owned(), Program::Gitolite(folder.join(name)))))
}

/// One that runs git itself.
fn named(name: &'static str, version: String, program: Program) -> Forge {
    Forge { name, version, protocol: "2", sha256: Sha256::Named, program }
}

impl Forge {
    /// Serves a repository to the one user, who may do so much.
    pub(crate) fn serve(&self, repository: Repository, rights: Rights) -> GitServer {
        let denied = match rights {
            Rights::Nothing => &["git-upload-pack", "git-receive-pack"][..],
            Rights::Read => &["git-receive-pack"],
            Rights::Write => &[],
        };
        let backend: Backend = match &self.program {
            Program::Git(git) => {
                for (service, word) in [("git-upload-pack", "uploadpack"), ("git-receive-pack", "receivepack")] {
                    let may = if denied.contains(&service) { "false" } else { "true" };
                    repository.git(&["config", &format!("http.{word}"), may]);
                }
                let (git, root) = (git.clone(), repository.root().to_owned());
                Box::new(move |request| {
                    let mut program = Command::new(&git);
                    program.arg("http-backend").env("GIT_PROTOCOL", request.header("git-protocol"));
                    ask_cgi(program, &root, request)
                })
            }
            Program::Gitolite(gitolite) => gitolite_backend(gitolite, repository.root(), rights),
            Program::Server { command, env, path } => {
                let running = start(command, env, repository.root());
                let path = *path;
                Box::new(move |request| {
                    let service =
                        denied.iter().find(|name| request.query.ends_with(*name) || request.path.ends_with(*name));
                    if service.is_some() {
                        return Ok(Answer::empty(403));
                    }
                    let rest = request.path.strip_prefix("/tenants.git").unwrap_or(&request.path);
                    Answer::of_server(running.port(), &format!("{path}{rest}"), request)
                })
            }
        };
        GitServer::before(repository, backend)
    }
}

fn start(command: &[String], env: &[(String, String)], root: &Path) -> Running {
    let mut child = Command::new(&command[0])
        .args(&command[1..])
        .arg(root)
        .envs(env.iter().cloned())
        .env("HOME", root)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let port = line.trim().parse().unwrap_or_else(|_| panic!("{command:?} printed {line:?} and no port"));
    Running { child: Mutex::new(child), port }
}

/// A home of gitolite whose repositories are the folder's, with one rule for the one user.
fn gitolite_backend(gitolite: &Path, root: &Path, rights: Rights) -> Backend {
    let (home, bin) = (root.join("home"), gitolite.join("usr/bin"));
    std::fs::create_dir(&home).unwrap();
    std::os::unix::fs::symlink(root, home.join("repositories")).unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var_os("PATH").unwrap().display());
    let prepare = |command: &mut Command| {
        command.env("HOME", &home).env("USER", "git").env("PATH", &path).env("GIT_CONFIG_NOSYSTEM", "1");
        for who in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{who}_NAME"), "git").env(format!("GIT_{who}_EMAIL"), "git@example.com");
        }
    };
    let set_up = |arguments: &[&str]| {
        let mut command = Command::new("perl");
        prepare(&mut command);
        let done = command.arg(bin.join("gitolite")).args(arguments).output().unwrap();
        assert!(done.status.success(), "gitolite {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    };
    set_up(&["setup", "-a", "admin"]);
    let rule = match rights {
        Rights::Nothing => "RW+ = admin",
        Rights::Read => "R = berth-bot",
        Rights::Write => "RW+ = berth-bot",
    };
    std::fs::write(home.join(".gitolite/conf/gitolite.conf"), format!("repo tenants\n    {rule}\n")).unwrap();
    set_up(&["setup"]);
    let (shell, root) = (gitolite.join("usr/share/gitolite3/gitolite-shell"), root.to_owned());
    Box::new(move |request| {
        let mut program = Command::new("perl");
        program.arg(&shell).env("HOME", &home).env("USER", "git").env("PATH", &path);
        program.env("GITOLITE_HTTP_HOME", &home).env("GIT_PROTOCOL", request.header("git-protocol"));
        program.env("REQUEST_URI", format!("{}?{}", request.path, request.query));
        program.env("GIT_PROJECT_ROOT", home.join("repositories"));
        ask_cgi(program, &root, request)
    })
}
