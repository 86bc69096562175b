//! What the step sees in the account's region, and how each change alters it.

use std::collections::BTreeMap;

use berth_tenancy::{BackupRule, ConfigRule};

use crate::{Action, Effect, RECORDER};

/// What is there. Parts that the plan leaves out are not read and stay empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
pub struct Seen {
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
}

/// A configuration recorder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorder {
    /// Its name.
    pub name: String,
    /// Whether it records now.
    pub recording: bool,
    /// Its role; read for ours only.
    pub role_arn: Option<String>,
    /// Whether it records every type of resource; read for ours only.
    pub all_supported: bool,
    /// Whether it records resources without a region; read for ours only.
    pub global_resources: bool,
}

/// A delivery channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// Its name.
    pub name: String,
    /// Its bucket.
    pub bucket: String,
    /// Its prefix in the bucket.
    pub prefix: Option<String>,
}

/// A rule of AWS Config.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// What it says, with the short name of the plan; none when Berth would never make such a rule.
    pub says: Option<ConfigRule>,
    /// Whether its tags are ours; looked at only when it differs from the plan.
    pub ours: bool,
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
}

/// A backup plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Its id.
    pub id: String,
    /// Its ARN; empty when it is only planned.
    pub arn: String,
    /// Whether Berth made it.
    pub ours: bool,
    /// Whether it has all tags of ours.
    pub tagged: bool,
    /// Its rules.
    pub rules: Vec<PlannedRule>,
    /// Its selections.
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
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whether Berth made it, with this name.
    pub ours: bool,
}

impl Seen {
    /// Applies the effect of a change.
    pub fn apply(&mut self, effect: Effect) {
        let Effect { done, id } = effect;
        match done {
            Action::EncryptVolumes => self.ebs_encrypted = true,
            Action::SetVolumeKey { key } => self.ebs_key = Some(key),
            Action::RequireImdsV2 => self.imds_v2 = true,
            Action::BlockSnapshotSharing { state } => self.snapshot_sharing = Some(state.to_owned()),
            Action::BlockPublicAccess => self.s3_blocked = true,
            Action::EnsureConfigRole => self.config_role = true,
            Action::PutRecorder { role_arn, global_resources } => {
                let recording = self.recorder.as_ref().is_some_and(|recorder| recorder.recording);
                let (name, role_arn) = (RECORDER.to_owned(), Some(role_arn));
                self.recorder = Some(Recorder { name, recording, role_arn, all_supported: true, global_resources });
            }
            Action::PutChannel { bucket, prefix } => {
                self.channel = Some(Channel { name: RECORDER.to_owned(), bucket, prefix });
            }
            Action::StartRecorder => self.recorder.iter_mut().for_each(|recorder| recorder.recording = true),
            Action::PutRule { rule, .. } => {
                self.rules.insert(rule.name_in_account(), Rule { says: Some(*rule), ours: true });
            }
            Action::CreateVault { key, .. } => {
                self.vault = Some(Vault { arn: String::new(), key, ours: true, tagged: true });
            }
            Action::CreatePlan { rules } => {
                let (arn, selections) = (String::new(), Vec::new());
                self.plan = Some(Plan { id, arn, ours: true, tagged: true, rules, selections });
            }
            Action::TagVault { .. } => self.vault.iter_mut().for_each(|vault| vault.tagged = true),
            Action::TagPlan { .. } => self.plan.iter_mut().for_each(|plan| plan.tagged = true),
            Action::UpdatePlan { rules, .. } => self.plan.iter_mut().for_each(|plan| plan.rules.clone_from(&rules)),
            Action::CreateSelection { name, .. } => {
                let made = Selection { id, name, ours: true };
                self.plan.iter_mut().for_each(|plan| plan.selections.push(made.clone()));
            }
            Action::DeleteSelection { id, .. } => {
                self.plan.iter_mut().for_each(|plan| plan.selections.retain(|selection| selection.id != id));
            }
        }
    }
}
