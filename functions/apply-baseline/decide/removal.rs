//! What of a baseline goes with an account that leaves, in which order, and what stays and why. Pure.
//!
//! Three things keep something: it has not Berth's tags, it holds what is the tenant's (recovery points), or somebody else
//! needs it (a selection in the plan, a rule that the recorder feeds). What proves that another thing is Berth's goes last.

use berth_step::Decision;

use super::wanted::{PLAN_NAME, RECORDER};
use crate::{BackupChange, Change, ConfigChange, Input, Left, LeftPlan, LeftRule, LeftVault, Output, State};

/// Names of other people's rules that a line shows.
const NAMED_MAX: usize = 5;

/// Every batch holds what needs nothing else of the same batch.
pub(super) fn decide(input: &Input, state: &State) -> Decision<Change, Output> {
    let left = state.left.clone().unwrap_or_default();
    let mut changes: Vec<Change> = config(&left).into_iter().map(Change::Config).collect();
    changes.extend(backup(&left).into_iter().map(Change::Backup));
    if !changes.is_empty() {
        return Decision::Act(changes);
    }
    let region = input.baseline.region.clone();
    let left_behind = stays(&left).into_iter().map(|line| format!("{region}: {line}")).collect();
    Decision::Done(Output { region, left_behind })
}

/// Rules and recording end first, then the channel, which AWS deletes only when nothing records, then the recorder, whose
/// tags say whose channel it is.
fn config(left: &Left) -> Vec<ConfigChange> {
    let delete = |rule: &LeftRule| ConfigChange::DeleteRule { name: rule.name.clone() };
    let mut changes: Vec<ConfigChange> = left.rules.iter().filter(|rule| rule.ours).map(delete).collect();
    if let Some(recorder) = left.recorder.as_ref().filter(|_| why_recorder_stays(left).is_none()) {
        changes.push(match (recorder.recording, left.channel) {
            (true, _) => ConfigChange::StopRecorder,
            (false, true) => ConfigChange::DeleteChannel,
            (false, false) => ConfigChange::DeleteRecorder,
        });
    }
    changes
}

/// Selections, then the plan without any, then the vault that nothing of ours writes to.
fn backup(left: &Left) -> Vec<BackupChange> {
    let mut changes = Vec::new();
    for plan in left.plans.iter().filter(|plan| plan.ours) {
        let ours = plan.selections.iter().filter(|selection| selection.ours);
        changes.extend(ours.map(|selection| BackupChange::DeleteSelection {
            plan: plan.id.clone(),
            id: selection.id.clone(),
            name: selection.name.clone(),
        }));
        if plan.selections.is_empty() {
            changes.push(BackupChange::DeletePlan { id: plan.id.clone() });
        }
    }
    if left.plans.is_empty() {
        let empty = left.vaults.iter().filter(|vault| vault.ours && vault.recovery_points == 0);
        changes.extend(empty.map(|vault| BackupChange::DeleteVault { name: vault.name.clone() }));
    }
    changes
}

/// Why the recorder stays; none when it goes.
fn why_recorder_stays(left: &Left) -> Option<String> {
    let recorder = left.recorder.as_ref()?;
    if !recorder.ours {
        return Some("it has not Berth's tags any more".to_owned());
    }
    let others: Vec<&str> = left.rules.iter().filter(|rule| !rule.ours).map(|rule| rule.name.as_str()).collect();
    if others.is_empty() {
        return None;
    }
    let named = others.iter().take(NAMED_MAX).copied().collect::<Vec<_>>().join(", ");
    let more = others.len().saturating_sub(NAMED_MAX);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    Some(format!("rules of somebody else need it: {named}{more}"))
}

/// What stays, in words.
fn stays(left: &Left) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(why) = why_recorder_stays(left) {
        lines.push(format!("configuration recorder {RECORDER} stays: {why}"));
    }
    if left.channel && left.recorder.is_none() {
        lines.push(format!(
            "delivery channel {RECORDER} stays: without a recorder of its name nobody knows whose it is"
        ));
    }
    let foreign = left.rules.iter().filter(|rule| !rule.ours && rule.name.starts_with("berth-"));
    lines.extend(foreign.map(|rule| format!("Config rule {} stays: it has not Berth's tags", rule.name)));
    lines.extend(left.plans.iter().map(plan_stays));
    lines.extend(left.vaults.iter().map(|vault| vault_stays(vault, left)));
    lines
}

fn plan_stays(plan: &LeftPlan) -> String {
    let why = match plan.selections.first() {
        _ if !plan.ours => "it has not Berth's tags any more".to_owned(),
        Some(selection) => format!("its selection {} is somebody else's", selection.name),
        None => "it was made just now".to_owned(),
    };
    format!("backup plan {PLAN_NAME} ({}) stays: {why}", plan.id)
}

fn vault_stays(vault: &LeftVault, left: &Left) -> String {
    let why = match vault.recovery_points {
        _ if !vault.ours => "it has not Berth's tags any more".to_owned(),
        0 if left.plans.is_empty() => "it was made just now".to_owned(),
        0 => format!("the backup plan {PLAN_NAME} stays, and writes to it"),
        points => format!(
            "it has {points} recovery points, which end by their lifecycle; where the role that they were made with is gone \
             by then, AWS Backup may leave some EXPIRED: delete those by hand, then the vault"
        ),
    };
    format!("backup vault {} stays: {why}", vault.name)
}
