//! Accounts that leave: the list of those that are to be offboarded, the lease of one that is, and its tombstone.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use berth_aws::{CallResultExt, SdkResultExt};
use berth_step::{Fault, StepError};
use berth_tenancy::{AccountId, EnvironmentName, Subject, TenantName};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Acquisition, Holder, JournalBatch, Ledger, Part, Record, Status,
    journal::inventory,
    table::{Change, failed, key},
};

/// Why an account is on the list of those that are to be offboarded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OffboardingMark {
    /// Since when.
    pub since: Timestamp,
    /// Why, in one sentence.
    pub reason: String,
}

/// What the ledger keeps of an account that was offboarded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tombstone {
    /// The tenant that it belonged to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<TenantName>,
    /// Its environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<EnvironmentName>,
    /// Whether it was closed by then.
    pub is_closed: bool,
    /// What stayed, each thing in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_behind: Vec<String>,
    /// The account's record as it was, and what was done.
    pub snapshot: serde_json::Value,
}

/// Start of the partition key of the item that counts the accounts that leave on one day.
const GUARD: &str = "offboarded#";

/// Attributes that say what an account has: an offboarded one has nothing.
const HELD: [&str; 27] = [
    "approval",
    "lease",
    "binding",
    "tenant",
    "environment",
    "offboarding",
    "failure",
    "reason",
    "regions",
    "roles",
    "defaultVpcs",
    "signIn",
    "clusterAccess",
    "readiness",
    "commit",
    "inventory",
    "leftOver",
    "tags",
    "journal",
    "journalBytes",
    "journalIsCut",
    "part",
    "suspended",
    "accessRemoved",
    "onboardedSince",
    "announced",
    "drift",
];

/// How many accounts have something, or had when this day (`2026-11-29`) began: of them the guard lets a share leave. Pure.
#[must_use]
pub fn accounts_with_something<'a>(records: impl IntoIterator<Item = &'a Record>, day: &str) -> usize {
    let has_something = |record: &&Record| match record.status {
        Status::Running | Status::Onboarded | Status::Failed | Status::Offboarding | Status::OffboardingFailed => true,
        Status::Offboarded => self::day(record.since) == day,
        Status::Requested | Status::Ignored => false,
    };
    records.into_iter().filter(has_something).count()
}

/// The day of a time, in UTC.
#[must_use]
pub fn day(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d").to_string()
}

impl Ledger {
    /// Puts an account on the list of those that are to be offboarded, once. Answers whether it is there now: not when the
    /// ledger does not know the account, when it is leaving or has left, or when a person has taken it off the list since.
    /// [DynamoDB `UpdateItem`]
    pub async fn mark_offboarding(&self, account: &AccountId, mark: &OffboardingMark) -> Result<bool, StepError> {
        let change = Change::when(
            "attribute_exists(#pk) AND #status <> :leaving AND #status <> :stopped AND #status <> :left \
             AND (attribute_not_exists(#offboardingCancelled) OR #offboardingCancelled < :happened)",
        )
        .set_if_absent("offboarding", mark)?
        .value("happened", mark.since)?
        .value("leaving", Status::Offboarding)?
        .value("stopped", Status::OffboardingFailed)?
        .value("left", Status::Offboarded)?;
        Ok(self.update(account, change).await?.is_some())
    }

    /// Takes an account off that list. Answers whether it was on it. [DynamoDB `UpdateItem`]
    pub async fn unmark_offboarding(&self, account: &AccountId, now: Timestamp) -> Result<bool, StepError> {
        let change = Change::when("attribute_exists(#offboarding) AND #status <> :leaving")
            .set("offboardingCancelled", now)?
            .value("leaving", Status::Offboarding)?
            .remove(&["offboarding"]);
        Ok(self.update(account, change).await?.is_some())
    }

    /// Takes an account off that list that is Berth's again. Nobody has decided that it stays, so another closing puts it
    /// back. Answers whether it was on it since then. [DynamoDB `UpdateItem`]
    pub async fn forget_offboarding(&self, account: &AccountId, mark: &OffboardingMark) -> Result<bool, StepError> {
        let change = Change::when("#offboarding.#since = :since AND #status <> :leaving")
            .value("since", mark.since)?
            .value("leaving", Status::Offboarding)?
            .remove(&["offboarding"]);
        Ok(self.update(account, change).await?.is_some())
    }

