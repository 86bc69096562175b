//! One read of the branch: where it is, its trees, and the contents of the files that were asked for.

use std::collections::{BTreeMap, BTreeSet};

use gix_hash::{Kind as HashKind, ObjectId};
use gix_object::{CommitRef, Kind};

use super::{
    Head, Known,
    advert::{self, Advert, NoAdvert, Refs},
    commit_id,
    fetch::{self, FetchError, Protocol},
    http::{Http, Service},
    nonsense,
    objects::Objects,
    pack::{self, PackError},
    pack_error,
    pkt_line::Malformed,
    tree::{self, Found},
    tree_error,
};
use crate::{
    FileState, GitLimits, Missing, Refusal, RefusedKind, RepoError, RepoPath, Snapshot, Stray, path::OTHERS_MAX,
};

/// More refs than these are asked for by the folder that they are in.
const NAMES_MAX: usize = 50;
/// How often a branch may move between being listed and being fetched.
const MOVES_MAX: u32 = 5;

/// What a read needs besides what is known already.
pub(super) struct Reading<'a> {
    pub(super) http: &'a Http,
    pub(super) reference: &'a str,
    pub(super) limits: &'a GitLimits,
}

/// A fetch that the server refused, in its words; it may be about something that is gone meanwhile.
struct Said(String);

