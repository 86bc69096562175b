//! What an answer does to the question that waits. Pure.

use berth_contract::{Answered, Approval, Rejection, Verdict};
use berth_events::outcome::Approver;
use berth_ledger::{Record, Status};
use berth_step::{Fault, StepError};
use berth_tenancy::{AccountId, ApprovedBy};
use jiff::Timestamp;

use crate::person;

/// An answer, with who gives it and how.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// The account that is answered about.
    pub account: &'a AccountId,
    /// What is answered.
    pub verdict: Verdict,
    /// Hash of the plan that whoever answers has seen.
    pub plan: &'a str,
    /// Why; always there for a rejection.
    pub reason: Option<&'a str>,
    /// Who: proved by whoever takes the answer.
    pub by: &'a str,
    /// How it was given.
    pub how: ApprovedBy,
    /// The execution that the answer is for; none for whichever waits with that plan.
    pub execution: Option<&'a str>,
}

/// What becomes of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// It is written in place of the question as it was read.
    Write(Box<Approval>),
    /// The same person has answered the same before, and the run may not have heard of it: it is told once more.
    Tell(Box<Approval>),
}

/// Decides about an answer, as the account's record is.
///
/// # Errors
/// `InvalidInput` where nothing waits for this answer, or not for one given so; `Denied` where another person must give it.
pub fn decide(answer: &Answer<'_>, record: Option<&Record>, now: Timestamp) -> Result<Next, StepError> {
    let Answer { account, verdict, plan, by, .. } = *answer;
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
            let is_same = who == by && verdict == Verdict::Reject && approval.plan == plan;
            if is_same && is_running {
                return Ok(Next::Tell(Box::new(approval.clone())));
            }
            return wrong(format!("the plan was rejected by {who} at {at} already: {reason}"));
        }
        (Answered::Approved, _) => {
            let is_same = approval.approved.iter().any(|approver| approver.by == by) && approval.plan == plan;
            if is_same && is_running && verdict == Verdict::Approve {
                return Ok(Next::Tell(Box::new(approval.clone())));
            }
            return wrong(format!("the plan was approved by {} already; it is {status}", approval.approved_by()));
        }
        _ => {}
    }
    if !is_running || answer.execution.is_some_and(|execution| execution != approval.execution) {
        return wrong(format!("the run that asked is over: the account is {status} since {}", record.since));
    }
    if approval.plan != plan {
        return wrong(format!("the plan that waits is {}, not {plan}: the account is another by now", approval.plan));
    }
    if verdict == Verdict::Approve && approval.by != answer.how {
        let place = approval.pull_request.as_deref().unwrap_or("a pull request that Berth opens within a minute");
        return wrong(format!("the plan is approved by the merge of {place}, and by nothing else"));
    }
    if now > approval.until {
        return wrong(format!("the question was open until {}, and its run ends", approval.until));
    }
    answered(answer, approval, now)
}

/// The question with this answer.
fn answered(answer: &Answer<'_>, approval: &Approval, now: Timestamp) -> Result<Next, StepError> {
    let by = answer.by;
    let mut next = Approval { revision: approval.revision.saturating_add(1), ..approval.clone() };
    match answer.verdict {
        Verdict::Reject => {
            let reason = answer.reason.unwrap_or_default().to_owned();
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
    use serde_json::{Value, json};

    use super::*;

    const MIA: &str = "arn:aws:iam::210987654321:user/mia";
    const LEO: &str = "arn:aws:iam::210987654321:user/leo";
    const PLAN: &str = "sha256:1";

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn told(verdict: Verdict, record: Option<&Record>, by: &str, how: ApprovedBy) -> Result<Next, StepError> {
        let reason = (verdict == Verdict::Reject).then_some("not on a Friday");
        let account = &"111122223333".parse().unwrap();
        decide(&Answer { account, verdict, plan: PLAN, reason, by, how, execution: Some("arn:me") }, record, at(30))
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
        match told(verdict, Some(record), by, ApprovedBy::Command) {
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
        assert!(told(Verdict::Approve, None, LEO, ApprovedBy::Command).is_err());
    }

    #[test]
    fn whoever_was_cut_off_while_answering_answers_again() {
        let approved = json!({ "approved": [{ "by": MIA, "at": "1970-01-01T00:00:10Z" }] });
        let rejected = json!({ "rejected": { "by": MIA, "at": "1970-01-01T00:00:10Z", "reason": "no" } });
        for (more, verdict) in [(approved, Verdict::Approve), (rejected, Verdict::Reject)] {
            let record = record("running", 1, &more);
            let again = told(verdict, Some(&record), MIA, ApprovedBy::Command).unwrap();
            assert_eq!(again, Next::Tell(Box::new(record.approval.unwrap())));
        }
    }

    #[test]
    fn what_is_approved_by_a_merge_is_approved_by_nothing_else() {
        let url = "https://git.example.com/pull/7";
        let waits = record("running", 1, &json!({ "by": "pullRequest", "pullRequest": url }));
        let (fault, message) = next(Verdict::Approve, &waits, MIA).unwrap_err();
        assert!(fault == Fault::InvalidInput && message.contains(&format!("by the merge of {url}")), "{message}");
        assert_eq!(
            next(Verdict::Reject, &waits, MIA).unwrap().answered(),
            Answered::Rejected,
            "whoever may reject may"
        );
        let merged = told(Verdict::Approve, Some(&waits), url, ApprovedBy::PullRequest).unwrap();
        assert!(matches!(merged, Next::Write(approval) if approval.answered() == Answered::Approved));
        let merged = told(Verdict::Approve, Some(&record("running", 1, &json!({}))), url, ApprovedBy::PullRequest);
        assert_eq!(merged.unwrap_err().fault, Fault::InvalidInput, "nor the other way round");
        let other = Record {
            lease: Some("arn:other".to_owned()),
            ..record("running", 1, &json!({ "execution": "arn:other" }))
        };
        assert!(next(Verdict::Approve, &other, MIA).unwrap_err().1.contains("the run that asked is over"));
    }
}
