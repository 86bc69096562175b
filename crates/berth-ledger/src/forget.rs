//! Forgets accounts that were asked for and are nobody's: most are typing errors.

use berth_aws::{CallResultExt, SdkResultExt};
use berth_step::StepError;

use crate::{
    Ledger, Record,
    table::{Change, failed, key},
};

impl Record {
    /// Whether nothing was ever planned for the account, so that nothing can be lost with its record.
    #[must_use]
    pub fn was_never_planned(&self) -> bool {
        self.lease.is_none()
            && self.binding.is_none()
            && self.inventory.is_none()
            && self.tenant.is_none()
            && self.offboarded.is_none()
            && self.given().is_empty()
    }
}

impl Ledger {
    /// Takes the record out, if nothing was ever planned for the account and the record still is as it was read. Answers
    /// whether it is gone. [DynamoDB `DeleteItem`]
    ///
    /// The names of its executions stay taken for 90 days; `accept-event` goes on after them.
    pub async fn forget(&self, record: &Record) -> Result<bool, StepError> {
        if !record.was_never_planned() {
            return Ok(false);
        }
        let as_read = Change::when(
            "#status = :status AND #generation = :generation AND attribute_not_exists(#lease) \
             AND attribute_not_exists(#binding) AND attribute_not_exists(#inventory)",
        )
        .value("status", record.status)?
        .value("generation", record.generation)?;
        let call = self
            .client
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(key(&record.account_id)))
            .condition_expression(as_read.condition)
            .set_expression_attribute_names(Some(as_read.names))
            .set_expression_attribute_values(Some(as_read.values));
        let sent = call.send().await.named("dynamodb:DeleteItem").none_if(&["ConditionalCheckFailedException"]);
        let gone = sent.map_err(|failure| failed(failure).for_account(&record.account_id))?;
        Ok(gone.is_some())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::{Value, json};

    use super::*;

    fn record(extra: &Value) -> Record {
        let mut value = json!({
            "accountId": "111122223333", "status": "failed", "generation": 1, "since": "2026-11-01T00:00:00Z",
        });
        value.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn only_an_account_that_never_had_anything_may_be_forgotten() {
        assert!(record(&json!({})).was_never_planned());
        let role = json!([{ "name": "a", "arn": "arn:a" }]);
        for known in [
            json!({ "lease": "arn:mine" }),
            json!({ "tenant": "x", "environment": "dev" }),
            json!({ "inventory": {} }),
            json!({ "roles": role }),
            json!({ "commit": { "sha": "0", "path": "p" } }),
        ] {
            assert!(!record(&known).was_never_planned(), "{known}");
        }
    }
}
