//! The tags that every resource of Berth carries, and how ours are told from others'.

use std::collections::BTreeMap;

use crate::{AccountId, TenantName};

/// Tag that names the account a resource belongs to.
pub const TAG_ACCOUNT: &str = "berth:account";
/// Tag that names the tenant a resource belongs to.
pub const TAG_TENANT: &str = "berth:tenant";
/// Tag that says who manages a resource.
pub const TAG_MANAGED_BY: &str = "berth:managed-by";
/// Value of [`TAG_MANAGED_BY`] on everything that Berth made.
pub const TAG_MANAGED_BY_VALUE: &str = "berth";

/// Tags of a resource, by key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tags(pub BTreeMap<String, String>);

impl Tags {
    /// The three tags that every resource of this account carries.
    #[must_use]
    pub fn of(account: &AccountId, tenant: &TenantName) -> Self {
        Self(BTreeMap::from([
            (TAG_ACCOUNT.to_owned(), account.to_string()),
            (TAG_TENANT.to_owned(), tenant.to_string()),
            (TAG_MANAGED_BY.to_owned(), TAG_MANAGED_BY_VALUE.to_owned()),
        ]))
    }

    /// The same tags and one more.
    #[must_use]
    pub fn with(mut self, key: &str, value: &str) -> Self {
        self.0.insert(key.to_owned(), value.to_owned());
        self
    }

    /// Whether a resource with these tags was made by Berth for `account`. Anything else with our name is foreign.
    #[must_use]
    pub fn are_ours(&self, account: &AccountId) -> bool {
        self.get(TAG_MANAGED_BY) == Some(TAG_MANAGED_BY_VALUE) && self.get(TAG_ACCOUNT) == Some(account.as_str())
    }

    /// The value of one tag.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// Those of `wanted` that are absent here or have another value: what a re-run must set.
    #[must_use]
    pub fn missing(&self, wanted: &Self) -> Self {
        Self(wanted.0.iter().filter(|(k, v)| self.get(k) != Some(v)).map(|(k, v)| (k.clone(), v.clone())).collect())
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Tags {
    fn from_iter<T: IntoIterator<Item = (K, V)>>(pairs: T) -> Self {
        Self(pairs.into_iter().map(|(k, v)| (k.into(), v.into())).collect())
    }
}
