//! Which changes bring the region to its baseline. Pure.

use berth_step::{Decision, Fault, StepError};
use berth_tenancy::{BackupPlan, ConfigPlan, Mode, RecorderPlan};

use crate::{
    Action, Input, Output, PLAN_NAME, Plan, RECORDER, Recorder, Seen, selection_name,
    wanted::{CONTROL_TOWER, config_role, planned_rules},
};

/// Compares what is there with the plan. Every batch holds what needs nothing else of the same batch.
pub fn decide(input: &Input, seen: &Seen) -> Result<Decision<Action, Output>, StepError> {
    let mut actions = settings(input, seen);
    if let Some(plan) = &input.baseline.config {
        actions.extend(config(input, plan, seen)?);
    }
    if let Some(plan) = &input.baseline.backup {
        actions.extend(backup(input, plan, seen)?);
    }
    if actions.is_empty() {
        return Ok(Decision::Done(Output { region: input.baseline.region.clone() }));
    }
    Ok(Decision::Act(actions))
}

/// Settings that stand alone.
fn settings(input: &Input, seen: &Seen) -> Vec<Action> {
    let plan = &input.baseline;
    let mut actions = Vec::new();
    if let Some(ebs) = &plan.ebs_encryption {
        if !seen.ebs_encrypted {
            actions.push(Action::EncryptVolumes);
        }
        if let Some(key) = ebs.kms_key.as_ref().filter(|key| seen.ebs_key.as_ref() != Some(key)) {
            actions.push(Action::SetVolumeKey { key: key.clone() });
        }
    }
    if plan.require_imds_v2 && !seen.imds_v2 {
        actions.push(Action::RequireImdsV2);
    }
    if let Some(sharing) =
        plan.snapshot_sharing.filter(|wanted| seen.snapshot_sharing.as_deref() != Some(wanted.as_str()))
    {
        actions.push(Action::BlockSnapshotSharing { state: sharing.as_str() });
    }
    if plan.account.as_ref().is_some_and(|account| account.s3_public_access_block) && !seen.s3_blocked {
        actions.push(Action::BlockPublicAccess);
    }
    actions
}

fn config(input: &Input, plan: &ConfigPlan, seen: &Seen) -> Result<Vec<Action>, StepError> {
    let mut actions = match &plan.recorder {
        Some(wanted) => recorder(input, wanted, seen)?,
        None => Vec::new(),
    };
    // Rules need a recorder, whoever runs it. A plan of changes shows them nevertheless.
    if seen.recorder.is_none() && plan.recorder.is_some() {
        return Ok(actions);
    }
    if seen.recorder.is_none() && !plan.rules.is_empty() && input.run.mode == Mode::Apply {
        let next = "wait for Control Tower to enrol the region, or declare `baseline.config.recorder` in platform.yaml";
        return Err(StepError::new(Fault::NotReady, "no configuration recorder is in this region yet").next(next));
    }
    for rule in &plan.rules {
        let name = rule.name_in_account();
        match seen.rules.get(&name) {
            Some(there) if there.says.as_ref() == Some(rule) => {}
            Some(there) if !there.ours => return Err(StepError::not_owned(&format!("Config rule {name}"))),
            there => actions.push(Action::PutRule { rule: Box::new(rule.clone()), repair: there.is_some() }),
        }
    }
    Ok(actions)
}

