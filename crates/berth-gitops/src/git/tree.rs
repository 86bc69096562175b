//! Finds paths in git trees, and makes the trees of a commit from those of its parent.

use std::collections::BTreeMap;

use gix_hash::{Kind as HashKind, ObjectId};
use gix_object::{
    Kind, Tree, TreeRef, WriteTo,
    tree::{Entry, EntryKind},
};

use super::objects::Objects;
use crate::{Change, Refusal, RefusedKind, RepoPath};

/// What a path leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    Absent,
    File(ObjectId),
    Refused(Refusal),
}

/// Why a tree cannot be read or made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TreeError {
    /// This object is not in memory: the server kept it back, or memory is incomplete.
    Lacking,
    /// It is there, and it is not a tree that git would make.
    Malformed,
}

/// Follows `path` down from `root`. Only trees may be on the way, and only a regular file at its end.
pub(crate) fn find(objects: &Objects, root: ObjectId, path: &RepoPath) -> Result<Found, TreeError> {
    let mut folder = root;
    let mut walked = String::new();
    let mut parts = path.parts().peekable();
    while let Some(part) = parts.next() {
        if !walked.is_empty() {
            walked.push('/');
        }
        walked.push_str(part);
        let entries = entries(objects, folder)?;
        let Some(entry) = entries.iter().find(|entry| entry.filename == part) else { return Ok(Found::Absent) };
        let is_last = parts.peek().is_none();
        let found = match (entry.mode.kind(), is_last) {
            (EntryKind::Tree, false) => {
                folder = entry.oid;
                continue;
            }
            (EntryKind::Blob | EntryKind::BlobExecutable, true) => return Ok(Found::File(entry.oid)),
            (EntryKind::Tree, true) => RefusedKind::Directory,
            (EntryKind::Blob | EntryKind::BlobExecutable, false) => RefusedKind::File,
            (EntryKind::Link, _) => RefusedKind::Symlink,
            (EntryKind::Commit, _) => RefusedKind::Submodule,
        };
        return Ok(Found::Refused(Refusal { at: walked, found }));
    }
    Ok(Found::Absent)
}

/// Folders below a cluster's that are looked into: nobody nests deeper on purpose.
const DEPTH_MAX: usize = 12;

/// Every regular file in the folder `walked` and below that `is_wanted` by its path.
pub(crate) fn files_below(
    objects: &Objects,
    root: ObjectId,
    walked: &str,
    is_wanted: &dyn Fn(&str) -> bool,
) -> Result<Vec<(String, ObjectId)>, TreeError> {
    let mut folder = root;
    for part in walked.split('/').filter(|part| !part.is_empty()) {
        let entries = entries(objects, folder)?;
        let found = entries.iter().find(|entry| entry.filename == part && entry.mode.is_tree());
        let Some(found) = found else { return Ok(Vec::new()) };
        folder = found.oid;
    }
    let (mut found, mut left) = (Vec::new(), vec![(walked.to_owned(), folder, 0)]);
    while let Some((walked, folder, depth)) = left.pop() {
        for entry in entries(objects, folder)? {
            let path = format!("{walked}{}", entry.filename);
            match entry.mode.kind() {
                EntryKind::Tree if depth < DEPTH_MAX => left.push((format!("{path}/"), entry.oid, depth + 1)),
                EntryKind::Blob | EntryKind::BlobExecutable if is_wanted(&path) => found.push((path, entry.oid)),
                _ => {}
            }
        }
    }
    found.sort();
    Ok(found)
}

/// What an edit makes of one name in a folder.
enum Wanted {
    File(ObjectId),
    Gone,
    Folder(BTreeMap<String, Wanted>),
}

/// The root tree that `changes` make of `root`. Trees and blobs that are new are added to `new`.
pub(crate) fn edit(
    objects: &Objects,
    root: ObjectId,
    changes: &[Change],
    new: &mut Objects,
) -> Result<ObjectId, TreeError> {
    let mut wanted = BTreeMap::new();
    for change in changes {
        let leaf = match change {
            Change::Write { bytes, .. } => {
                Wanted::File(new.add(Kind::Blob, bytes.clone()).ok_or(TreeError::Malformed)?)
            }
            Change::Delete { .. } => Wanted::Gone,
        };
        let parts: Vec<&str> = change.path().parts().collect();
        plant(&mut wanted, &parts, leaf);
    }
    match edit_folder(objects, Some(root), wanted, new)? {
        Some(root) => Ok(root),
        None => write(Vec::new(), new),
    }
}

/// Puts `leaf` where `parts` lead to; what was wanted there before is replaced.
fn plant(folder: &mut BTreeMap<String, Wanted>, parts: &[&str], leaf: Wanted) {
    let Some((first, rest)) = parts.split_first() else { return };
    if rest.is_empty() {
        folder.insert((*first).to_owned(), leaf);
        return;
    }
    let below = folder.entry((*first).to_owned()).or_insert_with(|| Wanted::Folder(BTreeMap::new()));
    if let Wanted::Folder(below) = below {
        plant(below, rest, leaf);
    }
}

