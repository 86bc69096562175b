//! The operator on a real API server. Where there is none, each test says so and ends.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "all of it is tests"
)]

mod access;
mod admission;
mod argo_cd;
mod chart;
mod cluster;
mod keeping;
mod neighbours;
mod optional;
mod ownership;
mod proxy;
mod replica;
mod rights;
mod roles;
mod running;
