//! The GitOps repository, read with git, and changed as people do.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use tempfile::TempDir;

use super::Rig;

/// Runs git as a person who has configured nothing else.
fn run(command: &mut Command) -> String {
    let command = command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
    let identity = ["GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"];
    let output = command.envs(identity.map(|name| (name, "a person"))).output().expect("git is installed");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("git prints UTF-8")
}

/// What is at the repository's address for a while.
#[derive(Debug, Clone, Copy)]
pub enum InPlace {
    /// No repository.
    Nothing,
    /// One without a commit.
    Empty,
    /// One with a commit on another branch alone.
    Branch(&'static str),
    /// One that nobody may push to, with a file where the folder of a cluster should be.
    ReadOnly,
}

impl Rig {
    fn git(&self, arguments: &[&str]) -> String {
        run(Command::new("git").arg("--git-dir").arg(self.repository()).args(arguments))
    }

    fn repository(&self) -> std::path::PathBuf {
        self.folder.join("git/tenants.git")
    }

    /// Lets a person work on a branch in a clone, and pushes what that committed.
    fn work_on(&self, branch: &str, work: impl FnOnce(&Path, &dyn Fn(&[&str]))) {
        let folder = TempDir::new().expect("a folder");
        let git = |arguments: &[&str]| drop(run(Command::new("git").arg("-C").arg(folder.path()).args(arguments)));
        git(&["clone", "--quiet", "--branch", branch, &self.repository().to_string_lossy(), "."]);
        work(folder.path(), &git);
        git(&["push", "--quiet", "origin", branch]);
    }

    /// A person replaces text in a file of a branch.
    pub fn edit(&self, branch: &str, path: &str, from: &str, to: &str) {
        self.work_on(branch, |folder, git| {
            let text = fs::read_to_string(folder.join(path)).expect("the file is there");
            assert!(text.contains(from), "{from:?} is not in {text}");
            fs::write(folder.join(path), text.replace(from, to)).expect("the file is written");
            git(&["commit", "--quiet", "-am", "A reviewer's change"]);
        });
    }

    /// A person puts a file onto the branch that clusters follow.
    pub fn put_file(&self, path: &str, text: &str) {
        self.work_on("main", |folder, git| {
            let file = folder.join(path);
            fs::create_dir_all(file.parent().expect("a folder")).expect("the folder is made");
            fs::write(file, text).expect("the file is written");
            git(&["add", path]);
            git(&["commit", "--quiet", "-m", "By hand"]);
        });
    }

    /// A person moves a file on the branch that clusters follow.
    pub fn move_file(&self, from: &str, to: &str) {
        self.work_on("main", |folder, git| {
            fs::create_dir_all(folder.join(to).parent().expect("a folder")).expect("the folder is made");
            git(&["mv", from, to]);
            git(&["commit", "--quiet", "-m", "Tidy up"]);
        });
    }

    /// A person merges a branch without a host's help, and leaves it there.
    pub fn merge_branch(&self, branch: &str) {
        let theirs = format!("origin/{branch}");
        self.work_on("main", |_, git| git(&["merge", "--quiet", "--no-ff", "-m", "Merged by hand", &theirs]));
    }

    /// A person reverts the merge that brought what is at a path; the branch that was merged stays.
    pub fn revert_merge(&self, path: &str) {
        let merge = self.git(&["log", "-1", "--first-parent", "--merges", "--format=%H", "main", "--", path]);
        self.work_on("main", |_, git| git(&["revert", "--no-edit", "--mainline", "1", merge.trim()]));
        assert_eq!(self.git(&["ls-tree", "--name-only", "main", "--", path]), "", "{path} is still there");
    }

    /// A person deletes a branch.
    pub fn delete_branch(&self, branch: &str) {
        self.git(&["update-ref", "-d", &format!("refs/heads/{branch}")]);
    }

    /// Puts another repository in the place of the deployment's while something is done, and that one back.
    pub fn with_repository(&self, in_place: InPlace, work: impl FnOnce()) {
        let (place, away) = (self.repository(), self.repository().with_extension("away"));
        fs::rename(&place, &away).expect("the repository is put away");
        let git = |arguments: &[&str]| drop(self.git(arguments));
        if !matches!(in_place, InPlace::Nothing) {
            git(&["init", "--quiet", "--bare", "--initial-branch=main"]);
            git(&["config", "http.receivepack", if matches!(in_place, InPlace::ReadOnly) { "false" } else { "true" }]);
        }
        match in_place {
            InPlace::Nothing | InPlace::Empty => {}
            InPlace::Branch(name) => self.first_commit(name, "README.md"),
            InPlace::ReadOnly => self.first_commit("main", "clusters/shared-dev-1"),
        }
        work();
        let _ = fs::remove_dir_all(&place);
        fs::rename(&away, &place).expect("the repository is put back");
    }

