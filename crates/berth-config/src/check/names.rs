//! Names that are others' to give: regions, managed policies, what AWS Config knows, and time zones.

use berth_tenancy::{ConfigScope, Partition, Region};

use super::{
    baseline::{is_resource_type, is_rule_source},
    problems::{Problems, quoted, region_path},
};
use crate::{Baseline, PlatformConfig, Unlisted, published::Published};

/// The partition whose managed policies are known.
const LISTED: &str = "aws";

/// Checks every name of AWS's against the lists of this version, and against what the file says is newer.
pub(super) fn check(config: &PlatformConfig, problems: &mut Problems) {
    let unlisted = &config.unlisted;
    for (name, cluster) in &config.clusters {
        region(&format!("clusters.{name}.region"), &cluster.region, config, problems);
    }
    if let Some(center) = &config.identity_center {
        region("identityCenter.region", &center.region, config, problems);
    }
    for (name, environment) in &config.environments {
        for (key, plan) in &environment.regions {
            let path = region_path(name, key);
            region(&path, key, config, problems);
            baseline(&format!("{path}.baseline"), plan.baseline.as_ref(), unlisted, problems);
        }
        for (n, role) in environment.roles.roles.iter().enumerate() {
            let policies = role.managed_policies.iter().enumerate();
            for (m, arn) in policies.filter(|(_, arn)| !unlisted.managed_policies.contains(arn)) {
                let path = format!("environments.{name}.roles.roles[{n}].managedPolicies[{m}]");
                managed_policy(path, arn, problems);
            }
        }
        baseline(&format!("environments.{name}.baseline"), environment.baseline.as_ref(), unlisted, problems);
    }
}

fn region(path: &str, region: &Region, config: &PlatformConfig, problems: &mut Problems) {
    let (unlisted, own, partition) = (&config.unlisted, Partition::of(region.as_str()), config.partition());
    if own != partition {
        let message = format!("{region} is in the partition {own}, other Regions are in {partition}");
        problems.add(
            path,
            message,
            "write a file for each partition: an organization, and a deployment, is in one of them",
        );
    }
    if !unlisted.regions.contains(region) && !Published::Regions.has(region.as_str()) {
        let message = format!("{region} is not a Region of AWS");
        problems.add(path, message, Published::Regions.hint(region.as_str()));
    }
}

/// Of the other partitions no list is known; templates are for policies of the organization's own.
fn managed_policy(path: String, arn: &str, problems: &mut Problems) {
    let name = arn.strip_prefix(&format!("arn:{LISTED}:iam::aws:policy"));
    let Some(name) = name.filter(|name| name.starts_with('/') && !name.contains('{')) else { return };
    if !Published::ManagedPolicies.has(name) {
        let hint = Published::ManagedPolicies.hint(name);
        problems.add(path, format!("AWS manages no policy {}", quoted(arn)), hint);
    }
}

fn baseline(path: &str, baseline: Option<&Baseline>, unlisted: &Unlisted, problems: &mut Problems) {
    let plan = baseline.and_then(|baseline| baseline.backup.as_ref()).map(|backup| backup.rules.as_slice());
    for (n, rule) in plan.unwrap_or_default().iter().enumerate() {
        let zone = &rule.time_zone;
        if !unlisted.time_zones.contains(zone) && !Published::TimeZones.has(zone) {
            let message = format!("{} is not a time zone", quoted(zone));
            problems.add(format!("{path}.backup.rules[{n}].timeZone"), message, Published::TimeZones.hint(zone));
        }
    }
    let rules = baseline.and_then(|baseline| baseline.config.as_ref()).map(|config| config.rules.as_slice());
    for (n, rule) in rules.unwrap_or_default().iter().enumerate() {
        let path = format!("{path}.config.rules[{n}]");
        let source = rule.source.as_str();
        if is_rule_source(source)
            && !unlisted.config_rules.contains(&rule.source)
            && !Published::ConfigRules.has(source)
        {
            let message = format!("AWS Config manages no rule {}", quoted(source));
            problems.add(format!("{path}.source"), message, Published::ConfigRules.hint(source));
        }
        let Some(ConfigScope::ResourceTypes(types)) = &rule.scope else { continue };
        for (m, kind) in types.iter().enumerate().filter(|(_, kind)| is_resource_type(kind)) {
            if !unlisted.config_resource_types.contains(kind) && !Published::ConfigResourceTypes.has(kind) {
                let message = format!("AWS Config records no {}", quoted(kind));
                let hint = Published::ConfigResourceTypes.hint(kind);
                problems.add(format!("{path}.scope.resourceTypes[{m}]"), message, hint);
            }
        }
    }
}
