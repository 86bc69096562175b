//! The table: reading records, and the conditional write that all changes go through.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    Client,
    operation::{transact_write_items::TransactWriteItemsError, update_item::builders::UpdateItemFluentBuilder},
    types::{AttributeValue, CancellationReason, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update},
};
use berth_aws::{CallFailure, CallResultExt, SdkResultExt};
use berth_step::{Fault, StepError};
use berth_tenancy::{AccountId, wait};

use crate::Record;

/// Start of the partition key of an account's items.
const ACCOUNT: &str = "account#";

/// Sort key of an account's record.
const RECORD: &str = "record";

/// One item of the table.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// The ledger.
#[derive(Debug, Clone)]
pub struct Ledger {
    pub(crate) client: Client,
    pub(crate) table: String,
}

/// What a listing of the ledger found.
#[derive(Debug, Default)]
pub struct Listing {
    /// Records, by account id.
    pub records: Vec<Record>,
    /// Items that this version cannot read, by key.
    pub unreadable: Vec<Unreadable>,
}

/// A record that this version cannot read: another version wrote it, or a person.
#[derive(Debug)]
pub struct Unreadable {
    /// Partition key of the item.
    pub key: String,
    /// The account, when the key names one.
    pub account_id: Option<AccountId>,
    /// Why.
    pub error: StepError,
}

impl Listing {
    fn add(&mut self, item: Item) {
        let key = item.get("pk").and_then(|key| key.as_s().ok()).cloned().unwrap_or_default();
        let account_id = key.strip_prefix(ACCOUNT).and_then(|id| id.parse().ok());
        match read(item) {
            // Whoever writes under this key writes about the account that the key names.
            Ok(record) if account_id.as_ref() == Some(&record.account_id) => self.records.push(record),
            Ok(record) => {
                let what = format!("the ledger holds a record of {} under the key {key:?}", record.account_id);
                let error = StepError::new(Fault::Bug, what).hint("look at who wrote the item, and remove it");
                self.unreadable.push(Unreadable { key, account_id, error });
            }
            Err(error) => {
                let error = account_id.iter().fold(error, StepError::for_account);
                self.unreadable.push(Unreadable { key, account_id, error });
            }
        }
    }
}

/// Key of an account's record.
pub(crate) fn key(account: &AccountId) -> Item {
    HashMap::from([
        ("pk".to_owned(), AttributeValue::S(format!("{ACCOUNT}{account}"))),
        ("sk".to_owned(), AttributeValue::S(RECORD.to_owned())),
    ])
}

