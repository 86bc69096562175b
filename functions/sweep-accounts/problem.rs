//! Why a sweep stops before it asks for anything.

use std::collections::BTreeMap;

use berth_contract::sweep::IdentityChange;
use berth_step::{Fault, StepError};

/// Kinds of changes that the error names; the log has all of them.
const NAMED_MAX: usize = 5;

/// The error of a sweep that stops, because many accounts would become others at once.
pub(crate) fn too_many_changes(changed: &[IdentityChange]) -> StepError {
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for change in changed {
        // A changed environment tells most: each account of it has a tenant and names of its own besides.
        let first = change.differences.iter().find(|difference| difference.what == "environment");
        let first = first.or_else(|| change.differences.first());
        *kinds.entry(first.map(ToString::to_string).unwrap_or_default()).or_default() += 1;
    }
    let mut kinds: Vec<(String, usize)> = kinds.into_iter().collect();
    kinds.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let named = kinds.iter().take(NAMED_MAX).map(|(kind, count)| format!("{kind}: {count} accounts"));
    let named: Vec<String> = named.collect();
    let what =
        format!("{} accounts would become others, so nothing was asked for: {}", changed.len(), named.join("; "));
    StepError::new(Fault::InvalidInput, what).hint(
        "compare platform.yaml with the one before: `berth validate FILE --accounts` says what it would do to accounts \
         that exist; if it is meant, transfer them one by one: berth transfer",
    )
}
