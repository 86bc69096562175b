//! Approvals: a plan that people are asked about, what they answer, and how they prove who they are.

use std::fmt;

use berth_events::outcome::{ApprovedPlan, Approver};
use berth_step::{Fault, StepError};
use berth_tenancy::{AccountId, ApprovedBy, Counts, canonical_json, digest};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Header of the presigned `GetCallerIdentity` that is signed with [`Decide::digest`] in it, so that the proof is good for one
/// answer to one question of one hub.
pub const DECISION_HEADER: &str = "x-berth-decision";
/// How long a proof is good for, in seconds.
pub const PROOF_SECONDS: u64 = 60;

/// A plan that people are asked about, with their answers: in the ledger, and in the output of the run that asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Approval {
    /// Hash of the plan.
    pub plan: String,
    /// ARN of the execution that made the plan. Its history has the changes.
    pub planned_by: String,
    /// How many changes there are.
    pub counts: Counts,
    /// ARN of the execution that waits.
    pub execution: String,
    /// The how manieth question of that execution this is, from 1 on: it asks again when the account is another one by the
    /// time of the answer.
    pub question: u32,
    /// Since when it waits.
    pub since: Timestamp,
    /// When it was asked last: again, when the run was tried or redriven meanwhile.
    pub asked: Timestamp,
    /// Until when it waits.
    pub until: Timestamp,
    /// How people approve.
    #[serde(default, skip_serializing_if = "ApprovedBy::is_default")]
    pub by: ApprovedBy,
    /// Where the pull request is whose merge approves it; none until it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pull_request: Option<String>,
    /// How many people must approve.
    pub approvers: usize,
    /// Who has approved.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approved: Vec<Approver>,
    /// Who has rejected it; none while nobody has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected: Option<Rejection>,
    /// Counts the writes of this, so that no two answers overwrite each other.
    pub revision: u32,
}

/// That somebody rejected a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rejection {
    /// Who: the ARN that STS gives, or the pull request that was closed.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Why, in the words of whoever did.
    pub reason: String,
}

impl Rejection {
    /// With what the run ends that was rejected.
    #[must_use]
    pub fn error(&self) -> StepError {
        let Self { by, at, reason } = self;
        StepError::new(Fault::Denied, format!("{by} rejected the plan at {at}: {reason}; nothing was changed"))
            .hint("change what the plan shall not do, then ask again: berth onboard ACCOUNT")
    }
}

/// How far an approval is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answered {
    /// Somebody is still asked.
    Waits,
    /// All that must have approved it.
    Approved,
    /// Somebody has rejected it.
    Rejected,
}

impl Approval {
    /// How far it is.
    #[must_use]
    pub fn answered(&self) -> Answered {
        match () {
            () if self.rejected.is_some() => Answered::Rejected,
            () if self.approved.len() >= self.approvers => Answered::Approved,
            () => Answered::Waits,
        }
    }

    /// The plan with who approved it; none where that is not so.
    #[must_use]
    pub fn approved_plan(&self) -> Option<ApprovedPlan> {
        let is_approved = self.answered() == Answered::Approved;
        is_approved.then(|| ApprovedPlan { plan: self.plan.clone(), approvers: self.approved.clone() })
    }

    /// Who has approved it, in words.
    #[must_use]
    pub fn approved_by(&self) -> String {
        let one = |Approver { by, at }: &Approver| format!("{by} at {at}");
        self.approved.iter().map(one).collect::<Vec<_>>().join(" and ")
    }
}

/// What somebody answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The plan shall be made.
    Approve,
    /// It shall not.
    Reject,
}

/// What `decide-approval` is asked: an answer to a question, with the proof of whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Decide {
    /// The account.
    pub account_id: AccountId,
    /// The answer.
    pub verdict: Verdict,
    /// Hash of the plan that is answered about.
    pub plan: String,
    /// Why; always there for a rejection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who answers.
    pub proof: Proof,
}

impl Decide {
    /// What is signed: everything but the proof, and the state machine whose execution waits.
    #[must_use]
    pub fn digest(&self, state_machine: &str) -> String {
        let Self { account_id, verdict, plan, reason, proof: _ } = self;
        let signed = json!({
            "accountId": account_id, "verdict": verdict, "plan": plan, "reason": reason, "stateMachineArn": state_machine,
        });
        digest(&canonical_json(&signed))
    }
}

/// The query of a presigned `GetCallerIdentity`, from the first `X-Amz-` parameter on. The function asks STS with it, at an
/// address of its own choice. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Proof(pub String);

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proof([redacted])")
    }
}

/// What `decide-approval` answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Decided {
    /// The account.
    pub account_id: AccountId,
    /// The answer that was written down.
    pub verdict: Verdict,
    /// Hash of the plan.
    pub plan: String,
    /// Who answered, as STS says.
    pub by: String,
    /// When it was written down.
    pub at: Timestamp,
    /// How many more people must approve.
    pub missing: usize,
    /// ARN of the execution that waited.
    pub execution: String,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_proof_is_never_shown_and_what_is_signed_is_all_the_rest() {
        let text =
            r#"{"accountId": "111122223333", "verdict": "approve", "plan": "sha256:1", "proof": "X-Amz-Canary"}"#;
        let decide: Decide = serde_json::from_str(text).unwrap();
        assert!(!format!("{decide:?} {decide:#?}").contains("Canary"));
        let digest = decide.digest("machine");
        assert_eq!(digest, Decide { proof: Proof("other".to_owned()), ..decide.clone() }.digest("machine"));
        for other in [
            Decide { verdict: Verdict::Reject, ..decide.clone() },
            Decide { plan: "sha256:2".to_owned(), ..decide.clone() },
            Decide { reason: Some("why".to_owned()), ..decide.clone() },
            Decide { account_id: "222233334444".parse().unwrap(), ..decide.clone() },
        ] {
            assert_ne!(digest, other.digest("machine"), "{other:?}");
        }
        assert_ne!(digest, decide.digest("another machine"));
    }
}
