//! What an answer does to the question that waits. Pure.

use berth_contract::{Answered, Approval, Decide, Rejection, Verdict};
use berth_events::outcome::Approver;
use berth_ledger::{Record, Status};
use berth_step::{Fault, StepError};
use jiff::Timestamp;

use crate::identity::person;

/// Longest reason, in characters.
const REASON_CHARS_MAX: usize = 500;

/// What becomes of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// It is written in place of the question as it was read.
    Write(Box<Approval>),
    /// The same person has answered the same before, and the run may not have heard of it: it is told once more.
    Tell(Box<Approval>),
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

/// Decides about the answer of `by`, as the account's record is.
///
/// # Errors
/// `InvalidInput` where nothing waits for this answer; `Denied` where another person must give it.
pub fn decide(decide: &Decide, record: Option<&Record>, by: &str, now: Timestamp) -> Result<Next, StepError> {
    let account = &decide.account_id;
    let look = || format!("berth status {account} shows what waits");
    let wrong = |what: String| Err(StepError::new(Fault::InvalidInput, what).hint(look()));
    let Some(record) = record else { return wrong("the ledger does not know the account".to_owned()) };
    let status = record.status.name();
    let Some(approval) = &record.approval else {
        return wrong(format!("nothing of the account waits for an approval: it is {status} since {}", record.since));
    };
    let is_running = record.status == Status::Running && record.lease.as_deref() == Some(approval.execution.as_str());
    match (approval.answered(), &approval.rejected) {
        (Answered::Rejected, Some(Rejection { by: who, at, reason })) => {
            let is_same = who == by && decide.verdict == Verdict::Reject && approval.plan == decide.plan;
            if is_same && is_running {
                return Ok(Next::Tell(Box::new(approval.clone())));
            }
            return wrong(format!("the plan was rejected by {who} at {at} already: {reason}"));
        }
        (Answered::Approved, _) => {
            let is_same = approval.approved.iter().any(|approver| approver.by == by) && approval.plan == decide.plan;
            if is_same && is_running && decide.verdict == Verdict::Approve {
                return Ok(Next::Tell(Box::new(approval.clone())));
            }
            return wrong(format!("the plan was approved by {} already; it is {status}", approval.approved_by()));
        }
        _ => {}
    }
    if !is_running {
        return wrong(format!("the run that asked is over: the account is {status} since {}", record.since));
    }
    if approval.plan != decide.plan {
        return wrong(format!(
            "the plan that waits is {}, not {}: the account is another by now",
            approval.plan, decide.plan
        ));
    }
    if now > approval.until {
        return wrong(format!("the question was open until {}, and its run ends", approval.until));
    }
    answered(decide, approval, by, now)
}

