//! Takes answers to the plan that a run waits with: what an answer does to the question, the write, and the word to the run.
//!
//! Who answers is for the caller to prove: `decide-approval` asks STS, `complete-merges` the git host.
//!
//! ```
//! use berth_approval::Answer;
//! use berth_contract::Verdict;
//! use berth_tenancy::ApprovedBy;
//!
//! let answer = Answer {
//!     account: &"111122223333".parse()?,
//!     verdict: Verdict::Approve,
//!     plan: "sha256:1",
//!     reason: None,
//!     by: "arn:aws:iam::210987654321:user/mia",
//!     how: ApprovedBy::Command,
//!     execution: None,
//! };
//! let nobody = berth_approval::decide(&answer, None, jiff::Timestamp::UNIX_EPOCH).unwrap_err();
//! assert_eq!(nobody.message, "the ledger does not know the account");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![warn(missing_docs)]

mod decide;
mod person;

use aws_sdk_sfn::Client as StepFunctions;
use berth_aws::{CallFailure, SdkResultExt, failure_cause, was_awaited};
use berth_contract::{Answered, Approval};
use berth_ledger::{Ledger, WaitingToken};
use berth_step::{Fault, StepError};
use berth_tenancy::{AccountId, wait};
use jiff::Timestamp;

pub use crate::{
    decide::{Answer, Next, decide},
    person::person,
};

/// How often an answer is compared with a record that changes meanwhile.
const TRIES_MAX: usize = 3;

/// Where answers are written, and who is told.
#[derive(Debug, Clone)]
pub struct Answers {
    /// Where questions are.
    pub ledger: Ledger,
    /// Lets executions go on.
    pub step_functions: StepFunctions,
}

impl Answers {
    /// Writes an answer down, and tells the execution that waits, if it is the last one that it waits for; what the question is
    /// then.
    ///
    /// # Errors
    /// As [`decide`]; `Conflict` where others answer all the time.
    pub async fn take(&self, answer: &Answer<'_>, now: Timestamp) -> Result<Approval, StepError> {
        let approval = self.write(answer, now).await?;
        let Answer { account, by, verdict, .. } = answer;
        tracing::info!(%account, by, ?verdict, plan = approval.plan, "answered");
        if approval.answered() != Answered::Waits {
            self.tell(account, &approval).await?;
        }
        Ok(approval)
    }

    async fn write(&self, answer: &Answer<'_>, now: Timestamp) -> Result<Approval, StepError> {
        for _ in 0..TRIES_MAX {
            let record = self.ledger.get(answer.account).await?;
            let seen = record.as_ref().and_then(|record| record.approval.clone());
            match (decide(answer, record.as_ref(), now)?, seen) {
                (Next::Tell(approval), _) => return Ok(*approval),
                (Next::Write(next), Some(seen)) if self.ledger.answer(answer.account, &seen, &next).await? => {
                    return Ok(*next);
                }
                (Next::Write(_), _) => {}
            }
        }
        let what = "others answered the same question at the same time";
        Err(StepError::new(Fault::Conflict, what)
            .hint(wait("what they said counts", "look at it: berth status ACCOUNT")))
    }

    /// Tells the execution that waits what was answered. An approval makes it look at the account once more; a rejection ends
    /// it. Telling twice is telling once.
    ///
    /// # Errors
    /// When the ledger or Step Functions cannot be asked.
    pub async fn tell(&self, account: &AccountId, approval: &Approval) -> Result<(), StepError> {
        let token = self.ledger.waiting_token(account).await?;
        let Some(token) = token.filter(|token| token.execution == approval.execution) else { return Ok(()) };
        // Nobody waits when it was told by an answer that was cut off here; or it was stopped, and whoever did that has seen
        // it end.
        was_awaited(self.send(&token, &word(approval)).await).map_err(CallFailure::or_common)?;
        self.ledger.forget_token(account, &token).await
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
