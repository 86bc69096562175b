//! Reads a pack into memory, resolving deltas, within a limit on what all objects take.
//!
//! A delta whose base comes later waits under the name of that base, so that each one is applied once, in whatever order
//! the pack has them.

use std::{collections::HashMap, io::Read};

use flate2::bufread::ZlibDecoder;
use gix_hash::{Kind as HashKind, ObjectId};
use gix_object::Kind;

use super::{PackError, delta};
use crate::git::objects::{OBJECT_BYTES, Objects};

const TRUNCATED: PackError = PackError::Malformed("truncated");

/// What an entry is: an object, or a delta against one.
enum Entry {
    Whole(Kind),
    Delta(Base),
}

/// How a delta names its base.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Base {
    /// The object whose entry begins at this offset.
    At(usize),
    /// The object with this id.
    Named(ObjectId),
}

/// A delta whose base comes later in the pack.
struct Waiting {
    offset: usize,
    delta: Vec<u8>,
}

/// What a waiting delta takes besides its bytes: itself and its share of the map.
const WAITING_BYTES: usize = 192;

/// Adds all objects of `pack` to `objects`, which together may not take more than `bytes_max` bytes. The bases of the
/// pack's deltas are in the pack or, if it is a thin one, in `objects`.
pub(crate) fn read(objects: Objects, pack: &[u8], bytes_max: usize) -> Result<Objects, PackError> {
    let reader = read_all(objects, pack, bytes_max)?;
    if reader.waiting.is_empty() { Ok(reader.objects) } else { Err(PackError::Malformed("delta without its base")) }
}

/// As [`read`], for a pack whose bases may be elsewhere: what can be made without them, and whether that is all.
pub(crate) fn read_some(pack: &[u8], bytes_max: usize) -> Result<(Objects, bool), PackError> {
    let reader = read_all(Objects::default(), pack, bytes_max)?;
    let is_whole = reader.waiting.is_empty();
    Ok((reader.objects, is_whole))
}

fn read_all(objects: Objects, pack: &[u8], bytes_max: usize) -> Result<Reader, PackError> {
    let body = checked_body(pack)?;
    let count = header(body)?;
    let mut reader =
        Reader { objects, by_offset: HashMap::new(), waiting: HashMap::new(), waiting_bytes: 0, bytes_max };
    // Also the smallest objects take their place: their number is bounded before the first one is read.
    if usize::try_from(count).unwrap_or(usize::MAX).saturating_mul(OBJECT_BYTES) > reader.room() {
        return Err(PackError::TooLarge(bytes_max));
    }
    let mut offset = 12;
    for _ in 0..count {
        offset = reader.entry(body, offset)?;
    }
    if offset != body.len() {
        return Err(PackError::Malformed("bytes after the last object"));
    }
    Ok(reader)
}

/// The pack without its checksum, which must be right.
fn checked_body(pack: &[u8]) -> Result<&[u8], PackError> {
    let (body, checksum) = pack.split_at_checked(pack.len().saturating_sub(20)).ok_or(TRUNCATED)?;
    let mut hasher = gix_hash::hasher(HashKind::Sha1);
    hasher.update(body);
    match hasher.try_finalize() {
        Ok(actual) if actual.as_slice() == checksum => Ok(body),
        _ => Err(PackError::Malformed("wrong checksum")),
    }
}

fn header(body: &[u8]) -> Result<u32, PackError> {
    let rest = body.strip_prefix(b"PACK\0\0\0\x02").ok_or(PackError::Malformed("not a pack of version 2"))?;
    Ok(u32::from_be_bytes(*rest.first_chunk::<4>().ok_or(TRUNCATED)?))
}

struct Reader {
    objects: Objects,
    by_offset: HashMap<usize, ObjectId>,
    waiting: HashMap<Base, Vec<Waiting>>,
    waiting_bytes: usize,
    bytes_max: usize,
}

impl Reader {
    /// Reads the entry at `offset` and returns where the next one begins.
    fn entry(&mut self, body: &[u8], offset: usize) -> Result<usize, PackError> {
        let mut rest = body.get(offset..).ok_or(TRUNCATED)?;
        let (entry, size) = entry_header(&mut rest, offset)?;
        if size > self.room() {
            return Err(PackError::TooLarge(self.bytes_max));
        }
        let (data, consumed) = inflate(rest, size)?;
        match entry {
            Entry::Whole(kind) => self.keep(offset, kind, data)?,
            Entry::Delta(base) => {
                let delta = Waiting { offset, delta: data };
                if let Some(base) = self.known(base) {
                    let (kind, made) = self.applied(&delta, base)?;
                    self.keep(offset, kind, made)?;
                } else {
                    self.wait(base, delta)?;
                }
            }
        }
        Ok(body.len() - rest.len() + consumed)
    }

    fn wait(&mut self, base: Base, delta: Waiting) -> Result<(), PackError> {
        self.waiting_bytes += delta.delta.len() + WAITING_BYTES;
        if self.waiting_bytes > self.bytes_max {
            return Err(PackError::TooLarge(self.bytes_max));
        }
        self.waiting.entry(base).or_default().push(delta);
        Ok(())
    }

