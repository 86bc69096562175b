//! The first state of an offboarding: reads what the ledger has of the account, guards against mistakes, takes the lease, and
//! returns the plan.

mod account;
mod decide;
mod request;
mod scope;

use aws_sdk_organizations::Client as Organizations;
use berth_aws::PolicyFile;
use berth_config::PlatformConfig;
use berth_ledger::{Acquisition, Part, Record, day};
use berth_planning::Planner;
use berth_step::{Fault, StepError, Traced};
use berth_tenancy::{AccountId, Departure, Mode, OffboardingScope, Region, Subject};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

pub use crate::{
    account::{Standing, of_state},
    decide::{
        access, allowed, check_protection, check_reach, generation, ignored, left_behind, plan, subject, too_many,
    },
    request::{OffboardingRequest, read_request},
    scope::{guard, narrowed, part},
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
        let whole = plan(platform, &record, run, standing)?;
        let Some(plan) = narrowed(platform, &record, whole, &request)? else {
            let region = request.region.as_ref().map_or("there", Region::as_str);
            return Ok(Departure::Ignore { reason: format!("the account has nothing in {region}"), account_id });
        };
        if request.mode == Mode::Apply {
            guard(platform, &record, &plan, &request)?;
            // Who stays does not count among those that leave.
            if plan.scope == OffboardingScope::Account {
                self.count(platform, &account_id, now).await?;
            }
            let part = part(&record, &request);
            if let Acquisition::HeldBy(holder) = self.acquire(&plan.run, (&record, part.as_ref()), now).await? {
                let reason = format!("{} works on this account now", holder.execution);
                return Ok(Departure::Duplicate { reason, account_id });
            }
            self.0.end_wait(&record, &input.execution).await?;
        }
        let reason = request.reason.unwrap_or_else(|| "a person asked for it".to_owned());
        Ok(Departure::Offboard { reason, plan: Box::new(plan) })
    }

    /// Counts the account among those that leave today, unless they are too many.
    async fn count(&self, platform: &PlatformConfig, account: &AccountId, now: Timestamp) -> Result<(), StepError> {
        let day = day(now);
        let guard = allowed(platform, &self.0.ledger.list().await?.records, &day);
        let left = self.0.ledger.count_offboarding(account, &day, guard.0).await?;
        left.map_or(Ok(()), |left| Err(too_many(platform, guard, left)))
    }

    /// Acquires the lease; answers the execution that has it, when one that still runs does.
    async fn acquire(
        &self,
        subject: &Subject,
        record: (&Record, Option<&Part>),
        now: Timestamp,
    ) -> Result<Acquisition, StepError> {
        self.0.acquire(async |expected| self.0.ledger.acquire_to_offboard(subject, record, expected, now).await).await
    }

    async fn read_account(&self, account: &AccountId, execution: &str) -> Result<Standing, StepError> {
        let organizations = Organizations::new(&self.0.organization(execution, &POLICY).await?);
        account::read(&organizations, account).await
    }
}
