//! The changes of this step, each with all that making it takes.

use std::{collections::BTreeSet, fmt};

use berth_tenancy::{ClusterName, Pods, Tags};

/// One change on one cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Name of the cluster in the plan.
    pub cluster: ClusterName,
    /// What is changed there.
    pub what: What,
}

/// Which entry or association is changed, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// The access entry of a role.
    Entry {
        /// ARN of the role.
        role: String,
        /// What is changed.
        change: EntryChange,
    },
    /// The Pod Identity association of the pods of a service account.
    Association {
        /// Whose pods.
        pods: Pods,
        /// What is changed.
        change: AssociationChange,
    },
}

/// What is changed about an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryChange {
    /// Make the entry.
    Create { groups: BTreeSet<String>, tags: Tags },
    /// Delete an entry of ours that EKS made for an earlier role of this ARN; the next round makes it again.
    Delete { made_for: Option<String> },
    /// Delete an entry of ours that the plan does not have any more.
    Remove,
    /// Repair the groups. None: the plan gives the role no access any more.
    SetGroups { groups: BTreeSet<String> },
    /// Repair tags.
    Tag { entry_arn: String, tags: Tags },
}

/// The roles that pods get: the one of the cluster's account first, and by it that of the tenant's account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodRoles {
    /// ARN of the role in the cluster's account, `roleArn`.
    pub first: String,
    /// ARN of the role that the pods end up with, `targetRoleArn`.
    pub target: String,
}

/// What is changed about an association. `id` is EKS' own.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are what the variant's name says they are set to")]
pub enum AssociationChange {
    /// Make the association.
    Create { roles: PodRoles, tags: Tags },
    /// Repair the roles, and turn the session tags on that the target's trust demands.
    Set { id: String, roles: PodRoles },
    /// Delete an association of ours that somebody narrowed by a policy, which goes with session tags turned off only; the
    /// next round makes it again.
    Delete { id: String },
    /// Delete an association of ours that the plan does not have any more.
    Remove { id: String },
    /// Repair tags.
    Tag { id: String, arn: String, tags: Tags },
}

impl Change {
    /// Whether the change leaves nothing to look at.
    pub(crate) fn removes(&self) -> bool {
        match &self.what {
            What::Entry { change, .. } => matches!(change, EntryChange::Delete { .. } | EntryChange::Remove),
            What::Association { change, .. } => {
                matches!(change, AssociationChange::Delete { .. } | AssociationChange::Remove { .. })
            }
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cluster = &self.cluster;
        match &self.what {
            What::Entry { role, change } => of_entry(f, &format!("access entry of {role} on {cluster}"), change),
            What::Association { pods, change } => {
                of_association(f, &format!("pod identity association of {pods} on {cluster}"), change)
            }
        }
    }
}

fn of_entry(f: &mut fmt::Formatter<'_>, it: &str, change: &EntryChange) -> fmt::Result {
    match change {
        EntryChange::Create { .. } => write!(f, "create {it}"),
        EntryChange::Delete { .. } => write!(f, "delete {it}, made for a role that is gone"),
        EntryChange::Remove => write!(f, "remove {it}, which the plan does not have any more"),
        EntryChange::SetGroups { groups } if groups.is_empty() => {
            write!(f, "remove the groups of the {it}, which the plan does not have")
        }
        EntryChange::SetGroups { .. } => write!(f, "repair the groups of the {it}"),
        EntryChange::Tag { .. } => write!(f, "repair tags of the {it}"),
    }
}

fn of_association(f: &mut fmt::Formatter<'_>, it: &str, change: &AssociationChange) -> fmt::Result {
    match change {
        AssociationChange::Create { roles, .. } => write!(f, "create {it}, with {}", roles.target),
        AssociationChange::Set { roles, .. } => write!(f, "set the {it} to {} by {}", roles.target, roles.first),
        AssociationChange::Delete { .. } => write!(f, "delete {it}, which somebody narrowed by a policy"),
        AssociationChange::Remove { .. } => write!(f, "remove {it}, which the plan does not have any more"),
        AssociationChange::Tag { .. } => write!(f, "repair tags of the {it}"),
    }
}
