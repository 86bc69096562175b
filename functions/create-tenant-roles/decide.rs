//! Which changes bring the roles to the plan. Pure.

use std::fmt;

use berth_ledger::RoleRecord;
use berth_step::{Decision, StepError};
use berth_tenancy::{RolePlan, Tags};
use serde_json::Value;

use crate::{Input, ObservedRole, Output, World, documents::trust_document};

/// Tag that holds the longest session, which IAM's list of roles omits: so one call still shows every difference.
pub(crate) const TAG_SESSION: &str = "berth:session-seconds";

/// One change.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the fields are what the variant's name says they are set to")]
pub enum Action {
    /// Make the permissions boundary.
    CreateBoundary { name: String, path: String, document: Value },
    /// Give the permissions boundary a new default version, after deleting the oldest where IAM's limit demands it.
    UpdateBoundary { arn: String, document: Value, delete_version: Option<String> },
    /// Make a role, with its boundary and tags in the same call.
    CreateRole { role: Box<RolePlan>, boundary: String },
    /// Repair who may assume a role.
    SetTrust { role: String, document: Value },
    /// Repair the boundary of a role.
    SetBoundary { role: String, arn: String },
    /// Repair the longest session.
    SetSession { role: String, seconds: u32 },
    /// Repair tags.
    Tag { role: String, tags: Tags },
    /// Attach a managed policy.
    Attach { role: String, arn: String },
    /// Detach a managed policy that the plan does not have.
    Detach { role: String, arn: String },
    /// Write an inline policy.
    PutInline { role: String, policy: String, document: Value },
    /// Delete an inline policy that the plan does not have.
    DeleteInline { role: String, policy: String },
}

impl Action {
    /// The role that is changed.
    pub(crate) fn role_name(&self) -> Option<&str> {
        match self {
            Self::CreateBoundary { .. } | Self::UpdateBoundary { .. } => None,
            Self::CreateRole { role, .. } => Some(&role.name),
            Self::SetTrust { role, .. }
            | Self::SetBoundary { role, .. }
            | Self::SetSession { role, .. }
            | Self::Tag { role, .. }
            | Self::Attach { role, .. }
            | Self::Detach { role, .. }
            | Self::PutInline { role, .. }
            | Self::DeleteInline { role, .. } => Some(role),
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CreateBoundary { name, .. } => write!(f, "create permissions boundary {name}"),
            Self::UpdateBoundary { arn, .. } => write!(f, "update permissions boundary {arn}"),
            Self::CreateRole { role, .. } => write!(f, "create role {}{}", role.path, role.name),
            Self::SetTrust { role, .. } => write!(f, "repair trust policy of role {role}"),
            Self::SetBoundary { role, .. } => write!(f, "repair permissions boundary of role {role}"),
            Self::SetSession { role, seconds } => write!(f, "set longest session of role {role} to {seconds} s"),
            Self::Tag { role, .. } => write!(f, "repair tags of role {role}"),
            Self::Attach { role, arn } => write!(f, "attach {arn} to role {role}"),
            Self::Detach { role, arn } => write!(f, "detach {arn} from role {role}, which the plan does not have"),
            Self::PutInline { role, policy, .. } => write!(f, "write inline policy {policy} of role {role}"),
            Self::DeleteInline { role, policy } => {
                write!(f, "delete inline policy {policy} of role {role}, which the plan does not have")
            }
        }
    }
}

