//! What of a baseline goes, with an account that leaves or because the plan has lost it, in which order, and what stays and
//! why. Pure.
//!
//! Three things keep something: it has not Berth's tags, it holds what is the tenant's (recovery points), or somebody else
//! needs it (a selection in the plan, a rule that the recorder feeds). What proves that another thing is Berth's goes last.

use berth_step::Decision;
use berth_tenancy::BaselinePart;

use super::wanted::{PLAN_NAME, RECORDER};
use crate::{BackupChange, Change, ConfigChange, Input, Left, LeftPlan, LeftRule, LeftVault, Output, Plan, State};

/// Names of other people's rules that a line shows.
const NAMED_MAX: usize = 5;

/// Every batch holds what needs nothing else of the same batch.
pub(super) fn decide(input: &Input, state: &State) -> Decision<Change, Output> {
    let left = state.left.clone().unwrap_or_default();
    let changes = changes(&left, None, &|_| true);
    if !changes.is_empty() {
        return Decision::Act(changes);
    }
    let region = input.baseline.region.clone();
    let left_behind = stays(&left).into_iter().map(|line| format!("{region}: {line}")).collect();
    Decision::Done(Output { region, left_behind, left_over: Vec::new(), given: Vec::new() })
}

/// What is taken away next of the things that go. `planned` is the backup plan that stays, when there is one.
pub(super) fn changes(left: &Left, planned: Option<&Plan>, goes: &dyn Fn(&BaselinePart) -> bool) -> Vec<Change> {
    let config = config(left, goes).into_iter().map(Change::Config);
    config.chain(backup(left, planned, goes).into_iter().map(Change::Backup)).collect()
}

/// Whether a rule stays: it is somebody else's, or wanted.
fn rule_stays(rule: &LeftRule, goes: &dyn Fn(&BaselinePart) -> bool) -> bool {
    !rule.ours || !goes(&BaselinePart::ConfigRule(rule.name.clone()))
}

/// Rules and recording end first, then the channel, which AWS deletes only when nothing records, then the recorder, whose
/// tags say whose channel it is.
fn config(left: &Left, goes: &dyn Fn(&BaselinePart) -> bool) -> Vec<ConfigChange> {
    let delete = |rule: &LeftRule| ConfigChange::DeleteRule { name: rule.name.clone() };
    let mut changes: Vec<ConfigChange> = left.rules.iter().filter(|rule| !rule_stays(rule, goes)).map(delete).collect();
    let is_needed = left.rules.iter().any(|rule| rule_stays(rule, goes));
    let recorder = left.recorder.as_ref().filter(|recorder| recorder.ours && !is_needed);
    if let Some(recorder) = recorder.filter(|_| goes(&BaselinePart::ConfigRecorder)) {
        changes.push(match (recorder.recording, left.channel) {
            (true, _) => ConfigChange::StopRecorder,
            (false, true) => ConfigChange::DeleteChannel,
            (false, false) => ConfigChange::DeleteRecorder,
        });
    }
    changes
}

/// Selections, then the plan without any, then the vault that nothing of ours writes to.
fn backup(left: &Left, planned: Option<&Plan>, goes: &dyn Fn(&BaselinePart) -> bool) -> Vec<BackupChange> {
    let mut changes = Vec::new();
    let is_planned = |plan: &LeftPlan| planned.is_some_and(|planned| planned.id == plan.id);
    let going = left.plans.iter().filter(|plan| plan.ours && !is_planned(plan));
    for plan in going.filter(|_| goes(&BaselinePart::BackupPlan)) {
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
    // What a plan writes to that goes, nobody has read.
    if left.plans.iter().all(is_planned) {
        let is_written = |vault: &str| planned.is_some_and(|plan| plan.rules.iter().any(|rule| rule.vault == vault));
        let empty = left.vaults.iter().filter(|vault| vault.ours && vault.recovery_points == 0);
        let going =
            empty.filter(|vault| goes(&BaselinePart::BackupVault(vault.name.clone())) && !is_written(&vault.name));
        changes.extend(going.map(|vault| BackupChange::DeleteVault { name: vault.name.clone() }));
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
