//! Changes AWS Config. What is put is put whole, by its name, so doing it twice is doing it once; what is gone already is
//! looked at again.

use aws_sdk_config::{
    Client,
    types::{
        ConfigRule as SdkRule, ConfigurationRecorder, DeliveryChannel, MaximumExecutionFrequency, Owner,
        RecordingGroup, Scope, Source, Tag,
    },
};
use berth_aws::{CallFailure, CallResultExt, SdkResultExt};
use berth_iam::ensure_service_linked_role;
use berth_step::{Fault, StepError};
use berth_tenancy::{ConfigRule, ConfigScope, ResourceKind, wait};

use crate::{ConfigChange, Input, RECORDER, decide::wanted::tags, observe::Clients};

pub(super) async fn act(clients: &Clients, input: &Input, change: &ConfigChange) -> Result<(), StepError> {
    let config = &clients.config;
    match change {
        ConfigChange::EnsureRole => ensure_service_linked_role(&clients.iam, "config.amazonaws.com").await?,
        ConfigChange::PutRecorder { role_arn, global_resources } => {
            let group = RecordingGroup::builder().all_supported(true).include_global_resource_types(*global_resources);
            let recorder =
                ConfigurationRecorder::builder().name(RECORDER).role_arn(role_arn).recording_group(group.build());
            let call = config.put_configuration_recorder().configuration_recorder(recorder.build());
            let sent = call.set_tags(Some(sdk_tags(input, ResourceKind::ConfigurationRecorder))).send().await;
            sent.named("config:PutConfigurationRecorder").map_err(recorder_meaning)?;
        }
        ConfigChange::PutChannel { bucket, prefix } => {
            let channel = DeliveryChannel::builder().name(RECORDER).s3_bucket_name(bucket);
            let channel = channel.set_s3_key_prefix(prefix.clone()).build();
            let sent = config.put_delivery_channel().delivery_channel(channel).send().await;
            sent.named("config:PutDeliveryChannel").map_err(|failure| channel_meaning(failure, bucket))?;
        }
        ConfigChange::StartRecorder => {
            let call = config.start_configuration_recorder().configuration_recorder_name(RECORDER);
            let sent = call.send().await;
            sent.named("config:StartConfigurationRecorder").map_err(recorder_meaning)?;
        }
        ConfigChange::PutRule { rule, .. } => {
            let tags = sdk_tags(input, ResourceKind::ConfigRule);
            let call = config.put_config_rule().config_rule(sdk_rule(rule)?).set_tags(Some(tags));
            let sent = call.send().await;
            sent.named("config:PutConfigRule").map_err(rule_meaning)?;
        }
        // All of them, not the missing ones: the policy of this step demands Berth's mark in every such call.
        ConfigChange::TagRecorder { arn } => {
            tag(config, arn, sdk_tags(input, ResourceKind::ConfigurationRecorder)).await?;
        }
        ConfigChange::TagRule { arn, .. } => tag(config, arn, sdk_tags(input, ResourceKind::ConfigRule)).await?,
        ConfigChange::UntagRecorder { arn, tags } | ConfigChange::UntagRule { arn, tags, .. } => {
            let call = config.untag_resource().resource_arn(arn).set_tag_keys(Some(tags.0.keys().cloned().collect()));
            call.send().await.named("config:UntagResource").or_common()?;
        }
        ConfigChange::DeleteRule { name } => {
            let sent = config.delete_config_rule().config_rule_name(name).send().await;
            sent.named("config:DeleteConfigRule").none_if(&["NoSuchConfigRuleException"]).map_err(rule_meaning)?;
        }
        ConfigChange::StopRecorder => {
            let sent = config.stop_configuration_recorder().configuration_recorder_name(RECORDER).send().await;
            sent.named("config:StopConfigurationRecorder").map_err(recorder_meaning)?;
        }
        ConfigChange::DeleteChannel => {
            let sent = config.delete_delivery_channel().delivery_channel_name(RECORDER).send().await;
            sent.named("config:DeleteDeliveryChannel").map_err(recorder_meaning)?;
        }
        ConfigChange::DeleteRecorder => {
            let sent = config.delete_configuration_recorder().configuration_recorder_name(RECORDER).send().await;
            sent.named("config:DeleteConfigurationRecorder").map_err(recorder_meaning)?;
        }
    }
    Ok(())
}

/// [Config `TagResource`]
async fn tag(config: &Client, arn: &str, tags: Vec<Tag>) -> Result<(), StepError> {
    let sent = config.tag_resource().resource_arn(arn).set_tags(Some(tags)).send().await;
    sent.named("config:TagResource").or_common()?;
    Ok(())
}

