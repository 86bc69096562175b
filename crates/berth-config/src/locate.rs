//! Where in the text each value stands: a map from the path of a value to its line and column.
//!
//! The checks look at plain types and name a path; this finds the position. So the types need no wrapper around every
//! field, and a check cannot forget its line.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};

/// A line and a column, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    /// Line.
    pub(crate) line: u64,
    /// Column, in characters.
    pub(crate) column: u64,
}

impl Position {
    /// The very start of the text: the position of what has no other.
    pub(crate) const START: Self = Self { line: 1, column: 1 };
}

impl From<Location> for Position {
    fn from(location: Location) -> Self {
        // The parser says line 0 where it does not know.
        Self { line: location.line().max(1), column: location.column().max(1) }
    }
}

/// Where one value stands.
#[derive(Debug, Clone, Copy)]
struct Spot {
    /// Where a person looks for it: at the alias, if it came by one.
    shown: Position,
    /// Where it was written: at the anchor, if it came by an alias.
    written: Position,
}

/// The positions of all values of a document.
#[derive(Debug, Default)]
pub(crate) struct Positions {
    spots: BTreeMap<String, Spot>,
    /// Where keys and values start, with their paths.
    starts: Vec<(Position, String)>,
    keys: BTreeSet<Position>,
}

impl Positions {
    /// Walks the tree once.
    pub(crate) fn of(root: &Spanned<Node>) -> Self {
        let mut positions = Self::default();
        positions.walk("", &root.value);
        positions
    }

    fn walk(&mut self, path: &str, node: &Node) {
        match node {
            Node::Scalar => {}
            Node::Sequence(items) => {
                for (n, item) in items.iter().enumerate() {
                    let spot = Spot { shown: item.referenced.into(), written: item.defined.into() };
                    self.add(&format!("{path}[{n}]"), spot, &item.value);
                }
            }
            Node::Mapping(entries) => {
                for (key, item) in entries {
                    // A nested mapping starts one line below its key: the key is where a person looks.
                    let (shown, written) = match item.value {
                        Node::Scalar => (item.referenced, item.defined),
                        Node::Sequence(_) | Node::Mapping(_) => (key.referenced, item.defined),
                    };
                    let path = child(path, &key.value);
                    self.starts.push((key.referenced.into(), path.clone()));
                    self.keys.insert(key.referenced.into());
                    self.add(&path, Spot { shown: shown.into(), written: written.into() }, &item.value);
                }
            }
        }
    }

    fn add(&mut self, path: &str, spot: Spot, node: &Node) {
        self.starts.push((spot.shown, path.to_owned()));
        self.spots.insert(path.to_owned(), spot);
        self.walk(path, node);
    }

    /// Where to point a person to, and where the value was written. When the document has no such value (a missing
    /// field), those of the nearest value above it.
    pub(crate) fn find(&self, path: &str) -> (Position, Position) {
        let mut path = path;
        while !path.is_empty() {
            if let Some(spot) = self.spots.get(path) {
                return (spot.shown, spot.written);
            }
            path = parent(path);
        }
        (Position::START, Position::START)
    }

    /// Whether the document has a value there.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.spots.contains_key(path)
    }

    /// Where the key of a field stands; none for an item of a list, and for what is not there.
    pub(crate) fn key_of(&self, path: &str) -> Option<Position> {
        let starts = self.starts.iter().filter(|(start, known)| known == path && self.keys.contains(start));
        starts.map(|(start, _)| *start).next()
    }

    /// The path of the innermost value whose key or text starts last before, or at, a position.
    pub(crate) fn path_at(&self, position: Position) -> &str {
        let before = self.starts.iter().filter(|(start, _)| *start <= position);
        before.max_by_key(|(start, path)| (*start, path.len())).map_or("", |(_, path)| path.as_str())
    }

    /// The last value that starts before the key at a position: the parser reports a text where fields should be at the
    /// key that follows it. None when no key is there.
    pub(crate) fn value_before_key(&self, position: Position) -> Option<&str> {
        let is_key = self.keys.contains(&position);
        let before = self.starts.iter().filter(|(start, _)| is_key && *start < position);
        before.max_by_key(|(start, path)| (*start, path.len())).map(|(_, path)| path.as_str())
    }

    /// The path of the mapping that starts at a position: a block mapping starts where its first key does.
    pub(crate) fn mapping_at(&self, position: Position) -> &str {
        let path = self.path_at(position);
        if self.keys.contains(&position) { parent(path) } else { path }
    }
}

/// The path of what holds a value.
pub(crate) fn parent(path: &str) -> &str {
    path.rfind(['.', '[']).and_then(|end| path.get(..end)).unwrap_or_default()
}

/// The path of a field.
pub(crate) fn child(path: &str, field: &str) -> String {
    if path.is_empty() { field.to_owned() } else { format!("{path}.{field}") }
}

/// The outline of a document: what holds what, and where.
#[derive(Debug)]
pub(crate) enum Node {
    /// A text, number, boolean or nothing.
    Scalar,
    /// A list.
    Sequence(Vec<Spanned<Node>>),
    /// Fields.
    Mapping(Vec<(Spanned<String>, Spanned<Node>)>),
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Outline)
    }
}

/// Reads any value and keeps its outline.
struct Outline;

impl<'de> Visitor<'de> for Outline {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_i128<E: Error>(self, _: i128) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_u128<E: Error>(self, _: u128) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_bytes<E: Error>(self, _: &[u8]) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_none<E: Error>(self) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_unit<E: Error>(self) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Node::Sequence(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Node::Mapping(entries))
    }
}
