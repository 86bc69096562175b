//! Why a sweep stops before it asks for anything.

use std::collections::BTreeMap;

use berth_contract::sweep::IdentityChange;
use berth_step::{Fault, StepError};
use berth_tenancy::AccountId;

/// Kinds of changes that the error names; the log has all of them.
const NAMED_MAX: usize = 5;

/// Accounts of each kind that the error names.
const ACCOUNTS_MAX: usize = 10;

/// The error of a sweep that stops, because many accounts would become others at once.
pub(crate) fn too_many_changes(changed: &[IdentityChange]) -> StepError {
    let mut kinds: BTreeMap<String, Vec<&AccountId>> = BTreeMap::new();
    for change in changed {
        // A changed environment tells most: each account of it has a tenant and names of its own besides.
        let first = change.differences.iter().find(|difference| difference.what == "environment");
        let first = first.or_else(|| change.differences.first());
        kinds.entry(first.map(ToString::to_string).unwrap_or_default()).or_default().push(&change.account_id);
    }
    let mut kinds: Vec<(String, Vec<&AccountId>)> = kinds.into_iter().collect();
    kinds.sort_by(|a, b| b.1.len().cmp(&a.1.len()).then_with(|| a.0.cmp(&b.0)));
    let named = kinds.iter().take(NAMED_MAX).map(|(kind, accounts)| format!("{kind}: {}", of(accounts)));
    let named: Vec<String> = named.collect();
    let what =
        format!("{} accounts would become others, so nothing was asked for: {}", changed.len(), named.join("; "));
    StepError::new(Fault::InvalidInput, what).hint(
        "compare platform.yaml with the one before: `berth validate FILE --accounts` says what it would do to accounts \
         that exist; if it is meant, transfer them one by one: berth transfer",
    )
}

/// How many accounts, and which: `2 accounts (111122223333, 444455556666)`.
fn of(accounts: &[&AccountId]) -> String {
    let count = accounts.len();
    let named: Vec<&str> = accounts.iter().take(ACCOUNTS_MAX).map(|account| account.as_str()).collect();
    let more = count - named.len();
    let more = if more > 0 { format!(", and {more} more in the log") } else { String::new() };
    format!("{count} accounts ({}{more})", named.join(", "))
}
