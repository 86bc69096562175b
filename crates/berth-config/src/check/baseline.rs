//! The baseline: what AWS Backup and AWS Config would refuse in every account, and what belongs to one region only.

use berth_tenancy::{BackupRule, ConfigRule, ConfigScope, Region};

use super::{
    problems::{Problems, quoted},
    schedule,
};
use crate::{Backup, Baseline, ConfigService, Environment, baseline::BACKUP_ROLE, resolve::needs_backup_role};

/// Days that AWS Backup keeps a backup in cold storage at least. [Backup `Lifecycle`]
const COLD_DAYS_MIN: u32 = 90;
/// Tags of a selection (`CreateBackupSelection`), rules of a plan and of a list that people can still read.
const BACKUP_TAGS_MAX: usize = 30;
const BACKUP_RULES_MAX: usize = 10;
const CONFIG_RULES_MAX: usize = 100;

/// Checks the baseline of one environment and those of its regions.
pub(super) fn check(path: &str, environment: &Environment, problems: &mut Problems) {
    let inheriting = environment.regions.iter().filter(|(_, config)| config.baseline.is_none());
    let regions: Vec<&Region> = inheriting.map(|(region, _)| region).collect();
    if let Some(baseline) = &environment.baseline {
        one(&format!("{path}.baseline"), baseline, &regions, problems);
    }
    for (region, config) in &environment.regions {
        let Some(baseline) = &config.baseline else { continue };
        let at = format!("{path}.regions.{region}.baseline");
        if baseline.s3_public_access_block {
            let hint = "write it in the baseline of the environment";
            problems.add(format!("{at}.s3PublicAccessBlock"), "it belongs to the whole account, not to a region", hint);
        }
        one(&at, baseline, &[region], problems);
    }
    if needs_backup_role(environment) {
        for (n, role) in environment.roles.roles.iter().enumerate() {
            for (field, text) in [("key", &role.key), ("name", &role.name)] {
                if text == BACKUP_ROLE {
                    let hint = "choose another one, or name a role in `baseline.backup.role`";
                    let message = format!("{BACKUP_ROLE} is the role that Berth makes for AWS Backup");
                    problems.add(format!("{path}.roles.roles[{n}].{field}"), message, hint);
                }
            }
        }
    }
}

fn one(path: &str, baseline: &Baseline, regions: &[&Region], problems: &mut Problems) {
    let Baseline { backup, config, ebs_encryption, require_imds_v2: _, snapshot_sharing: _, s3_public_access_block: _ } =
        baseline;
    if let Some(key) = ebs_encryption.as_ref().and_then(|ebs| ebs.kms_key.as_ref()) {
        kms_key(&format!("{path}.ebsEncryption.kmsKey"), key, regions, problems);
    }
    if let Some(backup) = backup {
        check_backup(&format!("{path}.backup"), backup, regions, problems);
    }
    if let Some(config) = config {
        check_config(&format!("{path}.config"), config, problems);
    }
}

/// A key is used in its own region only.
fn kms_key(path: &str, key: &str, regions: &[&Region], problems: &mut Problems) {
    let parts: Vec<&str> = key.splitn(6, ':').collect();
    let ["arn", _, "kms", region, account, resource] = parts.as_slice() else {
        let message = format!("{} is not the ARN of a key", quoted(key));
        return problems.add(path, message, "it looks like arn:aws:kms:eu-west-1:111122223333:key/1234abcd-…");
    };
    if account.len() != 12 || !resource.starts_with("key/") {
        let message = format!("{} is not the ARN of a key", quoted(key));
        return problems.add(path, message, "use the key's ARN, not that of an alias");
    }
    if let Some(other) = regions.iter().find(|other| other.as_str() != *region) {
        let message = format!("a key in {region} cannot be used in {other}");
        problems.add(path, message, format!("give `regions.{other}` a `baseline` of its own with a key there"));
    }
}

fn check_backup(path: &str, backup: &Backup, regions: &[&Region], problems: &mut Problems) {
    let Backup { vault, kms_key: key, role: _, rules, tags } = backup;
    if !(2..=50).contains(&vault.len()) || !vault.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b)) {
        let message = format!("{} is not the name of a vault", quoted(vault));
        problems.add(format!("{path}.vault"), message, "use 2 to 50 letters, digits, hyphens and underscores");
    }
    if let Some(key) = key {
        kms_key(&format!("{path}.kmsKey"), key, regions, problems);
    }
    if !(1..=BACKUP_RULES_MAX).contains(&rules.len()) {
        let message = format!("{} rules are listed", rules.len());
        problems.add(format!("{path}.rules"), message, format!("list 1 to {BACKUP_RULES_MAX} rules"));
    }
    problems.repeated(rules.iter().map(|rule| &rule.name), |n| format!("{path}.rules[{n}].name"));
    for (n, rule) in rules.iter().enumerate() {
        backup_rule(&format!("{path}.rules[{n}]"), rule, problems);
    }
    if !(1..=BACKUP_TAGS_MAX).contains(&tags.len()) {
        let message = format!("{} tags choose what is backed up", tags.len());
        problems.add(format!("{path}.tags"), message, format!("list 1 to {BACKUP_TAGS_MAX} tags"));
    }
    for (n, tag) in tags.iter().enumerate() {
        if tag.key.is_empty() || tag.key.len() > 128 || tag.key.starts_with("aws:") {
            let message = format!("{} is not the key of a tag", quoted(&tag.key));
            problems.add(format!("{path}.tags[{n}].key"), message, "use 1 to 128 characters, not starting with aws:");
        }
    }
}

