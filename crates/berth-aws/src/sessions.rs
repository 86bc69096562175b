//! Sessions in other accounts: one `sts:AssumeRole`, narrowed to what the step does, named after the execution.

use std::time::SystemTime;

use aws_config::{Region as SdkRegion, SdkConfig};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_sdk_sts::Client;
use berth_step::{Fault, StepError};
use berth_tenancy::{AccountId, Region, RoleName, role_arn};
use serde_json::json;

use crate::CallFailure;

/// Length of a session in seconds: the shortest that STS allows, and no function runs longer.
const SESSION_SECONDS: i32 = 900;

/// Longest session name that STS takes.
const SESSION_NAME_MAX: usize = 64;

/// Assumes roles in other accounts.
#[derive(Debug, Clone)]
pub struct Sessions {
    base: SdkConfig,
    sts: Client,
    external_id: String,
}

/// One session: where, and what for.
#[derive(Debug, Clone, Copy)]
pub struct SessionScope<'a> {
    /// Account of the role.
    pub account: &'a AccountId,
    /// The role.
    pub role: &'a RoleName,
    /// Region of the clients that use the session; the function's own when none.
    pub region: Option<&'a Region>,
    /// ARN of the execution, whose name becomes the session's name, so that CloudTrail leads back to it.
    pub execution: &'a str,
    /// IAM actions that the step needs: the session policy, so that a step can do no more than its job even where the
    /// role could.
    pub actions: &'static [&'static str],
    /// What a refusal to assume the role means. A role in a new account appears some minutes after the account.
    pub when_refused: Fault,
}

impl Sessions {
    /// `base` is the configuration of this function; `external_id` is demanded by the roles' trust policies.
    #[must_use]
    pub fn new(base: &SdkConfig, external_id: String) -> Self {
        Self { base: base.clone(), sts: Client::new(base), external_id }
    }

    /// The configuration of clients that act in the other account. [STS `AssumeRole`]
    pub async fn assume(&self, scope: SessionScope<'_>) -> Result<SdkConfig, StepError> {
        let arn = role_arn(scope.account, scope.role);
        let answer = self
            .sts
            .assume_role()
            .role_arn(&arn)
            .role_session_name(session_name(scope.execution))
            .external_id(&self.external_id)
            .duration_seconds(SESSION_SECONDS)
            .policy(session_policy(scope.actions))
            .send()
            .await
            .map_err(|error| refused(CallFailure::of("sts:AssumeRole", &error), &arn, scope))?;
        let Some(given) = answer.credentials else {
            return Err(StepError::new(Fault::Bug, format!("sts:AssumeRole on {arn} answered without credentials")));
        };
        let expires = SystemTime::try_from(given.expiration).ok();
        let credentials =
            Credentials::new(given.access_key_id, given.secret_access_key, Some(given.session_token), expires, "berth");
        let mut config = self.base.to_builder().credentials_provider(SharedCredentialsProvider::new(credentials));
        if let Some(region) = scope.region {
            config = config.region(SdkRegion::new(region.as_str().to_owned()));
        }
        Ok(config.build())
    }
}

/// The error of a session that was refused, or of a call that failed.
fn refused(failure: CallFailure, arn: &str, scope: SessionScope<'_>) -> StepError {
    let error = if failure.is(&["AccessDenied"]) {
        let advice = match scope.when_refused {
            Fault::NotReady => {
                format!("nothing yet; if it stays, check that {arn} exists and trusts this function's role")
            }
            _ => format!("let {arn} trust this function's role with Berth's external id, then redrive the execution"),
        };
        failure.as_fault(scope.when_refused, &advice)
    } else {
        failure.or_common()
    };
    let error = error.for_account(scope.account);
    scope.region.into_iter().fold(error, StepError::in_region)
}

/// The name of a session: the execution's, as far as STS takes it.
#[must_use]
pub fn session_name(execution: &str) -> String {
    let name = execution.rsplit(':').next().unwrap_or(execution);
    let allowed = |c: char| if c.is_ascii_alphanumeric() || "=,.@-_+".contains(c) { c } else { '-' };
    let name: String = name.chars().map(allowed).take(SESSION_NAME_MAX - "berth-".len()).collect();
    format!("berth-{name}")
}

/// The session policy: the actions of this step and nothing else. The role's own policy says on which resources.
fn session_policy(actions: &[&str]) -> String {
    json!({
        "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Action": actions, "Resource": "*" }],
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_session_is_named_after_its_execution() {
        let arn = "arn:aws:states:us-east-1:210987654321:execution:berth-onboard-account:111122223333-g1";
        assert_eq!(session_name(arn), "berth-111122223333-g1");
    }

    #[test]
    fn a_session_name_never_breaks_the_rules_of_sts() {
        let name = session_name(&format!("weird name/{}", "x".repeat(100)));
        assert_eq!(name.len(), SESSION_NAME_MAX);
        assert!(name.starts_with("berth-weird-name-xx"));
    }

    #[test]
    fn the_session_policy_allows_the_steps_actions_and_nothing_else() {
        let policy: serde_json::Value = serde_json::from_str(&session_policy(&["ec2:CreateVpc"])).unwrap();
        assert_eq!(policy["Statement"][0]["Action"], json!(["ec2:CreateVpc"]));
        assert_eq!(policy["Statement"].as_array().unwrap().len(), 1);
    }
}
