//! Which changes bring the access entries and Pod Identity associations to the plan. Pure.

mod associations;

use std::collections::BTreeSet;

use berth_ledger::{AccessEntryRecord, ClusterAccessRecord, RoleRecord};
use berth_step::{Decision, Fault, StepError};
use berth_tenancy::{Access, EnvironmentName, LeftOver, Mode, ResourceKind, Tags, TenantName, Thing, wait};

use crate::{Change, EntryChange, Input, ObservedCluster, ObservedEntry, Output, State, What, state::STANDARD};

/// Tag that holds the unique id of the role that an entry was made for. EKS keeps that id itself and never shows it: an
/// entry stays when its role is deleted, and does not work for a role of the same ARN that is made later.
/// <https://docs.aws.amazon.com/eks/latest/APIReference/API_AccessEntry.html>
pub const TAG_ROLE_ID: &str = "berth:role-id";

/// The Kubernetes group of a role's access, which the tenant's RBAC binds in the namespaces of the environment. Two
/// environments may share a cluster: without it, whoever may edit the one would edit the other.
#[must_use]
pub fn group(tenant: &TenantName, environment: &EnvironmentName, access: Access) -> String {
    format!("tenant:{tenant}:{environment}:{}", access.as_str())
}

/// Compares the clusters with the plan.
pub(crate) fn decide(input: &Input, state: &State) -> Result<Decision<Change, Output>, StepError> {
    let mut changes = Vec::new();
    for cluster in &state.clusters {
        if is_planned(input, cluster) {
            takes_entries(cluster)?;
        }
        let entries = entry_changes_on(input, cluster)?.into_iter();
        let mut needed: Vec<What> = entries.map(|(role, change)| What::Entry { role, change }).collect();
        let associations = associations::changes_on(input, cluster)?.into_iter();
        needed.extend(associations.map(|(pods, change)| What::Association { pods, change }));
        if !needed.is_empty() && input.run.mode == Mode::Apply {
            can_be_changed(cluster)?;
        }
        changes.extend(needed.into_iter().map(|what| Change { cluster: cluster.plan.name.clone(), what }));
    }
    if !changes.is_empty() {
        return Ok(Decision::Act(changes));
    }
    let planned = state.clusters.iter().filter(|cluster| is_planned(input, cluster));
    let cluster_access = planned.map(|cluster| record(input, cluster)).collect::<Result<_, _>>()?;
    Ok(Decision::Done(Output { cluster_access, left_over: still_there(input, state) }))
}

/// A cluster that only reads the `aws-auth` config map knows no access entries.
fn takes_entries(cluster: &ObservedCluster) -> Result<(), StepError> {
    if matches!(cluster.authentication.as_str(), "API" | "API_AND_CONFIG_MAP") {
        return Ok(());
    }
    let (name, mode) = (&cluster.plan.eks_name, &cluster.authentication);
    let what = format!("the cluster {name} has the authentication mode {mode}, which knows no access entries");
    let next = format!(
        "set its access_config.authenticationMode to API_AND_CONFIG_MAP (aws eks update-cluster-config --name {name} \
         --access-config authenticationMode=API_AND_CONFIG_MAP), then redrive; or remove `eks` from the cluster in \
         platform.yaml"
    );
    Err(StepError::new(Fault::InvalidInput, what).in_region(&cluster.plan.region).hint(next))
}

/// A cluster that changes itself is waited for, but only where there is something to do.
fn can_be_changed(cluster: &ObservedCluster) -> Result<(), StepError> {
    let (name, status) = (&cluster.plan.eks_name, &cluster.status);
    let message = format!("the cluster {name} is {status}");
    let error = match status.as_str() {
        "ACTIVE" => return Ok(()),
        "CREATING" | "PENDING" | "UPDATING" => StepError::new(Fault::NotReady, message).hint(wait(
            "the cluster is changing",
            "see in EKS which update of the cluster is stuck, then redrive the execution",
        )),
        _ => StepError::new(Fault::InvalidInput, message)
            .hint("repair the cluster, or take it out of platform.yaml and start anew: berth replay ACCOUNT --new"),
    };
    Err(error.in_region(&cluster.plan.region))
}

/// Changes of entries on one cluster, by ARN of the role.
fn entry_changes_on(input: &Input, cluster: &ObservedCluster) -> Result<Vec<(String, EntryChange)>, StepError> {
    let mut changes = Vec::new();
    for (role, access) in roles_with_access(input).filter(|_| is_planned(input, cluster)) {
        let groups = BTreeSet::from([group(&input.run.tenant, &input.run.environment, access)]);
        let tags = wanted_tags(input, role)?;
        let Some(there) = cluster.entries.get(&role.arn) else {
            changes.push((role.arn.clone(), EntryChange::Create { groups, tags }));
            continue;
        };
        must_be_ours(input, cluster, &role.arn, there)?;
        if there.tags.get(TAG_ROLE_ID) != tags.get(TAG_ROLE_ID) {
            let made_for = there.tags.get(TAG_ROLE_ID).map(str::to_owned);
            changes.push((role.arn.clone(), EntryChange::Delete { made_for }));
            continue;
        }
        if there.groups != groups {
            changes.push((role.arn.clone(), EntryChange::SetGroups { groups }));
        }
        let missing = there.tags.missing(&tags);
        if !missing.0.is_empty() {
            changes.push((role.arn.clone(), EntryChange::Tag { entry_arn: there.arn.clone(), tags: missing }));
        }
        let surplus = input.run.surplus_tags(ResourceKind::AccessEntry, &there.tags, &tags);
        if !surplus.0.is_empty() {
            changes.push((role.arn.clone(), EntryChange::Untag { entry_arn: there.arn.clone(), tags: surplus }));
        }
    }
    for (role, there) in retired(input, cluster) {
        if input.removes(&cluster.plan, role) == Some(true) {
            changes.push((role.to_owned(), EntryChange::Remove));
        } else if is_planned(input, cluster) && !there.groups.is_empty() {
            changes.push((role.to_owned(), EntryChange::SetGroups { groups: BTreeSet::new() }));
        }
    }
    Ok(changes)
}

