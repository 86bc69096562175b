//! What the functions that plan share, the first state of each state machine: the platform's configuration, a session that
//! reads the organization, and how an account's lease is taken over.
//!
//! ```no_run
//! use berth_planning::Planner;
//!
//! # async fn planned() -> Result<(), Box<dyn std::error::Error>> {
//! let planner = Planner::from_env().await?;
//! println!("{} environments", planner.platform()?.environments.len());
//! # Ok(())
//! # }
//! ```
#![warn(missing_docs)]

use aws_config::SdkConfig;
use aws_sdk_sfn::Client as StepFunctions;
use berth_aws::{
    CallFailure, CallResultExt, Part, PolicyFile, SdkResultExt, SessionScope, Sessions, failure_cause, shared_config,
    was_awaited,
};
use berth_config::PlatformConfig;
use berth_ledger::{Acquisition, Holder, Ledger, Record};
use berth_step::{Fault, Settings, SettingsError, StepError};

/// How often the lease may change hands while it is asked for.
const TAKEOVERS_MAX: usize = 3;

berth_step::settings! {
    /// Settings of a function that plans.
    struct PlanSettings {
        table: String = "BERTH_LEDGER_TABLE",
        external_id: String = "BERTH_EXTERNAL_ID",
        platform: String = "BERTH_PLATFORM",
    }
}

/// What a function that plans works with. It changes nothing but the ledger.
#[derive(Debug, Clone)]
pub struct Planner {
    /// The platform's configuration, or why it cannot be used: a function that cannot start would hide that.
    platform: Result<PlatformConfig, String>,
    /// Sessions into the management account.
    sessions: Sessions,
    /// The ledger.
    pub ledger: Ledger,
    /// Asks whether the holder of a lease still runs.
    step_functions: StepFunctions,
}

impl Planner {
    /// Reads the settings of the function, and its platform.yaml.
    ///
    /// # Errors
    /// Settings that are absent or wrong, all of them. A platform.yaml that cannot be used is told by [`Self::platform`].
    pub async fn from_env() -> Result<Self, SettingsError> {
        let PlanSettings { table, external_id, platform } = Settings::from_env().load()?;
        let platform = PlatformConfig::load(platform.as_ref());
        let config = shared_config().await;
        Ok(Self {
            platform,
            sessions: Sessions::new(&config, external_id),
            ledger: Ledger::new(aws_sdk_dynamodb::Client::new(&config), table),
            step_functions: StepFunctions::new(&config),
        })
    }

    /// The platform's configuration.
    ///
    /// # Errors
    /// `InvalidInput` when that of this deployment cannot be used.
    pub fn platform(&self) -> Result<&PlatformConfig, StepError> {
        self.platform.as_ref().map_err(|why| {
            StepError::new(Fault::InvalidInput, format!("platform.yaml of this deployment cannot be used: {why}"))
                .hint("run `berth validate platform.yaml`, correct it, and deploy again")
        })
    }

    /// The configuration of a client that reads the organization for an execution, in the management account.
    ///
    /// # Errors
    /// `Denied` when the role there cannot be assumed.
    pub async fn organization(&self, execution: &str, policy: &PolicyFile) -> Result<SdkConfig, StepError> {
        let organization = &self.platform()?.organization;
        let role = (&organization.management_account, &organization.read_role);
        let scope = SessionScope::in_platform(role, None, execution, policy.session(Part::Management));
        self.sessions.assume(scope).await
    }

    /// Asks for a lease, and takes it over from an execution that has ended. `ask` is handed the holder that it takes over
    /// from. Answers [`Acquisition::HeldBy`] only for a holder that still runs: then the account is that one's. One that waits
    /// for an approval is no such holder, where the ledger says that it waits: it has changed nothing, and its steps find that
    /// they are superseded. An execution that is redriven after another took over finds the other's lease, and yields.
    ///
    /// # Errors
    /// `Conflict` when the lease goes on changing hands.
    pub async fn acquire(
        &self,
        ask: impl AsyncFn(Option<&Holder>) -> Result<Acquisition, StepError>,
    ) -> Result<Acquisition, StepError> {
        let mut expected = None;
        for _ in 0..TAKEOVERS_MAX {
            match ask(expected.as_ref()).await? {
                Acquisition::HeldBy(holder) if holder.waits || self.has_ended(&holder).await? => {
                    expected = Some(holder)
                }
                answer => return Ok(answer),
            }
        }
        Err(StepError::new(Fault::Conflict, "the lease changed hands while it was being asked for"))
    }

    /// Ends the wait for an approval of an execution that `by` has taken the account over from, where `record` is the account's
    /// as it was read before. [DynamoDB `GetItem`, `DeleteItem`; Step Functions `SendTaskFailure`]
    ///
    /// # Errors
    /// When the execution could not be told: it would wait to the end of its time.
    pub async fn end_wait(&self, record: &Record, by: &str) -> Result<(), StepError> {
        let Some(asked) = record.approval.as_ref().filter(|asked| asked.execution != by) else { return Ok(()) };
        let account = &record.account_id;
        let token = self.ledger.waiting_token(account).await?;
        let Some(token) = token.filter(|token| token.execution == asked.execution) else { return Ok(()) };
        let word =
            StepError::new(Fault::Superseded, format!("{by} has taken over this account from {}", asked.execution))
                .hint(format!("nothing: follow {by}"));
        let call = self.step_functions.send_task_failure().task_token(&token.token);
        let sent = call.error(word.fault.name()).cause(failure_cause(&word)).send().await;
        was_awaited(sent.named("states:SendTaskFailure")).map_err(CallFailure::or_common)?;
        self.ledger.forget_token(account, &token).await
    }

    /// Whether the holder of a lease has ended. [Step Functions `DescribeExecution`]
    async fn has_ended(&self, holder: &Holder) -> Result<bool, StepError> {
        let sent = self.step_functions.describe_execution().execution_arn(&holder.execution).send().await;
        let answer = sent.named("states:DescribeExecution").none_if(&["ExecutionDoesNotExist"]).or_common()?;
        // Step Functions forgets executions 90 days after their end.
        Ok(answer.is_none_or(|answer| has_ended(answer.status().as_str())))
    }
}

/// Whether an execution with this status has ended, however. A status that nobody knows counts as running: yielding is safe.
fn has_ended(status: &str) -> bool {
    matches!(status, "SUCCEEDED" | "FAILED" | "TIMED_OUT" | "ABORTED")
}

#[cfg(test)]
mod tests {
    use super::has_ended;

    #[test]
    fn a_lease_is_taken_over_only_from_an_execution_that_has_ended() {
        for (status, ended) in [
            ("RUNNING", false),
            ("PENDING_REDRIVE", false),
            ("a status of next year", false),
            ("", false),
            ("SUCCEEDED", true),
            ("FAILED", true),
            ("TIMED_OUT", true),
            ("ABORTED", true),
        ] {
            assert_eq!(has_ended(status), ended, "{status}");
        }
    }
}
