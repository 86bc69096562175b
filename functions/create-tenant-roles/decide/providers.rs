//! The OIDC providers that the trust of roles names, without which nobody can assume them. Pure.

use std::collections::{BTreeMap, BTreeSet};

use berth_step::StepError;
use berth_tenancy::{ResourceKind, RoleTrust, Tags};
use serde_json::Value;

use crate::{Change, Input, State};

/// The tags that a provider must have.
pub(crate) fn tags(input: &Input) -> Tags {
    input.run.tags_of(ResourceKind::OidcProvider)
}

/// The providers that the plan's roles trust, by ARN, each with the audiences that the roles ask for.
pub(crate) fn planned(input: &Input) -> BTreeMap<String, BTreeSet<String>> {
    let mut planned: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for role in input.planned() {
        let arn = role.trust.oidc_provider_arn(input.run.partition(), &input.run.account_id);
        if let (Some(arn), RoleTrust::Oidc { audience, .. }) = (arn, &role.trust) {
            planned.entry(arn).or_default().insert(audience.clone());
        }
    }
    planned
}

/// What brings the providers to the plan. One of somebody else serves where it has the audience; it is never changed. Of
/// ours no audience is removed: a team may have added it.
pub(super) fn changes(input: &Input, state: &State) -> Result<Vec<Change>, StepError> {
    let mut changes = Vec::new();
    for (arn, audiences) in planned(input) {
        let Some(there) = state.providers.get(&arn) else {
            changes.push(Change::CreateProvider { arn, audiences });
            continue;
        };
        let absent: Vec<String> = audiences.difference(&there.audiences).cloned().collect();
        if !there.tags.are_ours(&input.run.account_id) {
            if let Some(audience) = absent.first() {
                return Err(not_ours(&arn, audience));
            }
            continue;
        }
        let wanted = tags(input);
        let missing = there.tags.missing(&wanted);
        if !missing.0.is_empty() {
            changes.push(Change::TagProvider { arn: arn.clone(), tags: missing });
        }
        let surplus = input.run.surplus_tags(ResourceKind::OidcProvider, &there.tags, &wanted);
        if !surplus.0.is_empty() {
            changes.push(Change::UntagProvider { arn: arn.clone(), tags: surplus });
        }
        changes.extend(absent.into_iter().map(|audience| Change::AddAudience { arn: arn.clone(), audience }));
    }
    Ok(changes)
}

fn not_ours(arn: &str, audience: &str) -> StepError {
    let error = StepError::not_owned(&format!("OIDC provider {arn}, which lacks the audience {audience},"));
    error.hint(format!(
        "have its owner run aws iam add-client-id-to-open-id-connect-provider --open-id-connect-provider-arn {arn} \
         --client-id {audience} in the tenant's account; then redrive the execution"
    ))
}

/// Whether a provider that is left over may go: it is ours, and no role that is there trusts it.
pub(super) fn can_go(input: &Input, state: &State, arn: &str) -> bool {
    let roles = state.roles.values().chain(state.left_roles.values());
    let is_trusted = || roles.into_iter().any(|role| names(&role.trust, arn));
    let there = state.providers.get(arn);
    there.is_some_and(|there| there.tags.are_ours(&input.run.account_id) && there.trusted_by.is_empty())
        && !is_trusted()
}

/// Whether a trust policy names this provider anywhere.
pub(crate) fn names(trust: &Value, arn: &str) -> bool {
    match trust {
        Value::String(text) => text == arn,
        Value::Array(items) => items.iter().any(|item| names(item, arn)),
        Value::Object(fields) => fields.values().any(|field| names(field, arn)),
        _ => false,
    }
}
