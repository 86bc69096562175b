//! The changes of this step, each with all that making it takes.

use std::{collections::BTreeSet, fmt};

use berth_tenancy::{Effect, ResourceKind, RolePlan, Tags, UNTAG_CHANGE, trust_document};
use serde_json::Value;

use crate::{
    Input, ObservedRole, State,
    decide::{TAG_SESSION, boundary_arn, role_arn},
};

#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Make the permissions boundary.
    CreateBoundary { name: String, path: String, document: Value },
    /// Give the permissions boundary a new default version, after deleting the oldest where IAM's limit demands it.
    UpdateBoundary { arn: String, document: Value, delete_version: Option<String> },
    /// Set tags that the permissions boundary lacks.
    TagBoundary { arn: String, tags: Tags },
    /// Remove tags of the permissions boundary that left platform.yaml, as Berth gave them.
    UntagBoundary { arn: String, tags: Tags },
    /// Make an OIDC provider, with its audiences and tags in the same call.
    CreateProvider { arn: String, audiences: BTreeSet<String> },
    /// Add an audience that an OIDC provider of ours lacks; those of others stay.
    AddAudience { arn: String, audience: String },
    /// Set tags that an OIDC provider of ours lacks.
    TagProvider { arn: String, tags: Tags },
    /// Remove tags of an OIDC provider of ours that left platform.yaml, as Berth gave them.
    UntagProvider { arn: String, tags: Tags },
    /// Make a role, with its boundary and tags in the same call.
    CreateRole { role: Box<RolePlan>, boundary: String },
    /// Change one thing about a role that exists.
    ChangeRole { role: String, to: RoleChange },
    /// Remove a role of ours that the plan does not have any more, once nothing hangs on it.
    RemoveRole { role: String, arn: String },
    /// Remove a permissions boundary of ours that no role has any more, with its older versions.
    RemoveBoundary { arn: String, versions: Vec<String> },
    /// Remove an OIDC provider of ours that no role trusts any more.
    RemoveProvider { arn: String },
}

/// What is changed about a role.
#[derive(Debug, Clone, PartialEq)]
pub enum RoleChange {
    /// Repair who may assume it.
    Trust { document: Value },
    /// Repair its boundary.
    Boundary { arn: String },
    /// Repair its longest session.
    Session { seconds: u32 },
    /// Repair tags.
    Tags { tags: Tags },
    /// Remove tags that left platform.yaml, as Berth gave them.
    Untag { tags: Tags },
    /// Attach a managed policy.
    Attach { arn: String },
    /// Detach a managed policy that the plan does not have.
    Detach { arn: String },
    /// Write an inline policy.
    PutInline { policy: String, document: Value },
    /// Delete an inline policy that the plan does not have.
    DeleteInline { policy: String },
}

impl Change {
    /// What it does, as far as `state`, the state before it, says.
    pub(crate) fn effect(&self, input: &Input, state: &State) -> Effect {
        use ResourceKind::{OidcProvider, Policy, Role};
        match self {
            Self::CreateBoundary { document, .. } => {
                let arn = input.boundary().map(|plan| boundary_arn(input, plan)).unwrap_or_default();
                Effect::creates(Policy, "iam:CreatePolicy").id(arn).field("document", (), document)
            }
            Self::UpdateBoundary { arn, document, delete_version: _ } => {
                let before = state.boundary.as_ref().map(|there| &there.document);
                Effect::changes(Policy, "iam:CreatePolicyVersion").id(arn).field("document", before, document)
            }
            Self::TagBoundary { arn, tags } => {
                let before = state.boundary.as_ref().and_then(|there| there.tags.as_ref());
                Effect::changes(Policy, "iam:TagPolicy").id(arn).tags(before, tags)
            }
            Self::UntagBoundary { arn, tags } => Effect::changes(Policy, "iam:UntagPolicy").id(arn).without_tags(tags),
            Self::UntagProvider { arn, tags } => {
                Effect::changes(OidcProvider, "iam:UntagOpenIDConnectProvider").id(arn).without_tags(tags)
            }
            Self::CreateProvider { arn, audiences } => {
                let effect = Effect::creates(OidcProvider, "iam:CreateOpenIDConnectProvider").id(arn);
                effect.field("clientIdList", (), audiences)
            }
            Self::AddAudience { arn, audience } => {
                let before = state.providers.get(arn).map(|there| there.audiences.clone());
                let after: BTreeSet<&String> = before.iter().flatten().chain([audience]).collect();
                let effect = Effect::changes(OidcProvider, "iam:AddClientIDToOpenIDConnectProvider").id(arn);
                effect.field("clientIdList", &before, after)
            }
            Self::TagProvider { arn, tags } => {
                let before = state.providers.get(arn).map(|there| &there.tags);
                Effect::changes(OidcProvider, "iam:TagOpenIDConnectProvider").id(arn).tags(before, tags)
            }
            Self::CreateRole { role, boundary } => Effect::creates(Role, "iam:CreateRole")
                .id(role_arn(input, role))
                .field(
                    "assumeRolePolicyDocument",
                    (),
                    trust_document(input.run.partition(), &input.run.account_id, &role.trust),
                )
                .field("permissionsBoundary", (), boundary)
                .field("maxSessionDuration", (), role.session_seconds_max),
            Self::ChangeRole { role, to } => {
                let left = state.left_roles.iter().find(|(arn, _)| arn.ends_with(&format!("/{role}")));
                let there = state.roles.get(role).or_else(|| left.map(|(_, there)| there));
                to.effect(role, there)
            }
            Self::RemoveRole { role: _, arn } => Effect::deletes(Role, "iam:DeleteRole").id(arn),
            Self::RemoveBoundary { arn, versions: _ } => Effect::deletes(Policy, "iam:DeletePolicy").id(arn),
            Self::RemoveProvider { arn } => Effect::deletes(OidcProvider, "iam:DeleteOpenIDConnectProvider").id(arn),
        }
    }
}

