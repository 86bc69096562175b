//! Plans that people approve by merging a pull request: opens it, sees what became of it, and takes it back when the question
//! is over.
//!
//! Only what is on the branch that people merge to counts as an approval, byte for byte: who may put it there is what the
//! branch's protection says. docs/decisions/0038 says why.

use std::collections::{BTreeMap, BTreeSet};

use berth_approval::Answer;
use berth_contract::{Answered, Approval, Verdict};
use berth_gitops::{
    Authorship, Change, Host, Look, Proposal, ProposalBranch, ProposalState, RepoError, RepoPath, Snapshot,
};
use berth_ledger::{ProposedAt, Question, Record, Status};
use berth_repository::{CommitFailure, authorship};
use berth_step::{Fault, StepError};
use berth_tenancy::ApprovedBy;
use jiff::Timestamp;

use crate::CompleteMerges;

/// Longest text of a pull request, in bytes: GitHub takes 65,536 characters. The file has all.
const DESCRIPTION_BYTES_MAX: usize = 60_000;

/// What is left of a question, by the account's record.
#[derive(Debug, Clone, PartialEq)]
enum Standing {
    /// Its run waits for the answer.
    Waits,
    /// It was answered, and the run may not have heard of it.
    Answered(Box<Approval>),
    /// It is over otherwise: the run has ended, or asks something else.
    Over,
}

/// What to do about a question that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// Open the pull request.
    Propose,
    /// Nothing yet.
    Wait,
    /// It was answered so; a rejection with its reason.
    Answer(Verdict, Option<&'static str>),
}

fn standing(question: &Question, record: Option<&Record>) -> Standing {
    let Some(record) = record else { return Standing::Over };
    let has_account = record.status == Status::Running && record.lease.as_ref() == Some(&question.execution);
    let Some(approval) = record.approval.as_ref().filter(|approval| question.is_of(approval)) else {
        return Standing::Over;
    };
    match approval.answered() {
        _ if !has_account => Standing::Over,
        Answered::Waits => Standing::Waits,
        Answered::Approved | Answered::Rejected => Standing::Answered(Box::new(approval.clone())),
    }
}

/// Decides by what became of the pull request, and whether its file is on the branch that people merge to.
fn next(state: Option<&ProposalState>, is_there: bool) -> Next {
    match state {
        _ if is_there => Next::Answer(Verdict::Approve, None),
        None => Next::Propose,
        Some(ProposalState::Open) => Next::Wait,
        Some(ProposalState::Closed) => Next::Answer(Verdict::Reject, Some("the pull request was closed")),
        Some(ProposalState::Merged) => {
            let why = "the pull request was merged, and its file is not as Berth proposed it";
            Next::Answer(Verdict::Reject, Some(why))
        }
    }
}

impl CompleteMerges {
    /// Looks at every question. One that goes wrong holds up no other; the first error is told after all were tried.
    pub(crate) async fn look_at_questions(&self, now: Timestamp) -> Result<usize, StepError> {
        let questions = self.answers.ledger.questions().await?;
        if questions.is_empty() {
            return Ok(0);
        }
        let (mut waiting, mut errors) = (Vec::new(), Vec::new());
        for question in questions {
            match self.settle(&question).await {
                Ok(true) => waiting.push(question),
                Ok(false) => {}
                Err(error) => errors.push(error),
            }
        }
        if !waiting.is_empty() {
            let seen = self.see(&waiting).await;
            let seen = if self.repository.was_refused(&seen).await { self.see(&waiting).await } else { seen };
            let seen = seen.map_err(CommitFailure::for_nobody)?;
            for question in &waiting {
                if let Err(error) = self.act_on(question, &seen, now).await {
                    errors.push(error.for_account(&question.account_id));
                }
            }
        }
        errors.iter().for_each(|error| tracing::error!(fault = %error.fault, error = %error.message, "asked again"));
        errors.into_iter().next().map_or(Ok(waiting.len()), Err)
    }

    /// Whether the question still waits. One that is over is forgotten, and its pull request taken back; one whose answer was
    /// written down by somebody who was cut off then is told to the run.
    async fn settle(&self, question: &Question) -> Result<bool, StepError> {
        let record = self.answers.ledger.get(&question.account_id).await?;
        let is_approved = match standing(question, record.as_ref()) {
            Standing::Waits => return Ok(true),
            Standing::Answered(approval) => {
                self.answers.tell(&question.account_id, &approval).await?;
                approval.answered() == Answered::Approved
            }
            Standing::Over => false,
        };
        if let Some(at) = question.proposed.as_ref().filter(|_| !is_approved) {
            self.withdraw(question, at).await?;
        }
        self.answers.ledger.forget_question(question).await?;
        Ok(false)
    }

