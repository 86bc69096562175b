//! The operator's side of its conversation with an API server, by what goes over the wire: on every machine, also where no
//! server is. What a real one makes of it is in `tests/operator/`.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "all of it is tests")]

mod scenarios;
mod server;
