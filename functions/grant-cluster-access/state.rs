//! What was observed of EKS, and how each change alters it.

use std::collections::{BTreeMap, BTreeSet};

use berth_tenancy::{ClusterPlan, Tags};

use crate::{Change, EntryChange};

/// Type of an entry for people and pods: everything that is no node. [EKS `CreateAccessEntry`]
pub(crate) const STANDARD: &str = "STANDARD";

/// The clusters that are looked at: those of the plan first, in its order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    pub clusters: Vec<ObservedCluster>,
}

/// One cluster, as far as this account is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedCluster {
    /// Which cluster it is.
    pub plan: ClusterPlan,
    /// Its status, as EKS writes it.
    pub status: String,
    /// Its authentication mode, as EKS writes it.
    pub authentication: String,
    /// Entries of the account's roles, by ARN of the role.
    pub entries: BTreeMap<String, ObservedEntry>,
}

/// An access entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedEntry {
    pub arn: String,
    /// Its type; only `STANDARD` ones are Berth's.
    pub kind: String,
    /// Its Kubernetes groups.
    pub groups: BTreeSet<String>,
    pub tags: Tags,
}

impl State {
    /// Applies a change. `arn` is that of the entry.
    pub(crate) fn apply(&mut self, change: &Change, arn: Option<String>) {
        let Change { cluster, role, entry } = change;
        let Some(cluster) = self.clusters.iter_mut().find(|there| there.plan.name == *cluster) else { return };
        match entry {
            EntryChange::Create { groups, tags } => {
                let arn = arn.unwrap_or_else(|| format!("the access entry of {role}"));
                let (kind, groups, tags) = (STANDARD.to_owned(), groups.clone(), tags.clone());
                cluster.entries.insert(role.clone(), ObservedEntry { arn, kind, groups, tags });
            }
            EntryChange::Delete { .. } | EntryChange::Remove => drop(cluster.entries.remove(role)),
            EntryChange::SetGroups { groups } => {
                cluster.entries.entry(role.clone()).and_modify(|entry| entry.groups.clone_from(groups));
            }
            EntryChange::Tag { tags, .. } => {
                cluster.entries.entry(role.clone()).and_modify(|entry| entry.tags.0.extend(tags.0.clone()));
            }
        }
    }
}
