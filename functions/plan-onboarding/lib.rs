//! The first state: reads the account, matches it with platform.yaml, takes the lease, and returns the plan.

mod account;
mod decide;
mod request;

use aws_sdk_organizations::Client as Organizations;
use aws_sdk_sfn::Client as StepFunctions;
use berth_aws::{CallResultExt, Part, PolicyFile, SdkResultExt, SessionScope, Sessions};
use berth_config::{Match, PlatformConfig};
use berth_ledger::{Holder, Ledger, Taken};
use berth_step::{Fault, StepError, Traced};
use berth_tenancy::{AccountId, Admission, Mode, Subject};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

pub use crate::{
    account::facts,
    decide::{ExecutionState, LeaseStep, after_holder, opening_until, plan, subject},
    request::{Asked, asked},
};

/// What this function may do, and what its sessions are narrowed to.
const POLICY: PolicyFile = PolicyFile::new(include_str!("policy.json"));

/// How often the lease may change hands while this step asks for it.
const TAKEOVERS_MAX: usize = 3;

/// Payload of the state `PlanOnboarding`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Input {
    /// The execution's input: `{"accountId": "111122223333"}`, or a whole event.
    pub request: Value,
    /// ARN of the execution.
    pub execution: String,
}

impl Traced for Input {
    fn account(&self) -> Option<AccountId> {
        asked(&self.request).ok().map(|asked| asked.account)
    }

    fn execution(&self) -> Option<&str> {
        Some(&self.execution)
    }
}

/// The step. It changes nothing but the ledger.
#[derive(Debug, Clone)]
pub struct PlanOnboarding {
    /// The platform's configuration, or why it cannot be used: a function that cannot start would hide that.
    pub platform: Result<PlatformConfig, String>,
    /// Sessions into the management account.
    pub sessions: Sessions,
    /// The ledger.
    pub ledger: Ledger,
    /// Asks whether the holder of a lease still runs.
    pub step_functions: StepFunctions,
}

impl PlanOnboarding {
    /// Handles one invocation at the time `now`.
    pub async fn handle(&self, input: Input, now: Timestamp) -> Result<Admission, StepError> {
        let asked = asked(&input.request)?;
        let account = asked.account.clone();
        self.plan(input, asked, now).await.map_err(|error| error.for_account(&account))
    }

    async fn plan(&self, input: Input, asked: Asked, now: Timestamp) -> Result<Admission, StepError> {
        let platform = self.platform.as_ref().map_err(|why| decide::unusable(why))?;
        let facts = self.read_account(platform, &asked.account, &input.execution).await?;
        let matched = match platform.match_account(&facts).map_err(|error| decide::unmatched(&error))? {
            Match::Ignored { reason } => return Ok(Admission::Ignore { reason, account_id: asked.account }),
            Match::Onboard(matched) => matched,
        };
        // Only a person's execution needs the record: the others were given their generation.
        let record = if asked.generation.is_some() { None } else { self.ledger.get(&asked.account).await? };
        let mut subject = subject(&facts, &matched, record.as_ref(), &asked, &input.execution);
        subject.opening_until = opening_until(facts.joined, now, platform.opening_seconds_max);
        if asked.mode == Mode::Apply
            && let Some(holder) = self.take(&subject, now).await?
        {
            let reason = format!("{} is onboarding this account now", holder.execution);
            return Ok(Admission::Duplicate { reason, account_id: asked.account });
        }
        Ok(plan(subject, *matched))
    }

    /// Takes the lease; answers the execution that has it, when one that still runs does.
    async fn take(&self, subject: &Subject, now: Timestamp) -> Result<Option<Holder>, StepError> {
        let mut former = None;
        for _ in 0..TAKEOVERS_MAX {
            let holder = match self.ledger.take(subject, former.as_ref(), now).await? {
                Taken::Yes(_) => return Ok(None),
                Taken::HeldBy(holder) => holder,
            };
            match after_holder(self.state_of(&holder).await?) {
                LeaseStep::Yield => return Ok(Some(holder)),
                LeaseStep::TakeOver => former = Some(holder),
            }
        }
        Err(StepError::new(Fault::Conflict, "the lease changed hands while it was being asked for"))
    }

    /// Whether the holder of the lease still runs. [Step Functions `DescribeExecution`]
    async fn state_of(&self, holder: &Holder) -> Result<ExecutionState, StepError> {
        let sent = self.step_functions.describe_execution().execution_arn(&holder.execution).send().await;
        let answer = sent.named("states:DescribeExecution").none_if(&["ExecutionDoesNotExist"]).or_common()?;
        // Step Functions forgets executions 90 days after their end.
        let ended = ExecutionState::Ended;
        Ok(answer.map_or(ended, |answer| ExecutionState::from_status(answer.status().as_str())))
    }

    /// Reads the account in the management account, with two calls to Organizations.
    async fn read_account(
        &self,
        platform: &PlatformConfig,
        account: &AccountId,
        execution: &str,
    ) -> Result<berth_config::AccountFacts, StepError> {
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
