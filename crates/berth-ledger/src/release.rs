//! Pools as people look at them, and blocks that are given back, or taken back.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::{operation::update_item::builders::UpdateItemFluentBuilder, types::AttributeValue};
use berth_aws::{CallResultExt, SdkResultExt};
use berth_step::{Fault, StepError};
use berth_tenancy::{AccountId, Region};
use ipnet::Ipv4Net;
use jiff::Timestamp;

use crate::{
    Holding, Ledger, Pool,
    addresses::{POOL, RELEASED, RESTS, Rest, owner, read},
    table::Item,
};

fn block_key(pool: &str, block: Ipv4Net) -> Item {
    Item::from([
        ("pk".to_owned(), AttributeValue::S(format!("{POOL}{pool}"))),
        ("sk".to_owned(), AttributeValue::S(format!("block#{block}"))),
    ])
}

impl Ledger {
    /// Every pool by name, with what it has handed out. [DynamoDB `Scan`]
    pub async fn pools(&self) -> Result<BTreeMap<String, Pool>, StepError> {
        let mut items = self
            .client
            .scan()
            .table_name(&self.table)
            .filter_expression("begins_with(pk, :pool)")
            .expression_attribute_values(":pool", AttributeValue::S(POOL.to_owned()))
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        let mut pools: BTreeMap<String, Pool> = BTreeMap::new();
        while let Some(item) = items.next().await {
            let item = item.named("dynamodb:Scan").or_common()?;
            let name = item.get("pk").and_then(|key| key.as_s().ok()).and_then(|key| key.strip_prefix(POOL));
            let name = name.unwrap_or_default().to_owned();
            read(pools.entry(name.clone()).or_default(), &item).ok_or_else(|| {
                StepError::new(Fault::Bug, format!("pool {name} in the ledger holds an item that cannot be read"))
            })?;
        }
        Ok(pools)
    }

    /// Blocks that this account has in this region, in whichever pools. [DynamoDB `Scan`]
    pub async fn blocks_of(&self, account: &AccountId, region: &Region) -> Result<Vec<Ipv4Net>, StepError> {
        let owner = owner(account, region);
        let holders = self.pools().await?.into_values().flat_map(|pool| pool.holders);
        let held = holders.filter(|(_, holding)| holding.owner == owner && holding.released.is_none());
        Ok(held.map(|(block, _)| block).collect())
    }

    /// Gives back every block that this account has in this region; they rest from now on, as long as `rest` says. Answers
    /// pool and block of each. [DynamoDB `Scan`, `UpdateItem`]
    pub async fn release_blocks(
        &self,
        account: &AccountId,
        region: &Region,
        rest: Rest,
        now: Timestamp,
    ) -> Result<Vec<(String, Ipv4Net)>, StepError> {
        let owner = owner(account, region);
        let mut released = Vec::new();
        for (name, pool) in self.pools().await? {
            for (block, holding) in pool.holders {
                if holding.owner == owner
                    && holding.released.is_none()
                    && self.release((&name, block), &owner, rest, now).await?
                {
                    released.push((name.clone(), block));
                }
            }
        }
        Ok(released)
    }

    /// Who has a block of a pool; none when nobody does. [DynamoDB `GetItem`]
    pub async fn holding(&self, pool: &str, block: Ipv4Net) -> Result<Option<Holding>, StepError> {
        let request = self.client.get_item().table_name(&self.table).set_key(Some(block_key(pool, block)));
        let answer = request.consistent_read(true).send().await.named("dynamodb:GetItem").or_common()?;
        let Some(item) = answer.item else { return Ok(None) };
        let mut found = Pool::default();
        read(&mut found, &item).ok_or_else(|| {
            StepError::new(Fault::Bug, format!("pool {pool} in the ledger holds an item that cannot be read"))
        })?;
        Ok(found.holders.remove(&block))
    }

    /// Takes a block back that this account has released in this region, and that nobody else has by now. Answers whether it
    /// is the account's. [DynamoDB `UpdateItem`]
    pub async fn take_back(
        &self,
        pool: &str,
        block: Ipv4Net,
        account: &AccountId,
        region: &Region,
    ) -> Result<bool, StepError> {
        let sent = self
            .update_of_owner(pool, block, &owner(account, region))
            .update_expression("REMOVE #released, #rests")
            .condition_expression("#owner = :owner")
            .send()
            .await;
        Ok(sent.named("dynamodb:UpdateItem").none_if(&["ConditionalCheckFailedException"]).or_common()?.is_some())
    }

    /// Marks one block as released, when it is still the owner's. Answers whether it was.
    async fn release(
        &self,
        (pool, block): (&str, Ipv4Net),
        owner: &str,
        rest: Rest,
        now: Timestamp,
    ) -> Result<bool, StepError> {
        let sent = self
            .update_of_owner(pool, block, owner)
            .update_expression("SET #released = :now, #rests = :rests")
            .condition_expression("#owner = :owner AND attribute_not_exists(#released)")
            .expression_attribute_values(":rests", AttributeValue::N(rest.seconds().to_string()))
            .expression_attribute_values(":now", AttributeValue::S(now.to_string()))
            .send()
            .await;
        Ok(sent.named("dynamodb:UpdateItem").none_if(&["ConditionalCheckFailedException"]).or_common()?.is_some())
    }

    /// An update of a block that says when it was released, with the names and the owner that its condition asks for.
    fn update_of_owner(&self, pool: &str, block: Ipv4Net, owner: &str) -> UpdateItemFluentBuilder {
        self.client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(block_key(pool, block)))
            .expression_attribute_names("#released", RELEASED)
            .expression_attribute_names("#rests", RESTS)
            .expression_attribute_names("#owner", "owner")
            .expression_attribute_values(":owner", AttributeValue::S(owner.to_owned()))
    }
}
