//! Questions that executions ask people before their first change, and the answers.
//!
//! What everybody may know is in the account's record. The task token that lets the execution go on is an item of its own,
//! (`approval#<account>`, `token`): whoever lists records never has it.

use aws_sdk_dynamodb::types::AttributeValue;
use berth_aws::{CallResultExt, SdkResultExt};
use berth_contract::Approval;
use berth_step::{Fault, StepError};
use berth_tenancy::{AccountId, Subject};

use crate::{
    Ledger, Record, Status,
    table::{Change, Item, failed},
};

/// Sort key of a token.
const TOKEN: &str = "token";

/// The task token of an execution that waits for an answer. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct WaitingToken {
    /// ARN of the execution.
    pub execution: String,
    /// What Step Functions is answered with.
    pub token: String,
}

impl std::fmt::Debug for WaitingToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WaitingToken").field("execution", &self.execution).finish_non_exhaustive()
    }
}

fn token_key(account: &AccountId) -> Item {
    let text = |text: String| AttributeValue::S(text);
    Item::from([("pk".to_owned(), text(format!("approval#{account}"))), ("sk".to_owned(), text(TOKEN.to_owned()))])
}

impl Record {
    /// The question that this execution of the account has asked, answered or not.
    #[must_use]
    pub fn asked_by(&self, execution: &str) -> Option<&Approval> {
        self.approval.as_ref().filter(|approval| approval.execution == execution)
    }

    /// The question that waits for an answer now: that of the execution with the lease.
    #[must_use]
    pub fn waiting(&self) -> Option<&Approval> {
        let lease = self.lease.as_deref().filter(|_| self.status == Status::Running)?;
        self.asked_by(lease).filter(|approval| approval.answered() == berth_contract::Answered::Waits)
    }
}

impl Ledger {
    /// Writes a question down, with the token of the execution that waits for the answer. The same question may be asked any
    /// number of times: then the newest token counts. [DynamoDB `PutItem`, `UpdateItem`]
    ///
    /// # Errors
    /// `Superseded` when another execution has the account; `Conflict` when the question was answered since it was read.
    pub async fn ask(&self, subject: &Subject, approval: &Approval, token: &str) -> Result<(), StepError> {
        let account = &subject.account_id;
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let mut item = token_key(account);
        item.extend([
            ("execution".to_owned(), text(&subject.execution)),
            ("taskToken".to_owned(), text(token)),
            ("accountId".to_owned(), text(account.as_str())),
        ]);
        // The token first: a question that nobody can answer would wait to its end.
        let sent = self.client.put_item().table_name(&self.table).set_item(Some(item)).send().await;
        sent.named("dynamodb:PutItem").map_err(|failure| failed(failure).for_account(account))?;
        let change = Change::when(
            "#lease = :me AND (attribute_not_exists(#approval) OR #approval.#execution <> :me \
             OR #approval.#revision < :revision)",
        );
        // A run that was redriven is failed in the ledger, until somebody is asked again.
        let change = change.set("approval", approval)?.set("status", Status::Running)?.set("since", approval.asked)?;
        let change = change.remove(&["failure", "reason"]).value("me", &subject.execution)?;
        if self.update(account, change.value("revision", approval.revision)?).await?.is_some() {
            return Ok(());
        }
        self.confirm(subject).await?;
        Err(StepError::new(Fault::Conflict, "somebody answered while the question was asked").for_account(account))
    }

    /// Writes an answer down, in place of the question as it was read. Answers whether it was written: not when anybody else
    /// has answered since, or the execution has the account no more. [DynamoDB `UpdateItem`]
    pub async fn answer(&self, account: &AccountId, seen: &Approval, answered: &Approval) -> Result<bool, StepError> {
        let change = Change::when(
            "#lease = :me AND #status = :running AND #approval.#execution = :me AND #approval.#revision = :seen",
        )
        .set("approval", answered)?
        .value("me", &seen.execution)?
        .value("running", Status::Running)?
        .value("seen", seen.revision)?;
        Ok(self.update(account, change).await?.is_some())
    }

    /// The token of the execution of an account that waits. [DynamoDB `GetItem`]
    pub async fn waiting_token(&self, account: &AccountId) -> Result<Option<WaitingToken>, StepError> {
        let call = self.client.get_item().table_name(&self.table).set_key(Some(token_key(account)));
        let answer = call.consistent_read(true).send().await;
        let answer = answer.named("dynamodb:GetItem").map_err(|failure| failed(failure).for_account(account))?;
        let Some(mut item) = answer.item else { return Ok(None) };
        let mut text = |name: &str| match item.remove(name) {
            Some(AttributeValue::S(text)) => Ok(text),
            _ => {
                Err(StepError::new(Fault::Bug, format!("the ledger holds a token without {name}")).for_account(account))
            }
        };
        Ok(Some(WaitingToken { execution: text("execution")?, token: text("taskToken")? }))
    }

    /// Removes a token that was used, unless another took its place. [DynamoDB `DeleteItem`]
    pub async fn forget_token(&self, account: &AccountId, used: &WaitingToken) -> Result<(), StepError> {
        let sent = self.client.delete_item().table_name(&self.table).set_key(Some(token_key(account)));
        let sent = sent.condition_expression("taskToken = :token");
        let sent = sent.expression_attribute_values(":token", AttributeValue::S(used.token.clone())).send().await;
        let sent = sent.named("dynamodb:DeleteItem").none_if(&["ConditionalCheckFailedException"]);
        sent.map(drop).map_err(|failure| failed(failure).for_account(account))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_waiting_token_is_never_shown() {
        let waiting = WaitingToken { execution: "arn:me".to_owned(), token: "canary".to_owned() };
        assert!(!format!("{waiting:?} {waiting:#?}").contains("canary"));
    }
}
