//! Who an account is to the platform, and the names that were given because of it. Given once: a later plan is compared.

use std::{collections::BTreeMap, fmt};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{AccountId, ClusterName, EnvironmentName, TenantName};

/// What the tenant's name was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TenantSource {
    /// The account's tag, which only who may tag accounts in Organizations can set.
    Tag,
    /// The account's name, which the account's own administrators can set (`account:PutAccountName`).
    Name,
}

/// Tenant, environment, and what is named after them or placed because of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    /// The tenant that owns the account.
    pub tenant: TenantName,
    /// The account's environment.
    pub environment: EnvironmentName,
    /// What tells the account apart besides, by what it is: `cluster`, `custom resource`, `role developer`, `boundary`,
    /// `access entries on dev-euw1`. The values are names, paths and places, never secrets.
    #[serde(default)]
    pub given: BTreeMap<String, String>,
}

/// Something that was given to an account and that a plan would give otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IdentityDifference {
    /// What it is: `tenant`, `environment`, or a key of [`Identity::given`].
    pub what: String,
    /// What was given.
    pub was: String,
    /// What the plan would give.
    pub would_be: String,
}

impl fmt::Display for IdentityDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}, and would be {}", self.what, self.was, self.would_be)
    }
}

/// The key of the cluster that a tenancy is placed on.
pub const GIVEN_CLUSTER: &str = "cluster";
/// The key of the custom resource's path in the GitOps repository.
pub const GIVEN_FILE: &str = "custom resource";
/// Start of the key of a role; its short name in the plan follows.
pub const GIVEN_ROLE: &str = "role ";
/// The key of the permissions boundary.
pub const GIVEN_BOUNDARY: &str = "boundary";
/// Start of the key of a cluster that has access entries; its name in platform.yaml follows.
pub const GIVEN_ENTRIES: &str = "access entries on ";

/// Start of the line of a plan by which an account joins a tenant that has other accounts.
pub const JOIN_CHANGE: &str = "join the tenant ";

/// Start of the line of a plan by which a VPC is written into the ledger as the account's.
pub const RECORD_CHANGE: &str = "record the VPC ";

impl Identity {
    /// What was given here and would be given otherwise by `wanted`. What only one of them has is no difference: it is
    /// given newly, or left over.
    #[must_use]
    pub fn differences(&self, wanted: &Self) -> Vec<IdentityDifference> {
        let (tenant, environment) = (wanted.tenant.as_str(), wanted.environment.as_str());
        let names = [("tenant", self.tenant.as_str(), tenant), ("environment", self.environment.as_str(), environment)];
        let given = self.given.iter().filter_map(|(what, was)| {
            let would_be = wanted.given.get(what)?;
            Some((what.as_str(), was.as_str(), would_be.as_str()))
        });
        let differing = names.into_iter().chain(given).filter(|(_, was, would_be)| was != would_be);
        let difference = |(what, was, would_be): (&str, &str, &str)| IdentityDifference {
            what: what.to_owned(),
            was: was.to_owned(),
            would_be: would_be.to_owned(),
        };
        differing.map(difference).collect()
    }

    /// This identity, and what `wanted` gives besides.
    #[must_use]
    pub fn with(mut self, wanted: &Self) -> Self {
        for (what, value) in &wanted.given {
            self.given.entry(what.clone()).or_insert_with(|| value.clone());
        }
        self
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.tenant, self.environment)
    }
}

/// The identity that an account was given, as the ledger keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Binding {
    /// What was given.
    pub identity: Identity,
    /// What the tenant's name was read from; not known of an account that an earlier version planned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_from: Option<TenantSource>,
    /// Since when the account has this identity.
    pub since: Timestamp,
    /// Counts the changes of this binding, so that of two writers one is refused.
    pub revision: u32,
}

/// What it means that an account gets another identity, a line for each thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TransferPlan {
    /// Who the account is: `<tenant>/<environment>`.
    pub from: String,
    /// Who it becomes.
    pub to: String,
    /// What must be taken away first, in this order: access before all else, so that nobody has access twice.
    pub taken_away: Vec<String>,
    /// What stays with the account.
    pub moves: Vec<String>,
    /// What is made for it anew.
    pub made_anew: Vec<String>,
}

/// Who has a tenant's environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Claim {
    /// The tenant.
    pub tenant: TenantName,
    /// The environment.
    pub environment: EnvironmentName,
    /// The one account that has it.
    pub account_id: AccountId,
    /// Since when.
    pub since: Timestamp,
}

/// The cluster in the path of a custom resource, as [`crate::tenant_path`] makes it.
#[must_use]
pub fn cluster_of_path(path: &str) -> Option<ClusterName> {
    path.strip_prefix("clusters/")?.split('/').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn identity(tenant: &str, environment: &str, given: &[(&str, &str)]) -> Identity {
        let given = given.iter().map(|(what, value)| ((*what).to_owned(), (*value).to_owned())).collect();
        Identity { tenant: tenant.parse().unwrap(), environment: environment.parse().unwrap(), given }
    }

    #[test]
    fn whatever_was_given_and_would_be_given_otherwise_is_a_difference() {
        let given = [("cluster", "a"), ("role developer", "/t/x-dev"), ("something of tomorrow", "1")];
        let was = identity("x", "dev", &given);
        assert_eq!(was.differences(&was), []);
        for (what, value) in given {
            let mut wanted = was.clone();
            wanted.given.insert(what.to_owned(), format!("{value}2"));
            let differences = was.differences(&wanted);
            assert_eq!(differences.len(), 1, "{differences:?}");
            assert_eq!(differences[0].to_string(), format!("{what} is {value}, and would be {value}2"));
        }
        let both: Vec<_> = was.differences(&identity("y", "prod", &[])).into_iter().map(|d| d.what).collect();
        assert_eq!(both, ["tenant", "environment"]);
    }

    #[test]
    fn what_only_one_side_has_is_no_difference_and_is_remembered() {
        let was = identity("x", "dev", &[("role a", "/t/x-a")]);
        let wanted = identity("x", "dev", &[("role b", "/t/x-b")]);
        assert_eq!(was.differences(&wanted), []);
        let both = was.with(&wanted);
        assert_eq!(both.given.keys().collect::<Vec<_>>(), ["role a", "role b"]);
        // The role that is gone from the plan comes back under another name: that is seen.
        assert_eq!(both.differences(&identity("x", "dev", &[("role a", "/t/y-a")])).len(), 1);
    }

    #[test]
    fn the_cluster_is_read_from_the_path_of_a_custom_resource() {
        let (cluster, tenant) = ("prod-euw1".parse().unwrap(), "payments".parse().unwrap());
        assert_eq!(cluster_of_path(&crate::tenant_path(&cluster, &tenant)), Some(cluster));
        assert_eq!(cluster_of_path("tenants/x.yaml"), None);
    }
}
