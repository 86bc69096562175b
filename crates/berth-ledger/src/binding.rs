//! Who an account is: bound to it when it is first planned, and claimed, so that no second account is the same.
//!
//! A claim is an item of its own for each environment of a tenant. It is written in the same transaction as the account's
//! record, so that no crash leaves one without the other.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::types::{AttributeValue, Delete, TransactWriteItem};
use berth_aws::SdkResultExt;
use berth_step::{Fault, StepError};
use berth_tenancy::{
    AccountId, Binding, Claim, EnvironmentName, GIVEN_CLUSTER, GIVEN_FILE, GIVEN_ROLE, Given, Identity, TenantName,
    cluster_of_path,
};

use jiff::Timestamp;

use crate::{
    Ledger, Record, Restored, Status,
    table::{Change, Item, failed, key},
};

/// Start of the partition key of a tenant's claims.
const TENANT: &str = "tenant#";
/// Start of the sort key of a claim; the environment follows.
const CLAIM: &str = "claim#";

/// What the account is bound to by this run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// What is written.
    pub binding: Binding,
    /// Revision of the binding that the plan was compared with; none when there was none.
    pub seen: Option<u32>,
    /// Whether the account had no identity before.
    pub is_new: bool,
    /// Who the account was, when it becomes another one: that place is freed.
    pub released: Option<Identity>,
    /// What the account was given before: its inventory, where a record of an earlier version has none.
    pub given: Vec<Given>,
    /// Whether the execution has the lease already: then its journal goes on.
    pub resumes: bool,
    /// When an earlier version last onboarded the account: its record does not say when it did so first.
    pub onboarded_since: Option<Timestamp>,
}

/// Key of the claim of a tenant's environment.
pub(crate) fn claim_key(tenant: &TenantName, environment: &EnvironmentName) -> Item {
    HashMap::from([
        ("pk".to_owned(), AttributeValue::S(format!("{TENANT}{tenant}"))),
        ("sk".to_owned(), AttributeValue::S(format!("{CLAIM}{environment}"))),
    ])
}

/// The change that claims an environment of a tenant, unless another account has it.
pub(crate) fn claim(account: &AccountId, binding: &Binding) -> Result<Change, StepError> {
    Change::when("attribute_not_exists(#pk) OR #accountId = :accountId")
        .set("accountId", account)?
        .set("tenant", &binding.identity.tenant)?
        .set("environment", &binding.identity.environment)?
        .set_if_absent("since", binding.since)
}

/// Reads an item as a claim.
pub(crate) fn read_claim(item: Item) -> Result<Claim, StepError> {
    serde_dynamo::from_item(item)
        .map_err(|error| StepError::new(Fault::Bug, "the ledger holds a claim that cannot be read").because(error))
}

impl Record {
    /// What the account was given, and when: its binding, or for one that an earlier version onboarded, what the record
    /// says of its roles and of its file in the repository. None of an account that was never planned.
    #[must_use]
    pub fn identity(&self) -> Option<Identity> {
        if let Some(binding) = &self.binding {
            return Some(binding.identity.clone());
        }
        let (tenant, environment) = self.tenant.clone().zip(self.environment.clone())?;
        let mut given = BTreeMap::new();
        if let Some(commit) = &self.commit {
            given.insert(GIVEN_FILE.to_owned(), commit.path.clone());
            given.extend(cluster_of_path(&commit.path).map(|name| (GIVEN_CLUSTER.to_owned(), name.to_string())));
        }
        for role in &self.roles {
            let path_and_name = role.arn.split_once(":role").map(|(_, path)| path.to_owned());
            given.extend(path_and_name.map(|path| (format!("{GIVEN_ROLE}{}", role.name), path)));
        }
        Some(Identity { tenant, environment, given })
    }
}

impl Ledger {
    /// Every claim, by tenant and environment. [DynamoDB `Scan`]
    pub async fn claims(&self) -> Result<Vec<Claim>, StepError> {
        let pages = self
            .client
            .scan()
            .table_name(&self.table)
            .filter_expression("begins_with(sk, :claim)")
            .expression_attribute_values(":claim", AttributeValue::S(CLAIM.to_owned()))
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        let items = pages.collect::<Result<Vec<_>, _>>().await;
        let items = items.named("dynamodb:Scan").map_err(failed)?;
        let mut claims = items.into_iter().map(read_claim).collect::<Result<Vec<_>, _>>()?;
        claims.sort_by(|a, b| (&a.tenant, &a.environment).cmp(&(&b.tenant, &b.environment)));
        Ok(claims)
    }

