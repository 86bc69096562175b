//! Git objects in memory, each under the id that its own bytes give.

use std::collections::HashMap;

use gix_hash::{Kind as HashKind, ObjectId};
use gix_object::Kind;

/// What an object takes besides its content: its id, its place in a map that is half empty at worst, and a place in the
/// list of a pack that is being read. Without it a pack of many small objects would take thirty times what is counted.
pub(crate) const OBJECT_BYTES: usize = 256;

/// One object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Object {
    pub(crate) kind: Kind,
    pub(crate) data: Vec<u8>,
}

/// A set of objects. It may be incomplete: an object that is not here may still exist at the server.
#[derive(Debug, Default, Clone)]
pub(crate) struct Objects {
    by_id: HashMap<ObjectId, Object>,
    bytes: usize,
}

impl Objects {
    /// Adds an object and returns its id. `None` if its bytes are an attack on SHA-1.
    pub(crate) fn add(&mut self, kind: Kind, data: Vec<u8>) -> Option<ObjectId> {
        let id = gix_object::compute_hash(HashKind::Sha1, kind, &data).ok()?;
        self.put(id, Object { kind, data });
        Some(id)
    }

    /// Adds all of `others`.
    pub(crate) fn absorb(&mut self, others: Self) {
        for (id, object) in others.by_id {
            self.put(id, object);
        }
    }

    /// The object with this id, whatever it is.
    pub(crate) fn get(&self, id: &ObjectId) -> Option<&Object> {
        self.by_id.get(id)
    }

    /// The bytes of the object with this id, if it is of this kind.
    pub(crate) fn data(&self, id: &ObjectId, kind: Kind) -> Option<&[u8]> {
        self.by_id.get(id).filter(|object| object.kind == kind).map(|object| object.data.as_slice())
    }

    /// Every object, in no particular order.
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = (Kind, &[u8])> {
        self.by_id.values().map(|object| (object.kind, object.data.as_slice()))
    }

    /// What all objects take together.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    fn put(&mut self, id: ObjectId, object: Object) {
        let size = object.data.len().saturating_add(OBJECT_BYTES);
        if self.by_id.insert(id, object).is_none() {
            self.bytes = self.bytes.saturating_add(size);
        }
    }
}
