//! Which changes bring the region to its baseline. Pure.

mod left_over;
mod removal;
pub(crate) mod wanted;

use berth_step::{Decision, Fault, StepError};
use berth_tenancy::{BackupPlan, ConfigPlan, Mode, RecorderPlan, ResourceKind, Tags, wait};

use self::wanted::{CONTROL_TOWER, config_role, planned_rules};
pub use self::wanted::{PLAN_NAME, RECORDER, selection_name, token};
use crate::{BackupChange, Change, ConfigChange, Input, Output, Plan, Recorder, Rule, SettingChange, State};

/// Compares what is there with the plan. Every batch holds what needs nothing else of the same batch.
pub(crate) fn decide(input: &Input, state: &State) -> Result<Decision<Change, Output>, StepError> {
    if input.is_removal() {
        return Ok(removal::decide(input, state));
    }
    let mut changes: Vec<Change> = settings(input, state).into_iter().map(Change::Setting).collect();
    if let Some(plan) = &input.baseline.config {
        changes.extend(config(input, plan, state)?.into_iter().map(Change::Config));
    }
    if let Some(plan) = &input.baseline.backup {
        changes.extend(backup(input, plan, state)?.into_iter().map(Change::Backup));
    }
    // Last: nothing is taken away before what is wanted is there.
    if changes.is_empty() {
        changes = left_over::removals(input, state);
    }
    if !changes.is_empty() {
        return Ok(Decision::Act(changes));
    }
    let left_over = left_over::still_there(input, state);
    // Else the inventory has it already: a list of hundreds of rules need not be in every answer.
    let has_left = input.here().next().is_some();
    let given = has_left.then(|| left_over::listed(input, state, &left_over)).into_iter().collect();
    Ok(Decision::Done(Output { region: input.baseline.region.clone(), left_behind: Vec::new(), left_over, given }))
}

/// Settings that stand alone.
fn settings(input: &Input, state: &State) -> Vec<SettingChange> {
    let plan = &input.baseline;
    let mut changes = Vec::new();
    if let Some(ebs) = &plan.ebs_encryption {
        if !state.ebs_encrypted {
            changes.push(SettingChange::EncryptVolumes);
        }
        if let Some(key) = ebs.kms_key.as_ref().filter(|key| state.ebs_key.as_ref() != Some(key)) {
            changes.push(SettingChange::SetVolumeKey { key: key.clone() });
        }
    }
    if plan.require_imds_v2 && !state.imds_v2 {
        changes.push(SettingChange::RequireImdsV2);
    }
    if let Some(sharing) =
        plan.snapshot_sharing.filter(|wanted| state.snapshot_sharing.as_deref() != Some(wanted.as_str()))
    {
        changes.push(SettingChange::BlockSnapshotSharing { state: sharing.as_str() });
    }
    if plan.account.as_ref().is_some_and(|account| account.s3_public_access_block) && !state.s3_blocked {
        changes.push(SettingChange::BlockPublicAccess);
    }
    changes
}

fn config(input: &Input, plan: &ConfigPlan, state: &State) -> Result<Vec<ConfigChange>, StepError> {
    let mut changes = match &plan.recorder {
        Some(wanted) => recorder(input, wanted, state)?,
        None => Vec::new(),
    };
    // Rules need a recorder, whoever runs it. A plan of changes shows them nevertheless.
    if state.recorder.is_none() && plan.recorder.is_some() {
        return Ok(changes);
    }
    if state.recorder.is_none() && !plan.rules.is_empty() && input.run.mode == Mode::Apply {
        let next = wait(
            "Control Tower enrols the region",
            "see in Control Tower why the region is not enrolled, or declare `baseline.config.recorder` in \
                 platform.yaml and start anew: berth replay ACCOUNT --new",
        );
        return Err(StepError::new(Fault::NotReady, "no configuration recorder is in this region yet").hint(next));
    }
    for rule in &plan.rules {
        let name = rule.name_in_account();
        match state.rules.get(&name) {
            // One that says what is planned serves, whoever made it.
            Some(there) if there.says.as_ref() == Some(rule) => changes.extend(rule_tags(input, there, name)),
            Some(there) if !are_ours(input, there.tags.as_ref()) => {
                return Err(StepError::not_owned(&format!("Config rule {name}")));
            }
            there => changes.push(ConfigChange::PutRule { rule: Box::new(rule.clone()), repair: there.is_some() }),
        }
    }
    Ok(changes)
}

