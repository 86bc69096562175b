//! Which VPC is the account's. Pure.
//!
//! Tags do not say it: whoever may tag in the account can put ours on another VPC, which would then be attached and
//! propagated. The ledger says it, where nobody of the account can write. Only before a VPC is on record (its answer was
//! lost) do tags count, together with the intent to create it and the block that the ledger or the pool gave.

use std::cmp::Reverse;

use berth_ledger::RecordedVpc;
use berth_tenancy::{Addresses, Mode};
use ipnet::Ipv4Net;

use crate::{Input, Vpc, state::Known};

/// What became of the VPCs of the region.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Identity {
    /// The one that is ours.
    pub(crate) vpc: Option<Vpc>,
    /// Others that a lost answer of ours made.
    pub(crate) duplicates: Vec<String>,
    /// Others that look like ours, each with why they are not.
    pub(crate) not_owned: Vec<String>,
}

/// Tells the account's VPC from others. `used` counts the subnets of ours in a VPC.
pub(crate) fn of(input: &Input, vpcs: Vec<Vpc>, known: &Known, used: impl Fn(&str) -> usize) -> Identity {
    let account = &input.run.account_id;
    if let Some(recorded) = &known.recorded
        && let Some(vpc) = vpcs.iter().find(|vpc| vpc.id == recorded.id).cloned()
    {
        return on_record(input, recorded, vpc, vpcs);
    }
    let (tagged, others): (Vec<Vpc>, Vec<Vpc>) = vpcs.into_iter().partition(|vpc| vpc.tags.are_ours(account));
    let (adoptable, strange): (Vec<Vpc>, Vec<Vpc>) =
        tagged.into_iter().partition(|vpc| why_not_adopted(input, known, vpc).is_none());
    let why =
        |vpc: &Vpc| why_not_adopted(input, known, vpc).map(|why| format!("{} has Berth's tags, but {why}", vpc.id));
    let mut not_owned: Vec<String> = strange.iter().filter_map(why).collect();
    let vpc = adoptable.iter().max_by_key(|vpc| (used(&vpc.id), Reverse(vpc.id.clone()))).cloned();
    if vpc.is_none() {
        not_owned.extend(named(input, &others));
    }
    let mut duplicates: Vec<String> = adoptable.into_iter().map(|vpc| vpc.id).collect();
    duplicates.retain(|id| vpc.as_ref().is_some_and(|vpc| vpc.id != *id));
    duplicates.sort();
    Identity { vpc, duplicates, not_owned }
}

/// The VPC on record is there. It is the one, or nothing is.
fn on_record(input: &Input, recorded: &RecordedVpc, vpc: Vpc, vpcs: Vec<Vpc>) -> Identity {
    let account = &input.run.account_id;
    let RecordedVpc { id, cidr } = recorded;
    let mut identity = Identity::default();
    if vpc.cidr != *cidr {
        identity.not_owned.push(format!("{id} is on record with {cidr}, and has {}", vpc.cidr));
    }
    if !vpc.tags.are_ours(account) {
        identity.not_owned.push(format!("{id} is on record as Berth's, and somebody took Berth's tags off it"));
    }
    for other in vpcs.into_iter().filter(|other| other.id != *id && other.tags.are_ours(account)) {
        if in_pool(input, other.cidr) {
            identity.duplicates.push(other.id);
        } else {
            let (other, block) = (other.id, other.cidr);
            identity.not_owned.push(format!("{other} ({block}) has Berth's tags, and on record is {id} ({cidr})"));
        }
    }
    identity.duplicates.sort();
    identity.vpc = Some(vpc);
    identity
}

/// Why a VPC with our tags is not taken for the one that a lost answer made; none when it is.
fn why_not_adopted(input: &Input, known: &Known, vpc: &Vpc) -> Option<String> {
    if let Some(RecordedVpc { id, .. }) = &known.recorded {
        return Some(format!("on record is {id}, which is gone"));
    }
    let block = vpc.cidr;
    if known.creation.is_none() {
        // A plan changes nothing, and a ledger that was lost is rebuilt from plans: then tags and a block of the pool do.
        let is_possible = in_pool(input, block) || known.given.iter().any(|given| given.contains(&block));
        let is_shown = input.run.mode == Mode::Plan && is_possible;
        return (!is_shown).then(|| "the ledger knows of no CreateVpc".to_owned());
    }
    let (is_given, from) = match &input.network.addresses {
        Addresses::Ledger { pool, .. } => (known.given.contains(&block), format!("the ledger gave from {pool}")),
        Addresses::Ipam { pool_id, .. } => {
            (known.given.iter().any(|given| given.contains(&block)), format!("{pool_id} can give"))
        }
    };
    (!is_given).then(|| {
        let given: Vec<String> = known.given.iter().map(ToString::to_string).collect();
        let given = if given.is_empty() { "nothing".to_owned() } else { given.join(", ") };
        format!("its block {block} is not what {from}: {given}")
    })
}

/// Whether a block is one that Berth may have asked for, as far as the plan knows the pool.
fn in_pool(input: &Input, block: Ipv4Net) -> bool {
    let (Addresses::Ledger { supernets, .. } | Addresses::Ipam { supernets, .. }) = &input.network.addresses;
    supernets.iter().any(|supernet| supernet.contains(&block))
}

/// VPCs with our name but not our tags.
fn named(input: &Input, others: &[Vpc]) -> Vec<String> {
    let name = input.vpc_name();
    let named = others.iter().filter(|vpc| vpc.tags.get("Name") == Some(&name));
    named.map(|vpc| format!("{} has our name, {name}, but not our tags", vpc.id)).collect()
}
