//! What was observed of IAM in the tenant's account, and how each change alters it.

use std::collections::{BTreeMap, BTreeSet};

use berth_tenancy::{Tags, trust_document};
use serde_json::Value;

use crate::{
    Change, Input, RoleChange,
    decide::{TAG_SESSION, boundary_arn, provider_tags, wanted_tags},
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
    /// OIDC providers that exist and that the plan names or that are left over, by ARN.
    pub providers: BTreeMap<String, ObservedProvider>,
    /// Roles that are left over and exist, by ARN.
    pub left_roles: BTreeMap<String, ObservedRole>,
    /// Boundaries that are left over and exist, by ARN.
    pub left_boundaries: BTreeMap<String, LeftBoundary>,
}

/// A permissions boundary that is left over and exists.
#[derive(Debug, Clone, PartialEq)]
pub struct LeftBoundary {
    pub tags: Tags,
    /// Its versions besides the default one.
    pub versions: Vec<String>,
    /// How many roles and users have it, as a boundary or attached.
    pub uses: usize,
}

/// A permissions boundary that exists.
#[derive(Debug, Clone, PartialEq)]
pub struct ObservedBoundary {
    pub arn: String,
    /// Its default version's document.
    pub document: Value,
    /// Its tags, which IAM shows by a further call; read only where something could be changed: the document differs
    /// from the plan, or the organization has tags of its own for policies.
    pub tags: Option<Tags>,
    /// Its oldest version, when there are as many as IAM allows.
    pub oldest_of_full: Option<String>,
}

/// An OIDC provider that exists.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ObservedProvider {
    /// The audiences that it takes tokens for.
    pub audiences: BTreeSet<String>,
    pub tags: Tags,
    /// Roles that trust it and that Berth was not asked about; looked for only where it is left over.
    pub trusted_by: BTreeSet<String>,
}

/// A role that exists.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ObservedRole {
    /// Its name, in the letter case that it was made with.
    pub name: String,
    /// Its unique id (`AROA…`), which only IAM can give.
    pub id: String,
    pub path: String,
    /// Who may assume it.
    pub trust: Value,
    /// ARN of its permissions boundary.
    pub boundary: Option<String>,
    pub tags: Tags,
    /// ARNs of attached managed policies.
    pub managed: BTreeSet<String>,
    /// Inline policies by name.
    pub inline: BTreeMap<String, Value>,
    /// Instance profiles that it is in. Berth makes none.
    pub instance_profiles: usize,
}

impl State {
    /// Applies a change. `id` is that of a role that was made.
    pub(crate) fn apply(&mut self, input: &Input, change: &Change, id: Option<String>) {
        match change {
            Change::CreateBoundary { document, .. } | Change::UpdateBoundary { document, .. } => {
                let arn = input.boundary().map(|plan| boundary_arn(input, plan)).unwrap_or_default();
                let document = document.clone();
                let tags = self.boundary.take().and_then(|there| there.tags);
                self.boundary = Some(ObservedBoundary { arn, document, tags, oldest_of_full: None });
            }
            Change::TagBoundary { tags, .. } => {
                let there = self.boundary.iter_mut().filter_map(|boundary| boundary.tags.as_mut());
                there.for_each(|there| there.0.extend(tags.0.clone()));
            }
            Change::UntagBoundary { tags, .. } => {
                let there = self.boundary.iter_mut().filter_map(|boundary| boundary.tags.as_mut());
                there.for_each(|there| there.remove(tags));
            }
            Change::CreateProvider { arn, audiences } => {
                let (audiences, tags) = (audiences.clone(), provider_tags(input));
                let made = ObservedProvider { audiences, tags, trusted_by: BTreeSet::new() };
                self.providers.insert(arn.clone(), made);
            }
            Change::AddAudience { arn, audience } => {
                self.providers.entry(arn.clone()).or_default().audiences.insert(audience.clone());
            }
            Change::TagProvider { arn, tags } => {
                self.providers.entry(arn.clone()).or_default().tags.0.extend(tags.0.clone());
            }
            Change::UntagProvider { arn, tags } => {
                self.providers.entry(arn.clone()).or_default().tags.remove(tags);
            }
            Change::RemoveProvider { arn } => {
                self.providers.remove(arn);
            }
            Change::CreateRole { role, boundary } => {
                let made = ObservedRole {
                    name: role.name.clone(),
                    id: id.unwrap_or_else(|| PLANNED_ID.to_owned()),
                    path: role.path.clone(),
                    trust: trust_document(input.run.partition(), &input.run.account_id, &role.trust),
                    boundary: Some(boundary.clone()),
                    tags: wanted_tags(input, role),
                    ..ObservedRole::default()
                };
                self.roles.insert(role.name.clone(), made);
            }
            Change::ChangeRole { role, to } => {
                let left = self.left_roles.iter_mut().filter(|(arn, _)| arn.ends_with(&format!("/{role}")));
                if let Some(role) = self.roles.get_mut(role).or_else(|| left.map(|(_, role)| role).next()) {
                    role.apply(to.clone());
                }
            }
            Change::RemoveRole { role: _, arn } => {
                let boundary = self.left_roles.remove(arn).and_then(|role| role.boundary);
                if let Some(there) = boundary.and_then(|arn| self.left_boundaries.get_mut(&arn)) {
                    there.uses = there.uses.saturating_sub(1);
                }
            }
            Change::RemoveBoundary { arn, versions: _ } => {
                self.left_boundaries.remove(arn);
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
            RoleChange::Untag { tags } => self.tags.remove(&tags),
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