fn backup_rule(path: &str, rule: &BackupRule, problems: &mut Problems) {
    let BackupRule {
        name,
        schedule,
        time_zone: _,
        start_window_minutes: start,
        completion_window_minutes: completion,
        cold_storage_after_days: cold,
        delete_after_days: delete,
    } = rule;
    if !(1..=50).contains(&name.len()) || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)) {
        let message = format!("{} is not the name of a backup rule", quoted(name));
        problems.add(format!("{path}.name"), message, "use 1 to 50 letters, digits and ._-");
    }
    if !schedule::is_schedule(schedule) {
        let message = format!("{} is not a schedule", quoted(schedule));
        let hint = "write six fields, like cron(0 3 * * ? *): minutes, hours, day of the month, month, day of the week and \
                    year, with ? for one of the two days";
        problems.add(format!("{path}.schedule"), message, hint);
    }
    if *start < 60 {
        let message = format!("{start} minutes are too short a time to start in");
        problems.add(format!("{path}.startWindowMinutes"), message, "use 60 or more");
    }
    if *completion < start.saturating_add(60) {
        let message = format!("{completion} minutes to end in are not an hour more than {start} to start in");
        problems.add(format!("{path}.completionWindowMinutes"), message, "use startWindowMinutes and 60 more at least");
    }
    if *cold == Some(0) || *delete == Some(0) {
        problems.add(path, "a backup is kept for at least a day", "use 1 or more, or leave the line out");
    }
    if let (Some(cold), Some(delete)) = (cold, delete)
        && *delete < cold.saturating_add(COLD_DAYS_MIN)
    {
        let message = format!("deleting after {delete} days leaves less than {COLD_DAYS_MIN} in cold storage");
        let hint = format!("use {} or more, or leave coldStorageAfterDays out", cold.saturating_add(COLD_DAYS_MIN));
        problems.add(format!("{path}.deleteAfterDays"), message, hint);
    }
}

fn check_config(path: &str, config: &ConfigService, problems: &mut Problems) {
    let ConfigService { recorder, rules } = config;
    if recorder.is_none() && rules.is_empty() {
        let hint = "declare a `recorder`, or `rules`, or remove `config`";
        problems.add(path, "neither a recorder nor rules are declared", hint);
    }
    if let Some(recorder) = recorder {
        let right = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'.' || b == b'-';
        if !(3..=63).contains(&recorder.bucket.len()) || !recorder.bucket.bytes().all(right) {
            let message = format!("{} is not the name of a bucket", quoted(&recorder.bucket));
            problems.add(format!("{path}.recorder.bucket"), message, "write the bucket's name, not its ARN");
        }
        if let Some(prefix) =
            recorder.prefix.as_ref().filter(|p| p.is_empty() || p.starts_with('/') || p.ends_with('/'))
        {
            let message = format!("{} is not a prefix", quoted(prefix));
            problems.add(format!("{path}.recorder.prefix"), message, "write it without slashes at its ends");
        }
    }
    if rules.len() > CONFIG_RULES_MAX {
        let hint = format!("use at most {CONFIG_RULES_MAX}; a conformance pack holds more");
        problems.add(format!("{path}.rules"), format!("{} rules are listed", rules.len()), hint);
    }
    problems.repeated(rules.iter().map(|rule| &rule.name), |n| format!("{path}.rules[{n}].name"));
    for (n, rule) in rules.iter().enumerate() {
        config_rule(&format!("{path}.rules[{n}]"), rule, problems);
    }
}

fn config_rule(path: &str, rule: &ConfigRule, problems: &mut Problems) {
    let name = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if !(1..=100).contains(&rule.name.len()) || !rule.name.bytes().all(name) || rule.name.starts_with('-') {
        let message = format!("{} is not the name of a rule", quoted(&rule.name));
        problems.add(format!("{path}.name"), message, "use 1 to 100 lower-case letters, digits and hyphens");
    }
    if !is_rule_source(&rule.source) {
        let message = format!("{} is not the identifier of a managed rule", quoted(&rule.source));
        problems.add(format!("{path}.source"), message, "use the identifier in capitals, like ENCRYPTED_VOLUMES");
    }
    if let Some(ConfigScope::ResourceTypes(types)) = &rule.scope {
        for (n, kind) in types.iter().enumerate().filter(|(_, kind)| !is_resource_type(kind)) {
            let message = format!("{} is not a type of resource", quoted(kind));
            problems.add(format!("{path}.scope.resourceTypes[{n}]"), message, "it looks like AWS::S3::Bucket");
        }
        if types.is_empty() {
            let hint = "list at least one type, or leave `scope` out";
            problems.add(format!("{path}.scope.resourceTypes"), "no type of resource is listed", hint);
        }
    }
}

/// Whether a text has the form of a managed rule's identifier.
pub(super) fn is_rule_source(source: &str) -> bool {
    let right = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_' || b == b'-';
    (1..=256).contains(&source.len()) && source.bytes().all(right)
}

/// Whether a text has the form of a type of resource.
pub(super) fn is_resource_type(kind: &str) -> bool {
    kind.split("::").count() == 3 && kind.starts_with("AWS::")
}
