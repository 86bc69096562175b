//! Reads the organization, and which executions run.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_organizations::{Client as Organizations, types::Account};
use aws_sdk_sfn::{Client as StepFunctions, types::ExecutionStatus};
use berth_aws::{CallFailure, CallResultExt, SdkResultExt};
use berth_config::{AccountFacts, units_of_paths};
use berth_step::{Fault, StepError};
use berth_tenancy::{AccountId, wait};
use futures::{StreamExt, stream};
use jiff::Timestamp;

use crate::Listed;

/// Tags that are read at the same time. Organizations is slow and shared by the whole organization.
const TAGS_AT_ONCE: usize = 4;

/// Most executions that Step Functions lists in one answer.
const EXECUTIONS_PER_PAGE: i32 = 1000;

/// Every account of the organization, with its state and its path: nothing else is asked. [Organizations `ListAccounts`]
///
/// What an answer says about one account may make no sense; the others are listed all the same.
pub(crate) async fn accounts(organizations: &Organizations) -> Result<(Vec<Listed>, Vec<StepError>), StepError> {
    let mut pages = organizations.list_accounts().into_paginator().send();
    let mut all = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.named("organizations:ListAccounts").map_err(unknown)?;
        all.extend(page.accounts.unwrap_or_default().iter().map(listed));
    }
    Ok(apart(all))
}

/// What an answer says about one account. `State` is read, not `Status`, which AWS retired in September 2026.
///
/// A living account without a path is an error: it would look like one outside of every unit, and be lost in silence.
pub(crate) fn listed(account: &Account) -> Result<Listed, StepError> {
    let id = account.id().unwrap_or_default();
    let account_id: AccountId = id.parse().map_err(|error| {
        StepError::new(Fault::Bug, format!("organizations:ListAccounts answered the account id {id:?}")).because(error)
    })?;
    let state = account.state().map_or("", |state| state.as_str()).to_owned();
    let ous = units_of_paths(account.paths(), &state).map_err(|error| {
        StepError::new(Fault::Bug, "organizations:ListAccounts answered an account without its path")
            .for_account(&account_id)
            .because(error)
    })?;
    let joined = account.joined_timestamp().and_then(|time| Timestamp::from_second(time.secs()).ok());
    let facts = AccountFacts {
        account_id,
        name: account.name().unwrap_or_default().to_owned(),
        email: account.email().map(str::to_owned),
        state,
        ous,
        joined,
        tags: BTreeMap::new(),
    };
    Ok(Listed { facts, joined, is_tagged: false })
}

/// Tags of these accounts, and why those of others could not be read. One that has left the organization meanwhile has
/// none. [Organizations `ListTagsForResource`]
pub(crate) async fn tags(
    organizations: &Organizations,
    accounts: Vec<AccountId>,
) -> (BTreeMap<AccountId, BTreeMap<String, String>>, Vec<StepError>) {
    let read = |account: AccountId| async move {
        let pages = organizations.list_tags_for_resource().resource_id(account.as_str()).into_paginator().send();
        let pages = pages.collect::<Result<Vec<_>, _>>().await.named("organizations:ListTagsForResource");
        let pages = pages.none_if(&["TargetNotFoundException"]);
        let pages = pages.map_err(|failure| unknown(failure).for_account(&account))?.unwrap_or_default();
        let tags = pages.into_iter().flat_map(|page| page.tags.unwrap_or_default());
        Ok((account, tags.map(|tag| (tag.key, tag.value)).collect()))
    };
    let answers: Vec<_> = stream::iter(accounts.into_iter().map(read)).buffer_unordered(TAGS_AT_ONCE).collect().await;
    let (tags, problems) = apart(answers);
    (tags.into_iter().collect(), problems)
}

/// What could be read, and why the rest could not.
fn apart<T>(answers: impl IntoIterator<Item = Result<T, StepError>>) -> (Vec<T>, Vec<StepError>) {
    let (mut read, mut problems) = (Vec::new(), Vec::new());
    for answer in answers {
        match answer {
            Ok(one) => read.push(one),
            Err(error) => problems.push(error),
        }
    }
    (read, problems)
}

/// ARNs of the executions that run now: one answer for up to a thousand. [Step Functions `ListExecutions`]
///
/// Step Functions may miss one that started a moment ago. It does no harm: a second execution ends as a duplicate.
pub(crate) async fn running(client: &StepFunctions, state_machine: &str) -> Result<BTreeSet<String>, StepError> {
    let mut executions = client
        .list_executions()
        .state_machine_arn(state_machine)
        .status_filter(ExecutionStatus::Running)
        .max_results(EXECUTIONS_PER_PAGE)
        .into_paginator()
        .items()
        .send();
    let mut running = BTreeSet::new();
    while let Some(execution) = executions.next().await {
        let execution = execution.named("states:ListExecutions").map_err(unlisted)?;
        running.insert(execution.execution_arn);
    }
    Ok(running)
}

/// What Organizations' codes mean here. [API reference, "Errors" of both operations]
fn unknown(failure: CallFailure) -> StepError {
    match failure.code() {
        Some("AWSOrganizationsNotInUseException") => {
            failure.as_fault(Fault::InvalidInput, "set organization.managementAccount in platform.yaml")
        }
        Some("ServiceException") => failure.as_fault(
            Fault::Throttled,
            wait(
                "the next sweep looks again",
                "look at the AWS Health dashboard for Organizations; `berth sweep` looks again at once",
            ),
        ),
        _ => failure.or_common(),
    }
}

/// What the codes of `ListExecutions` mean. [API reference, "Errors"]
fn unlisted(failure: CallFailure) -> StepError {
    match failure.code() {
        Some("StateMachineDoesNotExist" | "InvalidArn") => {
            failure.as_fault(Fault::InvalidInput, "set BERTH_STATE_MACHINE_ARN to the state machine of this deployment")
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
    fn a_living_account_without_a_path_is_an_error_so_that_no_account_is_lost() {
        let account = |state: AccountState| Account::builder().id("111122223333").state(state).build();
        assert_eq!(listed(&account(AccountState::Active)).unwrap_err().fault, Fault::Bug);
        assert_eq!(listed(&Account::builder().id("111122223333").build()).unwrap_err().fault, Fault::Bug);
        assert!(listed(&account(AccountState::Closed)).unwrap().facts.ous.is_empty());
        let strange = Account::builder().id("11112222333").paths("o-a/r-a/11112222333/").build();
        assert_eq!(listed(&strange).unwrap_err().fault, Fault::Bug);
    }

    #[test]
    fn units_and_the_time_of_joining_are_read() {
        let account = Account::builder().id("111122223333").paths("o-a/r-ab12/ou-ab12-outer001/ou-ab12-in001/1/");
        let joined = aws_sdk_organizations::primitives::DateTime::from_secs(7);
        let listed = listed(&account.joined_timestamp(joined).build()).unwrap();
        assert_eq!(listed.facts.ous, ["ou-ab12-outer001", "ou-ab12-in001"]);
        assert_eq!(listed.joined, Some(Timestamp::from_second(7).unwrap()));
    }
}
