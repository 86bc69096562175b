//! The first state of an offboarding: reads what the ledger has of the account, guards against mistakes, takes the lease, and
//! returns the plan.

mod account;
mod decide;
mod request;

use aws_sdk_organizations::Client as Organizations;
use aws_sdk_sfn::Client as StepFunctions;
use berth_aws::{CallResultExt, Part, PolicyFile, SdkResultExt, SessionScope, Sessions};
use berth_config::PlatformConfig;
use berth_ledger::{Acquisition, Holder, Ledger, Record, day};
use berth_step::{Fault, StepError, Traced};
use berth_tenancy::{AccountId, Departure, Mode, Subject};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

pub use crate::{
    account::{Standing, of_state},
    decide::{
        access, allowed, check_protection, check_reach, generation, has_ended, ignored, left_behind, plan, subject,
        too_many,
    },
    request::{OffboardingRequest, read_request},
};

/// What this function may do, and what its sessions are narrowed to.
const POLICY: PolicyFile = PolicyFile::new(include_str!("policy.json"));

/// How often the lease may change hands while this step asks for it.
const TAKEOVERS_MAX: usize = 3;

/// Payload of the state `PlanOffboarding`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Input {
    /// The execution's input: see [`OffboardingRequest`].
    pub request: Value,
    /// ARN of the execution.
    pub execution: String,
}

impl Traced for Input {
    fn account(&self) -> Option<AccountId> {
        read_request(&self.request).ok().map(|request| request.account_id)
    }

    fn execution(&self) -> Option<&str> {
        Some(&self.execution)
    }
}

/// The step. It changes nothing but the ledger.
#[derive(Debug, Clone)]
pub struct PlanOffboarding {
    /// The platform's configuration, or why it cannot be used.
    pub platform: Result<PlatformConfig, String>,
    /// Sessions into the management account.
    pub sessions: Sessions,
    /// The ledger.
    pub ledger: Ledger,
    /// Asks whether the holder of a lease still runs.
    pub step_functions: StepFunctions,
}

impl PlanOffboarding {
    /// Handles one invocation at the time `now`.
    pub async fn handle(&self, input: Input, now: Timestamp) -> Result<Departure, StepError> {
        let request = read_request(&input.request)?;
        let account = request.account_id.clone();
        self.plan(&input, request, now).await.map_err(|error| error.for_account(&account))
    }

    async fn plan(&self, input: &Input, request: OffboardingRequest, now: Timestamp) -> Result<Departure, StepError> {
        let platform = self.platform.as_ref().map_err(|why| decide::unusable(why))?;
        let account_id = request.account_id.clone();
        let record = self.ledger.get(&account_id).await?;
        let record = match ignored(record.as_ref()) {
            Some(reason) => return Ok(Departure::Ignore { reason, account_id }),
            None => record.ok_or_else(|| StepError::new(Fault::Bug, "a record that is not there is not ignored"))?,
        };
        let standing = self.read_account(platform, &account_id, &input.execution).await?;
        let run = subject(platform, &record, &request, &input.execution)?;
        let plan = plan(platform, &record, run, standing)?;
        if request.mode == Mode::Apply {
            check_protection(platform, &record)?;
            check_reach(&plan, request.access_removed)?;
            let day = day(now);
            let guard = allowed(platform, &self.ledger.list().await?.records, &day);
            if let Some(left) = self.ledger.count_offboarding(&account_id, &day, guard.0).await? {
                return Err(too_many(platform, guard, left));
            }
            if let Some(holder) = self.acquire(&plan.run, &record, now).await? {
                let reason = format!("{} works on this account now", holder.execution);
                return Ok(Departure::Duplicate { reason, account_id });
            }
        }
        let reason = request.reason.unwrap_or_else(|| "a person asked for it".to_owned());
        Ok(Departure::Offboard { reason, plan: Box::new(plan) })
    }

    /// Acquires the lease; answers who has it, when that is an execution that still runs. One that is redriven while an
    /// onboarding has taken over finds the other's lease, and yields.
    async fn acquire(&self, subject: &Subject, record: &Record, now: Timestamp) -> Result<Option<Holder>, StepError> {
        let mut expected = None;
        for _ in 0..TAKEOVERS_MAX {
            let answer = self.ledger.acquire_to_offboard(subject, record, expected.as_ref(), now).await?;
            let Acquisition::HeldBy(holder) = answer else { return Ok(None) };
            if !self.has_ended(&holder).await? {
                return Ok(Some(holder));
            }
            expected = Some(holder);
        }
        let what = format!("the lease of {} changed hands while it was being asked for", record.account_id);
        Err(StepError::new(Fault::Conflict, what))
    }

    /// Whether the holder of the lease has ended. [Step Functions `DescribeExecution`]
    async fn has_ended(&self, holder: &Holder) -> Result<bool, StepError> {
        let sent = self.step_functions.describe_execution().execution_arn(&holder.execution).send().await;
        let answer = sent.named("states:DescribeExecution").none_if(&["ExecutionDoesNotExist"]).or_common()?;
        // Step Functions forgets executions 90 days after their end.
        Ok(answer.is_none_or(|answer| has_ended(answer.status().as_str())))
    }

    async fn read_account(
        &self,
        platform: &PlatformConfig,
        account: &AccountId,
        execution: &str,
    ) -> Result<Standing, StepError> {
        let organization = &platform.organization;
        let scope = SessionScope {
            account: &organization.management_account,
            role: &organization.read_role,
            region: None,
            execution,
            policy: POLICY.session(Part::Management),
            when_refused: Fault::Denied,
        };
        let organizations = Organizations::new(&self.sessions.assume(scope).await?);
        account::read(&organizations, account).await
    }
}
