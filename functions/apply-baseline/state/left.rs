//! What a region has of a baseline that goes, and how each deletion alters it.

use crate::{BackupChange, Change, ConfigChange, Selection};

/// What is there, with the proof of whose it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Left {
    /// Plans that were made with Berth's token.
    pub plans: Vec<LeftPlan>,
    /// Vaults that were made with Berth's token.
    pub vaults: Vec<LeftVault>,
    /// Every rule of the region, but for those that AWS is deleting.
    pub rules: Vec<LeftRule>,
    /// The recorder, when it has Berth's name.
    pub recorder: Option<LeftRecorder>,
    /// Whether there is a delivery channel of Berth's name.
    pub channel: bool,
}

/// A backup plan that was made with Berth's token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftPlan {
    pub id: String,
    /// Whether it has Berth's tags, too.
    pub ours: bool,
    pub selections: Vec<Selection>,
}

/// A backup vault that was made with Berth's token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftVault {
    pub name: String,
    /// Whether it has Berth's tags, too.
    pub ours: bool,
    /// Backups in it.
    pub recovery_points: i64,
}

/// A rule of AWS Config.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftRule {
    pub name: String,
    /// Whether it has a name of Berth's and its tags.
    pub ours: bool,
}

/// A configuration recorder of Berth's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftRecorder {
    /// Whether it has Berth's tags.
    pub ours: bool,
    /// Whether it records now.
    pub recording: bool,
}

impl Left {
    /// Applies a deletion.
    pub(super) fn apply(&mut self, change: &Change) {
        match change {
            Change::Config(ConfigChange::DeleteRule { name }) => self.rules.retain(|rule| rule.name != *name),
            Change::Config(ConfigChange::StopRecorder) => {
                self.recorder.iter_mut().for_each(|recorder| recorder.recording = false);
            }
            Change::Config(ConfigChange::DeleteChannel) => self.channel = false,
            Change::Config(ConfigChange::DeleteRecorder) => self.recorder = None,
            Change::Backup(BackupChange::DeleteSelection { id, .. }) => {
                self.plans.iter_mut().for_each(|plan| plan.selections.retain(|selection| selection.id != *id));
            }
            Change::Backup(BackupChange::DeletePlan { id }) => self.plans.retain(|plan| plan.id != *id),
            Change::Backup(BackupChange::DeleteVault { name }) => self.vaults.retain(|vault| vault.name != *name),
            Change::Setting(_) | Change::Config(_) | Change::Backup(_) => {}
        }
    }
}
