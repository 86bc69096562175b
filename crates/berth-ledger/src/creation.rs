//! The VPC of an account in a region, and the intent to create it, written before the call: EC2's `CreateVpc` has no client
//! token, and a VPC that was made may stay unseen for a while.
//!
//! One item for each account and region. The intent stays after the VPC is there: only while it is young, and no VPC is
//! seen, does it stop a second try. The VPC is written as soon as EC2 has answered: whoever may tag in the account can
//! write Berth's tags on another one, and nobody there can write here.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use berth_aws::{CallResultExt, SdkResultExt};
use berth_step::{Fault, StepError};
use berth_tenancy::{AccountId, Region};
use ipnet::Ipv4Net;
use jiff::Timestamp;

use crate::{Ledger, table::Item};

/// Attribute: when the call was begun. Absent after AWS refused it.
const BEGUN: &str = "begun";

/// Attributes: the VPC of the account, and its block.
const VPC: &str = "vpcId";
const CIDR: &str = "cidr";

/// Attribute: the VPC that is gone, and that a new one takes the place of.
const REPLACES: &str = "replaces";

/// The VPC of an account in a region, as the ledger has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedVpc {
    /// Its id.
    pub id: String,
    /// Its block.
    pub cidr: Ipv4Net,
}

/// What the ledger knows of the VPC of an account in a region.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VpcIntent {
    /// When the newest `CreateVpc` was begun whose answer nobody knows to be a refusal.
    pub begun: Option<Timestamp>,
    /// The VPC.
    pub vpc: Option<RecordedVpc>,
}

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
    /// What is known of the VPC of this account in this region. Where no VPC was written with the intent (by an older
    /// version, or after the ledger was rebuilt), it is the one of the account's record. [DynamoDB `GetItem`]
    pub async fn vpc_intent(&self, account: &AccountId, region: &Region) -> Result<VpcIntent, StepError> {
        let request = self.client.get_item().table_name(&self.table).set_key(Some(key(account, region)));
        let answer = request.consistent_read(true).send().await;
        let answer = answer.named("dynamodb:GetItem").or_common()?;
        let item = answer.item.unwrap_or_default();
        let unreadable = || StepError::new(Fault::Bug, "the ledger holds an intent that cannot be read");
        let value = |name: &str| item.get(name).map(|value| value.as_s().map_err(|_| unreadable())).transpose();
        let begun = value(BEGUN)?.map(|text| text.parse().map_err(|_| unreadable())).transpose()?;
        if let Some((id, cidr)) = value(VPC)?.zip(value(CIDR)?) {
            let cidr = cidr.parse().map_err(|_| unreadable())?;
            return Ok(VpcIntent { begun, vpc: Some(RecordedVpc { id: id.clone(), cidr }) });
        }
        let record = self.get(account).await?;
        let known = record.and_then(|mut record| record.regions.remove(region));
        let known = known.filter(|known| value(REPLACES).ok().flatten() != Some(&known.vpc_id));
        let vpc = known.map(|known| {
            let cidr = known.cidr.parse().map_err(|_| unreadable())?;
            Ok::<_, StepError>(RecordedVpc { id: known.vpc_id, cidr })
        });
        Ok(VpcIntent { begun, vpc: vpc.transpose()? })
    }

    /// Writes that a `CreateVpc` begins now, unless another one began since `seen` was read: then `Conflict`. A VPC that
    /// was on record before is gone: the new one takes its place. [DynamoDB `UpdateItem`]
    pub async fn begin_vpc_creation(
        &self,
        (account, region): (&AccountId, &Region),
        execution: &str,
        seen: &VpcIntent,
        now: Timestamp,
    ) -> Result<(), StepError> {
        let gone = seen.vpc.as_ref().map(|vpc| vpc.id.clone()).unwrap_or_default();
        let request = self.client.update_item().table_name(&self.table).set_key(Some(key(account, region)));
        let request = request
            .update_expression("SET #begun = :now, #execution = :execution, #replaces = :gone REMOVE #vpc, #cidr")
            .expression_attribute_names("#replaces", REPLACES)
            .expression_attribute_names("#vpc", VPC)
            .expression_attribute_names("#cidr", CIDR)
            .expression_attribute_values(":gone", AttributeValue::S(gone))
            .expression_attribute_names("#begun", BEGUN)
            .expression_attribute_names("#execution", "execution")
            .expression_attribute_values(":now", text(now))
            .expression_attribute_values(":execution", AttributeValue::S(execution.to_owned()));
        let request = match seen.begun {
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

    /// Writes which VPC is the account's, unless the ledger has another one: then `Conflict`. [DynamoDB `UpdateItem`]
    pub async fn record_vpc(&self, account: &AccountId, region: &Region, vpc: &RecordedVpc) -> Result<(), StepError> {
        let request = self.client.update_item().table_name(&self.table).set_key(Some(key(account, region)));
        let sent = request
            .update_expression("SET #vpc = :vpc, #cidr = :cidr REMOVE #replaces")
            .condition_expression("attribute_not_exists(#vpc) OR #vpc = :vpc")
            .expression_attribute_names("#vpc", VPC)
            .expression_attribute_names("#cidr", CIDR)
            .expression_attribute_names("#replaces", REPLACES)
            .expression_attribute_values(":vpc", AttributeValue::S(vpc.id.clone()))
            .expression_attribute_values(":cidr", AttributeValue::S(vpc.cidr.to_string()))
            .send()
            .await
            .named("dynamodb:UpdateItem")
            .none_if(&["ConditionalCheckFailedException"]);
        let what = || format!("the ledger has another VPC of {account} in {region} than {}", vpc.id);
        sent.or_common()?.map(drop).ok_or_else(|| StepError::new(Fault::Conflict, what()))
    }

    /// Writes that the account's VPC on record is gone, unless the ledger has another one by now. No VPC takes its place,
    /// and that of the account's record does not either. [DynamoDB `UpdateItem`]
    pub async fn forget_vpc(&self, account: &AccountId, region: &Region, vpc: &str) -> Result<(), StepError> {
        let request = self.client.update_item().table_name(&self.table).set_key(Some(key(account, region)));
        let sent = request
            .update_expression("SET #replaces = :vpc REMOVE #vpc, #cidr, #begun")
            .condition_expression("attribute_not_exists(#vpc) OR #vpc = :vpc")
            .expression_attribute_names("#replaces", REPLACES)
            .expression_attribute_names("#vpc", VPC)
            .expression_attribute_names("#cidr", CIDR)
            .expression_attribute_names("#begun", BEGUN)
            .expression_attribute_values(":vpc", AttributeValue::S(vpc.to_owned()))
            .send()
            .await
            .named("dynamodb:UpdateItem")
            .none_if(&["ConditionalCheckFailedException"]);
        let what = || format!("the ledger has another VPC of {account} in {region} than {vpc}");
        sent.or_common()?.map(drop).ok_or_else(|| StepError::new(Fault::Conflict, what()))
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