impl Ledger {
    /// The ledger in this table.
    #[must_use]
    pub fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    /// The record of an account, read consistently. [DynamoDB `GetItem`]
    pub async fn get(&self, account: &AccountId) -> Result<Option<Record>, StepError> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(key(account)))
            .consistent_read(true)
            .send()
            .await
            .named("dynamodb:GetItem")
            .map_err(|failure| failed(failure).for_account(account))?;
        answer.item.map(read).transpose().map_err(|error| error.for_account(account))
    }

    /// The records of these accounts, at most 100, read consistently; accounts without a readable one are left out.
    /// [DynamoDB `BatchGetItem`]
    pub async fn get_many(&self, accounts: &[AccountId]) -> Result<Vec<Record>, StepError> {
        use aws_sdk_dynamodb::types::KeysAndAttributes;
        let keys = accounts.iter().map(key).collect::<Vec<_>>();
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let wanted = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build();
        let wanted = wanted.map_err(|error| StepError::new(Fault::Bug, "a batch read without keys").because(error))?;
        let answer = self
            .client
            .batch_get_item()
            .request_items(&self.table, wanted)
            .send()
            .await
            .named("dynamodb:BatchGetItem")
            .map_err(failed)?;
        if answer.unprocessed_keys.is_some_and(|left| !left.is_empty()) {
            return Err(StepError::new(Fault::Throttled, "dynamodb:BatchGetItem left keys unread"));
        }
        let items = answer.responses.unwrap_or_default().remove(&self.table).unwrap_or_default();
        // One record that cannot be read must not fail the others: whoever needs it reads it alone, and gets the error.
        Ok(items.into_iter().filter_map(|item| read(item).ok()).collect())
    }

    /// Every record, by account id, and what cannot be read: one such item must not hide the others. [DynamoDB `Scan`]
    pub async fn list(&self) -> Result<Listing, StepError> {
        let mut pages = self
            .client
            .scan()
            .table_name(&self.table)
            .filter_expression("sk = :record")
            .expression_attribute_values(":record", AttributeValue::S(RECORD.to_owned()))
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        let mut listing = Listing::default();
        while let Some(item) = pages.next().await {
            listing.add(item.named("dynamodb:Scan").map_err(failed)?);
        }
        listing.records.sort_by(|a, b| a.account_id.cmp(&b.account_id));
        listing.unreadable.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(listing)
    }

    /// Changes an account's record when `condition` holds. Answers the record as it is afterwards, or `None` when the
    /// condition did not hold. [DynamoDB `UpdateItem`]
    pub(crate) async fn update(&self, account: &AccountId, change: Change) -> Result<Option<Record>, StepError> {
        let call = self.change_call(account, change).return_values(aws_sdk_dynamodb::types::ReturnValue::AllNew);
        let sent = call.send().await;
        let sent = sent.named("dynamodb:UpdateItem").none_if(&["ConditionalCheckFailedException"]).map_err(failed);
        let record = sent.and_then(|answer| answer.and_then(|answer| answer.attributes).map(read).transpose());
        record.map_err(|error| error.for_account(account))
    }

    /// The call that changes an account's record when the condition holds.
    pub(crate) fn change_call(&self, account: &AccountId, change: Change) -> UpdateItemFluentBuilder {
        self.client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key(account)))
            .update_expression(change.expression())
            .condition_expression(change.condition)
            .set_expression_attribute_names(Some(change.names))
            .set_expression_attribute_values(Some(change.values))
    }
}

impl Ledger {
    /// Writes all of the items or none. Answers a reason for each item, in their order, when a condition did not hold: the
    /// items that did not fit are in it, if they are there. [DynamoDB `TransactWriteItems`]
    pub(crate) async fn write(
        &self,
        items: Vec<TransactWriteItem>,
    ) -> Result<Option<Vec<CancellationReason>>, StepError> {
        let Err(error) = self.client.transact_write_items().set_transact_items(Some(items)).send().await else {
            return Ok(None);
        };
        let failure = CallFailure::of("dynamodb:TransactWriteItems", &error);
        let TransactWriteItemsError::TransactionCanceledException(cancelled) = error.into_service_error() else {
            return Err(failed(failure));
        };
        let reasons = cancelled.cancellation_reasons.unwrap_or_default();
        match reasons.iter().find_map(other_reason) {
            Some(error) => Err(error),
            None => Ok(Some(reasons)),
        }
    }
}

/// The error of a transaction that was cancelled for another reason than a condition. [API reference of
/// `CancellationReason`]
fn other_reason(reason: &CancellationReason) -> Option<StepError> {
    let code = reason.code().unwrap_or("None");
    let what = format!("dynamodb:TransactWriteItems was cancelled: {code}: {}", reason.message().unwrap_or_default());
    let fault = match code {
        "None" | "ConditionalCheckFailed" => return None,
        "TransactionConflict" => Fault::Conflict,
        "ThrottlingError" | "ProvisionedThroughputExceeded" | "RequestLimitExceeded" => Fault::Throttled,
        _ => Fault::Bug,
    };
    Some(StepError::new(fault, what))
}

/// A conditional change of a record. Every attribute is named by a placeholder, because DynamoDB reserves hundreds of
/// words, `roles` and `status` among them.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) condition: &'static str,
    sets: Vec<String>,
    removes: Vec<String>,
    pub(crate) names: HashMap<String, String>,
    pub(crate) values: Item,
}

impl Change {
    /// A change that is made only when `condition` holds. It names attributes as `#name`.
    pub(crate) fn when(condition: &'static str) -> Self {
        let word = |text: &str| text.chars().take_while(char::is_ascii_alphanumeric).collect::<String>();
        let named = condition.split('#').skip(1).map(word).map(|name| (format!("#{name}"), name));
        let (sets, removes) = (Vec::new(), Vec::new());
        Self { condition, sets, removes, names: named.collect(), values: Item::new() }
    }

