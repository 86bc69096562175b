//! Reads AWS Backup: the vault, the plan, its selections, and the role, each only as far as the plan names it.

use aws_sdk_backup::types;
use berth_aws::{CallResultExt, SdkResultExt};
use berth_step::StepError;
use berth_tenancy::{BackupPlan, BackupRule, ResourceKind, Tags};

use super::{Clients, went};
use crate::{Input, PLAN_NAME, Plan, PlannedRule, Selection, Vault, decide::wanted::tags, selection_name, token};

/// The vault, the plan, and whether the role is there.
pub(super) async fn observe(
    clients: &Clients,
    input: &Input,
) -> Result<(Option<Vault>, Option<Plan>, bool), StepError> {
    let Some(wanted) = &input.baseline.backup else { return Ok((None, None, false)) };
    let (vault, plan) = futures::try_join!(vault(clients, input, wanted), plan(clients, input))?;
    let name = selection_name(wanted);
    let selected = plan.as_ref().is_some_and(|plan| plan.selections.iter().any(|s| s.ours && s.name == name));
    let role = selected || is_role_there(clients, wanted).await?;
    Ok((vault, plan, role))
}

/// The vault, from the list: asking for one that is not there is answered with a denial. [Backup `ListBackupVaults`]
async fn vault(clients: &Clients, input: &Input, wanted: &BackupPlan) -> Result<Option<Vault>, StepError> {
    let mut listed = clients.backup.list_backup_vaults().into_paginator().items().send();
    while let Some(vault) = listed.next().await {
        let vault = vault.named("backup:ListBackupVaults").or_common()?;
        if vault.backup_vault_name() == Some(&wanted.vault) {
            let made = vault.creator_request_id() == Some(token(&input.run.account_id, "vault").as_str());
            let arn = vault.backup_vault_arn.unwrap_or_default();
            let found = tags_of(clients, &arn).await?;
            let ours = made || found.are_ours(&input.run.account_id);
            let (tagged, surplus) = compared(input, ResourceKind::BackupVault, &found);
            return Ok(Some(Vault { arn, key: vault.encryption_key_arn, ours, tagged, surplus }));
        }
    }
    Ok(None)
}

/// The plan, and what it says. AWS lets several plans have one name: the one that Berth made goes first.
/// [Backup `ListBackupPlans`, `GetBackupPlan`]
async fn plan(clients: &Clients, input: &Input) -> Result<Option<Plan>, StepError> {
    let mut found: Option<types::BackupPlansListMember> = None;
    let made = token(&input.run.account_id, "plan");
    let mut listed = clients.backup.list_backup_plans().into_paginator().items().send();
    while let Some(plan) = listed.next().await {
        let plan = plan.named("backup:ListBackupPlans").or_common()?;
        let named = plan.backup_plan_name() == Some(PLAN_NAME);
        if named && (found.is_none() || plan.creator_request_id() == Some(&made)) {
            found = Some(plan);
        }
    }
    let Some(found) = found else { return Ok(None) };
    let id = found.backup_plan_id().unwrap_or_default().to_owned();
    let by_us = found.creator_request_id() == Some(&made);
    let arn = found.backup_plan_arn.unwrap_or_default();
    let answer = clients.backup.get_backup_plan().backup_plan_id(&id).send();
    let (on_it, answer, selections) = futures::join!(tags_of(clients, &arn), answer, selections(clients, input, &id));
    let on_it = on_it?;
    if !by_us && !on_it.are_ours(&input.run.account_id) {
        let (rules, selections, surplus) = (Vec::new(), Vec::new(), Tags::default());
        return Ok(Some(Plan { id, arn, ours: false, tagged: false, surplus, rules, selections }));
    }
    let (tagged, surplus) = compared(input, ResourceKind::BackupPlan, &on_it);
    let answer = answer.named("backup:GetBackupPlan").map_err(went)?;
    let rules = answer.backup_plan().map(|plan| plan.rules().iter().map(rule).collect()).unwrap_or_default();
    Ok(Some(Plan { id, arn, ours: true, tagged, surplus, rules, selections: selections? }))
}

/// Whether something has all tags of ours, and which of them it is to have no more.
fn compared(input: &Input, kind: ResourceKind, there: &Tags) -> (bool, Tags) {
    let wanted = tags(input, kind);
    (there.missing(&wanted).0.is_empty(), input.run.surplus_tags(kind, there, &wanted))
}

/// [Backup `ListBackupSelections`]
pub(super) async fn selections(clients: &Clients, input: &Input, plan: &str) -> Result<Vec<Selection>, StepError> {
    let mut selections = Vec::new();
    let mut listed = clients.backup.list_backup_selections().backup_plan_id(plan).into_paginator().items().send();
    while let Some(selection) = listed.next().await {
        let selection = selection.named("backup:ListBackupSelections").map_err(went)?;
        let name = selection.selection_name().unwrap_or_default().to_owned();
        let ours = selection.creator_request_id() == Some(token(&input.run.account_id, &name).as_str());
        selections.push(Selection { id: selection.selection_id().unwrap_or_default().to_owned(), name, ours });
    }
    Ok(selections)
}

fn rule(rule: &types::BackupRule) -> PlannedRule {
    let days = |days: Option<i64>| days.and_then(|days| u32::try_from(days).ok());
    let minutes = |minutes: Option<i64>| minutes.and_then(|minutes| u32::try_from(minutes).ok()).unwrap_or_default();
    PlannedRule {
        rule: BackupRule {
            name: rule.rule_name().to_owned(),
            schedule: rule.schedule_expression().unwrap_or_default().to_owned(),
            time_zone: rule.schedule_expression_timezone().unwrap_or("Etc/UTC").to_owned(),
            start_window_minutes: minutes(rule.start_window_minutes()),
            completion_window_minutes: minutes(rule.completion_window_minutes()),
            cold_storage_after_days: days(rule.lifecycle().and_then(types::Lifecycle::move_to_cold_storage_after_days)),
            delete_after_days: days(rule.lifecycle().and_then(types::Lifecycle::delete_after_days)),
        },
        vault: rule.target_backup_vault_name().to_owned(),
    }
}

/// [Backup `ListTags`]
pub(super) async fn tags_of(clients: &Clients, arn: &str) -> Result<Tags, StepError> {
    let sent = clients.backup.list_tags().resource_arn(arn).send().await;
    let answer = sent.named("backup:ListTags").map_err(went)?;
    Ok(answer.tags.unwrap_or_default().into_iter().collect())
}

/// Whether the role that AWS Backup shall work with is there. [IAM `GetRole`]
async fn is_role_there(clients: &Clients, wanted: &BackupPlan) -> Result<bool, StepError> {
    let name = wanted.role_arn.rsplit('/').next().unwrap_or_default();
    let sent = clients.iam.get_role().role_name(name).send().await.named("iam:GetRole");
    let answer = sent.none_if(&["NoSuchEntity"]).or_common()?;
    Ok(answer.and_then(|answer| answer.role).is_some_and(|role| role.arn == wanted.role_arn))
}
