//! The first state: reads the account, matches it with platform.yaml, compares who it is with who it was, acquires the
//! lease, and returns the plan.

mod account;
mod decide;
mod identity;
mod request;
mod transfer;

use aws_sdk_organizations::Client as Organizations;
use berth_aws::PolicyFile;
use berth_config::{AccountFacts, Match};
use berth_ledger::{Acquisition, Answered, Bound};
use berth_planning::Planner;
use berth_step::{StepError, Traced};
use berth_tenancy::{AccountId, Admission, Mode, Subject};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

pub use crate::{
    account::facts,
    decide::{approval, check_generation, check_room, opening_until, plan, subject, with_join, with_left_over},
    identity::{bind, claimed, joins},
    request::{OnboardingRequest, read_request},
    transfer::{check, check_target, transfer_plan},
};

/// What this function may do, and what its sessions are narrowed to.
const POLICY: PolicyFile = PolicyFile::new(include_str!("policy.json"));

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
        read_request(&self.request).ok().map(|request| request.account)
    }

    fn execution(&self) -> Option<&str> {
        Some(&self.execution)
    }
}

/// The step. It changes nothing but the ledger.
#[derive(Debug, Clone)]
pub struct PlanOnboarding(pub Planner);

impl PlanOnboarding {
    /// Handles one invocation at the time `now`.
    pub async fn handle(&self, input: Input, now: Timestamp) -> Result<Admission, StepError> {
        let request = read_request(&input.request)?;
        let account = request.account.clone();
        self.plan(input, request, now).await.map_err(|error| error.for_account(&account))
    }

    async fn plan(&self, input: Input, request: OnboardingRequest, now: Timestamp) -> Result<Admission, StepError> {
        let platform = self.0.platform()?;
        let facts = self.read_account(&request.account, &input.execution).await?;
        let record = self.0.ledger.get(&request.account).await?;
        let matched = match platform.match_account(&facts).map_err(|error| decide::unmatched(&error))? {
            Match::Ignored { reason } => return Ok(Admission::Ignore { reason, account_id: request.account }),
            Match::Onboard(matched) => *matched,
        };
        decide::check_generation(record.as_ref(), &request)?;
        decide::check_room(&matched, &request)?;
        let mut subject = subject(&facts, &matched, record.as_ref(), &request, &input.execution);
        subject.opening_until = opening_until(facts.joined, now, platform.opening_seconds_max);
        let mut plan = plan(subject, matched.clone());
        let wanted = matched.identity();
        with_left_over(&mut plan, record.as_ref(), &matched.things(&request.account), platform);
        if let (Some(record), Some(asked), Mode::Plan) = (&record, &request.transfer, request.mode) {
            let was = record.identity().unwrap_or_else(|| wanted.clone());
            let transfer = transfer_plan(record, &was, &wanted, &matched);
            check_target(asked, &transfer)?;
            let claims = self.0.ledger.claims_of(&wanted.tenant).await?;
            joins(&claims, &wanted, &facts, matched.tenant_from, &platform.tenant_tag)?;
            if !asked.is_old_access_removed {
                return Ok(Admission::Transfer { account_id: request.account, transfer });
            }
            // Whatever could refuse the account is asked as if its old access were gone, while it is still there.
            plan.git_ops.leaves = (was.environment != wanted.environment).then_some(was.environment);
        }
        let mut bound = bind(record.as_ref(), &wanted, &facts, &matched, request.transfer.as_ref(), now)?;
        bound.resumes = record.as_ref().is_some_and(|record| record.lease.as_ref() == Some(&input.execution));
        let (source, tag) = (matched.tenant_from, platform.tenant_tag.as_str());
        match request.mode {
            Mode::Plan => {
                let claims = self.0.ledger.claims_of(&wanted.tenant).await?;
                let join = joins(&claims, &wanted, &facts, source, tag)?;
                with_join(&mut plan, join.filter(|_| bound.is_new));
            }
            Mode::Apply => match self.acquire(&plan.run, &bound, now).await? {
                Acquisition::Acquired => {}
                Acquisition::Claimed(claim) => return Err(claimed(&claim, &facts, source, tag)),
                Acquisition::HeldBy(holder) => {
                    let asked = record.as_ref().and_then(|record| record.asked_by(&holder.execution));
                    let waits = asked.is_some_and(|asked| asked.answered() == Answered::Waits);
                    let waits = if waits { ", and waits for an approval of its plan" } else { "" };
                    let reason = format!("{} is onboarding this account now{waits}", holder.execution);
                    return Ok(Admission::Duplicate { reason, account_id: request.account });
                }
            },
        }
        plan.approval = approval(&matched, record.as_ref(), &plan.run);
        let (reason, plan) = (matched.reason, Box::new(plan));
        Ok(if plan.approval.is_some() { Admission::Ask { reason, plan } } else { Admission::Onboard { reason, plan } })
    }

    /// Acquires the lease; answers the execution that has it, when one that still runs does.
    async fn acquire(&self, subject: &Subject, bound: &Bound, now: Timestamp) -> Result<Acquisition, StepError> {
        self.0.acquire(async |expected| self.0.ledger.acquire(subject, bound, expected, now).await).await
    }

    /// Reads the account in the management account, with two calls to Organizations.
    async fn read_account(&self, account: &AccountId, execution: &str) -> Result<AccountFacts, StepError> {
        let organizations = Organizations::new(&self.0.organization(execution, &POLICY).await?);
        account::read(&organizations, account).await
    }
}