    /// Acquires the lease for an execution that takes the account away, or a part of it, whose record was read as `record`:
    /// when nobody has it, the execution itself has it, or `expected` has it, a holder that the caller knows to have ended or
    /// to have changed nothing.
    /// [DynamoDB `UpdateItem`, `GetItem`]
    pub async fn acquire_to_offboard(
        &self,
        subject: &Subject,
        (record, part): (&Record, Option<&Part>),
        expected: Option<&Holder>,
        now: Timestamp,
    ) -> Result<Acquisition, StepError> {
        let is_same = match (&record.part, part) {
            (Some(had), Some(part)) => had.is_same(part),
            (None, None) => true,
            _ => false,
        };
        let resumes = is_same && matches!(record.status, Status::Offboarding | Status::OffboardingFailed);
        let account = &subject.account_id;
        let expected = expected.map_or(subject.execution.as_str(), |holder| holder.execution.as_str());
        let change = Change::when(
            "(attribute_not_exists(#lease) OR #lease = :lease OR #lease = :expected) AND #generation <= :generation",
        )
        .set("lease", &subject.execution)?
        .set("executionArn", &subject.execution)?
        .set("generation", subject.generation)?
        .set("status", Status::Offboarding)?
        .set("since", now)?
        .value("expected", expected)?;
        // A run that has not ended well is gone on with, and so is its journal; that of an onboarding is over.
        let empty = BTreeMap::<String, JournalBatch>::new();
        let change = if resumes {
            let change = change.set_if_absent("journal", empty)?.set_if_absent("journalBytes", 0)?;
            change.remove(&["reason", "failure"])
        } else {
            let change = change.set("journal", empty)?.set("journalBytes", 0)?;
            change.remove(&["reason", "failure", "journalIsCut"])
        };
        let change = match part {
            Some(part) => change.set("part", part)?,
            None => change.remove(&["part"]),
        };
        let change = change.set_if_absent("inventory", inventory(record.given()))?;
        if self.update(account, change).await?.is_some() {
            return Ok(Acquisition::Acquired);
        }
        let record = self.get(account).await?;
        let waits = record.as_ref().is_some_and(|record| record.waiting().is_some());
        match record.and_then(|record| record.lease).filter(|lease| *lease != subject.execution) {
            Some(execution) => Ok(Acquisition::HeldBy(Holder { execution, waits })),
            None => Err(StepError::new(Fault::Conflict, "the account's record changed while the lease was asked for")
                .for_account(account)),
        }
    }

    /// Counts an account among those that leave on this day, unless `allowed` others are counted already: then it answers how
    /// many. Counting twice counts once, and no two executions at once can both be the last one. [DynamoDB `UpdateItem`]
    pub async fn count_offboarding(
        &self,
        account: &AccountId,
        day: &str,
        allowed: usize,
    ) -> Result<Option<usize>, StepError> {
        let me = AttributeValue::S(account.to_string());
        let sent = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("pk", AttributeValue::S(format!("{GUARD}{day}")))
            .key("sk", AttributeValue::S("guard".to_owned()))
            .update_expression("ADD #accounts :mine")
            .condition_expression(
                "attribute_not_exists(#accounts) OR contains(#accounts, :me) OR size(#accounts) < :allowed",
            )
            .expression_attribute_names("#accounts", "accounts")
            .expression_attribute_values(":mine", AttributeValue::Ss(vec![account.to_string()]))
            .expression_attribute_values(":me", me)
            .expression_attribute_values(":allowed", AttributeValue::N(allowed.to_string()))
            .send()
            .await;
        let sent = sent.named("dynamodb:UpdateItem").none_if(&["ConditionalCheckFailedException"]).map_err(failed)?;
        Ok(if sent.is_some() { None } else { Some(allowed) })
    }

    /// Writes the tombstone of an account, frees its place in its tenant, and releases the lease, in one transaction. Answers
    /// whether it was written: not by an execution that has no lease. [DynamoDB `GetItem`, `TransactWriteItems`]
    pub async fn bury(
        &self,
        account: &AccountId,
        execution: &str,
        tombstone: &Tombstone,
        now: Timestamp,
    ) -> Result<bool, StepError> {
        let Some(record) = self.get(account).await? else { return Ok(false) };
        let buried = Change::when("#lease = :me")
            .set("status", Status::Offboarded)?
            .set("since", now)?
            .set("executionArn", execution)?
            .set("offboarded", tombstone)?
            .value("me", execution)?
            .remove(&HELD)
            .of_item(&self.table, key(account))?;
        let mut items = vec![buried];
        if let Some(identity) = record.identity() {
            items.push(self.unclaim(account, &identity)?);
        }
        Ok(self.write(items).await.map_err(|error| error.for_account(account))?.is_none())
    }
}
