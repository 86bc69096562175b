//! One run: a scenario with one call broken, and what was found after it.

use std::{collections::BTreeMap, fmt, str::FromStr};

use super::{FaultKind, InjectionPoint, Scenario};

/// A scenario with one call broken.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Run {
    /// The scenario.
    pub scenario: Scenario,
    /// How the call is broken.
    pub way: FaultKind,
    /// The call.
    pub point: InjectionPoint,
}

/// What became of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Whether the fault fired.
    pub fired: bool,
    /// Which invariants did not hold; empty when all did.
    pub violations: Vec<String>,
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}@{}", self.scenario, self.way, self.point)
    }
}

impl FromStr for Run {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no run; `make faults LIST=1` lists them");
        let (way, point) = text.split_once('@').ok_or_else(wrong)?;
        let (scenario, way) = way.split_once(':').ok_or_else(wrong)?;
        Ok(Self { scenario: scenario.parse()?, way: way.parse()?, point: point.parse()? })
    }
}

/// Every run of a scenario: each point, broken in each way that fits it.
#[must_use]
pub fn runs(scenario: Scenario, points: &BTreeMap<InjectionPoint, String>) -> Vec<Run> {
    let mut contended: BTreeMap<&str, &InjectionPoint> = BTreeMap::new();
    for (point, _) in points.iter().filter(|(_, effect)| effect.as_str() == "resource") {
        contended.entry(point.function.as_str()).or_insert(point);
    }
    let ways = |(point, effect): (&InjectionPoint, &String)| {
        let is_contended = contended.get(point.function.as_str()) == Some(&point);
        FaultKind::of(point, effect, is_contended).into_iter().map({
            let point = point.clone();
            move |way| Run { scenario, way, point: point.clone() }
        })
    };
    points.iter().flat_map(ways).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_point_is_broken_in_every_way_that_fits_it_and_each_run_has_a_name() {
        let of = |name: &str, effect: &str| (name.parse::<InjectionPoint>().unwrap(), effect.to_owned());
        let points = BTreeMap::from([
            of("provision-vpc/tenant/eu-west-1/ec2:CreateVpc#1", "resource"),
            of("provision-vpc/tenant/eu-west-1/ec2:DescribeVpcs#1", "read"),
            of("commit-tenant/hub/us-east-1/states:SendTaskSuccess#1", "execution"),
        ]);
        let all = runs(Scenario::Pooled, &points);
        let covered: BTreeSet<&InjectionPoint> = all.iter().map(|run| &run.point).collect();
        assert_eq!(covered, points.keys().collect());
        let expected: usize =
            points.iter().map(|(point, effect)| FaultKind::of(point, effect, effect == "resource").len()).sum();
        assert_eq!(all.len(), expected);
        let names: BTreeSet<String> = all.iter().map(Run::to_string).collect();
        assert_eq!(names.len(), all.len());
        assert!(all.iter().all(|run| run.to_string().parse::<Run>().as_ref() == Ok(run)));
    }
}
