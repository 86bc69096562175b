//! Git's pack files: writing a small one for a push, reading the one that a fetch brings.
//!
//! <https://git-scm.com/docs/gitformat-pack>. Written by hand, because gix-pack reads packs from files, and Berth keeps
//! them in memory; every object that is read gets its id from its own bytes, so a wrong one cannot slip in.

mod delta;
mod read;
mod write;

pub(crate) use read::{read, read_some};
pub(crate) use write::write;

/// Why a pack could not be read or written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PackError {
    /// The bytes are no pack, or a broken one.
    #[error("malformed pack: {0}")]
    Malformed(&'static str),
    /// All objects together are larger than this many bytes.
    #[error("the pack's objects are larger than {0} bytes")]
    TooLarge(usize),
}

#[cfg(test)]
mod tests;
