//! The GitOps repository, read with git.

use std::process::Command;

use super::Rig;

impl Rig {
    fn git(&self, arguments: &[&str]) -> String {
        let repository = self.folder.join("git/tenants.git");
        let output =
            Command::new("git").arg("--git-dir").arg(repository).args(arguments).output().expect("git is installed");
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("git prints UTF-8")
    }

    /// Commits that touch a path, newest first.
    #[must_use]
    pub fn commits(&self, path: &str) -> Vec<String> {
        self.git(&["log", "--format=%H", "main", "--", path]).lines().map(str::to_owned).collect()
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
        let files = self.git(&["ls-tree", "-r", "--name-only", "main"]);
        files.lines().filter(|path| self.file("main", path).contains(text)).map(str::to_owned).collect()
    }
}
