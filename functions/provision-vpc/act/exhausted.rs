//! An IPAM pool without a free block: how full it is, and what to add.

use aws_sdk_ec2::{
    Client,
    types::{IpamPoolAllocation, IpamPoolCidrState},
};
use berth_aws::CallFailure;
use berth_step::{Fault, StepError};
use berth_tenancy::AccountId;
use ipnet::Ipv4Net;

/// Most CIDRs and most allocations of a pool that are read for a message: one call of EC2 answers a thousand by default.
const READ_MAX: usize = 20_000;

/// Most CIDRs that a message lists.
const LISTED_MAX: usize = 8;

/// Whether an IPAM pool has no block left. "The allocation size is too big for the pool." has a code that means much
/// else too: a size out of the pool's limits, a tag that the pool demands. [EC2 `CreateVpc`]
pub(super) fn is_exhausted(failure: &CallFailure) -> bool {
    failure.is(&["InsufficientCidrBlocks"])
        || failure.is(&["InvalidParameterValue"]) && failure.mentions("allocation size")
}

/// The error of a pool that has no block of this size. What the pool holds is read for the message only: when that is not
/// allowed, the error says less.
pub(super) async fn error(
    ec2: &Client,
    failure: CallFailure,
    pool: &str,
    prefix_length: u8,
    account: &AccountId,
) -> StepError {
    let mut error = failure.as_fault(
        Fault::InvalidInput,
        format!(
            "provision a further CIDR, a /{prefix_length} or larger, to {pool}, then `berth replay {account}`; or ask \
             for smaller VPCs in platform.yaml, then `berth replay {account} --new`"
        ),
    );
    let text = match view(ec2, pool, account).await {
        Some(view) => full(pool, prefix_length, &view, account),
        None => format!("{pool} has no free /{prefix_length}, and {account} may not see how full it is"),
    };
    error.message = format!("{text}; {}", error.message);
    error
}

/// What an account sees of a pool. EC2 shows everybody's allocations to an account that the pool is shared with; when
/// none of others is among them, the share may show less, so the message says whose view it is.
#[derive(Debug, Default, PartialEq, Eq)]
struct View {
    provisioned: Vec<Ipv4Net>,
    allocated: Vec<Ipv4Net>,
    /// Whether an allocation of another account was among them.
    shows_others: bool,
    /// Whether there was more than is read.
    is_cut: bool,
}

/// [EC2 `GetIpamPoolCidrs`, `GetIpamPoolAllocations`]
async fn view(ec2: &Client, pool: &str, account: &AccountId) -> Option<View> {
    let mut cidrs = ec2.get_ipam_pool_cidrs().ipam_pool_id(pool).into_paginator().items().send();
    let mut allocations = ec2.get_ipam_pool_allocations().ipam_pool_id(pool).into_paginator().items().send();
    let mut view = View::default();
    let mut read = 0;
    while let Some(cidr) = cidrs.next().await.filter(|_| read < READ_MAX) {
        read += 1;
        let cidr = cidr.ok()?;
        let cidr = cidr.cidr.filter(|_| cidr.state == Some(IpamPoolCidrState::Provisioned));
        view.provisioned.extend(cidr.and_then(|text| text.parse::<Ipv4Net>().ok()));
    }
    while let Some(allocation) = allocations.next().await {
        read += 1;
        if read > READ_MAX {
            view.is_cut = true;
            break;
        }
        let IpamPoolAllocation { cidr, resource_owner, .. } = allocation.ok()?;
        view.allocated.extend(cidr.and_then(|text| text.parse::<Ipv4Net>().ok()));
        view.shows_others |= resource_owner.is_some_and(|owner| owner != account.as_str());
    }
    Some(view)
}

fn addresses(nets: &[Ipv4Net]) -> u64 {
    nets.iter().map(|net| 1 << 32_u8.saturating_sub(net.prefix_len())).sum()
}

/// How full a pool is, in addresses.
fn full(pool: &str, prefix_length: u8, view: &View, account: &AccountId) -> String {
    let (used, total) = (addresses(&view.allocated), addresses(&view.provisioned));
    let percent = (used * 100).checked_div(total).unwrap_or(100);
    let mut listed: Vec<String> = view.provisioned.iter().take(LISTED_MAX).map(ToString::to_string).collect();
    if let Some(more) = view.provisioned.len().checked_sub(LISTED_MAX).filter(|more| *more > 0) {
        listed.push(format!("{more} more"));
    }
    let of = if listed.is_empty() { "no CIDR".to_owned() } else { listed.join(", ") };
    let least = if view.is_cut { "at least " } else { "" };
    let text = format!(
        "{pool} has no free /{prefix_length}: {least}{used} of {total} addresses of {of} are allocated ({percent} %)"
    );
    let rest = match (used < total, view.shows_others) {
        (false, _) => String::new(),
        (true, true) => ", and no free part is large enough or has rested since its release".to_owned(),
        (true, false) => format!(" as far as {account} sees, which is its own allocations only: ask the pool's owner"),
    };
    text + &rest
}

#[cfg(test)]
#[path = "../tests/exhausted.rs"]
mod tests;
