//! What the local AWS decided of the calls of all journeys, statement by statement (docs/decisions/0023).

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use berth_aws::{Effect, FunctionPolicy, Part, Statement};
use serde::Deserialize;

use super::{
    EVENT_SOURCE, Permission, demanded,
    recorded::{is_extension, part_of},
};
use crate::rig::recordings;

/// One action on one kind of resource, as it was decided.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decided {
    /// The function, with `berth-`.
    pub function: String,
    /// The role that called.
    pub role: String,
    /// The IAM action.
    pub action: String,
    /// The ARN, without accounts and made-up ids; `*` where AWS knows no resources.
    pub resource: String,
    /// Names of the statements that allow it, or deny it explicitly.
    pub statements: Vec<String>,
    /// Whether it was allowed.
    pub allowed: bool,
    /// What denied it.
    pub reason: String,
}

/// All decisions that local organizations wrote down since `make test` began.
#[must_use]
pub fn decided() -> BTreeSet<Decided> {
    let files = fs::read_dir(recordings().with_file_name("decided")).into_iter().flatten().flatten();
    let texts: Vec<String> = files.map(|entry| fs::read_to_string(entry.path()).unwrap()).collect();
    // A gateway that is killed may leave half a line.
    let whole = texts.iter().flat_map(|text| text.lines()).filter(|line| line.ends_with('}'));
    let all = whole.map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}")));
    all.filter(|each: &Decided| !is_extension(&each.function)).collect()
}

/// Start of the names of statements with which a journey denies something on purpose.
const DENIED_BY_TEST: &str = "DeniedByTest";

/// Calls of journeys that IAM would refuse, but for those that a journey denies on purpose.
#[must_use]
pub fn denied(decided: &BTreeSet<Decided>) -> Vec<String> {
    let is_by_test = |each: &&Decided| {
        !each.statements.is_empty() && each.statements.iter().all(|sid| sid.starts_with(DENIED_BY_TEST))
    };
    let denied = decided.iter().filter(|each| !each.allowed && !is_by_test(each));
    let line = |each: &Decided| {
        let Decided { function, role, action, resource, reason, .. } = each;
        format!(
            "{function} was denied {action} on {resource} with the role {role}: no {reason} allows it, or one denies it"
        )
    };
    denied.map(line).collect()
}

/// Statements that no call needed.
#[must_use]
pub fn unneeded(policies: &BTreeMap<String, FunctionPolicy>, decided: &BTreeSet<Decided>) -> Vec<String> {
    let of = |each: &Decided| (each.name().to_owned(), part_of(&each.function, &each.role));
    let used: BTreeSet<((String, Part), &str)> = decided
        .iter()
        .filter(|each| each.allowed)
        .flat_map(|each| each.statements.iter().map(move |sid| (of(each), sid.as_str())))
        .collect();
    let mut found = Vec::new();
    for (function, policy) in policies {
        for (part, statements) in &policy.0 {
            let named = statements.iter().filter(|each| each.effect == Effect::Allow && !by_lambda(function, each));
            for Statement { sid, .. } in named {
                if !used.contains(&((function.clone(), *part), sid.as_str())) {
                    found.push(format!("{function}: no journey needed {sid} of {part}"));
                }
            }
        }
    }
    found
}

impl Decided {
    /// The permission that it needed.
    #[must_use]
    pub fn permission(&self) -> Permission {
        (self.name().to_owned(), part_of(&self.function, &self.role), self.action.clone())
    }

    fn name(&self) -> &str {
        self.function.strip_prefix("berth-").unwrap_or(&self.function)
    }
}

/// Whether a statement is for the calls that Lambda makes for the function, which the local AWS does not decide.
fn by_lambda(function: &str, statement: &Statement) -> bool {
    statement.action.iter().all(|action| {
        let here = |each: &&super::Demanded| each.function == function && each.action == *action;
        demanded().iter().find(here).is_some_and(|each| each.by.iter().any(|by| by == EVENT_SOURCE))
    })
}
