//! End to end: journeys, contract, house rules.
