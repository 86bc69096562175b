//! The first state of an offboarding: reads what the ledger has of the account, guards against mistakes, takes the lease, and
//! returns the plan.

mod account;
mod decide;
mod request;

use aws_sdk_organizations::Client as Organizations;
use berth_aws::PolicyFile;
use berth_ledger::{Acquisition, Record, day};
use berth_planning::Planner;
use berth_step::{Fault, StepError, Traced};
use berth_tenancy::{AccountId, Departure, Mode, Subject};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

pub use crate::{
    account::{Standing, of_state},
    decide::{
        access, allowed, check_protection, check_reach, generation, ignored, left_behind, plan, subject, too_many,
    },
    request::{OffboardingRequest, read_request},
};

/// What this function may do, and what its sessions are narrowed to.
const POLICY: PolicyFile = PolicyFile::new(include_str!("policy.json"));

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
pub struct PlanOffboarding(pub Planner);

impl PlanOffboarding {
    /// Handles one invocation at the time `now`.
    pub async fn handle(&self, input: Input, now: Timestamp) -> Result<Departure, StepError> {
        let request = read_request(&input.request)?;
        let account = request.account_id.clone();
        self.plan(&input, request, now).await.map_err(|error| error.for_account(&account))
    }

    async fn plan(&self, input: &Input, request: OffboardingRequest, now: Timestamp) -> Result<Departure, StepError> {
        let platform = self.0.platform()?;
        let account_id = request.account_id.clone();
        let record = self.0.ledger.get(&account_id).await?;
        let record = match ignored(record.as_ref()) {
            Some(reason) => return Ok(Departure::Ignore { reason, account_id }),
            None => record.ok_or_else(|| StepError::new(Fault::Bug, "a record that is not there is not ignored"))?,
        };
        let standing = self.read_account(&account_id, &input.execution).await?;
        let run = subject(platform, &record, &request, &input.execution)?;
        let plan = plan(platform, &record, run, standing)?;
        if request.mode == Mode::Apply {
            check_protection(platform, &record)?;
            check_reach(&plan, request.access_removed)?;
            let day = day(now);
            let guard = allowed(platform, &self.0.ledger.list().await?.records, &day);
            if let Some(left) = self.0.ledger.count_offboarding(&account_id, &day, guard.0).await? {
                return Err(too_many(platform, guard, left));
            }
            if let Acquisition::HeldBy(holder) = self.acquire(&plan.run, &record, now).await? {
                let reason = format!("{} works on this account now", holder.execution);
                return Ok(Departure::Duplicate { reason, account_id });
            }
        }
        let reason = request.reason.unwrap_or_else(|| "a person asked for it".to_owned());
        Ok(Departure::Offboard { reason, plan: Box::new(plan) })
    }

    /// Acquires the lease; answers the execution that has it, when one that still runs does.
    async fn acquire(&self, subject: &Subject, record: &Record, now: Timestamp) -> Result<Acquisition, StepError> {
        self.0.acquire(async |expected| self.0.ledger.acquire_to_offboard(subject, record, expected, now).await).await
    }

    async fn read_account(&self, account: &AccountId, execution: &str) -> Result<Standing, StepError> {
        let organizations = Organizations::new(&self.0.organization(execution, &POLICY).await?);
        account::read(&organizations, account).await
    }
}
