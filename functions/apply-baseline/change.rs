//! The changes of this step, each with all that making it takes.

use std::fmt;

use berth_tenancy::{BackupTag, ConfigRule, Effect, ResourceKind, Tags, UNTAG_CHANGE, UntaggedKind};

use crate::{Input, PLAN_NAME, PlannedRule, RECORDER, State, decide::wanted::tags};

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
    /// Remove tags of the recorder that left platform.yaml, as Berth gave them.
    UntagRecorder { arn: String, tags: Tags },
    /// Remove tags of a rule that left platform.yaml, as Berth gave them.
    UntagRule { arn: String, name: String, tags: Tags },
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
    /// Remove tags of the backup vault that left platform.yaml, as Berth gave them.
    UntagVault { arn: String, name: String, tags: Tags },
    /// Remove tags of the backup plan that left platform.yaml, as Berth gave them.
    UntagPlan { arn: String, tags: Tags },
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

impl Change {
    /// What it does, as far as `state`, the state before it, says.
    pub(crate) fn effect(&self, input: &Input, state: &State) -> Effect {
        match self {
            Self::Setting(change) => change.effect(state),
            Self::Config(change) => change.effect(input, state),
            Self::Backup(change) => change.effect(input, state),
        }
    }
}

impl SettingChange {
    fn effect(&self, state: &State) -> Effect {
        let setting = |operation, name: &str| Effect::changes(UntaggedKind::AccountSetting, operation).name(name);
        match self {
            Self::EncryptVolumes => setting("ec2:EnableEbsEncryptionByDefault", "EBS encryption by default").field(
                "ebsEncryptionByDefault",
                state.ebs_encrypted,
                true,
            ),
            Self::SetVolumeKey { key } => setting("ec2:ModifyEbsDefaultKmsKeyId", "EBS encryption by default").field(
                "kmsKeyId",
                &state.ebs_key,
                key,
            ),
            Self::RequireImdsV2 => setting("ec2:ModifyInstanceMetadataDefaults", "instance metadata").field(
                "httpTokens",
                state.imds_v2.then_some("required"),
                "required",
            ),
            Self::BlockSnapshotSharing { state: after } => {
                let effect = setting("ec2:EnableSnapshotBlockPublicAccess", "public sharing of snapshots");
                effect.field("state", &state.snapshot_sharing, after)
            }
            Self::BlockPublicAccess => setting("s3:PutAccountPublicAccessBlock", "public access to S3").field(
                "blocked",
                state.s3_blocked,
                true,
            ),
        }
    }
}

impl ConfigChange {
    fn effect(&self, input: &Input, state: &State) -> Effect {
        use ResourceKind::{ConfigRule, ConfigurationRecorder};
        let there = state.recorder.as_ref();
        let recorder = |operation| Effect::changes(ConfigurationRecorder, operation).id(RECORDER);
        match self {
            Self::EnsureRole => Effect::creates(UntaggedKind::ServiceLinkedRole, "iam:CreateServiceLinkedRole")
                .name("config.amazonaws.com"),
            Self::PutRecorder { role_arn, global_resources } => {
                let operation = "config:PutConfigurationRecorder";
                let made = || Effect::creates(ConfigurationRecorder, operation).id(RECORDER);
                there
                    .map_or_else(made, |_| recorder(operation))
                    .field("roleARN", there.and_then(|there| there.role_arn.as_ref()), role_arn)
                    .field("allSupported", there.map(|there| there.all_supported), true)
                    .field("includeGlobalResourceTypes", there.map(|there| there.global_resources), global_resources)
            }
            Self::PutChannel { bucket, prefix } => {
                let (kind, operation) = (UntaggedKind::DeliveryChannel, "config:PutDeliveryChannel");
                let there = state.channel.as_ref();
                let effect =
                    if there.is_some() { Effect::changes(kind, operation) } else { Effect::creates(kind, operation) };
                effect.id(RECORDER).field("s3BucketName", there.map(|there| &there.bucket), bucket).field(
                    "s3KeyPrefix",
                    there.and_then(|there| there.prefix.as_ref()),
                    prefix,
                )
            }
            Self::StartRecorder => recorder("config:StartConfigurationRecorder").field("recording", false, true),
            Self::PutRule { rule, repair } => {
                let name = rule.name_in_account();
                let before = state.rules.get(&name).and_then(|there| there.says.as_ref());
                let operation = "config:PutConfigRule";
                let effect = if *repair {
                    Effect::changes(ConfigRule, operation)
                } else {
                    Effect::creates(ConfigRule, operation)
                };
                effect.id(name).field("rule", before, rule)
            }
            Self::TagRecorder { .. } => recorder("config:TagResource")
                .tags(there.and_then(|there| there.tags.as_ref()), &tags(input, ConfigurationRecorder)),
            Self::TagRule { name, .. } => {
                let before = state.rules.get(name).and_then(|rule| rule.tags.as_ref());
                Effect::changes(ConfigRule, "config:TagResource").id(name).tags(before, &tags(input, ConfigRule))
            }
            Self::UntagRecorder { tags, .. } => recorder("config:UntagResource").without_tags(tags),
            Self::UntagRule { name, tags, .. } => {
                Effect::changes(ConfigRule, "config:UntagResource").id(name).without_tags(tags)
            }
            Self::DeleteRule { name } => Effect::deletes(ConfigRule, "config:DeleteConfigRule").id(name),
            Self::StopRecorder => recorder("config:StopConfigurationRecorder").field("recording", true, false),
            Self::DeleteChannel => {
                Effect::deletes(UntaggedKind::DeliveryChannel, "config:DeleteDeliveryChannel").id(RECORDER)
            }
            Self::DeleteRecorder => {
                Effect::deletes(ConfigurationRecorder, "config:DeleteConfigurationRecorder").id(RECORDER)
            }
        }
    }
}

