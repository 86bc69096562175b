//! Takes a person's answer to the plan that a run waits with: proves who answers, writes it down, and lets the run go on.
//!
//! Who may answer is IAM's: whoever may invoke this function. Who did is STS's to say.

mod identity;

use berth_approval::{Answer, Answers};
use berth_contract::{Decide, Decided, Verdict};
use berth_step::{Fault, StepError, Traced};
use berth_tenancy::{AccountId, ApprovedBy};
use jiff::Timestamp;
use serde::Deserialize;

pub use crate::identity::Sts;

/// Longest reason, in characters.
const REASON_CHARS_MAX: usize = 500;

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
    /// Where it is written, and who is told.
    pub answers: Answers,
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
        let answer = Answer {
            account: &asked.account_id,
            verdict: asked.verdict,
            plan: &asked.plan,
            reason: asked.reason.as_deref(),
            by: &by,
            how: ApprovedBy::Command,
            execution: None,
        };
        let approval = self.answers.take(&answer, now).await?;
        let missing = match asked.verdict {
            Verdict::Approve => approval.approvers.saturating_sub(approval.approved.len()),
            Verdict::Reject => 0,
        };
        let (account_id, verdict) = (asked.account_id.clone(), asked.verdict);
        Ok(Decided { account_id, verdict, plan: approval.plan, by, at: now, missing, execution: approval.execution })
    }
}

/// Whether an answer can be one, whatever it is about.
///
/// # Errors
/// `InvalidInput` for a rejection without a reason, or a reason that nobody would read.
pub fn check(decide: &Decide) -> Result<(), StepError> {
    let wrong = |what: &str| Err(StepError::new(Fault::InvalidInput, what).hint("berth reject ACCOUNT --reason TEXT"));
    match decide.reason.as_deref() {
        None if decide.verdict == Verdict::Reject => wrong("a rejection says why"),
        Some(reason) if reason.trim().is_empty() || reason.chars().count() > REASON_CHARS_MAX => {
            wrong("a reason has 1 to 500 characters")
        }
        Some(reason) if reason.chars().any(char::is_control) => wrong("a reason has no control characters"),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rejection_says_why_in_words_that_can_be_read() {
        let with = |verdict: Verdict, reason: Option<&str>| {
            let account_id = "111122223333".parse().unwrap();
            let (plan, proof) = ("sha256:1".to_owned(), berth_contract::Proof(String::new()));
            check(&Decide { account_id, verdict, plan, reason: reason.map(str::to_owned), proof })
        };
        assert!(with(Verdict::Reject, Some("not on a Friday")).is_ok());
        assert!(with(Verdict::Approve, None).is_ok());
        for wrong in [None, Some(" "), Some("a\u{1b}[31m"), Some("x".repeat(501).as_str())] {
            assert_eq!(with(Verdict::Reject, wrong).unwrap_err().fault, Fault::InvalidInput, "{wrong:?}");
        }
    }
}
