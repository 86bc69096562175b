//! One read of the branch on GitHub: its head, and what is at the paths that were asked for, at that head.

use std::collections::{BTreeMap, BTreeSet};

use gix_hash::Kind as HashKind;
use gix_object::Kind;
use reqwest::{StatusCode, header::ACCEPT};
use serde_json::Value;

use super::{api::Api, graphql};
use crate::{
    CommitId, FileState, GitLimits, Missing, Refusal, RefusedKind, RepoError, RepoPath, Snapshot, Stray,
    git::http::Failure, path::OTHERS_MAX,
};

/// Files in one request: with their folders, far below what GitHub takes.
const FILES_MAX: usize = 60;

/// Modes of git's tree entries, as GitHub reports them.
const FOLDER: u64 = 0o040_000;
const REGULAR: u64 = 0o100_644;
const EXECUTABLE: u64 = 0o100_755;
const SYMLINK: u64 = 0o120_000;
const SUBMODULE: u64 = 0o160_000;

/// Reads the branch.
pub(super) async fn snapshot(api: &Api, limits: &GitLimits, paths: &BTreeSet<RepoPath>) -> Result<Snapshot, RepoError> {
    let paths: Vec<&RepoPath> = paths.iter().collect();
    let (first, rest) = paths.split_at(paths.len().min(FILES_MAX));
    let commit = at(api, None, first).await?;
    let (head, parents) = (oid(&commit)?, parents(&commit)?);
    let mut files = BTreeMap::new();
    collect(api, limits, &commit, first, &mut files).await?;
    for paths in rest.chunks(FILES_MAX) {
        // At the head that was read first, so that all of the snapshot is of one moment.
        let commit = at(api, Some(&head), paths).await?;
        collect(api, limits, &commit, paths, &mut files).await?;
    }
    let elsewhere = elsewhere(api, limits, &head, &files).await?;
    Ok(Snapshot { head, parents, files, elsewhere })
}

/// Files that may be absent ones, elsewhere in the cluster's folder. Nothing is asked where all are there.
/// [GitHub "Get a tree"]
async fn elsewhere(
    api: &Api,
    limits: &GitLimits,
    head: &CommitId,
    files: &BTreeMap<RepoPath, FileState>,
) -> Result<BTreeMap<RepoPath, Vec<Stray>>, RepoError> {
    let absent: Vec<&RepoPath> =
        files.iter().filter(|(_, state)| **state == FileState::Absent).map(|(path, _)| path).collect();
    let mut elsewhere = BTreeMap::<RepoPath, Vec<Stray>>::new();
    if absent.is_empty() {
        return Ok(elsewhere);
    }
    let url = format!("{}/git/trees/{head}?recursive=1", api.address.repository());
    let reply =
        api.send("list its files", |client| client.get(&url).header(ACCEPT, "application/vnd.github+json")).await;
    let reply = reply.map_err(Failure::into_error)?;
    let tree: Value =
        serde_json::from_slice(&reply.body).map_err(|_| RepoError::Protocol("it could not list its files".into()))?;
    if tree.get("truncated").and_then(Value::as_bool) == Some(true) {
        tracing::warn!("the repository has more files than GitHub lists: one that was moved may not be found");
    }
    let mut others = 0;
    for entry in tree.get("tree").and_then(Value::as_array).into_iter().flatten() {
        let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
        let is_small =
            entry.get("size").and_then(Value::as_u64).is_some_and(|size| size <= limits.file_bytes_max as u64);
        if text("type") != "blob" || !is_small {
            continue;
        }
        let at = text("path");
        let of: Vec<&&RepoPath> = absent.iter().filter(|path| path.is_elsewhere(at)).collect();
        others += usize::from(!of.is_empty() && !of.iter().any(|path| path.has_name_of(at)));
        let of = of.into_iter().filter(|path| others <= OTHERS_MAX || path.has_name_of(at)).collect::<Vec<_>>();
        if of.is_empty() {
            continue;
        }
        let oid: CommitId =
            text("sha").parse().map_err(|_| RepoError::Protocol("it listed a file without an id".into()))?;
        let stray = Stray { path: at.to_owned(), bytes: blob(api, &oid).await? };
        for path in of {
            elsewhere.entry((*path).clone()).or_default().push(stray.clone());
        }
    }
    Ok(elsewhere)
}

/// What is at paths, at a commit.
pub(super) async fn files(
    api: &Api,
    limits: &GitLimits,
    commit: &CommitId,
    paths: &BTreeSet<RepoPath>,
) -> Result<BTreeMap<RepoPath, FileState>, RepoError> {
    let (paths, mut files): (Vec<&RepoPath>, _) = (paths.iter().collect(), BTreeMap::new());
    for paths in paths.chunks(FILES_MAX) {
        let found = at(api, Some(commit), paths).await?;
        collect(api, limits, &found, paths, &mut files).await?;
    }
    Ok(files)
}

/// The commit that the branch points to, with the fields of [`graphql::read`].
pub(super) async fn at(api: &Api, commit: Option<&CommitId>, paths: &[&RepoPath]) -> Result<Value, RepoError> {
    let names: Vec<&str> = paths.iter().map(|path| path.as_str()).collect();
    let folders = folders(paths);
    let folders: Vec<&str> = folders.iter().map(String::as_str).collect();
    let request = graphql::read(api, commit, &names, &folders);
    let answer = api.graphql("read the branch", &request).await.map_err(Failure::into_error)?;
    let data = graphql::data(api, &answer, false).await.map_err(Failure::into_error)?;
    let repository = data.get("repository").filter(|repository| !repository.is_null());
    let repository = repository.ok_or(RepoError::NotFound(Missing::Repository))?;
    let pointer = if commit.is_some() { "/object" } else { "/ref/target" };
    let found = repository.pointer(pointer).filter(|found| found.get("oid").is_some());
    found.cloned().ok_or(RepoError::NotFound(Missing::Branch))
}

