//! What was observed of IAM in the tenant's account, and how each change alters it.

use std::collections::{BTreeMap, BTreeSet};

use berth_tenancy::Tags;
use serde_json::Value;

use crate::{
    Change, Input, RoleChange,
    decide::{TAG_SESSION, boundary_arn, trust_document, wanted_tags},
};

/// Stands for the id of a role that is only planned.
const PLANNED_ID: &str = "AROAPLANNED";

/// IAM as far as the plan names it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct State {
    /// The permissions boundary, when it exists.
    pub boundary: Option<ObservedBoundary>,
    /// Planned roles that exist, by name.
    pub roles: BTreeMap<String, ObservedRole>,
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
    /// Its name, in the letter case that it was made with.
    pub name: String,
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

impl State {
    /// Applies a change. `id` is that of a role that was made.
    pub(crate) fn apply(&mut self, input: &Input, change: &Change, id: Option<String>) {
        match change {
            Change::CreateBoundary { document, .. } | Change::UpdateBoundary { document, .. } => {
                let (arn, document) = (boundary_arn(input), document.clone());
                self.boundary = Some(ObservedBoundary { arn, document, tags: None, oldest_of_full: None });
            }
            Change::CreateRole { role, boundary } => {
                let made = ObservedRole {
                    name: role.name.clone(),
                    id: id.unwrap_or_else(|| PLANNED_ID.to_owned()),
                    path: role.path.clone(),
                    trust: trust_document(&input.run.account_id, &role.trust),
                    boundary: Some(boundary.clone()),
                    tags: wanted_tags(input, role),
                    ..ObservedRole::default()
                };
                self.roles.insert(role.name.clone(), made);
            }
            Change::ChangeRole { role, to } => {
                if let Some(role) = self.roles.get_mut(role) {
                    role.apply(to.clone());
                }
            }
        }
    }
}

impl ObservedRole {
    fn apply(&mut self, change: RoleChange) {
        match change {
            RoleChange::Trust { document } => self.trust = document,
            RoleChange::Boundary { arn } => self.boundary = Some(arn),
            RoleChange::Session { seconds } => {
                self.tags.0.insert(TAG_SESSION.to_owned(), seconds.to_string());
            }
            RoleChange::Tags { tags } => self.tags.0.extend(tags.0),
            RoleChange::Attach { arn } => {
                self.managed.insert(arn);
            }
            RoleChange::Detach { arn } => {
                self.managed.remove(&arn);
            }
            RoleChange::PutInline { policy, document } => {
                self.inline.insert(policy, document);
            }
            RoleChange::DeleteInline { policy } => {
                self.inline.remove(&policy);
            }
        }
    }
}
