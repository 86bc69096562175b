//! The end of `make test`: compares the policies with what the journeys of all test binaries used.

use std::process::ExitCode;

use berth_tests::permissions::{demanded, differences, policies, recorded};

/// Fewer local organizations than the test binaries start did not see all journeys.
const ORGANIZATIONS_MIN: usize = 8;

fn main() -> ExitCode {
    let (used, organizations) = recorded();
    if organizations < ORGANIZATIONS_MIN {
        eprintln!(
            "only {organizations} local organizations recorded what functions used\nNext: make test, which runs all journeys"
        );
        return ExitCode::FAILURE;
    }
    let policies = policies();
    let found = differences(&policies, demanded(), &used);
    for line in &found {
        eprintln!("{line}");
    }
    println!(
        "policies {}, permissions used {} (on {organizations} local organizations), differences {}",
        policies.len(),
        used.len(),
        found.len()
    );
    if found.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