/// The question with this answer.
fn answered(decide: &Decide, approval: &Approval, by: &str, now: Timestamp) -> Result<Next, StepError> {
    let mut next = Approval { revision: approval.revision.saturating_add(1), ..approval.clone() };
    match decide.verdict {
        Verdict::Reject => {
            let reason = decide.reason.clone().unwrap_or_default();
            next.rejected = Some(Rejection { by: by.to_owned(), at: now, reason });
        }
        Verdict::Approve => {
            if let Some(first) = approval.approved.iter().find(|first| person(&first.by) == person(by)) {
                let what = format!("{} approved it at {}, and another person must, too (fourEyes)", first.by, first.at);
                return Err(StepError::new(Fault::Denied, what).hint("ask somebody else who may approve"));
            }
            next.approved.push(Approver { by: by.to_owned(), at: now });
        }
    }
    Ok(Next::Write(Box::new(next)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use berth_contract::Proof;
    use serde_json::{Value, json};

    use super::*;

    const MIA: &str = "arn:aws:iam::210987654321:user/mia";
    const LEO: &str = "arn:aws:iam::210987654321:user/leo";
    const PLAN: &str = "sha256:1";

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn answer(verdict: Verdict, plan: &str) -> Decide {
        let reason = (verdict == Verdict::Reject).then(|| "not on a Friday".to_owned());
        let account_id = "111122223333".parse().unwrap();
        Decide { account_id, verdict, plan: plan.to_owned(), reason, proof: Proof(String::new()) }
    }

    fn record(status: &str, approvers: usize, more: &Value) -> Record {
        let mut approval = json!({
            "plan": PLAN, "plannedBy": "arn:plan", "execution": "arn:me", "question": 1, "revision": 3,
            "counts": { "create": 1, "change": 0, "delete": 0, "disrupts": 0 }, "approvers": approvers,
            "since": "1970-01-01T00:00:00Z", "asked": "1970-01-01T00:00:00Z", "until": "1970-01-01T00:01:00Z",
        });
        approval.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(json!({
            "accountId": "111122223333", "status": status, "generation": 1, "lease": "arn:me",
            "since": "1970-01-01T00:00:00Z", "approval": approval,
        }))
        .unwrap()
    }

    fn next(verdict: Verdict, record: &Record, by: &str) -> Result<Approval, (Fault, String)> {
        match decide(&answer(verdict, PLAN), Some(record), by, at(30)) {
            Ok(Next::Write(approval) | Next::Tell(approval)) => Ok(*approval),
            Err(error) => Err((error.fault, error.message)),
        }
    }

    #[test]
    fn an_answer_is_written_with_who_and_when() {
        let waits = record("running", 1, &json!({}));
        let approved = next(Verdict::Approve, &waits, MIA).unwrap();
        assert_eq!((approved.answered(), approved.revision), (Answered::Approved, 4));
        assert_eq!(approved.approved, [Approver { by: MIA.to_owned(), at: at(30) }]);
        let rejected = next(Verdict::Reject, &waits, LEO).unwrap();
        assert_eq!(rejected.answered(), Answered::Rejected);
        let rejection = Rejection { by: LEO.to_owned(), at: at(30), reason: "not on a Friday".to_owned() };
        assert_eq!(rejected.rejected, Some(rejection));
    }

    #[test]
    fn four_eyes_are_those_of_two_people() {
        let first = next(Verdict::Approve, &record("running", 2, &json!({})), MIA).unwrap();
        assert_eq!(first.answered(), Answered::Waits);
        let waits = Record { approval: Some(first), ..record("running", 2, &json!({})) };
        let (fault, message) = next(Verdict::Approve, &waits, MIA).unwrap_err();
        assert!(fault == Fault::Denied && message.contains("another person must"), "{message}");
        assert_eq!(next(Verdict::Approve, &waits, LEO).unwrap().answered(), Answered::Approved);
        assert_eq!(
            next(Verdict::Reject, &waits, MIA).unwrap().answered(),
            Answered::Rejected,
            "who approved may think again"
        );
    }

    #[test]
    fn what_does_not_wait_for_the_answer_is_said_in_one_sentence() {
        let approved = json!({ "approved": [{ "by": MIA, "at": "1970-01-01T00:00:10Z" }] });
        let rejected = json!({ "rejected": { "by": MIA, "at": "1970-01-01T00:00:10Z", "reason": "no" } });
        let never = Record { approval: None, ..record("onboarded", 1, &json!({})) };
        let taken = Record { lease: Some("arn:other".to_owned()), ..record("running", 1, &json!({})) };
        for (record, by, verdict, says) in [
            (never, LEO, Verdict::Approve, "nothing of the account waits for an approval: it is onboarded since"),
            (
                record("onboarded", 1, &approved),
                LEO,
                Verdict::Approve,
                "approved by arn:aws:iam::210987654321:user/mia at",
            ),
            (record("onboarded", 1, &approved), MIA, Verdict::Approve, "already; it is onboarded"),
            (record("running", 1, &approved), LEO, Verdict::Reject, "approved by"),
            (
                record("failed", 1, &rejected),
                LEO,
                Verdict::Approve,
                "rejected by arn:aws:iam::210987654321:user/mia at",
            ),
            (record("running", 1, &rejected), MIA, Verdict::Approve, "already: no"),
            (
                record("failed", 1, &json!({})),
                LEO,
                Verdict::Approve,
                "the run that asked is over: the account is failed",
            ),
            (taken, LEO, Verdict::Approve, "the run that asked is over"),
            (
                record("running", 1, &json!({ "plan": "sha256:2" })),
                LEO,
                Verdict::Approve,
                "the plan that waits is sha256:2",
            ),
            (record("running", 1, &json!({ "until": "1970-01-01T00:00:29Z" })), LEO, Verdict::Approve, "open until"),
        ] {
            let (fault, message) = next(verdict, &record, by).unwrap_err();
            assert!(fault == Fault::InvalidInput && message.contains(says), "{message}, not {says}");
        }
        assert!(decide(&answer(Verdict::Approve, PLAN), None, LEO, at(30)).is_err());
    }

    #[test]
    fn whoever_was_cut_off_while_answering_answers_again() {
        let approved = json!({ "approved": [{ "by": MIA, "at": "1970-01-01T00:00:10Z" }] });
        let rejected = json!({ "rejected": { "by": MIA, "at": "1970-01-01T00:00:10Z", "reason": "no" } });
        for (more, verdict) in [(approved, Verdict::Approve), (rejected, Verdict::Reject)] {
            let record = record("running", 1, &more);
            let told = decide(&answer(verdict, PLAN), Some(&record), MIA, at(30)).unwrap();
            assert_eq!(told, Next::Tell(Box::new(record.approval.unwrap())));
        }
    }

    #[test]
    fn a_rejection_says_why_in_words_that_can_be_read() {
        let with = |reason: Option<&str>| Decide { reason: reason.map(str::to_owned), ..answer(Verdict::Reject, PLAN) };
        assert!(check(&with(Some("not on a Friday"))).is_ok());
        assert!(check(&answer(Verdict::Approve, PLAN)).is_ok());
        for wrong in [None, Some(" "), Some("a\u{1b}[31m"), Some("x".repeat(501).as_str())] {
            assert_eq!(check(&with(wrong)).unwrap_err().fault, Fault::InvalidInput, "{wrong:?}");
        }
    }
}
