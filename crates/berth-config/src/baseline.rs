//! The baseline of an environment's accounts: what is written in platform.yaml. What is left out is switched off.

use berth_tenancy::{BackupRule, BackupTag, ConfigRule, EbsEncryption, RoleName, SnapshotSharing};
use schemars::JsonSchema;
use serde::Deserialize;

/// Name of the role that Berth makes for AWS Backup, and its key among the tenant's roles.
pub(crate) const BACKUP_ROLE: &str = "berth-backup";

/// The baseline of an account in each of its regions. What is left out is neither looked at nor changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Baseline {
    /// AWS Backup: a vault, a plan, and the tags that choose what is backed up.
    pub backup: Option<Backup>,
    /// AWS Config: a recorder and managed rules.
    pub config: Option<ConfigService>,
    /// New EBS volumes are encrypted; `{}` for AWS's own key.
    pub ebs_encryption: Option<EbsEncryption>,
    /// New EC2 instances demand version 2 of the instance metadata service, unless they are started otherwise.
    #[serde(default)]
    pub require_imds_v2: bool,
    /// Which public sharing of EBS snapshots is blocked.
    pub snapshot_sharing: Option<SnapshotSharing>,
    /// S3 blocks all public access, in the whole account. Only in the environment's own baseline.
    #[serde(default)]
    pub s3_public_access_block: bool,
}

/// AWS Backup of one region.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Backup {
    /// Name of the vault.
    #[serde(default = "default_vault")]
    #[schemars(regex(pattern = r"^[A-Za-z0-9_-]{2,50}$"))]
    pub vault: String,
    /// ARN of the key that the vault is encrypted with; none means AWS's own. It cannot be changed later.
    #[schemars(regex(pattern = r"^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$"))]
    pub kms_key: Option<String>,
    /// Role in the account that AWS Backup works with, such as `service-role/AWSBackupDefaultServiceRole`. It must
    /// exist. Without it, Berth makes the role `berth-backup`.
    pub role: Option<RoleName>,
    /// When backups are made, and how long they are kept.
    #[schemars(length(min = 1, max = 10))]
    pub rules: Vec<BackupRule>,
    /// A resource with any of these tags is backed up.
    #[schemars(length(min = 1, max = 30))]
    pub tags: Vec<BackupTag>,
}

/// AWS Config of one region.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConfigService {
    /// The recorder, where Control Tower does not run one. A region has only one recorder.
    pub recorder: Option<Recorder>,
    /// Managed rules.
    #[serde(default)]
    #[schemars(length(max = 100))]
    pub rules: Vec<ConfigRule>,
}

/// Where a configuration recorder delivers to.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Recorder {
    /// Name of the bucket. Its policy must let AWS Config of the accounts write.
    #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$"))]
    pub bucket: String,
    /// Prefix in the bucket, without slashes at its ends.
    #[schemars(length(min = 1, max = 200))]
    pub prefix: Option<String>,
}

fn default_vault() -> String {
    "berth-backup".to_owned()
}