    /// The first commit of a repository, with a file of no content.
    fn first_commit(&self, branch: &str, path: &str) {
        let folder = TempDir::new().expect("a folder");
        let git = |arguments: &[&str]| drop(run(Command::new("git").arg("-C").arg(folder.path()).args(arguments)));
        git(&["init", "--quiet", "--initial-branch", branch]);
        let file = folder.path().join(path);
        fs::create_dir_all(file.parent().expect("a folder")).expect("the folder is made");
        fs::write(file, "").expect("the file is written");
        git(&["add", path]);
        git(&["commit", "--quiet", "-m", "First"]);
        git(&["push", "--quiet", &self.repository().to_string_lossy(), branch]);
    }

    /// Every branch and where it is.
    #[must_use]
    pub fn references(&self) -> String {
        self.git(&["for-each-ref"])
    }

    /// Branches of the repository.
    #[must_use]
    pub fn branches(&self) -> Vec<String> {
        self.git(&["for-each-ref", "--format=%(refname:short)", "refs/heads"]).lines().map(str::to_owned).collect()
    }

    /// Sets a hook of the repository, or takes it away.
    pub fn hook(&self, name: &str, script: Option<&str>) {
        use std::os::unix::fs::PermissionsExt;
        let path = self.repository().join("hooks").join(name);
        let Some(script) = script else { return fs::remove_file(path).expect("the hook was there") };
        fs::create_dir_all(path.parent().expect("a folder")).expect("the folder is made");
        fs::write(&path, script).expect("the hook is written");
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("it can be run");
    }

    /// Accounts that each commit of the branch names in its trailers, newest commit first; commits of people name none.
    #[must_use]
    pub fn accounts_by_commit(&self) -> Vec<Vec<String>> {
        let format = "--format=%(trailers:key=Berth-Account,valueonly,separator=%x2C)";
        let log = self.git(&["log", format, "main"]);
        let accounts = |line: &str| line.split(',').map(str::to_owned).collect();
        log.lines().filter(|line| !line.is_empty()).map(accounts).collect()
    }

    /// Every commit of every branch, with its message and what it changed.
    pub(super) fn whole_repository(&self) -> String {
        self.git(&["log", "--all", "-p", "--format=%H %an %ae %B"])
    }

    /// Commits that touch a path, newest first.
    #[must_use]
    pub fn commits(&self, path: &str) -> Vec<String> {
        self.git(&["log", "--format=%H", "main", "--", path]).lines().map(str::to_owned).collect()
    }

    /// Files of the branch that commits of an execution touch; of a merge its own commits are there.
    #[must_use]
    pub fn files_committed_by(&self, execution: &str) -> BTreeSet<String> {
        let of_execution = format!("--grep=Berth-Execution: {execution}");
        let log = self.git(&["log", "--fixed-strings", &of_execution, "--format=", "--name-only", "main"]);
        log.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
    }

    /// How many commits the branch has, those that change nothing among them.
    #[must_use]
    pub fn commit_count(&self) -> usize {
        self.git(&["rev-list", "main"]).lines().count()
    }

    /// Whether a commit is part of the branch.
    #[must_use]
    pub fn is_on_main(&self, commit: &str) -> bool {
        self.git(&["rev-list", "main"]).lines().any(|line| line == commit)
    }

    /// A file of a commit.
    #[must_use]
    pub fn file(&self, commit: &str, path: &str) -> String {
        self.git(&["show", &format!("{commit}:{path}")])
    }

    /// Files of the newest commit that name `text`.
    #[must_use]
    pub fn files_naming(&self, text: &str) -> Vec<String> {
        self.files_of("main", text)
    }

    /// Files of a branch that name `text`.
    #[must_use]
    pub fn files_of(&self, branch: &str, text: &str) -> Vec<String> {
        let files = self.git(&["ls-tree", "-r", "--name-only", branch]);
        files.lines().filter(|path| self.file(branch, path).contains(text)).map(str::to_owned).collect()
    }
}
