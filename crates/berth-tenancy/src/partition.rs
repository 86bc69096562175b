//! Partitions of AWS: GovCloud, China and the sovereign ones have ARNs and host names of their own.

use std::fmt;

use crate::AccountId;

/// Each line: name, prefix of its Regions, DNS suffix.
const PUBLISHED: &str = include_str!("partitions.txt");
const COMMERCIAL: Partition = Partition { name: "aws", regions: "-", dns_suffix: "amazonaws.com" };

/// A partition: accounts, roles and ARNs of one mean nothing in another. A deployment of Berth is in one of them.
/// <https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partition {
    name: &'static str,
    regions: &'static str,
    dns_suffix: &'static str,
}

impl Partition {
    /// Those that AWS has published.
    pub fn all() -> impl Iterator<Item = Self> {
        let lines = PUBLISHED.lines().filter(|line| !line.starts_with('#'));
        lines.filter_map(|line| {
            let mut words = line.split(' ');
            Some(Self { name: words.next()?, regions: words.next()?, dns_suffix: words.next()? })
        })
    }

    /// The partition of a Region, by the Region's name.
    #[must_use]
    pub fn of(region: &str) -> Self {
        Self::all().find(|known| region.starts_with(known.regions)).unwrap_or_default()
    }

    /// The partition of this name, such as `aws-us-gov`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::all().find(|known| known.name == name)
    }

    /// The partition that an ARN names; `aws` for what is no ARN, and for a partition that is not known.
    #[must_use]
    pub fn of_arn(arn: &str) -> Self {
        let name = arn.strip_prefix("arn:").and_then(|rest| rest.split(':').next());
        name.and_then(Self::named).unwrap_or_default()
    }

    /// What hosts of its services end with, such as `amazonaws.com`.
    #[must_use]
    pub const fn dns_suffix(self) -> &'static str {
        self.dns_suffix
    }

    /// The ARN of something of IAM in an account; `resource` is its kind, path and name, such as `role/tenant/payments`.
    #[must_use]
    pub fn iam_arn(self, account: &AccountId, resource: &str) -> String {
        format!("arn:{self}:iam::{account}:{resource}")
    }

    /// The ARN of a policy that AWS manages; `name` has its path, such as `service-role/AWSBackupServiceRolePolicyForBackup`.
    #[must_use]
    pub fn managed_policy_arn(self, name: &str) -> String {
        format!("arn:{self}:iam::aws:policy/{name}")
    }
}

impl Default for Partition {
    fn default() -> Self {
        COMMERCIAL
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_region_has_the_partition_that_its_prefix_says() {
        for (region, partition, suffix) in [
            ("eu-west-1", "aws", "amazonaws.com"),
            ("us-gov-west-1", "aws-us-gov", "amazonaws.com"),
            ("cn-north-1", "aws-cn", "amazonaws.com.cn"),
            ("eusc-de-east-1", "aws-eusc", "amazonaws.eu"),
            ("us-iso-east-1", "aws-iso", "c2s.ic.gov"),
            ("us-isob-east-1", "aws-iso-b", "sc2s.sgov.gov"),
        ] {
            let found = Partition::of(region);
            assert_eq!((found.to_string().as_str(), found.dns_suffix()), (partition, suffix), "{region}");
        }
    }

    #[test]
    fn an_arn_names_its_partition_and_what_is_none_has_the_commercial_one() {
        let execution = "arn:aws-us-gov:states:us-gov-west-1:210987654321:execution:berth-onboard-account:e";
        let account: AccountId = "111122223333".parse().unwrap();
        let partition = Partition::of_arn(execution);
        assert_eq!(partition.iam_arn(&account, "role/x"), "arn:aws-us-gov:iam::111122223333:role/x");
        assert_eq!(partition.managed_policy_arn("ReadOnlyAccess"), "arn:aws-us-gov:iam::aws:policy/ReadOnlyAccess");
        for none in ["", "execution-1", "arn:aws:states:eu-west-1:1:x", "arn:other:s3:::b"] {
            assert_eq!(Partition::of_arn(none).to_string(), "aws", "{none}");
        }
    }

    #[test]
    fn the_commercial_partition_is_as_published() {
        assert!(Partition::all().any(|known| known == COMMERCIAL));
    }
}
