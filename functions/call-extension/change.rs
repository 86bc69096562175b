//! What this step changes: what an extension says that it would do.

use std::fmt;

use berth_tenancy::{Effect, ExtensionArn, ExtensionKind, UntaggedKind};

/// An extension is called to do what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Which one.
    pub extension: ExtensionArn,
    /// What it would do, in its own words.
    pub told: Vec<String>,
}

impl Change {
    pub(crate) fn effect(&self) -> Effect {
        let operation = match self.extension.kind() {
            ExtensionKind::Function => "lambda:InvokeFunction",
            ExtensionKind::StateMachine => "states:StartExecution",
        };
        Effect::changes(UntaggedKind::Extension, operation).id(self.extension.as_str()).field("changes", (), &self.told)
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "have {} do: {}", self.extension.name(), self.told.join("; "))
    }
}
