//! What journeys used of each statement, as a page beside the statement as it is written: whoever reviews a statement sees
//! the narrowest form that would have done, and why the rest is there.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use berth_aws::{Effect, FunctionPolicy, Part, Statement};

use super::{Decided, recorded::part_of};

const HEAD: &str = "# Permissions, as they were used

For whoever reviews whether a statement could be narrower. Written at the end of `make test` to `target/permissions.md`, from
what the local AWS decided of every call of every journey. docs/permissions-used.md is a copy.

For each statement: the narrowest form that the journeys would have done with, its actions with the resources that they were
used on (accounts and made-up ids left out), then what it allows besides, and why. An action that no journey used is there
for what journeys cannot bring about, or for AWS itself ([demanded.json](../tests/permissions/demanded.json)).
";

/// Names under one path that are listed.
const NAMED_MAX: usize = 3;

/// The page.
#[must_use]
pub fn used_page(policies: &BTreeMap<String, FunctionPolicy>, decided: &BTreeSet<Decided>) -> String {
    let mut page = HEAD.to_owned();
    for (function, policy) in policies {
        for (part, statements) in &policy.0 {
            let _ = write!(page, "\n## {function}, {part}\n\n| statement | used | besides |\n|---|---|---|\n");
            for statement in statements.iter().filter(|statement| statement.effect == Effect::Allow) {
                let uses = uses(function, *part, statement, decided);
                let _ =
                    writeln!(page, "| `{}` | {} | {} |", statement.sid, narrowest(&uses), besides(statement, &uses));
            }
        }
    }
    page
}

/// Resources by action that this statement was needed for.
fn uses(
    function: &str,
    part: Part,
    statement: &Statement,
    decided: &BTreeSet<Decided>,
) -> BTreeMap<String, BTreeSet<String>> {
    let mut uses: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let of_it = |each: &&Decided| {
        each.allowed
            && each.function.strip_prefix("berth-") == Some(function)
            && part_of(&each.function, &each.role) == part
            && each.statements.contains(&statement.sid)
    };
    for Decided { action, resource, .. } in decided.iter().filter(of_it) {
        uses.entry(action.clone()).or_default().insert(without_region(resource));
    }
    uses
}

/// Regions are the platform's, and in no policy.
fn without_region(arn: &str) -> String {
    let mut parts: Vec<&str> = arn.splitn(6, ':').collect();
    if let [_, _, _, region, _, _] = parts.as_mut_slice()
        && !region.is_empty()
    {
        *region = "*";
    }
    parts.join(":")
}

fn narrowest(uses: &BTreeMap<String, BTreeSet<String>>) -> String {
    let mut by_resources: BTreeMap<&BTreeSet<String>, Vec<&str>> = BTreeMap::new();
    for (action, resources) in uses {
        by_resources.entry(resources).or_default().push(action);
    }
    let quoted = |texts: Vec<&str>| texts.iter().map(|text| format!("`{text}`")).collect::<Vec<_>>().join(", ");
    let rows = by_resources.into_iter().map(|(resources, actions)| {
        let resources = condensed(resources);
        format!("{} on {}", quoted(actions), quoted(resources.iter().map(String::as_str).collect()))
    });
    let rows: Vec<String> = rows.collect();
    if rows.is_empty() { "nothing".to_owned() } else { rows.join("; ") }
}

/// Many names under one path are what a policy writes as a pattern: those of the last part of an ARN, then of the last two.
fn condensed(resources: &BTreeSet<String>) -> BTreeSet<String> {
    [1, 2].into_iter().fold(resources.clone(), |resources, parts| {
        let mut by_path: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for resource in resources {
            by_path.entry(path(&resource, parts)).or_default().push(resource);
        }
        let shown = by_path
            .into_iter()
            .flat_map(|(path, of_it)| if of_it.len() > NAMED_MAX { vec![format!("{path}*")] } else { of_it });
        shown.collect()
    })
}

/// An ARN without so many of its last parts; whole where it has fewer, because what stands before them is a kind of resource.
fn path(arn: &str, parts: usize) -> String {
    let is_last_of_execution = parts == 1 && !arn.contains('/');
    let separator = if is_last_of_execution { ':' } else { '/' };
    let end = arn.rmatch_indices(separator).nth(parts - 1).map_or(arn.len(), |(at, _)| at + 1);
    arn.get(..end).unwrap_or_default().to_owned()
}

/// Actions that were not used, and the statement's own reason.
fn besides(statement: &Statement, uses: &BTreeMap<String, BTreeSet<String>>) -> String {
    let unused = statement.action.iter().filter(|action| !uses.contains_key(*action));
    let unused: Vec<String> = unused.map(|action| format!("`{action}`")).collect();
    let why = statement.why.clone().unwrap_or_default();
    [unused.join(", "), why].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(": ")
}
