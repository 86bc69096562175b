//! Changes that a person merges: a branch for each batch, a pull request where the host has them.

use std::{collections::BTreeMap, fmt};

use async_trait::async_trait;
use gix_hash::Kind as HashKind;
use gix_object::Kind;

use crate::{Authorship, Change, CommitId, RepoError, TenantRepo};

/// Name of a proposed branch: `berth/<16 hexadecimal digits>`, made from what is proposed, so that the same proposal
/// finds its branch again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProposalBranch(String);

impl ProposalBranch {
    /// The branch of these changes, in whatever order.
    ///
    /// # Errors
    /// [`RepoError::Invalid`] if the changes cannot be hashed.
    pub fn of(changes: &[Change]) -> Result<Self, RepoError> {
        let mut text = Vec::new();
        let sorted: BTreeMap<&str, &Change> = changes.iter().map(|change| (change.path().as_str(), change)).collect();
        for (path, change) in sorted {
            let bytes: &[u8] = if let Change::Write { bytes, .. } = change { bytes } else { b"" };
            text.extend_from_slice(format!("{path}\0{}\0", bytes.len()).as_bytes());
            text.extend_from_slice(bytes);
        }
        let hash = gix_object::compute_hash(HashKind::Sha1, Kind::Blob, &text);
        let hash = hash.map_err(|_| RepoError::Invalid("the changes have a colliding id"))?.to_string();
        Ok(Self(format!("berth/{}", hash.get(..16).unwrap_or(&hash))))
    }

    /// A name that was made by [`Self::of`] and kept elsewhere.
    ///
    /// # Errors
    /// [`RepoError::Invalid`] for any other name: Berth looks at no branch of anybody else.
    pub fn kept(name: &str) -> Result<Self, RepoError> {
        let digits = name.strip_prefix("berth/").unwrap_or_default();
        let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if digits.len() == 16 && digits.bytes().all(is_hex) {
            Ok(Self(name.to_owned()))
        } else {
            Err(RepoError::Invalid("a proposed branch is named berth/ and 16 hexadecimal digits"))
        }
    }

    /// The name, without `refs/heads/`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ProposalBranch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Changes on top of a commit, for a person to merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// Where they are put.
    pub branch: ProposalBranch,
    /// The head that they were made for; it was read just before.
    pub base: CommitId,
    /// The changes.
    pub changes: Vec<Change>,
    /// Message of the commit; its first line is the pull request's title.
    pub message: String,
    /// Text of the pull request, in Markdown, where the host has both.
    pub description: String,
}

/// What became of a proposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProposalState {
    /// Somebody still has to merge it.
    Open,
    /// It was merged.
    Merged,
    /// It was closed, or its branch is gone; on a plain git server that may also mean that it was merged.
    Closed,
}

/// What became of several proposals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// One for each branch that was asked for, in their order.
    pub states: Vec<ProposalState>,
    /// Where the branch that people merge to is: only where a merge is not told otherwise.
    pub head: Option<CommitId>,
    /// Who merged those that were merged, by the host's name for them, where it says so.
    pub mergers: BTreeMap<ProposalBranch, String>,
}

/// What is known of a host and of our rights there without changing anything. What hooks and protected branches refuse
/// shows when something is pushed.
#[derive(Debug)]
pub struct Abilities {
    /// What it is, in words.
    pub host: String,
    /// Its branches; empty where there is no commit yet. An error where the host does not list them so.
    pub branches: Result<Vec<String>, RepoError>,
    /// Whether it takes commits from us.
    pub write: Result<(), RepoError>,
    /// How people merge proposals there, in words.
    pub proposals: Result<String, RepoError>,
}

/// A host where changes can be proposed.
#[async_trait]
pub trait Proposals: TenantRepo {
    /// Makes sure that the proposal's branch is there, and its pull request where the host has them. Answers where
    /// people merge it. Proposing twice proposes once.
    ///
    /// # Errors
    /// As [`TenantRepo::commit`].
    async fn propose(&self, proposal: &Proposal, by: &Authorship) -> Result<String, RepoError>;

    /// What became of proposals.
    ///
    /// # Errors
    /// As [`TenantRepo::read`].
    async fn look(&self, branches: &[ProposalBranch]) -> Result<Look, RepoError>;

    /// Where a proposal's branch is; none where it is gone.
    ///
    /// # Errors
    /// As [`TenantRepo::read`].
    async fn tip(&self, branch: &ProposalBranch) -> Result<Option<CommitId>, RepoError>;

    /// Takes a proposal back that nobody shall merge any more: its branch is deleted, and with it hosts close its pull request.
    /// A branch that is not where Berth left it has somebody's work in it, and stays.
    ///
    /// # Errors
    /// As [`TenantRepo::commit`]; [`RepoError::LostRace`] where it is elsewhere.
    async fn withdraw(&self, branch: &ProposalBranch, left_at: &CommitId) -> Result<(), RepoError>;

    /// In which form the secret signs in, in words that show nothing of it.
    fn signs_in_with(&self) -> String;

    /// What the host lets us do. It changes nothing there.
    async fn abilities(&self) -> Abilities;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RepoPath;

    fn write(tenant: &str, text: &str) -> Change {
        let path = RepoPath::for_tenant(&"dev".parse().unwrap(), &tenant.parse().unwrap());
        Change::Write { path, bytes: text.as_bytes().to_vec() }
    }

    #[test]
    fn a_branch_is_named_by_its_content_and_by_nothing_else() {
        let one = ProposalBranch::of(&[write("a", "1"), write("b", "2")]).unwrap();
        assert_eq!(ProposalBranch::of(&[write("b", "2"), write("a", "1")]).unwrap(), one);
        for other in
            [vec![write("a", "1")], vec![write("a", "1"), write("b", "3")], vec![write("a", "2"), write("b", "1")]]
        {
            assert_ne!(ProposalBranch::of(&other).unwrap(), one);
        }
        assert_eq!(ProposalBranch::kept(one.as_str()).unwrap(), one);
        for bad in ["main", "berth/", "berth/../main", "berth/0123456789ABCDEF"] {
            assert!(ProposalBranch::kept(bad).is_err(), "{bad}");
        }
    }
}
