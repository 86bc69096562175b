//! Reads an account from Organizations with two calls.

use std::collections::BTreeMap;

use aws_sdk_organizations::{Client, types::Account};
use berth_aws::{CallFailure, SdkResultExt};
use berth_config::{AccountFacts, units_of_paths};
use berth_contract::NO_SUCH_ACCOUNT;
use berth_step::{Fault, StepError};
use berth_tenancy::AccountId;
use jiff::Timestamp;

/// Reads the account and its tags. [Organizations `DescribeAccount`, `ListTagsForResource`]
pub(crate) async fn read(organizations: &Client, account: &AccountId) -> Result<AccountFacts, StepError> {
    let describe = organizations.describe_account().account_id(account.as_str()).send();
    let tags = organizations.list_tags_for_resource().resource_id(account.as_str()).into_paginator().send();
    let tags = tags.collect::<Result<Vec<_>, _>>();
    let (describe, tags) = futures::join!(describe, tags);
    let described = describe.named("organizations:DescribeAccount").map_err(unknown)?;
    let tags = tags.named("organizations:ListTagsForResource").map_err(unknown)?;
    let tags = tags.into_iter().flat_map(|page| page.tags.unwrap_or_default());
    let tags = tags.map(|tag| (tag.key, tag.value)).collect();
    let Some(described) = described.account else {
        return Err(StepError::new(Fault::Bug, "organizations:DescribeAccount answered without an account"));
    };
    facts(account, &described, tags)
}

/// What the answer says about the account.
///
/// `State` is read, not `Status`, which AWS retired in September 2026. `Paths` holds
/// `o-…/r-…/ou-…/…/<account>/`, so no call for parents is needed. An account that lives and has no path is an error:
/// without units it would be ignored, and nobody would know.
pub fn facts(
    account: &AccountId,
    described: &Account,
    tags: BTreeMap<String, String>,
) -> Result<AccountFacts, StepError> {
    let state = described.state().map_or("", |state| state.as_str()).to_owned();
    let ous = units_of_paths(described.paths(), &state).map_err(|error| {
        StepError::new(Fault::Bug, "organizations:DescribeAccount answered a living account without its path")
            .hint("look at the account in Organizations; run it again when it is in a unit: berth replay")
            .because(error)
    })?;
    Ok(AccountFacts {
        account_id: account.clone(),
        name: described.name().unwrap_or_default().to_owned(),
        email: described.email().map(str::to_owned),
        state,
        ous,
        joined: described.joined_timestamp().and_then(|at| Timestamp::from_second(at.secs()).ok()),
        tags,
    })
}

/// What Organizations' codes mean here. [API reference, "Errors" of both operations]
fn unknown(failure: CallFailure) -> StepError {
    match failure.code() {
        Some("AccountNotFoundException" | "TargetNotFoundException") => {
            failure.as_fault(Fault::InvalidInput, NO_SUCH_ACCOUNT)
        }
        Some("AWSOrganizationsNotInUseException") => {
            failure.as_fault(Fault::InvalidInput, "set organization.managementAccount in platform.yaml")
        }
        _ => failure.or_common(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use aws_sdk_organizations::types::AccountState;

    use super::*;

    #[test]
    fn an_active_account_without_a_path_is_a_fault_and_a_closed_one_is_nowhere() {
        let account = "111122223333".parse().unwrap();
        let without_path =
            |state: AccountState| facts(&account, &Account::builder().state(state).build(), BTreeMap::new());
        assert_eq!(without_path(AccountState::Active).unwrap_err().fault, Fault::Bug);
        assert!(without_path(AccountState::Closed).unwrap().ous.is_empty());
    }

    #[test]
    fn the_units_are_read_from_the_path_outermost_first() {
        let account = "111122223333".parse().unwrap();
        let described = Account::builder().paths("o-a/r-ab12/ou-ab12-outer001/ou-ab12-inner001/111122223333/").build();
        let facts = facts(&account, &described, BTreeMap::new()).unwrap();
        assert_eq!(facts.ous, ["ou-ab12-outer001", "ou-ab12-inner001"]);
    }
}
