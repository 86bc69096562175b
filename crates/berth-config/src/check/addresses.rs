//! The ledger's pools: blocks never overlap, and one pool means the same wherever it is named.

use std::collections::BTreeMap;

use berth_tenancy::{EnvironmentName, Region, overlap};
use ipnet::Ipv4Net;

use super::problems::{Problems, quoted, region_path};
use crate::{AddressSource, PlatformConfig};

/// Blocks that nobody has on the internet: private ones, those of carriers, those for benchmarks. [RFC 1918, 6598, 2544]
const PRIVATE: &[&str] = &["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "198.18.0.0/15"];
/// Blocks that EC2 takes for no VPC. [VPC User Guide, "IPv4 VPC CIDR blocks"]
const RESERVED: &[&str] = &["0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4"];
const PRIVATE_HINT: &str = "use a part of 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 or 100.64.0.0/10";

/// One use of a ledger pool.
struct Use<'a> {
    path: String,
    pool: &'a str,
    supernets: &'a [Ipv4Net],
    excluded: &'a [Ipv4Net],
    prefix_length: u8,
}

/// Checks every ledger pool, alone and against the others, and what is said of IPAM's pools.
pub(super) fn check(config: &PlatformConfig, problems: &mut Problems) {
    for (name, region, addresses) in sources(config) {
        if let AddressSource::Ipam { supernets, .. } = addresses {
            host_bits(&format!("{}.addresses.ipam.supernets", region_path(name, region)), supernets, problems);
        }
        let (kind, supernets) = match addresses {
            AddressSource::Ipam { supernets, .. } => ("ipam", supernets),
            AddressSource::Ledger { supernets, .. } => ("ledger", supernets),
        };
        for (n, block) in supernets.iter().enumerate() {
            let path = format!("{}.addresses.{kind}.supernets[{n}]", region_path(name, region));
            private(path, *block, &config.unlisted.public_blocks, problems);
        }
    }
    host_bits("unlisted.publicBlocks", &config.unlisted.public_blocks, problems);
    let mut first_uses: BTreeMap<&str, Use<'_>> = BTreeMap::new();
    for used in uses(config) {
        alone(&used, problems);
        match first_uses.get(used.pool) {
            Some(first) if sorted(first.supernets) != sorted(used.supernets) => {
                differs(&used, first, "supernets", problems);
            }
            Some(first) if sorted(first.excluded) != sorted(used.excluded) => {
                differs(&used, first, "excluded", problems);
            }
            Some(_) => {}
            None => {
                for other in first_uses.values() {
                    overlapping_pools(&used, other, problems);
                }
                first_uses.insert(used.pool, used);
            }
        }
    }
}

/// Where each region's addresses come from.
pub(super) fn sources(config: &PlatformConfig) -> impl Iterator<Item = (&EnvironmentName, &Region, &AddressSource)> {
    let environments = config.environments.iter();
    environments.flat_map(|(name, e)| e.regions.iter().map(move |(region, c)| (name, region, &c.addresses)))
}

fn uses(config: &PlatformConfig) -> impl Iterator<Item = Use<'_>> {
    sources(config).filter_map(|(name, region, addresses)| match addresses {
        AddressSource::Ledger { pool, supernets, excluded, prefix_length } => Some(Use {
            path: format!("{}.addresses.ledger", region_path(name, region)),
            pool,
            supernets,
            excluded,
            prefix_length: *prefix_length,
        }),
        AddressSource::Ipam { .. } => None,
    })
}

fn sorted(blocks: &[Ipv4Net]) -> Vec<Ipv4Net> {
    let mut blocks = blocks.to_vec();
    blocks.sort();
    blocks
}

/// What one use can get wrong without any other.
fn alone(used: &Use<'_>, problems: &mut Problems) {
    let Use { path, pool, supernets, excluded, prefix_length } = used;
    if !is_pool_name(pool) {
        let message = format!("{} is not the name of a pool", quoted(pool));
        let hint = "use 1 to 63 lower-case letters, digits and hyphens";
        problems.add(format!("{path}.pool"), message, hint);
    }
    if supernets.is_empty() {
        problems.add(format!("{path}.supernets"), "the pool has no blocks", "list the blocks that VPCs are cut from");
    }
    host_bits(&format!("{path}.supernets"), supernets, problems);
    host_bits(&format!("{path}.excluded"), excluded, problems);
    for (n, block) in supernets.iter().enumerate() {
        let at = format!("{path}.supernets[{n}]");
        if block.prefix_len() > *prefix_length {
            let message = format!("{block} is smaller than a VPC of /{prefix_length}");
            problems.add(&at, message, "use a larger block, or a smaller VPC");
        }
        if let Some(other) = supernets.iter().take(n).find(|other| overlap(**other, *block)) {
            problems.add(at, format!("{block} overlaps {other} of the same pool"), "keep the larger of the two");
        }
    }
    for (n, block) in excluded.iter().enumerate() {
        if !supernets.iter().any(|supernet| supernet.contains(block)) {
            let message = format!("{block} is not inside a supernet of the pool");
            problems.add(format!("{path}.excluded[{n}]"), message, "exclude only parts of supernets");
        }
    }
}

/// Adds a problem for every block that is written with bits behind its prefix.
fn host_bits(path: &str, blocks: &[Ipv4Net], problems: &mut Problems) {
    for (n, block) in blocks.iter().enumerate() {
        host_bits_of(format!("{path}[{n}]"), *block, problems);
    }
}

/// Adds a problem for a block that is written with bits behind its prefix.
pub(super) fn host_bits_of(path: String, block: Ipv4Net, problems: &mut Problems) {
    if block != block.trunc() {
        let message = format!("{block} has bits behind its prefix");
        problems.add(path, message, format!("write {}", block.trunc()));
    }
}

/// Adds a problem for a block that EC2 refuses, or that is somebody's on the internet and not said to be meant.
fn private(path: String, block: Ipv4Net, public: &[Ipv4Net], problems: &mut Problems) {
    if let Some(reserved) = within(RESERVED).find(|reserved| overlap(*reserved, block)) {
        let message = format!("{block} is in {reserved}, which EC2 takes for no VPC");
        return problems.add(path, message, PRIVATE_HINT);
    }
    if !within(PRIVATE).chain(public.iter().copied()).any(|known| known.contains(&block)) {
        let hint = format!("{PRIVATE_HINT}. If it is meant all the same, list it in unlisted.publicBlocks");
        problems.add(path, format!("{block} is not private: the internet has these addresses"), hint);
    }
}

fn within(blocks: &'static [&'static str]) -> impl Iterator<Item = Ipv4Net> {
    blocks.iter().filter_map(|block| block.parse().ok())
}

fn is_pool_name(name: &str) -> bool {
    let right = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=63).contains(&name.len()) && name.bytes().all(right) && !name.starts_with('-')
}

fn differs(used: &Use<'_>, first: &Use<'_>, field: &str, problems: &mut Problems) {
    let message = format!("the pool {} has other {field} in {}", used.pool, first.path);
    problems.add(
        format!("{}.{field}", used.path),
        message,
        "declare the same blocks in both, or name the pool otherwise",
    );
}

fn overlapping_pools(used: &Use<'_>, other: &Use<'_>, problems: &mut Problems) {
    for (n, block) in used.supernets.iter().enumerate() {
        if let Some(theirs) = other.supernets.iter().find(|theirs| overlap(**theirs, *block)) {
            let message = format!("{block} overlaps {theirs} of the pool {}", other.pool);
            let hint = "two pools never share addresses: give one of them other blocks";
            problems.add(format!("{}.supernets[{n}]", used.path), message, hint);
        }
    }
}
