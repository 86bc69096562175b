//! The checks that need to see more than one value: pure, and all problems at once.

mod accounts;
mod addresses;
mod baseline;
mod boundary;
mod covering;
mod environments;
mod limits;
mod names;
mod regional;
mod regions;
mod roles;
mod schedule;
mod sign_in;
mod tags;
mod transit_gateway;
mod trust;

use std::{collections::BTreeMap, fmt::Display};

use crate::PlatformConfig;

/// One thing that is wrong, by the path of the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// Path of the value.
    pub(crate) path: String,
    /// What is wrong.
    pub(crate) message: String,
    /// What to do.
    pub(crate) hint: String,
}

/// The problems found so far.
#[derive(Debug, Default)]
pub(crate) struct Problems(Vec<Problem>);

impl Problems {
    fn add(&mut self, path: impl Into<String>, message: impl Into<String>, hint: impl Into<String>) {
        self.0.push(Problem { path: path.into(), message: message.into(), hint: hint.into() });
    }

    /// Adds a problem for every item that was there before; `path` gives the item's path by its number.
    fn repeated<T: Ord + Display>(&mut self, items: impl IntoIterator<Item = T>, path: impl Fn(usize) -> String) {
        let mut first: BTreeMap<T, usize> = BTreeMap::new();
        for (n, item) in items.into_iter().enumerate() {
            match first.get(&item) {
                // The other place is in the hint: messages that aliases repeat are told apart by their text.
                Some(at) => {
                    let hint = format!("keep one of the two; the first is {}", path(*at));
                    self.add(path(n), format!("{item} is there twice"), hint);
                }
                None => {
                    first.insert(item, n);
                }
            }
        }
    }
}

/// All that is wrong with a configuration that has the right shape.
pub(crate) fn all(config: &PlatformConfig) -> Vec<Problem> {
    let mut problems = Problems::default();
    accounts::check(config, &mut problems);
    environments::check(config, &mut problems);
    addresses::check(config, &mut problems);
    transit_gateway::check(config, &mut problems);
    sign_in::check_center(config, &mut problems);
    tags::check(config, &mut problems);
    for (name, environment) in &config.environments {
        for (region, plan) in &environment.regions {
            regions::check(&region_path(name, region), region, plan, &mut problems);
        }
        roles::check(config, name, &environment.roles, &mut problems);
        sign_in::check(config, name, &environment.sign_in, &mut problems);
        baseline::check(&format!("environments.{name}"), environment, &mut problems);
    }
    names::check(config, &mut problems);
    regional::check(config, &mut problems);
    limits::check(config, &mut problems);
    problems.0
}

/// What is allowed, and yet somebody should know of it.
pub(crate) fn warnings(config: &PlatformConfig) -> Vec<Problem> {
    let mut problems = Problems::default();
    covering::check(config, &mut problems);
    boundary::check(config, &mut problems);
    problems.0
}

/// The path of a region of an environment.
fn region_path(environment: impl Display, region: impl Display) -> String {
    format!("environments.{environment}.regions.{region}")
}

/// Text for a message: quoted, escaped, and never longer than 80 characters.
fn quoted(text: &str) -> String {
    format!("{:?}", text.chars().take(80).collect::<String>())
}

/// Whether a text is an id as EC2 makes them: the prefix, then 8 to 17 hexadecimal digits.
fn is_ec2_id(text: &str, prefix: &str) -> bool {
    let digits = text.strip_prefix(prefix).unwrap_or_default();
    (8..=17).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}
