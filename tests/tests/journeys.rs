//! Journeys of accounts on the local AWS, from what starts them to what is there at the end.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

#[path = "journeys/arrivals.rs"]
mod arrivals;
#[path = "journeys/bad_input.rs"]
mod bad_input;
#[path = "journeys/faults.rs"]
mod faults;
#[path = "journeys/onboarded.rs"]
mod onboarded;
#[path = "journeys/repeats.rs"]
mod repeats;