    /// Sets an attribute; the condition may use its new value as `:name`.
    pub(crate) fn set(mut self, name: &str, value: impl serde::Serialize) -> Result<Self, StepError> {
        self.sets.push(format!("#{name} = :{name}"));
        self.names.insert(format!("#{name}"), name.to_owned());
        self.value(name, value)
    }

    /// Sets an attribute that is absent.
    pub(crate) fn set_if_absent(mut self, name: &str, value: impl serde::Serialize) -> Result<Self, StepError> {
        self.sets.push(format!("#{name} = if_not_exists(#{name}, :{name})"));
        self.names.insert(format!("#{name}"), name.to_owned());
        self.value(name, value)
    }

    /// Removes attributes.
    pub(crate) fn remove(mut self, names: &[&str]) -> Self {
        for name in names {
            self.removes.push(format!("#{name}"));
            self.names.insert(format!("#{name}"), (*name).to_owned());
        }
        self
    }

    /// Puts a value into a map that is there, under a key that `alias` stands for; the condition may use it as `#alias`.
    pub(crate) fn put(
        mut self,
        map: &str,
        (alias, key): (&str, &str),
        value: impl serde::Serialize,
    ) -> Result<Self, StepError> {
        self.sets.push(format!("#{map}.#{alias} = :{alias}"));
        self.names.insert(format!("#{map}"), map.to_owned());
        self.names.insert(format!("#{alias}"), key.to_owned());
        self.value(alias, value)
    }

    /// Adds to a number that is there.
    pub(crate) fn add(mut self, name: &str, amount: usize) -> Result<Self, StepError> {
        self.sets.push(format!("#{name} = #{name} + :{name}"));
        self.names.insert(format!("#{name}"), name.to_owned());
        self.value(name, amount)
    }

    /// A value that the condition uses as `:name`.
    pub(crate) fn value(mut self, name: &str, value: impl serde::Serialize) -> Result<Self, StepError> {
        let value = serde_dynamo::to_attribute_value(value).map_err(|error| {
            StepError::new(Fault::Bug, format!("{name} does not fit into the ledger")).because(error)
        })?;
        self.values.insert(format!(":{name}"), value);
        Ok(self)
    }

