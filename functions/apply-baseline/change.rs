//! The changes of this step, each with all that making it takes.

use std::fmt;

use berth_tenancy::{BackupTag, ConfigRule};

use crate::{PLAN_NAME, PlannedRule, RECORDER};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Of a setting of EC2, EBS or S3.
    Setting(SettingChange),
    /// In AWS Config.
    Config(ConfigChange),
    /// In AWS Backup.
    Backup(BackupChange),
}

/// A change of a setting. Each call sets a value, so doing it twice is doing it once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettingChange {
    /// Encrypt new EBS volumes.
    EncryptVolumes,
    /// Encrypt them with this key.
    SetVolumeKey { key: String },
    /// Demand version 2 of the instance metadata service of new instances.
    RequireImdsV2,
    /// Block public sharing of snapshots.
    BlockSnapshotSharing { state: &'static str },
    /// Block public access to the account's buckets.
    BlockPublicAccess,
}

/// A change in AWS Config. What is put is put whole, by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigChange {
    /// Make the role that AWS Config records with, unless it is there.
    EnsureRole,
    /// Make or repair the recorder.
    PutRecorder { role_arn: String, global_resources: bool },
    /// Make or repair where it delivers to.
    PutChannel { bucket: String, prefix: Option<String> },
    /// Start recording.
    StartRecorder,
    /// Make or repair a rule.
    PutRule { rule: Box<ConfigRule>, repair: bool },
    /// Repair the tags of the recorder.
    TagRecorder { arn: String },
    /// Repair the tags of a rule.
    TagRule { arn: String, name: String },
    /// Delete a rule of an account that leaves.
    DeleteRule { name: String },
    /// Stop recording in an account that leaves.
    StopRecorder,
    /// Delete where it delivers to, of an account that leaves.
    DeleteChannel,
    /// Delete the recorder of an account that leaves.
    DeleteRecorder,
}

/// A change in AWS Backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BackupChange {
    /// Make the backup vault.
    CreateVault { name: String, key: Option<String> },
    /// Make the backup plan.
    CreatePlan { rules: Vec<PlannedRule> },
    /// Repair the tags of the backup vault.
    TagVault { arn: String, name: String },
    /// Repair the tags of the backup plan.
    TagPlan { arn: String },
    /// Repair the rules of the backup plan.
    UpdatePlan { id: String, rules: Vec<PlannedRule> },
    /// Choose what is backed up: whatever has one of these tags.
    CreateSelection { plan: String, name: String, role_arn: String, tags: Vec<BackupTag> },
    /// Delete a choice that Berth made and the plan does not have any more.
    DeleteSelection { plan: String, id: String, name: String },
    /// Delete the plan of an account that leaves.
    DeletePlan { id: String },
    /// Delete a vault without recovery points of an account that leaves.
    DeleteVault { name: String },
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Setting(change) => change.fmt(f),
            Self::Config(change) => change.fmt(f),
            Self::Backup(change) => change.fmt(f),
        }
    }
}

impl fmt::Display for SettingChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EncryptVolumes => f.write_str("turn on EBS encryption by default"),
            Self::SetVolumeKey { key } => write!(f, "set the key of EBS encryption by default to {key}"),
            Self::RequireImdsV2 => f.write_str("require IMDSv2 by default"),
            Self::BlockSnapshotSharing { state } => write!(f, "set public sharing of snapshots to {state}"),
            Self::BlockPublicAccess => f.write_str("block public access to S3 in the whole account"),
        }
    }
}

impl fmt::Display for ConfigChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EnsureRole => f.write_str("ensure the service-linked role of AWS Config"),
            Self::PutRecorder { .. } => write!(f, "put configuration recorder {RECORDER}"),
            Self::PutChannel { bucket, .. } => write!(f, "deliver configuration to {bucket}"),
            Self::StartRecorder => write!(f, "start configuration recorder {RECORDER}"),
            Self::PutRule { rule, repair: false } => write!(f, "create Config rule {}", rule.name_in_account()),
            Self::PutRule { rule, repair: true } => write!(f, "repair Config rule {}", rule.name_in_account()),
            Self::TagRecorder { .. } => write!(f, "repair tags of configuration recorder {RECORDER}"),
            Self::TagRule { name, .. } => write!(f, "repair tags of Config rule {name}"),
            Self::DeleteRule { name } => write!(f, "delete Config rule {name}"),
            Self::StopRecorder => write!(f, "stop configuration recorder {RECORDER}"),
            Self::DeleteChannel => write!(f, "delete delivery channel {RECORDER}"),
            Self::DeleteRecorder => write!(f, "delete configuration recorder {RECORDER}"),
        }
    }
}

impl fmt::Display for BackupChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CreateVault { name, .. } => write!(f, "create backup vault {name}"),
            Self::CreatePlan { .. } => write!(f, "create backup plan {PLAN_NAME}"),
            Self::TagVault { name, .. } => write!(f, "repair tags of backup vault {name}"),
            Self::TagPlan { .. } => write!(f, "repair tags of backup plan {PLAN_NAME}"),
            Self::UpdatePlan { .. } => write!(f, "repair backup plan {PLAN_NAME}"),
            Self::CreateSelection { name, .. } => write!(f, "create backup selection {name}"),
            Self::DeleteSelection { name, .. } => {
                write!(f, "delete backup selection {name}, which the plan does not have")
            }
            Self::DeletePlan { id } => write!(f, "delete backup plan {PLAN_NAME} ({id})"),
            Self::DeleteVault { name } => write!(f, "delete backup vault {name}, which is empty"),
        }
    }
}
