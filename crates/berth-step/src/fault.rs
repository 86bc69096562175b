//! The closed set of fault names: a contract between the functions, the state machine and whoever reads a failure.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a step failed. The name is the Lambda's error type, and what `ErrorEquals` matches.
///
/// `docs/faults.md` tells operators what each means; the contract test holds the state machine to this list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Fault {
    /// Something that AWS is still doing; asking again later succeeds. Retried steadily, up to a long limit.
    NotReady,
    /// AWS asked us to slow down, or did not answer. Retried with growing, jittered pauses.
    Throttled,
    /// Someone changed the same thing at the same time. Retried a few times, from observing again.
    Conflict,
    /// AWS says that we may not. Never retried: a permission must be changed first.
    Denied,
    /// A thing with our name that Berth did not make. Never retried: a person decides whose it is.
    NotOwned,
    /// Configuration, tags or input that cannot work. Never retried: it must be corrected first.
    InvalidInput,
    /// Another execution holds the account's lease. Never retried: that one goes on.
    Superseded,
    /// An extension of the platform's own failed, or answered with what is no answer. Never retried: its owner mends it first.
    ExtensionFailed,
    /// An answer or a state that the code does not expect. Never retried: it must be reported.
    Bug,
}

impl Fault {
    /// Every fault, in the order of the documentation.
    pub const ALL: [Self; 9] = [
        Self::NotReady,
        Self::Throttled,
        Self::Conflict,
        Self::Denied,
        Self::NotOwned,
        Self::InvalidInput,
        Self::Superseded,
        Self::ExtensionFailed,
        Self::Bug,
    ];

    /// Whether the state machine asks again by itself.
    #[must_use]
    pub fn is_retryable(self) -> bool {
        matches!(self, Self::NotReady | Self::Throttled | Self::Conflict)
    }

    /// The name in the state machine.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NotReady => "NotReady",
            Self::Throttled => "Throttled",
            Self::Conflict => "Conflict",
            Self::Denied => "Denied",
            Self::NotOwned => "NotOwned",
            Self::InvalidInput => "InvalidInput",
            Self::Superseded => "Superseded",
            Self::ExtensionFailed => "ExtensionFailed",
            Self::Bug => "Bug",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
