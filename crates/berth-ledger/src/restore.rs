//! Writes back what was lost with the table, and only that: nothing that is there is ever replaced.

use aws_sdk_dynamodb::types::AttributeValue;
use berth_aws::{CallResultExt, SdkResultExt};
use berth_step::{Fault, StepError};
use berth_tenancy::{AccountId, Region};
use ipnet::Ipv4Net;

use crate::{
    Ledger, Record,
    addresses::owner,
    table::{Item, failed, key},
};

/// What became of something that was to be written back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Restored {
    /// It was not there, and is now.
    Written,
    /// It was there.
    Kept,
    /// Something else is in its place, which a person must look at: who has it.
    HeldBy(String),
}

impl Ledger {
    /// Writes a record of an account that has none. One that is there is newer, whatever it says. [DynamoDB `PutItem`]
    pub async fn restore_record(&self, record: &Record) -> Result<Restored, StepError> {
        let mut item: Item = serde_dynamo::to_item(record)
            .map_err(|error| StepError::new(Fault::Bug, "a record does not fit into the ledger").because(error))?;
        item.extend(key(&record.account_id));
        let request = self.client.put_item().table_name(&self.table).set_item(Some(item));
        let sent = request.condition_expression("attribute_not_exists(pk)").send().await;
        let sent = sent.named("dynamodb:PutItem").none_if(&["ConditionalCheckFailedException"]);
        let written = sent.map_err(|failure| failed(failure).for_account(&record.account_id))?;
        Ok(if written.is_some() { Restored::Written } else { Restored::Kept })
    }

    /// Who has a block that an account uses, or a block around or inside it: nobody, itself, or another one.
    pub async fn block_of(
        &self,
        pool: &str,
        block: Ipv4Net,
        account: &AccountId,
        region: &Region,
    ) -> Result<Option<Restored>, StepError> {
        let pool = self.pool(pool).await?;
        let owner = owner(account, region);
        if pool.prefix_length.is_some_and(|length| length != block.prefix_len()) {
            let length = pool.prefix_length.unwrap_or_default();
            return Ok(Some(Restored::HeldBy(format!("the pool, which hands out /{length} blocks"))));
        }
        let overlapping = pool.holders.iter().find(|(held, _)| held.contains(&block) || block.contains(*held));
        Ok(overlapping.map(|(held, holding)| {
            if *held == block && holding.owner == owner && holding.released.is_none() {
                Restored::Kept
            } else {
                Restored::HeldBy(holding.owner.clone())
            }
        }))
    }

    /// Writes that an account has a block, when nobody has it.
    /// [DynamoDB `Query`, `PutItem`]
    pub async fn restore_block(
        &self,
        pool: &str,
        block: Ipv4Net,
        account: &AccountId,
        region: &Region,
    ) -> Result<Restored, StepError> {
        if let Some(found) = self.block_of(pool, block, account, region).await? {
            return Ok(found);
        }
        self.fix_size(pool, block.prefix_len()).await?;
        let values =
            [("owner", AttributeValue::S(owner(account, region))), ("cidr", AttributeValue::S(block.to_string()))];
        if self.put(pool, &format!("block#{block}"), values, None).await? {
            return Ok(Restored::Written);
        }
        // Somebody wrote it since: who, says another look.
        let found = self.block_of(pool, block, account, region).await?;
        Ok(found.unwrap_or_else(|| Restored::HeldBy("another writer".to_owned())))
    }
}
