//! A seeded sample of the fault campaign; the whole is `make faults`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use berth_tests::faults::{Campaign, Scenario, ThrottlingScenario};

/// Runs in `make test`: two minutes on two testbeds.
const SAMPLE: usize = 48;

/// Scenarios on one kind of local AWS; the others are for the whole campaign.
const SCENARIOS: [Scenario; 4] = [Scenario::Pooled, Scenario::Reserved, Scenario::Again, Scenario::Leaving];

#[test]
fn whatever_breaks_in_a_sample_of_runs_every_invariant_holds() {
    let seed = 1;
    let campaign = Campaign::recorded(&SCENARIOS).unwrap().sample(SAMPLE, seed);
    assert_eq!(campaign.runs().len(), SAMPLE);
    let mut wrong = Vec::new();
    let tally = campaign.perform(2, |found| {
        println!("{} {:?}", found.run, found.outcome);
        if !found.outcome.fired || !found.outcome.violations.is_empty() {
            wrong.push(format!("make faults FAULT='{}': {:#?}", found.run, found.outcome));
        }
    });
    assert!(tally.unwrap().is_clean(), "seed {seed}\n{}", wrong.join("\n"));
}

#[test]
#[ignore = "make test-all: many accounts against the token buckets of AWS"]
fn accounts_that_are_throttled_for_minutes_are_all_onboarded_alike() {
    for scenario in ThrottlingScenario::ALL {
        let tally = scenario.report().unwrap();
        assert!(tally.is_clean() && tally.fired == 1, "{scenario:?}: {tally}");
    }
}
