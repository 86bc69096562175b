//! Reads IAM in the tenant's account: one call for all roles and policies, and one for each OIDC provider.

mod providers;

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_iam::{
    Client,
    primitives::DateTime,
    types::{EntityType, ManagedPolicyDetail, RoleDetail},
};
use berth_aws::{CallResultExt, SdkResultExt};
use berth_iam::tags;
use berth_step::{Fault, StepError};
use berth_tenancy::{ResourceKind, RolePlan, Tags, Thing};
use serde_json::Value;

use crate::{Input, LeftBoundary, ObservedBoundary, ObservedRole, State};

/// Versions that a managed policy may have. [IAM quotas]
const POLICY_VERSIONS_MAX: usize = 5;

/// Reads what the plan names. [IAM `GetAccountAuthorizationDetails`]
pub(crate) async fn observe(iam: &Client, input: &Input) -> Result<State, StepError> {
    let mut state = State::default();
    let left: BTreeSet<&str> = input.left_over.iter().filter_map(|left| arn(&left.thing)).collect();
    let mut providers = providers::observed(iam, input).await?;
    let planned_boundary = input.boundary().map(|plan| plan.name.as_str());
    let mut pages = iam
        .get_account_authorization_details()
        .filter(EntityType::Role)
        .filter(EntityType::LocalManagedPolicy)
        .into_paginator()
        .send();
    while let Some(page) = pages.next().await {
        let page = page.named("iam:GetAccountAuthorizationDetails").or_common()?;
        for detail in page.role_detail_list.unwrap_or_default() {
            // As IAM compares names: without letter case. [IAM `CreateRole`, "RoleName"]
            let named = |role: &&RolePlan| detail.role_name().is_some_and(|name| name.eq_ignore_ascii_case(&role.name));
            if let Some(role) = input.planned().iter().find(named) {
                state.roles.insert(role.name.clone(), observed_role(&detail)?);
            } else if let Some(arn) = detail.arn().filter(|arn| left.contains(arn)) {
                state.left_roles.insert(arn.to_owned(), observed_role(&detail)?);
            } else {
                providers::note_trust(&mut providers, &left, &detail)?;
            }
        }
        for detail in page.policies.unwrap_or_default() {
            // By the ARN, which is always there, not by `PolicyName`, which the local AWS omits here.
            let name = detail.arn().and_then(|arn| arn.rsplit('/').next());
            if name.zip(planned_boundary).is_some_and(|(name, planned)| name.eq_ignore_ascii_case(planned)) {
                state.boundary = Some(observed_boundary(iam, input, &detail).await?);
            } else if let Some(arn) = detail.arn().filter(|arn| left.contains(arn)) {
                state.left_boundaries.insert(arn.to_owned(), left_boundary(iam, arn, &detail).await?);
            }
        }
    }
    state.providers = providers;
    Ok(state)
}

/// The ARN of something that this step looks at.
fn arn(thing: &Thing) -> Option<&str> {
    match thing {
        Thing::Role { arn, .. } | Thing::Boundary { arn } | Thing::OidcProvider { arn } => Some(arn),
        _ => None,
    }
}

/// A boundary that is left over.
async fn left_boundary(iam: &Client, arn: &str, detail: &ManagedPolicyDetail) -> Result<LeftBoundary, StepError> {
    let others = detail.policy_version_list().iter().filter(|version| !version.is_default_version());
    let uses =
        detail.permissions_boundary_usage_count().unwrap_or_default() + detail.attachment_count().unwrap_or_default();
    Ok(LeftBoundary {
        tags: policy_tags(iam, arn).await?,
        versions: others.filter_map(|version| version.version_id()).map(str::to_owned).collect(),
        uses: usize::try_from(uses).unwrap_or_default(),
    })
}

async fn observed_boundary(
    iam: &Client,
    input: &Input,
    detail: &ManagedPolicyDetail,
) -> Result<ObservedBoundary, StepError> {
    let versions = detail.policy_version_list();
    let current = versions.iter().find(|version| version.is_default_version());
    let document = parse(current.and_then(|version| version.document()).unwrap_or_default(), detail.arn())?;
    let differs = input.boundary().is_some_and(|plan| plan.document != document);
    let oldest = versions
        .iter()
        .filter(|version| !version.is_default_version())
        .min_by_key(|version| version.create_date().map(DateTime::secs))
        .filter(|_| versions.len() >= POLICY_VERSIONS_MAX);
    let has_tags_of_organization = input.run.compares_tags(ResourceKind::Policy);
    let tags = match detail.arn().filter(|_| differs || has_tags_of_organization) {
        Some(arn) => Some(policy_tags(iam, arn).await?),
        None => None,
    };
    let arn = detail.arn().unwrap_or_default().to_owned();
    let oldest_of_full = oldest.and_then(|version| version.version_id()).map(str::to_owned);
    Ok(ObservedBoundary { arn, document, tags, oldest_of_full })
}

/// Reads the tags of a policy, which its details omit. [IAM `ListPolicyTags`]
async fn policy_tags(iam: &Client, arn: &str) -> Result<Tags, StepError> {
    let sent = iam.list_policy_tags().policy_arn(arn).send().await;
    let answer = sent.named("iam:ListPolicyTags").or_common()?;
    Ok(tags(&answer.tags))
}

fn observed_role(detail: &RoleDetail) -> Result<ObservedRole, StepError> {
    let of = detail.arn();
    let mut inline = BTreeMap::new();
    for policy in detail.role_policy_list() {
        let document = parse(policy.policy_document().unwrap_or_default(), of)?;
        inline.insert(policy.policy_name().unwrap_or_default().to_owned(), document);
    }
    let attached = detail.attached_managed_policies().iter().filter_map(|policy| policy.policy_arn());
    Ok(ObservedRole {
        name: detail.role_name().unwrap_or_default().to_owned(),
        id: detail.role_id().unwrap_or_default().to_owned(),
        path: detail.path().unwrap_or("/").to_owned(),
        trust: parse(detail.assume_role_policy_document().unwrap_or_default(), of)?,
        boundary: detail.permissions_boundary().and_then(|b| b.permissions_boundary_arn()).map(str::to_owned),
        tags: tags(detail.tags()),
        managed: attached.map(str::to_owned).collect::<BTreeSet<_>>(),
        inline,
        instance_profiles: detail.instance_profile_list().len(),
    })
}

/// Reads a document as IAM returns it: JSON, percent-encoded as RFC 3986 has it.
fn parse(text: &str, of: Option<&str>) -> Result<Value, StepError> {
    let decoded = percent_encoding::percent_decode_str(text).decode_utf8_lossy();
    serde_json::from_str(&decoded).map_err(|error| {
        let of = of.unwrap_or("a policy");
        StepError::new(Fault::Bug, format!("IAM answered with a document of {of} that is not JSON")).because(error)
    })
}
