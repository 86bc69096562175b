//! Actions that AWS demands without a call of ours: because of another action, or because Lambda reads the function's queue.

use std::sync::LazyLock;

use berth_aws::Part;
use serde::Deserialize;

/// Stands in place of an action for calls that Lambda makes with the function's own role.
pub const EVENT_SOURCE: &str = "event source";

/// An action that is demanded.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Demanded {
    /// The function.
    pub function: String,
    /// The role.
    pub part: Part,
    /// The action.
    pub action: String,
    /// The actions of ours that make AWS demand it.
    pub by: Vec<String>,
    /// What it is for, as a reader of the permissions reads it.
    pub why: String,
    /// Where AWS says so.
    pub url: String,
}

/// All of them.
#[must_use]
pub fn demanded() -> &'static [Demanded] {
    static ALL: LazyLock<Vec<Demanded>> =
        LazyLock::new(|| serde_json::from_str(include_str!("demanded.json")).expect("demanded.json"));
    &ALL
}

/// The entry of an action, when it is demanded.
#[must_use]
pub fn demanded_of(function: &str, part: Part, action: &str) -> Option<&'static Demanded> {
    demanded().iter().find(|each| each.function == function && each.part == part && each.action == action)
}
