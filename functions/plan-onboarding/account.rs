//! Reads an account from Organizations with two calls.

use std::collections::BTreeMap;

use aws_sdk_organizations::{Client, types::Account};
use berth_aws::CallFailure;
use berth_config::{AccountFacts, units_of};
use berth_step::{Fault, StepError};
use berth_tenancy::AccountId;
use jiff::Timestamp;

/// Reads the account and its tags. [Organizations `DescribeAccount`, `ListTagsForResource`]
pub(crate) async fn read(organizations: &Client, account: &AccountId) -> Result<AccountFacts, StepError> {
    let describe = organizations.describe_account().account_id(account.as_str()).send();
    let tags = organizations.list_tags_for_resource().resource_id(account.as_str()).into_paginator().send();
    let tags = tags.collect::<Result<Vec<_>, _>>();
    let (describe, tags) = futures::join!(describe, tags);
    let described = describe.map_err(|error| unknown(CallFailure::of("organizations:DescribeAccount", &error)))?;
    let tags = tags.map_err(|error| unknown(CallFailure::of("organizations:ListTagsForResource", &error)))?;
    let tags = tags.into_iter().flat_map(|page| page.tags.unwrap_or_default());
    let tags = tags.map(|tag| (tag.key, tag.value)).collect();
    let Some(described) = described.account else {
        return Err(StepError::new(Fault::Bug, "organizations:DescribeAccount answered without an account"));
    };
    Ok(facts(account, &described, tags))
}

/// What the answer says about the account.
///
/// `State` is read, not `Status`, which AWS retired in September 2026. `Paths` holds
/// `o-…/r-…/ou-…/…/<account>/`, so no call for parents is needed.
#[must_use]
pub fn facts(account: &AccountId, described: &Account, tags: BTreeMap<String, String>) -> AccountFacts {
    let path = described.paths().first().map(String::as_str).unwrap_or_default();
    AccountFacts {
        account_id: account.clone(),
        name: described.name().unwrap_or_default().to_owned(),
        email: described.email().map(str::to_owned),
        state: described.state().map_or("", |state| state.as_str()).to_owned(),
        ous: units_of(path),
        joined: described.joined_timestamp().and_then(|at| Timestamp::from_second(at.secs()).ok()),
        tags,
    }
}

/// What Organizations' codes mean here. [API reference, "Errors" of both operations]
fn unknown(failure: CallFailure) -> StepError {
    match failure.code() {
        Some("AccountNotFoundException" | "TargetNotFoundException") => failure.as_fault(
            Fault::InvalidInput,
            "check the account id: this organization has no such account; berth onboard takes twelve digits",
        ),
        Some("AWSOrganizationsNotInUseException") => {
            failure.as_fault(Fault::InvalidInput, "set organization.managementAccount in platform.yaml")
        }
        _ => failure.or_common(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_units_are_read_from_the_path_outermost_first() {
        let account = "111122223333".parse().unwrap();
        let described = Account::builder().paths("o-a/r-ab12/ou-ab12-outer001/ou-ab12-inner001/111122223333/").build();
        let facts = facts(&account, &described, BTreeMap::new());
        assert_eq!(facts.ous, ["ou-ab12-outer001", "ou-ab12-inner001"]);
    }
}
