//! Takes a person's answer to the plan that a run waits with: proves who answers, writes it down, and lets the run go on.
//!
//! Who may answer is IAM's: whoever may invoke this function. Who did is STS's to say.

mod decide;
mod identity;

use aws_sdk_sfn::Client as StepFunctions;
use berth_aws::{CallFailure, SdkResultExt, failure_cause, was_awaited};
use berth_contract::{Answered, Approval, Decide, Decided, Verdict};
use berth_ledger::{Ledger, WaitingToken};
use berth_step::{Fault, StepError, Traced};
use berth_tenancy::{AccountId, wait};
use jiff::Timestamp;
use serde::Deserialize;

pub use crate::{
    decide::{Next, check, decide},
    identity::{Sts, person},
};

/// How often an answer is compared with a record that changes meanwhile.
const TRIES_MAX: usize = 3;

/// What a person sends.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub struct Input(pub Decide);

impl Traced for Input {
    fn account(&self) -> Option<AccountId> {
        Some(self.0.account_id.clone())
    }
}

#[derive(Debug, Clone)]
pub struct DecideApproval {
    pub ledger: Ledger,
    /// Lets executions go on.
    pub step_functions: StepFunctions,
    /// Says who answers.
    pub sts: Sts,
    /// ARN of the state machine whose executions ask.
    pub state_machine: String,
}

impl DecideApproval {
    /// Handles one answer at the time `now`.
    pub async fn handle(&self, Input(decide): Input, now: Timestamp) -> Result<Decided, StepError> {
        self.take(&decide, now).await.map_err(|error| error.for_account(&decide.account_id))
    }

    async fn take(&self, asked: &Decide, now: Timestamp) -> Result<Decided, StepError> {
        check(asked)?;
        let by = self.sts.caller(&asked.proof, &asked.digest(&self.state_machine)).await?;
        let approval = self.write(asked, &by, now).await?;
        tracing::info!(account = %asked.account_id, by, verdict = ?asked.verdict, plan = approval.plan, "answered");
        if approval.answered() != Answered::Waits {
            self.tell(asked, &approval).await?;
        }
        let missing = match asked.verdict {
            Verdict::Approve => approval.approvers.saturating_sub(approval.approved.len()),
            Verdict::Reject => 0,
        };
        let (account_id, verdict) = (asked.account_id.clone(), asked.verdict);
        Ok(Decided { account_id, verdict, plan: approval.plan, by, at: now, missing, execution: approval.execution })
    }

    /// Writes the answer down; what it is then.
    async fn write(&self, asked: &Decide, by: &str, now: Timestamp) -> Result<Approval, StepError> {
        let account = &asked.account_id;
        for _ in 0..TRIES_MAX {
            let record = self.ledger.get(account).await?;
            let seen = record.as_ref().and_then(|record| record.approval.clone());
            match (decide(asked, record.as_ref(), by, now)?, seen) {
                (Next::Tell(approval), _) => return Ok(*approval),
                (Next::Write(next), Some(seen)) if self.ledger.answer(account, &seen, &next).await? => {
                    return Ok(*next);
                }
                (Next::Write(_), _) => {}
            }
        }
        let what = "others answered the same question at the same time";
        Err(StepError::new(Fault::Conflict, what)
            .hint(wait("what they said counts", "look at it: berth status ACCOUNT")))
    }

    /// Tells the execution that waits. An approval makes it look at the account once more; a rejection ends it.
    async fn tell(&self, asked: &Decide, approval: &Approval) -> Result<(), StepError> {
        let token = self.ledger.waiting_token(&asked.account_id).await?;
        let Some(token) = token.filter(|token| token.execution == approval.execution) else { return Ok(()) };
        // Nobody waits when it was told by an answer that was cut off here; or it was stopped, and whoever did that has seen
        // it end.
        was_awaited(self.send(&token, &word(approval)).await).map_err(CallFailure::or_common)?;
        self.ledger.forget_token(&asked.account_id, &token).await
    }

    /// [Step Functions `SendTaskFailure`]
    async fn send(&self, token: &WaitingToken, word: &StepError) -> Result<(), CallFailure> {
        let call = self.step_functions.send_task_failure().task_token(&token.token);
        let call = call.error(word.fault.name()).cause(failure_cause(word));
        call.send().await.named("states:SendTaskFailure").map(drop)
    }
}

/// What the state that waits is answered: to look once more, or that it is over.
fn word(approval: &Approval) -> StepError {
    if let Some(rejection) = &approval.rejected {
        return rejection.error();
    }
    let what =
        format!("approved by {}: the account is looked at once more before it is changed", approval.approved_by());
    StepError::new(Fault::NotReady, what)
        .hint(wait("the plan is made if it is still the same", "redrive the execution: what was approved is on record"))
}
