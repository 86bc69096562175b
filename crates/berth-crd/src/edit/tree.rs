//! Where each node of a document stands in its text.

use granit_parser::{Event, Parser, Span, StructureStyle};

use super::{Unkeepable, line_end};

/// A node and the bytes that it takes. A collection in block style ends with the last of its values.
pub(crate) struct Node {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) kind: Kind,
}

pub(super) enum Kind {
    Scalar,
    /// Of an anchor that stands elsewhere.
    Alias,
    Mapping {
        is_flow: bool,
        entries: Vec<Entry>,
    },
    Sequence {
        is_flow: bool,
        items: Vec<Item>,
    },
}

/// A key with its value.
pub(super) struct Entry {
    pub(super) key: String,
    /// Where the key begins.
    pub(super) start: usize,
    /// After the colon.
    pub(super) colon: usize,
    pub(super) value: Node,
}

/// An item of a sequence. In flow style it begins with its value, in block style with its dash.
pub(super) struct Item {
    pub(super) start: usize,
    pub(super) value: Node,
}

impl Node {
    /// Where it begins in the text.
    pub(crate) fn start(&self) -> usize {
        self.start
    }

    /// The value of a key; none when it is not written here, as behind an alias.
    pub(crate) fn value_of(&self, key: &str) -> Option<&Self> {
        let Kind::Mapping { entries, .. } = &self.kind else { return None };
        entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    /// The item of that place in a sequence.
    pub(crate) fn item(&self, index: usize) -> Option<&Self> {
        let Kind::Sequence { items, .. } = &self.kind else { return None };
        items.get(index).map(|item| &item.value)
    }
}

struct Builder<'a> {
    text: &'a str,
    events: std::vec::IntoIter<(Event<'a>, Span)>,
}

/// Reads the places of the one document of a text that has a value.
pub(crate) fn read(text: &str) -> Result<Node, Unkeepable> {
    let mut events = Vec::new();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|_| Unkeepable("a part that cannot be read"))?;
        if is_node_or_end(&event) {
            events.push((event, span));
        }
    }
    let mut builder = Builder { text, events: events.into_iter() };
    loop {
        let node = builder.node(0)?;
        // Whoever reads the text has passed over documents without a value, and found one with more than a scalar.
        if !matches!(node.kind, Kind::Scalar) || builder.events.len() == 0 {
            return Ok(node);
        }
    }
}

fn is_node_or_end(event: &Event<'_>) -> bool {
    event.is_node() || matches!(event, Event::SequenceEnd | Event::MappingEnd)
}

impl Builder<'_> {
    /// The next node, which stands behind `from`.
    fn node(&mut self, from: usize) -> Result<Node, Unkeepable> {
        let (event, span) = self.events.next().ok_or(Unkeepable("no content"))?;
        let range = span.byte_range().ok_or(Unkeepable("a node without a place"))?;
        match event {
            // What is left out stands nowhere: it is where the text before it ends.
            Event::Scalar(text, ..) if text.is_empty() && range.is_empty() => {
                Ok(Node { start: from, end: from, kind: Kind::Scalar })
            }
            Event::Scalar(..) => {
                let end = range.start + self.text.get(range.clone()).unwrap_or_default().trim_end().len();
                Ok(Node { start: range.start, end, kind: Kind::Scalar })
            }
            Event::Alias(_) => Ok(Node { start: range.start, end: range.end, kind: Kind::Alias }),
            Event::MappingStart(style, ..) => self.mapping(range.start, style == StructureStyle::Flow),
            Event::SequenceStart(style, ..) => self.sequence(range.start, from, style == StructureStyle::Flow),
            _ => Err(Unkeepable("a node of an unknown kind")),
        }
    }

    fn mapping(&mut self, start: usize, is_flow: bool) -> Result<Node, Unkeepable> {
        let (mut end, mut entries) = (start, Vec::new());
        while let Some((event, span)) = self.events.next() {
            let range = span.byte_range().ok_or(Unkeepable("a node without a place"))?;
            let key = match event {
                Event::MappingEnd => {
                    let end = if is_flow { range.end } else { end };
                    return Ok(Node { start, end, kind: Kind::Mapping { is_flow, entries } });
                }
                Event::Scalar(text, ..) => text.into_owned(),
                _ => return Err(Unkeepable("a key that is not a text")),
            };
            let colon = self.colon_after(range.end)?;
            let value = self.node(colon)?;
            end = value.end;
            entries.push(Entry { key, start: range.start, colon, value });
        }
        Err(Unkeepable("a mapping without an end"))
    }

    fn sequence(&mut self, start: usize, from: usize, is_flow: bool) -> Result<Node, Unkeepable> {
        let (mut end, mut items) = (from, Vec::new());
        loop {
            let next = self.events.as_slice().first().ok_or(Unkeepable("a sequence without an end"))?;
            if matches!(next.0, Event::SequenceEnd) {
                let range = next.1.byte_range().ok_or(Unkeepable("a node without a place"))?;
                self.events.next();
                let (start, end) = if is_flow { (start, range.end) } else { (from, end) };
                return Ok(Node { start, end, kind: Kind::Sequence { is_flow, items } });
            }
            if is_flow {
                let value = self.node(end)?;
                end = value.end;
                items.push(Item { start: value.start, value });
            } else {
                let dash = self.dash_after(end)?;
                let value = self.node(dash + 1)?;
                end = value.end;
                items.push(Item { start: dash, value });
            }
        }
    }

    /// The end of the colon that follows a key. A key without one (`? key`, `{a}`) is not edited.
    fn colon_after(&self, from: usize) -> Result<usize, Unkeepable> {
        let rest = self.text.get(from..).unwrap_or_default();
        let blank = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        let is_colon = rest.as_bytes().get(blank) == Some(&b':');
        if is_colon { Ok(from + blank + 1) } else { Err(Unkeepable("a key without a colon behind it")) }
    }

    /// The first dash that is no part of a comment.
    fn dash_after(&self, from: usize) -> Result<usize, Unkeepable> {
        let bytes = self.text.as_bytes();
        let mut at = from;
        while let Some(byte) = bytes.get(at) {
            match byte {
                b'-' => return Ok(at),
                b'#' => at = line_end(self.text, at),
                _ => at += 1,
            }
        }
        Err(Unkeepable("an item without a dash"))
    }
}
