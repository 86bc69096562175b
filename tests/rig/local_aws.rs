//! Starting the local AWS. `hold.py` runs it until the pipe to it closes, so it never outlives the test binary.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{ChildStdin, Command, Stdio},
};

use serde_json::Value;

use crate::registry::functions;

/// A local AWS that is ready.
pub(super) struct Running {
    /// Its state folder.
    pub(super) folder: PathBuf,
    /// The content of its state.json.
    pub(super) state: Value,
    /// Ends it when it is dropped, or when the process ends without dropping anything.
    pub(super) alive: ChildStdin,
}

/// Starts it and waits until it is ready. The label tells several of one test binary apart.
pub(super) fn start(label: &str, timing: &[(&str, &str)]) -> Result<Running, String> {
    for name in functions().iter().map(|function| function.name.as_str()).chain(["berth"]) {
        let binary = binaries().join(name);
        if !binary.is_file() {
            return Err(format!("{} is not built\nNext: make test", binary.display()));
        }
    }
    let folder = folder(label)?;
    let log = folder.join("local-aws.log");
    let cannot = |error: std::io::Error| format!("cannot start the local AWS: {error}");
    let mut child = python("hold.py")?
        .args(["up", "--port", "0", "--json", "--state-dir"])
        .arg(&folder)
        .arg("--binaries")
        .arg(binaries())
        .envs(timing.iter().copied())
        .env("BERTH_LOCAL_RECORD", recording(&folder)?)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(File::create(&log).map_err(cannot)?)
        .spawn()
        .map_err(cannot)?;
    let (alive, stdout) = (child.stdin.take(), child.stdout.take());
    let (Some(alive), Some(stdout)) = (alive, stdout) else { return Err("the local AWS has no pipes".to_owned()) };
    let mut ready = String::new();
    BufReader::new(stdout).read_line(&mut ready).map_err(cannot)?;
    if ready.is_empty() {
        let text = fs::read_to_string(&log).unwrap_or_default();
        let last = text.lines().last().unwrap_or("it said nothing");
        return Err(format!("the local AWS did not start: {last} (log: {})", log.display()));
    }
    let text = fs::read_to_string(folder.join("state.json")).map_err(cannot)?;
    let state = serde_json::from_str(&text).map_err(|error| format!("state.json: {error}"))?;
    Ok(Running { folder, state, alive })
}

/// The virtual environment's Python with one of the rig's scripts.
pub(super) fn python(script: &str) -> Result<Command, String> {
    let python = checkout().join("local/.venv/bin/python");
    if !python.exists() {
        return Err(format!(
            "{} does not exist\nNext: make test, which makes the virtual environment",
            python.display()
        ));
    }
    let mut command = Command::new(python);
    command.arg(checkout().join("tests/rig").join(script)).env("PYTHONPATH", checkout().join("local"));
    Ok(command)
}

/// The checkout.
#[must_use]
pub fn checkout() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ is in the checkout")
}

/// Where this build's binaries are: where this one is, or one folder above, when it is a test.
pub(crate) fn binaries() -> PathBuf {
    let this = std::env::current_exe().expect("a binary has a path");
    let folder = this.parent().expect("it is in a folder");
    let above = if folder.ends_with("deps") { folder.parent() } else { None };
    above.unwrap_or(folder).to_path_buf()
}

/// Where the stands of all test binaries write down which operations functions used, beside this build's binaries.
#[must_use]
pub fn recordings() -> PathBuf {
    binaries().join("../recorded")
}

/// The file of one local AWS. It outlives its folder: `make test` compares all of them with the policies at its end.
fn recording(folder: &Path) -> Result<PathBuf, String> {
    let recordings = recordings();
    fs::create_dir_all(&recordings).map_err(|error| format!("cannot write {}: {error}", recordings.display()))?;
    Ok(recordings.join(folder.file_name().unwrap_or_default()).with_extension("jsonl"))
}

/// A state folder of our own. It stays after the end, for whoever wants to read logs; those of earlier runs of the same
/// tests go.
fn folder(label: &str) -> Result<PathBuf, String> {
    let parent = binaries().join("../tests");
    let test = std::env::current_exe().map_err(|error| error.to_string())?;
    let test = test.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    // Cargo adds a hash to the name.
    let test = test.rsplit_once('-').map_or(test.as_str(), |(name, _)| name);
    let cannot = |error: std::io::Error| format!("cannot write {}: {error}", parent.display());
    fs::create_dir_all(&parent).map_err(cannot)?;
    let parent = parent.canonicalize().map_err(cannot)?;
    for entry in fs::read_dir(&parent).map_err(cannot)?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let of_this_test = name.rsplit_once('-').filter(|(of, _)| of.starts_with(test));
        if of_this_test.is_some_and(|(_, pid)| !Path::new("/proc").join(pid).exists()) {
            // What cannot be removed now goes next time.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    let folder = parent.join(format!("{test}{label}-{}", std::process::id()));
    fs::create_dir_all(&folder).map_err(cannot)?;
    Ok(folder)
}
