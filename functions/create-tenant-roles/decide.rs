//! Which changes bring the roles to the plan. Pure.

mod left_over;
mod providers;

use berth_ledger::RoleRecord;
use berth_step::{Decision, StepError};
use berth_tenancy::{BoundaryPlan, ResourceKind, RolePlan, Tags, trust_document};

pub(crate) use self::providers::{names as trust_names, planned as planned_providers, tags as provider_tags};
use crate::{Change, Input, ObservedRole, Output, RoleChange, State};

/// Tag that holds the longest session, which IAM's list of roles omits: so one call still shows every difference.
pub(crate) const TAG_SESSION: &str = "berth:session-seconds";

/// Compares IAM with the plan: the boundary and OIDC providers first, then roles, then what hangs on roles, because each
/// needs the one before it.
pub(crate) fn decide(input: &Input, state: &State) -> Result<Decision<Change, Output>, StepError> {
    let mut first = boundary(input, state)?;
    first.extend(providers::changes(input, state)?);
    if !first.is_empty() {
        return Ok(Decision::Act(first));
    }
    let arn = input.boundary().map(|plan| boundary_arn(input, plan)).unwrap_or_default();
    let mut missing = Vec::new();
    let mut parts = Vec::new();
    for role in input.planned() {
        match state.roles.get(&role.name) {
            None => missing.push(Change::CreateRole { role: Box::new(role.clone()), boundary: arn.clone() }),
            Some(there) => {
                must_be_ours(input, role, there)?;
                parts.extend(repairs(input, role, there, &arn));
            }
        }
    }
    missing.extend(parts);
    if !missing.is_empty() {
        return Ok(Decision::Act(missing));
    }
    // Last: nothing is taken away before what is wanted is there.
    let removals = left_over::removals(input, state);
    if !removals.is_empty() {
        return Ok(Decision::Act(removals));
    }
    let record = |role: &RolePlan| RoleRecord {
        name: role.key.clone(),
        arn: role_arn(input, role),
        access: role.access,
        role_id: state.roles.get(&role.name).map(|there| there.id.clone()).filter(|id| !id.is_empty()),
    };
    let roles = input.planned().iter().map(record).collect();
    Ok(Decision::Done(Output { roles, left_over: left_over::still_there(input, state) }))
}

/// The tags that a role must have.
pub(crate) fn wanted_tags(input: &Input, role: &RolePlan) -> Tags {
    let run = &input.run;
    // Berth's own last: no template takes their place.
    let tags = run.tags.of_role(&role.key).overlaid(Tags(role.tags.clone()));
    tags.overlaid(Tags::of(&run.account_id, &run.tenant))
        .with("berth:role", &role.key)
        .with(TAG_SESSION, &role.session_seconds_max.to_string())
}

/// The tags that the permissions boundary must have.
pub(crate) fn boundary_tags(input: &Input) -> Tags {
    input.run.tags_of(ResourceKind::Policy)
}

/// The ARN of the permissions boundary.
pub(crate) fn boundary_arn(input: &Input, plan: &BoundaryPlan) -> String {
    plan.arn(input.run.partition(), &input.run.account_id)
}

/// The ARN of a role.
pub(crate) fn role_arn(input: &Input, role: &RolePlan) -> String {
    role.arn(input.run.partition(), &input.run.account_id)
}

