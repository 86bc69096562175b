//! The intent to create a VPC, written before the call: EC2's `CreateVpc` has no client token, and a VPC that was made
//! may stay unseen for a while.
//!
//! One item for each account and region. It stays after the VPC is there: only while it is young, and no VPC is seen,
//! does it stop a second try.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use berth_aws::{CallResultExt, SdkResultExt};
use berth_step::{Fault, StepError};
use berth_tenancy::{AccountId, Region};
use jiff::Timestamp;

use crate::{Ledger, table::Item};

/// Attribute: when the call was begun. Absent after AWS refused it.
const BEGUN: &str = "begun";

fn key(account: &AccountId, region: &Region) -> Item {
    HashMap::from([
        ("pk".to_owned(), AttributeValue::S(format!("vpc#{account}"))),
        ("sk".to_owned(), AttributeValue::S(region.to_string())),
    ])
}

fn text(at: Timestamp) -> AttributeValue {
    AttributeValue::S(at.to_string())
}

impl Ledger {
    /// When the newest `CreateVpc` of this account in this region was begun whose answer nobody knows to be a refusal.
    /// [DynamoDB `GetItem`]
    pub async fn vpc_creation(&self, account: &AccountId, region: &Region) -> Result<Option<Timestamp>, StepError> {
        let request = self.client.get_item().table_name(&self.table).set_key(Some(key(account, region)));
        let answer = request.consistent_read(true).send().await;
        let answer = answer.named("dynamodb:GetItem").or_common()?;
        let Some(begun) = answer.item.as_ref().and_then(|item| item.get(BEGUN)) else { return Ok(None) };
        let parsed = begun.as_s().ok().and_then(|text| text.parse().ok());
        parsed.map(Some).ok_or_else(|| StepError::new(Fault::Bug, "the ledger holds an intent that cannot be read"))
    }

    /// Writes that a `CreateVpc` begins now, unless another one began since `seen` was read: then `Conflict`.
    /// [DynamoDB `UpdateItem`]
    pub async fn begin_vpc_creation(
        &self,
        (account, region): (&AccountId, &Region),
        execution: &str,
        seen: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), StepError> {
        let request = self.client.update_item().table_name(&self.table).set_key(Some(key(account, region)));
        let request = request
            .update_expression("SET #begun = :now, #execution = :execution")
            .expression_attribute_names("#begun", BEGUN)
            .expression_attribute_names("#execution", "execution")
            .expression_attribute_values(":now", text(now))
            .expression_attribute_values(":execution", AttributeValue::S(execution.to_owned()));
        let request = match seen {
            None => request.condition_expression("attribute_not_exists(#begun)"),
            Some(seen) => {
                request.condition_expression("#begun = :seen").expression_attribute_values(":seen", text(seen))
            }
        };
        let sent = request.send().await.named("dynamodb:UpdateItem").none_if(&["ConditionalCheckFailedException"]);
        let other =
            || StepError::new(Fault::Conflict, format!("another run is creating the VPC of {account} in {region}"));
        sent.or_common()?.map(drop).ok_or_else(other)
    }

    /// Writes that AWS refused the `CreateVpc` of `begun`, so that the next try need not wait. [DynamoDB `UpdateItem`]
    pub async fn refuse_vpc_creation(
        &self,
        account: &AccountId,
        region: &Region,
        begun: Timestamp,
    ) -> Result<(), StepError> {
        let request = self.client.update_item().table_name(&self.table).set_key(Some(key(account, region)));
        let sent = request
            .update_expression("REMOVE #begun")
            .condition_expression("#begun = :begun")
            .expression_attribute_names("#begun", BEGUN)
            .expression_attribute_values(":begun", text(begun))
            .send()
            .await;
        sent.named("dynamodb:UpdateItem").none_if(&["ConditionalCheckFailedException"]).or_common().map(drop)
    }
}
