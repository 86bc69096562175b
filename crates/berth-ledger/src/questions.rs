//! Questions that people answer by merging a pull request: what is shown there, and where it is.
//!
//! A question is the item (`questions`, `<account>#<digest>`), apart from the account's record, so that one that is over is
//! still known until its pull request is taken back. It has no task token: that is where it always is (`approvals.rs`).

use aws_sdk_dynamodb::types::AttributeValue;
use berth_aws::{CallResultExt, SdkResultExt};
use berth_contract::Approval;
use berth_step::StepError;
use berth_tenancy::{AccountId, short_digest};
use serde::{Deserialize, Serialize};

use crate::{
    Ledger,
    merges::{item_key, read, written},
    table::{Item, failed},
};

/// Partition of all questions.
const QUESTIONS: &str = "questions";

/// A question that people answer by merging a pull request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Question {
    /// The account.
    pub account_id: AccountId,
    /// ARN of the execution that waits.
    pub execution: String,
    /// The how manieth question of that execution this is.
    pub question: u32,
    /// Hash of the plan.
    pub plan: String,
    /// Title of the pull request.
    pub title: String,
    /// The file that shows the plan.
    pub text: String,
    /// The pull request; none until it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposed: Option<ProposedAt>,
}

/// Where a question is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProposedAt {
    /// The branch.
    pub branch: String,
    /// Where Berth left the branch: a commit.
    pub tip: String,
    /// Where people merge it.
    pub url: String,
}

impl Question {
    /// The question that an account's record has, with what is shown of it.
    #[must_use]
    pub fn of(account: &AccountId, approval: &Approval, title: String, text: String) -> Self {
        Self {
            account_id: account.clone(),
            execution: approval.execution.clone(),
            question: approval.question,
            plan: approval.plan.clone(),
            title,
            text,
            proposed: None,
        }
    }

    /// Whether it is this question of the account's record.
    #[must_use]
    pub fn is_of(&self, approval: &Approval) -> bool {
        (&self.execution, self.question, &self.plan) == (&approval.execution, approval.question, &approval.plan)
    }

    fn key(&self) -> Item {
        let Self { account_id, execution, question, plan, .. } = self;
        let digest = short_digest(&format!("{execution} {question} {plan}"));
        item_key(QUESTIONS.to_owned(), &format!("{account_id}#{digest}"))
    }
}

impl Ledger {
    /// Every question, read consistently. [DynamoDB `Query`]
    pub async fn questions(&self) -> Result<Vec<Question>, StepError> {
        let call = self.client.query().table_name(&self.table).key_condition_expression("pk = :pk");
        let call = call.expression_attribute_values(":pk", AttributeValue::S(QUESTIONS.to_owned()));
        let mut pages = call.consistent_read(true).into_paginator().items().send();
        let mut found = Vec::new();
        while let Some(item) = pages.next().await {
            found.push(read(item.named("dynamodb:Query").map_err(failed)?)?);
        }
        Ok(found)
    }

    /// Writes a question down that is to be proposed. One that is there stays as it is, with its pull request.
    /// [DynamoDB `PutItem`]
    pub async fn propose_question(&self, question: &Question) -> Result<(), StepError> {
        let item = written(question, question.key())?;
        let call = self.client.put_item().table_name(&self.table).set_item(Some(item));
        let sent = call.condition_expression("attribute_not_exists(pk)").send().await;
        let sent = sent.named("dynamodb:PutItem").none_if(&["ConditionalCheckFailedException"]);
        sent.map(drop).map_err(|failure| failed(failure).for_account(&question.account_id))
    }

    /// Writes down where a question is answered. [DynamoDB `UpdateItem`]
    pub async fn note_proposed(&self, question: &Question, at: &ProposedAt) -> Result<(), StepError> {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let parts = [("branch", &at.branch), ("tip", &at.tip), ("url", &at.url)];
        let map = parts.map(|(name, value)| (name.to_owned(), text(value))).into();
        let sent = self.client.update_item().table_name(&self.table).set_key(Some(question.key()));
        let sent = sent.update_expression("SET proposed = :at").condition_expression("attribute_exists(pk)");
        let sent = sent.expression_attribute_values(":at", AttributeValue::M(map)).send().await;
        let sent = sent.named("dynamodb:UpdateItem").none_if(&["ConditionalCheckFailedException"]);
        sent.map(drop).map_err(|failure| failed(failure).for_account(&question.account_id))
    }

    /// Forgets a question that is over. [DynamoDB `DeleteItem`]
    pub async fn forget_question(&self, question: &Question) -> Result<(), StepError> {
        let sent = self.client.delete_item().table_name(&self.table).set_key(Some(question.key())).send().await;
        sent.named("dynamodb:DeleteItem").map(drop).map_err(|failure| failed(failure).for_account(&question.account_id))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_question_is_read_as_it_was_written_and_has_a_key_of_its_own() {
        let first = Question {
            account_id: "111122223333".parse().unwrap(),
            execution: "arn:me".to_owned(),
            question: 1,
            plan: "sha256:1".to_owned(),
            title: "Plan".to_owned(),
            text: "# Plan\n".to_owned(),
            proposed: None,
        };
        let at = ProposedAt { branch: "berth/0".to_owned(), tip: "0".to_owned(), url: "u".to_owned() };
        let proposed = Question { proposed: Some(at), ..first.clone() };
        assert_eq!(proposed.key(), first.key());
        assert_eq!(read::<Question>(written(&proposed, proposed.key()).unwrap()).unwrap(), proposed);
        for other in [
            Question { question: 2, ..first.clone() },
            Question { plan: "sha256:2".to_owned(), ..first.clone() },
            Question { execution: "arn:other".to_owned(), ..first.clone() },
        ] {
            assert_ne!(other.key(), first.key());
        }
    }
}
