//! Proposals that wait for a person to merge them, and the executions that wait with them.
//!
//! A proposal is the item (`proposals`, branch); a waiter is (`merge#<account>`, `waiter`), apart from the account's
//! record, because it holds the task token of its execution. A proposal names its waiters, and nobody joins one that is
//! being settled: so nobody is forgotten.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use berth_aws::{CallResultExt, SdkResultExt};
use berth_step::{Fault, StepError};
use berth_tenancy::AccountId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    Ledger,
    table::{Item, failed},
};

/// Partition of all proposals.
const PROPOSALS: &str = "proposals";

/// A proposal that is not merged yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OpenProposal {
    /// Its branch.
    pub branch: String,
    /// Where people merge it; none until it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Digest of what is proposed, by path.
    pub wanted: BTreeMap<String, String>,
    /// Accounts whose executions wait.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub accounts: BTreeSet<AccountId>,
    /// Where the branch that people merge to was at the last look, for hosts that do not tell a merge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<String>,
    /// Whether it was merged or closed, and its waiters are being told: nobody joins any more.
    #[serde(default)]
    pub is_settled: bool,
    /// Since when it is open.
    pub since: Timestamp,
}

/// An execution that waits for a merge. `Debug` does not show the request: it has a task token.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Waiter {
    /// The account.
    pub account_id: AccountId,
    /// The proposal's branch.
    pub branch: String,
    /// Whether what it asked for is in the proposal; else it waits because the proposal changes the same file.
    pub is_in_it: bool,
    /// Its request, as it came from the queue.
    pub request: String,
    /// Id of the message that the request was: what came back and waits again is another waiter.
    pub message_id: String,
    /// Since when it waits.
    pub since: Timestamp,
}

impl fmt::Debug for Waiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiter")
            .field("account_id", &self.account_id)
            .field("branch", &self.branch)
            .finish_non_exhaustive()
    }
}

/// Key of an item that is no record.
pub(crate) fn item_key(pk: String, sk: &str) -> Item {
    Item::from([("pk".to_owned(), AttributeValue::S(pk)), ("sk".to_owned(), AttributeValue::S(sk.to_owned()))])
}

fn proposal_key(branch: &str) -> Item {
    item_key(PROPOSALS.to_owned(), branch)
}

fn waiter_key(account: &AccountId) -> Item {
    item_key(format!("merge#{account}"), "waiter")
}

pub(crate) fn read<T: DeserializeOwned>(item: Item) -> Result<T, StepError> {
    serde_dynamo::from_item(item).map_err(|error| {
        StepError::new(Fault::Bug, "the ledger holds a proposal that this version cannot read").because(error)
    })
}

pub(crate) fn written(value: &impl Serialize, key: Item) -> Result<Item, StepError> {
    let item: Item = serde_dynamo::to_item(value)
        .map_err(|error| StepError::new(Fault::Bug, "a proposal does not fit into the ledger").because(error))?;
    Ok(item.into_iter().chain(key).collect())
}

impl Ledger {
    /// Every proposal, read consistently. [DynamoDB `Query`]
    pub async fn proposals(&self) -> Result<Vec<OpenProposal>, StepError> {
        let call = self.client.query().table_name(&self.table).key_condition_expression("pk = :pk");
        let call =
            call.expression_attribute_values(":pk", AttributeValue::S(PROPOSALS.to_owned())).consistent_read(true);
        let mut pages = call.into_paginator().items().send();
        let mut found = Vec::new();
        while let Some(item) = pages.next().await {
            found.push(read(item.named("dynamodb:Query").map_err(failed)?)?);
        }
        Ok(found)
    }

    /// Writes a proposal that was made just now; `false` if an earlier one of this branch is not settled yet.
    /// [DynamoDB `PutItem`]
    pub async fn put_proposal(&self, proposal: &OpenProposal) -> Result<bool, StepError> {
        let item = written(proposal, proposal_key(&proposal.branch))?;
        let call = self.client.put_item().table_name(&self.table).set_item(Some(item));
        let sent = call.condition_expression("attribute_not_exists(pk)").send().await;
        Ok(sent.named("dynamodb:PutItem").none_if(&["ConditionalCheckFailedException"]).map_err(failed)?.is_some())
    }

    /// Remembers where the branch that people merge to was at a look. [DynamoDB `UpdateItem`]
    pub async fn note_head(&self, branch: &str, head: &str) -> Result<(), StepError> {
        let sent = self.client.update_item().table_name(&self.table).set_key(Some(proposal_key(branch)));
        let sent = sent.update_expression("SET head = :head").condition_expression("attribute_exists(pk)");
        let sent = sent.expression_attribute_values(":head", AttributeValue::S(head.to_owned())).send().await;
        sent.named("dynamodb:UpdateItem").map(|_| ()).map_err(failed)
    }

