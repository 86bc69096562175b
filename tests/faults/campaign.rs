//! Many runs on several testbeds at once.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    hash::{DefaultHasher, Hash, Hasher},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Mutex, PoisonError, mpsc},
};

use super::{
    FaultKind, InjectionPoint, Outcome, Recovery, Run, Scenario, Schedule, points, runs, schedules, testbed::Testbed,
};

/// Onboardings after which a testbed is started anew: what it knows slows it down, and its pools have 64 blocks.
const TESTBED_ONBOARDINGS_MAX: usize = 40;

/// Recordings of each scenario: a call that only some of them have is a poll more, and no point.
const RECORDINGS: usize = 2;

/// A run, and what became of it.
#[derive(Debug, Clone)]
pub struct Found {
    /// The run.
    pub run: Run,
    /// What became of it.
    pub outcome: Outcome,
}

/// How a campaign went so far.
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
pub struct Campaign {
    runs: Vec<Run>,
}

/// The scenario whose calls find the same world: in an account that is onboarded it is another one than in a new account.
fn world_of(scenario: Scenario) -> Scenario {
    match scenario {
        Scenario::Pooled
        | Scenario::Reserved
        | Scenario::Swept
        | Scenario::Approved
        | Scenario::Reviewed
        | Scenario::Leaving => Scenario::Pooled,
        Scenario::Again | Scenario::Reduced | Scenario::Reverted => Scenario::Again,
        Scenario::Renamed | Scenario::Moved | Scenario::Drift | Scenario::Hostile => scenario,
    }
}

impl Campaign {
    /// Every run of these scenarios, from recordings made now. A function that makes no other calls than in an earlier
    /// scenario is broken there; that every recorded call is broken is looked at once more.
    pub fn recorded(scenarios: &[Scenario]) -> Result<Self, String> {
        let mut testbed = Testbed::recording(false)?;
        let (mut all, mut recorded) = (Vec::new(), BTreeSet::new());
        let mut known: BTreeMap<(Scenario, String), BTreeSet<InjectionPoint>> = BTreeMap::new();
        for scenario in scenarios {
            if !testbed.serves(*scenario) {
                testbed = Testbed::recording(scenario.is_on_github())?;
            }
            let recordings: Vec<_> = (0..RECORDINGS).map(|_| testbed.record(*scenario)).collect();
            let mut found: BTreeMap<InjectionPoint, String> = points(&recordings);
            recorded.extend(found.keys().map(InjectionPoint::somewhere));
            let functions: BTreeSet<String> = found.keys().map(|point| point.function.clone()).collect();
            for function in functions {
                // In an account that is onboarded, the same calls find another world.
                let known = known.entry((world_of(*scenario), function.clone())).or_default();
                let calls = found.keys().filter(|point| point.function == function).map(InjectionPoint::somewhere);
                let calls: BTreeSet<InjectionPoint> = calls.collect();
                if calls.is_subset(known) {
                    found.retain(|point, _| point.function != function);
                }
                known.extend(calls);
            }
            all.extend(runs(*scenario, &found));
        }
        let missing = uncovered(&recorded, &all);
        if !missing.is_empty() {
            return Err(format!("calls that nothing breaks: {missing:?}"));
        }
        eprintln!(
            "{} calls of {} scenarios are broken, each in every way that fits it",
            recorded.len(),
            scenarios.len()
        );
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

    /// Makes the runs on so many testbeds at once, and reports each as it ends.
    pub fn perform(self, testbeds: usize, mut report: impl FnMut(&Found)) -> Result<Tally, String> {
        let mut schedules = schedules(self.runs);
        // Stands are of one kind or the other. All the rest is mixed, so that little of a campaign shows much.
        schedules.sort_by_cached_key(|schedule| (schedule.scenario().is_on_github(), mixed(0, schedule)));
        let left = Mutex::new(VecDeque::from(schedules));
        let next = || left.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let (done, found) = mpsc::channel();
        std::thread::scope(|threads| {
            for number in 0..testbeds.max(1) {
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
fn uncovered(recorded: &BTreeSet<InjectionPoint>, runs: &[Run]) -> Vec<InjectionPoint> {
    let always = [
        FaultKind::Throttled,
        FaultKind::InternalError,
        FaultKind::Unavailable,
        FaultKind::Reset,
        FaultKind::Hang,
        FaultKind::KilledBefore(Recovery::Retry),
        FaultKind::KilledAfter(Recovery::Retry),
    ];
    let covered: BTreeSet<(InjectionPoint, FaultKind)> =
        runs.iter().map(|run| (run.point.somewhere(), run.way)).collect();
    let is_missing =
        |point: &&InjectionPoint| always.into_iter().any(|way| !covered.contains(&((*point).clone(), way)));
    recorded.iter().filter(is_missing).cloned().collect()
}

/// One testbed after the other, as long as there is something to do.
fn work(
    number: usize,
    next: &impl Fn() -> Option<Schedule>,
    done: &mpsc::Sender<Result<Found, String>>,
) -> Result<(), String> {
    let label = format!("testbed-{number}");
    let mut waiting = next();
    let mut given_up: Option<Schedule> = None;
    let mut testbeds = 0;
    while let Some(first) = &waiting {
        testbeds += 1;
        let mut testbed = Testbed::start(&format!("{label}-{testbeds}"), first.scenario().is_on_github())?;
        while testbed.onboardings() < TESTBED_ONBOARDINGS_MAX {
            let Some(schedule) = waiting.take_if(|schedule| testbed.serves(schedule.scenario())) else { break };
            let found = catch_unwind(AssertUnwindSafe(|| testbed.perform(&schedule)));
            let is_stuck = found.is_err();
            if is_stuck && given_up.as_ref() != Some(&schedule) {
                // The emulator may have stumbled, now and then it does over an execution that is stopped. What Berth did
                // wrong it does wrong again.
                eprintln!("the kit gave up, and tries once more on another testbed: {schedule}");
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
    fn a_recorded_call_that_is_not_broken_in_every_way_is_missed() {
        let point = |name: &str| name.parse::<InjectionPoint>().unwrap();
        let here = point("provision-vpc/tenant/eu-west-1/ec2:DescribeVpcs#1");
        let there = point("provision-vpc/tenant/eu-central-1/ec2:DescribeVpcs#1");
        let recorded = BTreeSet::from([here.somewhere(), there.somewhere()]);
        let mut all = runs(Scenario::Pooled, &BTreeMap::from([(here.clone(), "read".to_owned())]));
        assert_eq!(uncovered(&recorded, &all), []);
        all.retain(|run| run.way != FaultKind::Hang);
        assert_eq!(uncovered(&recorded, &all), [here.somewhere()]);
    }
}
