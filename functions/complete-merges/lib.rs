//! Looks which proposals people have merged, and lets the onboardings that wait for them go on.
//!
//! It decides nothing about files: a request whose proposal was merged or closed goes back to the commits queue with
//! word of that, and `commit-tenant` compares the branch with what was asked for. So there is one place that answers
//! task tokens of commits.
//!
//! It also opens the pull requests by which people approve plans, and takes their answers (`questions.rs`).

mod questions;

use aws_sdk_sqs::Client as Queues;
use berth_approval::Answers;
use berth_aws::{CallResultExt, SdkResultExt};
use berth_contract::{
    Settled,
    repository::{Check, Report},
};
use berth_gitops::{Look, ProposalBranch, ProposalState};
use berth_ledger::{OpenProposal, Waiter};
use berth_repository::{CommitFailure, Repository};
use berth_step::{Fault, StepError, Traced};
use berth_tenancy::AccountId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What the schedule sends: nothing. `berth validate --repository` asks for a check instead.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Only say what will work with the repository, and look at no proposal.
    #[serde(default)]
    pub check: Option<Check>,
}

impl Traced for Input {
    fn account(&self) -> Option<AccountId> {
        None
    }
}

/// What a look found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Output {
    /// Proposals that people still have to merge.
    pub open: usize,
    /// Proposals that were merged or closed since the last look.
    pub settled: usize,
    /// Requests that went back to the queue.
    pub requests: usize,
    /// Plans that people may approve by a merge.
    pub questions: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// To the schedule.
    Looked(Output),
    /// To a person.
    Checked(Report),
}

#[derive(Debug)]
pub struct CompleteMerges {
    /// The ledger, and the runs that wait for a merge that approves their plan.
    pub answers: Answers,
    /// Sends requests.
    pub queues: Queues,
    /// Address of the commits queue.
    pub queue: String,
    /// The GitOps repository.
    pub repository: Repository,
}

/// What to do about a proposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Nothing yet.
    Wait,
    /// The branch that people merge to has moved, and the host tells no merges: ask again, and go on waiting.
    Ask,
    /// Tell its waiters what became of it.
    Settle {
        /// Whether it was merged.
        is_merged: bool,
    },
}

/// What to do about a proposal, given what the host says and where the base is now.
#[must_use]
pub fn next(proposal: &OpenProposal, state: &ProposalState, head: Option<&str>) -> Next {
    match state {
        ProposalState::Merged => Next::Settle { is_merged: true },
        ProposalState::Closed => Next::Settle { is_merged: false },
        // Somebody was cut while settling it; it cannot be joined any more, whatever the host says.
        ProposalState::Open if proposal.is_settled => Next::Settle { is_merged: true },
        ProposalState::Open if head.is_some() && head != proposal.head.as_deref() => Next::Ask,
        ProposalState::Open => Next::Wait,
    }
}

impl CompleteMerges {
    /// Looks at every proposal and question at the time `now`, or tries what works.
    pub async fn handle(&self, input: Input, now: Timestamp) -> Result<Answer, StepError> {
        if let Some(check) = input.check {
            return Ok(Answer::Checked(self.repository.check(&check).await));
        }
        // Neither holds up the other.
        let (looked, questions) = (self.look_at_all().await, self.look_at_questions(now).await);
        Ok(Answer::Looked(Output { questions: questions?, ..looked? }))
    }

    /// Looks at every proposal, in one request where the host can. Without proposals nothing is asked.
    async fn look_at_all(&self) -> Result<Output, StepError> {
        let proposals = self.answers.ledger.proposals().await?;
        let mut output = Output::default();
        if proposals.is_empty() {
            return Ok(output);
        }
        let (mut known, mut branches, mut errors) = (Vec::new(), Vec::new(), Vec::new());
        for proposal in proposals {
            match ProposalBranch::kept(&proposal.branch) {
                Ok(branch) => {
                    known.push(proposal);
                    branches.push(branch);
                }
                Err(error) => errors
                    .push(StepError::new(Fault::Bug, "the ledger names a branch that is not Berth's").because(error)),
            }
        }
        let mut look = self.look(&branches).await;
        if self.repository.was_refused(&look).await {
            look = self.look(&branches).await;
            self.repository.was_refused(&look).await;
        }
        let look = look.map_err(CommitFailure::for_nobody)?;
        let head = look.head.as_ref().map(ToString::to_string);
        for (proposal, state) in known.into_iter().zip(&look.states) {
            if let Err(error) = self.act(&proposal, state, head.as_deref(), &mut output).await {
                tracing::error!(branch = proposal.branch, fault = %error.fault, error = %error.message, "looked at again");
                errors.push(error);
            }
        }
        // One that goes wrong at every look holds up no other, and the function's alarm still hears of it.
        errors.into_iter().next().map_or(Ok(output), Err)
    }

    async fn look(&self, branches: &[ProposalBranch]) -> Result<Look, CommitFailure> {
        let host = self.repository.open().await?;
        host.look(branches).await.map_err(CommitFailure::Repository)
    }