/// One folder after its edit; `None` if nothing is left in it. As deep as a [`RepoPath`], so recursion is bounded.
fn edit_folder(
    objects: &Objects,
    folder: Option<ObjectId>,
    wanted: BTreeMap<String, Wanted>,
    new: &mut Objects,
) -> Result<Option<ObjectId>, TreeError> {
    let mut after = match folder {
        Some(folder) => entries(objects, folder)?,
        None => Vec::new(),
    };
    for (name, wanted) in wanted {
        let position = after.iter().position(|entry| entry.filename == name.as_str());
        let before = position.map(|position| after.swap_remove(position));
        let (kind, oid) = match wanted {
            Wanted::Gone => continue,
            Wanted::File(oid) => (EntryKind::Blob, oid),
            Wanted::Folder(below) => {
                let folder = before.filter(|entry| entry.mode.is_tree()).map(|entry| entry.oid);
                match edit_folder(objects, folder, below, new)? {
                    Some(oid) => (EntryKind::Tree, oid),
                    None => continue,
                }
            }
        };
        after.push(Entry { mode: kind.into(), filename: name.into(), oid });
    }
    if after.is_empty() { Ok(None) } else { write(after, new).map(Some) }
}

fn entries(objects: &Objects, tree: ObjectId) -> Result<Vec<Entry>, TreeError> {
    // The empty tree exists everywhere, and servers do not always send it.
    if tree.is_empty_tree() {
        return Ok(Vec::new());
    }
    let data = objects.data(&tree, Kind::Tree).ok_or(TreeError::Lacking)?;
    let tree = TreeRef::from_bytes(data, HashKind::Sha1).map_err(|_| TreeError::Malformed)?;
    Ok(tree.into_owned().entries)
}

fn write(mut entries: Vec<Entry>, new: &mut Objects) -> Result<ObjectId, TreeError> {
    // `Entry` is ordered as git orders a tree: folders as if their names ended with a slash.
    entries.sort();
    let mut data = Vec::new();
    Tree { entries }.write_to(&mut data).map_err(|_| TreeError::Malformed)?;
    new.add(Kind::Tree, data).ok_or(TreeError::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(tenant: &str) -> RepoPath {
        RepoPath::for_tenant(&"dev".parse().unwrap(), &tenant.parse().unwrap())
    }

    fn write_change(tenant: &str, text: &str) -> Change {
        Change::Write { path: path(tenant), bytes: text.as_bytes().to_vec() }
    }

    fn delete(tenant: &str) -> Change {
        Change::Delete { path: path(tenant) }
    }

    fn edited(objects: &mut Objects, root: ObjectId, changes: &[Change]) -> ObjectId {
        let mut new = Objects::default();
        let root = edit(objects, root, changes, &mut new).unwrap();
        objects.absorb(new);
        root
    }

    #[test]
    fn what_is_written_is_found_and_what_is_deleted_leaves_no_folder_behind() {
        let mut objects = Objects::default();
        let empty = ObjectId::empty_tree(HashKind::Sha1);
        let one = edited(&mut objects, empty, &[write_change("a", "1")]);
        let two = edited(&mut objects, one, &[write_change("b", "2")]);
        assert!(matches!(find(&objects, two, &path("a")), Ok(Found::File(_))));
        assert!(matches!(find(&objects, two, &path("b")), Ok(Found::File(_))));
        assert_eq!(find(&objects, two, &path("c")), Ok(Found::Absent));
        assert_eq!(edited(&mut objects, two, &[delete("b"), delete("c")]), one);
        assert_eq!(edited(&mut objects, one, &[delete("a")]), empty);
    }

    #[test]
    fn files_are_found_wherever_they_are_below_a_folder() {
        let mut objects = Objects::default();
        let empty = ObjectId::empty_tree(HashKind::Sha1);
        let root = edited(&mut objects, empty, &[write_change("a", "1"), write_change("b", "2")]);
        let named_b = |path: &str| path.ends_with("/b.yaml");
        let found = files_below(&objects, root, "clusters/dev/", &named_b).unwrap();
        assert_eq!(found.iter().map(|(found, _)| found.as_str()).collect::<Vec<_>>(), [path("b").as_str()]);
        assert_eq!(files_below(&objects, root, "clusters/other/", &named_b), Ok(Vec::new()));
    }

    #[test]
    fn the_same_bytes_give_the_same_tree_whatever_the_order() {
        let mut objects = Objects::default();
        let empty = ObjectId::empty_tree(HashKind::Sha1);
        let changes: Vec<Change> = (0..50).map(|n| write_change(&format!("t{n}"), "x")).collect();
        let forward = edited(&mut objects, empty, &changes);
        let reversed: Vec<Change> = changes.into_iter().rev().collect();
        assert_eq!(edited(&mut objects, empty, &reversed), forward);
    }

    #[test]
    fn a_tree_that_is_not_in_memory_is_lacking_and_not_absent() {
        let elsewhere = ObjectId::from_hex(b"0123456789abcdef0123456789abcdef01234567").unwrap();
        assert_eq!(find(&Objects::default(), elsewhere, &path("a")), Err(TreeError::Lacking));
    }
}
