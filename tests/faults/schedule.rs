//! What one onboarding meets: faults in functions that are different, made in one go.
//!
//! Faults in different functions do not get in each other's way: each function is tried again on its own. So one
//! onboarding carries one fault in each function, and a whole campaign takes an hour and not a day. Whenever something is
//! wrong after it, each of its faults is made alone, so that the one that did it is known.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    str::FromStr,
};

use super::{FaultKind, InjectionPoint, Recovery, Run, Scenario};

/// Between the names of the runs of a schedule.
const AND: &str = " + ";

/// Runs of one scenario that are made with one account: each breaks another function, and all go on in the same way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    runs: Vec<Run>,
    scenario: Scenario,
}

/// How an onboarding goes on after a fault. Only faults that go on alike are made in one go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Sequel {
    /// It stops by itself, and a person redrives it.
    Refused,
    /// The rest.
    Recovered(Recovery),
}

impl Schedule {
    /// One run alone.
    #[must_use]
    pub fn of(run: Run) -> Self {
        Self { scenario: run.scenario, runs: vec![run] }
    }

    /// The runs.
    #[must_use]
    pub fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// The scenario of all of them.
    #[must_use]
    pub fn scenario(&self) -> Scenario {
        self.scenario
    }

    /// How the onboarding goes on after each fault.
    #[must_use]
    pub fn recovery(&self) -> Recovery {
        self.runs.first().map_or(Recovery::Retry, |run| run.way.recovery())
    }

    /// Whether the faults are refusals, each of which ends its execution.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.runs.iter().any(|run| run.way == FaultKind::Refused)
    }

    /// Where it is broken.
    pub fn points(&self) -> impl Iterator<Item = &InjectionPoint> {
        self.runs.iter().map(|run| &run.point)
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self.runs.iter().map(Run::to_string).collect();
        f.write_str(&names.join(AND))
    }
}

impl FromStr for Schedule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let runs: Vec<Run> = text.split(AND).map(str::parse).collect::<Result<_, _>>()?;
        let mut packed = schedules(runs);
        match (packed.pop(), packed.is_empty()) {
            (Some(schedule), true) => Ok(schedule),
            _ => Err(format!("{text:?}: these cannot be made in one go: one scenario, one fault in each function")),
        }
    }
}

fn sequel(run: &Run) -> Sequel {
    if run.way == FaultKind::Refused { Sequel::Refused } else { Sequel::Recovered(run.way.recovery()) }
}

/// Distributes runs over as few onboardings as there can be with one fault in each function. Two executions that
/// contend for an account are a story of their own, and so is each of those runs.
#[must_use]
pub fn schedules(runs: Vec<Run>) -> Vec<Schedule> {
    let mut alike: BTreeMap<(Scenario, Sequel), BTreeMap<String, VecDeque<Run>>> = BTreeMap::new();
    let mut schedules = Vec::new();
    for run in runs {
        if run.way.recovery() == Recovery::Contended {
            schedules.push(Schedule::of(run));
            continue;
        }
        let functions = alike.entry((run.scenario, sequel(&run))).or_default();
        functions.entry(run.point.function.clone()).or_default().push_back(run);
    }
    for ((scenario, _), mut functions) in alike {
        loop {
            let runs: Vec<Run> = functions.values_mut().filter_map(VecDeque::pop_front).collect();
            if runs.is_empty() {
                break;
            }
            schedules.push(Schedule { runs, scenario });
        }
    }
    schedules
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn run(name: &str) -> Run {
        name.parse().unwrap()
    }

    #[test]
    fn every_run_is_in_one_schedule_that_breaks_no_function_twice() {
        let mut all = Vec::new();
        for scenario in ["pooled", "again"] {
            for way in ["throttled", "reset", "killed-after-redriven", "refused", "killed-before-contended"] {
                for function in ["provision-vpc", "create-tenant-roles", "accept-event"] {
                    for nth in 1..=3 {
                        all.push(run(&format!("{scenario}:{way}@{function}/tenant/eu-west-1/ec2:CreateVpc#{nth}")));
                    }
                }
            }
        }
        let packed = schedules(all.clone());
        let mut seen: Vec<Run> = packed.iter().flat_map(|each| each.runs().to_vec()).collect();
        seen.sort();
        all.sort();
        assert_eq!(seen, all);
        for each in &packed {
            let functions: BTreeSet<&str> = each.points().map(|point| point.function.as_str()).collect();
            assert_eq!(functions.len(), each.runs().len(), "{each}");
            assert_eq!(each.runs().iter().map(sequel).collect::<BTreeSet<_>>().len(), 1, "{each}");
            assert!(each.runs().iter().all(|run| run.scenario == each.scenario()), "{each}");
            assert_eq!(each.to_string().parse::<Schedule>().as_ref(), Ok(each));
        }
        let contended = packed.iter().filter(|each| each.recovery() == Recovery::Contended);
        assert!(contended.clone().all(|each| each.runs().len() == 1) && contended.count() == 18);
        assert_eq!(packed.len(), 18 + 2 * (6 + 3 + 3), "as few as there can be");
    }

    #[test]
    fn what_cannot_be_made_in_one_go_is_no_schedule() {
        let one = "pooled:throttled@provision-vpc/tenant/eu-west-1/ec2:CreateVpc#1";
        assert!(one.parse::<Schedule>().is_ok());
        assert!(format!("{one} + {one}").parse::<Schedule>().is_err());
        assert!(format!("{one} + {}", one.replace("pooled", "again")).parse::<Schedule>().is_err());
    }
}