    /// Lets an execution wait for a proposal; `false` if nobody may join it any more. An older execution of the account
    /// stops waiting. [DynamoDB `PutItem`, `UpdateItem`]
    pub async fn join_proposal(&self, waiter: &Waiter) -> Result<bool, StepError> {
        // The waiter first: a name in the proposal without a waiter is nothing, a waiter without a name is forgotten.
        self.put_item(written(waiter, waiter_key(&waiter.account_id))?).await?;
        let account = AttributeValue::Ss(vec![waiter.account_id.to_string()]);
        let sent = self.client.update_item().table_name(&self.table).set_key(Some(proposal_key(&waiter.branch)));
        let sent = sent.update_expression("ADD accounts :account").condition_expression("isSettled = :no");
        let sent = sent.expression_attribute_values(":account", account);
        let sent = sent.expression_attribute_values(":no", AttributeValue::Bool(false)).send().await;
        Ok(sent.named("dynamodb:UpdateItem").none_if(&["ConditionalCheckFailedException"]).map_err(failed)?.is_some())
    }

    /// Closes a proposal to new waiters; what it is then, with every account that waits. [DynamoDB `UpdateItem`]
    pub async fn settle_proposal(&self, branch: &str) -> Result<OpenProposal, StepError> {
        let sent = self.client.update_item().table_name(&self.table).set_key(Some(proposal_key(branch)));
        let sent = sent.update_expression("SET isSettled = :yes").condition_expression("attribute_exists(pk)");
        let sent = sent.expression_attribute_values(":yes", AttributeValue::Bool(true));
        let sent = sent.return_values(ReturnValue::AllNew).send().await;
        let sent = sent.named("dynamodb:UpdateItem").map_err(failed)?;
        read(sent.attributes.unwrap_or_default())
    }

    /// Removes a proposal whose waiters were told. [DynamoDB `DeleteItem`]
    pub async fn forget_proposal(&self, branch: &str) -> Result<(), StepError> {
        self.delete_item(proposal_key(branch)).await
    }

    /// The execution of an account that waits for a merge. [DynamoDB `GetItem`]
    pub async fn waiter(&self, account: &AccountId) -> Result<Option<Waiter>, StepError> {
        let call =
            self.client.get_item().table_name(&self.table).set_key(Some(waiter_key(account))).consistent_read(true);
        let answer = call.send().await.named("dynamodb:GetItem").map_err(failed)?;
        answer.item.map(read).transpose()
    }

    /// Removes a waiter that was told, unless another took its place meanwhile: that one was told nothing.
    /// [DynamoDB `DeleteItem`]
    pub async fn forget_waiter(&self, told: &Waiter) -> Result<(), StepError> {
        let sent = self.client.delete_item().table_name(&self.table).set_key(Some(waiter_key(&told.account_id)));
        let sent = sent.condition_expression("messageId = :id");
        let sent = sent.expression_attribute_values(":id", AttributeValue::S(told.message_id.clone())).send().await;
        sent.named("dynamodb:DeleteItem").none_if(&["ConditionalCheckFailedException"]).map(drop).map_err(failed)
    }

    /// What an account's execution waits for: the pull request's address, and since when. [DynamoDB `GetItem`, `Query`]
    pub async fn waits_for(&self, account: &AccountId) -> Result<Option<(String, Timestamp)>, StepError> {
        let Some(waiter) = self.waiter(account).await? else { return Ok(None) };
        let proposals = self.proposals().await?;
        let proposal = proposals.into_iter().find(|proposal| proposal.branch == waiter.branch);
        let Some(proposal) = proposal.filter(|proposal| proposal.accounts.contains(account)) else { return Ok(None) };
        Ok(Some((proposal.url.unwrap_or(proposal.branch), waiter.since)))
    }

    async fn put_item(&self, item: Item) -> Result<(), StepError> {
        let sent = self.client.put_item().table_name(&self.table).set_item(Some(item)).send().await;
        sent.named("dynamodb:PutItem").map(|_| ()).map_err(failed)
    }

    async fn delete_item(&self, key: Item) -> Result<(), StepError> {
        let sent = self.client.delete_item().table_name(&self.table).set_key(Some(key)).send().await;
        sent.named("dynamodb:DeleteItem").map(|_| ()).map_err(failed)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_waiter_never_shows_its_request() {
        let waiter = Waiter {
            account_id: "111122223333".parse().unwrap(),
            branch: "berth/0".to_owned(),
            is_in_it: true,
            request: r#"{"taskToken":"canary"}"#.to_owned(),
            message_id: "m1".to_owned(),
            since: Timestamp::UNIX_EPOCH,
        };
        assert!(!format!("{waiter:?} {waiter:#?}").contains("canary"));
        let item = written(&waiter, waiter_key(&waiter.account_id)).unwrap();
        assert_eq!(item["pk"], AttributeValue::S("merge#111122223333".to_owned()));
        assert_eq!(read::<Waiter>(item).unwrap(), waiter);
    }

    #[test]
    fn a_proposal_is_read_as_it_was_written_and_as_a_set_of_accounts() {
        let proposal = OpenProposal {
            branch: "berth/0".to_owned(),
            url: None,
            wanted: BTreeMap::from([("a".to_owned(), "b".to_owned())]),
            accounts: BTreeSet::new(),
            head: None,
            is_settled: false,
            since: Timestamp::UNIX_EPOCH,
        };
        let mut item = written(&proposal, proposal_key("berth/0")).unwrap();
        assert_eq!(read::<OpenProposal>(item.clone()).unwrap(), proposal);
        item.insert("accounts".to_owned(), AttributeValue::Ss(vec!["111122223333".to_owned()]));
        assert_eq!(read::<OpenProposal>(item).unwrap().accounts.len(), 1);
    }
}
