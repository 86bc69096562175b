//! Changes AWS Backup. Creating calls carry a token, so that a call whose answer was lost is not done twice.

use std::collections::HashMap;

use aws_sdk_backup::{
    Client,
    types::{BackupPlanInput, BackupRuleInput, BackupSelection, Condition, ConditionType, Lifecycle},
};
use berth_aws::{CallFailure, SdkResultExt};
use berth_step::{Fault, StepError};
use berth_tenancy::{BackupTag, ResourceKind, wait};

use crate::{BackupChange, Input, PLAN_NAME, PlannedRule, decide::wanted::tags, token};

/// Makes one change; the id that AWS gave, empty where there is none.
pub(super) async fn act(backup: &Client, input: &Input, change: &BackupChange) -> Result<String, StepError> {
    let tags = |kind: ResourceKind| -> HashMap<String, String> { tags(input, kind).0.into_iter().collect() };
    let token = |what: &str| token(&input.run.account_id, what);
    match change {
        BackupChange::CreateVault { name, key } => {
            let call = backup.create_backup_vault().backup_vault_name(name).set_encryption_key_arn(key.clone());
            let sent = call
                .set_backup_vault_tags(Some(tags(ResourceKind::BackupVault)))
                .creator_request_id(token("vault"))
                .send()
                .await;
            sent.named("backup:CreateBackupVault").map_err(meaning)?;
        }
        BackupChange::CreatePlan { rules } => {
            let tags = tags(ResourceKind::BackupPlan);
            let call =
                backup.create_backup_plan().backup_plan(sdk_plan(rules, &tags)?).creator_request_id(token("plan"));
            let sent = call.set_backup_plan_tags(Some(tags)).send().await;
            let sent = sent.named("backup:CreateBackupPlan").map_err(meaning)?;
            let none = || StepError::new(Fault::Bug, "backup:CreateBackupPlan answered without an id");
            return sent.backup_plan_id.ok_or_else(none);
        }
        // All of them, not the missing ones: the policy of this step demands Berth's mark in every such call.
        BackupChange::TagVault { arn, .. } => tag(backup, arn, tags(ResourceKind::BackupVault)).await?,
        BackupChange::TagPlan { arn } => tag(backup, arn, tags(ResourceKind::BackupPlan)).await?,
        BackupChange::UntagVault { arn, tags, .. } | BackupChange::UntagPlan { arn, tags } => {
            let call =
                backup.untag_resource().resource_arn(arn).set_tag_key_list(Some(tags.0.keys().cloned().collect()));
            call.send().await.named("backup:UntagResource").map_err(meaning)?;
        }
        BackupChange::UpdatePlan { id, rules } => {
            let call = backup
                .update_backup_plan()
                .backup_plan_id(id)
                .backup_plan(sdk_plan(rules, &tags(ResourceKind::BackupPlan))?);
            call.send().await.named("backup:UpdateBackupPlan").map_err(meaning)?;
        }
        BackupChange::CreateSelection { plan, name, role_arn, tags } => {
            let selection = sdk_selection(name, role_arn, tags)?;
            let call = backup.create_backup_selection().backup_plan_id(plan).backup_selection(selection);
            let sent = call.creator_request_id(token(name)).send().await;
            let sent = sent.named("backup:CreateBackupSelection").map_err(selection_meaning)?;
            return Ok(sent.selection_id.unwrap_or_default());
        }
        BackupChange::DeleteSelection { plan, id, .. } => {
            let sent = backup.delete_backup_selection().backup_plan_id(plan).selection_id(id).send().await;
            sent.named("backup:DeleteBackupSelection").map_err(meaning)?;
        }
        BackupChange::DeletePlan { id } => {
            let sent = backup.delete_backup_plan().backup_plan_id(id).send().await;
            sent.named("backup:DeleteBackupPlan").map_err(removal_meaning)?;
        }
        BackupChange::DeleteVault { name } => {
            let sent = backup.delete_backup_vault().backup_vault_name(name).send().await;
            sent.named("backup:DeleteBackupVault").map_err(removal_meaning)?;
        }
    }
    Ok(String::new())
}

async fn tag(backup: &Client, arn: &str, tags: HashMap<String, String>) -> Result<(), StepError> {
    let sent = backup.tag_resource().resource_arn(arn).set_tags(Some(tags)).send().await;
    sent.named("backup:TagResource").map_err(meaning)?;
    Ok(())
}

