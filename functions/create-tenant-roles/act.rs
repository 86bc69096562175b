//! Performs one change in IAM. What an error code means is written here, beside its call.

use std::collections::BTreeSet;

use aws_sdk_iam::Client;
use berth_aws::{CallFailure, CallResultExt, SdkResultExt};
use berth_iam::sdk_tags;
use berth_step::{Fault, StepError};
use berth_tenancy::{RolePlan, Tags, trust_document, wait};

use crate::{
    Change, Input, RoleChange,
    decide::{TAG_SESSION, boundary_tags, provider_tags, wanted_tags},
};

/// Makes one change. Answers the id of a role that was made.
pub(crate) async fn act(iam: &Client, input: &Input, change: &Change) -> Result<String, StepError> {
    match change {
        Change::CreateBoundary { name, path, document } => {
            let tags = sdk_tags(&boundary_tags(input))?;
            let call = iam.create_policy().policy_name(name).path(path).policy_document(document.to_string());
            call.set_tags(Some(tags)).send().await.named("iam:CreatePolicy").map_err(meaning)?;
        }
        Change::UpdateBoundary { arn, document, delete_version } => {
            if let Some(version) = delete_version {
                let call = iam.delete_policy_version().policy_arn(arn).version_id(version);
                call.send().await.named("iam:DeletePolicyVersion").map_err(meaning)?;
            }
            let call = iam.create_policy_version().policy_arn(arn).policy_document(document.to_string());
            call.set_as_default(true).send().await.named("iam:CreatePolicyVersion").map_err(meaning)?;
        }
        Change::TagBoundary { arn, tags } => {
            let call = iam.tag_policy().policy_arn(arn).set_tags(Some(sdk_tags(tags)?));
            call.send().await.named("iam:TagPolicy").map_err(meaning)?;
        }
        Change::UntagBoundary { arn, tags } => {
            let call = iam.untag_policy().policy_arn(arn).set_tag_keys(Some(keys(tags)));
            call.send().await.named("iam:UntagPolicy").map_err(meaning)?;
        }
        Change::CreateProvider { arn, audiences } => create_provider(iam, input, arn, audiences).await?,
        Change::AddAudience { arn, audience } => {
            let call = iam.add_client_id_to_open_id_connect_provider();
            let call = call.open_id_connect_provider_arn(arn).client_id(audience);
            call.send().await.named("iam:AddClientIDToOpenIDConnectProvider").map_err(meaning)?;
        }
        Change::TagProvider { arn, tags } => {
            let call = iam.tag_open_id_connect_provider().open_id_connect_provider_arn(arn);
            let call = call.set_tags(Some(sdk_tags(tags)?));
            call.send().await.named("iam:TagOpenIDConnectProvider").map_err(meaning)?;
        }
        Change::UntagProvider { arn, tags } => {
            let call = iam.untag_open_id_connect_provider().open_id_connect_provider_arn(arn);
            let call = call.set_tag_keys(Some(keys(tags)));
            call.send().await.named("iam:UntagOpenIDConnectProvider").map_err(meaning)?;
        }
        Change::RemoveProvider { arn } => {
            let sent = iam.delete_open_id_connect_provider().open_id_connect_provider_arn(arn).send().await;
            sent.named("iam:DeleteOpenIDConnectProvider").none_if(&["NoSuchEntity"]).map_err(removal_meaning)?;
        }
        Change::CreateRole { role, boundary } => return create_role(iam, input, role, boundary).await,
        Change::ChangeRole { role, to } => change_role(iam, role, to).await?,
        Change::RemoveRole { role, arn: _ } => {
            let sent = iam.delete_role().role_name(role).send().await.named("iam:DeleteRole");
            sent.none_if(&["NoSuchEntity"]).map_err(removal_meaning)?;
        }
        Change::RemoveBoundary { arn, versions } => {
            for version in versions {
                let call = iam.delete_policy_version().policy_arn(arn).version_id(version);
                let sent = call.send().await.named("iam:DeletePolicyVersion");
                sent.none_if(&["NoSuchEntity"]).map_err(removal_meaning)?;
            }
            let sent = iam.delete_policy().policy_arn(arn).send().await.named("iam:DeletePolicy");
            sent.none_if(&["NoSuchEntity"]).map_err(removal_meaning)?;
        }
    }
    Ok(String::new())
}

/// Makes an OIDC provider. Without thumbprints: IAM trusts the certificates of public authorities, and reads the thumbprint of
/// any other from the issuer itself. [IAM `CreateOpenIDConnectProvider`, `ThumbprintList`]
async fn create_provider(
    iam: &Client,
    input: &Input,
    arn: &str,
    audiences: &BTreeSet<String>,
) -> Result<(), StepError> {
    let host_and_path = arn.split_once(":oidc-provider/").map_or(arn, |(_, name)| name);
    let call = iam.create_open_id_connect_provider().url(format!("https://{host_and_path}"));
    let call = call.set_client_id_list(Some(audiences.iter().cloned().collect()));
    let call = call.set_tags(Some(sdk_tags(&provider_tags(input))?));
    call.send().await.named("iam:CreateOpenIDConnectProvider").map_err(meaning)?;
    Ok(())
}