impl RoleChange {
    /// What it does to the role of this name, which `there` is, where it was looked at.
    fn effect(&self, role: &str, there: Option<&ObservedRole>) -> Effect {
        let effect = |operation| Effect::changes(ResourceKind::Role, operation).id(role);
        let policy = |arn: &String| format!("managedPolicies.{arn}");
        let inline = |policy: &String| format!("inlinePolicies.{policy}");
        match self {
            Self::Trust { document } => effect("iam:UpdateAssumeRolePolicy").field(
                "assumeRolePolicyDocument",
                there.map(|there| &there.trust),
                document,
            ),
            Self::Boundary { arn } => effect("iam:PutRolePermissionsBoundary").field(
                "permissionsBoundary",
                there.and_then(|there| there.boundary.as_ref()),
                arn,
            ),
            Self::Session { seconds } => {
                let before = there.and_then(|there| there.tags.get(TAG_SESSION)?.parse::<u32>().ok());
                effect("iam:UpdateRole").field("maxSessionDuration", before, seconds)
            }
            Self::Tags { tags } => effect("iam:TagRole").tags(there.map(|there| &there.tags), tags),
            Self::Untag { tags } => effect("iam:UntagRole").without_tags(tags),
            Self::Attach { arn } => effect("iam:AttachRolePolicy").field(&policy(arn), (), "attached"),
            Self::Detach { arn } => effect("iam:DetachRolePolicy").field(&policy(arn), "attached", ()),
            Self::PutInline { policy, document } => {
                let before = there.and_then(|there| there.inline.get(policy));
                effect("iam:PutRolePolicy").field(&inline(policy), before, document)
            }
            Self::DeleteInline { policy } => {
                let before = there.and_then(|there| there.inline.get(policy));
                effect("iam:DeleteRolePolicy").field(&inline(policy), before, ())
            }
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CreateBoundary { name, .. } => write!(f, "create permissions boundary {name}"),
            Self::UpdateBoundary { arn, .. } => write!(f, "update permissions boundary {arn}"),
            Self::TagBoundary { arn, .. } => write!(f, "repair tags of permissions boundary {arn}"),
            Self::UntagBoundary { arn, tags } => {
                write!(f, "{UNTAG_CHANGE}{} from permissions boundary {arn}", tags.keys())
            }
            Self::UntagProvider { arn, tags } => {
                write!(f, "{UNTAG_CHANGE}{} from OIDC provider {arn}", tags.keys())
            }
            Self::CreateProvider { arn, audiences } => {
                let audiences: Vec<&str> = audiences.iter().map(String::as_str).collect();
                write!(f, "create OIDC provider {arn} for {}", audiences.join(", "))
            }
            Self::AddAudience { arn, audience } => write!(f, "add audience {audience} to OIDC provider {arn}"),
            Self::TagProvider { arn, .. } => write!(f, "repair tags of OIDC provider {arn}"),
            Self::RemoveProvider { arn } => {
                write!(f, "remove OIDC provider {arn}, which the plan does not have any more")
            }
            Self::CreateRole { role, .. } => write!(f, "create role {}{}", role.path, role.name),
            Self::RemoveRole { arn, .. } => write!(f, "remove role {arn}, which the plan does not have any more"),
            Self::RemoveBoundary { arn, .. } => {
                write!(f, "remove permissions boundary {arn}, which the plan does not have any more")
            }
            Self::ChangeRole { role, to } => match to {
                RoleChange::Trust { .. } => write!(f, "repair trust policy of role {role}"),
                RoleChange::Boundary { .. } => write!(f, "repair permissions boundary of role {role}"),
                RoleChange::Session { seconds } => write!(f, "set longest session of role {role} to {seconds} s"),
                RoleChange::Tags { .. } => write!(f, "repair tags of role {role}"),
                RoleChange::Untag { tags } => write!(f, "{UNTAG_CHANGE}{} from role {role}", tags.keys()),
                RoleChange::Attach { arn } => write!(f, "attach {arn} to role {role}"),
                RoleChange::Detach { arn } => write!(f, "detach {arn} from role {role}, which the plan does not have"),
                RoleChange::PutInline { policy, .. } => write!(f, "write inline policy {policy} of role {role}"),
                RoleChange::DeleteInline { policy } => {
                    write!(f, "delete inline policy {policy} of role {role}, which the plan does not have")
                }
            },
        }
    }
}