/// [Config `PutConfigurationRecorder`, `StartConfigurationRecorder`, `StopConfigurationRecorder`, `DeleteDeliveryChannel`,
/// `DeleteConfigurationRecorder`, "Errors"]
fn recorder_meaning(failure: CallFailure) -> StepError {
    match failure.code() {
        // The service-linked role was made seconds ago.
        Some("InvalidRoleException") => failure.as_fault(
            Fault::NotReady,
            wait(
                "IAM shows a new role after some seconds",
                "let config.amazonaws.com assume the recorder's role, then redrive the execution",
            ),
        ),
        Some(
            "MaxNumberOfConfigurationRecordersExceededException"
            | "NoAvailableDeliveryChannelException"
            | "NoSuchConfigurationRecorderException"
            | "NoSuchDeliveryChannelException"
            | "LastDeliveryChannelDeleteFailedException",
        ) => failure.as_fault(
            Fault::Conflict,
            wait(
                "Berth looks again and compares what is there with the plan",
                "find out who else makes or removes the region's recorder and delivery channel, then redrive the \
                 execution",
            ),
        ),
        _ => failure.or_common(),
    }
}

/// [Config `PutDeliveryChannel`, "Errors"]
fn channel_meaning(failure: CallFailure, bucket: &str) -> StepError {
    match failure.code() {
        Some(
            "NoSuchBucketException"
            | "InsufficientDeliveryPolicyException"
            | "InvalidS3KeyPrefixException"
            | "InvalidDeliveryChannelNameException",
        ) => failure.as_fault(
            Fault::InvalidInput,
            format!("let AWS Config of this account write to {bucket}, or correct the bucket in platform.yaml"),
        ),
        Some("MaxNumberOfDeliveryChannelsExceededException" | "NoAvailableConfigurationRecorderException") => failure
            .as_fault(
                Fault::Conflict,
                wait(
                    "Berth looks again and compares what is there with the plan",
                    "find out who else makes or removes the region's recorder and delivery channel, then redrive the \
                 execution",
                ),
            ),
        _ => failure.or_common(),
    }
}

/// [Config `PutConfigRule`, "Errors"]
fn rule_meaning(failure: CallFailure) -> StepError {
    match failure.code() {
        Some("InvalidParameterValueException" | "ValidationException") => {
            failure.as_fault(Fault::InvalidInput, "correct the rule in platform.yaml: its source, parameters or scope")
        }
        Some("MaxNumberOfConfigRulesExceededException") => {
            failure.as_fault(Fault::InvalidInput, "raise the quota of Config rules in the tenant's account")
        }
        Some("ResourceInUseException") => failure.as_fault(
            Fault::NotReady,
            wait(
                "AWS Config evaluates or deletes the rule just now",
                "see in AWS Config whether the rule is stuck in DELETING or EVALUATING; delete it there, then redrive \
                 the execution",
            ),
        ),
        Some("NoAvailableConfigurationRecorderException") => failure.as_fault(
            Fault::NotReady,
            wait(
                "the region's recorder is not there yet",
                "let Control Tower enrol the region, or declare `baseline.config.recorder` in platform.yaml and start \
                 anew: berth replay ACCOUNT --new",
            ),
        ),
        _ => failure.or_common(),
    }
}

fn sdk_rule(rule: &ConfigRule) -> Result<SdkRule, StepError> {
    let source = Source::builder().owner(Owner::Aws).source_identifier(&rule.source).build();
    let source = source.map_err(|error| StepError::new(Fault::Bug, "a rule without a source").because(error))?;
    let parameters = (!rule.parameters.is_empty()).then(|| serde_json::to_string(&rule.parameters)).transpose();
    let parameters = parameters.map_err(|error| StepError::new(Fault::Bug, "texts are no JSON").because(error))?;
    let scope = rule.scope.as_ref().map(|scope| match scope {
        ConfigScope::ResourceTypes(types) => {
            Scope::builder().set_compliance_resource_types(Some(types.clone())).build()
        }
        ConfigScope::Tag { key, value } => Scope::builder().tag_key(key).set_tag_value(value.clone()).build(),
    });
    let frequency = rule.frequency.map(|frequency| MaximumExecutionFrequency::from(frequency.as_str()));
    Ok(SdkRule::builder()
        .config_rule_name(rule.name_in_account())
        .description("Managed by Berth.")
        .source(source)
        .set_scope(scope)
        .set_input_parameters(parameters)
        .set_maximum_execution_frequency(frequency)
        .build())
}

fn sdk_tags(input: &Input, kind: ResourceKind) -> Vec<Tag> {
    tags(input, kind).0.into_iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}
