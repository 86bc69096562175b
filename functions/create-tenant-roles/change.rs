//! The changes of this step, each with all that making it takes.

use std::{collections::BTreeSet, fmt};

use berth_tenancy::{RolePlan, Tags};
use serde_json::Value;

#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Make the permissions boundary.
    CreateBoundary { name: String, path: String, document: Value },
    /// Give the permissions boundary a new default version, after deleting the oldest where IAM's limit demands it.
    UpdateBoundary { arn: String, document: Value, delete_version: Option<String> },
    /// Set tags that the permissions boundary lacks.
    TagBoundary { arn: String, tags: Tags },
    /// Make an OIDC provider, with its audiences and tags in the same call.
    CreateProvider { arn: String, audiences: BTreeSet<String> },
    /// Add an audience that an OIDC provider of ours lacks; those of others stay.
    AddAudience { arn: String, audience: String },
    /// Set tags that an OIDC provider of ours lacks.
    TagProvider { arn: String, tags: Tags },
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
    /// Attach a managed policy.
    Attach { arn: String },
    /// Detach a managed policy that the plan does not have.
    Detach { arn: String },
    /// Write an inline policy.
    PutInline { policy: String, document: Value },
    /// Delete an inline policy that the plan does not have.
    DeleteInline { policy: String },
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CreateBoundary { name, .. } => write!(f, "create permissions boundary {name}"),
            Self::UpdateBoundary { arn, .. } => write!(f, "update permissions boundary {arn}"),
            Self::TagBoundary { arn, .. } => write!(f, "repair tags of permissions boundary {arn}"),
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
