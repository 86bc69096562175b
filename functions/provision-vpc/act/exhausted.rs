//! An IPAM pool without a free block: how full it is, and what to add.

use aws_sdk_ec2::Client;
use berth_aws::CallFailure;
use berth_step::{Fault, StepError};
use ipnet::Ipv4Net;

/// The error of a pool that has no block of this size. What the pool holds is read for the message only: when that is not
/// allowed, the error says less.
pub(super) async fn error(ec2: &Client, failure: CallFailure, pool: &str, prefix_length: u8) -> StepError {
    let mut error = failure.as_fault(
        Fault::InvalidInput,
        &format!("provision a further CIDR to {pool}, or ask for a smaller VPC; then start the onboarding again"),
    );
    let Some((blocks, taken)) = fill(ec2, pool).await else { return error };
    error.what = format!("{}; {}", full(pool, prefix_length, &blocks, &taken), error.what);
    error
}

/// What is provisioned to the pool and what is allocated of it. An account that the pool is shared with may see its own
/// allocations only. [EC2 `GetIpamPoolCidrs`, `GetIpamPoolAllocations`]
async fn fill(ec2: &Client, pool: &str) -> Option<(Vec<Ipv4Net>, Vec<Ipv4Net>)> {
    let (provisioned, allocated) =
        tokio::try_join!(async { ec2.get_ipam_pool_cidrs().ipam_pool_id(pool).send().await.map_err(drop) }, async {
            ec2.get_ipam_pool_allocations().ipam_pool_id(pool).send().await.map_err(drop)
        },)
        .ok()?;
    let parse = |text: String| text.parse::<Ipv4Net>().ok();
    let provisioned = provisioned.ipam_pool_cidrs.unwrap_or_default().into_iter().filter_map(|pool| pool.cidr);
    let allocated = allocated.ipam_pool_allocations.unwrap_or_default().into_iter().map(|allocation| allocation.cidr);
    Some((provisioned.filter_map(parse).collect(), allocated.flatten().filter_map(parse).collect()))
}

/// How full a pool is, in blocks of the size that was asked for.
fn full(pool: &str, prefix_length: u8, blocks: &[Ipv4Net], taken: &[Ipv4Net]) -> String {
    let total: u64 = blocks.iter().map(|block| 1 << prefix_length.saturating_sub(block.prefix_len())).sum();
    let of = blocks.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let used = taken.len();
    format!(
        "{pool} has no free /{prefix_length}: {used} of {total} blocks of {of} are allocated, as far as this account sees"
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_full_pool_says_how_many_blocks_of_the_size_it_has_and_how_many_are_taken() {
        let nets = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<Ipv4Net>>();
        let taken = nets(&["10.0.0.0/20", "10.0.16.0/20"]);
        assert_eq!(
            full("ipam-pool-1", 20, &nets(&["10.0.0.0/19", "10.1.0.0/20"]), &taken),
            "ipam-pool-1 has no free /20: 2 of 3 blocks of 10.0.0.0/19, 10.1.0.0/20 are allocated, as far as this account sees"
        );
    }
}
