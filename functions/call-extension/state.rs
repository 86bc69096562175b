//! What an extension says, and how far it is.

use serde_json::Value;

/// How one call of an extension ended, or that it has not.
#[derive(Debug, Clone, PartialEq)]
pub enum Ended {
    /// It answered.
    Answered(Value),
    /// It says that it is not ready yet, in its words; or its execution, by its ARN, runs still.
    Waits(String),
    /// It failed, or was stopped: what it says.
    Failed(String),
}

/// The calls of a run so far.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// What it answered when it was asked what it would do.
    pub asked: Ended,
    /// How the call to do it ended; none before it.
    pub called: Option<Ended>,
}

impl State {
    /// A dry run takes it as done.
    pub(crate) fn apply(&mut self, made: Option<Ended>) {
        self.called = Some(made.unwrap_or(Ended::Answered(Value::Null)));
    }
}
