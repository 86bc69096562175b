//! Proposals on a git server that knows no pull requests: a branch, and whether it is still there.

use async_trait::async_trait;
use gix_hash::{Kind as HashKind, ObjectId};

use super::{GitRepo, Known, build, commit_id, nonsense, pack, pack_error, push, push::Report, reading::Reading};
use crate::{Authorship, Look, Proposal, ProposalBranch, ProposalState, Proposals, RepoError, git::http::Failure};

#[async_trait]
impl Proposals for GitRepo {
    /// Pushes the branch, from nothing to one commit on the base: a branch that is there already holds the same content.
    async fn propose(&self, proposal: &Proposal, by: &Authorship) -> Result<String, RepoError> {
        let known = self.known.lock().await;
        let base = ObjectId::from_hex(proposal.base.as_str().as_bytes()).map_err(nonsense)?;
        let head = known.head.filter(|head| head.commit == base);
        let Some(head) = head else { return Err(RepoError::LostRace { reason: None }) };
        let (after, new) = build(&known.objects, head, &proposal.changes, &proposal.message, by)?;
        let pack = pack::write(new.iter()).map_err(pack_error)?;
        let reference = format!("refs/heads/{}", proposal.branch);
        let nothing = ObjectId::null(HashKind::Sha1);
        let request = push::request(&reference, nothing, after.commit, &pack).map_err(nonsense)?;
        let sha = commit_id(after.commit)?;
        let lost = |source| RepoError::AnswerLost { attempted: Some(sha), source };
        let answer = match self.http.receive_pack(request).await {
            Ok(answer) => answer,
            Err(Failure::Clear(error)) => return Err(error),
            Err(Failure::Uncertain(error)) => return Err(lost(Box::new(error))),
        };
        match push::parse(&answer, &reference) {
            Ok(Report::Accepted | Report::Stale(_)) => Ok(format!("the branch {}", proposal.branch)),
            Ok(Report::Rejected(reason)) => Err(RepoError::Rejected { reason: self.http.scrub(&reason) }),
            Err(malformed) => Err(lost(Box::new(malformed))),
        }
    }

    async fn look(&self, branches: &[ProposalBranch]) -> Result<Look, RepoError> {
        let mut states = Vec::new();
        for branch in branches {
            let reference = format!("refs/heads/{branch}");
            states.push(match self.tip_of(&reference).await {
                Ok(_) => ProposalState::Open,
                Err(RepoError::NotFound(crate::Missing::Branch)) => ProposalState::Closed,
                Err(error) => return Err(error),
            });
        }
        let head = commit_id(self.tip_of(&self.reference).await?)?;
        Ok(Look { states, head: Some(head) })
    }
}

impl GitRepo {
    /// Where a branch is.
    async fn tip_of(&self, reference: &str) -> Result<ObjectId, RepoError> {
        let reading = Reading { http: &self.http, reference, limits: &self.limits };
        Ok(reading.tip(&mut Known::default()).await?.0)
    }
}
