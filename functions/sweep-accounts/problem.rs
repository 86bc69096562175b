//! What a sweep could not read or publish, for a report and for the one error at its end.

use std::collections::BTreeMap;

use berth_contract::sweep::IdentityChange;
use berth_step::{Fault, StepError};

/// Problems that the error at the end names; the log has all of them.
const NAMED_MAX: usize = 5;

/// The error of a sweep that had problems, after it asked for `asked` accounts. Its fault and its advice are those of the
/// first.
pub(crate) fn all(problems: Vec<StepError>, asked: usize) -> StepError {
    let count = problems.len();
    let one = |error: &StepError| match &error.account {
        Some(account) => format!("{} ({account})", error.message),
        None => error.message.clone(),
    };
    let mut named: Vec<String> = problems.iter().take(NAMED_MAX).map(one).collect();
    if count > NAMED_MAX {
        named.push(format!("{} more in the log of berth-sweep-accounts", count - NAMED_MAX));
    }
    let what = format!("asked for {asked} accounts, and had {count} problems: {}", named.join("; "));
    match problems.into_iter().next() {
        Some(first) => StepError::new(first.fault, what).hint(first.hint.clone()).because(first),
        None => StepError::new(Fault::Bug, what),
    }
}

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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use berth_tenancy::AccountId;

    use super::*;

    #[test]
    fn the_error_at_the_end_says_how_many_and_names_the_first_few_with_their_accounts() {
        let account: AccountId = "111122223333".parse().unwrap();
        let error = |number: u32| {
            StepError::new(Fault::Denied, format!("problem {number}")).hint("allow it").for_account(&account)
        };
        let two = all(vec![error(1), error(2)], 7);
        assert_eq!(
            two.message,
            "asked for 7 accounts, and had 2 problems: problem 1 (111122223333); problem 2 (111122223333)"
        );
        assert_eq!((two.fault, two.hint.as_str(), two.account.is_none()), (Fault::Denied, "allow it", true));
        let many = all((1..=9).map(error).collect(), 0);
        assert!(
            many.message.ends_with("problem 5 (111122223333); 4 more in the log of berth-sweep-accounts"),
            "{many}"
        );
    }
}
