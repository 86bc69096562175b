//! Address blocks for organizations without IPAM: no two owners ever get overlapping blocks.
//!
//! A pool hands out blocks of one size only, fixed by its first use. Blocks of one size are equal or disjoint, so one
//! conditional write of the block's own item decides who owns it, under any interleaving.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::AttributeValue;
use berth_aws::CallFailure;
use berth_step::{Fault, StepError};
use berth_tenancy::{AccountId, Region};
use ipnet::Ipv4Net;

use crate::{Ledger, table::Item};

/// Sort key of the item that fixes a pool's block size.
const SIZE: &str = "size";

/// Blocks that one call tries before it gives way to the other writers.
const TRIES_MAX: usize = 32;

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
}

impl BlockRequest<'_> {
    fn owner(&self) -> String {
        format!("{}/{}", self.account, self.region)
    }
}

/// What a pool has handed out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Pool {
    /// Prefix length of its blocks; none before its first use.
    prefix_length: Option<u8>,
    /// Owner of each block.
    owners: BTreeMap<Ipv4Net, String>,
}

impl Ledger {
    /// The block of this account in this region: the one that it has in the pool, or a free one that becomes its own.
    ///
    /// `InvalidInput` when the pool is exhausted or hands out another size; `Conflict` when too many others wrote at the
    /// same time. [DynamoDB `Query`, `PutItem`]
    pub async fn reserve_block(&self, request: &BlockRequest<'_>) -> Result<Ipv4Net, StepError> {
        let mut pool = self.pool(request.pool).await?;
        if pool.prefix_length.is_none() {
            let size = [("prefixLength", AttributeValue::N(request.prefix_length.to_string()))];
            if !self.put_new(request.pool, SIZE, size).await? {
                pool = self.pool(request.pool).await?;
            }
        }
        let owner = request.owner();
        for block in candidates(request, &pool)?.take(TRIES_MAX) {
            if pool.owners.get(&block) == Some(&owner) {
                return Ok(block);
            }
            let item = [("owner", AttributeValue::S(owner.clone())), ("cidr", AttributeValue::S(block.to_string()))];
            if self.put_new(request.pool, &format!("block#{block}"), item).await? {
                return Ok(block);
            }
        }
        Err(StepError::new(Fault::Conflict, format!("pool {} is being used by many accounts at once", request.pool)))
    }

    /// Reads a pool, consistently.
    async fn pool(&self, name: &str) -> Result<Pool, StepError> {
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
            let item = item.map_err(|error| CallFailure::of("dynamodb:Query", &error).or_common())?;
            read(&mut pool, &item).ok_or_else(|| {
                StepError::new(Fault::Bug, format!("pool {name} in the ledger holds an item that cannot be read"))
            })?;
        }
        Ok(pool)
    }

    /// Writes an item of a pool unless it exists. Answers whether it was written.
    async fn put_new<const N: usize>(
        &self,
        pool: &str,
        sort: &str,
        values: [(&str, AttributeValue); N],
    ) -> Result<bool, StepError> {
        let mut item = Item::from(values.map(|(name, value)| (name.to_owned(), value)));
        item.insert("pk".to_owned(), AttributeValue::S(partition(pool)));
        item.insert("sk".to_owned(), AttributeValue::S(sort.to_owned()));
        let request = self.client.put_item().table_name(&self.table).set_item(Some(item));
        match request.condition_expression("attribute_not_exists(pk)").send().await {
            Ok(_) => Ok(true),
            Err(error) => {
                let failure = CallFailure::of("dynamodb:PutItem", &error);
                if failure.is(&["ConditionalCheckFailedException"]) { Ok(false) } else { Err(failure.or_common()) }
            }
        }
    }
}

fn partition(pool: &str) -> String {
    format!("pool#{pool}")
}

