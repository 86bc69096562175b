//! The sweep gives what looking at every block would give, and its steps are counted.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

fn overlap(a: Ipv4Net, b: Ipv4Net) -> bool {
    a.contains(&b) || b.contains(&a)
}

/// Every block of the supernets, each compared with everything that is closed.
fn naive(supernets: &[Ipv4Net], prefix_length: u8, closed: &[Ipv4Net]) -> Vec<Ipv4Net> {
    let blocks = supernets.iter().filter_map(|net| net.subnets(prefix_length).ok()).flatten();
    blocks.filter(|block| !closed.iter().any(|other| overlap(*block, *other))).collect()
}

prop_compose! {
    /// Somewhere in 10.0.0.0/20, so that nets often meet.
    fn any_net()(address in 0u32..4096, prefix_length in 20u8..=32) -> Ipv4Net {
        Ipv4Net::new((0x0a00_0000 + address).into(), prefix_length).unwrap().trunc()
    }
}

proptest! {
    #[test]
    fn from_any_start_free_blocks_are_those_of_the_naive_way_in_its_order(
        supernets in proptest::collection::vec(any_net(), 0..4),
        closed in proptest::collection::vec(any_net(), 0..12),
        prefix_length in 20u8..=30,
        start in any::<prop::sample::Index>(),
    ) {
        let mut expected = naive(&supernets, prefix_length, &closed);
        let free = FreeBlocks::of(&supernets, prefix_length, closed);
        prop_assert_eq!(free.count(), expected.len() as u64);
        let start = if expected.is_empty() { 0 } else { start.index(expected.len()) };
        expected.rotate_left(start);
        prop_assert_eq!(free.starting_at(start as u64).collect::<Vec<_>>(), expected);
    }
}

#[test]
fn the_whole_of_ipv4_is_a_supernet_like_any_other() {
    let everything: Ipv4Net = "0.0.0.0/0".parse().unwrap();
    let free = FreeBlocks::of(&[everything], 28, ["255.255.255.0/24".parse().unwrap()]);
    assert_eq!(free.count(), (1 << 28) - 16);
    let last = free.starting_at(free.count() - 1).next();
    assert_eq!(last, Some("255.255.254.240/28".parse().unwrap()));
    assert_eq!(FreeBlocks::of(&[everything], 28, [everything]).starting_at(0).next(), None);
}

#[test]
fn a_million_blocks_cost_one_step_for_each_of_fifty_thousand_closed_ones() {
    let supernet: Ipv4Net = "10.0.0.0/8".parse().unwrap();
    // Every twentieth block, so that no two touch, and each leaves a gap.
    let closed: Vec<Range<u64>> =
        supernet.subnets(28).unwrap().step_by(20).take(50_000).map(|net| numbers(net, 28)).collect();
    let closed = merged(closed);
    assert_eq!(closed.len(), 50_000);
    assert_eq!(gaps(numbers(supernet, 28), &closed).count(), 50_001, "one step for each, and the rest");
    // A small supernet does not walk over what is closed elsewhere.
    assert_eq!(gaps(numbers("10.64.0.0/24".parse().unwrap(), 28), &closed).count(), 1);
}