impl Reading<'_> {
    /// Reads the branch; `known` is brought up to date.
    pub(super) async fn snapshot(&self, known: &mut Known, paths: &BTreeSet<RepoPath>) -> Result<Snapshot, RepoError> {
        let (tip, protocol) = self.fetched_tip(known).await?;
        let (tree, parents) = parse_commit(&known.objects, tip)?;
        known.head = Some(Head { commit: tip, tree });
        let found = paths.iter().map(|path| Ok((path, tree::find(&known.objects, tree, path).map_err(tree_error)?)));
        let found: Vec<(&RepoPath, Found)> = found.collect::<Result<_, RepoError>>()?;
        let strays = strays(&known.objects, tree, &found)?;
        let wanted = found.iter().filter_map(|(_, found)| if let Found::File(id) = found { Some(*id) } else { None });
        let wanted = wanted.chain(strays.iter().map(|(.., id)| *id)).collect();
        self.fetch_contents(known, wanted, &protocol).await?;
        let (mut files, mut elsewhere) = (BTreeMap::new(), BTreeMap::<RepoPath, Vec<Stray>>::new());
        for (path, at, id) in strays {
            // A large file is none of ours.
            if let FileState::Regular(bytes) = self.state(&known.objects, &path, Found::File(id))? {
                elsewhere.entry(path).or_default().push(Stray { path: at, bytes });
            }
        }
        for (path, found) in found {
            files.insert(path.clone(), self.state(&known.objects, path, found)?);
        }
        let parents = parents.into_iter().map(commit_id).collect::<Result<_, _>>()?;
        Ok(Snapshot { head: commit_id(tip)?, parents, files, elsewhere })
    }

    /// Where refs are now, by their whole names; there may be others among them. The server's capabilities are asked for
    /// once.
    pub(super) async fn list(&self, known: &mut Known, names: &[&str]) -> Result<(Refs, Protocol), RepoError> {
        let capabilities = if let Some(capabilities) = known.capabilities.clone() {
            capabilities
        } else {
            let advert = self.http.advertisement(Service::UploadPack).await?;
            match advert::parse(&advert).map_err(|error| no_server(self.http, error))? {
                Advert::V2(capabilities) => capabilities,
                Advert::V0 { capabilities, refs } => return Ok((refs, Protocol::V0(capabilities))),
            }
        };
        known.capabilities = Some(capabilities.clone());
        let mut prefixes: BTreeSet<&str> = names.iter().copied().collect();
        if prefixes.len() > NAMES_MAX {
            prefixes =
                names.iter().map(|name| name.rfind('/').and_then(|end| name.get(..=end)).unwrap_or(name)).collect();
        }
        let what = "list the branch";
        let request = advert::ls_refs(&capabilities, prefixes).map_err(nonsense)?;
        let answer = self.http.upload_pack(what, request, true).await?;
        let refs = advert::parse_ls_refs(&answer).map_err(|error| match error {
            NoAdvert::Malformed(Malformed::Garbled) => nonsense(error),
            error => no_advert(self.http, what, error),
        })?;
        Ok((refs, Protocol::V2(capabilities)))
    }

    /// Where the branch is now.
    pub(super) async fn tip(&self, known: &mut Known) -> Result<(ObjectId, Protocol), RepoError> {
        let (refs, protocol) = self.list(known, &[self.reference]).await?;
        let tip = refs.get(self.reference).copied();
        Ok((tip.ok_or(RepoError::NotFound(Missing::Branch))?, protocol))
    }

    /// Where the branch is, with its commit and trees in memory.
    async fn fetched_tip(&self, known: &mut Known) -> Result<(ObjectId, Protocol), RepoError> {
        let (mut tip, mut protocol) = self.tip(known).await?;
        let mut moves = 0;
        while known.head.is_none_or(|head| head.commit != tip) {
            let Err(Said(reason)) = self.fetch_tip(known, tip, &protocol).await? else { break };
            // It may have moved since it was listed: where it is tells, and not the words.
            let before = tip;
            (tip, protocol) = self.tip(known).await?;
            moves += 1;
            if tip == before || moves > MOVES_MAX {
                return Err(RepoError::Refused { what: "send the branch", reason });
            }
        }
        Ok((tip, protocol))
    }

    /// Fetches the commit `tip` with its trees.
    async fn fetch_tip(
        &self,
        known: &mut Known,
        tip: ObjectId,
        protocol: &Protocol,
    ) -> Result<Result<(), Said>, RepoError> {
        let have = known.head.map(|head| head.commit);
        let request = fetch::tip(protocol, tip, have).map_err(nonsense)?;
        let fetched = self.fetch("send the branch", protocol, request).await?;
        match fetched {
            Ok(pack) => Ok(Ok(self.unpack(known, pack).await?)),
            Err(said) => Ok(Err(said)),
        }
    }

    /// Fetches the contents of the files that are not in memory yet.
    async fn fetch_contents(
        &self,
        known: &mut Known,
        wanted: BTreeSet<ObjectId>,
        protocol: &Protocol,
    ) -> Result<(), RepoError> {
        let lacking: BTreeSet<ObjectId> = wanted.into_iter().filter(|id| known.objects.get(id).is_none()).collect();
        // A server of the older protocol sends everything, always.
        let (false, Protocol::V2(capabilities)) = (lacking.is_empty(), protocol) else { return Ok(()) };
        let what = "send the files";
        let request = fetch::objects_v2(capabilities, lacking).map_err(nonsense)?;
        match self.fetch(what, protocol, request).await? {
            Ok(pack) => self.unpack(known, pack).await,
            Err(Said(reason)) => Err(RepoError::Refused { what, reason }),
        }
    }

    /// Which of `tips` have something that `base`, a commit of the branch, does not have. The others were merged.
    pub(super) async fn beyond(
        &self,
        protocol: &Protocol,
        tips: &BTreeSet<ObjectId>,
        base: ObjectId,
    ) -> Result<BTreeSet<ObjectId>, RepoError> {
        let tips: BTreeSet<ObjectId> = tips.iter().copied().filter(|tip| *tip != base).collect();
        if tips.is_empty() {
            return Ok(tips);
        }
        let what = "compare branches";
        let request = fetch::beyond(protocol, tips.iter().copied(), base).map_err(nonsense)?;
        let pack = self.fetch(what, protocol, request).await?;
        let pack = pack.map_err(|Said(reason)| RepoError::Refused { what, reason })?;
        let (sent, is_whole) = pack::read_some(&pack, self.limits.unpacked_bytes_max).map_err(pack_error)?;
        // A tip that may be among what could not be made counts as sent: nothing of a reviewer's is ever moved away.
        Ok(tips.into_iter().filter(|tip| !is_whole || sent.get(tip).is_some()).collect())
    }

    async fn fetch(
        &self,
        what: &'static str,
        protocol: &Protocol,
        request: Vec<u8>,
    ) -> Result<Result<Vec<u8>, Said>, RepoError> {
        let answer = self.http.upload_pack(what, request, protocol.is_v2()).await?;
        match fetch::pack(protocol, &answer) {
            Ok(pack) => Ok(Ok(pack)),
            Err(FetchError::Said(said)) => Ok(Err(Said(self.http.scrub(&said)))),
            Err(FetchError::Malformed(Malformed::Cut)) => Err(cut(what)),
            Err(FetchError::Malformed(Malformed::Garbled)) => {
                Err(RepoError::Protocol("the answer to a fetch is malformed".into()))
            }
        }
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
}