    /// Does what is next for one proposal; the next look does again what failed.
    async fn act(
        &self,
        proposal: &OpenProposal,
        state: &ProposalState,
        head: Option<&str>,
        output: &mut Output,
    ) -> Result<(), StepError> {
        match next(proposal, state, head) {
            // The host tells no merge: once everybody was answered, nothing is left to wait for.
            Next::Wait if head.is_some() && !self.is_waited_for(proposal).await? => {
                output.settled += 1;
                self.answers.ledger.forget_proposal(&proposal.branch).await?;
            }
            Next::Wait => output.open += 1,
            Next::Ask => {
                output.open += 1;
                output.requests += self.tell(proposal, None).await?;
                self.answers.ledger.note_head(&proposal.branch, head.unwrap_or_default()).await?;
            }
            Next::Settle { is_merged } => {
                output.settled += 1;
                let proposal = self.answers.ledger.settle_proposal(&proposal.branch).await?;
                let url = proposal.url.clone().unwrap_or_else(|| proposal.branch.clone());
                output.requests += self.tell(&proposal, Some(Settled { url, is_merged })).await?;
                self.answers.ledger.forget_proposal(&proposal.branch).await?;
            }
        }
        Ok(())
    }

    /// Sends the requests of all that wait back to the commits queue; the first error, after all were tried. Told twice
    /// is told once: a token is answered once.
    async fn tell(&self, proposal: &OpenProposal, settled: Option<Settled>) -> Result<usize, StepError> {
        let mut sent = 0;
        let mut errors = Vec::new();
        for account in &proposal.accounts {
            match self.tell_one(account, &proposal.branch, settled.as_ref()).await {
                Ok(is_sent) => sent += usize::from(is_sent),
                Err(error) => errors.push(error),
            }
        }
        errors.into_iter().next().map_or(Ok(sent), Err)
    }

    /// Sends one request back; `false` if nobody waits any more.
    async fn tell_one(&self, account: &AccountId, branch: &str, settled: Option<&Settled>) -> Result<bool, StepError> {
        let waiter = self.answers.ledger.waiter(account).await?.filter(|waiter| waiter.branch == branch);
        let Some(waiter) = waiter else { return Ok(false) };
        let body = request(&waiter, settled)?;
        let call = self.queues.send_message().queue_url(&self.queue).message_body(body).send().await;
        call.named("sqs:SendMessage").or_common().map_err(|error| error.for_account(account))?;
        // One that has to go on waiting joins again.
        self.answers.ledger.forget_waiter(&waiter).await?;
        tracing::info!(%account, branch, settled = ?settled, "asked for again");
        Ok(true)
    }

    /// Whether an execution still waits for a proposal.
    async fn is_waited_for(&self, proposal: &OpenProposal) -> Result<bool, StepError> {
        for account in &proposal.accounts {
            if self.answers.ledger.waiter(account).await?.is_some_and(|waiter| waiter.branch == proposal.branch) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The request of a waiter, with word of its proposal if it was in it. The parser's error is dropped: it quotes.
fn request(waiter: &Waiter, settled: Option<&Settled>) -> Result<String, StepError> {
    let bug = || StepError::new(Fault::Bug, "the ledger holds a request that is none").for_account(&waiter.account_id);
    let mut request: Value = serde_json::from_str(&waiter.request).map_err(|_| bug())?;
    let fields = request.as_object_mut().ok_or_else(bug)?;
    fields.remove("settled");
    if let Some(settled) = settled.filter(|_| waiter.is_in_it) {
        fields.insert("settled".to_owned(), json!(settled));
    }
    Ok(request.to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use jiff::Timestamp;

    use super::*;

    fn proposal(head: Option<&str>, is_settled: bool) -> OpenProposal {
        let text = r#"{"branch": "berth/0", "wanted": {}, "since": "2026-01-01T00:00:00Z"}"#;
        let proposal: OpenProposal = serde_json::from_str(text).unwrap();
        OpenProposal { head: head.map(str::to_owned), is_settled, ..proposal }
    }

    #[test]
    fn a_proposal_is_settled_by_the_host_and_checked_when_the_base_moves() {
        let merged = Next::Settle { is_merged: true };
        for (proposal, state, head, wanted) in [
            (proposal(None, false), ProposalState::Open, None, Next::Wait),
            (proposal(None, false), ProposalState::Merged, None, merged.clone()),
            (proposal(None, false), ProposalState::Closed, None, Next::Settle { is_merged: false }),
            (proposal(None, false), ProposalState::Open, Some("a"), Next::Ask),
            (proposal(Some("a"), false), ProposalState::Open, Some("a"), Next::Wait),
            (proposal(Some("a"), false), ProposalState::Open, Some("b"), Next::Ask),
            (proposal(Some("a"), true), ProposalState::Open, Some("a"), merged),
        ] {
            assert_eq!(next(&proposal, &state, head), wanted, "{proposal:?} {state:?} {head:?}");
        }
    }

    #[test]
    fn only_a_request_that_was_proposed_is_told_what_became_of_the_proposal() {
        let waiter = |is_in_it| Waiter {
            account_id: "111122223333".parse().unwrap(),
            branch: "berth/0".to_owned(),
            is_in_it,
            request: r#"{"taskToken":"t","settled":{"url":"old","isMerged":true}}"#.to_owned(),
            message_id: "m1".to_owned(),
            since: Timestamp::UNIX_EPOCH,
        };
        let settled = Settled { url: "u".to_owned(), is_merged: false };
        let read = |text: String| serde_json::from_str::<Value>(&text).unwrap();
        let told = read(request(&waiter(true), Some(&settled)).unwrap());
        assert_eq!(told["settled"], json!({ "url": "u", "isMerged": false }));
        assert_eq!(read(request(&waiter(false), Some(&settled)).unwrap()), json!({ "taskToken": "t" }));
        assert_eq!(read(request(&waiter(true), None).unwrap()), json!({ "taskToken": "t" }));
    }
}