    /// Keeps an object, and all that were waiting for it, and for them.
    fn keep(&mut self, offset: usize, kind: Kind, data: Vec<u8>) -> Result<(), PackError> {
        let mut next = vec![(self.put(offset, kind, data)?, offset)];
        while let Some((id, offset)) = next.pop() {
            for base in [Base::At(offset), Base::Named(id)] {
                for delta in self.waiting.remove(&base).unwrap_or_default() {
                    self.waiting_bytes -= delta.delta.len() + WAITING_BYTES;
                    let (kind, made) = self.applied(&delta, id)?;
                    next.push((self.put(delta.offset, kind, made)?, delta.offset));
                }
            }
        }
        Ok(())
    }

    /// The id of a base that is there already.
    fn known(&self, base: Base) -> Option<ObjectId> {
        match base {
            Base::At(offset) => self.by_offset.get(&offset).copied(),
            Base::Named(id) => self.objects.get(&id).map(|_| id),
        }
    }

    /// What a delta makes of its base.
    fn applied(&self, delta: &Waiting, base: ObjectId) -> Result<(Kind, Vec<u8>), PackError> {
        let base = self.objects.get(&base).ok_or(PackError::Malformed("delta without its base"))?;
        let made = delta::apply(&base.data, &delta.delta, self.room()).map_err(|error| match error {
            PackError::TooLarge(_) => PackError::TooLarge(self.bytes_max),
            PackError::Malformed(_) => error,
        })?;
        Ok((base.kind, made))
    }

    fn put(&mut self, offset: usize, kind: Kind, data: Vec<u8>) -> Result<ObjectId, PackError> {
        if data.len().saturating_add(OBJECT_BYTES) > self.room() {
            return Err(PackError::TooLarge(self.bytes_max));
        }
        let id = self.objects.add(kind, data).ok_or(PackError::Malformed("colliding object"))?;
        self.by_offset.insert(offset, id);
        Ok(id)
    }

    fn room(&self) -> usize {
        self.bytes_max.saturating_sub(self.objects.bytes()).saturating_sub(self.waiting_bytes)
    }
}

/// Type, base and inflated size of the entry at `offset`; moves `rest` to its compressed bytes.
fn entry_header(rest: &mut &[u8], offset: usize) -> Result<(Entry, usize), PackError> {
    let first = byte(rest)?;
    let mut size = usize::from(first & 0x0f);
    let mut more = first & 0x80 != 0;
    let mut shift = 4;
    while more {
        let next = byte(rest)?;
        if shift >= usize::BITS {
            return Err(PackError::Malformed("size"));
        }
        size |= usize::from(next & 0x7f) << shift;
        more = next & 0x80 != 0;
        shift += 7;
    }
    let entry = match (first >> 4) & 7 {
        1 => Entry::Whole(Kind::Commit),
        2 => Entry::Whole(Kind::Tree),
        3 => Entry::Whole(Kind::Blob),
        4 => Entry::Whole(Kind::Tag),
        6 => Entry::Delta(Base::At(offset.checked_sub(distance(rest)?).ok_or(PackError::Malformed("delta offset"))?)),
        7 => {
            let (id, after) = rest.split_at_checked(20).ok_or(TRUNCATED)?;
            *rest = after;
            Entry::Delta(Base::Named(ObjectId::try_from(id).map_err(|_| TRUNCATED)?))
        }
        _ => return Err(PackError::Malformed("type")),
    };
    Ok((entry, size))
}

/// How far back the base of an offset delta begins: seven bits a byte, highest first, one added at each step.
fn distance(rest: &mut &[u8]) -> Result<usize, PackError> {
    const FAR: PackError = PackError::Malformed("delta offset");
    let mut next = byte(rest)?;
    let mut distance = usize::from(next & 0x7f);
    while next & 0x80 != 0 {
        next = byte(rest)?;
        distance = distance.checked_add(1).and_then(|d| d.checked_mul(128)).ok_or(FAR)? | usize::from(next & 0x7f);
    }
    Ok(distance)
}

/// The inflated bytes, exactly `size` of them, and how many compressed bytes they took.
fn inflate(compressed: &[u8], size: usize) -> Result<(Vec<u8>, usize), PackError> {
    let mut decoder = ZlibDecoder::new(compressed);
    let mut data = Vec::new();
    // One byte more than promised: reading to the stream's end checks its checksum, and a longer stream shows.
    let limit = u64::try_from(size).unwrap_or(u64::MAX).saturating_add(1);
    decoder.by_ref().take(limit).read_to_end(&mut data).map_err(|_| PackError::Malformed("compressed data"))?;
    if data.len() != size {
        return Err(PackError::Malformed("object size"));
    }
    let consumed = usize::try_from(decoder.total_in()).map_err(|_| TRUNCATED)?;
    Ok((data, consumed))
}

fn byte(rest: &mut &[u8]) -> Result<u8, PackError> {
    let (first, after) = rest.split_first().ok_or(TRUNCATED)?;
    *rest = after;
    Ok(*first)
}
