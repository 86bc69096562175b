//! Asks for one assignment. What an error code means is written here, beside its call.

use aws_sdk_ssoadmin::{
    config::{Builder, retry::RetryConfig},
    types::{PrincipalType, StatusValues, TargetType},
};
use berth_aws::{CallFailure, SdkResultExt};
use berth_step::{Fault, StepError};
use berth_tenancy::wait;

use crate::{Change, Clients, Input, Progress};

/// Asks for an assignment. A repeat is harmless: the account, the group and the permission set are the assignment.
/// [sso-admin `CreateAccountAssignment`]
pub(crate) async fn act(clients: Option<&Clients>, input: &Input, change: &Change) -> Result<Progress, StepError> {
    let (Some(clients), Some(plan)) = (clients, &input.sign_in) else {
        return Err(StepError::new(Fault::Bug, format!("'{change}' without a session")));
    };
    let call = clients
        .center
        .create_account_assignment()
        .instance_arn(&plan.instance_arn)
        .target_type(TargetType::AwsAccount)
        .target_id(input.run.account_id.as_str())
        .permission_set_arn(&change.permission_set_arn)
        .principal_type(PrincipalType::Group)
        .principal_id(&change.group_id);
    // Refused because too many are outstanding, the next attempt within a second would be refused too.
    let no_retry = Builder::new().retry_config(RetryConfig::disabled());
    let sent = call.customize().config_override(no_retry).send().await;
    let answer = sent.named("sso:CreateAccountAssignment").map_err(meaning)?;
    let status = answer.account_assignment_creation_status.and_then(|status| status.status);
    Ok(match status {
        Some(StatusValues::Succeeded) => Progress::Assigned,
        _ => Progress::UnderWay { failed_before: change.failed_before.clone() },
    })
}

/// What Identity Center's codes mean here. [sso-admin `CreateAccountAssignment`, "Errors"]
fn meaning(failure: CallFailure) -> StepError {
    match failure.code() {
        // Too many outstanding, or too many calls of the organization: both pass, and neither is this account's fault.
        Some("ThrottlingException") => failure.as_fault(
            Fault::Throttled,
            wait(
                "Identity Center takes ten assignments of the organization at once",
                "see in Identity Center who makes so many assignments, then redrive the execution",
            ),
        ),
        // The same group, permission set and account are being assigned or removed just now.
        Some("ConflictException") => failure.as_fault(
            Fault::NotReady,
            wait(
                "Identity Center is busy with this assignment",
                "see in Identity Center who else assigns or removes it, then redrive the execution",
            ),
        ),
        // There a moment ago: the next look says which, by its name.
        Some("ResourceNotFoundException") => failure.as_fault(
            Fault::Conflict,
            wait(
                "the group or the permission set has gone; Berth looks again",
                "make the group or the permission set again, or correct platform.yaml and start anew: berth replay \
                 ACCOUNT --new",
            ),
        ),
        Some("ServiceQuotaExceededException") => {
            failure.as_fault(Fault::InvalidInput, "raise the quota of Identity Center that is named, then redrive")
        }
        Some("ValidationException") => {
            failure.as_fault(Fault::InvalidInput, "correct identityCenter and signIn in platform.yaml")
        }
        Some("AccessDeniedException") => failure.as_fault(
            Fault::Denied,
            "allow sso:CreateAccountAssignment for BerthSignIn, then redrive; a delegated administrator may not use \
             permission sets that the management account has too",
        ),
        _ => failure.or_common(),
    }
}
