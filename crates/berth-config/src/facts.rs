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
