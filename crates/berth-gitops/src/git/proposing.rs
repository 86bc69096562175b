//! Proposals on a git server: a branch, whether it is still there, and whether it was merged.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use gix_hash::{Kind as HashKind, ObjectId};

use super::{
    GitRepo, Head, Known, advert::Refs, build, commit_id, fetch::Protocol, nonsense, pack, pack_error, push::Push,
};
use crate::{Abilities, Authorship, CommitId, Look, Proposal, ProposalBranch, ProposalState, Proposals, RepoError};

/// Pushes of one proposal, where the server's words sound as if another one may pay off.
const TRIES_MAX: u32 = 3;

/// A branch of this name is in the way of every proposal.
pub(super) const IN_THE_WAY: &str = "refs/heads/berth";

/// What the last look found: the next one asks the server nothing more while nothing moved.
pub(super) struct Looked {
    head: ObjectId,
    tips: BTreeSet<ObjectId>,
    unmerged: BTreeSet<ObjectId>,
}

#[async_trait]
impl Proposals for GitRepo {
    /// Makes the branch: one commit on the base. A branch of this name that has something to merge is the same proposal;
    /// one that was merged is moved, or nobody could merge it again after it was reverted.
    async fn propose(&self, proposal: &Proposal, by: &Authorship) -> Result<String, RepoError> {
        let mut known = self.known.lock().await;
        let base = ObjectId::from_hex(proposal.base.as_str().as_bytes()).map_err(nonsense)?;
        let head = known.head.filter(|head| head.commit == base);
        let Some(head) = head else { return Err(RepoError::LostRace { reason: None }) };
        let (after, new) = build(&known.objects, head, &proposal.changes, &proposal.message, by)?;
        let pack = pack::write(new.iter()).map_err(pack_error)?;
        let reference = format!("refs/heads/{}", proposal.branch);
        let options = self.options(proposal);
        let mut tries = 0;
        loop {
            let (refs, protocol) = self.reading().list(&mut known, &[&reference, IN_THE_WAY]).await?;
            let at = refs.get(&reference).copied();
            if let Some(tip) = at
                && self.is_open(&protocol, &proposal.branch, tip, after, head).await?
            {
                return Ok(self.place(&proposal.branch, &[]).await);
            }
            let old = at.unwrap_or(ObjectId::null(HashKind::Sha1));
            let push = Push { reference: &reference, old, new: after.commit, pack: &pack, options: &options };
            tries += 1;
            match self.move_branch(&mut known, &push).await {
                Ok(remarks) => return Ok(self.place(&proposal.branch, &remarks).await),
                // Somebody may have made the branch meanwhile: it is looked at again.
                Err(RepoError::LostRace { .. }) if tries < TRIES_MAX => {}
                Err(error) => return Err(explained(error, &refs)),
            }
        }
    }

    async fn look(&self, branches: &[ProposalBranch]) -> Result<Look, RepoError> {
        let mut known = self.known.lock().await;
        let references: Vec<String> = branches.iter().map(|branch| format!("refs/heads/{branch}")).collect();
        let names: Vec<&str> = references.iter().map(String::as_str).chain([self.reference.as_str()]).collect();
        let (refs, protocol) = match self.reading().list(&mut known, &names).await {
            Ok(listed) => listed,
            Err(error) => {
                *known = Known::default();
                return Err(error);
            }
        };
        let head = refs.get(&self.reference).copied();
        let head = head.ok_or(RepoError::NotFound(crate::Missing::Branch))?;
        let tips: BTreeMap<&str, ObjectId> =
            references.iter().filter_map(|name| Some((name.as_str(), *refs.get(name)?))).collect();
        let unmerged = self.unmerged(&protocol, tips.values().copied().collect(), head).await?;
        let state = |name: &String| match tips.get(name.as_str()) {
            Some(tip) if unmerged.contains(tip) => ProposalState::Open,
            Some(_) => ProposalState::Merged,
            None => ProposalState::Closed,
        };
        let mut states: Vec<ProposalState> = references.iter().map(state).collect();
        let asked: Vec<_> =
            branches.iter().zip(&references).map(|(branch, name)| (branch, refs.get(name).copied())).collect();
        let mergers = self.ask_gitlab(&asked, &mut states).await;
        Ok(Look { states, head: Some(commit_id(head)?), mergers })
    }

    async fn tip(&self, branch: &ProposalBranch) -> Result<Option<CommitId>, RepoError> {
        let reference = format!("refs/heads/{branch}");
        let (refs, _) = self.reading().list(&mut *self.known.lock().await, &[&reference]).await?;
        refs.get(&reference).copied().map(commit_id).transpose()
    }

    async fn withdraw(&self, branch: &ProposalBranch, left_at: &CommitId) -> Result<(), RepoError> {
        let mut known = self.known.lock().await;
        let reference = format!("refs/heads/{branch}");
        let left_at = ObjectId::from_hex(left_at.as_str().as_bytes()).map_err(nonsense)?;
        let (refs, _) = self.reading().list(&mut known, &[&reference]).await?;
        match refs.get(&reference) {
            None => Ok(()),
            Some(at) if *at != left_at => Err(RepoError::LostRace { reason: None }),
            Some(at) => {
                let gone = ObjectId::null(HashKind::Sha1);
                let push = Push { reference: &reference, old: *at, new: gone, pack: b"", options: &[] };
                self.move_branch(&mut known, &push).await.map(drop)
            }
        }
    }

    fn signs_in_with(&self) -> String {
        self.http.signs_in_with()
    }

    async fn abilities(&self) -> Abilities {
        self.find_abilities().await
    }
}

impl GitRepo {
    /// Whether a branch of a proposal's name still is one: there is something to merge, and nobody closed it.
    async fn is_open(
        &self,
        protocol: &Protocol,
        branch: &ProposalBranch,
        tip: ObjectId,
        wanted: Head,
        base: Head,
    ) -> Result<bool, RepoError> {
        if tip == wanted.commit {
            return Ok(true);
        }
        let unmerged = self.reading().beyond(protocol, &BTreeSet::from([tip]), base.commit).await?;
        Ok(unmerged.contains(&tip) && !self.was_closed(branch, tip).await)
    }

    /// Which tips have something to merge. One request for all of them, and none if nothing moved since the last look.
    async fn unmerged(
        &self,
        protocol: &Protocol,
        tips: BTreeSet<ObjectId>,
        head: ObjectId,
    ) -> Result<BTreeSet<ObjectId>, RepoError> {
        let mut looked = self.looked.lock().await;
        if let Some(looked) = looked.as_ref().filter(|looked| looked.head == head && looked.tips == tips) {
            return Ok(looked.unmerged.clone());
        }
        let unmerged = self.reading().beyond(protocol, &tips, head).await?;
        *looked = Some(Looked { head, tips, unmerged: unmerged.clone() });
        Ok(unmerged)
    }
}

/// The error of a branch that could not be made, with what is in its way.
fn explained(error: RepoError, refs: &Refs) -> RepoError {
    let is_in_the_way = refs.contains_key(IN_THE_WAY);
    match error {
        RepoError::LostRace { reason: Some(reason) } | RepoError::Rejected { reason } if is_in_the_way => {
            RepoError::Rejected {
                reason: format!("a branch named berth is in the way of berth/…; delete it ({reason})"),
            }
        }
        // It is not there after all tries, and the server has said why.
        RepoError::LostRace { reason: Some(reason) } => RepoError::Rejected { reason },
        error => error,
    }
}
