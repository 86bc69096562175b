//! What was observed in the account's region, and how each change alters it.

mod left;

use std::collections::BTreeMap;

use berth_tenancy::{BackupRule, ConfigRule, ResourceKind, Tags};

pub use self::left::{Left, LeftPlan, LeftRecorder, LeftRule, LeftVault};
use crate::{BackupChange, Change, ConfigChange, Input, RECORDER, SettingChange, decide::wanted::tags};

/// Stands for an id of AWS Backup that is only planned.
const PLANNED_ID: &str = "(known after it is made)";

/// What is there. Parts that the plan leaves out are not read and stay empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
pub struct State {
    /// Whether new volumes are encrypted.
    pub ebs_encrypted: bool,
    /// Key of new volumes.
    pub ebs_key: Option<String>,
    /// Whether new instances demand version 2 of the metadata service.
    pub imds_v2: bool,
    /// State of the block of public snapshots, in EC2's word.
    pub snapshot_sharing: Option<String>,
    /// Whether S3 blocks all public access.
    pub s3_blocked: bool,
    /// Whether the role that AWS Config records with is known to be there.
    pub config_role: bool,
    /// The region's one recorder.
    pub recorder: Option<Recorder>,
    /// The region's one delivery channel.
    pub channel: Option<Channel>,
    /// Rules with the planned names, by name in the account.
    pub rules: BTreeMap<String, Rule>,
    /// The vault with the planned name.
    pub vault: Option<Vault>,
    /// The plan with our name.
    pub plan: Option<Plan>,
    /// Whether the role for AWS Backup is there; looked at only while the selection is missing.
    pub backup_role: bool,
    /// What is there, where something is left over or all of it goes; looked at only then, and before the first change.
    pub left: Option<Left>,
}

/// A configuration recorder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recorder {
    pub name: String,
    /// Whether it records now.
    pub recording: bool,
    /// Its role; read for ours only.
    pub role_arn: Option<String>,
    /// Whether it records every type of resource; read for ours only.
    pub all_supported: bool,
    /// Whether it records resources without a region; read for ours only.
    pub global_resources: bool,
    /// Its ARN; read for ours only.
    pub arn: Option<String>,
    /// Its tags; read for ours only, and only where the organization has tags of its own for recorders.
    pub tags: Option<Tags>,
}

/// A delivery channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    pub name: String,
    pub bucket: String,
    /// Its prefix in the bucket.
    pub prefix: Option<String>,
}

/// A rule of AWS Config.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its ARN; empty when it is only planned.
    pub arn: String,
    /// What it says, with the short name of the plan; none when Berth would never make such a rule.
    pub says: Option<ConfigRule>,
    /// Its tags, which AWS Config shows by a further call; read only where something could be changed: it differs from
    /// the plan, or the organization has tags of its own for rules.
    pub tags: Option<Tags>,
}

/// A backup vault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vault {
    /// Its ARN; empty when it is only planned.
    pub arn: String,
    /// ARN of its key.
    pub key: Option<String>,
    /// Whether Berth made it.
    pub ours: bool,
    /// Whether it has all tags of ours.
    pub tagged: bool,
    /// Tags of ours that it is to have no more.
    pub surplus: Tags,
}

/// A backup plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub id: String,
    /// Its ARN; empty when it is only planned.
    pub arn: String,
    /// Whether Berth made it.
    pub ours: bool,
    /// Whether it has all tags of ours.
    pub tagged: bool,
    /// Tags of ours that it is to have no more.
    pub surplus: Tags,
    pub rules: Vec<PlannedRule>,
    pub selections: Vec<Selection>,
}

/// A rule of a backup plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedRule {
    /// What it says.
    pub rule: BackupRule,
    /// Vault that it writes to.
    pub vault: String,
}

/// A selection of a backup plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    pub id: String,
    pub name: String,
    /// Whether Berth made it, with this name.
    pub ours: bool,
}

impl State {
    /// Applies a change. `id` is that of what was made in AWS Backup.
    pub(crate) fn apply(&mut self, input: &Input, change: Change, id: Option<String>) {
        if let Some(left) = &mut self.left {
            left.apply(&change);
        }
        match change {
            Change::Setting(change) => self.apply_setting(change),
            Change::Config(change) => self.apply_config(input, change),
            Change::Backup(change) => self.apply_backup(change, id.unwrap_or_else(|| PLANNED_ID.to_owned())),
        }
    }