/// Adds one item to the picture of a pool; none when it cannot be read.
fn read(pool: &mut Pool, item: &Item) -> Option<()> {
    let text = |name: &str| item.get(name)?.as_s().ok();
    if text("sk")? == SIZE {
        pool.prefix_length = Some(item.get("prefixLength")?.as_n().ok()?.parse().ok()?);
    } else {
        pool.owners.insert(text("cidr")?.parse().ok()?, text("owner")?.clone());
    }
    Some(())
}

/// The blocks to try, in this order: those that the owner has already, then the free ones, from a place that depends on
/// the owner, so that many owners at once seldom want the same.
fn candidates(request: &BlockRequest<'_>, pool: &Pool) -> Result<impl Iterator<Item = Ipv4Net>, StepError> {
    let BlockRequest { pool: name, supernets, excluded, prefix_length, .. } = *request;
    if let Some(other) = pool.prefix_length.filter(|other| *other != prefix_length) {
        return Err(StepError::new(
            Fault::InvalidInput,
            format!("pool {name} hands out /{other} blocks, and a /{prefix_length} was asked for"),
        )
        .next(format!("give the /{prefix_length} blocks a pool of their own name and supernets in platform.yaml")));
    }
    let owner = request.owner();
    let held: BTreeSet<Ipv4Net> =
        pool.owners.iter().filter(|(_, other)| **other == owner).map(|(block, _)| *block).collect();
    let blocks = || supernets.iter().filter_map(move |net| net.trunc().subnets(prefix_length).ok()).flatten();
    let overlaps = |a: &Ipv4Net, b: &Ipv4Net| a.contains(b) || b.contains(a);
    let is_free = move |block: &Ipv4Net| !excluded.iter().chain(pool.owners.keys()).any(|taken| overlaps(block, taken));
    let count = blocks().count();
    if held.is_empty() && !blocks().any(|block| is_free(&block)) {
        let usable = blocks().filter(|block| !excluded.iter().any(|taken| overlaps(block, taken))).count();
        return Err(exhausted(request, pool, usable));
    }
    let start = usize::try_from(spread(&owner)).unwrap_or_default().checked_rem(count).unwrap_or_default();
    let free = blocks().skip(start).chain(blocks().take(start)).filter(is_free);
    Ok(held.into_iter().chain(free.collect::<Vec<_>>()))
}

fn exhausted(request: &BlockRequest<'_>, pool: &Pool, usable: usize) -> StepError {
    let (name, length, used) = (request.pool, request.prefix_length, pool.owners.len());
    let supernets = request.supernets.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let what = format!("pool {name} has no free /{length}: {used} of {usable} usable blocks of {supernets} are taken");
    StepError::new(Fault::InvalidInput, what)
        .next(format!("add a supernet to pool {name} in platform.yaml, then start the onboarding again"))
}