    /// Takes a pull request back. Where the server lets nobody delete a branch, or somebody else has worked on it, it stays:
    /// merging it approves nothing any more.
    async fn withdraw(&self, question: &Question, at: &ProposedAt) -> Result<(), StepError> {
        let account = &question.account_id;
        let bug = |error| StepError::new(Fault::Bug, "the ledger names a branch that is not Berth's").because(error);
        let branch = ProposalBranch::kept(&at.branch).map_err(bug)?;
        let tip = at.tip.parse().map_err(bug)?;
        let host = self.repository.open().await.map_err(CommitFailure::for_nobody)?;
        match host.withdraw(&branch, &tip).await {
            Ok(()) => tracing::info!(%account, url = at.url, "taken back: the question is over"),
            Err(error @ (RepoError::LostRace { .. } | RepoError::Rejected { .. } | RepoError::Refused { .. })) => {
                tracing::warn!(%account, url = at.url, %error, "the question is over, and its pull request stays");
            }
            Err(error) => {
                let outcome = Err::<(), _>(CommitFailure::Repository(error));
                self.repository.was_refused(&outcome).await;
                return outcome.map_err(|failure| failure.for_account(account));
            }
        }
        Ok(())
    }

    /// What became of the pull requests, and then what is on the branch: a merge between the two is a merge.
    async fn see(&self, questions: &[Question]) -> Result<Observed, CommitFailure> {
        let host = self.repository.open().await?;
        let branch = |question: &Question| ProposalBranch::kept(&question.proposed.as_ref()?.branch).ok();
        let branches: Vec<ProposalBranch> = questions.iter().filter_map(branch).collect();
        let mut seen = Look { states: Vec::new(), head: None, mergers: BTreeMap::new() };
        if !branches.is_empty() {
            seen = host.look(&branches).await.map_err(CommitFailure::Repository)?;
        }
        let paths: BTreeSet<RepoPath> = questions.iter().map(path).collect();
        let snapshot = host.read(&paths).await.map_err(CommitFailure::Repository)?;
        let states = branches.into_iter().zip(seen.states).collect();
        Ok(Observed { host, snapshot, states, mergers: seen.mergers })
    }

    async fn act_on(&self, question: &Question, seen: &Observed, now: Timestamp) -> Result<(), StepError> {
        let at = question.proposed.as_ref();
        let branch = at.and_then(|at| ProposalBranch::kept(&at.branch).ok());
        let state = branch.as_ref().and_then(|branch| seen.states.get(branch));
        match next(state, seen.holds(question)?) {
            Next::Wait => Ok(()),
            Next::Propose => {
                let outcome = self.open_pull_request(question, seen, now).await;
                self.repository.was_refused(&outcome).await;
                outcome.map_err(|failure| failure.for_account(&question.account_id))
            }
            Next::Answer(verdict, reason) => {
                let by = seen.by(at, branch.as_ref(), verdict);
                let answer = Answer {
                    account: &question.account_id,
                    verdict,
                    plan: &question.plan,
                    reason,
                    by: &by,
                    how: ApprovedBy::PullRequest,
                    execution: Some(&question.execution),
                };
                self.answers.take(&answer, now).await?;
                self.answers.ledger.forget_question(question).await
            }
        }
    }

    /// Opens the pull request, and says in the ledger where it is. One that is open already is found by its name.
    async fn open_pull_request(
        &self,
        question: &Question,
        seen: &Observed,
        now: Timestamp,
    ) -> Result<(), CommitFailure> {
        let changes = vec![Change::Write { path: path(question), bytes: question.text.clone().into_bytes() }];
        let branch = ProposalBranch::of(&changes).map_err(CommitFailure::Repository)?;
        let proposal = Proposal {
            branch: branch.clone(),
            base: seen.snapshot.head.clone(),
            changes,
            message: message(question),
            description: description(&question.text),
        };
        let by: Authorship = authorship(now.as_second()).map_err(CommitFailure::Repository)?;
        let url = seen.host.propose(&proposal, &by).await.map_err(CommitFailure::Repository)?;
        let tip = seen.host.tip(&branch).await.map_err(CommitFailure::Repository)?;
        // Merged or deleted within a moment: the next look sees it, and proposes it again if it must.
        let Some(tip) = tip else { return Ok(()) };
        tracing::info!(account = %question.account_id, url, "asked by a pull request");
        let at = ProposedAt { branch: branch.to_string(), tip: tip.to_string(), url };
        self.note(question, &at).await.map_err(CommitFailure::Secret)
    }

    /// In the record, for people, and in the question, for the next look: that one last, so that both are there.
    async fn note(&self, question: &Question, at: &ProposedAt) -> Result<(), StepError> {
        let ledger = &self.answers.ledger;
        let record = ledger.get(&question.account_id).await?;
        if let Some(waits) = record.as_ref().and_then(Record::waiting).filter(|waits| question.is_of(waits)) {
            let revision = waits.revision.saturating_add(1);
            let told = Approval { pull_request: Some(at.url.clone()), revision, ..waits.clone() };
            if waits.pull_request.as_ref() != Some(&at.url)
                && !ledger.answer(&question.account_id, waits, &told).await?
            {
                return Err(StepError::new(Fault::Conflict, "somebody answered while the pull request was opened"));
            }
        }
        ledger.note_proposed(question, at).await
    }
}

/// What a look at the repository found.
struct Observed {
    host: Host,
    snapshot: Snapshot,
    states: BTreeMap<ProposalBranch, ProposalState>,
    mergers: BTreeMap<ProposalBranch, String>,
}

