//! The library against a real git server: `git http-backend` on loopback, with faults on demand.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod abilities;
mod commits;
mod gitlab;
mod large;
mod lost_answers;
mod proposals;
mod races;
mod refusals;
mod secrets;
mod support;
mod words;
