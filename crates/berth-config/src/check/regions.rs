//! One region's VPC: zones, tiers, and whether the subnets fit.

use berth_tenancy::{Region, TierPlan, TierRouting, subnet_blocks};
use ipnet::Ipv4Net;

use super::{
    ids::is_ec2_id,
    problems::{Problems, quoted},
};
use crate::{AddressSource, RegionConfig};

/// Most zones and tiers: what the fit is computed for, and what `CreateTransitGatewayVpcAttachment` can use.
const ZONES_MAX: usize = 6;
const TIERS_MAX: usize = 12;

/// Checks one region of an environment.
pub(super) fn check(path: &str, region: &Region, config: &RegionConfig, problems: &mut Problems) {
    zones(path, region, &config.zones, problems);
    tiers(path, config, problems);
    let prefix_length = config.addresses.prefix_length();
    let kind = match &config.addresses {
        AddressSource::Ipam { pool_id, .. } => {
            if !is_ec2_id(pool_id, "ipam-pool-") {
                let message = format!("{} is not the id of an IPAM pool", quoted(pool_id));
                let hint = "it looks like ipam-pool-0a1b2c3d4e5f67890; `aws ec2 describe-ipam-pools`";
                problems.add(format!("{path}.addresses.ipam.poolId"), message, hint);
            }
            "ipam"
        }
        AddressSource::Ledger { .. } => "ledger",
    };
    if !(16..=28).contains(&prefix_length) {
        let message = format!("/{prefix_length} is not the size of a VPC");
        problems.add(format!("{path}.addresses.{kind}.prefixLength"), message, "a VPC is between /16 and /28");
    }
    problems.repeated(config.gateway_endpoints.iter().map(|e| e.as_str()), |n| format!("{path}.gatewayEndpoints[{n}]"));
    if let Some(logs) = config.flow_logs.as_ref().filter(|logs| !is_bucket_arn(&logs.bucket_arn)) {
        let message = format!("{} is not the ARN of a bucket", quoted(&logs.bucket_arn));
        problems.add(format!("{path}.flowLogs.bucketArn"), message, "it looks like arn:aws:s3:::bucket or .../folder");
    }
}

fn zones(path: &str, region: &Region, zones: &[String], problems: &mut Problems) {
    let path = format!("{path}.zones");
    if !(1..=ZONES_MAX).contains(&zones.len()) {
        let message = format!("{} zones are listed", zones.len());
        problems.add(&path, message, format!("list 1 to {ZONES_MAX} zone ids; two or three are usual"));
    }
    problems.repeated(zones, |n| format!("{path}[{n}]"));
    let prefix = zone_prefix(region);
    for (n, zone) in zones.iter().enumerate() {
        let right = zone.rsplit_once("-az").is_some_and(|(start, number)| {
            let digit = number.len() == 1 && number.bytes().all(|b| b.is_ascii_digit());
            digit && prefix.as_ref().is_none_or(|prefix| prefix == start)
        });
        if !right {
            let message = format!("{} is not the id of an availability zone in {region}", quoted(zone));
            let example = prefix.clone().unwrap_or_else(|| "euw1".to_owned());
            let hint =
                format!("use zone ids like {example}-az1, not zone names; `aws ec2 describe-availability-zones`");
            problems.add(format!("{path}[{n}]"), message, hint);
        }
    }
}

/// What the ids of a Region's zones start with (`eu-west-1`: `euw1`); none where the rule is not known.
///
/// <https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-availability-zones.html>
fn zone_prefix(region: &Region) -> Option<String> {
    let parts: Vec<&str> = region.as_str().split('-').collect();
    let [area, direction, number] = parts.as_slice() else { return None };
    let letters = match *direction {
        "north" => "n",
        "south" => "s",
        "east" => "e",
        "west" => "w",
        "central" => "c",
        "northeast" => "ne",
        "northwest" => "nw",
        "southeast" => "se",
        "southwest" => "sw",
        _ => return None,
    };
    Some(format!("{area}{letters}{number}"))
}

