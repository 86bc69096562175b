//! The changes of this step, each with all that making it takes.

use std::{collections::BTreeSet, fmt};

use berth_tenancy::{ClusterName, Tags};

/// One change of one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Name of the cluster in the plan.
    pub cluster: ClusterName,
    /// ARN of the role.
    pub role: String,
    /// What is changed.
    pub entry: EntryChange,
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

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cluster, role, entry } = self;
        match entry {
            EntryChange::Create { .. } => write!(f, "create access entry of {role} on {cluster}"),
            EntryChange::Delete { .. } => {
                write!(f, "delete access entry of {role} on {cluster}, made for a role that is gone")
            }
            EntryChange::Remove => {
                write!(f, "remove access entry of {role} on {cluster}, which the plan does not have any more")
            }
            EntryChange::SetGroups { groups } if groups.is_empty() => {
                write!(f, "remove the groups of the access entry of {role} on {cluster}, which the plan does not have")
            }
            EntryChange::SetGroups { .. } => write!(f, "repair the groups of the access entry of {role} on {cluster}"),
            EntryChange::Tag { .. } => write!(f, "repair tags of the access entry of {role} on {cluster}"),
        }
    }
}