/// Compares IAM with the plan: the boundary first, then roles, then what hangs on roles, because each needs the one
/// before it.
pub fn decide(input: &Input, world: &World) -> Result<Decision<Action, Output>, StepError> {
    if let Some(action) = boundary(input, world)? {
        return Ok(Decision::Act(vec![action]));
    }
    let arn = boundary_arn(input);
    let mut missing = Vec::new();
    let mut parts = Vec::new();
    for role in &input.roles.roles {
        match world.roles.get(&role.name) {
            None => missing.push(Action::CreateRole { role: Box::new(role.clone()), boundary: arn.clone() }),
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
    let account = &input.run.account_id;
    let record = |role: &RolePlan| RoleRecord {
        name: role.key.clone(),
        arn: format!("arn:aws:iam::{account}:role{}{}", role.path, role.name),
        access: role.access,
        role_id: world.roles.get(&role.name).map(|there| there.id.clone()).filter(|id| !id.is_empty()),
    };
    Ok(Decision::Done(Output { roles: input.roles.roles.iter().map(record).collect() }))
}

/// The tags that a role must have.
pub(crate) fn wanted_tags(input: &Input, role: &RolePlan) -> Tags {
    let own = Tags::of(&input.run.account_id, &input.run.tenant)
        .with("berth:role", &role.key)
        .with(TAG_SESSION, &role.session_seconds_max.to_string());
    // Berth's own last: a template never takes their place.
    let mut tags = Tags(role.tags.clone());
    tags.0.extend(own.0);
    tags
}

/// The ARN of the permissions boundary.
pub(crate) fn boundary_arn(input: &Input) -> String {
    let plan = &input.roles.boundary;
    format!("arn:aws:iam::{}:policy{}{}", input.run.account_id, plan.path, plan.name)
}

fn boundary(input: &Input, world: &World) -> Result<Option<Action>, StepError> {
    let plan = &input.roles.boundary;
    let Some(there) = &world.boundary else {
        let (name, path) = (plan.name.clone(), plan.path.clone());
        return Ok(Some(Action::CreateBoundary { name, path, document: plan.document.clone() }));
    };
    let arn = boundary_arn(input);
    if there.arn != arn {
        // IAM has each name once, whatever its path, so this one can be neither made nor used.
        return Err(StepError::not_owned(&format!("policy {} in place of {arn}", there.arn)));
    }
    if there.document == plan.document {
        return Ok(None);
    }
    if !there.tags.as_ref().is_some_and(|tags| tags.are_ours(&input.run.account_id)) {
        return Err(StepError::not_owned(&format!("policy {arn}")));
    }
    let delete_version = there.oldest_of_full.clone();
    Ok(Some(Action::UpdateBoundary { arn, document: plan.document.clone(), delete_version }))
}

fn must_be_ours(input: &Input, role: &RolePlan, there: &ObservedRole) -> Result<(), StepError> {
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
fn repairs(input: &Input, role: &RolePlan, there: &ObservedRole, boundary: &str) -> Vec<Action> {
    let name = || role.name.clone();
    // First and alone: the policy of this step allows the rest only to roles within the boundary.
    if there.boundary.as_deref() != Some(boundary) {
        return vec![Action::SetBoundary { role: name(), arn: boundary.to_owned() }];
    }
    let mut changes = Vec::new();
    let trust = trust_document(&input.run.account_id, &role.trust);
    if there.trust != trust {
        changes.push(Action::SetTrust { role: name(), document: trust });
    }
    let mut tags = there.tags.missing(&wanted_tags(input, role));
    if tags.0.remove(TAG_SESSION).is_some() {
        changes.push(Action::SetSession { role: name(), seconds: role.session_seconds_max });
    }
    if !tags.0.is_empty() {
        changes.push(Action::Tag { role: name(), tags });
    }
    let absent = role.managed_policies.iter().filter(|arn| !there.managed.contains(*arn));
    changes.extend(absent.map(|arn| Action::Attach { role: name(), arn: arn.clone() }));
    let extra = there.managed.iter().filter(|arn| !role.managed_policies.contains(arn));
    changes.extend(extra.map(|arn| Action::Detach { role: name(), arn: arn.clone() }));
    for (policy, document) in &role.inline_policies {
        if there.inline.get(policy) != Some(document) {
            let (policy, document) = (policy.clone(), document.clone());
            changes.push(Action::PutInline { role: name(), policy, document });
        }
    }
    let extra = there.inline.keys().filter(|policy| !role.inline_policies.contains_key(*policy));
    changes.extend(extra.map(|policy| Action::DeleteInline { role: name(), policy: policy.clone() }));
    changes
}
