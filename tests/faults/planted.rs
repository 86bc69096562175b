//! Planted mistakes: a copy of the checkout with one mistake in it, built, and a run that must catch it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde::Deserialize;

use super::sweep::CATCHES_MAX;
use crate::rig::{binaries, checkout};

/// A mistake that somebody could make.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Planted {
    /// What is wrong.
    pub name: String,
    file: PathBuf,
    find: String,
    replace: String,
    /// The function that must be built again; none when the mistake is in a file that is only read.
    package: Option<String>,
    /// Runs, one of which must catch it.
    runs: Vec<String>,
}

/// The mistakes.
pub fn planted() -> Result<Vec<Planted>, String> {
    let file = checkout().join("tests/faults/planted.yaml");
    let text = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    serde_yaml_ng::from_str(&text).map_err(|error| format!("{}: {error}", file.display()))
}

/// A copy of the checkout that mistakes are planted into. What third parties made is shared with the checkout's own
/// build; what is ours is built again, so that no binary with a mistake is ever in the checkout's.
#[derive(Debug)]
pub struct Nursery {
    root: PathBuf,
}

impl Nursery {
    /// Makes the copy and builds it without a mistake.
    pub fn make() -> Result<Self, String> {
        let target = binaries().parent().ok_or("the binaries are in no folder")?.to_path_buf();
        let root = target.join("planted");
        fs::create_dir_all(&root).map_err(|error| format!("{}: {error}", root.display()))?;
        let (from, to) = (checkout().display(), root.display());
        shell(&format!("cd '{from}' && git ls-files -z | xargs -0 cp --parents --preserve=timestamps -t '{to}'"))?;
        shell(&format!("ln -sfn '{from}/local/.venv' '{to}/local/.venv'"))?;
        if !root.join("target/debug").exists() {
            let debug = target.join("debug").display().to_string();
            shell(&format!("mkdir -p '{to}/target' && cp -al '{debug}' '{to}/target/debug'"))?;
            shell(&format!("rm -rf '{to}/target/debug/incremental' && cd '{to}' && cargo clean --quiet --workspace"))?;
        }
        let nursery = Self { root };
        nursery.cargo(&["build", "--quiet", "--workspace", "--bins"])?;
        Ok(nursery)
    }

    /// Whether one of its runs catches a mistake; what the runs said.
    pub fn catches(&self, mistake: &Planted) -> Result<(bool, String), String> {
        let file = self.root.join(&mistake.file);
        let right = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        if !right.contains(&mistake.find) {
            return Err(format!("{} does not hold {:?} any more", mistake.file.display(), mistake.find));
        }
        let outcome = self.plant(mistake, &file, &right.replace(&mistake.find, &mistake.replace));
        fs::write(&file, right).map_err(|error| format!("{}: {error}", file.display()))?;
        let build = mistake.package.iter().try_for_each(|package| self.build(package));
        outcome.and_then(|outcome| build.map(|()| outcome))
    }

    fn plant(&self, mistake: &Planted, file: &Path, wrong: &str) -> Result<(bool, String), String> {
        fs::write(file, wrong).map_err(|error| format!("{}: {error}", file.display()))?;
        mistake.package.iter().try_for_each(|package| self.build(package))?;
        let mut said = String::new();
        for _ in 0..CATCHES_MAX {
            for run in &mistake.runs {
                let output = Command::new(self.root.join("target/debug/faults")).args(["--fault", run]).output();
                let output = output.map_err(|error| format!("faults: {error}"))?;
                said = String::from_utf8_lossy(&output.stdout).into_owned();
                if said.contains("faults fired 1") && !said.contains("violations 0") {
                    return Ok((true, said));
                }
            }
        }
        Ok((false, said))
    }

    fn build(&self, package: &str) -> Result<(), String> {
        self.cargo(&["build", "--quiet", "--package", package, "--bins"])
    }

    fn cargo(&self, arguments: &[&str]) -> Result<(), String> {
        // Cargo's own variables would lead it back to the checkout.
        let mut cargo = Command::new("cargo");
        cargo.args(arguments).arg("--locked").current_dir(&self.root).env_remove("CARGO_TARGET_DIR");
        let output = cargo.stdin(Stdio::null()).output().map_err(|error| format!("cargo: {error}"))?;
        if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
    }
}

fn shell(command: &str) -> Result<(), String> {
    let output = Command::new("sh").args(["-c", command]).output().map_err(|error| format!("sh: {error}"))?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}
