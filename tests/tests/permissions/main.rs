//! Least privilege: every role says what the policy beside its function says, the code needs all of it, and journeys used
//! all of it and nothing else. docs/decisions/0023 says how.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, unreachable_pub)]

mod decided;
mod demanded;
mod document;
mod machine;
mod manifests;
mod need;
mod patience;
mod policies;
mod recorded;
mod registry;
mod retries;
mod templates;
