//! Which changes bring the Pod Identity associations of a cluster to the plan. Pure.

use std::collections::BTreeMap;

use berth_ledger::PodIdentityRecord;
use berth_step::{Fault, StepError};
use berth_tenancy::{Pods, ResourceKind, Tags, Thing, WorkloadPlan};

use crate::{AssociationChange, Input, ObservedAssociation, ObservedCluster, PodRoles};

/// Changes on one cluster, by whose pods they are about.
pub(super) fn changes_on(
    input: &Input,
    cluster: &ObservedCluster,
) -> Result<Vec<(Pods, AssociationChange)>, StepError> {
    let mut changes = Vec::new();
    for workload in planned(input, cluster) {
        let pods = workload.pods();
        let (roles, tags) = (roles_of(input, workload)?, wanted_tags(input, workload));
        let Some(there) = cluster.associations.get(&pods) else {
            changes.push((pods, AssociationChange::Create { roles, tags }));
            continue;
        };
        if !is_ours(input, there) {
            if there.gives(&roles) {
                continue; // It serves as it is, and is nobody's but whose it is.
            }
            return Err(not_ours(cluster, &pods, there, &roles));
        }
        let id = there.id.clone();
        if there.is_narrowed {
            changes.push((pods, AssociationChange::Delete { id }));
            continue;
        }
        if !there.gives(&roles) {
            changes.push((pods.clone(), AssociationChange::Set { id: id.clone(), roles }));
        }
        let missing = there.tags.missing(&tags);
        if !missing.0.is_empty() {
            let (id, arn) = (id.clone(), there.arn.clone());
            changes.push((pods.clone(), AssociationChange::Tag { id, arn, tags: missing }));
        }
        let surplus = input.run.surplus_tags(ResourceKind::PodIdentityAssociation, &there.tags, &tags);
        if !surplus.0.is_empty() {
            changes.push((pods, AssociationChange::Untag { id, arn: there.arn.clone(), tags: surplus }));
        }
    }
    for (pods, there) in left_over(input, cluster).filter(|(_, there)| is_ours(input, there)) {
        changes.push((pods.clone(), AssociationChange::Remove { id: there.id.clone() }));
    }
    Ok(changes)
}

/// What pods have on a cluster when everything is as planned, as the ledger keeps it.
pub(super) fn records(input: &Input, cluster: &ObservedCluster) -> Result<Vec<PodIdentityRecord>, StepError> {
    let record = |workload: &WorkloadPlan| {
        let pods = workload.pods();
        let of_others = cluster.associations.get(&pods).is_some_and(|there| !is_ours(input, there));
        Ok(PodIdentityRecord { pods, role: roles_of(input, workload)?.target, of_others })
    };
    planned(input, cluster).map(record).collect()
}

/// Pods that the plan gives a role on this cluster.
fn planned<'a>(input: &'a Input, cluster: &'a ObservedCluster) -> impl Iterator<Item = &'a WorkloadPlan> {
    input.pods_on(&cluster.plan.name)
}

/// Associations that are there, on record to be removed, and not in the plan.
fn left_over<'a>(
    input: &'a Input,
    cluster: &'a ObservedCluster,
) -> impl Iterator<Item = (&'a Pods, &'a ObservedAssociation)> {
    let goes: BTreeMap<&Pods, bool> = input
        .left_over_on(&cluster.plan.name)
        .filter_map(|left| match &left.thing {
            Thing::PodIdentity { pods, .. } => Some((pods, left.remove)),
            _ => None,
        })
        .collect();
    let is_planned = |pods: &Pods| planned(input, cluster).any(|workload| workload.pods() == *pods);
    cluster.associations.iter().filter(move |(pods, _)| goes.get(pods) == Some(&true) && !is_planned(pods))
}

fn is_ours(input: &Input, there: &ObservedAssociation) -> bool {
    there.tags.are_ours(&input.run.account_id)
}

fn roles_of(input: &Input, workload: &WorkloadPlan) -> Result<PodRoles, StepError> {
    let found = input.roles.iter().find(|role| role.name == workload.role);
    let target = found.map(|role| role.arn.clone()).ok_or_else(|| {
        StepError::new(Fault::Bug, format!("the role {} of {} came without its ARN", workload.role, workload.pods()))
    })?;
    Ok(PodRoles { first: workload.platform_role.clone(), target })
}

/// The tags that an association must have.
fn wanted_tags(input: &Input, workload: &WorkloadPlan) -> Tags {
    input.run.tags_of(ResourceKind::PodIdentityAssociation).with("berth:role", &workload.role)
}

fn not_ours(cluster: &ObservedCluster, pods: &Pods, there: &ObservedAssociation, roles: &PodRoles) -> StepError {
    let (name, id) = (&cluster.plan.eks_name, &there.id);
    let what = format!(
        "the pod identity association {id} of {pods} on {name} was not made by Berth for this account, and does not give \
         {} by {}",
        roles.target, roles.first
    );
    let next = format!(
        "delete it (aws eks delete-pod-identity-association --cluster-name {name} --association-id {id}), or tag it \
         berth:account and berth:managed-by=berth so that Berth shall manage it; then redrive the execution. Or set \
         `eks.podIdentity: false` of the cluster in platform.yaml and start anew: berth replay ACCOUNT --new"
    );
    StepError::new(Fault::NotOwned, what).in_region(&cluster.plan.region).hint(next)
}
