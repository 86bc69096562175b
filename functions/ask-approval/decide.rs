//! From the plan of an account, and what people said of the one before it, to what the run does next. Pure.

use berth_contract::{Answered, Approval, PlanDocument};
use berth_step::{Fault, StepError};
use berth_tenancy::{ApprovalPlan, PlanLimit, Subject};
use jiff::{SignedDuration, Timestamp};

/// What a run does next.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// It makes the plan, and nothing else.
    Go {
        /// The plan, as steps are limited by it.
        limit: PlanLimit,
        /// Who approved it; none where nobody is asked about such a plan.
        approval: Option<Approval>,
    },
    /// It asks people about the plan.
    Ask(Box<Approval>),
}

/// The how manieth plan of the run is needed: the first, or the one after an answer, which may be another by then.
#[must_use]
pub fn round(asked: Option<&Approval>) -> u32 {
    match asked {
        Some(asked) if asked.answered() == Answered::Approved => asked.question,
        Some(asked) => asked.question.saturating_sub(1),
        None => 0,
    }
}

/// Decides by the plan as it is now. `asked` is the newest question of the run.
///
/// # Errors
/// `Denied` when it was rejected. `InvalidInput` when the run was limited to another plan from the start, when the account
/// went on changing while people answered, or when the plan has more changes than a run can be limited to.
pub fn decide(
    run: &Subject,
    rules: &ApprovalPlan,
    asked: Option<&Approval>,
    plan: &PlanDocument,
    now: Timestamp,
) -> Result<Next, StepError> {
    if let Some(rejection) = asked.and_then(|asked| asked.rejected.as_ref()) {
        return Err(rejection.error());
    }
    let limit = limit(run, rules, plan)?;
    if !rules.asks_about(plan.counts) {
        return Ok(Next::Go { limit, approval: None });
    }
    let answered = asked.filter(|asked| asked.answered() == Answered::Approved);
    if let Some(approval) = answered.filter(|approval| approval.plan == plan.hash) {
        return Ok(Next::Go { limit, approval: Some(approval.clone()) });
    }
    let question = round(asked).saturating_add(1);
    if question > ApprovalPlan::QUESTIONS_MAX {
        let what = format!(
            "the account was another one at each of {} answers; nothing was changed",
            ApprovalPlan::QUESTIONS_MAX
        );
        return Err(StepError::new(Fault::InvalidInput, what)
            .hint("find out who changes it (CloudTrail shows it), then: berth onboard ACCOUNT"));
    }
    let seconds = SignedDuration::from_secs(i64::from(rules.answer_seconds_max));
    let same = asked.filter(|asked| asked.plan == plan.hash && asked.question == question);
    Ok(Next::Ask(Box::new(Approval {
        plan: plan.hash.clone(),
        planned_by: plan.execution_arn.clone(),
        counts: plan.counts,
        execution: run.execution.clone(),
        question,
        since: same.map_or(now, |same| same.since),
        asked: now,
        until: now.checked_add(seconds).unwrap_or(Timestamp::MAX),
        by: rules.by,
        pull_request: same.and_then(|same| same.pull_request.clone()),
        approvers: rules.approvers,
        approved: same.map(|same| same.approved.clone()).unwrap_or_default(),
        rejected: None,
        revision: asked.map_or(1, |asked| asked.revision.saturating_add(1)),
    })))
}