/// Files that may be absent ones, elsewhere in the cluster's folder: for which path, where, and what.
fn strays(
    objects: &Objects,
    root: ObjectId,
    found: &[(&RepoPath, Found)],
) -> Result<Vec<(RepoPath, String, ObjectId)>, RepoError> {
    let absent = || found.iter().filter(|(_, found)| *found == Found::Absent).map(|(path, _)| *path);
    let folders: BTreeSet<String> = absent().map(RepoPath::cluster_folder).collect();
    let mut strays = Vec::new();
    for folder in folders {
        let is_wanted = |path: &str| absent().any(|absent| absent.is_elsewhere(path));
        let mut others = 0;
        for (at, id) in tree::files_below(objects, root, &folder, &is_wanted).map_err(tree_error)? {
            others += usize::from(!absent().any(|absent| absent.has_name_of(&at)));
            let all = others <= OTHERS_MAX;
            let of = absent().filter(|absent| absent.is_elsewhere(&at) && (all || absent.has_name_of(&at)));
            strays.extend(of.map(|path| (path.clone(), at.clone(), id)));
        }
    }
    Ok(strays)
}

/// What it means that a server does not introduce itself as one for git.
pub(super) fn no_server(http: &Http, error: NoAdvert) -> RepoError {
    match error {
        NoAdvert::Malformed(Malformed::Garbled) => RepoError::Invalid(
            "there is a web server at the git address, but no git repository: set the address that git clone takes",
        ),
        error => no_advert(http, "be asked what it can do", error),
    }
}

fn no_advert(http: &Http, what: &'static str, error: NoAdvert) -> RepoError {
    match error {
        NoAdvert::Malformed(Malformed::Cut) => cut(what),
        NoAdvert::Malformed(Malformed::Garbled) => nonsense(error),
        NoAdvert::Said(said) => RepoError::Refused { what, reason: http.scrub(&said) },
        NoAdvert::OtherHash => RepoError::Invalid(
            "the repository's ids are not SHA-1, and Berth knows no others: make one with git init --object-format=sha1",
        ),
        NoAdvert::Dumb => RepoError::Invalid(
            "the repository is served as plain files, which nobody can push to: serve it by git http-backend",
        ),
    }
}

/// An answer that ends too early: the rest was lost on the way, and asking again may bring it.
fn cut(what: &'static str) -> RepoError {
    RepoError::Transport { what, status: None, source: Some(Box::new(Malformed::Cut)) }
}

/// The tree and the parents of a commit.
fn parse_commit(objects: &Objects, commit: ObjectId) -> Result<(ObjectId, Vec<ObjectId>), RepoError> {
    let malformed = || RepoError::Protocol("it did not send the branch's commit".into());
    let data = objects.data(&commit, Kind::Commit).ok_or_else(malformed)?;
    let commit = CommitRef::from_bytes(data, HashKind::Sha1).map_err(|_| malformed())?;
    Ok((commit.tree(), commit.parents().collect()))
}
