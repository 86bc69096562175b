//! What becomes of roles, boundaries and OIDC providers that the account was given and that the plan does not have any more. Pure.

use berth_tenancy::{LeftOver, Thing};

use super::providers;
use crate::{Change, Input, LeftBoundary, ObservedRole, RoleChange, State};

/// What is removed next: first what hangs on a role, then the role, then a boundary that no role has, and a provider
/// that none trusts.
pub(super) fn removals(input: &Input, state: &State) -> Vec<Change> {
    let removed = || input.left_over.iter().filter(|left| left.remove);
    let mut roles = Vec::new();
    let mut boundaries = Vec::new();
    let mut last = Vec::new();
    for left in removed() {
        match &left.thing {
            Thing::Role { arn, .. } => {
                let there = state.left_roles.get(arn).filter(|there| can_go(input, there));
                roles.extend(there.map(|there| (arn, there)));
            }
            Thing::Boundary { arn } => {
                let there = state.left_boundaries.get(arn).filter(|there| boundary_can_go(input, there));
                boundaries.extend(there.map(|there| (arn, there)));
            }
            Thing::OidcProvider { arn } if providers::can_go(input, state, arn) => {
                last.push(Change::RemoveProvider { arn: arn.clone() });
            }
            _ => {}
        }
    }
    let parts: Vec<Change> = roles.iter().flat_map(|(arn, there)| parts(arn, there)).collect();
    if !parts.is_empty() {
        return parts;
    }
    let role = |(arn, _): (&String, &ObservedRole)| Change::RemoveRole { role: name(arn), arn: arn.clone() };
    let roles: Vec<Change> = roles.into_iter().map(role).collect();
    if !roles.is_empty() {
        return roles;
    }
    let boundary = |(arn, there): (&String, &LeftBoundary)| Change::RemoveBoundary {
        arn: arn.clone(),
        versions: there.versions.clone(),
    };
    boundaries.into_iter().map(boundary).chain(last).collect()
}

/// What is left over and still there: what may not be removed, and what is not provably ours.
pub(super) fn still_there(input: &Input, state: &State) -> Vec<LeftOver> {
    let is_there = |left: &&LeftOver| match &left.thing {
        Thing::Role { arn, .. } => state.left_roles.contains_key(arn),
        Thing::Boundary { arn } => state.left_boundaries.contains_key(arn),
        Thing::OidcProvider { arn } => state.providers.contains_key(arn),
        _ => false,
    };
    input.left_over.iter().filter(is_there).cloned().collect()
}

/// Recorded, with our tags, and in no instance profile: those are somebody else's work.
fn can_go(input: &Input, there: &ObservedRole) -> bool {
    there.tags.are_ours(&input.run.account_id) && there.instance_profiles == 0
}

/// Recorded, with our tags, and used by nobody.
fn boundary_can_go(input: &Input, there: &LeftBoundary) -> bool {
    there.tags.are_ours(&input.run.account_id) && there.uses == 0
}

/// IAM deletes a role only when no policy hangs on it.
fn parts(arn: &str, there: &ObservedRole) -> Vec<Change> {
    let attached = there.managed.iter().map(|arn| RoleChange::Detach { arn: arn.clone() });
    let inline = there.inline.keys().map(|policy| RoleChange::DeleteInline { policy: policy.clone() });
    let of_role = |to| Change::ChangeRole { role: name(arn), to };
    attached.chain(inline).map(of_role).collect()
}

/// The name of the role with this ARN.
fn name(arn: &str) -> String {
    arn.rsplit('/').next().unwrap_or_default().to_owned()
}
