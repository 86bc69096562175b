//! Reads OIDC providers in the tenant's account.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_iam::{Client, types::RoleDetail};
use berth_aws::{CallResultExt, SdkResultExt};
use berth_iam::tags;
use berth_step::StepError;
use berth_tenancy::Thing;

use super::parse;
use crate::{
    Input, ObservedProvider,
    decide::{planned_providers, trust_names},
};

/// Reads the providers that the plan names or that are left over, by ARN. [IAM `GetOpenIDConnectProvider`]
pub(super) async fn observed(iam: &Client, input: &Input) -> Result<BTreeMap<String, ObservedProvider>, StepError> {
    let left = input.left_over.iter().filter_map(|left| match &left.thing {
        Thing::OidcProvider { arn } => Some(arn.clone()),
        _ => None,
    });
    let mut observed = BTreeMap::new();
    for arn in planned_providers(input).into_keys().chain(left) {
        let sent = iam.get_open_id_connect_provider().open_id_connect_provider_arn(&arn).send().await;
        let Some(there) = sent.named("iam:GetOpenIDConnectProvider").none_if(&["NoSuchEntity"]).or_common()? else {
            continue;
        };
        let audiences = there.client_id_list().iter().cloned().collect();
        observed.insert(arn, ObservedProvider { audiences, tags: tags(there.tags()), ..ObservedProvider::default() });
    }
    Ok(observed)
}

/// Notes which of the providers that are left over a role trusts that Berth was not asked about: one that it needs stays.
/// Nothing of another role is read where no provider may go.
pub(super) fn note_trust(
    providers: &mut BTreeMap<String, ObservedProvider>,
    left: &BTreeSet<&str>,
    detail: &RoleDetail,
) -> Result<(), StepError> {
    let mut going = providers.iter_mut().filter(|(arn, _)| left.contains(arn.as_str())).peekable();
    if going.peek().is_none() {
        return Ok(());
    }
    let trust = parse(detail.assume_role_policy_document().unwrap_or_default(), detail.arn())?;
    for (_, provider) in going.filter(|(arn, _)| trust_names(&trust, arn)) {
        provider.trusted_by.insert(detail.arn().unwrap_or_default().to_owned());
    }
    Ok(())
}
