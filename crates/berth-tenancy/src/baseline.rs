//! The baseline of an account in one region, as planned: backups, rules, and settings of the account itself.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Region;

/// The baseline of one region. What is none or false is switched off: it is neither looked at nor changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BaselinePlan {
    /// The region.
    pub region: Region,
    /// AWS Backup.
    pub backup: Option<BackupPlan>,
    /// AWS Config.
    pub config: Option<ConfigPlan>,
    /// EBS encryption by default.
    pub ebs_encryption: Option<EbsEncryption>,
    /// Whether new instances demand version 2 of the instance metadata service.
    pub require_imds_v2: bool,
    /// Which public sharing of EBS snapshots is blocked.
    pub snapshot_sharing: Option<SnapshotSharing>,
    /// Settings of the whole account: only one region of the account has them, so that they are made once.
    pub account: Option<AccountBaselinePlan>,
}

impl BaselinePlan {
    /// Whether everything is switched off.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self { region: _, backup, config, ebs_encryption, require_imds_v2, snapshot_sharing, account } = self;
        backup.is_none()
            && config.is_none()
            && ebs_encryption.is_none()
            && !require_imds_v2
            && snapshot_sharing.is_none()
            && account.is_none()
    }

    /// A baseline of this region with everything switched off.
    #[must_use]
    pub fn of_nothing(region: Region) -> Self {
        Self {
            region,
            backup: None,
            config: None,
            ebs_encryption: None,
            require_imds_v2: false,
            snapshot_sharing: None,
            account: None,
        }
    }

    /// The things that it has.
    #[must_use]
    pub fn parts(&self) -> BTreeSet<BaselinePart> {
        let mut parts = BTreeSet::new();
        if let Some(BackupPlan { vault, .. }) = &self.backup {
            parts.extend([BaselinePart::BackupPlan, BaselinePart::BackupVault(vault.clone())]);
        }
        if let Some(ConfigPlan { recorder, rules }) = &self.config {
            parts.extend(recorder.as_ref().map(|_| BaselinePart::ConfigRecorder));
            parts.extend(rules.iter().map(|rule| BaselinePart::ConfigRule(rule.name_in_account())));
        }
        parts
    }
}

/// One thing in the baseline of a region. Settings are none: they set what was there before, which nobody knows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum BaselinePart {
    /// A rule of AWS Config, by its name in the account. [Config `PutConfigRule`]
    ConfigRule(String),
    /// The configuration recorder of Berth with its delivery channel. [Config `PutConfigurationRecorder`]
    ConfigRecorder,
    /// The backup plan of Berth with its selections. [Backup `CreateBackupPlan`]
    BackupPlan,
    /// A backup vault, by its name. [Backup `CreateBackupVault`]
    BackupVault(String),
}

impl fmt::Display for BaselinePart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ConfigRule(name) => write!(f, "Config rule {name}"),
            Self::ConfigRecorder => f.write_str("configuration recorder"),
            Self::BackupPlan => f.write_str("backup plan"),
            Self::BackupVault(name) => write!(f, "backup vault {name}"),
        }
    }
}

/// Settings that an account has once, not once for each region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AccountBaselinePlan {
    /// Whether S3 blocks all public access to the account's buckets.
    pub s3_public_access_block: bool,
}

/// AWS Backup of one region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BackupPlan {
    /// Name of the vault.
    pub vault: String,
    /// ARN of the key that the vault is encrypted with; none means AWS's own.
    pub kms_key: Option<String>,
    /// ARN of the role that AWS Backup works with in the account.
    pub role_arn: String,
    /// When backups are made, and how long they are kept.
    pub rules: Vec<BackupRule>,
    /// A resource with any of these tags is backed up.
    pub tags: Vec<BackupTag>,
}

/// One rule of a backup plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BackupRule {
    /// Name of the rule, unique in the plan.
    #[schemars(regex(pattern = r"^[A-Za-z0-9._-]{1,50}$"))]
    pub name: String,
    /// When a backup starts: `cron(…)` of AWS, such as `cron(0 3 * * ? *)`.
    #[schemars(regex(pattern = r"^cron\(.+\)$"))]
    pub schedule: String,
    /// Time zone of the schedule, by its IANA name.
    #[serde(default = "utc")]
    #[schemars(length(min = 1, max = 60))]
    pub time_zone: String,
    /// A backup that did not start after so many minutes is given up; 60 at least.
    #[serde(default = "eight_hours")]
    #[schemars(range(min = 60, max = 10080))]
    pub start_window_minutes: u32,
    /// A backup that did not end after so many minutes is given up.
    #[serde(default = "one_week")]
    #[schemars(range(min = 120, max = 50000))]
    pub completion_window_minutes: u32,
    /// A backup moves to cold storage after so many days; none means never.
    #[schemars(range(min = 1, max = 36500))]
    pub cold_storage_after_days: Option<u32>,
    /// A backup is deleted after so many days, at least 90 more than until cold storage; none means never.
    #[schemars(range(min = 1, max = 36500))]
    pub delete_after_days: Option<u32>,
}