fn sdk_selection(name: &str, role_arn: &str, tags: &[BackupTag]) -> Result<BackupSelection, StepError> {
    let condition = |tag: &BackupTag| {
        let equals = Condition::builder().condition_type(ConditionType::Stringequals);
        equals.condition_key(&tag.key).condition_value(&tag.value).build()
    };
    let conditions: Result<Vec<Condition>, _> = tags.iter().map(condition).collect();
    let selection = BackupSelection::builder().selection_name(name).iam_role_arn(role_arn);
    selection.set_list_of_tags(Some(conditions.map_err(incomplete)?)).build().map_err(incomplete)
}

/// [Backup `CreateBackupVault`, `CreateBackupPlan`, `TagResource`, `UpdateBackupPlan`, `DeleteBackupSelection`, "Errors"]
fn meaning(failure: CallFailure) -> StepError {
    match failure.code() {
        Some("AlreadyExistsException" | "ResourceNotFoundException") => failure.as_fault(
            Fault::Conflict,
            wait(
                "Berth looks again and compares what is there with the plan",
                "find out who else makes or removes this vault, plan or selection of AWS Backup, then redrive the \
                 execution",
            ),
        ),
        Some("InvalidParameterValueException" | "InvalidRequestException" | "MissingParameterValueException") => {
            failure.as_fault(Fault::InvalidInput, "correct `baseline.backup` in platform.yaml")
        }
        Some("LimitExceededException") => {
            failure.as_fault(Fault::InvalidInput, "raise the quota of AWS Backup in the tenant's account")
        }
        _ => failure.or_common(),
    }
}

/// AWS keeps a plan with a selection, and a vault with recovery points: what came just now is looked at again.
/// [Backup `DeleteBackupPlan`, `DeleteBackupVault`, "Errors"]
fn removal_meaning(failure: CallFailure) -> StepError {
    if failure.is(&["InvalidRequestException", "InvalidResourceStateException"]) {
        let hint = wait(
            "Berth looks again at what the plan and the vault hold",
            "see in AWS Backup what keeps the plan or the vault that is named, then redrive the execution",
        );
        return failure.as_fault(Fault::Conflict, hint);
    }
    meaning(failure)
}

/// AWS Backup tries the role at once, and IAM shows a new role and its policies to it after some seconds; the message
/// alone tells that from a mistake. [Backup `CreateBackupSelection`]
fn selection_meaning(failure: CallFailure) -> StepError {
    let of_the_role = failure.mentions("cannot be assumed") || failure.mentions("is not authorized to call");
    if failure.is(&["InvalidParameterValueException"]) && of_the_role {
        let hint = wait(
            "IAM shows a new role after some seconds",
            "let backup.amazonaws.com assume the role that is named, with AWS's policies for backups; then redrive \
                 the execution",
        );
        return failure.as_fault(Fault::NotReady, hint);
    }
    meaning(failure)
}

fn sdk_plan(rules: &[PlannedRule], tags: &HashMap<String, String>) -> Result<BackupPlanInput, StepError> {
    let rules: Result<Vec<BackupRuleInput>, _> = rules.iter().map(|rule| sdk_rule(rule, tags)).collect();
    BackupPlanInput::builder().backup_plan_name(PLAN_NAME).set_rules(Some(rules?)).build().map_err(incomplete)
}

fn sdk_rule(planned: &PlannedRule, tags: &HashMap<String, String>) -> Result<BackupRuleInput, StepError> {
    let PlannedRule { rule, vault } = planned;
    let days = |days: Option<u32>| days.map(i64::from);
    let kept = rule.cold_storage_after_days.or(rule.delete_after_days).is_some().then(|| {
        Lifecycle::builder()
            .set_move_to_cold_storage_after_days(days(rule.cold_storage_after_days))
            .set_delete_after_days(days(rule.delete_after_days))
            .build()
    });
    BackupRuleInput::builder()
        .rule_name(&rule.name)
        .target_backup_vault_name(vault)
        .schedule_expression(&rule.schedule)
        .schedule_expression_timezone(&rule.time_zone)
        .start_window_minutes(i64::from(rule.start_window_minutes))
        .completion_window_minutes(i64::from(rule.completion_window_minutes))
        .set_lifecycle(kept)
        .set_recovery_point_tags(Some(tags.clone()))
        .build()
        .map_err(incomplete)
}

fn incomplete(error: impl std::error::Error + Send + Sync + 'static) -> StepError {
    StepError::new(Fault::Bug, "a request to AWS Backup lacks a field").because(error)
}
