//! Address blocks for organizations without IPAM: no two owners ever get overlapping blocks.
//!
//! A pool hands out blocks of one size only, fixed by its first use. Blocks of one size are equal or disjoint, so one
//! conditional write of the block's own item decides who owns it, under any interleaving. A block that was released rests
//! before another owner gets it, because routes and caches elsewhere may still lead to the former one, and because AWS keeps
//! the networks of a closed account for 90 days.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use berth_aws::{CallResultExt, SdkResultExt};
use berth_step::{Fault, StepError};
use berth_tenancy::{AccountId, Region};
use ipnet::Ipv4Net;
use jiff::Timestamp;

use crate::{Ledger, free::FreeBlocks, table::Item};

/// Attribute of a block: since when it is released.
pub(crate) const RELEASED: &str = "released";

/// Attribute of a released block: how many seconds it rests, when it is not [`REST_SECONDS`].
pub(crate) const RESTS: &str = "restSeconds";

/// What the partition keys of pools start with.
pub(crate) const POOL: &str = "pool#";

/// Sort key of the item that fixes a pool's block size.
const SIZE: &str = "size";

/// Blocks that one call tries before it gives way to the other writers.
const TRIES_MAX: usize = 32;

/// How long a released block rests whose VPC is gone, in seconds: as long as IPAM keeps one back.
pub const REST_SECONDS: i64 = 30 * 60;

/// How long a block rests whose VPC may still be there, in seconds: a day more than the 90 days for which AWS keeps what is
/// in a closed account, and gives it back when the account is reopened.
/// <https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-closing.html>
pub const CLOSED_REST_SECONDS: i64 = 91 * 24 * 3600;

/// Why a block is given back, which says how long it rests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    /// Its VPC was seen to be gone.
    VpcGone,
    /// Nobody has seen that: the account is closed, or cannot be entered.
    Unseen,
}

impl Rest {
    /// How long the block rests, in seconds.
    #[must_use]
    pub fn seconds(self) -> i64 {
        match self {
            Self::VpcGone => REST_SECONDS,
            Self::Unseen => CLOSED_REST_SECONDS,
        }
    }
}

/// Asks for the block of an account in a region.
#[derive(Debug, Clone, Copy)]
pub struct BlockRequest<'a> {
    /// Name of the pool.
    pub pool: &'a str,
    /// Blocks that the pool is made of.
    pub supernets: &'a [Ipv4Net],
    /// Blocks inside the supernets that are in use elsewhere.
    pub excluded: &'a [Ipv4Net],
    /// Prefix length of the block.
    pub prefix_length: u8,
    /// Account that owns the block.
    pub account: &'a AccountId,
    /// Region that the block is used in.
    pub region: &'a Region,
    /// The time: released blocks rest.
    pub now: Timestamp,
}

impl BlockRequest<'_> {
    fn owner(&self) -> String {
        owner(self.account, self.region)
    }
}

/// How an owner is named in the table.
pub(crate) fn owner(account: &AccountId, region: &Region) -> String {
    format!("{account}/{region}")
}

/// What a pool has handed out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pool {
    /// Prefix length of its blocks; none before its first use.
    pub prefix_length: Option<u8>,
    /// Who has each block.
    pub holders: BTreeMap<Ipv4Net, Holding>,
}

/// Who has a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    /// Account and region (`111122223333/eu-west-1`).
    pub owner: String,
    /// Since when it is released; none while it is in use.
    pub released: Option<Timestamp>,
    /// How long it rests from then on, in seconds.
    pub rest_seconds: i64,
}

impl Holding {
    /// Whether it is this account's in this region.
    #[must_use]
    pub fn is_of(&self, account: &AccountId, region: &Region) -> bool {
        self.owner == owner(account, region)
    }

    /// Whether another owner may get the block.
    #[must_use]
    pub fn has_rested(&self, now: Timestamp) -> bool {
        self.released.is_some_and(|released| now.as_second().saturating_sub(released.as_second()) >= self.rest_seconds)
    }
}

/// A block to try, and what its item must be like for the try to succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Candidate {
    block: Ipv4Net,
    /// Whether the owner has it, and never released it.
    is_held: bool,
    /// When it was released; none for one that has no item.
    released: Option<Timestamp>,
}