/// Makes a role. Answers its id. [IAM `CreateRole`]
async fn create_role(iam: &Client, input: &Input, role: &RolePlan, boundary: &str) -> Result<String, StepError> {
    let trust = trust_document(input.run.partition(), &input.run.account_id, &role.trust).to_string();
    let call = iam
        .create_role()
        .role_name(&role.name)
        .path(&role.path)
        .assume_role_policy_document(trust)
        .description(format!("Role {} of tenant {}, managed by Berth.", role.key, input.run.tenant))
        .max_session_duration(seconds(role.session_seconds_max))
        .permissions_boundary(boundary)
        .set_tags(Some(sdk_tags(&wanted_tags(input, role))?));
    let sent = call.send().await.named("iam:CreateRole").map_err(meaning)?;
    Ok(sent.role.map(|role| role.role_id).unwrap_or_default())
}

async fn change_role(iam: &Client, role: &str, to: &RoleChange) -> Result<(), StepError> {
    match to {
        RoleChange::Trust { document } => {
            let call = iam.update_assume_role_policy().role_name(role).policy_document(document.to_string());
            call.send().await.named("iam:UpdateAssumeRolePolicy").map_err(meaning)?;
        }
        RoleChange::Boundary { arn } => {
            let call = iam.put_role_permissions_boundary().role_name(role).permissions_boundary(arn);
            call.send().await.named("iam:PutRolePermissionsBoundary").map_err(meaning)?;
        }
        RoleChange::Session { seconds: longest } => {
            let call = iam.update_role().role_name(role).max_session_duration(seconds(*longest));
            call.send().await.named("iam:UpdateRole").map_err(meaning)?;
            // The tag last: while it is missing, the next run sets the session again.
            tag(iam, role, &Tags::default().with(TAG_SESSION, &longest.to_string())).await?;
        }
        RoleChange::Tags { tags } => tag(iam, role, tags).await?,
        RoleChange::Untag { tags } => {
            let call = iam.untag_role().role_name(role).set_tag_keys(Some(keys(tags)));
            call.send().await.named("iam:UntagRole").map_err(meaning)?;
        }
        RoleChange::Attach { arn } => {
            let call = iam.attach_role_policy().role_name(role).policy_arn(arn);
            let sent = call.send().await.named("iam:AttachRolePolicy");
            sent.map_err(|failure| attach_meaning(failure, arn))?;
        }
        RoleChange::Detach { arn } => {
            let call = iam.detach_role_policy().role_name(role).policy_arn(arn);
            call.send().await.named("iam:DetachRolePolicy").map_err(meaning)?;
        }
        RoleChange::PutInline { policy, document } => {
            let call = iam.put_role_policy().role_name(role).policy_name(policy).policy_document(document.to_string());
            call.send().await.named("iam:PutRolePolicy").map_err(meaning)?;
        }
        RoleChange::DeleteInline { policy } => {
            let call = iam.delete_role_policy().role_name(role).policy_name(policy);
            call.send().await.named("iam:DeleteRolePolicy").map_err(meaning)?;
        }
    }
    Ok(())
}

fn keys(tags: &Tags) -> Vec<String> {
    tags.0.keys().cloned().collect()
}

async fn tag(iam: &Client, role: &str, tags: &Tags) -> Result<(), StepError> {
    let call = iam.tag_role().role_name(role).set_tags(Some(sdk_tags(tags)?));
    call.send().await.named("iam:TagRole").map_err(meaning)?;
    Ok(())
}

/// What IAM's codes mean for every change of this step. [IAM API reference, "Errors" of each operation]
fn meaning(failure: CallFailure) -> StepError {
    match failure.code() {
        // Made by someone else since we looked, or by our own attempt whose answer was lost: look again.
        Some("EntityAlreadyExists" | "ConcurrentModification") => failure.as_fault(
            Fault::Conflict,
            wait(
                "Berth looks again and retries",
                "find the role or policy of that name, in any letter case and under any path, and rename or delete it; \
                 then redrive the execution",
            ),
        ),
        // IAM looks at the issuer's keys when its provider is made.
        Some("OpenIdIdpCommunicationError" | "OpenIdIdpCommunicationErrorException") => failure.as_fault(
            Fault::NotReady,
            wait(
                "Berth asks again, as issuers are down now and then",
                "see that https://ISSUER/.well-known/openid-configuration can be read from the internet, then redrive \
                 the execution",
            ),
        ),
        // IAM shows its own writes after some seconds.
        Some("NoSuchEntity" | "EntityTemporarilyUnmodifiable") => failure.as_fault(
            Fault::NotReady,
            wait(
                "IAM shows a new role or policy after some seconds",
                "see in IAM whether the role or policy is there: who deleted it? then redrive the execution",
            ),
        ),
        Some("MalformedPolicyDocument" | "InvalidInput" | "ValidationError" | "PolicyNotAttachable") => {
            failure.as_fault(Fault::InvalidInput, "correct the roles of this environment in platform.yaml")
        }
        Some("LimitExceeded") => {
            failure.as_fault(Fault::InvalidInput, "raise the IAM quota that is named in the tenant's account")
        }
        _ => failure.or_common(),
    }
}

/// What IAM's codes mean for a removal: what hangs on it was taken away a moment ago.
fn removal_meaning(failure: CallFailure) -> StepError {
    if failure.is(&["DeleteConflict"]) {
        return failure.as_fault(
            Fault::NotReady,
            wait(
                "IAM shows after some seconds that nothing hangs on it any more",
                "remove what AWS names, then redrive",
            ),
        );
    }
    meaning(failure)
}

/// A managed policy that does not exist is a mistake in platform.yaml when it is AWS's, and not there yet otherwise.
fn attach_meaning(failure: CallFailure, arn: &str) -> StepError {
    if failure.is(&["NoSuchEntity"]) && arn.contains(":iam::aws:policy/") {
        return failure.as_fault(Fault::InvalidInput, format!("correct the managed policy {arn} in platform.yaml"));
    }
    meaning(failure)
}

fn seconds(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
