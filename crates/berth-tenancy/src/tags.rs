//! The tags that every resource of Berth carries, how ours are told from others', and the organization's own.

use std::{collections::BTreeMap, fmt};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{AccountId, TenantName};

/// Tag that names the account a resource belongs to.
pub const TAG_ACCOUNT: &str = "berth:account";
/// Tag that names the tenant a resource belongs to.
pub const TAG_TENANT: &str = "berth:tenant";
/// Tag that says who manages a resource.
pub const TAG_MANAGED_BY: &str = "berth:managed-by";
/// Value of [`TAG_MANAGED_BY`] on everything that Berth made.
pub const TAG_MANAGED_BY_VALUE: &str = "berth";

/// Most tags of a resource. [EC2 "Tag restrictions"; IAM "Tagging IAM resources"]
const TAGS_MAX: usize = 50;
/// Most tags of Berth's own on one resource: those of a subnet.
const OWN_TAGS_MAX: usize = 6;
/// Most tags of the organization's own on one resource, so that those of Berth have room beside them.
pub const ORGANIZATION_TAGS_MAX: usize = TAGS_MAX - OWN_TAGS_MAX;

/// A kind of resource that Berth makes and tags, in AWS's spelling. [EC2 `TagSpecification`]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is the resource of that name")]
pub enum ResourceKind {
    Vpc,
    Subnet,
    RouteTable,
    InternetGateway,
    VpcEndpoint,
    VpcFlowLog,
    TransitGatewayAttachment,
    Role,
    Policy,
    OidcProvider,
    BackupVault,
    BackupPlan,
    ConfigurationRecorder,
    ConfigRule,
    AccessEntry,
    PodIdentityAssociation,
}

impl ResourceKind {
    /// Every kind.
    pub const ALL: [Self; 16] = [
        Self::Vpc,
        Self::Subnet,
        Self::RouteTable,
        Self::InternetGateway,
        Self::VpcEndpoint,
        Self::VpcFlowLog,
        Self::TransitGatewayAttachment,
        Self::Role,
        Self::Policy,
        Self::OidcProvider,
        Self::BackupVault,
        Self::BackupPlan,
        Self::ConfigurationRecorder,
        Self::ConfigRule,
        Self::AccessEntry,
        Self::PodIdentityAssociation,
    ];
}

impl fmt::Display for ResourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// The tags that the organization wants on everything that Berth makes for an account, with nothing left to fill in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OrganizationTags {
    /// On every resource.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub all: BTreeMap<String, String>,
    /// On resources of one kind; these win over `all`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub by_kind: BTreeMap<ResourceKind, BTreeMap<String, String>>,
    /// On one role, by its key in the plan; these win over both.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub by_role: BTreeMap<String, BTreeMap<String, String>>,
}

impl OrganizationTags {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self { all, by_kind, by_role } = self;
        all.is_empty() && by_kind.values().chain(by_role.values()).all(BTreeMap::is_empty)
    }

    /// Those of a resource of this kind.
    #[must_use]
    pub fn of(&self, kind: ResourceKind) -> Tags {
        let special = self.by_kind.get(&kind).into_iter().flatten();
        self.all.iter().chain(special).map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    /// Those of the role with this key in the plan.
    #[must_use]
    pub fn of_role(&self, key: &str) -> Tags {
        let own = self.by_role.get(key).into_iter().flatten();
        self.of(ResourceKind::Role).overlaid(own.map(|(key, value)| (key.clone(), value.clone())).collect())
    }
}

impl OrganizationTags {
    /// These, with those of `other` in place of any that have the same key.
    #[must_use]
    pub fn overlaid(mut self, other: &Self) -> Self {
        self.all.extend(other.all.clone());
        for (kind, tags) in &other.by_kind {
            self.by_kind.entry(*kind).or_default().extend(tags.clone());
        }
        for (role, tags) in &other.by_role {
            self.by_role.entry(role.clone()).or_default().extend(tags.clone());
        }
        self
    }
}

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

    /// These tags, with those of `other` in place of any that have the same key.
    #[must_use]
    pub fn overlaid(mut self, other: Self) -> Self {
        self.0.extend(other.0);
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

    /// Whether Berth uses the key itself, so that the organization cannot.
    #[must_use]
    pub fn is_own(key: &str) -> bool {
        key.starts_with("berth:") || key == "Name"
    }

    /// The keys, for people.
    #[must_use]
    pub fn keys(&self) -> String {
        self.0.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
    }

    /// Takes these away, whatever value they have by now.
    pub fn remove(&mut self, gone: &Self) {
        self.0.retain(|key, _| !gone.0.contains_key(key));
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_more_special_tag_wins_and_kinds_are_spelled_as_aws_spells_them() {
        let tags: OrganizationTags = serde_json::from_str(
            r#"{ "all": { "CostCenter": "1", "Owner": "a" }, "byKind": { "vpc-flow-log": { "CostCenter": "2" } } }"#,
        )
        .unwrap();
        assert_eq!(tags.of(ResourceKind::VpcFlowLog), Tags::from_iter([("CostCenter", "2"), ("Owner", "a")]));
        assert_eq!(tags.of(ResourceKind::Vpc), Tags::from_iter([("CostCenter", "1"), ("Owner", "a")]));
        let tags: OrganizationTags = serde_json::from_str(
            r#"{ "all": { "a": "1" }, "byKind": { "role": { "a": "2" } }, "byRole": { "developer": { "a": "3" } } }"#,
        )
        .unwrap();
        assert_eq!(tags.of_role("developer"), Tags::from_iter([("a", "3")]));
        assert_eq!(tags.of_role("viewer"), Tags::from_iter([("a", "2")]));
        let spelled = ResourceKind::ALL.map(|kind| kind.to_string()).join(" ");
        let expected = "vpc subnet route-table internet-gateway vpc-endpoint vpc-flow-log transit-gateway-attachment role \
                        policy oidc-provider backup-vault backup-plan configuration-recorder config-rule access-entry \
                        pod-identity-association";
        assert_eq!(spelled, expected);
    }
}
