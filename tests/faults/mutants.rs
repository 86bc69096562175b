//! Mutants: a copy of the checkout with one mistake in it, built, and a run or a test that must catch it.

use std::{
    cell::RefCell,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde::Deserialize;

use super::{Outcome, Tally};
use crate::rig::{binaries, checkout};

/// How often the runs of a mistake are made until one catches it: some need two writers at the same moment.
const ROUNDS_MAX: usize = 3;

/// A mistake that somebody could make.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mutant {
    /// What is wrong.
    name: String,
    file: PathBuf,
    find: String,
    replace: String,
    /// The function that must be built again; none when the mistake is in a file that is only read.
    package: Option<String>,
    /// Runs, one of which must catch it.
    #[serde(default)]
    runs: Vec<String>,
    /// A test of `make test` that must fail, as `cargo test` is told it; then there are no runs.
    #[serde(default)]
    test: Option<String>,
}

/// How a mistake was caught.
#[derive(Debug)]
struct Caught {
    run: String,
    violation: String,
    runs: usize,
}

/// Makes a mutant of each mistake whose name holds the text, one after the other, and prints a table of what caught each. A mistake
/// that is caught counts as a run whose fault fired; one that is not, as a violation.
pub fn kill(text: &str) -> Result<Tally, String> {
    let mistakes: Vec<Mutant> = mutants()?.into_iter().filter(|mistake| mistake.name.contains(text)).collect();
    eprintln!("building a copy of the checkout");
    let build = MutantBuild::make()?;
    let mut tally = Tally::default();
    println!("| mistake | caught by | what it broke | runs |\n|---|---|---|---|");
    for mistake in &mistakes {
        let violations = match build.catches(mistake) {
            Ok(Some(Caught { run, violation, runs })) => {
                println!("| {} | `{run}` | {violation} | {runs} |", mistake.name);
                vec![]
            }
            Err(why) => {
                println!("| {} | **it could not be made** | | 0 |\n{why}", mistake.name);
                vec![why]
            }
            Ok(None) => {
                let runs = mistake.test.as_ref().map_or(ROUNDS_MAX * mistake.runs.len(), |_| 1);
                println!("| {} | **nothing** | | {runs} |", mistake.name);
                vec![mistake.name.clone()]
            }
        };
        tally.count(&Outcome { fired: true, violations });
    }
    println!("mutants: planted {}, caught {}", tally.runs, tally.runs - tally.violations);
    Ok(tally)
}

fn mutants() -> Result<Vec<Mutant>, String> {
    let file = checkout().join("tests/faults/mutants.yaml");
    let text = fs::read_to_string(&file).map_err(|error| at(&file, &error))?;
    serde_yaml_ng::from_str(&text).map_err(|error| at(&file, &error))
}

/// A copy of the checkout that mistakes are made in. What third parties made is shared with the checkout's own
/// build; what is ours is built again, so that no binary with a mistake is ever in the checkout's.
#[derive(Debug)]
struct MutantBuild {
    root: PathBuf,
    /// The package that was built with the last mistake.
    wrong: RefCell<Option<String>>,
}

impl MutantBuild {
    /// Makes the copy and builds it without a mistake.
    fn make() -> Result<Self, String> {
        let target = binaries().parent().ok_or("the binaries are in no folder")?.to_path_buf();
        let root = target.join("mutants");
        fs::create_dir_all(root.join("local")).map_err(|error| at(&root, &error))?;
        for file in shell(checkout(), "git ls-files -z")?.split_terminator('\0') {
            copy(&checkout().join(file), &root.join(file))?;
        }
        shell(&root, &format!("ln -sfn '{}/local/.venv' local/.venv", checkout().display()))?;
        if !root.join("target/shared").exists() {
            let debug = target.join("debug").display().to_string();
            // Links cost no disk. What is ours goes, so that nothing is ever written through a link.
            shell(&root, &format!("rm -rf target && mkdir target && cp -al '{debug}' target/debug"))?;
            shell(&root, "rm -rf target/debug/incremental && cargo clean --quiet --workspace && touch target/shared")?;
        }
        let build = Self { root, wrong: RefCell::new(None) };
        build.cargo(&["build", "--quiet", "--workspace", "--bins"])?;
        Ok(build)
    }

    /// The run that catches a mistake.
    fn catches(&self, mistake: &Mutant) -> Result<Option<Caught>, String> {
        let file = self.root.join(&mistake.file);
        let right = fs::read_to_string(&file).map_err(|error| at(&file, &error))?;
        if !right.contains(&mistake.find) {
            return Err(format!("{} does not hold {:?} any more", mistake.file.display(), mistake.find));
        }
        let outcome = self.grow(mistake, &file, &right.replace(&mistake.find, &mistake.replace));
        fs::write(&file, right).map_err(|error| at(&file, &error))?;
        outcome
    }