impl BackupChange {
    fn effect(&self, input: &Input, state: &State) -> Effect {
        use ResourceKind::{BackupPlan, BackupVault};
        let selections = UntaggedKind::BackupSelection;
        match self {
            Self::CreateVault { name, key } => {
                Effect::creates(BackupVault, "backup:CreateBackupVault").id(name).field("encryptionKeyArn", (), key)
            }
            Self::CreatePlan { rules } => Effect::creates(BackupPlan, "backup:CreateBackupPlan").name(PLAN_NAME).field(
                "rules",
                (),
                written(rules),
            ),
            Self::TagVault { name, .. } => {
                Effect::changes(BackupVault, "backup:TagResource").id(name).tags(None, &tags(input, BackupVault))
            }
            Self::TagPlan { arn } => {
                Effect::changes(BackupPlan, "backup:TagResource").id(arn).tags(None, &tags(input, BackupPlan))
            }
            Self::UntagVault { name, tags, .. } => {
                Effect::changes(BackupVault, "backup:UntagResource").id(name).without_tags(tags)
            }
            Self::UntagPlan { arn, tags } => {
                Effect::changes(BackupPlan, "backup:UntagResource").id(arn).without_tags(tags)
            }
            Self::UpdatePlan { id, rules } => {
                let before = state.plan.as_ref().map(|plan| written(&plan.rules));
                let effect = Effect::changes(BackupPlan, "backup:UpdateBackupPlan").id(id).name(PLAN_NAME);
                effect.field("rules", before, written(rules))
            }
            Self::CreateSelection { name, role_arn, tags, plan: _ } => {
                Effect::creates(selections, "backup:CreateBackupSelection")
                    .name(name)
                    .field("iamRoleArn", (), role_arn)
                    .field("tags", (), tags)
            }
            Self::DeleteSelection { id, name, plan: _ } => {
                Effect::deletes(selections, "backup:DeleteBackupSelection").id(id).name(name)
            }
            Self::DeletePlan { id } => Effect::deletes(BackupPlan, "backup:DeleteBackupPlan").id(id).name(PLAN_NAME),
            Self::DeleteVault { name } => Effect::deletes(BackupVault, "backup:DeleteBackupVault").id(name),
        }
    }
}

/// Rules of a backup plan, each with the vault that it writes to.
fn written(rules: &[PlannedRule]) -> Vec<(&str, &berth_tenancy::BackupRule)> {
    rules.iter().map(|PlannedRule { rule, vault }| (vault.as_str(), rule)).collect()
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
            Self::UntagRecorder { tags, .. } => {
                write!(f, "{UNTAG_CHANGE}{} from configuration recorder {RECORDER}", tags.keys())
            }
            Self::UntagRule { name, tags, .. } => write!(f, "{UNTAG_CHANGE}{} from Config rule {name}", tags.keys()),
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
            Self::UntagVault { name, tags, .. } => write!(f, "{UNTAG_CHANGE}{} from backup vault {name}", tags.keys()),
            Self::UntagPlan { tags, .. } => write!(f, "{UNTAG_CHANGE}{} from backup plan {PLAN_NAME}", tags.keys()),
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
