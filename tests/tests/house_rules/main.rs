//! The house rules, each as a test that says where and what to do. Each rule also has a test on a bad snippet.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, unreachable_pub)]

mod architecture;
mod circles;
mod crates;
mod names;
mod partitions;
mod purity;
mod size;
mod source;
mod steps;
mod testing;
mod words;