fn boundary(input: &Input, state: &State) -> Result<Vec<Change>, StepError> {
    let Some(plan) = input.boundary() else { return Ok(Vec::new()) };
    let Some(there) = &state.boundary else {
        let (name, path) = (plan.name.clone(), plan.path.clone());
        return Ok(vec![Change::CreateBoundary { name, path, document: plan.document.clone() }]);
    };
    let arn = boundary_arn(input, plan);
    if there.arn != arn {
        // IAM has each name once, whatever its path, so this one can be neither made nor used.
        return Err(StepError::not_owned(&format!("policy {} in place of {arn}", there.arn)));
    }
    let is_same = there.document == plan.document;
    let Some(tags) = there.tags.as_ref().filter(|tags| tags.are_ours(&input.run.account_id)) else {
        // One that says what is planned serves, whoever made it; it is neither changed nor tagged.
        return if is_same { Ok(Vec::new()) } else { Err(StepError::not_owned(&format!("policy {arn}"))) };
    };
    let wanted = boundary_tags(input);
    let missing = tags.missing(&wanted);
    let tag = (!missing.0.is_empty()).then(|| Change::TagBoundary { arn: arn.clone(), tags: missing });
    let surplus = input.run.surplus_tags(ResourceKind::Policy, tags, &wanted);
    let untag = (!surplus.0.is_empty()).then(|| Change::UntagBoundary { arn: arn.clone(), tags: surplus });
    let delete_version = there.oldest_of_full.clone();
    let update = Change::UpdateBoundary { arn, document: plan.document.clone(), delete_version };
    Ok(tag.into_iter().chain(untag).chain((!is_same).then_some(update)).collect())
}

fn must_be_ours(input: &Input, role: &RolePlan, there: &ObservedRole) -> Result<(), StepError> {
    if there.name != role.name {
        // IAM refuses the name for ever, and every policy and entry would name a role that is not there.
        return Err(StepError::not_owned(&format!("role {} in place of {}", there.name, role.name)));
    }
    if there.path != role.path {
        return Err(StepError::not_owned(&format!(
            "role {} under path {} instead of {}",
            role.name, there.path, role.path
        )));
    }
    if there.tags.are_ours(&input.run.account_id) {
        Ok(())
    } else {
        Err(StepError::not_owned(&format!("role {}", role.name)))
    }
}

/// Everything in which a role differs from the plan.
fn repairs(input: &Input, role: &RolePlan, there: &ObservedRole, boundary: &str) -> Vec<Change> {
    // First and alone: the policy of this step allows the rest only to roles within the boundary.
    if there.boundary.as_deref() != Some(boundary) {
        return vec![of_role(role, RoleChange::Boundary { arn: boundary.to_owned() })];
    }
    let mut changes = Vec::new();
    let trust = trust_document(input.run.partition(), &input.run.account_id, &role.trust);
    if there.trust != trust {
        changes.push(RoleChange::Trust { document: trust });
    }
    let wanted = wanted_tags(input, role);
    let mut tags = there.tags.missing(&wanted);
    if tags.0.remove(TAG_SESSION).is_some() {
        changes.push(RoleChange::Session { seconds: role.session_seconds_max });
    }
    if !tags.0.is_empty() {
        changes.push(RoleChange::Tags { tags });
    }
    let tags = input.run.surplus_tags_of_role(&role.key, &there.tags, &wanted);
    if !tags.0.is_empty() {
        changes.push(RoleChange::Untag { tags });
    }
    let absent = role.managed_policies.iter().filter(|arn| !there.managed.contains(*arn));
    changes.extend(absent.map(|arn| RoleChange::Attach { arn: arn.clone() }));
    let extra = there.managed.iter().filter(|arn| !role.managed_policies.contains(arn));
    changes.extend(extra.map(|arn| RoleChange::Detach { arn: arn.clone() }));
    let differs = role.inline_policies.iter().filter(|(policy, document)| there.inline.get(*policy) != Some(document));
    changes.extend(differs.map(|(policy, document)| {
        let (policy, document) = (policy.clone(), document.clone());
        RoleChange::PutInline { policy, document }
    }));
    let extra = there.inline.keys().filter(|policy| !role.inline_policies.contains_key(*policy));
    changes.extend(extra.map(|policy| RoleChange::DeleteInline { policy: policy.clone() }));
    changes.into_iter().map(|to| of_role(role, to)).collect()
}

fn of_role(role: &RolePlan, to: RoleChange) -> Change {
    Change::ChangeRole { role: role.name.clone(), to }
}
