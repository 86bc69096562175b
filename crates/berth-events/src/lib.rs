//! Events in and out: recognises an account event whatever wraps it, and describes the events that Berth publishes.
//!
//! Everything here is pure. [`recognise`] turns bytes into a decision with its reason; [`admit_source`] applies the
//! configuration's `start_on` to it. [`outcome`] holds the events that Berth puts on the accounts bus, and [`Failure`]
//! says how an execution failed and what a person should do next.
//!
//! ```
//! use berth_events::{Decision, recognise};
//!
//! let request = recognise(br#"{ "accountId": "111122223333" }"#);
//! assert_eq!(request.decision, Decision::Onboard);
//! let forged = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/events/forged-source.json"));
//! assert_eq!(recognise(forged).decision, Decision::Reject);
//! ```
#![warn(missing_docs)]

mod admission;
mod cloudtrail;
mod envelope;
mod fields;
mod json;
mod layers;
mod quoting;
mod request;
mod timestamp;

pub mod failure;
pub mod outcome;
pub mod recognised;

pub use admission::{Sources, admit_sender, admit_source};
pub use failure::Failure;
pub use json::{BYTES_MAX, DEPTH_MAX};
pub use layers::{LAYERS_MAX, recognise};
pub use recognised::{Decision, Recognised, Source, Transfer};
