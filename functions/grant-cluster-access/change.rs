//! The changes of this step, each with all that making it takes.

use std::{collections::BTreeSet, fmt};

use berth_tenancy::{ClusterName, Effect, Pods, ResourceKind, Tags, UNTAG_CHANGE};

use crate::{Input, ObservedAssociation, ObservedEntry, State};

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
    /// Remove tags that left platform.yaml, as Berth gave them.
    Untag { entry_arn: String, tags: Tags },
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
    /// Remove tags that left platform.yaml, as Berth gave them.
    Untag { id: String, arn: String, tags: Tags },
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

    /// What it does, as far as `state`, the state before it, says: in the account and region of the cluster.
    pub(crate) fn effect(&self, input: &Input, state: &State) -> Effect {
        let on = state.clusters.iter().find(|there| there.plan.name == self.cluster);
        let effect = match &self.what {
            What::Entry { role, change } => {
                let there = on.and_then(|there| there.entries.get(role));
                change.effect(there).id(role).name(self.cluster.to_string())
            }
            What::Association { pods, change } => {
                let there = on.and_then(|there| there.associations.get(pods));
                change.effect(there).name(format!("{pods} on {}", self.cluster))
            }
        };
        let Some(plan) = on.map(|on| &on.plan) else { return effect };
        let effect = effect.in_region(&plan.region);
        let hub = input.run.execution.split(':').nth(4).and_then(|account| account.parse().ok());
        let account = plan.outside.as_ref().map(|outside| outside.account.clone()).or(hub);
        account.iter().fold(effect, Effect::in_account)
    }
}

impl EntryChange {
    fn effect(&self, there: Option<&ObservedEntry>) -> Effect {
        let (kind, groups) = (ResourceKind::AccessEntry, "kubernetesGroups");
        match self {
            Self::Create { groups: after, tags: _ } => {
                Effect::creates(kind, "eks:CreateAccessEntry").field(groups, (), after)
            }
            Self::Delete { .. } | Self::Remove => Effect::deletes(kind, "eks:DeleteAccessEntry"),
            Self::SetGroups { groups: after } => {
                let before = there.map(|there| &there.groups);
                Effect::changes(kind, "eks:UpdateAccessEntry").field(groups, before, after)
            }
            Self::Tag { tags, .. } => {
                Effect::changes(kind, "eks:TagResource").tags(there.map(|there| &there.tags), tags)
            }
            Self::Untag { tags, .. } => Effect::changes(kind, "eks:UntagResource").without_tags(tags),
        }
    }
}

impl AssociationChange {
    fn effect(&self, there: Option<&ObservedAssociation>) -> Effect {
        let kind = ResourceKind::PodIdentityAssociation;
        match self {
            Self::Create { roles, tags: _ } => {
                set_roles(Effect::creates(kind, "eks:CreatePodIdentityAssociation"), None, roles)
            }
            Self::Set { id, roles } => {
                set_roles(Effect::changes(kind, "eks:UpdatePodIdentityAssociation").id(id), there, roles)
            }
            Self::Delete { id } | Self::Remove { id } => {
                Effect::deletes(kind, "eks:DeletePodIdentityAssociation").id(id)
            }
            Self::Tag { id, tags, arn: _ } => {
                Effect::changes(kind, "eks:TagResource").id(id).tags(there.map(|there| &there.tags), tags)
            }
            Self::Untag { id, tags, arn: _ } => Effect::changes(kind, "eks:UntagResource").id(id).without_tags(tags),
        }
    }
}

/// The roles of an association, and that its sessions have tags.
fn set_roles(effect: Effect, there: Option<&ObservedAssociation>, roles: &PodRoles) -> Effect {
    effect
        .field("roleArn", there.map(|there| &there.role), &roles.first)
        .field("targetRoleArn", there.and_then(|there| there.target.as_ref()), &roles.target)
        .field("disableSessionTags", there.map(|there| !there.session_tags), false)
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
        EntryChange::Untag { tags, .. } => write!(f, "{UNTAG_CHANGE}{} from the {it}", tags.keys()),
    }
}

fn of_association(f: &mut fmt::Formatter<'_>, it: &str, change: &AssociationChange) -> fmt::Result {
    match change {
        AssociationChange::Create { roles, .. } => write!(f, "create {it}, with {}", roles.target),
        AssociationChange::Set { roles, .. } => write!(f, "set the {it} to {} by {}", roles.target, roles.first),
        AssociationChange::Delete { .. } => write!(f, "delete {it}, which somebody narrowed by a policy"),
        AssociationChange::Remove { .. } => write!(f, "remove {it}, which the plan does not have any more"),
        AssociationChange::Tag { .. } => write!(f, "repair tags of the {it}"),
        AssociationChange::Untag { tags, .. } => write!(f, "{UNTAG_CHANGE}{} from the {it}", tags.keys()),
    }
}