fn tiers(path: &str, config: &RegionConfig, problems: &mut Problems) {
    let tiers = &config.tiers;
    let path = format!("{path}.tiers");
    let count = |routing| tiers.iter().filter(|tier| tier.routing == routing).count();
    let attachments = count(TierRouting::Attachment);
    if attachments != 1 {
        let hint = "give exactly one tier `routing: attachment` and /28; it holds the Transit Gateway's interfaces";
        problems.add(&path, format!("{attachments} tiers have the routing attachment"), hint);
    }
    if count(TierRouting::Private) == 0 {
        let hint = "add a tier with `routing: private`, where workloads run";
        problems.add(&path, "no tier has the routing private", hint);
    }
    if tiers.len() > TIERS_MAX {
        let message = format!("{} tiers are listed", tiers.len());
        problems.add(&path, message, format!("use at most {TIERS_MAX}"));
    }
    problems.repeated(tiers.iter().map(|tier| &tier.name), |n| format!("{path}[{n}].name"));
    let mut sizes_right = true;
    for (n, tier) in tiers.iter().enumerate() {
        if !is_tier_name(&tier.name) {
            let message = format!("{} is not the name of a tier", quoted(&tier.name));
            let hint = "use 1 to 20 lower-case letters, digits and hyphens, starting with a letter";
            problems.add(format!("{path}[{n}].name"), message, hint);
        }
        if !(16..=28).contains(&tier.prefix_length) {
            let message = format!("/{} is not the size of a subnet", tier.prefix_length);
            problems.add(format!("{path}[{n}].prefixLength"), message, "a subnet is between /16 and /28");
            sizes_right = false;
        }
    }
    let bounded = sizes_right && tiers.len() <= TIERS_MAX && config.zones.len() <= ZONES_MAX;
    if bounded && let Some(message) = misfit(config.addresses.prefix_length(), &config.zones, tiers) {
        problems.add(path, message, "use smaller tiers, fewer zones, or a larger VPC");
    }
}

fn is_tier_name(name: &str) -> bool {
    let right = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    name.len() <= 20
        && name.bytes().all(right)
        && name.bytes().next().is_some_and(|b| b.is_ascii_lowercase())
        && !name.ends_with('-')
}

/// Why the subnets do not fit into a VPC of this size; none when they do.
fn misfit(prefix_length: u8, zones: &[String], tiers: &[TierPlan]) -> Option<String> {
    // Every block of one size is the same to the subnets, so any will do.
    let vpc = Ipv4Net::new([10, 0, 0, 0].into(), prefix_length).ok().filter(|_| (16..=28).contains(&prefix_length))?;
    let error = subnet_blocks(vpc, zones, tiers, &[], &[]).err()?;
    let detail = match error {
        berth_tenancy::SubnetPlanError::Full { prefix_length, tier, zone, .. } => {
            format!("no /{prefix_length} is left for {tier} in {zone}")
        }
        size @ berth_tenancy::SubnetPlanError::Size { .. } => size.to_string(),
    };
    Some(format!("the subnets of {} zones do not fit into a VPC of /{prefix_length}: {detail}", zones.len()))
}

fn is_bucket_arn(arn: &str) -> bool {
    let Some((partition, rest)) = arn.strip_prefix("arn:").and_then(|rest| rest.split_once(":s3:::")) else {
        return false;
    };
    let (bucket, folder) = rest.split_once('/').unwrap_or((rest, ""));
    let in_bucket = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'.' || b == b'-';
    let in_folder = |b: u8| b.is_ascii_alphanumeric() || b"!_.*'()/-".contains(&b);
    (partition == "aws" || partition.starts_with("aws-"))
        && (3..=63).contains(&bucket.len())
        && bucket.bytes().all(in_bucket)
        && folder.bytes().all(in_folder)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn zone_ids_start_with_the_short_name_of_their_region() {
        let table = [
            ("eu-west-1", Some("euw1")),
            ("us-east-1", Some("use1")),
            ("ap-southeast-2", Some("apse2")),
            ("eu-central-1", Some("euc1")),
            ("us-gov-west-1", None),
        ];
        for (region, prefix) in table {
            assert_eq!(zone_prefix(&region.parse().unwrap()).as_deref(), prefix, "{region}");
        }
    }

    #[test]
    fn buckets_are_named_by_arn() {
        for good in ["arn:aws:s3:::logs", "arn:aws:s3:::logs/vpc/dev", "arn:aws-us-gov:s3:::logs-1.x"] {
            assert!(is_bucket_arn(good), "{good}");
        }
        for bad in ["logs", "arn:aws:s3:::", "arn:aws:s3:::Logs", "arn:aws:s3:eu-west-1:1:logs", "arn:gcp:s3:::logs"] {
            assert!(!is_bucket_arn(bad), "{bad}");
        }
    }
}
