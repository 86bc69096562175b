//! A person's desk: a home folder with their AWS files, and an environment that holds nothing of ours.

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf, process::Command};

use tempfile::TempDir;

/// A home folder.
pub(crate) struct Desk {
    home: TempDir,
    variables: Vec<(String, String)>,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Desk {
    /// One whose AWS is at `endpoint`. The instance's metadata service answers nobody.
    pub(crate) fn at(endpoint: &str) -> Self {
        Self::empty().with("AWS_ENDPOINT_URL", endpoint)
    }

    /// One without anything.
    pub(crate) fn empty() -> Self {
        let desk = Self { home: TempDir::new().unwrap(), variables: Vec::new() };
        desk.with("AWS_REGION", "eu-west-1").with("AWS_EC2_METADATA_DISABLED", "true")
    }

    /// The same with a variable.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same with `~/.aws/config`.
    pub(crate) fn config(self, text: &str) -> Self {
        self.file(".aws/config", text)
    }

    /// The same with a file below the home folder.
    pub(crate) fn file(self, path: &str, text: &str) -> Self {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    /// The same with a program in the folder `bin`, which is searched first.
    pub(crate) fn program(self, name: &str, script: &str) -> Self {
        let path = format!("bin/{name}");
        let desk = self.file(&path, &format!("#!/bin/sh\n{script}\n"));
        fs::set_permissions(desk.path(&path), fs::Permissions::from_mode(0o755)).unwrap();
        desk
    }

    /// A path below the home folder.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.home.path().join(path)
    }

    /// The content of a file below the home folder.
    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    /// Runs `berth` there.
    pub(crate) fn berth(&self, arguments: &[&str]) -> Ended {
        let search = format!("{}:/usr/bin:/bin", self.path("bin").display());
        let mut command = Command::new(env!("CARGO_BIN_EXE_berth"));
        command.args(arguments).env_clear().env("PATH", search).env("HOME", self.home.path());
        let output = command.envs(self.variables.clone()).output().unwrap();
        Ended {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ended {
    /// What it said, when it ended with this code.
    pub(crate) fn with_code(&self, code: i32) -> &str {
        assert_eq!(self.code, code, "{self:#?}");
        &self.err
    }
}
