//! A seeded sample of the fault sweep; the whole is `make faults`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use berth_tests::faults::{Journey, Storm, Sweep};

/// Runs in `make test`: two minutes on two stands.
const SAMPLE: usize = 48;

/// Journeys on one kind of local AWS; the others are for the whole sweep.
const JOURNEYS: [Journey; 3] = [Journey::Pooled, Journey::Reserved, Journey::Again];

#[test]
fn whatever_breaks_in_a_sample_of_runs_every_invariant_holds() {
    let seed = 1;
    let sweep = Sweep::recorded(&JOURNEYS).unwrap().sample(SAMPLE, seed);
    assert_eq!(sweep.runs().len(), SAMPLE);
    let mut wrong = Vec::new();
    let tally = sweep.perform(2, |found| {
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
    for storm in Storm::ALL {
        let tally = storm.report().unwrap();
        assert!(tally.is_clean() && tally.fired == 1, "{storm:?}: {tally}");
    }
}