/// The recorder, then where it delivers to, then its start: each needs the one before it. A region has one recorder.
fn recorder(input: &Input, wanted: &RecorderPlan, seen: &Seen) -> Result<Vec<Action>, StepError> {
    let put =
        Action::PutRecorder { role_arn: config_role(&input.run.account_id), global_resources: wanted.global_resources };
    let there = match &seen.recorder {
        Some(there) if there.name.starts_with(CONTROL_TOWER) => return Ok(Vec::new()),
        Some(there) if there.name != RECORDER => return Err(occupied("configuration recorder", &there.name)),
        there => there,
    };
    if let Some(channel) = seen.channel.as_ref().filter(|channel| channel.name != RECORDER) {
        return Err(occupied("delivery channel", &channel.name));
    }
    let Some(there) = there else {
        return Ok(vec![if seen.config_role { put } else { Action::EnsureConfigRole }]);
    };
    let Recorder { name: _, recording, role_arn, all_supported, global_resources } = there;
    let mut actions = Vec::new();
    let role = config_role(&input.run.account_id);
    if role_arn.as_ref() != Some(&role) || !all_supported || *global_resources != wanted.global_resources {
        actions.push(put);
    }
    let RecorderPlan { bucket, prefix, global_resources: _ } = wanted;
    match &seen.channel {
        Some(channel) if channel.bucket == *bucket && channel.prefix == *prefix => {
            actions.extend((!recording).then_some(Action::StartRecorder));
        }
        _ => actions.push(Action::PutChannel { bucket: bucket.clone(), prefix: prefix.clone() }),
    }
    Ok(actions)
}

fn backup(input: &Input, wanted: &BackupPlan, seen: &Seen) -> Result<Vec<Action>, StepError> {
    let name = selection_name(wanted);
    let selected = |plan: &Plan| plan.selections.iter().any(|selection| selection.ours && selection.name == name);
    // Before the first change: an invocation that only waits then changes nothing. A plan of changes does not wait.
    if !seen.backup_role && !seen.plan.as_ref().is_some_and(selected) && input.run.mode == Mode::Apply {
        let what = format!("the role {} for AWS Backup is not there yet", wanted.role_arn);
        let next = "nothing yet: the state CreateTenantRoles makes berth-backup; any other role must exist";
        return Err(StepError::new(Fault::NotReady, what).next(next));
    }
    let Some(vault) = &seen.vault else {
        return Ok(vec![Action::CreateVault { name: wanted.vault.clone(), key: wanted.kms_key.clone() }]);
    };
    if !vault.ours {
        return Err(StepError::not_owned(&format!("backup vault {}", wanted.vault)));
    }
    if wanted.kms_key.is_some() && vault.key != wanted.kms_key {
        let key = vault.key.as_deref().unwrap_or("no key");
        let what = format!("backup vault {} is encrypted with {key}, not with the planned key", wanted.vault);
        let next = "a vault's key cannot be changed: give `baseline.backup.vault` another name, or plan this key";
        return Err(StepError::new(Fault::InvalidInput, what).next(next));
    }
    let mut actions = Vec::new();
    if !vault.tagged {
        actions.push(Action::TagVault { arn: vault.arn.clone(), name: wanted.vault.clone() });
    }
    let rules = planned_rules(wanted);
    let Some(plan) = &seen.plan else {
        actions.push(Action::CreatePlan { rules });
        return Ok(actions);
    };
    if !plan.ours {
        return Err(StepError::not_owned(&format!("backup plan {PLAN_NAME} ({})", plan.id)));
    }
    if !plan.tagged {
        actions.push(Action::TagPlan { arn: plan.arn.clone() });
    }
    if plan.rules != rules {
        actions.push(Action::UpdatePlan { id: plan.id.clone(), rules });
    }
    if !selected(plan) {
        actions.push(Action::CreateSelection { plan: plan.id.clone(), name: name.clone() });
    }
    let old = plan.selections.iter().filter(|selection| selection.ours && selection.name != name);
    actions.extend(old.map(|selection| Action::DeleteSelection {
        plan: plan.id.clone(),
        id: selection.id.clone(),
        name: selection.name.clone(),
    }));
    Ok(actions)
}

/// A region has room for one, and somebody else has it.
fn occupied(kind: &str, name: &str) -> StepError {
    StepError::new(Fault::NotOwned, format!("the region's one {kind} is {name}, which Berth did not make")).next(
        "delete it, or remove `baseline.config.recorder` from platform.yaml to keep it; then redrive the execution",
    )
}
