//! A bare repository on disk, and the git commands that look at it and change it behind Berth's back.

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use berth_gitops::RepoPath;

/// A bare repository, `tenants.git`, with a branch `main` unless it was made empty.
pub(crate) struct Repository {
    directory: tempfile::TempDir,
}

/// What a hand-made commit puts at a path.
pub(crate) enum Entry<'a> {
    File(&'a str),
    Executable(&'a str),
    Symlink(&'a str),
    Submodule,
}

impl Repository {
    /// Without any commit.
    pub(crate) fn empty() -> Self {
        Self::of_format("sha1")
    }

    /// With ids that Berth does not know, and one commit.
    pub(crate) fn sha256() -> Self {
        let repository = Self::of_format("sha256");
        repository.commit_by_hand(&[("README.md", Entry::File("Tenants\n"))]);
        repository
    }

    fn of_format(format: &str) -> Self {
        let repository = Self { directory: tempfile::tempdir().unwrap() };
        let root = repository.root();
        let format = format!("--object-format={format}");
        run(root, &["init", "-q", "--bare", "--initial-branch=main", &format, "tenants.git"], b"");
        for (key, value) in [("http.receivepack", "true"), ("uploadpack.allowFilter", "true"), ("gc.auto", "0")] {
            repository.git(&["config", key, value]);
        }
        repository
    }

    /// With one commit, of a README.
    pub(crate) fn new() -> Self {
        let repository = Self::empty();
        repository.commit_by_hand(&[("README.md", Entry::File("Tenants\n"))]);
        repository
    }

    /// With this many tenants of cluster `dev-1`, in one commit.
    pub(crate) fn with_tenants(count: usize) -> Self {
        let repository = Self::new();
        let text = |number: usize| format!("kind: Tenant\nmetadata:\n  name: tenant-{number}\n");
        let entries: Vec<(RepoPath, String)> =
            (0..count).map(|number| (super::path(&format!("tenant-{number}")), text(number))).collect();
        let entries: Vec<(&str, Entry<'_>)> =
            entries.iter().map(|(path, text)| (path.as_str(), Entry::File(text))).collect();
        repository.commit_by_hand(&entries);
        repository
    }

    pub(crate) fn root(&self) -> &Path {
        self.directory.path()
    }

    /// Makes the server send all contents always, as one does that was not told otherwise.
    pub(crate) fn without_filter(self) -> Self {
        self.git(&["config", "uploadpack.allowFilter", "false"]);
        self
    }

    /// Adds one commit to `main`, as a person would.
    pub(crate) fn commit_by_hand(&self, entries: &[(&str, Entry<'_>)]) {
        let mut script = "commit refs/heads/main\ncommitter A Human <human@example.com> 1700000000 +0100\n".to_owned();
        script.push_str("data 8\nBy hand\n\n");
        if self.try_git(&["rev-parse", "-q", "--verify", "refs/heads/main"]).is_some() {
            script.push_str("from refs/heads/main^0\n");
        }
        for (path, entry) in entries {
            let (mode, text) = match entry {
                Entry::File(text) => ("100644", *text),
                Entry::Executable(text) => ("100755", *text),
                Entry::Symlink(target) => ("120000", *target),
                Entry::Submodule => {
                    script.extend(["M 160000 ", &"1234567890".repeat(4), " ", path, "\n"]);
                    continue;
                }
            };
            script.extend(["M ", mode, " inline ", path, "\ndata ", &text.len().to_string(), "\n", text, "\n"]);
        }
        let git_directory = self.root().join("tenants.git");
        run(&git_directory, &["fast-import", "--quiet", "--force"], script.as_bytes());
    }

    /// Lets a script decide on every push.
    pub(crate) fn hook(&self, name: &str, script: &str) {
        use std::os::unix::fs::PermissionsExt;
        let hook = self.root().join("tenants.git/hooks").join(name);
        std::fs::write(&hook, script).unwrap();
        std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// What git prints, without the newline at its end.
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        self.try_git(arguments).unwrap_or_else(|| panic!("git {arguments:?} failed"))
    }

    pub(crate) fn head(&self) -> String {
        self.git(&["rev-parse", "refs/heads/main"])
    }

    pub(crate) fn commits(&self) -> usize {
        self.git(&["rev-list", "--count", "refs/heads/main"]).parse().unwrap()
    }

    /// The content of a tenant's file at the head of `main`.
    pub(crate) fn text(&self, path: &RepoPath) -> Option<String> {
        let blob = self.try_git(&["rev-parse", "-q", "--verify", &format!("refs/heads/main:{path}")])?;
        try_run(&self.root().join("tenants.git"), &["cat-file", "blob", &blob], b"")
    }

    fn try_git(&self, arguments: &[&str]) -> Option<String> {
        let printed = try_run(&self.root().join("tenants.git"), arguments, b"")?;
        Some(printed.trim_end().to_owned())
    }
}

fn run(directory: &Path, arguments: &[&str], input: &[u8]) -> String {
    try_run(directory, arguments, input).unwrap_or_else(|| panic!("git {arguments:?} failed"))
}

fn try_run(directory: &Path, arguments: &[&str], input: &[u8]) -> Option<String> {
    let mut child = Command::new("git")
        .current_dir(directory)
        .env("HOME", directory)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .envs(["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_NAME"), "A Human")))
        .envs(["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_EMAIL"), "human@example.com")))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    let _ = writer.join().unwrap();
    output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
}