/// What steps are limited to: the plan; where the run was limited to another from the start, that one.
fn limit(run: &Subject, rules: &ApprovalPlan, plan: &PlanDocument) -> Result<PlanLimit, StepError> {
    if let Some(limit) = &run.only_planned {
        let strange = plan.changes.iter().find(|change| !limit.has_planned(change));
        return strange.map_or_else(|| Ok(limit.clone()), |change| Err(StepError::not_planned(limit, &change.change)));
    }
    let keys = plan.changes.iter().map(|change| change.key.clone());
    let limit = PlanLimit::new(&plan.hash, keys)
        .map_err(|error| StepError::new(Fault::Bug, "the plan cannot be made by a run").because(error))?;
    let (bytes, room) = (limit.to_string().len(), rules.limit_bytes_max);
    if bytes <= room {
        return Ok(limit);
    }
    let what = format!(
        "the plan has too many changes for a run that is limited to it: their keys have {bytes} bytes, and Step Functions \
         has room for {room} beside what the account itself needs"
    );
    Err(StepError::new(Fault::InvalidInput, what)
        .hint("onboard the account with fewer regions first, or with approval: none in its environment"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use berth_tenancy::{ApprovedBy, Ask, Counts};
    use serde_json::json;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn run(only_planned: Option<&str>) -> Subject {
        serde_json::from_value(json!({
            "accountId": "111122223333", "accountName": "shop-dev", "tenant": "shop", "environment": "dev", "generation": 1,
            "execution": "arn:me", "mode": "apply", "tenantRole": "BerthTenant", "onlyPlanned": only_planned,
        }))
        .unwrap()
    }

    /// A plan with so many changes.
    fn plan(changes: u64) -> PlanDocument {
        let change = |key: u64| {
            json!({
                "step": "create-tenant-roles", "accountId": "111122223333", "action": "create", "kind": "role",
                "operation": "iam:CreateRole", "change": "create a role", "key": format!("{key:016x}"),
            })
        };
        let document: PlanDocument = serde_json::from_value(json!({
            "version": 1, "accountId": "111122223333", "tenant": "shop", "environment": "dev", "stateMachineArn": "arn:machine",
            "executionArn": "arn:plan", "plannedAt": at(0), "allowDisruption": false,
            "counts": Counts { create: usize::try_from(changes).unwrap(), ..Counts::default() },
            "changes": (0..changes).map(change).collect::<Vec<_>>(), "hash": "",
        }))
        .unwrap();
        document.sealed()
    }

    const RULES: ApprovalPlan = ApprovalPlan {
        ask: Ask::Always,
        by: ApprovedBy::Command,
        approvers: 1,
        answer_seconds_max: 60,
        limit_bytes_max: 200,
    };

    fn asked(next: Next) -> Approval {
        match next {
            Next::Ask(approval) => *approval,
            Next::Go { .. } => panic!("it goes on: {next:?}"),
        }
    }

    fn approved(question: Approval) -> Approval {
        let approver = serde_json::from_value(json!({ "by": "arn:aws:iam::210987654321:user/mia", "at": at(5) }));
        Approval { approved: vec![approver.unwrap()], revision: question.revision + 1, ..question }
    }

    #[test]
    fn a_run_asks_then_makes_what_was_approved_and_nothing_without_a_question() {
        let (run, plan) = (run(None), plan(2));
        let question = asked(decide(&run, &RULES, None, &plan, at(1)).unwrap());
        assert_eq!((question.question, question.since, question.until), (1, at(1), at(61)));
        assert_eq!((question.plan.as_str(), round(Some(&question))), (plan.hash.as_str(), 0));
        let approval = approved(question);
        assert_eq!(round(Some(&approval)), 1, "the account is planned once more");
        let Next::Go { limit, approval: by } = decide(&run, &RULES, Some(&approval), &plan, at(9)).unwrap() else {
            panic!("asked twice")
        };
        assert_eq!((limit.hash(), by), (plan.hash.as_str(), Some(approval)));
        let next = decide(&run, &RULES, None, &super::tests::plan(0), at(1)).unwrap();
        assert!(matches!(next, Next::Go { approval: None, .. }), "{next:?}");
    }

    #[test]
    fn the_same_question_keeps_its_time_and_who_has_approved_it() {
        let rules = ApprovalPlan { approvers: 2, ..RULES };
        let (run, plan) = (run(None), plan(1));
        let first = approved(asked(decide(&run, &rules, None, &plan, at(1)).unwrap()));
        let again = asked(decide(&run, &rules, Some(&first), &plan, at(30)).unwrap());
        assert_eq!((again.question, again.since, again.asked, again.until), (1, at(1), at(30), at(90)));
        assert_eq!((again.approved.len(), again.revision), (1, first.revision + 1));
        let other = asked(decide(&run, &rules, Some(&first), &super::tests::plan(2), at(30)).unwrap());
        assert!(other.approved.is_empty(), "who approved another plan has not approved this one");
    }

    #[test]
    fn an_account_that_goes_on_changing_is_asked_about_so_often_and_no_more() {
        let run = run(None);
        let mut last = None;
        for question in 1..=ApprovalPlan::QUESTIONS_MAX {
            let next = asked(decide(&run, &RULES, last.as_ref(), &plan(u64::from(question)), at(1)).unwrap());
            assert_eq!(next.question, question);
            last = Some(approved(next));
        }
        let error = decide(&run, &RULES, last.as_ref(), &plan(5), at(1)).unwrap_err();
        assert_eq!(error.fault, Fault::InvalidInput);
        assert!(error.message.contains("at each of 3 answers; nothing was changed"), "{error}");
    }

    #[test]
    fn what_is_rejected_or_strange_or_has_no_room_is_not_asked_about() {
        let question = asked(decide(&run(None), &RULES, None, &plan(1), at(1)).unwrap());
        let rejected = serde_json::from_value(json!({ "by": "mia", "at": at(2), "reason": "no" })).unwrap();
        let rejected = Approval { rejected: Some(rejected), ..question };
        let fault = |run: &Subject, asked: Option<&Approval>, changes: u64| {
            decide(run, &RULES, asked, &plan(changes), at(3)).unwrap_err()
        };
        assert_eq!(fault(&run(None), Some(&rejected), 1).fault, Fault::Denied);
        let error = fault(&run(None), None, 20);
        assert!(error.fault == Fault::InvalidInput && error.message.contains("too many changes"), "{error}");
        let limit = format!("sha256:{} 0000000000000000", "0".repeat(64));
        let error = fault(&run(Some(&limit)), None, 2);
        assert!(error.message.contains("does not have this change: create a role"), "{error}");
        let one = asked(decide(&run(Some(&limit)), &RULES, None, &plan(1), at(3)).unwrap());
        assert_eq!(one.plan, plan(1).hash);
    }
}
