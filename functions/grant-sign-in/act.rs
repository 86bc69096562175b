//! Asks for one assignment, or for its end. What an error code means is written here, beside its call.

use aws_sdk_ssoadmin::{
    config::{Builder, retry::RetryConfig},
    types::{PrincipalType, StatusValues, TargetType},
};
use berth_aws::{CallFailure, CallResultExt, SdkResultExt};
use berth_step::{Fault, StepError};
use berth_tenancy::wait;

use crate::{Change, Clients, Input, Progress};

/// Makes one change. A repeat is harmless: the account, the group and the permission set are the assignment.
/// [sso-admin `CreateAccountAssignment`, `DeleteAccountAssignment`]
pub(crate) async fn act(clients: Option<&Clients>, input: &Input, change: &Change) -> Result<Progress, StepError> {
    let (Some(clients), Some(plan)) = (clients, &input.sign_in) else {
        return Err(StepError::new(Fault::Bug, format!("'{change}' without a session")));
    };
    // Refused because too many are outstanding, the next attempt within a second would be refused too.
    let no_retry = Builder::new().retry_config(RetryConfig::disabled());
    let (instance, account) = (&plan.instance_arn, input.run.account_id.as_str());
    match change {
        Change::Assign { assignment: _, group_id, permission_set_arn, failed_before } => {
            let call = clients.center.create_account_assignment().instance_arn(instance).target_id(account);
            let call = call.target_type(TargetType::AwsAccount).permission_set_arn(permission_set_arn);
            let call = call.principal_type(PrincipalType::Group).principal_id(group_id);
            let sent = call.customize().config_override(no_retry).send().await;
            let answer = sent.named("sso:CreateAccountAssignment").map_err(meaning)?;
            let status = answer.account_assignment_creation_status.and_then(|status| status.status);
            Ok(progress(status.as_ref(), failed_before.clone()))
        }
        Change::Remove { group_id, permission_set_arn, .. } => {
            let call = clients.center.delete_account_assignment().instance_arn(instance).target_id(account);
            let call = call.target_type(TargetType::AwsAccount).permission_set_arn(permission_set_arn);
            let call = call.principal_type(PrincipalType::Group).principal_id(group_id);
            let sent = call.customize().config_override(no_retry).send().await;
            // None: it is gone already, by an attempt whose answer was lost.
            let sent = sent.named("sso:DeleteAccountAssignment").none_if(&["ResourceNotFoundException"]);
            let status = sent.map_err(meaning)?.and_then(|answer| answer.account_assignment_deletion_status);
            Ok(status.map_or(Progress::Assigned, |status| progress(status.status.as_ref(), None)))
        }
    }
}

/// How far a request is. `Assigned` stands for a removal that is done, too.
fn progress(status: Option<&StatusValues>, failed_before: Option<String>) -> Progress {
    match status {
        Some(StatusValues::Succeeded) => Progress::Assigned,
        _ => Progress::UnderWay { failed_before },
    }
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
            "allow sso:CreateAccountAssignment and sso:DeleteAccountAssignment for BerthSignIn, then redrive; a delegated administrator may not use \
             permission sets that the management account has too",
        ),
        _ => failure.or_common(),
    }
}
