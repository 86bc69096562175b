//! Reads settings of EC2, EBS and S3.

use berth_aws::{CallResultExt, SdkResultExt};
use berth_step::StepError;
use berth_tenancy::{AccountId, BaselinePlan};

use super::Clients;
use crate::State;

pub(super) async fn observe(clients: &Clients, plan: &BaselinePlan, account: &AccountId) -> Result<State, StepError> {
    let mut state = State::default();
    let ec2 = &clients.ec2;
    if let Some(ebs) = &plan.ebs_encryption {
        let sent = ec2.get_ebs_encryption_by_default().send().await;
        let answer = sent.named("ec2:GetEbsEncryptionByDefault").or_common()?;
        state.ebs_encrypted = answer.ebs_encryption_by_default().unwrap_or_default();
        if ebs.kms_key.is_some() {
            let sent = ec2.get_ebs_default_kms_key_id().send().await;
            let answer = sent.named("ec2:GetEbsDefaultKmsKeyId").or_common()?;
            state.ebs_key = answer.kms_key_id;
        }
    }
    if plan.require_imds_v2 {
        let sent = ec2.get_instance_metadata_defaults().send().await;
        let answer = sent.named("ec2:GetInstanceMetadataDefaults").or_common()?;
        let tokens = answer.account_level.and_then(|level| level.http_tokens);
        state.imds_v2 = tokens.is_some_and(|tokens| tokens.as_str() == "required");
    }
    if plan.snapshot_sharing.is_some() {
        let sent = ec2.get_snapshot_block_public_access_state().send().await;
        let answer = sent.named("ec2:GetSnapshotBlockPublicAccessState").or_common()?;
        state.snapshot_sharing = answer.state.map(|state| state.as_str().to_owned());
    }
    if plan.account.as_ref().is_some_and(|account| account.s3_public_access_block) {
        state.s3_blocked = public_access_blocked(clients, account).await?;
    }
    Ok(state)
}

/// Whether all four parts of the block are on; an account that never had one has no configuration.
/// [S3 Control `GetPublicAccessBlock`]
async fn public_access_blocked(clients: &Clients, account: &AccountId) -> Result<bool, StepError> {
    let sent = clients.s3control.get_public_access_block().account_id(account.as_str()).send().await;
    let sent = sent.named("s3:GetAccountPublicAccessBlock").none_if(&["NoSuchPublicAccessBlockConfiguration"]);
    let Some(answer) = sent.or_common()? else { return Ok(false) };
    Ok(answer.public_access_block_configuration().is_some_and(|block| {
        let parts = [
            block.block_public_acls(),
            block.ignore_public_acls(),
            block.block_public_policy(),
            block.restrict_public_buckets(),
        ];
        parts.into_iter().all(|part| part == Some(true))
    }))
}
