//! Performs one change in IAM. What an error code means is written here, beside its call.

use aws_sdk_iam::{Client, types::Tag};
use berth_aws::CallFailure;
use berth_step::{Fault, StepError};
use berth_tenancy::{RolePlan, Tags};

use crate::{
    Action, Effect, Input,
    decide::{TAG_SESSION, wanted_tags},
    documents::trust_document,
    world::effect,
};

/// Performs one change.
pub(crate) async fn act(iam: &Client, input: &Input, action: &Action) -> Result<Effect, StepError> {
    match action {
        Action::CreateBoundary { name, path, document } => {
            let tags = sdk_tags(&Tags::of(&input.run.account_id, &input.run.tenant))?;
            let call = iam.create_policy().policy_name(name).path(path).policy_document(document.to_string());
            let sent = call.set_tags(Some(tags)).send().await;
            sent.map(|_| ()).map_err(|error| meaning(CallFailure::of("iam:CreatePolicy", &error)))?;
        }
        Action::UpdateBoundary { arn, document, delete_version } => {
            if let Some(version) = delete_version {
                let sent = iam.delete_policy_version().policy_arn(arn).version_id(version).send().await;
                sent.map_err(|error| meaning(CallFailure::of("iam:DeletePolicyVersion", &error)))?;
            }
            let call = iam.create_policy_version().policy_arn(arn).policy_document(document.to_string());
            let sent = call.set_as_default(true).send().await;
            sent.map_err(|error| meaning(CallFailure::of("iam:CreatePolicyVersion", &error)))?;
        }
        Action::CreateRole { role, boundary } => {
            let id = create_role(iam, input, role, boundary).await?;
            return Ok(effect(input, action, &id));
        }
        part => act_on_role(iam, part).await?,
    }
    Ok(effect(input, action, ""))
}

/// Makes a role. Answers its id. [IAM `CreateRole`]
async fn create_role(iam: &Client, input: &Input, role: &RolePlan, boundary: &str) -> Result<String, StepError> {
    let trust = trust_document(&input.run.account_id, &role.trust).to_string();
    let call = iam
        .create_role()
        .role_name(&role.name)
        .path(&role.path)
        .assume_role_policy_document(trust)
        .description(format!("Role {} of tenant {}, managed by Berth.", role.key, input.run.tenant))
        .max_session_duration(seconds(role.session_seconds_max))
        .permissions_boundary(boundary)
        .set_tags(Some(sdk_tags(&wanted_tags(input, role))?));
    let sent = call.send().await.map_err(|error| meaning(CallFailure::of("iam:CreateRole", &error)))?;
    Ok(sent.role.map(|role| role.role_id).unwrap_or_default())
}

async fn act_on_role(iam: &Client, action: &Action) -> Result<(), StepError> {
    match action {
        Action::SetTrust { role, document } => {
            let call = iam.update_assume_role_policy().role_name(role).policy_document(document.to_string());
            let sent = call.send().await.map(|_| ());
            sent.map_err(|error| meaning(CallFailure::of("iam:UpdateAssumeRolePolicy", &error)))
        }
        Action::SetBoundary { role, arn } => {
            let sent = iam.put_role_permissions_boundary().role_name(role).permissions_boundary(arn).send().await;
            sent.map(|_| ()).map_err(|error| meaning(CallFailure::of("iam:PutRolePermissionsBoundary", &error)))
        }
        Action::SetSession { role, seconds: longest } => {
            let sent = iam.update_role().role_name(role).max_session_duration(seconds(*longest)).send().await;
            sent.map_err(|error| meaning(CallFailure::of("iam:UpdateRole", &error)))?;
            // The tag last: while it is missing, the next run sets the session again.
            tag(iam, role, &Tags::default().with(TAG_SESSION, &longest.to_string())).await
        }
        Action::Tag { role, tags } => tag(iam, role, tags).await,
        Action::Attach { role, arn } => {
            let sent = iam.attach_role_policy().role_name(role).policy_arn(arn).send().await;
            sent.map(|_| ()).map_err(|error| attach_meaning(CallFailure::of("iam:AttachRolePolicy", &error), arn))
        }
        Action::Detach { role, arn } => {
            let sent = iam.detach_role_policy().role_name(role).policy_arn(arn).send().await;
            sent.map(|_| ()).map_err(|error| meaning(CallFailure::of("iam:DetachRolePolicy", &error)))
        }
        Action::PutInline { role, policy, document } => {
            let call = iam.put_role_policy().role_name(role).policy_name(policy).policy_document(document.to_string());
            let sent = call.send().await.map(|_| ());
            sent.map_err(|error| meaning(CallFailure::of("iam:PutRolePolicy", &error)))
        }
        Action::DeleteInline { role, policy } => {
            let sent = iam.delete_role_policy().role_name(role).policy_name(policy).send().await;
            sent.map(|_| ()).map_err(|error| meaning(CallFailure::of("iam:DeleteRolePolicy", &error)))
        }
        Action::CreateBoundary { .. } | Action::UpdateBoundary { .. } | Action::CreateRole { .. } => {
            Err(StepError::new(Fault::Bug, format!("'{action}' does not change a role that exists")))
        }
    }
}

async fn tag(iam: &Client, role: &str, tags: &Tags) -> Result<(), StepError> {
    let sent = iam.tag_role().role_name(role).set_tags(Some(sdk_tags(tags)?)).send().await;
    sent.map(|_| ()).map_err(|error| meaning(CallFailure::of("iam:TagRole", &error)))
}

/// What IAM's codes mean for every change of this step. [IAM API reference, "Errors" of each operation]
fn meaning(failure: CallFailure) -> StepError {
    match failure.code() {
        // Made by someone else since we looked, or by our own attempt whose answer was lost: look again.
        Some("EntityAlreadyExists" | "ConcurrentModification") => {
            failure.as_fault(Fault::Conflict, "nothing yet: Berth looks again and retries")
        }
        // IAM shows its own writes after some seconds.
        Some("NoSuchEntity" | "EntityTemporarilyUnmodifiable") => {
            failure.as_fault(Fault::NotReady, "nothing yet: IAM shows a new role or policy after some seconds")
        }
        Some("MalformedPolicyDocument" | "InvalidInput" | "ValidationError" | "PolicyNotAttachable") => {
            failure.as_fault(Fault::InvalidInput, "correct the roles of this environment in platform.yaml")
        }
        Some("LimitExceeded") => {
            failure.as_fault(Fault::InvalidInput, "raise the IAM quota that is named in the tenant's account")
        }
        _ => failure.or_common(),
    }
}

/// A managed policy that does not exist is a mistake in platform.yaml when it is AWS's, and not there yet otherwise.
fn attach_meaning(failure: CallFailure, arn: &str) -> StepError {
    if failure.is(&["NoSuchEntity"]) && arn.starts_with("arn:aws:iam::aws:") {
        return failure.as_fault(Fault::InvalidInput, &format!("correct the managed policy {arn} in platform.yaml"));
    }
    meaning(failure)
}

fn sdk_tags(tags: &Tags) -> Result<Vec<Tag>, StepError> {
    let tag = |(key, value): (&String, &String)| Tag::builder().key(key).value(value).build();
    let built: Result<Vec<Tag>, _> = tags.0.iter().map(tag).collect();
    built.map_err(|error| StepError::new(Fault::Bug, "a tag without key or value").because(error))
}

fn seconds(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
