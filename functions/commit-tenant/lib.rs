//! Commits a batch of tenants to the GitOps repository and answers their task tokens.

mod answer;
mod edit;
mod propose;
mod request;
mod told;

use std::collections::BTreeSet;

use aws_sdk_sfn::Client as StepFunctions;
use berth_contract::{CommitRequest, Wish};
use berth_crd::AccountEntry;
use berth_gitops::{Authorship, BatchPolicy, Edit, Jitter, RepoPath, commit_batch};
use berth_ledger::{Ledger, Record};
use berth_repository::{CommitFailure, Repository};
use berth_step::{Batch, BatchAnswer, Fault, Message, StepError};
use berth_tenancy::{AccountId, Delivery, Planned};
use jiff::Timestamp;
use serde::Serialize;

use crate::edit::suspensions;
pub use crate::{
    edit::{Verdict, edit},
    request::CommitRequestExt,
};

/// What the state `CommitTenant` reads.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Output {
    /// The commit that brought the account's entry into the custom resource, as far as Berth knows it; else one that
    /// holds it. None in a plan.
    pub sha: Option<String>,
    /// Path of the custom resource.
    pub path: String,
    /// The account as the custom resource has it, for who waits until a cluster has it, too.
    pub entry: AccountEntry,
    /// Whether the account is suspended in it.
    #[serde(rename = "isSuspended")]
    pub is_suspended: bool,
    /// What was changed, or in a plan would be.
    pub changes: Vec<String>,
    /// In a plan the same changes with all that is known of them.
    #[serde(flatten)]
    pub planned: Planned,
}

#[derive(Debug)]
pub struct CommitTenant {
    pub ledger: Ledger,
    /// Answers task tokens.
    pub step_functions: StepFunctions,
    /// The GitOps repository.
    pub repository: Repository,
    /// The clock by which changes are written down.
    pub now: fn() -> Timestamp,
}

/// What a batch's commit came to.
struct Pushed {
    /// The commit, or the branch's head where there was nothing to commit.
    sha: String,
    /// Whether each request's account is suspended in its file.
    suspended: Vec<bool>,
}

/// One message with its request.
struct PendingRequest<'a> {
    message: &'a Message,
    request: CommitRequest,
}

impl CommitTenant {
    /// Handles a batch: one commit for all of it, then an answer for every token. Messages whose token could not be
    /// answered go back to the queue: the next commit finds them committed and answers.
    pub async fn handle(&self, batch: Batch, by: Authorship, jitter: Jitter) -> Result<BatchAnswer, StepError> {
        let mut answer = BatchAnswer::default();
        let mut pending = Vec::new();
        for message in &batch.records {
            match serde_json::from_str(&message.body) {
                Ok(request) => pending.push(PendingRequest { message, request }),
                Err(error) => {
                    tracing::error!(message_id = message.message_id, %error, "not a request for a commit");
                    answer.give_back(message);
                }
            }
        }
        let (proposed, pushed): (Vec<_>, Vec<_>) = pending
            .into_iter()
            .partition(|pending| pending.request.git_ops.delivery == Delivery::PullRequest && pending.request.writes());
        let (mut proposed, mut pushed) = (proposed, pushed);
        let mut verdicts = Vec::new();
        if !proposed.is_empty() {
            verdicts = self.propose(&mut proposed, &by).await;
        }
        if !pushed.is_empty() {
            verdicts.extend(self.commit(&mut pushed, by, jitter).await.into_iter().map(|verdict| verdict.map(Some)));
        }
        for (pending, verdict) in proposed.iter().chain(&pushed).zip(verdicts) {
            let verdict = match verdict {
                Ok(None) => continue, // a person merges it; complete-merges brings the request back
                Ok(Some(output)) => self.note(&pending.request, &output).await.map(|()| output),
                Err(error) => Err(error),
            };
            if let Err(error) = self.answer(&pending.request, verdict).await {
                tracing::warn!(fault = %error.fault, error = %error.message, "message goes back to the queue");
                answer.give_back(pending.message);
            }
        }
        Ok(answer)
    }

    /// Writes into the ledger that an offboarding has suspended the account on its way, and that it has taken the entry out: one
    /// that fails in between leaves the account suspended, and says so. Before the answer, so that a crash is made up for.
    async fn note(&self, request: &CommitRequest, output: &Output) -> Result<(), StepError> {
        match request.wish {
            Wish::Suspend if request.writes() && output.is_suspended => {
                self.ledger.freeze(&request.run, (self.now)()).await
            }
            Wish::Leave if request.writes() => self.ledger.thaw(&request.run).await,
            _ => Ok(()),
        }
    }

