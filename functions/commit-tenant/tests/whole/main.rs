//! The whole function against a real git server on loopback, with AWS stood in for on the wire.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod answers;
mod aws;
mod batches;
#[allow(dead_code, unreachable_pub, unused_imports)] // Shared with the tests of berth-gitops, which use all of it.
#[path = "../../../../crates/berth-gitops/tests/against_git/support/mod.rs"]
mod git;
mod requests;
