//! Packs against git itself: it must unpack ours, and we must read its.

#![allow(clippy::unwrap_used)]

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use gix_hash::{Kind as HashKind, ObjectId};
use gix_object::Kind;
use proptest::prelude::*;

use super::*;
use crate::git::objects::{OBJECT_BYTES, Objects};

/// Runs git with `input` and returns what it prints.
fn git(directory: &Path, arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new("git")
        .current_dir(directory)
        .args(["-c", "init.defaultBranch=main", "-c", "user.name=t", "-c", "user.email=t@example.com"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    let _ = writer.join().unwrap();
    assert!(output.status.success(), "git {arguments:?}");
    output.stdout
}

/// A repository whose pack has many deltas: one file in forty versions.
fn repository_with_deltas() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    git(directory.path(), &["init", "-q"], b"");
    let mut text: Vec<String> = (0..400).map(|line| format!("line {line} {}", line * 7919)).collect();
    for version in 0..40 {
        text[version * 9] = format!("changed in version {version}");
        std::fs::write(directory.path().join("file"), text.join("\n")).unwrap();
        git(directory.path(), &["add", "file"], b"");
        git(directory.path(), &["commit", "-qm", "v"], b"");
    }
    directory
}

fn ids(directory: &Path) -> Vec<String> {
    let listed = git(directory, &["cat-file", "--batch-check=%(objectname)", "--batch-all-objects"], b"");
    String::from_utf8(listed).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn gits_own_packs_are_read_whole_whichever_way_they_name_a_deltas_base() {
    let repository = repository_with_deltas();
    let ids = ids(repository.path());
    for extra in [&["--delta-base-offset"][..], &[]] {
        let arguments = [&["pack-objects", "--stdout", "-q"][..], extra].concat();
        let pack = git(repository.path(), &arguments, ids.join("\n").as_bytes());
        let objects = read(Objects::default(), &pack, 1 << 24).unwrap();
        assert!(pack.len() * 4 < objects.bytes() - OBJECT_BYTES * ids.len(), "no deltas in {} bytes", pack.len());
        assert_eq!(objects.iter().len(), ids.len());
        for id in &ids {
            assert!(objects.get(&id.parse().unwrap()).is_some(), "{id}");
        }
    }
}

#[test]
fn the_bases_of_a_thin_pack_are_what_is_in_memory_already() {
    let repository = repository_with_deltas();
    let before = String::from_utf8(git(repository.path(), &["rev-parse", "HEAD~1"], b"")).unwrap();
    let all = git(repository.path(), &["pack-objects", "--stdout", "-q", "--revs"], before.as_bytes());
    let wanted = format!("HEAD\n^{before}");
    let thin = git(repository.path(), &["pack-objects", "--stdout", "-q", "--revs", "--thin"], wanted.as_bytes());
    assert!(read(Objects::default(), &thin, 1 << 24).is_err(), "it has no base outside");
    let known = read(Objects::default(), &all, 1 << 24).unwrap();
    let objects = read(known, &thin, 1 << 24).unwrap();
    assert_eq!(objects.iter().len(), ids(repository.path()).len());
}

#[test]
fn a_pack_larger_than_the_limit_is_refused_also_by_way_of_its_deltas() {
    let repository = repository_with_deltas();
    let ids = ids(repository.path());
    let pack = git(repository.path(), &["pack-objects", "--stdout", "-q"], ids.join("\n").as_bytes());
    let size = read(Objects::default(), &pack, usize::MAX).unwrap().bytes();
    assert!(read(Objects::default(), &pack, size).is_ok());
    for limit in [0, 100, size / 2, size - 1] {
        assert_eq!(read(Objects::default(), &pack, limit).unwrap_err(), PackError::TooLarge(limit));
    }
}

#[test]
fn a_pack_that_is_cut_or_changed_anywhere_is_refused() {
    let pack = write([(Kind::Blob, &b"one"[..]), (Kind::Blob, &b"two"[..])].into_iter()).unwrap();
    for position in 0..pack.len() {
        assert!(read(Objects::default(), &pack[..position], 10_000).is_err(), "cut at {position}");
        let mut changed = pack.clone();
        changed[position] ^= 0x40;
        assert!(read(Objects::default(), &changed, 10_000).is_err(), "changed at {position}");
    }
}

/// A pack whose every object but the last is a delta against the one behind it, which is the worst order there is.
fn reversed_chain(count: u32) -> (Vec<u8>, Vec<Vec<u8>>) {
    let contents: Vec<Vec<u8>> = (0..count).map(|number| format!("object {number:08}").into_bytes()).collect();
    let ids: Vec<ObjectId> =
        contents.iter().map(|data| gix_object::compute_hash(HashKind::Sha1, Kind::Blob, data).unwrap()).collect();
    let mut pack = [&b"PACK\0\0\0\x02"[..], &count.to_be_bytes()].concat();
    let mut entry = |head: &[u8], data: &[u8]| {
        pack.extend_from_slice(head);
        let mut zlib = flate2::write::ZlibEncoder::new(&mut pack, flate2::Compression::fast());
        zlib.write_all(data).unwrap();
        zlib.finish().unwrap();
    };
    let last = contents.len() - 1;
    for (data, base) in contents.iter().zip(&ids[1..]) {
        // 15 bytes of a base become these 15: one insertion of all of them.
        let delta = [&[15, 15, 15][..], data].concat();
        entry(&[&[(7 << 4) | 0x80 | 2, 1][..], base.as_slice()].concat(), &delta);
    }
    entry(&[(3 << 4) | 15], &contents[last]);
    let mut hasher = gix_hash::hasher(HashKind::Sha1);
    hasher.update(&pack);
    pack.extend_from_slice(hasher.try_finalize().unwrap().as_slice());
    (pack, contents)
}

#[test]
fn deltas_in_the_worst_order_are_each_applied_once() {
    // In rounds over all that wait this took minutes, and 20,000 rounds of 20,000.
    let (pack, contents) = reversed_chain(20_000);
    let before = delta::applied();
    let objects = read(Objects::default(), &pack, 1 << 24).unwrap();
    assert_eq!(delta::applied() - before, contents.len() - 1);
    assert_eq!(objects.iter().len(), contents.len());
    let directory = tempfile::tempdir().unwrap();
    git(directory.path(), &["init", "-q", "--bare"], b"");
    let (small, _) = reversed_chain(50);
    git(directory.path(), &["index-pack", "--stdin", "--strict"], &small);
}

#[test]
fn small_objects_count_with_what_they_take_and_their_number_is_bounded() {
    let (pack, contents) = reversed_chain(1_000);
    let size = read(Objects::default(), &pack, usize::MAX).unwrap().bytes();
    assert_eq!(size, contents.len() * (15 + OBJECT_BYTES));
    // What waits counts, too: at the worst moment all but one delta wait.
    assert_eq!(read(Objects::default(), &pack, size / 2).unwrap_err(), PackError::TooLarge(size / 2));
    let mut many = b"PACK\0\0\0\x02\xff\xff\xff\xff".to_vec();
    let mut hasher = gix_hash::hasher(HashKind::Sha1);
    hasher.update(&many);
    many.extend_from_slice(hasher.try_finalize().unwrap().as_slice());
    assert_eq!(read(Objects::default(), &many, 1 << 28).unwrap_err(), PackError::TooLarge(1 << 28));
}

/// Bytes of any size class: the header's size takes one byte up to 15, two up to 2,047, three beyond.
fn contents() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..20),
        prop::collection::vec(any::<u8>(), 2040..2056),
        (any::<u8>(), 30_000_usize..70_000).prop_map(|(byte, length)| vec![byte; length]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn git_indexes_every_pack_that_we_write(blobs in prop::collection::vec(contents(), 1..6)) {
        let mut objects = Objects::default();
        let ids: Vec<String> = blobs.iter().map(|b| objects.add(Kind::Blob, b.clone()).unwrap().to_string()).collect();
        let pack = write(objects.iter()).unwrap();
        let directory = tempfile::tempdir().unwrap();
        git(directory.path(), &["init", "-q", "--bare"], b"");
        git(directory.path(), &["index-pack", "--stdin", "--strict"], &pack);
        for (id, blob) in ids.iter().zip(&blobs) {
            prop_assert_eq!(&git(directory.path(), &["cat-file", "blob", id], b""), blob);
        }
        prop_assert_eq!(read(Objects::default(), &pack, 1 << 20).unwrap().iter().len(), objects.iter().len());
    }

    #[test]
    fn any_bytes_with_a_right_checksum_are_refused_or_read_without_a_panic(
        count in 0_u8..4, body in prop::collection::vec(any::<u8>(), 0..80)
    ) {
        let mut pack = [&b"PACK\0\0\0\x02\0\0\0"[..], &[count], &body].concat();
        let mut hasher = gix_hash::hasher(gix_hash::Kind::Sha1);
        hasher.update(&pack);
        pack.extend_from_slice(hasher.try_finalize().unwrap().as_slice());
        if let Ok(objects) = read(Objects::default(), &pack, 2000) {
            prop_assert!(objects.bytes() <= 2000);
        }
    }
}
