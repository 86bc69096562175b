//! Many runs on several stands at once.

use std::{
    collections::{BTreeMap, VecDeque},
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Mutex, PoisonError, mpsc},
};

use super::{Journey, Outcome, Point, Run, points, runs, stand::Stand};

/// How often the runs of a planted mistake are made until one catches it: some need two writers at the same moment.
pub(super) const CATCHES_MAX: usize = 3;

/// Recordings of each journey: a call that only some of them have is a poll more, and no point.
const RECORDINGS: usize = 2;

/// A run, and what became of it.
#[derive(Debug, Clone)]
pub struct Found {
    /// The run.
    pub run: Run,
    /// What became of it.
    pub outcome: Outcome,
}

/// How a sweep went so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Runs that were made.
    pub runs: usize,
    /// Those whose fault fired.
    pub fired: usize,
    /// Violations of an invariant.
    pub violations: usize,
}

impl Tally {
    /// Counts a run.
    pub fn count(&mut self, outcome: &Outcome) {
        self.runs += 1;
        self.fired += usize::from(outcome.fired);
        self.violations += outcome.violations.len();
    }

    /// Whether every fault fired and nothing was violated.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.fired == self.runs && self.violations == 0
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "runs {}, faults fired {}, violations {}", self.runs, self.fired, self.violations)
    }
}

/// Runs to make.
#[derive(Debug, Clone)]
pub struct Sweep {
    runs: Vec<Run>,
}

impl Sweep {
    /// Every run of these journeys, from recordings made now.
    pub fn recorded(journeys: &[Journey]) -> Result<Self, String> {
        let mut stand = Stand::start("recording")?;
        let mut all = Vec::new();
        for journey in journeys {
            let recordings: Vec<_> = (0..RECORDINGS).map(|_| stand.record(*journey)).collect();
            let found: BTreeMap<Point, String> = points(&recordings);
            all.extend(runs(*journey, &found));
        }
        Ok(Self { runs: all })
    }

    /// These runs.
    #[must_use]
    pub fn of(runs: Vec<Run>) -> Self {
        Self { runs }
    }

    /// So many of them, chosen by the seed: the same ones for the same seed.
    #[must_use]
    pub fn sample(mut self, count: usize, seed: u64) -> Self {
        let mixed = |run: &Run| {
            let mut hasher = DefaultHasher::new();
            (seed, run.to_string()).hash(&mut hasher);
            hasher.finish()
        };
        self.runs.sort_by_key(mixed);
        self.runs.truncate(count);
        self
    }

    /// Only those whose name holds the text.
    #[must_use]
    pub fn holding(mut self, text: &str) -> Self {
        self.runs.retain(|run| run.to_string().contains(text));
        self
    }

    /// The runs.
    #[must_use]
    pub fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// Makes the runs on so many stands at once, and reports each as it ends.
    pub fn perform(self, stands: usize, mut report: impl FnMut(&Found)) -> Result<Tally, String> {
        let left = Mutex::new(VecDeque::from(self.runs));
        let next = || left.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let (done, found) = mpsc::channel();
        std::thread::scope(|threads| {
            for number in 0..stands.max(1) {
                let (done, next) = (done.clone(), &next);
                threads.spawn(move || match Stand::start(&format!("stand-{number}")) {
                    Err(why) => drop(done.send(Err(why))),
                    Ok(mut stand) => {
                        while let Some(run) = next() {
                            let outcome = stand.perform(&run);
                            drop(done.send(Ok(Found { run, outcome })));
                        }
                    }
                });
            }
            drop(done);
            let mut tally = Tally::default();
            for each in found {
                let each = each?;
                tally.count(&each.outcome);
                report(&each);
            }
            Ok(tally)
        })
    }
}