    /// The claims of a tenant, by environment: the accounts that it has. [DynamoDB `Query`]
    pub async fn claims_of(&self, tenant: &TenantName) -> Result<Vec<Claim>, StepError> {
        let pages = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :tenant AND begins_with(sk, :claim)")
            .expression_attribute_values(":tenant", AttributeValue::S(format!("{TENANT}{tenant}")))
            .expression_attribute_values(":claim", AttributeValue::S(CLAIM.to_owned()))
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        let items = pages.collect::<Result<Vec<_>, _>>().await;
        let items = items.named("dynamodb:Query").map_err(failed)?;
        items.into_iter().map(read_claim).collect()
    }
}

impl Ledger {
    /// Writes the claim of an account whose record was written back; who has it, when somebody else does. None of an account
    /// that is nobody's. [DynamoDB `TransactWriteItems`]
    pub async fn restore_claim(&self, record: &Record) -> Result<Option<Restored>, StepError> {
        let Some(identity) = record.identity() else { return Ok(None) };
        let (tenant, environment) = (identity.tenant.clone(), identity.environment.clone());
        let binding = Binding { identity, tenant_from: None, since: record.since, revision: 1 };
        let change = claim(&record.account_id, &binding)?;
        let refusal = self.write(vec![change.of_item(&self.table, claim_key(&tenant, &environment))?]).await?;
        Ok(Some(match refusal.and_then(|mut reasons| reasons.pop()?.item) {
            None => Restored::Written,
            Some(item) => Restored::HeldBy(read_claim(item)?.account_id.to_string()),
        }))
    }

    /// The part of a transaction that frees the place that an account had. A claim of another account stays, and cancels it.
    pub(crate) fn unclaim(&self, account: &AccountId, identity: &Identity) -> Result<TransactWriteItem, StepError> {
        let delete = Delete::builder()
            .table_name(&self.table)
            .set_key(Some(claim_key(&identity.tenant, &identity.environment)))
            .condition_expression("attribute_not_exists(pk) OR accountId = :account")
            .expression_attribute_values(":account", AttributeValue::S(account.to_string()))
            .build()
            .map_err(|error| StepError::new(Fault::Bug, "a claim without a key").because(error))?;
        Ok(TransactWriteItem::builder().delete(delete).build())
    }

    /// Forgets who an account is: its claim and all that was given because of it, in one transaction. Answers whether it
    /// was written: not when the record has another generation or status by now. [DynamoDB `TransactWriteItems`]
    pub async fn release_identity(&self, record: &Record, now: Timestamp) -> Result<bool, StepError> {
        let Some(identity) = record.identity() else { return Ok(true) };
        let account = &record.account_id;
        let forgotten = Change::when("#generation = :generation AND #status = :seen")
            .set("status", Status::Ignored)?
            .set("reason", format!("it was {identity}, and a person released it"))?
            .set("since", now)?
            .value("generation", record.generation)?
            .value("seen", record.status)?
            .remove(&[
                "binding",
                "tenant",
                "environment",
                "lease",
                "failure",
                "roles",
                "signIn",
                "clusterAccess",
                "commit",
                "inventory",
                "leftOver",
                "journal",
                "journalBytes",
                "journalIsCut",
                "part",
                "suspended",
                "accessRemoved",
            ])
            .of_item(&self.table, key(account))?;
        let items = vec![forgotten, self.unclaim(account, &identity)?];
        Ok(self.write(items).await.map_err(|error| error.for_account(account))?.is_none())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn record(extra: &serde_json::Value) -> Record {
        let mut value = json!({
            "accountId": "111122223333", "status": "onboarded", "generation": 1, "since": "2026-11-01T00:00:00Z",
        });
        let fields = value.as_object_mut().unwrap();
        fields.extend(extra.as_object().unwrap().clone());
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn an_old_record_says_what_was_given_by_its_roles_and_file() {
        let record = record(&json!({
            "tenant": "payments", "environment": "dev",
            "roles": [{ "name": "developer", "arn": "arn:aws:iam::111122223333:role/tenant/payments-developer" }],
            "commit": { "sha": "0", "path": "clusters/dev-euw1/tenants/df/payments.yaml" },
        }));
        let identity = record.identity().unwrap();
        assert_eq!(identity.to_string(), "payments/dev");
        let given: Vec<(&str, &str)> = identity.given.iter().map(|(what, value)| (&**what, &**value)).collect();
        assert_eq!(
            given,
            [
                ("cluster", "dev-euw1"),
                ("custom resource", "clusters/dev-euw1/tenants/df/payments.yaml"),
                ("role developer", "/tenant/payments-developer"),
            ]
        );
    }

    #[test]
    fn an_account_that_was_never_planned_has_no_identity() {
        assert_eq!(record(&json!({})).identity(), None);
    }
}
