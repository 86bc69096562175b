//! What this step changes: nothing, ever.

use std::fmt;

/// There is no change to make: the step only looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {}

impl fmt::Display for Change {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}