    fn apply_setting(&mut self, change: SettingChange) {
        match change {
            SettingChange::EncryptVolumes => self.ebs_encrypted = true,
            SettingChange::SetVolumeKey { key } => self.ebs_key = Some(key),
            SettingChange::RequireImdsV2 => self.imds_v2 = true,
            SettingChange::BlockSnapshotSharing { state } => self.snapshot_sharing = Some(state.to_owned()),
            SettingChange::BlockPublicAccess => self.s3_blocked = true,
        }
    }

    fn apply_config(&mut self, input: &Input, change: ConfigChange) {
        match change {
            ConfigChange::EnsureRole => self.config_role = true,
            ConfigChange::PutRecorder { role_arn, global_resources } => {
                // AWS Config takes tags only where the recorder is made. [`PutConfigurationRecorder`]
                let made = || (false, None, Some(tags(input, ResourceKind::ConfigurationRecorder)));
                let kept = |there: Recorder| (there.recording, there.arn, there.tags);
                let (recording, arn, tags) = self.recorder.take().map_or_else(made, kept);
                let (name, role_arn) = (RECORDER.to_owned(), Some(role_arn));
                let all_supported = true;
                self.recorder =
                    Some(Recorder { name, recording, role_arn, all_supported, global_resources, arn, tags });
            }
            ConfigChange::PutChannel { bucket, prefix } => {
                self.channel = Some(Channel { name: RECORDER.to_owned(), bucket, prefix });
            }
            ConfigChange::StartRecorder => self.recorder.iter_mut().for_each(|recorder| recorder.recording = true),
            ConfigChange::PutRule { rule, .. } => {
                let name = rule.name_in_account();
                let made = || (String::new(), Some(tags(input, ResourceKind::ConfigRule)));
                let (arn, tags) = self.rules.remove(&name).map_or_else(made, |there| (there.arn, there.tags));
                self.rules.insert(name, Rule { arn, says: Some(*rule), tags });
            }
            ConfigChange::TagRecorder { .. } => {
                let wanted = tags(input, ResourceKind::ConfigurationRecorder);
                let there = self.recorder.iter_mut().filter_map(|recorder| recorder.tags.as_mut());
                there.for_each(|there| there.0.extend(wanted.0.clone()));
            }
            ConfigChange::TagRule { name, .. } => {
                if let Some(there) = self.rules.get_mut(&name).and_then(|rule| rule.tags.as_mut()) {
                    there.0.extend(tags(input, ResourceKind::ConfigRule).0);
                }
            }
            ConfigChange::UntagRecorder { tags, .. } => {
                let there = self.recorder.iter_mut().filter_map(|recorder| recorder.tags.as_mut());
                there.for_each(|there| there.remove(&tags));
            }
            ConfigChange::UntagRule { name, tags, .. } => {
                if let Some(there) = self.rules.get_mut(&name).and_then(|rule| rule.tags.as_mut()) {
                    there.remove(&tags);
                }
            }
            // Only of what is left over.
            ConfigChange::DeleteRule { .. }
            | ConfigChange::StopRecorder
            | ConfigChange::DeleteChannel
            | ConfigChange::DeleteRecorder => {}
        }
    }

    fn apply_backup(&mut self, change: BackupChange, id: String) {
        match (change, &mut self.plan) {
            (BackupChange::CreateVault { key, .. }, _) => {
                let (arn, surplus) = (String::new(), Tags::default());
                self.vault = Some(Vault { arn, key, ours: true, tagged: true, surplus });
            }
            (BackupChange::UntagVault { .. }, _) => {
                self.vault.iter_mut().for_each(|vault| vault.surplus = Tags::default());
            }
            (BackupChange::TagVault { .. }, _) => self.vault.iter_mut().for_each(|vault| vault.tagged = true),
            (BackupChange::CreatePlan { rules }, plan) => {
                let (arn, selections, surplus) = (String::new(), Vec::new(), Tags::default());
                *plan = Some(Plan { id, arn, ours: true, tagged: true, surplus, rules, selections });
            }
            (BackupChange::TagPlan { .. }, Some(plan)) => plan.tagged = true,
            (BackupChange::UntagPlan { .. }, Some(plan)) => plan.surplus = Tags::default(),
            (BackupChange::UpdatePlan { rules, .. }, Some(plan)) => plan.rules = rules,
            (BackupChange::CreateSelection { name, .. }, Some(plan)) => {
                plan.selections.push(Selection { id, name, ours: true });
            }
            (BackupChange::DeleteSelection { id, .. }, Some(plan)) => {
                plan.selections.retain(|selection| selection.id != id);
            }
            (BackupChange::DeletePlan { .. } | BackupChange::DeleteVault { .. }, _) | (_, None) => {}
        }
    }
}
