//! The same features of third-party crates, however the workspace is built. It holds no code.
#![warn(missing_docs)]
