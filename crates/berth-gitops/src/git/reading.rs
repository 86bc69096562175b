//! One read of the branch: where it is, its trees, and the contents of the files that were asked for.

use std::collections::{BTreeMap, BTreeSet};

use gix_hash::{Kind as HashKind, ObjectId};
use gix_object::{CommitRef, Kind};

use super::{
    Head, Known,
    advert::{self, Advert, Capabilities},
    commit_id,
    fetch::{self, FetchError},
    http::Http,
    nonsense,
    objects::Objects,
    pack::{self, PackError},
    pack_error,
    tree::{self, Found},
    tree_error,
};
use crate::{FileState, GitLimits, Missing, Refusal, RefusedKind, RepoError, RepoPath, Snapshot};

/// What a read needs besides what is known already.
pub(super) struct Reading<'a> {
    pub(super) http: &'a Http,
    pub(super) reference: &'a str,
    pub(super) limits: &'a GitLimits,
}

/// How to talk to the server, as its first answer told.
pub(super) enum Protocol {
    V2(Capabilities),
    V0(Capabilities),
}

impl Reading<'_> {
    /// Reads the branch; `known` is brought up to date.
    pub(super) async fn snapshot(&self, known: &mut Known, paths: &BTreeSet<RepoPath>) -> Result<Snapshot, RepoError> {
        let (tip, protocol) = self.tip(known).await?;
        if known.head.is_none_or(|head| head.commit != tip) {
            self.fetch_tip(known, tip, &protocol).await?;
        }
        let (tree, parents) = parse_commit(&known.objects, tip)?;
        known.head = Some(Head { commit: tip, tree });
        let found = paths.iter().map(|path| Ok((path, tree::find(&known.objects, tree, path).map_err(tree_error)?)));
        let found: Vec<(&RepoPath, Found)> = found.collect::<Result<_, RepoError>>()?;
        self.fetch_contents(known, &found, &protocol).await?;
        let mut files = BTreeMap::new();
        for (path, found) in found {
            files.insert(path.clone(), self.state(&known.objects, path, found)?);
        }
        let parents = parents.into_iter().map(commit_id).collect::<Result<_, _>>()?;
        Ok(Snapshot { head: commit_id(tip)?, parents, files })
    }

    /// Where the branch is now. The server's capabilities are asked for once.
    pub(super) async fn tip(&self, known: &mut Known) -> Result<(ObjectId, Protocol), RepoError> {
        let missing = || RepoError::NotFound(Missing::Branch);
        let capabilities = if let Some(capabilities) = known.capabilities.clone() {
            capabilities
        } else {
            match advert::parse(&self.http.advertisement().await?) {
                Ok(Advert::V2(capabilities)) => known_format(capabilities)?,
                Ok(Advert::V0 { capabilities, refs }) => {
                    let capabilities = known_format(capabilities)?;
                    let tip = refs.into_iter().find(|(_, name)| name == self.reference).map(|(id, _)| id);
                    return Ok((tip.ok_or_else(missing)?, Protocol::V0(capabilities)));
                }
                Err(_) => return Err(RepoError::Protocol("there is a web server, but no git server".into())),
            }
        };
        known.capabilities = Some(capabilities.clone());
        let request = advert::ls_refs(&capabilities, self.reference).map_err(nonsense)?;
        let answer = self.http.upload_pack("list the branch", request, true).await?;
        let tip = advert::parse_ls_refs(&answer, self.reference).map_err(nonsense)?;
        Ok((tip.ok_or_else(missing)?, Protocol::V2(capabilities)))
    }

    /// Fetches the commit `tip` with its trees.
    async fn fetch_tip(&self, known: &mut Known, tip: ObjectId, protocol: &Protocol) -> Result<(), RepoError> {
        let have = known.head.map(|head| head.commit);
        let pack = match protocol {
            Protocol::V2(capabilities) => {
                let request = fetch::tip_v2(capabilities, tip, have).map_err(nonsense)?;
                let answer = self.http.upload_pack("send the branch", request, true).await?;
                fetch::pack_v2(&answer)
            }
            Protocol::V0(capabilities) => {
                let request = fetch::tip_v0(capabilities, tip).map_err(|error| self.fetch_error(error))?;
                let answer = self.http.upload_pack("send the branch", request, false).await?;
                fetch::pack_v0(&answer)
            }
        };
        let pack = pack.map_err(|error| self.fetch_error(error))?;
        self.unpack(known, pack).await
    }

    /// Fetches the contents of the files that are not in memory yet.
    async fn fetch_contents(
        &self,
        known: &mut Known,
        found: &[(&RepoPath, Found)],
        protocol: &Protocol,
    ) -> Result<(), RepoError> {
        let lacking: BTreeSet<ObjectId> = found
            .iter()
            .filter_map(|(_, found)| match found {
                Found::File(id) if known.objects.get(id).is_none() => Some(*id),
                _ => None,
            })
            .collect();
        // A server of the older protocol sends everything, always.
        let (false, Protocol::V2(capabilities)) = (lacking.is_empty(), protocol) else { return Ok(()) };
        let request = fetch::objects_v2(capabilities, lacking).map_err(nonsense)?;
        let answer = self.http.upload_pack("send the files", request, true).await?;
        let pack = fetch::pack_v2(&answer).map_err(|error| self.fetch_error(error))?;
        self.unpack(known, pack).await
    }

    /// Adds a pack to memory, on a thread for blocking work: a large repository takes long enough to hold up others.
    async fn unpack(&self, known: &mut Known, pack: Vec<u8>) -> Result<(), RepoError> {
        // Taken out, so that a caller who stops waiting leaves nothing half known behind.
        let (head, objects) = (known.head.take(), std::mem::take(&mut known.objects));
        let bytes_max = self.limits.unpacked_bytes_max;
        let unpacked = tokio::task::spawn_blocking(move || pack::read(objects, &pack, bytes_max)).await;
        known.objects =
            unpacked.unwrap_or(Err(PackError::Malformed("unpacking was interrupted"))).map_err(pack_error)?;
        known.head = head;
        Ok(())
    }

    fn state(&self, objects: &Objects, path: &RepoPath, found: Found) -> Result<FileState, RepoError> {
        Ok(match found {
            Found::Absent => FileState::Absent,
            Found::Refused(refusal) => FileState::Refused(refusal),
            Found::File(id) => match objects.data(&id, Kind::Blob) {
                Some(data) if data.len() > self.limits.file_bytes_max => {
                    FileState::Refused(Refusal { at: path.to_string(), found: RefusedKind::TooLarge })
                }
                Some(data) => FileState::Regular(data.to_vec()),
                None => return Err(RepoError::Protocol("it did not send a file that was asked for".into())),
            },
        })
    }

    fn fetch_error(&self, error: FetchError) -> RepoError {
        RepoError::Protocol(match error {
            FetchError::Malformed => "the answer to a fetch is cut or malformed".into(),
            FetchError::Said(said) => self.http.scrub(&said),
        })
    }
}

fn known_format(capabilities: Capabilities) -> Result<Capabilities, RepoError> {
    if capabilities.is_sha1() {
        Ok(capabilities)
    } else {
        Err(RepoError::Protocol("the repository's ids are not SHA-1, and Berth knows no others".into()))
    }
}

/// The tree and the parents of a commit.
fn parse_commit(objects: &Objects, commit: ObjectId) -> Result<(ObjectId, Vec<ObjectId>), RepoError> {
    let malformed = || RepoError::Protocol("it did not send the branch's commit".into());
    let data = objects.data(&commit, Kind::Commit).ok_or_else(malformed)?;
    let commit = CommitRef::from_bytes(data, HashKind::Sha1).map_err(|_| malformed())?;
    Ok((commit.tree(), commit.parents().collect()))
}
