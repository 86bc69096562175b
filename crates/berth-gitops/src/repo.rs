//! What a host of the tenant repository must be able to do, and the nouns that it does it with.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
};

use async_trait::async_trait;

use crate::{Refusal, RepoError, RepoPath};

/// One branch of a repository that holds tenants' files.
#[async_trait]
pub trait TenantRepo: Send + Sync {
    /// Reads the branch's head and, at that head, what is at each of `paths`.
    ///
    /// # Errors
    /// [`RepoError::NotFound`], [`RepoError::Unauthorized`], [`RepoError::Throttled`], [`RepoError::Transport`],
    /// [`RepoError::TooLarge`] or [`RepoError::Protocol`]. A path that is refused is no error: it is in the snapshot.
    async fn read(&self, paths: &BTreeSet<RepoPath>) -> Result<Snapshot, RepoError>;

    /// Makes one commit with `changes` on top of `expected`, if and only if the branch's head still is `expected`.
    ///
    /// # Errors
    /// [`RepoError::LostRace`] if it is not, [`RepoError::Rejected`], [`RepoError::RefusedPath`],
    /// [`RepoError::AnswerLost`] if the commit may or may not be there, and all that [`TenantRepo::read`] returns.
    async fn commit(
        &self,
        expected: &CommitId,
        changes: &[Change],
        message: &str,
        by: &Authorship,
    ) -> Result<CommitOutcome, RepoError>;
}

/// The id of a commit: 40 lower-case hexadecimal digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommitId(String);

impl CommitId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for CommitId {
    type Err = RepoError;
    fn from_str(text: &str) -> Result<Self, RepoError> {
        let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() == 40 && text.bytes().all(is_hex) {
            Ok(Self(text.to_owned()))
        } else {
            Err(RepoError::Invalid("a commit id must be 40 lower-case hexadecimal digits"))
        }
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileState {
    /// Nothing, and nothing is in the way.
    Absent,
    /// A regular file with these bytes.
    Regular(Vec<u8>),
    /// Something that must be neither read nor replaced.
    Refused(Refusal),
}

/// The branch at one moment: its head, and what is at the paths that were asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The commit that the branch points to.
    pub head: CommitId,
    /// The parents of the head, as far as the host knows them. They tell whether a commit of ours is just below.
    pub parents: Vec<CommitId>,
    /// Exactly the paths that were asked for.
    pub files: BTreeMap<RepoPath, FileState>,
    /// For paths where nothing is: files of the cluster's folder that may be those. People move files.
    pub elsewhere: BTreeMap<RepoPath, Vec<Stray>>,
}

/// A file that may be one that is absent, moved within the folder of the same cluster: it has its name, or it is where
/// Berth keeps none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stray {
    /// Where it is.
    pub path: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

impl Snapshot {
    /// The bytes at `path`: `None` if nothing is there (or the path was not asked for).
    ///
    /// # Errors
    /// The refusal, if something other than a regular file is in the way: fail this tenant, not the batch.
    pub fn bytes(&self, path: &RepoPath) -> Result<Option<&[u8]>, &Refusal> {
        match self.files.get(path) {
            None | Some(FileState::Absent) => Ok(None),
            Some(FileState::Regular(bytes)) => Ok(Some(bytes)),
            Some(FileState::Refused(refusal)) => Err(refusal),
        }
    }
}

/// What shall become of one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A regular file with exactly these bytes; folders are made as needed.
    Write {
        /// Where.
        path: RepoPath,
        /// The whole content.
        bytes: Vec<u8>,
    },
    /// No file. Folders that become empty go with it, as always in git.
    Delete {
        /// Where.
        path: RepoPath,
    },
}

impl Change {
    /// The path that is changed.
    #[must_use]
    pub fn path(&self) -> &RepoPath {
        match self {
            Self::Write { path, .. } | Self::Delete { path } => path,
        }
    }
}

/// A commit that the host has made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitOutcome {
    /// Its id, which is the branch's head now (or was, a moment ago).
    pub sha: CommitId,
}

/// A name and an e-mail address, as git writes them into a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitIdentity {
    name: String,
    email: String,
}

impl GitIdentity {
    /// # Errors
    /// [`RepoError::Invalid`] if a part is empty or has a character that would break the commit's header.
    pub fn new(name: &str, email: &str) -> Result<Self, RepoError> {
        let fits =
            |text: &str| !text.trim().is_empty() && !text.chars().any(|c| c.is_control() || c == '<' || c == '>');
        if !fits(name) || !fits(email) {
            return Err(RepoError::Invalid(
                "a git identity needs a name and an e-mail, without <, > and control characters",
            ));
        }
        Ok(Self { name: name.trim().to_owned(), email: email.trim().to_owned() })
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The e-mail address.
    #[must_use]
    pub fn email(&self) -> &str {
        &self.email
    }
}

/// Who makes the commit, and when. A host that signs commits itself (GitHub) may put its own names instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorship {
    /// Who wrote the change.
    pub author: GitIdentity,
    /// Who put it into the repository.
    pub committer: GitIdentity,
    /// When, in seconds since 1970-01-01 UTC. Given by the caller: nothing here reads a clock.
    pub time_unix_seconds: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_id_is_forty_lower_case_hexadecimal_digits() {
        assert!("0123456789abcdef0123456789abcdef01234567".parse::<CommitId>().is_ok());
        for bad in ["", "HEAD", "0123456789ABCDEF0123456789abcdef01234567", "0123456789abcdef"] {
            assert!(bad.parse::<CommitId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_person_cannot_break_out_of_the_commits_header() {
        assert!(GitIdentity::new("Berth", "berth@example.com").is_ok());
        for (name, email) in [
            ("", "a@b"),
            ("a", " "),
            ("a\nparent 1", "a@b"),
            ("a <x>", "a@b"),
            ("a", "a@b> 1 +0000\nx"),
            ("a\0", "a@b"),
        ] {
            assert!(GitIdentity::new(name, email).is_err(), "{name:?} {email:?}");
        }
    }
}
