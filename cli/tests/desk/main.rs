//! The command at a desk: any kind of profile, proxies, certificates, hubs, and what it prints; against an AWS of HTTP
//! answers, so that each test says what it is asked.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod aws;
mod credentials;
mod desk;
mod hubs;
mod network;
mod output;
mod shells;
mod validate;
