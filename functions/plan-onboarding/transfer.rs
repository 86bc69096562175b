//! What it takes that an account becomes another environment, or another tenant's. Pure.

use std::collections::BTreeSet;

use berth_config::Onboarding;
use berth_events::Transfer;
use berth_ledger::{Record, SignInRecord};
use berth_step::{Fault, StepError};
use berth_tenancy::{AssignmentPlan, GIVEN_ROLE, Identity, RolePlan, Thing, TransferPlan};

/// Things that a message names.
const NAMED_MAX: usize = 6;

/// What the transfer of an account means that the ledger knows as `was`, and that its plan makes `wanted`. Where anything of
/// before would give access twice, all access of before is taken away, and made anew: so at no time two identities have any.
#[must_use]
pub fn transfer_plan(record: &Record, was: &Identity, wanted: &Identity, matched: &Onboarding) -> TransferPlan {
    let planned = |role: &RolePlan| role.arn(record.partition(), &record.account_id);
    let roles: BTreeSet<String> = matched.roles.roles.iter().map(planned).collect();
    let is_in_the_way = !in_the_way(record, was, wanted, matched, &roles).is_empty();
    let taken_away = if is_in_the_way { taken_away(record, was) } else { Vec::new() };
    let kept: Vec<&str> = record.roles.iter().filter(|_| !is_in_the_way).map(|role| role.arn.as_str()).collect();
    let kept_sign_in: &[SignInRecord] = if is_in_the_way { &[] } else { &record.sign_in };
    let mut moves = Vec::new();
    for (region, network) in &record.regions {
        let (vpc, block, attachment) = (&network.vpc_id, &network.cidr, &network.attachment_id);
        moves.push(format!("{vpc} in {region} with its block {block} and {attachment}: tagged with the new tenant"));
    }
    moves.extend(roles.iter().filter(|arn| kept.contains(&arn.as_str())).map(|arn| format!("role {arn}")));
    let new_roles = roles.iter().filter(|arn| !kept.contains(&arn.as_str()));
    let mut made_anew: Vec<String> = new_roles.map(|arn| format!("role {arn}")).collect();
    for SignInRecord { group, permission_set } in
        assignments(matched).iter().filter(|wanted| !kept_sign_in.contains(wanted))
    {
        made_anew.push(format!("sign-in of {group} with {permission_set}"));
    }
    for cluster in &matched.clusters {
        made_anew.push(format!("access entries on {}, in groups of {wanted}", cluster.name));
    }
    made_anew.push(format!("its entry in {} of the GitOps repository", matched.git_ops.path));
    TransferPlan { from: was.to_string(), to: wanted.to_string(), taken_away, moves, made_anew }
}

/// Everything that lets people in and may be there, in the order in which it goes: the entry first, then access entries,
/// sign-in, roles.
fn taken_away(record: &Record, was: &Identity) -> Vec<String> {
    let mut things: Vec<Thing> = record.given_or_answered().into_iter().map(|given| given.thing).collect();
    // A role that the ledger does not list may be there all the same: a run that failed has made it.
    for (what, path_and_name) in &was.given {
        let Some(name) = what.strip_prefix(GIVEN_ROLE) else { continue };
        let arn = record.iam_arn(&format!("role{path_and_name}"));
        if !things.iter().any(|thing| matches!(thing, Thing::Role { arn: known, .. } if *known == arn)) {
            things.push(Thing::Role { name: name.to_owned(), arn });
        }
    }
    let place = |thing: &Thing| match thing {
        Thing::File { .. } => Some(0),
        Thing::AccessEntry { .. } | Thing::PodIdentity { .. } => Some(1),
        Thing::SignIn { .. } => Some(2),
        Thing::Role { .. } => Some(3),
        Thing::Boundary { .. } => Some(4),
        Thing::OidcProvider { .. } => Some(5),
        Thing::Attachment { .. }
        | Thing::Vpc { .. }
        | Thing::Baseline { .. }
        | Thing::BaselinePart { .. }
        | Thing::Tag { .. } => None,
    };
    let mut lines: Vec<(u8, String)> =
        things.iter().filter_map(|thing| Some((place(thing)?, thing.to_string()))).collect();
    lines.sort();
    lines.into_iter().map(|(_, line)| line).collect()
}

