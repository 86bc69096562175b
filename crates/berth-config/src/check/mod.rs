//! The checks that need to see more than one value: pure, and all problems at once.

mod accounts;
mod addresses;
mod baseline;
mod boundary;
mod covering;
mod environments;
mod ids;
mod limits;
mod names;
mod pods;
mod problems;
mod regional;
mod regions;
mod roles;
mod schedule;
mod sign_in;
mod tags;
mod transit_gateway;
mod trust;

pub(crate) use problems::Problem;
use problems::{Problems, region_path};

use crate::PlatformConfig;

/// All that is wrong with a configuration that has the right shape.
pub(crate) fn all(config: &PlatformConfig) -> Vec<Problem> {
    let mut problems = Problems::default();
    let largest = limits::of_each(config);
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
        if let Some(largest) = largest.get(name) {
            pods::check(name, environment, largest, &mut problems);
        }
        sign_in::check(config, name, &environment.sign_in, &mut problems);
        baseline::check(&format!("environments.{name}"), environment, &mut problems);
    }
    names::check(config, &mut problems);
    regional::check(config, &mut problems);
    limits::check(config, &largest, &mut problems);
    problems.all
}

/// What is allowed, and yet somebody should know of it.
pub(crate) fn warnings(config: &PlatformConfig) -> Vec<Problem> {
    let mut problems = Problems::default();
    covering::check(config, &mut problems);
    boundary::check(config, &mut problems);
    pods::warn(config, &limits::of_each(config), &mut problems);
    problems.all
}