/// Brings the tags of a rule of ours to the plan.
fn rule_tags(input: &Input, there: &Rule, name: String) -> impl Iterator<Item = ConfigChange> {
    let Rule { arn, tags, says: _ } = there;
    let lacks = lacks_tags(input, ResourceKind::ConfigRule, tags.as_ref());
    let tag = lacks.then(|| ConfigChange::TagRule { arn: arn.clone(), name: name.clone() });
    let untag = surplus_tags(input, ResourceKind::ConfigRule, tags.as_ref()).map(|tags| ConfigChange::UntagRule {
        arn: arn.clone(),
        name,
        tags,
    });
    tag.into_iter().chain(untag)
}

/// The recorder, then where it delivers to, then its start: each needs the one before it. A region has one recorder.
fn recorder(input: &Input, wanted: &RecorderPlan, state: &State) -> Result<Vec<ConfigChange>, StepError> {
    let put =
        ConfigChange::PutRecorder { role_arn: config_role(&input.run), global_resources: wanted.global_resources };
    let there = match &state.recorder {
        Some(there) if there.name.starts_with(CONTROL_TOWER) => return Ok(Vec::new()),
        Some(there) if there.name != RECORDER => return Err(occupied("configuration recorder", &there.name)),
        there => there,
    };
    if let Some(channel) = state.channel.as_ref().filter(|channel| channel.name != RECORDER) {
        return Err(occupied("delivery channel", &channel.name));
    }
    let Some(there) = there else {
        return Ok(vec![if state.config_role { put } else { ConfigChange::EnsureRole }]);
    };
    let Recorder { name: _, recording, role_arn, all_supported, global_resources, arn, tags } = there;
    let mut changes = Vec::new();
    let kind = ResourceKind::ConfigurationRecorder;
    let untagged = arn.as_ref().filter(|_| lacks_tags(input, kind, tags.as_ref()));
    changes.extend(untagged.map(|arn| ConfigChange::TagRecorder { arn: arn.clone() }));
    let surplus = arn.clone().zip(surplus_tags(input, kind, tags.as_ref()));
    changes.extend(surplus.map(|(arn, tags)| ConfigChange::UntagRecorder { arn, tags }));
    let role = config_role(&input.run);
    if role_arn.as_ref() != Some(&role) || !all_supported || *global_resources != wanted.global_resources {
        changes.push(put);
    }
    let RecorderPlan { bucket, prefix, global_resources: _ } = wanted;
    match &state.channel {
        Some(channel) if channel.bucket == *bucket && channel.prefix == *prefix => {
            changes.extend((!recording).then_some(ConfigChange::StartRecorder));
        }
        _ => changes.push(ConfigChange::PutChannel { bucket: bucket.clone(), prefix: prefix.clone() }),
    }
    Ok(changes)
}