/// What was given and would give access to who the account was before: nothing after a run has taken all access away.
fn in_the_way(
    record: &Record,
    was: &Identity,
    wanted: &Identity,
    matched: &Onboarding,
    roles: &BTreeSet<String>,
) -> Vec<String> {
    let mut lines = Vec::new();
    if record.access_removed.is_some() {
        return lines;
    }
    if let Some(failure) = &record.failure {
        lines.push(format!("sign-in and access entries that the run made which failed in {}", failure.state));
    }
    let wanted_sign_in = assignments(matched);
    for SignInRecord { group, permission_set } in record.sign_in.iter().filter(|had| !wanted_sign_in.contains(had)) {
        lines.push(format!("sign-in of {group} with {permission_set}"));
    }
    for access in &record.cluster_access {
        let stays = matched.clusters.iter().any(|cluster| cluster.name == access.cluster);
        let entries = access.entries.iter().filter(|entry| !entry.groups.is_empty());
        for entry in entries.filter(|entry| !(stays && roles.contains(&entry.role))) {
            lines.push(format!("access entry of {} on {}", entry.role, access.cluster));
        }
    }
    let mut associations: Vec<String> = record.pod_identity().map(|thing| thing.to_string()).collect();
    let wanted_pods: BTreeSet<String> =
        matched.pod_identity.iter().map(|planned| planned.thing(None).to_string()).collect();
    associations.retain(|line| !wanted_pods.contains(line));
    lines.extend(associations);
    // A role that the ledger does not list may be there all the same: a run that failed has made it.
    let named = was.given.iter().filter(|(what, _)| what.starts_with(GIVEN_ROLE));
    let named = named.map(|(_, path_and_name)| record.iam_arn(&format!("role{path_and_name}")));
    let had: BTreeSet<String> = record.roles.iter().map(|role| role.arn.clone()).chain(named).collect();
    lines.extend(had.difference(roles).map(|arn| format!("role {arn}")));
    if let Some(commit) = &record.commit
        && (commit.path != matched.git_ops.path || was.environment != wanted.environment)
    {
        lines.push(format!("its entry in {} of the GitOps repository", commit.path));
    }
    lines
}

/// Who shall sign in, as the ledger writes it.
fn assignments(matched: &Onboarding) -> Vec<SignInRecord> {
    let planned = matched.sign_in.iter().flat_map(|sign_in| &sign_in.assignments);
    let record = |planned: &AssignmentPlan| SignInRecord {
        group: planned.group.clone(),
        permission_set: planned.permission_set.clone(),
    };
    planned.map(record).collect()
}

/// Whether the account may become what its plan makes it.
///
/// # Errors
/// `InvalidInput` when the request names somebody else than the plan gives, or when access of before is still known.
pub fn check(transfer: &Transfer, plan: &TransferPlan) -> Result<(), StepError> {
    check_target(transfer, plan)?;
    if plan.taken_away.is_empty() || transfer.is_old_access_removed {
        return Ok(());
    }
    let mut first: Vec<&str> = plan.taken_away.iter().take(NAMED_MAX).map(String::as_str).collect();
    let more = format!("{} more", plan.taken_away.len().saturating_sub(NAMED_MAX));
    if plan.taken_away.len() > NAMED_MAX {
        first.push(&more);
    }
    let what = format!(
        "the account is {} and is to become {}; its access of before may be there: {}; nothing was changed",
        plan.from,
        plan.to,
        first.join(", ")
    );
    Err(StepError::new(Fault::InvalidInput, what).hint(format!(
        "berth transfer ACCOUNT --to {} takes it away first and goes on; what Berth cannot reach a person takes away, and \
         says so: --old-access-removed",
        plan.to
    )))
}

/// Whether the account becomes who the request names.
///
/// # Errors
/// `InvalidInput` when the account's name, tags, unit and platform.yaml make it somebody else.
pub fn check_target(transfer: &Transfer, plan: &TransferPlan) -> Result<(), StepError> {
    let named = format!("{}/{}", transfer.tenant, transfer.environment);
    if named != plan.to {
        let what =
            format!("the account is to become {named}, but its name, tags, unit and platform.yaml make it {}", plan.to);
        return Err(StepError::new(Fault::InvalidInput, what).hint(format!(
            "change what makes it {}, or ask for that: berth transfer ACCOUNT --to {}",
            plan.to, plan.to
        )));
    }
    Ok(())
}
