//! Blocks by table, and under any interleaving of owners that reserve and release.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeSet;

use berth_step::Fault;
use ipnet::Ipv4Net;
use jiff::Timestamp;
use proptest::prelude::*;

use super::*;

fn nets(texts: &[&str]) -> Vec<Ipv4Net> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn held(owner: &str) -> Holding {
    Holding { owner: owner.to_owned(), released: None, rest_seconds: REST_SECONDS }
}

fn with_request<T>(
    account: usize,
    nets: (&[Ipv4Net], &[Ipv4Net]),
    length: u8,
    now: i64,
    check: impl FnOnce(&BlockRequest<'_>) -> T,
) -> T {
    let (account, region) = (format!("{account:012}").parse().unwrap(), "eu-west-1".parse().unwrap());
    let (supernets, excluded) = nets;
    let (pool, account, region) = ("dev-eu-west-1", &account, &region);
    check(&BlockRequest { pool, supernets, excluded, prefix_length: length, account, region, now: at(now) })
}

fn blocks(account: usize, supernets: &[Ipv4Net], now: i64, pool: &Pool) -> Vec<Ipv4Net> {
    let tries = with_request(account, (supernets, &[]), 20, now, |r| candidates(r, pool).unwrap());
    tries.iter().map(|candidate| candidate.block).collect()
}

#[test]
fn an_owner_gets_the_block_that_it_has() {
    let supernets = nets(&["10.0.0.0/16"]);
    let holders = [("10.0.48.0/20".parse().unwrap(), held("000000000007/eu-west-1"))].into();
    let pool = Pool { prefix_length: Some(20), holders };
    assert_eq!(blocks(7, &supernets, 0, &pool)[0], "10.0.48.0/20".parse().unwrap());
    let other = blocks(8, &supernets, 0, &pool);
    assert!(other.len() == 15 && !other.contains(&"10.0.48.0/20".parse().unwrap()));
}

#[test]
fn excluded_blocks_are_never_handed_out() {
    let (supernets, excluded) = (nets(&["10.0.0.0/22"]), nets(&["10.0.1.128/25", "10.0.2.0/23"]));
    let tries = with_request(1, (&supernets, &excluded), 24, 0, |r| candidates(r, &Pool::default()).unwrap());
    assert_eq!(tries.iter().map(|c| c.block).collect::<Vec<_>>(), nets(&["10.0.0.0/24"]));
}

#[test]
fn a_released_block_rests_for_others_and_its_owner_takes_it_back_at_once() {
    let supernets = nets(&["10.0.0.0/20"]);
    let released = Holding { released: Some(at(1000)), ..held("000000000007/eu-west-1") };
    let pool = Pool { prefix_length: Some(20), holders: [(supernets[0], released)].into() };
    let refused = |now| with_request(8, (&supernets, &[]), 20, now, |r| candidates(r, &pool).err());
    let error = refused(1000 + REST_SECONDS - 1).unwrap();
    assert!(error.message.ends_with("1 of 1 usable blocks of 10.0.0.0/20 are taken, 1 of them released and resting"));
    assert_eq!(blocks(8, &supernets, 1000 + REST_SECONDS, &pool), supernets);
    let own = with_request(7, (&supernets, &[]), 20, 1001, |r| candidates(r, &pool).unwrap());
    assert_eq!((own[0].block, own[0].is_held, own[0].released), (supernets[0], false, Some(at(1000))));
}

#[test]
fn the_block_of_a_closed_account_rests_until_aws_has_deleted_its_vpc() {
    let supernets = nets(&["10.0.0.0/20"]);
    let item = |rests: Option<i64>| {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let mut item = Item::from([
            ("sk".to_owned(), text("block#10.0.0.0/20")),
            ("cidr".to_owned(), text("10.0.0.0/20")),
            ("owner".to_owned(), text("000000000007/eu-west-1")),
            (RELEASED.to_owned(), text("1970-01-01T00:16:40Z")),
        ]);
        item.extend(rests.map(|seconds| (RESTS.to_owned(), AttributeValue::N(seconds.to_string()))));
        let mut pool = Pool { prefix_length: Some(20), ..Pool::default() };
        read(&mut pool, &item).unwrap();
        pool
    };
    let days = |days: i64| 1000 + days * 24 * 3600;
    let refused = |pool: &Pool, now: i64| {
        with_request(8, (&supernets, &[]), 20, now, |request| candidates(request, pool).is_err())
    };
    let closed = item(Some(Rest::Unseen.seconds()));
    assert!(refused(&closed, 1000 + REST_SECONDS) && refused(&closed, days(90)), "AWS still has the VPC");
    assert!(!refused(&closed, days(91)));
    let own = with_request(7, (&supernets, &[]), 20, days(60), |r| candidates(r, &closed).unwrap());
    assert_eq!(own[0].block, supernets[0], "reopened, the account has the VPC with this block again");
    // An item of an earlier version does not say how long it rests.
    assert!(refused(&item(None), 1000 + REST_SECONDS - 1) && !refused(&item(None), 1000 + REST_SECONDS));
}

#[test]
fn an_exhausted_pool_says_its_name_how_full_it_is_and_what_to_add() {
    let (supernets, excluded) = (nets(&["10.0.0.0/23", "10.9.0.0/24"]), nets(&["10.9.0.0/28"]));
    let holders = nets(&["10.0.0.0/24", "10.0.1.0/24"]).into_iter().map(|net| (net, held("x"))).collect();
    let pool = Pool { prefix_length: Some(24), holders };
    let error = with_request(1, (&supernets, &excluded), 24, 0, |r| candidates(r, &pool).map(|_| ()).unwrap_err());
    assert_eq!(error.fault, Fault::InvalidInput);
    assert_eq!(
        error.message,
        "pool dev-eu-west-1 has no free /24: 2 of 2 usable blocks of 10.0.0.0/23, 10.9.0.0/24 are taken"
    );
    assert!(error.hint.contains("add a supernet to pool dev-eu-west-1"));
}

#[test]
fn a_pool_hands_out_one_size_only() {
    let (supernets, pool) = (nets(&["10.0.0.0/16"]), Pool { prefix_length: Some(20), ..Pool::default() });
    let error = with_request(1, (&supernets, &[]), 22, 0, |r| candidates(r, &pool).map(|_| ()).unwrap_err());
    assert_eq!(error.message, "pool dev-eu-west-1 hands out /20 blocks, and a /22 was asked for");
}

/// Which blocks are free, found by comparing every block with every holder.
fn naive(supernets: &[Ipv4Net], excluded: &[Ipv4Net], length: u8, pool: &Pool, now: i64) -> Vec<Ipv4Net> {
    let overlap = |a: &Ipv4Net, b: &Ipv4Net| a.contains(b) || b.contains(a);
    let is_taken = |block: &Ipv4Net| {
        let mut holders = pool.holders.iter();
        holders.any(|(held, holding)| overlap(held, block) && !(held == block && holding.has_rested(at(now))))
    };
    let blocks = supernets.iter().flat_map(|net| net.subnets(length).unwrap());
    blocks.filter(|block| !excluded.iter().any(|other| overlap(other, block)) && !is_taken(block)).collect()
}

proptest! {
    #[test]
    fn for_any_holders_the_free_blocks_are_those_of_the_naive_way(
        holders in proptest::collection::btree_map(0u32..64, (24u8..=28, proptest::option::of((0i64..2 * REST_SECONDS, any::<bool>()))), 0..24),
        excluded in 0u32..64,
        account in 100usize..200,
    ) {
        let block = |n: u32, length| Ipv4Net::new((0x0a08_0000 + n * 256).into(), length).unwrap().trunc();
        let (supernets, excluded) = (nets(&["10.8.0.0/19", "10.8.48.0/20"]), vec![block(excluded, 22)]);
        let holding = |released: Option<(i64, bool)>| {
            let rest = if released.is_some_and(|(_, closed)| closed) { Rest::Unseen } else { Rest::VpcGone };
            let released = released.map(|(second, _)| at(second));
            Holding { released, rest_seconds: rest.seconds(), ..held("000000000001/eu-west-1") }
        };
        let holders = holders.into_iter().map(|(n, (length, released))| (block(n, length), holding(released))).collect();
        let (pool, now) = (Pool { prefix_length: Some(24), holders }, 2 * REST_SECONDS);
        let expected = naive(&supernets, &excluded, 24, &pool, now);
        let tries = with_request(account, (&supernets, &excluded), 24, now, |r| candidates(r, &pool));
        let Ok(tries) = tries else { prop_assert!(expected.is_empty()); return Ok(()) };
        let found: Vec<Ipv4Net> = tries.iter().map(|candidate| candidate.block).collect();
        let start = expected.iter().position(|block| *block == found[0]).unwrap();
        let turned: Vec<Ipv4Net> = expected.iter().cycle().skip(start).take(found.len()).copied().collect();
        prop_assert_eq!(&found, &turned);
        prop_assert_eq!(found.len(), expected.len().min(TRIES_MAX));
        for candidate in tries {
            let known = pool.holders.get(&candidate.block).and_then(|holding| holding.released);
            prop_assert_eq!((candidate.is_held, candidate.released), (false, known));
        }
    }
}

/// One writer between its read and its writes.
#[derive(Default)]
struct Writer {
    tries: Option<Vec<Candidate>>,
    has: Option<Ipv4Net>,
}

/// What the table's condition would say.
fn holds(table: &Pool, candidate: Candidate) -> bool {
    match (table.holders.get(&candidate.block), candidate.released) {
        (None, None) => true,
        (Some(holding), Some(released)) => holding.released == Some(released),
        _ => false,
    }
}

proptest! {
    #[test]
    fn no_interleaving_gives_two_owners_overlapping_blocks(
        order in proptest::collection::vec((0usize..12, any::<bool>(), 0i64..REST_SECONDS), 12..400),
    ) {
        let (supernets, excluded) = (nets(&["10.8.0.0/20"]), nets(&["10.8.4.0/23"]));
        let mut table = Pool { prefix_length: Some(24), ..Pool::default() };
        let mut writers: Vec<Writer> = (0..12).map(|_| Writer::default()).collect();
        let mut now = 0;
        for (turn, releases, pause) in order {
            now += pause;
            let writer = &mut writers[turn];
            let owner = format!("{turn:012}/eu-west-1");
            if let Some(block) = writer.has {
                if releases {
                    table.holders.insert(block, Holding { released: Some(at(now)), ..held(&owner) });
                    *writer = Writer::default();
                }
                continue;
            }
            match &mut writer.tries {
                None => {
                    let tries = with_request(turn, (&supernets, &excluded), 24, now, |r| candidates(r, &table));
                    writer.tries = tries.ok().map(|mut tries| { tries.reverse(); tries });
                }
                Some(tries) => match tries.pop() {
                    None => writer.tries = None,
                    Some(candidate) if candidate.is_held || holds(&table, candidate) => {
                        table.holders.insert(candidate.block, held(&owner));
                        writer.has = Some(candidate.block);
                    }
                    Some(_) => {}
                },
            }
        }
        let got: Vec<Ipv4Net> = writers.iter().filter_map(|writer| writer.has).collect();
        prop_assert_eq!(got.iter().collect::<BTreeSet<_>>().len(), got.len());
        for block in got {
            prop_assert!(supernets[0].contains(&block) && !excluded[0].contains(&block));
        }
    }
}
