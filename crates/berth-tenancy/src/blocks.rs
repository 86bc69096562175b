//! What of an address block other blocks leave uncovered.

use ipnet::Ipv4Net;

/// The parts of `net` that no block of `by` covers, in the order of addresses, each as large as it can be.
///
/// ```
/// let by = ["10.0.0.0/10".parse().unwrap(), "10.128.0.0/9".parse().unwrap()];
/// let left = berth_tenancy::uncovered("10.0.0.0/8".parse().unwrap(), &by);
/// assert_eq!(left, ["10.64.0.0/10".parse().unwrap()]);
/// ```
#[must_use]
pub fn uncovered(net: Ipv4Net, by: &[Ipv4Net]) -> Vec<Ipv4Net> {
    if by.iter().any(|block| block.contains(&net)) {
        return Vec::new();
    }
    let inside: Vec<Ipv4Net> = by.iter().filter(|block| net.contains(*block)).copied().collect();
    if inside.is_empty() {
        return vec![net];
    }
    // A block inside `net` is smaller, so `net` has halves.
    let halves = net.subnets(net.prefix_len().saturating_add(1)).into_iter().flatten();
    halves.flat_map(|half| uncovered(half, &inside)).collect()
}

/// Whether two blocks have an address in common.
#[must_use]
pub fn overlap(a: Ipv4Net, b: Ipv4Net) -> bool {
    a.contains(&b) || b.contains(&a)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn net(text: &str) -> Ipv4Net {
        text.parse().unwrap()
    }

    #[test]
    fn a_block_is_covered_by_itself_by_a_larger_one_and_by_all_its_parts() {
        let whole = net("10.16.0.0/14");
        assert_eq!(uncovered(whole, &[]), [whole]);
        assert_eq!(uncovered(whole, &[net("10.20.0.0/14")]), [whole], "a neighbour covers nothing");
        assert_eq!(uncovered(whole, &[whole]), []);
        assert_eq!(uncovered(whole, &[net("0.0.0.0/0")]), []);
        assert_eq!(uncovered(whole, &[net("10.16.0.0/15"), net("10.18.0.0/15")]), []);
        assert_eq!(uncovered(whole, &[net("10.16.0.0/15"), net("10.18.0.0/16")]), [net("10.19.0.0/16")]);
        assert_eq!(uncovered(net("10.0.0.1/32"), &[net("10.0.0.0/32")]), [net("10.0.0.1/32")]);
    }

    proptest! {
        #[test]
        fn what_is_left_and_what_covers_it_are_the_whole_and_share_no_address(
            length in 8u8..=28,
            by in proptest::collection::vec((any::<u32>(), 6u8..=32), 0..12),
        ) {
            let whole = Ipv4Net::new([10, 0, 0, 0].into(), length).unwrap();
            // Near the block, so that many of them hit it.
            let near = |(address, length): (u32, u8)| Ipv4Net::new((0x0a00_0000 | (address >> 10)).into(), length).unwrap().trunc();
            let by: Vec<Ipv4Net> = by.into_iter().map(near).collect();
            let left = uncovered(whole, &by);
            for part in &left {
                prop_assert!(whole.contains(part));
                prop_assert!(!by.iter().any(|block| overlap(*block, *part)), "{part}");
            }
            let mut all = left.clone();
            all.extend(by.iter().filter(|block| overlap(**block, whole)));
            let all = Ipv4Net::aggregate(&all);
            prop_assert!(all.iter().any(|block| block.contains(&whole)), "{all:?}");
        }
    }
}
