//! What the step sees of IAM in the tenant's account, and how each change alters it.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_iam::Client;
use berth_tenancy::Tags;
use serde_json::Value;

use crate::{
    Action, Input,
    decide::{TAG_SESSION, boundary_arn, wanted_tags},
    documents::trust_document,
};

/// IAM as far as the plan names it.
#[derive(Debug, Clone)]
pub struct World {
    /// The client of this invocation's session.
    pub(crate) iam: Client,
    /// The permissions boundary, when it exists.
    pub boundary: Option<ObservedBoundary>,
    /// Planned roles that exist, by name.
    pub roles: BTreeMap<String, ObservedRole>,
}

impl World {
    /// A picture of IAM.
    #[must_use]
    pub fn new(iam: Client, boundary: Option<ObservedBoundary>, roles: BTreeMap<String, ObservedRole>) -> Self {
        Self { iam, boundary, roles }
    }
}

/// A permissions boundary that exists.
#[derive(Debug, Clone, PartialEq)]
pub struct ObservedBoundary {
    /// Its ARN.
    pub arn: String,
    /// Its default version's document.
    pub document: Value,
    /// Its tags; read only when the document differs from the plan, since only then something would be changed.
    pub tags: Option<Tags>,
    /// Its oldest version, when there are as many as IAM allows.
    pub oldest_of_full: Option<String>,
}

/// A role that exists.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ObservedRole {
    /// Its unique id (`AROA…`), which only IAM can give.
    pub id: String,
    /// Its path.
    pub path: String,
    /// Who may assume it.
    pub trust: Value,
    /// ARN of its permissions boundary.
    pub boundary: Option<String>,
    /// Its tags.
    pub tags: Tags,
    /// ARNs of attached managed policies.
    pub managed: BTreeSet<String>,
    /// Inline policies by name.
    pub inline: BTreeMap<String, Value>,
}

/// What a change alters. All but the id of a new role is known beforehand.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// The boundary is as planned.
    Boundary(ObservedBoundary),
    /// The role is like this now.
    Role(String, ObservedRole),
    /// The named part of the role is like the plan now.
    Part(Action),
}

/// The effect of a change that succeeded. `id` is that of a role that was made.
pub(crate) fn effect(input: &Input, action: &Action, id: &str) -> Effect {
    match action {
        Action::CreateBoundary { document, .. } | Action::UpdateBoundary { document, .. } => {
            let arn = boundary_arn(input);
            Effect::Boundary(ObservedBoundary { arn, document: document.clone(), tags: None, oldest_of_full: None })
        }
        Action::CreateRole { role, boundary } => Effect::Role(
            role.name.clone(),
            ObservedRole {
                id: id.to_owned(),
                path: role.path.clone(),
                trust: trust_document(&input.run.account_id, &role.trust),
                boundary: Some(boundary.clone()),
                tags: wanted_tags(input, role),
                ..ObservedRole::default()
            },
        ),
        part => Effect::Part(part.clone()),
    }
}

/// Applies an effect.
pub(crate) fn apply(world: &mut World, effect: Effect) {
    match effect {
        Effect::Boundary(boundary) => world.boundary = Some(boundary),
        Effect::Role(name, role) => {
            world.roles.insert(name, role);
        }
        Effect::Part(action) => {
            let Some(role) = action.role_name().and_then(|name| world.roles.get_mut(name)) else { return };
            apply_part(role, action);
        }
    }
}

fn apply_part(role: &mut ObservedRole, action: Action) {
    match action {
        Action::SetTrust { document, .. } => role.trust = document,
        Action::SetBoundary { arn, .. } => role.boundary = Some(arn),
        Action::SetSession { seconds, .. } => {
            role.tags.0.insert(TAG_SESSION.to_owned(), seconds.to_string());
        }
        Action::Tag { tags, .. } => role.tags.0.extend(tags.0),
        Action::Attach { arn, .. } => {
            role.managed.insert(arn);
        }
        Action::Detach { arn, .. } => {
            role.managed.remove(&arn);
        }
        Action::PutInline { policy, document, .. } => {
            role.inline.insert(policy, document);
        }
        Action::DeleteInline { policy, .. } => {
            role.inline.remove(&policy);
        }
        Action::CreateBoundary { .. } | Action::UpdateBoundary { .. } | Action::CreateRole { .. } => {}
    }
}