    /// Commits what may be committed; a verdict for each request, in their order.
    async fn commit(
        &self,
        pending: &mut [PendingRequest<'_>],
        by: Authorship,
        mut jitter: Jitter,
    ) -> Vec<Result<Output, StepError>> {
        let mut verdicts: Vec<Result<Verdict, StepError>> = Vec::new();
        let records = self.records(pending).await;
        for lease in self.leases(pending, &records).await {
            verdicts.push(lease.map(|()| Verdict::Pending));
        }
        let requests: Vec<&CommitRequest> = pending.iter().map(|pending| &pending.request).collect();
        let allowed: Vec<bool> = verdicts.iter().map(Result::is_ok).collect();
        let paths: BTreeSet<RepoPath> =
            requests.iter().zip(&allowed).filter(|(_, allowed)| **allowed).map(|(request, _)| request.path()).collect();
        if paths.is_empty() {
            return verdicts.into_iter().map(|verdict| verdict.and_then(edit::unfinished)).collect();
        }
        let mut outcome = self.push(&requests, &allowed, &paths, &by, &mut jitter, &mut verdicts).await;
        if self.repository.was_refused(&outcome).await {
            outcome = self.push(&requests, &allowed, &paths, &by, &mut jitter, &mut verdicts).await;
            self.repository.was_refused(&outcome).await;
        }
        let records = records.unwrap_or_default();
        let finish = |(index, (request, verdict)): (usize, (&&CommitRequest, Result<Verdict, StepError>))| {
            finished(request, verdict?, (index, &outcome), record_of(&records, &request.run.account_id))
        };
        requests.iter().zip(verdicts).enumerate().map(finish).collect()
    }

    async fn push(
        &self,
        requests: &[&CommitRequest],
        allowed: &[bool],
        paths: &BTreeSet<RepoPath>,
        by: &Authorship,
        jitter: &mut Jitter,
        verdicts: &mut [Result<Verdict, StepError>],
    ) -> Result<Pushed, CommitFailure> {
        let repo = self.repository.open().await?;
        let (mut allowed, mut told, mut suspended) = (allowed.to_vec(), BTreeSet::new(), Vec::new());
        loop {
            let mut untold = Vec::new();
            let outcome = commit_batch(repo.as_ref(), paths, by, &BatchPolicy::default(), jitter, |snapshot| {
                let (edit, fresh) = edit(snapshot, requests, &allowed);
                for (verdict, fresh) in verdicts.iter_mut().zip(fresh) {
                    if let Some(fresh) = fresh {
                        *verdict = fresh;
                    }
                }
                suspended = suspensions(snapshot, &edit, requests);
                untold = changed(requests, verdicts).filter(|index| !told.contains(index)).collect();
                // Nothing is sent before it is told: then this is only a look.
                if untold.is_empty() { edit } else { Edit { changes: Vec::new(), message: String::new() } }
            })
            .await
            .map_err(CommitFailure::Repository)?;
            if untold.is_empty() {
                return Ok(Pushed { sha: outcome.sha().as_str().to_owned(), suspended });
            }
            for index in untold {
                let (Some(request), Some(verdict)) = (requests.get(index), verdicts.get_mut(index)) else { continue };
                if let Err(error) = self.tell(request, told::sentences(request)).await {
                    *verdict = Err(error);
                    allowed.get_mut(index).into_iter().for_each(|allowed| *allowed = false);
                }
                told.insert(index);
            }
        }
    }

    /// What the ledger knows of the accounts that shall change: one read for all. Says of each request whether its account
    /// is suspended.
    async fn records(&self, pending: &mut [PendingRequest<'_>]) -> Result<Vec<Record>, StepError> {
        let applying = pending.iter().filter(|pending| pending.request.writes());
        let accounts: BTreeSet<&AccountId> = applying.map(|pending| &pending.request.run.account_id).collect();
        let records = self.ledger.get_many(&accounts.into_iter().cloned().collect::<Vec<_>>()).await?;
        for PendingRequest { request, .. } in pending {
            let record = record_of(&records, &request.run.account_id);
            request.is_suspended = record.is_some_and(|record| record.suspended.is_some());
        }
        Ok(records)
    }

    /// Whether each request's execution may still act on its account; one whose record does not say so is asked for
    /// alone.
    async fn leases(
        &self,
        pending: &[PendingRequest<'_>],
        records: &Result<Vec<Record>, StepError>,
    ) -> Vec<Result<(), StepError>> {
        let mut leases = Vec::new();
        for pending in pending {
            let run = &pending.request.run;
            leases.push(match records {
                _ if !pending.request.writes() => Ok(()),
                Err(error) => Err(StepError::new(error.fault, error.message.clone())),
                Ok(records) => {
                    let record = record_of(records, &run.account_id);
                    match record.and_then(|record| record.lease.as_deref()) {
                        Some(holder) if holder == run.execution => Ok(()),
                        _ => self.ledger.confirm(run).await,
                    }
                }
            });
        }
        leases
    }
}

fn record_of<'a>(records: &'a [Record], account: &AccountId) -> Option<&'a Record> {
    records.iter().find(|record| record.account_id == *account)
}

/// The requests whose file the next commit changes, by their number.
fn changed<'a>(
    requests: &'a [&CommitRequest],
    verdicts: &'a [Result<Verdict, StepError>],
) -> impl Iterator<Item = usize> + 'a {
    let both = requests.iter().zip(verdicts).enumerate();
    let is_changed = |(_, (request, verdict)): &(usize, (&&CommitRequest, &Result<Verdict, StepError>))| {
        request.writes() && matches!(verdict, Ok(Verdict::Changed))
    };
    both.filter(is_changed).map(|(index, _)| index)
}

/// What the state machine reads, once the batch's commit has ended.
fn finished(
    request: &CommitRequest,
    verdict: Verdict,
    (index, outcome): (usize, &Result<Pushed, CommitFailure>),
    record: Option<&Record>,
) -> Result<Output, StepError> {
    let pushed = outcome.as_ref().map_err(|failure| failure.for_account(&request.run.account_id))?;
    let path = request.path().to_string();
    let changes = match verdict {
        Verdict::Pending => {
            return Err(StepError::new(Fault::Bug, format!("{path} was not looked at before the commit")));
        }
        Verdict::Changed if request.wish != Wish::Check => told::sentences(request),
        Verdict::Changed | Verdict::Unchanged => Vec::new(),
    };
    let earlier = record.filter(|_| verdict == Verdict::Unchanged).and_then(|record| request.committed_before(record));
    let sha = request.writes().then(|| earlier.unwrap_or(&pushed.sha).to_owned());
    let is_suspended = pushed.suspended.get(index).copied().unwrap_or_default();
    let planned = told::planned(request, &changes);
    Ok(Output { sha, path, entry: request.entry()?, is_suspended, changes, planned })
}