impl Observed {
    /// Whether the branch that people merge to has the question's file, byte for byte.
    fn holds(&self, question: &Question) -> Result<bool, StepError> {
        let path = path(question);
        let there = self.snapshot.bytes(&path).map_err(|refusal| {
            StepError::new(Fault::NotOwned, format!("{path} in the GitOps repository is refused: {refusal}"))
                .hint("replace it by a regular file, or remove it")
        })?;
        Ok(there == Some(question.text.as_bytes()))
    }

    /// Who answered: the git host's name for whoever merged it, or the commit at which the merge was seen.
    fn by(&self, at: Option<&ProposedAt>, branch: Option<&ProposalBranch>, verdict: Verdict) -> String {
        let place = at.map_or("the GitOps repository", |at| at.url.as_str());
        match (verdict, branch.and_then(|branch| self.mergers.get(branch))) {
            (Verdict::Reject, _) => place.to_owned(),
            (Verdict::Approve, Some(merger)) => format!("{merger}, who merged {place}"),
            (Verdict::Approve, None) => format!("the merge of {place} (seen at commit {})", self.snapshot.head),
        }
    }
}

fn path(question: &Question) -> RepoPath {
    RepoPath::for_approval(&question.account_id)
}

/// The commit's message. It has nothing of the plan but its hash: hosts act on words such as `fixes #1`.
fn message(Question { title, account_id, execution, plan, .. }: &Question) -> String {
    format!("{title}\n\nBerth-Account: {account_id}\nBerth-Execution: {execution}\nBerth-Plan: {plan}\n")
}

/// The file as the text of a pull request, as far as there is room: whole lines, so that what is code stays code.
fn description(text: &str) -> String {
    if text.len() <= DESCRIPTION_BYTES_MAX {
        return text.to_owned();
    }
    let cut = text.floor_char_boundary(DESCRIPTION_BYTES_MAX);
    let cut = text.get(..cut).and_then(|text| text.rfind('\n')).unwrap_or_default();
    format!("{}\n\nThe rest is in the file of this pull request.\n", text.get(..cut).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::{Value, json};

    use super::*;

    fn record(status: &str, lease: &str, more: &Value) -> Record {
        let mut approval = json!({
            "plan": "sha256:1", "plannedBy": "arn:plan", "execution": "arn:me", "question": 1, "revision": 3,
            "counts": { "create": 1, "change": 0, "delete": 0, "disrupts": 0 }, "approvers": 1, "by": "pullRequest",
            "since": "1970-01-01T00:00:00Z", "asked": "1970-01-01T00:00:00Z", "until": "1970-01-01T00:01:00Z",
        });
        approval.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(json!({
            "accountId": "111122223333", "status": status, "generation": 1, "lease": lease,
            "since": "1970-01-01T00:00:00Z", "approval": approval,
        }))
        .unwrap()
    }

    #[test]
    fn only_the_file_on_the_branch_approves_and_nobody_is_asked_twice() {
        let approved = Next::Answer(Verdict::Approve, None);
        for state in [None, Some(ProposalState::Open), Some(ProposalState::Merged), Some(ProposalState::Closed)] {
            assert_eq!(next(state.as_ref(), true), approved, "{state:?}: squashed, and the branch deleted");
        }
        assert_eq!(next(None, false), Next::Propose);
        assert_eq!(next(Some(&ProposalState::Open), false), Next::Wait);
        for state in [ProposalState::Merged, ProposalState::Closed] {
            assert!(matches!(next(Some(&state), false), Next::Answer(Verdict::Reject, Some(_))), "{state:?}");
        }
    }

    #[test]
    fn a_question_is_over_when_its_run_has_ended_or_asks_something_else() {
        let waits = record("running", "arn:me", &json!({}));
        let question = Question::of(&waits.account_id, waits.approval.as_ref().unwrap(), "t".into(), "x".into());
        assert_eq!(standing(&question, Some(&waits)), Standing::Waits);
        for over in [
            record("failed", "arn:me", &json!({})),
            record("running", "arn:other", &json!({})),
            record("running", "arn:me", &json!({ "question": 2 })),
            record("running", "arn:me", &json!({ "plan": "sha256:2" })),
        ] {
            assert_eq!(standing(&question, Some(&over)), Standing::Over, "{over:?}");
        }
        assert_eq!(standing(&question, None), Standing::Over);
        let answered = json!({ "rejected": { "by": "mia", "at": "1970-01-01T00:00:10Z", "reason": "no" } });
        let answered = record("running", "arn:me", &answered);
        assert!(matches!(standing(&question, Some(&answered)), Standing::Answered(_)));
    }

    #[test]
    fn the_text_of_a_pull_request_is_cut_between_lines() {
        assert_eq!(description("short\n"), "short\n");
        let long = "    a line of code\n".repeat(5000);
        let cut = description(&long);
        assert!(cut.len() < DESCRIPTION_BYTES_MAX + 100 && cut.ends_with("in the file of this pull request.\n"));
        assert!(
            cut.lines().all(|line| line.is_empty() || line == "    a line of code" || line.starts_with("The rest"))
        );
    }
}