impl Ledger {
    /// The block of this account in this region: the one that it has in the pool, or a free one that becomes its own.
    ///
    /// `InvalidInput` when the pool is exhausted or hands out another size; `Conflict` when too many others wrote at the
    /// same time. [DynamoDB `Query`, `PutItem`]
    pub async fn reserve_block(&self, request: &BlockRequest<'_>) -> Result<Ipv4Net, StepError> {
        let mut pool = self.pool(request.pool).await?;
        if pool.prefix_length.is_none() && !self.fix_size(request.pool, request.prefix_length).await? {
            pool = self.pool(request.pool).await?;
        }
        let owner = request.owner();
        for candidate in candidates(request, &pool)? {
            if candidate.is_held || self.take_block(request.pool, candidate, &owner).await? {
                return Ok(candidate.block);
            }
        }
        Err(StepError::new(Fault::Conflict, format!("pool {} is being used by many accounts at once", request.pool)))
    }

    /// The blocks that this account holds in a pool for this region: one, unless the pool changed. [DynamoDB `Query`]
    pub async fn held_blocks(
        &self,
        pool: &str,
        account: &AccountId,
        region: &Region,
    ) -> Result<Vec<Ipv4Net>, StepError> {
        let owner = owner(account, region);
        let holders = self.pool(pool).await?.holders.into_iter();
        let held = holders.filter(|(_, holding)| holding.owner == owner && holding.released.is_none());
        Ok(held.map(|(block, _)| block).collect())
    }

    /// Fixes the size of a pool's blocks. Answers whether it was free.
    pub(crate) async fn fix_size(&self, pool: &str, prefix_length: u8) -> Result<bool, StepError> {
        let size = [("prefixLength", AttributeValue::N(prefix_length.to_string()))];
        self.put(pool, SIZE, size, None).await
    }

    /// Writes that `owner` has the block, when its item is as the candidate says. [DynamoDB `PutItem`]
    async fn take_block(&self, pool: &str, candidate: Candidate, owner: &str) -> Result<bool, StepError> {
        let Candidate { block, released, .. } = candidate;
        let (sort, block) = (format!("block#{block}"), AttributeValue::S(block.to_string()));
        let item = [("owner", AttributeValue::S(owner.to_owned())), ("cidr", block)];
        self.put(pool, &sort, item, released).await
    }

    /// Reads a pool, consistently. [DynamoDB `Query`]
    pub(crate) async fn pool(&self, name: &str) -> Result<Pool, StepError> {
        let mut items = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pool")
            .expression_attribute_values(":pool", AttributeValue::S(partition(name)))
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        let mut pool = Pool::default();
        while let Some(item) = items.next().await {
            let item = item.named("dynamodb:Query").or_common()?;
            read(&mut pool, &item).ok_or_else(|| {
                StepError::new(Fault::Bug, format!("pool {name} in the ledger holds an item that cannot be read"))
            })?;
        }
        Ok(pool)
    }

    /// Writes an item of a pool when there is none, or one that was released at `released`. Answers whether it was
    /// written.
    pub(crate) async fn put<const N: usize>(
        &self,
        pool: &str,
        sort: &str,
        values: [(&str, AttributeValue); N],
        released: Option<Timestamp>,
    ) -> Result<bool, StepError> {
        let mut item = Item::from(values.map(|(name, value)| (name.to_owned(), value)));
        item.insert("pk".to_owned(), AttributeValue::S(partition(pool)));
        item.insert("sk".to_owned(), AttributeValue::S(sort.to_owned()));
        let request = self.client.put_item().table_name(&self.table).set_item(Some(item));
        let request = match released {
            None => request.condition_expression("attribute_not_exists(pk)"),
            Some(released) => request
                .condition_expression("#released = :released")
                .expression_attribute_names("#released", RELEASED)
                .expression_attribute_values(":released", AttributeValue::S(released.to_string())),
        };
        let sent = request.send().await.named("dynamodb:PutItem").none_if(&["ConditionalCheckFailedException"]);
        Ok(sent.or_common()?.is_some())
    }
}

fn partition(pool: &str) -> String {
    format!("{POOL}{pool}")
}

