//! Requests whose file a person merges: one branch and one pull request for those of a batch that nobody proposed yet.
//!
//! docs/decisions/0018 says in which order things are written, and why.

use std::collections::{BTreeMap, BTreeSet};

use berth_contract::{CommitRequest, Settled};
use berth_gitops::{Authorship, Change, Edit, Host, Proposal, ProposalBranch, ProposalState, RepoPath, Snapshot};
use berth_ledger::{OpenProposal, Record, Waiter};
use berth_repository::CommitFailure;
use berth_step::{Fault, StepError};
use berth_tenancy::{Planned, wait};
use jiff::Timestamp;

use crate::{
    CommitRequestExt, CommitTenant, Output, PendingRequest, Verdict,
    edit::{edit, message, suspensions},
    record_of, told,
};

/// What a pull request is for, to whoever reviews it.
const PROPOSES: &str =
    "Berth proposes these tenants. The onboardings go on when this is merged; closing it fails them.";

/// A verdict, or nothing while a person still has to merge.
type Verdicts = Vec<Result<Option<Output>, StepError>>;

impl CommitTenant {
    /// Answers what needs no proposal, and lets the others wait for one. A verdict for each request, in their order.
    pub(crate) async fn propose(&self, pending: &mut [PendingRequest<'_>], by: &Authorship) -> Verdicts {
        let records = self.records(pending).await;
        let leases = self.leases(pending, &records).await;
        let allowed: Vec<bool> = leases.iter().map(Result::is_ok).collect();
        let mut verdicts: Verdicts = leases.into_iter().map(|lease| lease.map(|()| None)).collect();
        if !allowed.contains(&true) {
            return verdicts;
        }
        let requests: Vec<&CommitRequest> = pending.iter().map(|pending| &pending.request).collect();
        let records = records.unwrap_or_default();
        let mut outcome = self.judge_and_wait(pending, &allowed, &records, &mut verdicts, by).await;
        if self.repository.was_refused(&outcome).await {
            outcome = self.judge_and_wait(pending, &allowed, &records, &mut verdicts, by).await;
            self.repository.was_refused(&outcome).await;
        }
        if let Err(failure) = outcome {
            for (verdict, request) in
                verdicts.iter_mut().zip(&requests).filter(|(verdict, _)| matches!(verdict, Ok(None)))
            {
                *verdict = Err(failure.for_account(&request.run.account_id));
            }
        }
        verdicts
    }

    /// One try of both; a second one does again what the first did not finish.
    async fn judge_and_wait(
        &self,
        pending: &[PendingRequest<'_>],
        allowed: &[bool],
        records: &[Record],
        verdicts: &mut Verdicts,
        by: &Authorship,
    ) -> Result<(), CommitFailure> {
        let requests: Vec<&CommitRequest> = pending.iter().map(|pending| &pending.request).collect();
        let (mut host, mut snapshot, mut edit) = self.judge(&requests, allowed, records, verdicts).await?;
        // What the plan does not have which the run makes must not be proposed beside the others.
        let mut planned = allowed.to_vec();
        for ((request, verdict), planned) in requests.iter().zip(&mut *verdicts).zip(&mut planned) {
            if matches!(verdict, Ok(None))
                && let Err(error) = told::only_planned(request)
            {
                (*verdict, *planned) = (Err(error), false);
            }
        }
        if planned != allowed {
            (host, snapshot, edit) = self.judge(&requests, &planned, records, verdicts).await?;
        }
        for (pending, verdict) in pending.iter().zip(&mut *verdicts) {
            if let Ok(Some(output)) = &*verdict
                && !output.changes.is_empty()
                && let Err(error) = self.tell(&pending.request, output.changes.clone()).await
            {
                *verdict = Err(error);
            }
        }
        let open = pending.iter().zip(&*verdicts).filter(|(_, verdict)| matches!(verdict, Ok(None)));
        let waiting: Vec<&PendingRequest<'_>> = open.map(|(pending, _)| pending).collect();
        if waiting.is_empty() { Ok(()) } else { self.wait(&host, &snapshot, edit, &waiting, by).await }
    }

    /// Compares each request with the branch that people merge to; `None` stays where something has to be merged.
    async fn judge(
        &self,
        requests: &[&CommitRequest],
        allowed: &[bool],
        records: &[Record],
        verdicts: &mut Verdicts,
    ) -> Result<(Host, Snapshot, Edit), CommitFailure> {
        let host = self.repository.open().await?;
        let paths: BTreeSet<RepoPath> =
            requests.iter().zip(allowed).filter(|(_, allowed)| **allowed).map(|(request, _)| request.path()).collect();
        let snapshot = host.read(&paths).await.map_err(CommitFailure::Repository)?;
        let (edit, fresh) = edit(&snapshot, requests, allowed);
        // What is not merged yet is answered later, so the file counts as it is there.
        let there = suspensions(&snapshot, &Edit { changes: Vec::new(), message: String::new() }, requests);
        for (((verdict, fresh), request), is_suspended) in verdicts.iter_mut().zip(fresh).zip(requests).zip(there) {
            let Some(fresh) = fresh else { continue };
            *verdict = match (fresh, &request.settled) {
                (Err(error), _) => Err(error),
                (Ok(Verdict::Unchanged), settled) => {
                    let record = record_of(records, &request.run.account_id);
                    let earlier =
                        record.filter(|_| settled.is_none()).and_then(|record| request.committed_before(record));
                    let path = request.path().to_string();
                    let changes = settled.iter().map(|_| format!("merge {path}")).collect();
                    let sha = Some(earlier.unwrap_or(snapshot.head.as_str()).to_owned());
                    request.entry().map(|entry| {
                        Some(Output { sha, path, entry, is_suspended, changes, planned: Planned::default() })
                    })
                }
                (Ok(_), Some(settled)) => Err(unmerged(request, settled)),
                (Ok(_), None) => Ok(None),
            };
        }
        Ok((host, snapshot, edit))
    }

    /// Lets requests wait: with the proposals that are open already, and with a new one for the rest.
    async fn wait(
        &self,
        host: &Host,
        snapshot: &Snapshot,
        edit: Edit,
        waiting: &[&PendingRequest<'_>],
        by: &Authorship,
    ) -> Result<(), CommitFailure> {
        let now = Timestamp::from_second(by.time_unix_seconds).unwrap_or(Timestamp::UNIX_EPOCH);
        let mut digests = BTreeMap::new();
        for change in &edit.changes {
            digests.insert(change.path().to_string(), digest(change)?);
        }
        let open = self.open_proposals(host).await?;
        let mut rest = Vec::new();
        for pending in waiting {
            let path = pending.request.path().to_string();
            let there = digest_of(snapshot, &pending.request.path())?;
            // One whose file is there was merged, also where the host does not tell.
            let is_open = |wanted: &String| there.as_ref() != Some(wanted);
            let joined = open.iter().find(|proposal| proposal.wanted.get(&path).is_some_and(is_open));
            let Some(proposal) = joined else {
                rest.push(*pending);
                continue;
            };
            let is_in_it = proposal.wanted.get(&path) == digests.get(&path);
            self.join(pending, &proposal.branch, is_in_it, now).await?;
        }
        if rest.is_empty() {
            return Ok(());
        }
        let paths: BTreeSet<RepoPath> = rest.iter().map(|pending| pending.request.path()).collect();
        let changes: Vec<Change> = edit.changes.into_iter().filter(|change| paths.contains(change.path())).collect();
        let branch = ProposalBranch::of(&changes).map_err(CommitFailure::Repository)?;
        let wanted =
            digests.into_iter().filter(|(path, _)| paths.iter().any(|wanted| wanted.as_str() == path)).collect();
        let mut record = OpenProposal {
            branch: branch.to_string(),
            url: None,
            wanted,
            accounts: BTreeSet::new(),
            head: None,
            is_settled: false,
            since: now,
        };
        let requests: Vec<&CommitRequest> = rest.iter().map(|pending| &pending.request).collect();
        let message = message(&requests);
        let body = message.split_once('\n').map_or("", |(_, body)| body.trim());
        let description = format!("{PROPOSES}\n\n{body}");
        let proposal = Proposal { branch, base: snapshot.head.clone(), changes, message, description };
        // First the proposal: it is found again by its name. A waiter without one would wait for nothing.
        let url = host.propose(&proposal, by).await.map_err(CommitFailure::Repository)?;
        tracing::info!(branch = %proposal.branch, url, accounts = rest.len(), "proposed");
        record.url = Some(url);
        if !self.ledger.put_proposal(&record).await.map_err(CommitFailure::Secret)? {
            let what = format!("an earlier proposal on {} is being settled", record.branch);
            return Err(CommitFailure::Secret(StepError::new(Fault::NotReady, what).hint(wait(
                "complete-merges settles it within minutes",
                "look at the pull request of that branch and at the log of berth-complete-merges, then redrive the \
                 execution",
            ))));
        }
        for pending in rest {
            self.join(pending, &record.branch, true, now).await?;
        }
        Ok(())
    }

    /// Proposals that may be joined. One that was merged or closed since the last look is left to complete-merges: the
    /// request is asked for again.
    async fn open_proposals(&self, host: &Host) -> Result<Vec<OpenProposal>, CommitFailure> {
        let known = self.ledger.proposals().await.map_err(CommitFailure::Secret)?;
        let open = known.into_iter().filter(|proposal| !proposal.is_settled);
        // A name that is not ours is complete-merges' to report; it holds up nobody here.
        let open = open.filter_map(|proposal| Some((ProposalBranch::kept(&proposal.branch).ok()?, proposal)));
        let (branches, open): (Vec<ProposalBranch>, Vec<OpenProposal>) = open.unzip();
        if open.is_empty() {
            return Ok(open);
        }
        let look = host.look(&branches).await.map_err(CommitFailure::Repository)?;
        let still = open.into_iter().zip(look.states).filter(|(_, state)| *state == ProposalState::Open);
        Ok(still.map(|(proposal, _)| proposal).collect())
    }

    async fn join(
        &self,
        pending: &PendingRequest<'_>,
        branch: &str,
        is_in_it: bool,
        since: Timestamp,
    ) -> Result<(), CommitFailure> {
        let waiter = Waiter {
            account_id: pending.request.run.account_id.clone(),
            branch: branch.to_owned(),
            is_in_it,
            request: pending.message.body.clone(),
            message_id: pending.message.message_id.clone(),
            since,
        };
        if self.ledger.join_proposal(&waiter).await.map_err(CommitFailure::Secret)? {
            return Ok(());
        }
        let what = format!("{branch} was merged or closed just now");
        Err(CommitFailure::Secret(StepError::new(Fault::Conflict, what).hint(wait(
            "Berth proposes it once more",
            "see who merges and closes Berth's pull requests so fast, then redrive the execution",
        ))))
    }
}

/// What [`OpenProposal::wanted`] holds for a change.
fn digest(change: &Change) -> Result<String, CommitFailure> {
    let digest = ProposalBranch::of(std::slice::from_ref(change)).map_err(CommitFailure::Repository)?;
    Ok(digest.to_string())
}

/// The same for a file as it is on the branch that people merge to, if it is one.
fn digest_of(snapshot: &Snapshot, path: &RepoPath) -> Result<Option<String>, CommitFailure> {
    let Ok(Some(bytes)) = snapshot.bytes(path) else { return Ok(None) };
    digest(&Change::Write { path: path.clone(), bytes: bytes.to_vec() }).map(Some)
}

/// A proposal was settled, and the branch still lacks what the request asks for.
fn unmerged(request: &CommitRequest, Settled { url, is_merged }: &Settled) -> StepError {
    let path = request.path();
    let error = if *is_merged {
        StepError::new(Fault::NotOwned, format!("{url} was merged, but {path} is not as Berth proposed it"))
            .hint("compare the file with the pull request; then redrive the execution, and Berth proposes it once more")
    } else {
        StepError::new(Fault::Denied, format!("{url} was closed, and {path} was not merged"))
            .hint("redrive the execution, and Berth proposes it once more; or leave the account as it is")
    };
    error.for_account(&request.run.account_id)
}
