//! Changes settings of EC2, EBS and S3. Each call sets a value, so doing it twice is doing it once.

use aws_sdk_ec2::types::{MetadataDefaultHttpTokensState, SnapshotBlockPublicAccessState};
use aws_sdk_s3control::types::PublicAccessBlockConfiguration;
use berth_aws::{CallFailure, CallResultExt, SdkResultExt};
use berth_step::{Fault, StepError};

use crate::{Input, SettingChange, observe::Clients};

pub(super) async fn act(clients: &Clients, input: &Input, change: &SettingChange) -> Result<(), StepError> {
    let ec2 = &clients.ec2;
    match change {
        SettingChange::EncryptVolumes => {
            let sent = ec2.enable_ebs_encryption_by_default().send().await;
            sent.named("ec2:EnableEbsEncryptionByDefault").or_common()?;
        }
        SettingChange::SetVolumeKey { key } => {
            let sent = ec2.modify_ebs_default_kms_key_id().kms_key_id(key).send().await;
            sent.named("ec2:ModifyEbsDefaultKmsKeyId").map_err(|failure| key_meaning(failure, key))?;
        }
        SettingChange::RequireImdsV2 => {
            let call = ec2.modify_instance_metadata_defaults().http_tokens(MetadataDefaultHttpTokensState::Required);
            let sent = call.send().await;
            sent.named("ec2:ModifyInstanceMetadataDefaults").or_common()?;
        }
        SettingChange::BlockSnapshotSharing { state } => {
            let call = ec2.enable_snapshot_block_public_access().state(SnapshotBlockPublicAccessState::from(*state));
            let sent = call.send().await;
            sent.named("ec2:EnableSnapshotBlockPublicAccess").or_common()?;
        }
        SettingChange::BlockPublicAccess => {
            let block = PublicAccessBlockConfiguration::builder()
                .block_public_acls(true)
                .ignore_public_acls(true)
                .block_public_policy(true)
                .restrict_public_buckets(true)
                .build();
            let account = input.run.account_id.as_str();
            let call = clients.s3control.put_public_access_block().account_id(account);
            let sent = call.public_access_block_configuration(block).send().await;
            sent.named("s3:PutAccountPublicAccessBlock").or_common()?;
        }
    }
    Ok(())
}

/// [EC2 "Client error codes", those of keys]
fn key_meaning(failure: CallFailure, key: &str) -> StepError {
    match failure.code() {
        Some(
            "InvalidParameterValue"
            | "KmsKeyNotFound"
            | "InvalidKmsKeyId"
            | "KMSKeyNotAccessibleFault"
            | "InvalidKmsKey.InvalidState",
        ) => failure.as_fault(
            Fault::InvalidInput,
            format!("check that {key} exists, is enabled and is shared with the account"),
        ),
        _ => failure.or_common(),
    }
}
