//! Runs that have ended well, kept in a file, so that a campaign that was interrupted goes on where it was.

use std::{
    collections::BTreeSet,
    fs::{self, File, OpenOptions},
    io::Write,
    path::PathBuf,
};

use super::{Found, Run, Tally};
use crate::rig::binaries;

/// The file, and what is in it.
#[derive(Debug)]
pub struct Finished {
    file: File,
    runs: BTreeSet<String>,
}

impl Finished {
    /// Opens `target/faults/finished`. Unless the campaign goes on, it begins empty.
    pub fn open(goes_on: bool) -> Result<Self, String> {
        let path = path();
        let cannot = |error: std::io::Error| format!("{}: {error}", path.display());
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(cannot)?;
        }
        let runs = if goes_on { fs::read_to_string(&path).unwrap_or_default() } else { String::new() };
        let file = OpenOptions::new().create(true).write(true).append(goes_on).truncate(!goes_on).open(&path);
        Ok(Self { file: file.map_err(cannot)?, runs: runs.lines().map(str::to_owned).collect() })
    }

    /// Whether a run has ended well before.
    #[must_use]
    pub fn holds(&self, run: &Run) -> bool {
        self.runs.contains(&run.to_string())
    }

    /// Keeps a run, when it ended well.
    pub fn keep(&mut self, found: &Found) {
        if found.outcome.fired && found.outcome.violations.is_empty() {
            // What cannot be kept is made once more.
            let _ = writeln!(self.file, "{}", found.run);
        }
    }

    /// These runs as a tally.
    #[must_use]
    pub fn tally(&self, runs: &[Run]) -> Tally {
        let count = runs.iter().filter(|run| self.holds(run)).count();
        Tally { runs: count, fired: count, violations: 0 }
    }
}

fn path() -> PathBuf {
    binaries().join("../faults/finished")
}