    fn grow(&self, mistake: &Mutant, file: &Path, wrong: &str) -> Result<Option<Caught>, String> {
        fs::write(file, wrong).map_err(|error| at(file, &error))?;
        self.build(mistake.package.as_deref())?;
        if let Some(test) = &mistake.test {
            return self.fails(test);
        }
        let (mut runs, mut fired) = (0, false);
        for _ in 0..ROUNDS_MAX {
            for run in &mistake.runs {
                runs += 1;
                let output = Command::new(self.root.join("target/debug/faults")).args(["--fault", run]).output();
                let output = output.map_err(|error| format!("faults: {error}"))?;
                let said = String::from_utf8_lossy(&output.stdout);
                if !said.contains("faults fired") {
                    return Err(String::from_utf8_lossy(&output.stderr).into_owned());
                }
                fired |= said.contains("faults fired 1");
                // Violations are the lines that are set in.
                let violation = said.lines().find_map(|line| line.strip_prefix("  "));
                if let (Some(violation), true) = (violation, said.contains("faults fired 1")) {
                    let violation = violation.chars().take(160).collect();
                    return Ok(Some(Caught { run: run.clone(), violation, runs }));
                }
            }
        }
        if fired { Ok(None) } else { Err("the calls that its runs break are not made any more".to_owned()) }
    }

    /// Whether the test fails; one that does not run at all is an error.
    fn fails(&self, test: &str) -> Result<Option<Caught>, String> {
        let arguments: Vec<&str> = test.split(' ').collect();
        let mut cargo = Command::new("cargo");
        cargo.args(["test", "--quiet", "--locked"]).args(arguments).current_dir(&self.root);
        let output = cargo.env_remove("CARGO_TARGET_DIR").stdin(Stdio::null()).output();
        let output = output.map_err(|error| format!("cargo: {error}"))?;
        let said = String::from_utf8_lossy(&output.stdout);
        let counted = |word: &str| said.lines().any(|line| line.starts_with("test result: ") && line.contains(word));
        if counted("FAILED") {
            let violation = "it fails".to_owned();
            return Ok(Some(Caught { run: test.to_owned(), violation, runs: 1 }));
        }
        if output.status.success() && !counted(" 1 passed") {
            return Err(format!("no test is {test:?}"));
        }
        if output.status.success() { Ok(None) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
    }

    /// Builds the package with the mistake, and the one of the last mistake without it.
    fn build(&self, package: Option<&str>) -> Result<(), String> {
        let before = self.wrong.replace(package.map(str::to_owned));
        let packages: Vec<&str> =
            [before.as_deref(), package].into_iter().flatten().flat_map(|each| ["--package", each]).collect();
        if packages.is_empty() {
            return Ok(());
        }
        self.cargo(&[&["build", "--quiet", "--bins"], packages.as_slice()].concat())
    }

    fn cargo(&self, arguments: &[&str]) -> Result<(), String> {
        // Cargo's own variables would lead it back to the checkout.
        let mut cargo = Command::new("cargo");
        cargo.args(arguments).arg("--locked").current_dir(&self.root).env_remove("CARGO_TARGET_DIR");
        let output = cargo.stdin(Stdio::null()).output().map_err(|error| format!("cargo: {error}"))?;
        if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
    }
}

/// Copies a file unless it is the same. Cargo goes by times: a file with a mistake is younger than what it was made
/// from, so the copy that takes its place must be younger still.
fn copy(from: &Path, to: &Path) -> Result<(), String> {
    let Ok(content) = fs::read(from) else { return Ok(()) }; // removed and not committed yet
    if fs::read(to).is_ok_and(|there| there == content) {
        return Ok(());
    }
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).map_err(|error| at(folder, &error))?;
    }
    fs::copy(from, to).map(drop).map_err(|error| at(to, &error))
}

fn shell(folder: &Path, command: &str) -> Result<String, String> {
    let output = Command::new("sh").args(["-c", command]).current_dir(folder).output();
    let output = output.map_err(|error| format!("sh: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

fn at(path: &Path, error: &impl std::fmt::Display) -> String {
    format!("{}: {error}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::Run;

    #[test]
    fn every_mutant_can_be_made_and_has_runs_that_may_catch_it() {
        let mistakes = mutants().unwrap();
        assert_eq!(mistakes.len(), 21);
        for mistake in mistakes {
            let text = fs::read_to_string(checkout().join(&mistake.file)).unwrap();
            assert!(text.contains(&mistake.find), "{}: {:?}", mistake.file.display(), mistake.find);
            assert!(mistake.runs.iter().all(|run| run.parse::<Run>().is_ok()));
            assert_ne!(mistake.runs.is_empty(), mistake.test.is_none(), "{}: runs or a test", mistake.name);
        }
    }
}
