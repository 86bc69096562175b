//! Reads AWS Config: the region's recorder and channel, and the rules with planned names.

use std::collections::BTreeMap;

use aws_sdk_config::types;
use berth_aws::{CallResultExt, SdkResultExt};
use berth_step::StepError;
use berth_tenancy::{ConfigFrequency, ConfigRule, ConfigScope, ResourceKind, Tags};

use super::{Clients, went};
use crate::{Channel, Input, RECORDER, Recorder, Rule, decide::wanted::CONTROL_TOWER};

/// The recorder, the channel, and the rules by name in the account.
pub(super) async fn observe(
    clients: &Clients,
    input: &Input,
) -> Result<(Option<Recorder>, Option<Channel>, BTreeMap<String, Rule>), StepError> {
    let Some(plan) = &input.baseline.config else { return Ok((None, None, BTreeMap::new())) };
    let recorder = recorder(clients, input).await?;
    let of_control_tower = recorder.as_ref().is_some_and(|there| there.name.starts_with(CONTROL_TOWER));
    let has_ours = plan.recorder.is_some() && !of_control_tower;
    let channel = if has_ours { channel(clients).await? } else { None };
    let rules = if plan.rules.is_empty() { BTreeMap::new() } else { rules(clients, input, &plan.rules).await? };
    Ok((recorder, channel, rules))
}

/// The recorder: its state first, which names it too; its settings and tags only when it is ours.
/// [Config `DescribeConfigurationRecorderStatus`, `DescribeConfigurationRecorders`, `ListTagsForResource`]
async fn recorder(clients: &Clients, input: &Input) -> Result<Option<Recorder>, StepError> {
    let sent = clients.config.describe_configuration_recorder_status().send().await;
    let answer = sent.named("config:DescribeConfigurationRecorderStatus").or_common()?;
    let Some(status) = answer.configuration_recorders_status().first() else { return Ok(None) };
    let mut recorder = Recorder {
        name: status.name().unwrap_or_default().to_owned(),
        recording: status.recording(),
        ..Recorder::default()
    };
    if recorder.name == RECORDER {
        let sent = clients.config.describe_configuration_recorders().send().await;
        let answer = sent.named("config:DescribeConfigurationRecorders").or_common()?;
        if let Some(there) = answer.configuration_recorders().first() {
            recorder.role_arn = there.role_arn().map(str::to_owned);
            recorder.all_supported = there.recording_group().is_some_and(types::RecordingGroup::all_supported);
            recorder.global_resources =
                there.recording_group().is_some_and(types::RecordingGroup::include_global_resource_types);
            recorder.arn = there.arn().map(str::to_owned);
        }
        if let Some(arn) = recorder.arn.clone().filter(|_| input.run.compares_tags(ResourceKind::ConfigurationRecorder))
        {
            recorder.tags = Some(tags(clients, arn).await?);
        }
    }
    Ok(Some(recorder))
}

/// [Config `DescribeDeliveryChannels`]
async fn channel(clients: &Clients) -> Result<Option<Channel>, StepError> {
    let sent = clients.config.describe_delivery_channels().send().await;
    let answer = sent.named("config:DescribeDeliveryChannels").or_common()?;
    Ok(answer.delivery_channels().first().map(|channel| Channel {
        name: channel.name().unwrap_or_default().to_owned(),
        bucket: channel.s3_bucket_name().unwrap_or_default().to_owned(),
        prefix: channel.s3_key_prefix().map(str::to_owned),
    }))
}

/// All rules, because naming one that is not there fails the whole call. Tags are read only of rules that could be
/// changed. [Config `DescribeConfigRules`, `ListTagsForResource`]
async fn rules(clients: &Clients, input: &Input, planned: &[ConfigRule]) -> Result<BTreeMap<String, Rule>, StepError> {
    let mut found = BTreeMap::new();
    let mut listed = clients.config.describe_config_rules().into_paginator().items().send();
    while let Some(there) = listed.next().await {
        let there = there.named("config:DescribeConfigRules").or_common()?;
        let name = there.config_rule_name().unwrap_or_default();
        let Some(wanted) = planned.iter().find(|rule| rule.name_in_account() == name) else { continue };
        let says = said(&there, &wanted.name);
        let arn = there.config_rule_arn().unwrap_or_default().to_owned();
        let tags = if says.as_ref() != Some(wanted) || input.run.compares_tags(ResourceKind::ConfigRule) {
            Some(tags(clients, arn.clone()).await?)
        } else {
            None
        };
        found.insert(name.to_owned(), Rule { arn, says, tags });
    }
    Ok(found)
}

async fn tags(clients: &Clients, arn: String) -> Result<Tags, StepError> {
    let mut found = Tags::default();
    let mut listed = clients.config.list_tags_for_resource().resource_arn(arn).into_paginator().items().send();
    while let Some(tag) = listed.next().await {
        let tag = tag.named("config:ListTagsForResource").map_err(went)?;
        found.0.extend(tag.key.zip(tag.value));
    }
    Ok(found)
}

/// What a rule says, in words of the plan; none when it is no managed rule or has a scope that no plan has.
fn said(rule: &types::ConfigRule, name: &str) -> Option<ConfigRule> {
    let source = rule.source().filter(|source| *source.owner() == types::Owner::Aws)?;
    let text = rule.input_parameters().filter(|text| !text.is_empty()).unwrap_or("{}");
    Some(ConfigRule {
        name: name.to_owned(),
        source: source.source_identifier()?.to_owned(),
        parameters: serde_json::from_str(text).ok()?,
        scope: scope(rule.scope())?,
        frequency: frequency(rule.maximum_execution_frequency())?,
    })
}

/// The scope; the outer none stands for one that no plan has.
#[expect(clippy::option_option, reason = "a rule without a scope is no rule whose scope is strange")]
fn scope(scope: Option<&types::Scope>) -> Option<Option<ConfigScope>> {
    let Some(scope) = scope else { return Some(None) };
    if scope.compliance_resource_id().is_some() {
        return None;
    }
    match (scope.compliance_resource_types(), scope.tag_key(), scope.tag_value()) {
        ([], None, None) => Some(None),
        (types, None, None) => Some(Some(ConfigScope::ResourceTypes(types.to_vec()))),
        ([], Some(key), value) => Some(Some(ConfigScope::Tag { key: key.to_owned(), value: value.map(str::to_owned) })),
        _ => None,
    }
}

#[expect(clippy::option_option, reason = "a rule without a frequency is no rule whose frequency is strange")]
fn frequency(word: Option<&types::MaximumExecutionFrequency>) -> Option<Option<ConfigFrequency>> {
    let Some(word) = word else { return Some(None) };
    let all = [
        ConfigFrequency::OneHour,
        ConfigFrequency::ThreeHours,
        ConfigFrequency::SixHours,
        ConfigFrequency::TwelveHours,
        ConfigFrequency::TwentyFourHours,
    ];
    all.into_iter().find(|frequency| frequency.as_str() == word.as_str()).map(Some)
}