/// AWS's own default of `StartWindowMinutes`. [Backup `BackupRuleInput`]
fn eight_hours() -> u32 {
    480
}

/// AWS's own default of `CompletionWindowMinutes`. [Backup `BackupRuleInput`]
fn one_week() -> u32 {
    10_080
}

/// AWS's own default of `ScheduleExpressionTimezone`. [Backup `BackupRuleInput`]
fn utc() -> String {
    "Etc/UTC".to_owned()
}

/// A tag by which resources are chosen for backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BackupTag {
    /// Key of the tag.
    #[schemars(length(min = 1, max = 128))]
    pub key: String,
    /// Its exact value.
    #[schemars(length(max = 256))]
    pub value: String,
}

/// AWS Config of one region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConfigPlan {
    /// The recorder; none where somebody else records.
    pub recorder: Option<RecorderPlan>,
    /// Managed rules.
    pub rules: Vec<ConfigRule>,
}

/// The configuration recorder of one region, and where it delivers to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RecorderPlan {
    /// Bucket that snapshots and history go to.
    pub bucket: String,
    /// Prefix in the bucket.
    pub prefix: Option<String>,
    /// Whether resources without a region (IAM) are recorded here: in one region of an account only.
    pub global_resources: bool,
}

/// A managed rule of AWS Config. Its name in the account is `berth-` and this name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConfigRule {
    /// Short name, unique in the list.
    #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9-]{0,99}$"))]
    pub name: String,
    /// Identifier of AWS's managed rule, such as `S3_BUCKET_VERSIONING_ENABLED`.
    #[schemars(regex(pattern = r"^[A-Z0-9_-]{1,256}$"))]
    pub source: String,
    /// Input parameters of the rule; all are texts, as AWS Config has them.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
    /// Which resources are looked at; none means all that the rule knows.
    pub scope: Option<ConfigScope>,
    /// How often a periodic rule runs; none means what AWS Config does by itself.
    pub frequency: Option<ConfigFrequency>,
}

impl ConfigRule {
    /// Name of the rule in the account.
    #[must_use]
    pub fn name_in_account(&self) -> String {
        format!("berth-{}", self.name)
    }
}

/// Which resources a rule looks at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum ConfigScope {
    /// Resources of these types, such as `AWS::S3::Bucket`.
    ResourceTypes(#[schemars(length(min = 1, max = 100))] Vec<String>),
    /// Resources with this tag.
    Tag {
        /// Key of the tag.
        #[schemars(length(min = 1, max = 128))]
        key: String,
        /// Its value; none means any.
        #[schemars(length(min = 1, max = 256))]
        value: Option<String>,
    },
}

/// How often a periodic rule runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ConfigFrequency {
    /// Every hour.
    OneHour,
    /// Every three hours.
    ThreeHours,
    /// Every six hours.
    SixHours,
    /// Every twelve hours.
    TwelveHours,
    /// Every day.
    TwentyFourHours,
}

impl ConfigFrequency {
    /// The word of AWS Config. [Config `MaximumExecutionFrequency`]
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OneHour => "One_Hour",
            Self::ThreeHours => "Three_Hours",
            Self::SixHours => "Six_Hours",
            Self::TwelveHours => "Twelve_Hours",
            Self::TwentyFourHours => "TwentyFour_Hours",
        }
    }
}

/// EBS encryption by default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EbsEncryption {
    /// ARN of the key of new volumes; none leaves the key as it is, which at first is AWS's own.
    #[schemars(regex(pattern = r"^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$"))]
    pub kms_key: Option<String>,
}

/// Which public sharing of EBS snapshots is blocked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum SnapshotSharing {
    /// All: snapshots that are public already are treated as private.
    BlockAll,
    /// New: snapshots that are public already stay so.
    BlockNew,
}

impl SnapshotSharing {
    /// The word of EC2. [EC2 `EnableSnapshotBlockPublicAccess`]
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BlockAll => "block-all-sharing",
            Self::BlockNew => "block-new-sharing",
        }
    }
}
