//! What the step sees of EKS, and how each change alters it.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_eks::Client;
use berth_tenancy::{ClusterName, ClusterPlan, Tags};

use crate::{Action, Change};

/// Type of an entry for people and pods: everything that is no node. [EKS `CreateAccessEntry`]
pub(crate) const STANDARD: &str = "STANDARD";

/// The clusters of the plan, in its order.
#[derive(Debug, Clone, Default)]
pub struct World {
    /// The clusters.
    pub clusters: Vec<ObservedCluster>,
}

/// One cluster, as far as this account is concerned.
#[derive(Debug, Clone)]
pub struct ObservedCluster {
    /// The client where it is; none in tests.
    pub client: Option<Client>,
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
    /// Its ARN.
    pub arn: String,
    /// Its type; only `STANDARD` ones are Berth's.
    pub kind: String,
    /// Its Kubernetes groups.
    pub groups: BTreeSet<String>,
    /// Its tags.
    pub tags: Tags,
}

/// An entry after a change; none when it is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// Name of the cluster in the plan.
    pub cluster: ClusterName,
    /// ARN of the role.
    pub role: String,
    /// The entry, as EKS answered when it was read back.
    pub entry: Option<ObservedEntry>,
}

impl World {
    /// The cluster of that name.
    pub(crate) fn cluster(&self, name: &ClusterName) -> Option<&ObservedCluster> {
        self.clusters.iter().find(|cluster| cluster.plan.name == *name)
    }
}

/// The effect that a change has when it succeeds.
pub(crate) fn imagine(world: &World, action: &Action) -> Effect {
    let Action { cluster, role, change } = action;
    let there = world.cluster(cluster).and_then(|cluster| cluster.entries.get(role)).cloned();
    let entry = match change {
        Change::Create { groups, tags } => {
            let arn = format!("the access entry of {role}");
            Some(ObservedEntry { arn, kind: STANDARD.to_owned(), groups: groups.clone(), tags: tags.clone() })
        }
        Change::Delete { .. } => None,
        Change::SetGroups { groups } => there.map(|entry| ObservedEntry { groups: groups.clone(), ..entry }),
        Change::Tag { tags, .. } => there.map(|mut entry| {
            entry.tags.0.extend(tags.0.clone());
            entry
        }),
    };
    Effect { cluster: cluster.clone(), role: role.clone(), entry }
}

/// Applies an effect.
pub(crate) fn apply(world: &mut World, effect: Effect) {
    let Effect { cluster, role, entry } = effect;
    for there in world.clusters.iter_mut().filter(|there| there.plan.name == cluster) {
        match &entry {
            Some(entry) => drop(there.entries.insert(role.clone(), entry.clone())),
            None => drop(there.entries.remove(&role)),
        }
    }
}
