//! The address plan of a VPC: which block each subnet gets. Pure, and stable under re-runs, added zones and added tiers.

use ipnet::Ipv4Net;

use crate::TierPlan;

/// The block of one subnet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubnetBlock {
    /// Name of the tier.
    pub tier: String,
    /// Availability zone by id.
    pub zone: String,
    /// The block.
    pub cidr: Ipv4Net,
}

/// Why a VPC's block cannot hold its subnets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubnetPlanError {
    /// The VPC's block is full.
    #[error("{vpc} has no free /{prefix_length} left for tier {tier} in {zone}")]
    Full {
        /// The VPC's block.
        vpc: Ipv4Net,
        /// Prefix length that was looked for.
        prefix_length: u8,
        /// Tier that needs it.
        tier: String,
        /// Zone that needs it.
        zone: String,
    },
    /// EC2 takes subnets of /16 to /28 only.
    #[error("tier {tier} asks for /{prefix_length}: a subnet is between /16 and /28")]
    Size {
        /// The tier.
        tier: String,
        /// What it asks for.
        prefix_length: u8,
    },
}

/// The block of every subnet of the VPC: those in `existing` as they are, and for each missing pair of tier and zone
/// the first free block, largest first.
///
/// Blocks lie inside `vpc` and never overlap. What exists never moves, so a second call with the result changes
/// nothing, and an added zone or tier only adds. `occupied` are blocks of subnets that are not ours.
pub fn subnet_blocks(
    vpc: Ipv4Net,
    zones: &[String],
    tiers: &[TierPlan],
    existing: &[SubnetBlock],
    occupied: &[Ipv4Net],
) -> Result<Vec<SubnetBlock>, SubnetPlanError> {
    let mut taken: Vec<Ipv4Net> = existing.iter().map(|block| block.cidr).chain(occupied.iter().copied()).collect();
    let mut by_size: Vec<&TierPlan> = tiers.iter().collect();
    by_size.sort_by_key(|tier| tier.prefix_length);
    let mut blocks = existing.to_vec();
    for tier in by_size {
        if !(16..=28).contains(&tier.prefix_length) {
            return Err(SubnetPlanError::Size { tier: tier.name.clone(), prefix_length: tier.prefix_length });
        }
        for zone in zones {
            if existing.iter().any(|block| block.tier == tier.name && block.zone == *zone) {
                continue;
            }
            let cidr = first_free(vpc, tier.prefix_length, &taken).ok_or_else(|| SubnetPlanError::Full {
                vpc,
                prefix_length: tier.prefix_length,
                tier: tier.name.clone(),
                zone: zone.clone(),
            })?;
            taken.push(cidr);
            blocks.push(SubnetBlock { tier: tier.name.clone(), zone: zone.clone(), cidr });
        }
    }
    Ok(blocks)
}

/// The first block of this size in `parent` that overlaps nothing in `taken`.
fn first_free(parent: Ipv4Net, prefix_length: u8, taken: &[Ipv4Net]) -> Option<Ipv4Net> {
    let overlaps = |a: &Ipv4Net, b: &Ipv4Net| a.contains(b) || b.contains(a);
    parent.subnets(prefix_length).ok()?.find(|candidate| !taken.iter().any(|other| overlaps(candidate, other)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;
    use crate::TierRouting;

    fn tier(name: &str, prefix_length: u8) -> TierPlan {
        TierPlan { name: name.into(), prefix_length, routing: TierRouting::Private }
    }

    fn zones(count: usize) -> Vec<String> {
        (1..=count).map(|n| format!("euw1-az{n}")).collect()
    }

    #[test]
    fn the_largest_tier_comes_first_and_nothing_is_wasted() {
        let tiers = [tier("attachment", 28), tier("private", 22)];
        let blocks = subnet_blocks("10.1.0.0/20".parse().unwrap(), &zones(2), &tiers, &[], &[]).unwrap();
        let cidrs: Vec<String> = blocks.iter().map(|b| b.cidr.to_string()).collect();
        assert_eq!(cidrs, ["10.1.0.0/22", "10.1.4.0/22", "10.1.8.0/28", "10.1.8.16/28"]);
    }

    #[test]
    fn a_full_vpc_names_the_tier_and_the_zone_that_found_no_room() {
        let error =
            subnet_blocks("10.1.0.0/24".parse().unwrap(), &zones(3), &[tier("private", 25)], &[], &[]).unwrap_err();
        assert_eq!(error.to_string(), "10.1.0.0/24 has no free /25 left for tier private in euw1-az3");
    }

    #[test]
    fn a_size_that_ec2_refuses_is_refused_before_ec2_sees_it() {
        let vpc = "10.0.0.0/16".parse().unwrap();
        assert!(matches!(subnet_blocks(vpc, &zones(1), &[tier("t", 29)], &[], &[]), Err(SubnetPlanError::Size { .. })));
    }

    proptest! {
        #[test]
        fn blocks_lie_inside_never_overlap_and_never_move(
            prefix in 16u8..=18,
            count in 1usize..=4,
            sizes in proptest::collection::vec(24u8..=28, 1..4),
            foreign in 0u8..=200,
        ) {
            let vpc = Ipv4Net::new([10, 7, 0, 0].into(), prefix).unwrap().trunc();
            let occupied: Ipv4Net = Ipv4Net::new([10, 7, 1, foreign].into(), 28).unwrap().trunc();
            let mut tiers: Vec<TierPlan> = sizes.iter().enumerate().map(|(n, s)| tier(&format!("t{n}"), *s)).collect();
            let first = subnet_blocks(vpc, &zones(count), &tiers, &[], &[occupied]).unwrap();
            for (n, a) in first.iter().enumerate() {
                prop_assert!(vpc.contains(&a.cidr));
                prop_assert!(!a.cidr.contains(&occupied) && !occupied.contains(&a.cidr));
                for b in first.iter().skip(n + 1) {
                    prop_assert!(!a.cidr.contains(&b.cidr) && !b.cidr.contains(&a.cidr));
                }
            }
            prop_assert_eq!(&subnet_blocks(vpc, &zones(count), &tiers, &first, &[occupied]).unwrap(), &first);
            tiers.push(tier("later", 27));
            let grown = subnet_blocks(vpc, &zones(count + 1), &tiers, &first, &[occupied]).unwrap();
            prop_assert!(grown.starts_with(&first));
            prop_assert_eq!(grown.len(), tiers.len() * (count + 1));
        }
    }
}