    /// The change as a part of a transaction, on the item with this key. An item that does not fit comes back with the
    /// refusal.
    pub(crate) fn of_item(self, table: &str, key: Item) -> Result<TransactWriteItem, StepError> {
        let update = Update::builder()
            .table_name(table)
            .set_key(Some(key))
            .update_expression(self.expression())
            .condition_expression(self.condition)
            .set_expression_attribute_names(Some(self.names))
            .set_expression_attribute_values(Some(self.values))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map_err(|error| StepError::new(Fault::Bug, "a change without a table or a key").because(error))?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    /// The update expression.
    pub(crate) fn expression(&self) -> String {
        // DynamoDB refuses a keyword with nothing behind it.
        let clauses = [("SET", &self.sets), ("REMOVE", &self.removes)].into_iter();
        let clauses = clauses.filter(|(_, parts)| !parts.is_empty());
        clauses.map(|(word, parts)| format!("{word} {}", parts.join(", "))).collect::<Vec<_>>().join(" ")
    }
}

/// Reads an item as a record.
pub(crate) fn read(item: Item) -> Result<Record, StepError> {
    serde_dynamo::from_item(item).map_err(|error| {
        StepError::new(Fault::Bug, "the ledger holds a record that this version cannot read")
            .hint("compare the functions' version with the one that wrote the record")
            .because(error)
    })
}

/// The error of a call to the table.
pub(crate) fn failed(failure: CallFailure) -> StepError {
    match failure.code() {
        Some("ResourceNotFoundException") => {
            failure.as_fault(Fault::InvalidInput, "set BERTH_LEDGER_TABLE to the table of this deployment")
        }
        Some("TransactionConflictException") => failure.as_fault(
            Fault::Conflict,
            wait(
                "another function wrote the same record",
                "see which executions of the account run (berth status), stop the one that is not wanted, and redrive",
            ),
        ),
        _ => failure.or_common(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Placeholders in an expression that start with `mark`.
    fn used(expression: &str, mark: char) -> Vec<String> {
        let words = expression.split(|c: char| !(c.is_ascii_alphanumeric() || c == mark));
        let mut words: Vec<String> = words.filter(|word| word.starts_with(mark)).map(str::to_owned).collect();
        words.sort();
        words.dedup();
        words
    }

    fn change() -> Change {
        Change::when("attribute_not_exists(#lease) OR (#lease = :me AND #status<>:status)")
            .set("status", "running")
            .and_then(|change| change.set("roles", ["a"]))
            .and_then(|change| change.set_if_absent("generation", 1))
            .and_then(|change| change.value("me", "arn"))
            .unwrap()
            .remove(&["failure", "reason"])
    }

    #[test]
    fn the_expression_sets_and_removes_by_placeholder() {
        assert_eq!(
            change().expression(),
            "SET #status = :status, #roles = :roles, #generation = if_not_exists(#generation, :generation) \
             REMOVE #failure, #reason"
        );
        let only_sets = Change::when("attribute_exists(#pk)").set("status", "failed").unwrap();
        assert_eq!(only_sets.expression(), "SET #status = :status");
        let only_removes = Change::when("attribute_exists(#pk)").remove(&["offboarding"]);
        assert_eq!(only_removes.expression(), "REMOVE #offboarding");
    }

    /// DynamoDB refuses an expression with a placeholder that is not defined, and a definition that is not used.
    #[test]
    fn every_placeholder_is_defined_and_every_definition_is_used() {
        let change = change();
        let text = format!("{} {}", change.expression(), change.condition);
        let mut names: Vec<String> = change.names.keys().cloned().collect();
        names.sort();
        assert_eq!(names, used(&text, '#'));
        let mut values: Vec<String> = change.values.keys().cloned().collect();
        values.sort();
        assert_eq!(values, used(&text, ':'));
        assert!(
            change.names.iter().all(|(placeholder, name)| *placeholder == format!("#{name}")),
            "{:?}",
            change.names
        );
    }

    #[test]
    fn a_value_keeps_its_type() {
        let change = change();
        assert_eq!(change.values[":generation"], AttributeValue::N("1".to_owned()));
        assert_eq!(change.values[":roles"], AttributeValue::L(vec![AttributeValue::S("a".to_owned())]));
    }

    #[test]
    fn a_record_that_this_version_cannot_read_is_a_bug() {
        let item = Item::from([("pk".to_owned(), AttributeValue::S("account#111122223333".to_owned()))]);
        assert_eq!(read(item).unwrap_err().fault, Fault::Bug);
    }

    #[test]
    fn an_item_that_cannot_be_read_hides_no_other() {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let item = |key: &str, account: &str| {
            Item::from([
                ("pk".to_owned(), text(key)),
                ("sk".to_owned(), text(RECORD)),
                ("accountId".to_owned(), text(account)),
                ("status".to_owned(), text("onboarded")),
                ("generation".to_owned(), AttributeValue::N("1".to_owned())),
                ("since".to_owned(), text("2026-11-01T00:00:00Z")),
            ])
        };
        let mut broken = item("account#111122223333", "111122223333");
        broken.insert("status".to_owned(), text("lost"));
        let mut listing = Listing::default();
        for item in [
            broken,
            item("account#222233334444", "222233334444"),
            item("account#big", "333344445555"),
            item("account#444455556666", "555566667777"),
        ] {
            listing.add(item);
        }
        let [record] = listing.records.as_slice() else { panic!("{listing:?}") };
        assert_eq!(record.account_id.as_str(), "222233334444");
        let unreadable: Vec<_> = listing.unreadable.iter().map(|each| each.account_id.as_ref()).collect();
        let [first, none, other] = unreadable.as_slice() else { panic!("{listing:?}") };
        assert_eq!(first.unwrap().as_str(), "111122223333");
        assert!(none.is_none() && other.unwrap().as_str() == "444455556666");
    }

    #[test]
    fn the_key_of_an_account_is_made_from_its_id() {
        let key = key(&"011122223333".parse().unwrap());
        assert_eq!(key["pk"], AttributeValue::S("account#011122223333".to_owned()));
        assert_eq!(key["sk"], AttributeValue::S("record".to_owned()));
    }
}
