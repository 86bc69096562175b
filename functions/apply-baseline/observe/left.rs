//! Reads what a region has of a baseline that goes.
//!
//! The token that Berth made a plan or vault with cannot be changed, and its tags can: what has both is Berth's.

use aws_sdk_config::{
    operation::list_tags_for_resource::ListTagsForResourceOutput,
    types::{ConfigRule, ConfigRuleState, Tag},
};
use berth_aws::{CallResultExt, SdkResultExt};
use berth_step::StepError;
use berth_tenancy::Tags;

use super::{
    Clients,
    backup::{selections, tags_of},
};
use crate::{Input, Left, LeftPlan, LeftRecorder, LeftRule, LeftVault, RECORDER, token};

/// What the names of Berth's rules start with.
const RULE: &str = "berth-";

/// What is there, and whose it is.
pub(super) async fn observe(clients: &Clients, input: &Input) -> Result<Left, StepError> {
    let (plans, vaults, rules, recorder, channel) = futures::try_join!(
        plans(clients, input),
        vaults(clients, input),
        rules(clients, input),
        recorder(clients, input),
        channel(clients),
    )?;
    Ok(Left { plans, vaults, rules, recorder, channel })
}

/// Plans with our token. [Backup `ListBackupPlans`]
async fn plans(clients: &Clients, input: &Input) -> Result<Vec<LeftPlan>, StepError> {
    let (made, mut found) = (token(&input.run.account_id, "plan"), Vec::new());
    let mut listed = clients.backup.list_backup_plans().into_paginator().items().send();
    while let Some(plan) = listed.next().await {
        let plan = plan.named("backup:ListBackupPlans").or_common()?;
        if plan.creator_request_id() != Some(&made) {
            continue;
        }
        let id = plan.backup_plan_id.unwrap_or_default();
        let arn = plan.backup_plan_arn.unwrap_or_default();
        let (tags, selections) = futures::try_join!(tags_of(clients, &arn), selections(clients, input, &id))?;
        found.push(LeftPlan { id, ours: tags.are_ours(&input.run.account_id), selections });
    }
    Ok(found)
}

/// Vaults with our token. [Backup `ListBackupVaults`]
async fn vaults(clients: &Clients, input: &Input) -> Result<Vec<LeftVault>, StepError> {
    let (made, mut found) = (token(&input.run.account_id, "vault"), Vec::new());
    let mut listed = clients.backup.list_backup_vaults().into_paginator().items().send();
    while let Some(vault) = listed.next().await {
        let vault = vault.named("backup:ListBackupVaults").or_common()?;
        if vault.creator_request_id() != Some(&made) {
            continue;
        }
        let tags = tags_of(clients, vault.backup_vault_arn().unwrap_or_default()).await?;
        let (ours, recovery_points) = (tags.are_ours(&input.run.account_id), vault.number_of_recovery_points);
        found.push(LeftVault { name: vault.backup_vault_name.unwrap_or_default(), ours, recovery_points });
    }
    Ok(found)
}

/// All rules: others need the recorder. [Config `DescribeConfigRules`]
async fn rules(clients: &Clients, input: &Input) -> Result<Vec<LeftRule>, StepError> {
    let mut found = Vec::new();
    let mut listed = clients.config.describe_config_rules().into_paginator().items().send();
    while let Some(rule) = listed.next().await {
        let rule = rule.named("config:DescribeConfigRules").or_common()?;
        if is_going(&rule) {
            continue;
        }
        let name = rule.config_rule_name.unwrap_or_default();
        let ours = name.starts_with(RULE) && are_ours(clients, input, rule.config_rule_arn).await?;
        found.push(LeftRule { name, ours });
    }
    Ok(found)
}

/// Whether AWS is deleting the rule, which takes it a while.
fn is_going(rule: &ConfigRule) -> bool {
    matches!(rule.config_rule_state, Some(ConfigRuleState::Deleting | ConfigRuleState::DeletingResults))
}

/// The recorder of our name. [Config `DescribeConfigurationRecorders`, `DescribeConfigurationRecorderStatus`]
async fn recorder(clients: &Clients, input: &Input) -> Result<Option<LeftRecorder>, StepError> {
    let sent = clients.config.describe_configuration_recorders().send().await;
    let answer = sent.named("config:DescribeConfigurationRecorders").or_common()?;
    let recorders = answer.configuration_recorders.unwrap_or_default();
    let Some(there) = recorders.into_iter().find(|recorder| recorder.name() == Some(RECORDER)) else { return Ok(None) };
    let ours = are_ours(clients, input, there.arn).await?;
    let sent = clients.config.describe_configuration_recorder_status().send().await;
    let answer = sent.named("config:DescribeConfigurationRecorderStatus").or_common()?;
    let mut states = answer.configuration_recorders_status().iter();
    let recording = states.any(|status| status.name() == Some(RECORDER) && status.recording());
    Ok(Some(LeftRecorder { ours, recording }))
}

/// Whether there is a channel of our name. [Config `DescribeDeliveryChannels`]
async fn channel(clients: &Clients) -> Result<bool, StepError> {
    let sent = clients.config.describe_delivery_channels().send().await;
    let answer = sent.named("config:DescribeDeliveryChannels").or_common()?;
    Ok(answer.delivery_channels().iter().any(|channel| channel.name() == Some(RECORDER)))
}

/// Whether a rule or a recorder has our tags. [Config `ListTagsForResource`]
async fn are_ours(clients: &Clients, input: &Input, arn: Option<String>) -> Result<bool, StepError> {
    let Some(arn) = arn else { return Ok(false) };
    let sent = clients.config.list_tags_for_resource().resource_arn(arn).send().await;
    // Somebody deletes it at the same moment.
    let answer = sent.named("config:ListTagsForResource").none_if(&["ResourceNotFoundException"]).or_common()?;
    let pair = |tag: &Tag| Some((tag.key()?.to_owned(), tag.value()?.to_owned()));
    let tags: Tags = answer.iter().flat_map(ListTagsForResourceOutput::tags).filter_map(pair).collect();
    Ok(tags.are_ours(&input.run.account_id))
}
