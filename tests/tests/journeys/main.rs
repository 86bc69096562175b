//! Journeys of accounts on the local AWS, from what starts them to what is there at the end.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod arrivals;
mod bad_input;
mod baseline;
mod credentials;
mod faults;
mod forgeries;
mod leases;
mod networks;
mod observed;
mod onboarded;
mod planned;
mod redrive;
mod repeats;
