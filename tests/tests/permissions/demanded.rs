//! Actions that AWS demands without a call of ours: because of another action, or because Lambda reads the function's queue.

use std::sync::LazyLock;

use berth_aws::Part;
use serde::Deserialize;

use crate::{need, policies};

/// Stands in place of an action for calls that Lambda makes with the function's own role.
pub const EVENT_SOURCE: &str = "event source";

/// An action that is demanded.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Demanded {
    pub function: String,
    pub part: Part,
    pub action: String,
    /// The actions of ours that make AWS demand it.
    pub by: Vec<String>,
    pub why: String,
    /// Where AWS says so.
    pub url: String,
}

/// All of them.
pub fn all() -> &'static [Demanded] {
    static ALL: LazyLock<Vec<Demanded>> =
        LazyLock::new(|| serde_json::from_str(include_str!("demanded.json")).expect("demanded.json"));
    &ALL
}

/// The entry of an action, when it is demanded.
pub fn of(function: &str, part: Part, action: &str) -> Option<&'static Demanded> {
    all().iter().find(|each| each.function == function && each.part == part && each.action == action)
}

#[test]
fn what_is_demanded_is_allowed_and_so_is_what_demands_it() {
    let policies = policies::all();
    for Demanded { function, part, action, by, why, url } in all() {
        let allowed = policies[function].actions(*part);
        assert!(allowed.contains(action.as_str()), "demanded.json: {function} may not {action} in {part}");
        assert!(!by.is_empty() && !why.is_empty() && url.starts_with("https://"), "{function}, {action}");
        for each in by.iter().filter(|each| *each != EVENT_SOURCE) {
            assert!(allowed.contains(each.as_str()), "demanded.json: {function} may not {each} in {part}");
        }
    }
}

#[test]
fn nothing_is_called_demanded_that_the_code_calls() {
    for Demanded { function, action, part, .. } in all() {
        // CreateTags and the like are called too; then both reasons hold, and the code is the better one.
        let files = need::files(function, action);
        assert!(
            files.is_empty(),
            "demanded.json: {action} of {function} in {part} is called by {files:?}: remove the entry"
        );
    }
}