/// Adds one item to the picture of a pool; none when it cannot be read.
pub(crate) fn read(pool: &mut Pool, item: &Item) -> Option<()> {
    let text = |name: &str| item.get(name)?.as_s().ok();
    if text("sk")? == SIZE {
        pool.prefix_length = Some(item.get("prefixLength")?.as_n().ok()?.parse().ok()?);
    } else {
        let released = match text(RELEASED) {
            None => None,
            Some(text) => Some(text.parse().ok()?),
        };
        let rest_seconds = match item.get(RESTS) {
            None => REST_SECONDS,
            Some(seconds) => seconds.as_n().ok()?.parse().ok()?,
        };
        let holding = Holding { owner: text("owner")?.clone(), released, rest_seconds };
        pool.holders.insert(text("cidr")?.parse().ok()?, holding);
    }
    Some(())
}

/// The blocks to try, in this order: those that the owner has already, or has released and may take back at once, then
/// the free ones, from a place that depends on the owner, so that many owners at once seldom want the same. At most
/// [`TRIES_MAX`].
fn candidates(request: &BlockRequest<'_>, pool: &Pool) -> Result<Vec<Candidate>, StepError> {
    let BlockRequest { pool: name, supernets, excluded, prefix_length, now, .. } = *request;
    if let Some(other) = pool.prefix_length.filter(|other| *other != prefix_length) {
        return Err(StepError::new(
            Fault::InvalidInput,
            format!("pool {name} hands out /{other} blocks, and a /{prefix_length} was asked for"),
        )
        .hint(format!("give the /{prefix_length} blocks a pool of their own name and supernets in platform.yaml")));
    }
    let owner = request.owner();
    let own = pool.holders.iter().filter(|(_, holding)| holding.owner == owner);
    let mut own: Vec<Candidate> = own
        .map(|(block, holding)| Candidate {
            block: *block,
            is_held: holding.released.is_none(),
            released: holding.released,
        })
        .collect();
    own.sort_by_key(|candidate| !candidate.is_held);
    // One that has rested is free, and another size never is: that would be an older pool's.
    let is_free =
        |(block, holding): &(&Ipv4Net, &Holding)| block.prefix_len() == prefix_length && holding.has_rested(now);
    let taken = pool.holders.iter().filter(|holder| !is_free(holder)).map(|(block, _)| *block);
    let free = FreeBlocks::of(supernets, prefix_length, excluded.iter().copied().chain(taken));
    if own.is_empty() && free.count() == 0 {
        return Err(exhausted(request, pool));
    }
    let start = spread(&owner).checked_rem(free.count()).unwrap_or_default();
    let released = |block: Ipv4Net| pool.holders.get(&block).and_then(|holding| holding.released);
    let free = free.starting_at(start).take(TRIES_MAX);
    own.extend(free.map(|block| Candidate { block, is_held: false, released: released(block) }));
    own.truncate(TRIES_MAX);
    Ok(own)
}

/// How many blocks of this size a pool can hand out in all: those of `supernets` that overlap nothing in `excluded`.
#[must_use]
pub fn usable(supernets: &[Ipv4Net], excluded: &[Ipv4Net], prefix_length: u8) -> u64 {
    FreeBlocks::of(supernets, prefix_length, excluded.iter().copied()).count()
}

/// The error of a pool without a free block: all that it can hand out is taken.
fn exhausted(request: &BlockRequest<'_>, pool: &Pool) -> StepError {
    let BlockRequest { pool: name, supernets, excluded, prefix_length: length, .. } = *request;
    let all = usable(supernets, excluded, length);
    let inside = |block: &Ipv4Net| supernets.iter().any(|supernet| supernet.contains(block));
    let rests = |(block, holding): &(&Ipv4Net, &Holding)| holding.released.is_some() && inside(block);
    let resting = pool.holders.iter().filter(rests).count();
    let tail = if resting > 0 { format!(", {resting} of them released and resting") } else { String::new() };
    let supernets = supernets.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let what =
        format!("pool {name} has no free /{length}: {all} of {all} usable blocks of {supernets} are taken{tail}");
    StepError::new(Fault::InvalidInput, what)
        .hint(format!("add a supernet to pool {name} in platform.yaml, then start the onboarding again"))
}

/// Spreads owners over a pool: FNV-1a, because the result must never change between versions.
fn spread(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
#[path = "address_tests.rs"]
mod tests;