/// The roles that do something on clusters.
fn roles_with_access(input: &Input) -> impl Iterator<Item = (&RoleRecord, Access)> {
    input.roles.iter().filter_map(|role| role.access.map(|access| (role, access)))
}

/// Whether the plan has the cluster: else only what is left over there is looked at.
fn is_planned(input: &Input, cluster: &ObservedCluster) -> bool {
    input.clusters.iter().any(|planned| planned.name == cluster.plan.name)
}

/// What is left over and still there. Where a cluster is that nobody knows the place of any more, nobody can look.
fn still_there(input: &Input, state: &State) -> Vec<LeftOver> {
    let is_there = |left: &&LeftOver| {
        let Some((cluster, _)) = left.thing.place() else { return false };
        let looked_at = state.clusters.iter().find(|there| there.plan.name.as_str() == cluster);
        looked_at.is_none_or(|there| match &left.thing {
            Thing::AccessEntry { role, .. } => there.entries.contains_key(role),
            Thing::PodIdentity { pods, .. } => there.associations.contains_key(pods),
            _ => false,
        })
    };
    let mut left: Vec<LeftOver> = input.left_over.iter().filter(is_there).cloned().collect();
    for cluster in state.clusters.iter().filter(|cluster| is_planned(input, cluster)) {
        for (role, _) in retired(input, cluster).filter(|(role, _)| input.removes(&cluster.plan, role).is_none()) {
            let (role, at) = (role.to_owned(), Some(cluster.plan.clone()));
            let thing = Thing::AccessEntry { role, cluster: cluster.plan.name.to_string(), at };
            left.push(LeftOver { until_next_run: true, ..LeftOver::new(thing, false) });
        }
    }
    left
}

/// Entries of ours whose role the plan gives no access any more. One on record is removed where platform.yaml says so. Any
/// other stays, but without groups it allows nothing.
fn retired<'a>(input: &'a Input, cluster: &'a ObservedCluster) -> impl Iterator<Item = (&'a str, &'a ObservedEntry)> {
    let of_plan = roles_with_access(input).filter(|_| is_planned(input, cluster));
    let planned: BTreeSet<&str> = of_plan.map(|(role, _)| role.arn.as_str()).collect();
    let entries = cluster.entries.iter().map(|(role, entry)| (role.as_str(), entry));
    entries
        .filter(move |(role, entry)| !planned.contains(role) && entry.tags.are_ours(&input.run.account_id))
        .filter(|(_, entry)| entry.kind == STANDARD)
}

/// The tags that an entry must have.
fn wanted_tags(input: &Input, role: &RoleRecord) -> Result<Tags, StepError> {
    let Some(id) = &role.role_id else {
        return Err(StepError::new(Fault::Bug, format!("the role {} came without its id", role.arn)));
    };
    let tags = input.run.tags_of(ResourceKind::AccessEntry);
    Ok(tags.with("berth:role", &role.name).with(TAG_ROLE_ID, id))
}

fn must_be_ours(input: &Input, cluster: &ObservedCluster, role: &str, there: &ObservedEntry) -> Result<(), StepError> {
    if there.tags.are_ours(&input.run.account_id) && there.kind == STANDARD {
        return Ok(());
    }
    let (name, kind) = (&cluster.plan.eks_name, &there.kind);
    let what = if kind == STANDARD {
        format!("the access entry of {role} on {name} was not made by Berth for this account")
    } else {
        format!("the access entry of {role} on {name} has the type {kind}")
    };
    let next = "delete that access entry, or tag it berth:account and berth:managed-by=berth so that Berth shall \
                manage it; then redrive the execution";
    Err(StepError::new(Fault::NotOwned, what).in_region(&cluster.plan.region).hint(next))
}

fn record(input: &Input, cluster: &ObservedCluster) -> Result<ClusterAccessRecord, StepError> {
    let entry = |(role, access): (&RoleRecord, Access)| AccessEntryRecord {
        role: role.arn.clone(),
        groups: vec![group(&input.run.tenant, &input.run.environment, access)],
    };
    Ok(ClusterAccessRecord {
        cluster: cluster.plan.name.clone(),
        entries: roles_with_access(input).map(entry).collect(),
        retired: retired(input, cluster).map(|(role, _)| role.to_owned()).collect(),
        pod_identity: associations::records(input, cluster)?,
    })
}