fn backup(input: &Input, wanted: &BackupPlan, state: &State) -> Result<Vec<BackupChange>, StepError> {
    let name = selection_name(wanted);
    let selected = |plan: &Plan| plan.selections.iter().any(|selection| selection.ours && selection.name == name);
    // Before the first change: an invocation that only waits then changes nothing. A plan of changes does not wait.
    if !state.backup_role && !state.plan.as_ref().is_some_and(selected) && input.run.mode == Mode::Apply {
        let what = format!("the role {} for AWS Backup is not there yet", wanted.role_arn);
        let next = wait(
            "the state CreateTenantRoles makes berth-backup at the same time",
            "make the role that `baseline.backup.role` names in this account and redrive the execution",
        );
        return Err(StepError::new(Fault::NotReady, what).hint(next));
    }
    let Some(vault) = &state.vault else {
        return Ok(vec![BackupChange::CreateVault { name: wanted.vault.clone(), key: wanted.kms_key.clone() }]);
    };
    if !vault.ours {
        return Err(StepError::not_owned(&format!("backup vault {}", wanted.vault)));
    }
    if wanted.kms_key.is_some() && vault.key != wanted.kms_key {
        let key = vault.key.as_deref().unwrap_or("no key");
        let what = format!("backup vault {} is encrypted with {key}, not with the planned key", wanted.vault);
        let next = "a vault's key cannot be changed: give `baseline.backup.vault` another name, or plan this key";
        return Err(StepError::new(Fault::InvalidInput, what).hint(next));
    }
    let mut changes = Vec::new();
    if !vault.tagged {
        changes.push(BackupChange::TagVault { arn: vault.arn.clone(), name: wanted.vault.clone() });
    }
    if !vault.surplus.0.is_empty() {
        let (arn, name, tags) = (vault.arn.clone(), wanted.vault.clone(), vault.surplus.clone());
        changes.push(BackupChange::UntagVault { arn, name, tags });
    }
    let rules = planned_rules(wanted);
    let Some(plan) = &state.plan else {
        changes.push(BackupChange::CreatePlan { rules });
        return Ok(changes);
    };
    if !plan.ours {
        return Err(StepError::not_owned(&format!("backup plan {PLAN_NAME} ({})", plan.id)));
    }
    if !plan.tagged {
        // First and alone: the policy of this step allows changes of plans that have the tag.
        changes.push(BackupChange::TagPlan { arn: plan.arn.clone() });
        return Ok(changes);
    }
    if !plan.surplus.0.is_empty() {
        changes.push(BackupChange::UntagPlan { arn: plan.arn.clone(), tags: plan.surplus.clone() });
    }
    if plan.rules != rules {
        changes.push(BackupChange::UpdatePlan { id: plan.id.clone(), rules });
    }
    if !selected(plan) {
        changes.push(BackupChange::CreateSelection {
            plan: plan.id.clone(),
            name: name.clone(),
            role_arn: wanted.role_arn.clone(),
            tags: wanted.tags.clone(),
        });
    }
    let old = plan.selections.iter().filter(|selection| selection.ours && selection.name != name);
    changes.extend(old.map(|selection| BackupChange::DeleteSelection {
        plan: plan.id.clone(),
        id: selection.id.clone(),
        name: selection.name.clone(),
    }));
    Ok(changes)
}

/// Whether tags that were read are Berth's.
fn are_ours(input: &Input, tags: Option<&Tags>) -> bool {
    tags.is_some_and(|tags| tags.are_ours(&input.run.account_id))
}

/// Whether something of ours lacks a tag. What was not read lacks none.
fn lacks_tags(input: &Input, kind: ResourceKind, tags: Option<&Tags>) -> bool {
    are_ours(input, tags) && tags.is_some_and(|tags| !tags.missing(&wanted::tags(input, kind)).0.is_empty())
}

/// What something of ours has too many; none of what was not read.
fn surplus_tags(input: &Input, kind: ResourceKind, tags: Option<&Tags>) -> Option<Tags> {
    let there = tags.filter(|tags| tags.are_ours(&input.run.account_id))?;
    Some(input.run.surplus_tags(kind, there, &wanted::tags(input, kind))).filter(|tags| !tags.0.is_empty())
}

/// A region has room for one, and somebody else has it.
fn occupied(kind: &str, name: &str) -> StepError {
    StepError::new(Fault::NotOwned, format!("the region's one {kind} is {name}, which Berth did not make")).hint(
        "delete it and redrive the execution, or keep it and take `baseline.config.recorder` out of platform.yaml",
    )
}