/// Every folder on the way to one of the paths.
fn folders(paths: &[&RepoPath]) -> BTreeSet<String> {
    let mut folders = BTreeSet::new();
    for path in paths {
        let mut walked = path.as_str();
        while let Some((above, _)) = walked.rsplit_once('/') {
            folders.insert(above.to_owned());
            walked = above;
        }
    }
    folders
}

async fn collect(
    api: &Api,
    limits: &GitLimits,
    commit: &Value,
    paths: &[&RepoPath],
    files: &mut BTreeMap<RepoPath, FileState>,
) -> Result<(), RepoError> {
    let modes: BTreeMap<String, u64> = folders(paths)
        .into_iter()
        .enumerate()
        .filter_map(|(number, folder)| Some((folder, mode(commit.get(format!("d{number}"))?)?)))
        .collect();
    for (number, path) in paths.iter().enumerate() {
        let refused = refused_above(path, &modes);
        let state = match (refused, commit.get(format!("f{number}"))) {
            (Some(refusal), _) => FileState::Refused(refusal),
            (None, Some(entry)) if mode(entry).is_some() => file(api, limits, path, entry).await?,
            (None, _) => FileState::Absent,
        };
        files.insert((*path).clone(), state);
    }
    Ok(())
}

fn mode(entry: &Value) -> Option<u64> {
    entry.get("mode").and_then(Value::as_u64)
}

/// What is in the way above a path: only folders may be. Outermost first.
fn refused_above(path: &RepoPath, modes: &BTreeMap<String, u64>) -> Option<Refusal> {
    let parts: Vec<&str> = path.parts().collect();
    let above = (1..parts.len()).filter_map(|count| parts.get(..count)).map(|parts| parts.join("/"));
    above.into_iter().find_map(|folder| {
        let found = match *modes.get(&folder)? {
            FOLDER => return None,
            SYMLINK => RefusedKind::Symlink,
            SUBMODULE => RefusedKind::Submodule,
            _ => RefusedKind::File,
        };
        Some(Refusal { at: folder, found })
    })
}

async fn file(api: &Api, limits: &GitLimits, path: &RepoPath, entry: &Value) -> Result<FileState, RepoError> {
    let refused = |found| Ok(FileState::Refused(Refusal { at: path.to_string(), found }));
    match mode(entry) {
        Some(REGULAR | EXECUTABLE) => {}
        Some(FOLDER) => return refused(RefusedKind::Directory),
        Some(SYMLINK) => return refused(RefusedKind::Symlink),
        Some(SUBMODULE) => return refused(RefusedKind::Submodule),
        _ => return Err(RepoError::Protocol("a file has a mode that git does not know".into())),
    }
    let size = entry.pointer("/object/byteSize").and_then(Value::as_u64).unwrap_or_default();
    if usize::try_from(size).map_or(true, |size| size > limits.file_bytes_max) {
        return refused(RefusedKind::TooLarge);
    }
    let oid = oid(entry)?;
    let text = entry.pointer("/object/text").and_then(Value::as_str).unwrap_or_default();
    if is_content_of(&oid, text.as_bytes()) {
        return Ok(FileState::Regular(text.as_bytes().to_vec()));
    }
    // Cut, binary, or not UTF-8: the text is not the file, and the file is asked for byte for byte.
    let bytes = blob(api, &oid).await?;
    if is_content_of(&oid, &bytes) {
        Ok(FileState::Regular(bytes))
    } else {
        Err(RepoError::Protocol("it did not send the file that was asked for".into()))
    }
}

/// Whether these bytes have this id in git.
fn is_content_of(oid: &CommitId, bytes: &[u8]) -> bool {
    let found = gix_object::compute_hash(HashKind::Sha1, Kind::Blob, bytes);
    found.is_ok_and(|found| found.to_hex().to_string().as_str() == oid.as_str())
}

/// A file's bytes. [GitHub "Get a blob"]
async fn blob(api: &Api, oid: &CommitId) -> Result<Vec<u8>, RepoError> {
    let url = format!("{}/git/blobs/{oid}", api.address.repository());
    let raw = "application/vnd.github.raw+json";
    let reply = api.send("send a file", |client| client.get(&url).header(ACCEPT, raw)).await;
    let reply = reply.map_err(Failure::into_error)?;
    if reply.status != StatusCode::OK {
        return Err(RepoError::Protocol(format!("it could not send a file (HTTP {})", reply.status)));
    }
    Ok(reply.body)
}

/// The id of an object, which has the form of a commit's.
pub(super) fn oid(object: &Value) -> Result<CommitId, RepoError> {
    let text = object.get("oid").and_then(Value::as_str).unwrap_or_default();
    text.parse().map_err(|_| RepoError::Protocol("it sent an object without an id".into()))
}

/// The parents of a commit.
pub(super) fn parents(commit: &Value) -> Result<Vec<CommitId>, RepoError> {
    commit.pointer("/parents/nodes").and_then(Value::as_array).into_iter().flatten().map(oid).collect()
}