/// Spreads owners over a pool: FNV-1a, because the result must never change between versions.
fn spread(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn nets(texts: &[&str]) -> Vec<Ipv4Net> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn with_request<T>(
        account: usize,
        nets: (&[Ipv4Net], &[Ipv4Net]),
        length: u8,
        check: impl FnOnce(&BlockRequest<'_>) -> T,
    ) -> T {
        let (account, region) = (format!("{account:012}").parse().unwrap(), "eu-west-1".parse().unwrap());
        let (supernets, excluded) = nets;
        let pool = "dev-eu-west-1";
        check(&BlockRequest { pool, supernets, excluded, prefix_length: length, account: &account, region: &region })
    }

    #[test]
    fn an_owner_gets_the_block_that_it_has() {
        let supernets = nets(&["10.0.0.0/16"]);
        let pool = Pool {
            prefix_length: Some(20),
            owners: [("10.0.48.0/20".parse().unwrap(), "000000000007/eu-west-1".to_owned())].into(),
        };
        let first = with_request(7, (&supernets, &[]), 20, |r| candidates(r, &pool).unwrap().next());
        assert_eq!(first, Some("10.0.48.0/20".parse().unwrap()));
        let other = with_request(8, (&supernets, &[]), 20, |r| candidates(r, &pool).unwrap().collect::<Vec<_>>());
        assert!(other.len() == 15 && !other.contains(&"10.0.48.0/20".parse().unwrap()));
    }

    #[test]
    fn excluded_blocks_are_never_handed_out() {
        let (supernets, excluded) = (nets(&["10.0.0.0/22"]), nets(&["10.0.1.128/25", "10.0.2.0/23"]));
        let blocks = with_request(1, (&supernets, &excluded), 24, |r| {
            candidates(r, &Pool::default()).unwrap().collect::<Vec<_>>()
        });
        assert_eq!(blocks, nets(&["10.0.0.0/24"]));
    }

    #[test]
    fn an_exhausted_pool_says_its_name_how_full_it_is_and_what_to_add() {
        let (supernets, excluded) = (nets(&["10.0.0.0/23", "10.9.0.0/24"]), nets(&["10.9.0.0/28"]));
        let owners = nets(&["10.0.0.0/24", "10.0.1.0/24"]).into_iter().map(|net| (net, "x".to_owned())).collect();
        let pool = Pool { prefix_length: Some(24), owners };
        let error = with_request(1, (&supernets, &excluded), 24, |r| candidates(r, &pool).map(|_| ()).unwrap_err());
        assert_eq!(error.fault, Fault::InvalidInput);
        assert_eq!(
            error.what,
            "pool dev-eu-west-1 has no free /24: 2 of 2 usable blocks of 10.0.0.0/23, 10.9.0.0/24 are taken"
        );
        assert!(error.next.contains("add a supernet to pool dev-eu-west-1"));
    }

    #[test]
    fn a_pool_hands_out_one_size_only() {
        let (supernets, pool) = (nets(&["10.0.0.0/16"]), Pool { prefix_length: Some(20), ..Pool::default() });
        let error = with_request(1, (&supernets, &[]), 22, |r| candidates(r, &pool).map(|_| ()).unwrap_err());
        assert_eq!(error.what, "pool dev-eu-west-1 hands out /20 blocks, and a /22 was asked for");
    }

    /// One writer between its read and its writes.
    struct Writer {
        account: usize,
        tries: Option<Vec<Ipv4Net>>,
        got: Option<Ipv4Net>,
    }

    proptest! {
        #[test]
        fn no_interleaving_of_reads_and_conditional_writes_gives_two_owners_one_block(
            order in proptest::collection::vec(0usize..12, 12..400),
        ) {
            let (supernets, excluded) = (nets(&["10.8.0.0/20"]), nets(&["10.8.4.0/23"]));
            let mut table = Pool { prefix_length: Some(24), ..Pool::default() };
            let mut writers: Vec<Writer> =
                (0..12).map(|account| Writer { account, tries: None, got: None }).collect();
            for turn in order {
                let writer = &mut writers[turn];
                let request = |check: &mut dyn FnMut(&BlockRequest<'_>)| {
                    with_request(writer.account, (&supernets, &excluded), 24, |r| check(r));
                };
                match (&mut writer.tries, writer.got) {
                    (_, Some(_)) => {}
                    (None, None) => {
                        let mut tries = Vec::new();
                        request(&mut |r| tries = candidates(r, &table).unwrap().collect());
                        tries.reverse();
                        writer.tries = Some(tries);
                    }
                    (Some(tries), None) => match tries.pop() {
                        None => writer.tries = None,
                        Some(block) if table.owners.contains_key(&block) => {}
                        Some(block) => {
                            table.owners.insert(block, format!("{:012}/eu-west-1", writer.account));
                            writer.got = Some(block);
                        }
                    },
                }
            }
            let got: Vec<Ipv4Net> = writers.iter().filter_map(|writer| writer.got).collect();
            prop_assert_eq!(got.iter().collect::<BTreeSet<_>>().len(), got.len());
            for block in got {
                prop_assert!(supernets[0].contains(&block) && !excluded[0].contains(&block));
            }
        }
    }
}
