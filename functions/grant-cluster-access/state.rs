//! What was observed of EKS, and how each change alters it.

use std::collections::{BTreeMap, BTreeSet};

use berth_tenancy::{ClusterPlan, Pods, Tags};

use crate::{AssociationChange, Change, EntryChange, PodRoles, What};

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
    /// Pod Identity associations that are planned or left over, whoever made them.
    pub associations: BTreeMap<Pods, ObservedAssociation>,
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

/// A Pod Identity association.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedAssociation {
    /// Its id.
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// The role that pods have first.
    pub role: String,
    /// The role that they end up with, when that is another one.
    pub target: Option<String>,
    /// Whether EKS tells the role's sessions whose the pods are.
    pub session_tags: bool,
    /// Whether a policy narrows what pods may do.
    pub is_narrowed: bool,
    /// Its tags.
    pub tags: Tags,
}

impl ObservedAssociation {
    /// Whether pods get these roles by it, with the session tags that the target's trust demands.
    pub(crate) fn gives(&self, roles: &PodRoles) -> bool {
        self.role == roles.first
            && self.target.as_ref() == Some(&roles.target)
            && self.session_tags
            && !self.is_narrowed
    }
}

impl State {
    /// Applies a change. `arn` is that of the entry or association.
    pub(crate) fn apply(&mut self, change: &Change, arn: Option<String>) {
        let Some(cluster) = self.clusters.iter_mut().find(|there| there.plan.name == change.cluster) else { return };
        match &change.what {
            What::Entry { role, change } => cluster.apply_to_entry(role, change, arn),
            What::Association { pods, change } => cluster.apply_to_association(pods, change, arn),
        }
    }
}

impl ObservedCluster {
    fn apply_to_entry(&mut self, role: &str, change: &EntryChange, arn: Option<String>) {
        match change {
            EntryChange::Create { groups, tags } => {
                let arn = arn.unwrap_or_else(|| format!("the access entry of {role}"));
                let (kind, groups, tags) = (STANDARD.to_owned(), groups.clone(), tags.clone());
                self.entries.insert(role.to_owned(), ObservedEntry { arn, kind, groups, tags });
            }
            EntryChange::Delete { .. } | EntryChange::Remove => drop(self.entries.remove(role)),
            EntryChange::SetGroups { groups } => {
                self.entries.entry(role.to_owned()).and_modify(|entry| entry.groups.clone_from(groups));
            }
            EntryChange::Tag { tags, .. } => {
                self.entries.entry(role.to_owned()).and_modify(|entry| entry.tags.0.extend(tags.0.clone()));
            }
            EntryChange::Untag { tags, .. } => {
                self.entries.entry(role.to_owned()).and_modify(|entry| entry.tags.remove(tags));
            }
        }
    }

    fn apply_to_association(&mut self, pods: &Pods, change: &AssociationChange, arn: Option<String>) {
        match change {
            AssociationChange::Create { roles, tags } => {
                let arn = arn.unwrap_or_else(|| format!("the association of {pods}"));
                let made = ObservedAssociation {
                    // An id is the end of its ARN.
                    id: arn.rsplit('/').next().unwrap_or_default().to_owned(),
                    arn,
                    role: roles.first.clone(),
                    target: Some(roles.target.clone()),
                    session_tags: true,
                    is_narrowed: false,
                    tags: tags.clone(),
                };
                self.associations.insert(pods.clone(), made);
            }
            AssociationChange::Delete { .. } | AssociationChange::Remove { .. } => {
                drop(self.associations.remove(pods));
            }
            AssociationChange::Set { roles, .. } => {
                self.associations.entry(pods.clone()).and_modify(|there| {
                    there.role.clone_from(&roles.first);
                    there.target = Some(roles.target.clone());
                    there.session_tags = true;
                });
            }
            AssociationChange::Tag { tags, .. } => {
                self.associations.entry(pods.clone()).and_modify(|there| there.tags.0.extend(tags.0.clone()));
            }
            AssociationChange::Untag { tags, .. } => {
                self.associations.entry(pods.clone()).and_modify(|there| there.tags.remove(tags));
            }
        }
    }
}
