//! Many runs on several stands at once.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    hash::{DefaultHasher, Hash, Hasher},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Mutex, PoisonError, mpsc},
};

use super::{Break, Journey, Outcome, Point, Recovery, Run, Schedule, points, runs, schedules, stand::Stand};

/// Onboardings after which a stand is started anew: what it knows slows it down, and its pools have 64 blocks.
const STAND_ONBOARDINGS_MAX: usize = 40;

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

    /// Counts what another has counted.
    pub fn add(&mut self, other: Self) {
        self.runs += other.runs;
        self.fired += other.fired;
        self.violations += other.violations;
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
    /// Every run of these journeys, from recordings made now. A function that makes no other calls than in an earlier
    /// journey is broken there; that every recorded call is broken is looked at once more.
    pub fn recorded(journeys: &[Journey]) -> Result<Self, String> {
        let mut stand = Stand::recording(false)?;
        let (mut all, mut recorded) = (Vec::new(), BTreeSet::new());
        let mut known: BTreeMap<(bool, String), BTreeSet<Point>> = BTreeMap::new();
        for journey in journeys {
            if !stand.serves(*journey) {
                stand = Stand::recording(journey.is_on_github())?;
            }
            let recordings: Vec<_> = (0..RECORDINGS).map(|_| stand.record(*journey)).collect();
            let mut found: BTreeMap<Point, String> = points(&recordings);
            recorded.extend(found.keys().map(Point::somewhere));
            let functions: BTreeSet<String> = found.keys().map(|point| point.function.clone()).collect();
            for function in functions {
                // In an account that is onboarded, the same calls find another world.
                let known = known.entry((*journey == Journey::Again, function.clone())).or_default();
                let calls = found.keys().filter(|point| point.function == function).map(Point::somewhere);
                let calls: BTreeSet<Point> = calls.collect();
                if calls.is_subset(known) {
                    found.retain(|point, _| point.function != function);
                }
                known.extend(calls);
            }
            all.extend(runs(*journey, &found));
        }
        let missing = uncovered(&recorded, &all);
        if !missing.is_empty() {
            return Err(format!("calls that nothing breaks: {missing:?}"));
        }
        eprintln!("{} calls of {} journeys are broken, each in every way that fits it", recorded.len(), journeys.len());
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
        self.runs.sort_by_cached_key(|run| mixed(seed, run));
        self.runs.truncate(count);
        self
    }

    /// Only those that the question says yes to.
    #[must_use]
    pub fn only(mut self, is_wanted: impl Fn(&Run) -> bool) -> Self {
        self.runs.retain(is_wanted);
        self
    }

    /// The runs.
    #[must_use]
    pub fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// Makes the runs on so many stands at once, and reports each as it ends.
    pub fn perform(self, stands: usize, mut report: impl FnMut(&Found)) -> Result<Tally, String> {
        let mut schedules = schedules(self.runs);
        // Stands are of one kind or the other. All the rest is mixed, so that little of a sweep shows much.
        schedules.sort_by_cached_key(|schedule| (schedule.journey().is_on_github(), mixed(0, schedule)));
        let left = Mutex::new(VecDeque::from(schedules));
        let next = || left.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let (done, found) = mpsc::channel();
        std::thread::scope(|threads| {
            for number in 0..stands.max(1) {
                let (done, next) = (done.clone(), &next);
                threads.spawn(move || {
                    if let Err(why) = work(number, next, &done) {
                        drop(done.send(Err(why)));
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

/// A number for a name: another one for each seed, the same one for the same seed.
fn mixed(seed: u64, name: &impl ToString) -> u64 {
    let mut hasher = DefaultHasher::new();
    (seed, name.to_string()).hash(&mut hasher);
    hasher.finish()
}

/// Recorded calls that no run breaks with each error, by a hang, and by a death before and after.
fn uncovered(recorded: &BTreeSet<Point>, runs: &[Run]) -> Vec<Point> {
    let always = [
        Break::Throttled,
        Break::InternalError,
        Break::Unavailable,
        Break::Reset,
        Break::Hang,
        Break::KilledBefore(Recovery::Retry),
        Break::KilledAfter(Recovery::Retry),
    ];
    let covered: BTreeSet<(Point, Break)> = runs.iter().map(|run| (run.point.somewhere(), run.way)).collect();
    let is_missing = |point: &&Point| always.into_iter().any(|way| !covered.contains(&((*point).clone(), way)));
    recorded.iter().filter(is_missing).cloned().collect()
}

/// One stand after the other, as long as there is something to do.
fn work(
    number: usize,
    next: &impl Fn() -> Option<Schedule>,
    done: &mpsc::Sender<Result<Found, String>>,
) -> Result<(), String> {
    let label = format!("stand-{number}");
    let mut waiting = next();
    let mut given_up: Option<Schedule> = None;
    let mut stands = 0;
    while let Some(first) = &waiting {
        stands += 1;
        let mut stand = Stand::start(&format!("{label}-{stands}"), first.journey().is_on_github())?;
        while stand.onboardings() < STAND_ONBOARDINGS_MAX {
            let Some(schedule) = waiting.take_if(|schedule| stand.serves(schedule.journey())) else { break };
            let found = catch_unwind(AssertUnwindSafe(|| stand.perform(&schedule)));
            let is_stuck = found.is_err();
            if is_stuck && given_up.as_ref() != Some(&schedule) {
                // The emulator may have stumbled, now and then it does over an execution that is stopped. What Berth did
                // wrong it does wrong again.
                eprintln!("the kit gave up, and tries once more on another stand: {schedule}");
                given_up = Some(schedule.clone());
                waiting = Some(schedule);
                break;
            }
            for (run, outcome) in found.unwrap_or_else(|_| stuck(&schedule)) {
                drop(done.send(Ok(Found { run, outcome })));
            }
            waiting = next();
            if is_stuck {
                break; // whatever it waits for would be in the way of the others
            }
        }
    }
    Ok(())
}

/// What is said of runs that the kit itself could not end; what it waited for is on standard error.
fn stuck(schedule: &Schedule) -> Vec<(Run, Outcome)> {
    let violation = format!("bounded: the kit gave up on {schedule}");
    let outcome = Outcome { fired: false, violations: vec![violation] };
    schedule.runs().iter().map(|run| (run.clone(), outcome.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recorded_call_that_is_not_broken_in_every_way_is_missed_wherever_it_is_made() {
        let point = |name: &str| name.parse::<Point>().unwrap();
        let here = point("provision-vpc/tenant/eu-west-1/ec2:DescribeVpcs#1");
        let there = point("provision-vpc/tenant/eu-central-1/ec2:DescribeVpcs#1");
        let recorded = BTreeSet::from([here.somewhere(), there.somewhere()]);
        let mut all = runs(Journey::Pooled, &BTreeMap::from([(here.clone(), "read".to_owned())]));
        assert_eq!(uncovered(&recorded, &all), []);
        all.retain(|run| run.way != Break::Hang);
        assert_eq!(uncovered(&recorded, &all), [here.somewhere()]);
    }
}
