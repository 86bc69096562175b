//! The GitHub host against a stand-in of GitHub's API, in front of a real bare repository.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::expect_used)]

mod abilities;
mod commits;
mod proposals;
mod refusals;
mod secrets;
mod support;
