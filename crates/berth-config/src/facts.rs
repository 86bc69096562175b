//! What is known about an account when it is matched.

use std::collections::BTreeMap;

use berth_tenancy::AccountId;
use jiff::Timestamp;

/// An account as Organizations describes it (`DescribeAccount`, `ListTagsForResource`, `ListParents`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountFacts {
    /// Its id.
    pub account_id: AccountId,
    /// Its name: whatever somebody typed, never trusted.
    pub name: String,
    /// Its e-mail address.
    pub email: Option<String>,
    /// `State` of the account: `PENDING_ACTIVATION`, `ACTIVE`, `SUSPENDED`, `PENDING_CLOSURE` or `CLOSED`.
    pub state: String,
    /// Ids on the path from the root to the account, outermost first; the root's own id may be among them.
    pub ous: Vec<String>,
    /// When it joined the organization; for an account that was made there, when it was made.
    pub joined: Option<Timestamp>,
    /// Tags of the account.
    pub tags: BTreeMap<String, String>,
}

/// Ids of the organizational units in a path of Organizations (`o-…/r-…/ou-…/<account>/`), outermost first.
#[must_use]
pub fn units_of(path: &str) -> Vec<String> {
    path.split('/').filter(|part| part.starts_with("ou-")).map(str::to_owned).collect()
}

/// A living account that Organizations answered without a path. It would look like one outside of every unit, and be
/// left out in silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the account was answered without its path in the organization")]
pub struct NoPath;

/// The units on the first of an account's `Paths`. A closed account may be nowhere.
pub fn units_of_paths(paths: &[String], state: &str) -> Result<Vec<String>, NoPath> {
    match paths.first() {
        Some(path) => Ok(units_of(path)),
        None if matches!(state, "SUSPENDED" | "PENDING_CLOSURE" | "CLOSED") => Ok(Vec::new()),
        None => Err(NoPath),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_closed_account_may_be_nowhere() {
        let path = ["o-a/r-ab12/ou-ab12-outer001/ou-ab12-in001/111122223333/".to_owned()];
        for state in ["ACTIVE", "PENDING_ACTIVATION", "", "HIBERNATING"] {
            assert_eq!(units_of_paths(&[], state), Err(NoPath), "{state}");
            assert_eq!(units_of_paths(&path, state).map(|units| units.len()), Ok(2), "{state}");
        }
        for state in ["SUSPENDED", "PENDING_CLOSURE", "CLOSED"] {
            assert_eq!(units_of_paths(&[], state), Ok(Vec::new()), "{state}");
        }
    }
}
