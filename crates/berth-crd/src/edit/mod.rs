//! Changes a document where its values differ, and leaves everything else in the text as it is: comments, order, blank
//! lines, quotes.
//!
//! The parser says where each node stands (`tree`); a value that differs is replaced there, a new one goes behind its
//! neighbour, a line of a value that is gone is taken out (`block` and `flow`, the two styles of YAML). The result is read
//! back, and must be exactly the wanted document: an edit that would mean anything else is never written.

mod block;
mod flow;
pub(crate) mod tree;

use serde_json::{Map, Value};

use self::tree::{Entry, Item, Kind, Node};
use crate::yaml;

/// What stands in a document that cannot be edited without losing something: an alias to what changes, a key without a
/// colon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unkeepable(pub(crate) &'static str);

/// One replacement of a range of bytes.
struct Replacement {
    start: usize,
    end: usize,
    text: String,
}

struct Editor<'a> {
    text: &'a str,
    newline: &'static str,
    /// Whether sequences in mappings are indented more than their key.
    is_indented: bool,
    replacements: Vec<Replacement>,
}

/// Keys by which items of a list are the same item, by the name of the list's field.
const ITEM_KEYS: [(&str, &[&str]); 6] = [
    ("accounts", &["environment"]),
    ("namespaces", &["name"]),
    ("networks", &["region"]),
    ("owners", &["kind", "name"]),
    ("roles", &["name"]),
    ("workloads", &["namespace", "serviceAccount"]),
];

/// The text with `after` in place of `before`, which it means now.
pub(crate) fn edit(text: &str, before: &Value, after: &Value) -> Result<String, Unkeepable> {
    let root = tree::read(text)?;
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let is_indented = indents_sequences(text, &root).unwrap_or(true);
    let mut editor = Editor { text, newline, is_indented, replacements: Vec::new() };
    if !editor.descend(&root, before, after, "")? {
        return Err(Unkeepable("no mapping at its top"));
    }
    let edited = editor.apply()?;
    match yaml::read::<Value>(&edited) {
        Ok(value) if value == *after => Ok(edited),
        _ => Err(Unkeepable("an anchor, a tag, or a style that Berth cannot edit in place")),
    }
}

/// How the first sequence of a document stands under its key; none when it has none in block style.
fn indents_sequences(text: &str, node: &Node) -> Option<bool> {
    match &node.kind {
        Kind::Mapping { is_flow: false, entries } => entries.iter().find_map(|entry| match &entry.value.kind {
            Kind::Sequence { is_flow: false, items } => {
                let (key, dash) = (column(text, entry.start), column(text, items.first()?.start));
                Some(dash > key)
            }
            _ => indents_sequences(text, &entry.value),
        }),
        Kind::Sequence { is_flow: false, items } => items.iter().find_map(|item| indents_sequences(text, &item.value)),
        _ => None,
    }
}

impl Editor<'_> {
    /// Changes a collection from within. False: it must be replaced as a whole.
    fn descend(&mut self, node: &Node, before: &Value, after: &Value, name: &str) -> Result<bool, Unkeepable> {
        match (&node.kind, before, after) {
            (Kind::Mapping { is_flow, entries }, Value::Object(before), Value::Object(after))
                if !entries.is_empty() =>
            {
                let gone = entries.iter().filter(|entry| !after.contains_key(&entry.key)).count();
                if gone == entries.len() || (*is_flow && gone > 0) {
                    return self.as_a_whole(node, *is_flow);
                }
                self.mapping(entries, *is_flow, before, after)?;
                Ok(true)
            }
            (Kind::Sequence { is_flow, items }, Value::Array(before), Value::Array(after)) => {
                if before.len() != items.len() || items.is_empty() || after.is_empty() {
                    return Ok(false);
                }
                let steps = align(before, after, name);
                if *is_flow && steps.iter().any(|step| matches!(step, Step::Remove(_))) {
                    return self.as_a_whole(node, *is_flow);
                }
                self.sequence(items, *is_flow, &steps, before, after)?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// Says that a collection is replaced as a whole. In one line nothing is lost but its spacing, unless somebody wrote
    /// comments between its brackets.
    fn as_a_whole(&self, node: &Node, is_flow: bool) -> Result<bool, Unkeepable> {
        if is_flow && self.text.get(node.start..node.end).is_some_and(|text| text.contains('#')) {
            return Err(Unkeepable("a hash between brackets or braces out of which something goes"));
        }
        Ok(false)
    }

    fn mapping(
        &mut self,
        entries: &[Entry],
        is_flow: bool,
        before: &Map<String, Value>,
        after: &Map<String, Value>,
    ) -> Result<(), Unkeepable> {
        for (index, entry) in entries.iter().enumerate() {
            match (before.get(&entry.key), after.get(&entry.key)) {
                (Some(before), Some(after))
                    if before != after && !self.descend(&entry.value, before, after, &entry.key)? =>
                {
                    self.replace(entry, is_flow, after)?;
                }
                (Some(_), None) => self.remove_entry(entries, index)?,
                _ => {}
            }
        }
        let known = |key: &String| entries.iter().any(|entry| entry.key == *key);
        let mut new: Vec<_> =
            after.iter().filter(|(key, value)| !known(key) && before.get(*key) != Some(*value)).collect();
        new.sort_by_key(|(key, _)| *key);
        for (key, value) in new {
            // Among sorted keys a new one has its place; else it comes last.
            let is_sorted = entries.is_sorted_by_key(|entry| &entry.key);
            let behind = if is_sorted { entries.partition_point(|entry| entry.key < *key) } else { entries.len() };
            if is_flow {
                let text = format!("{}: {}", flow::write(&Value::from(key.as_str())), flow::write(value));
                self.insert_into_flow(&flow::entries(entries), behind, &text);
            } else {
                self.insert_entry(entries, behind, key, value)?;
            }
        }
        Ok(())
    }

    #[expect(clippy::indexing_slicing, reason = "the steps name places of these lists")]
    fn sequence(
        &mut self,
        items: &[Item],
        is_flow: bool,
        steps: &[Step],
        before: &[Value],
        after: &[Value],
    ) -> Result<(), Unkeepable> {
        // How many of the items that are there have been passed: a new one goes behind them.
        let mut passed = 0;
        for step in steps {
            let (there, wanted) = match *step {
                Step::Keep(there, wanted) => (Some(there), Some(wanted)),
                Step::Remove(there) => (Some(there), None),
                Step::Insert(wanted) => (None, Some(wanted)),
            };
            if let Some(there) = there {
                passed = there + 1;
                match wanted {
                    None => self.remove_item(&items[there])?,
                    Some(wanted) if before[there] == after[wanted] => {}
                    Some(wanted) => {
                        if !self.descend(&items[there].value, &before[there], &after[wanted], "")? {
                            self.replace_item(&items[there], is_flow, &after[wanted])?;
                        }
                    }
                }
                continue;
            }
            let Some(wanted) = wanted.map(|wanted| &after[wanted]) else { continue };
            if is_flow {
                self.insert_into_flow(&flow::items(items), passed, &flow::write(wanted));
            } else {
                self.insert_item(items, passed, wanted)?;
            }
        }
        Ok(())
    }

    fn push(&mut self, start: usize, end: usize, text: impl Into<String>) {
        self.replacements.push(Replacement { start, end, text: text.into() });
    }

    /// Everything at once, from the front. What is put in at one place keeps its order, and comes before what is taken
    /// out there.
    fn apply(mut self) -> Result<String, Unkeepable> {
        self.replacements.sort_by_key(|replacement| (replacement.start, replacement.end != replacement.start));
        let (mut edited, mut at) = (String::new(), 0);
        for Replacement { start, end, text } in &self.replacements {
            edited.push_str(self.text.get(at..*start).ok_or(Unkeepable("values that overlap"))?);
            edited.push_str(text);
            at = *end;
        }
        edited.push_str(self.text.get(at..).ok_or(Unkeepable("values that overlap"))?);
        Ok(edited)
    }
}

/// One step from a list to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// The item stays, perhaps with other fields.
    Keep(usize, usize),
    Remove(usize),
    Insert(usize),
}

/// The shortest way from a list to another: its longest common subsequence stays. Lists have 64 items at most.
#[expect(clippy::indexing_slicing, reason = "the loops end where the lists and the table do")]
fn align(before: &[Value], after: &[Value], name: &str) -> Vec<Step> {
    let keys = ITEM_KEYS.iter().find(|(list, _)| *list == name).map_or(&[][..], |(_, keys)| *keys);
    let same = |a: &Value, b: &Value| {
        a == b || (!keys.is_empty() && keys.iter().all(|key| a.get(*key).is_some() && a.get(*key) == b.get(*key)))
    };
    let (rows, columns) = (before.len(), after.len());
    let mut longest = vec![vec![0_usize; columns + 1]; rows + 1];
    for i in (0..rows).rev() {
        for j in (0..columns).rev() {
            longest[i][j] = if same(&before[i], &after[j]) {
                longest[i + 1][j + 1] + 1
            } else {
                longest[i + 1][j].max(longest[i][j + 1])
            };
        }
    }
    let (mut i, mut j, mut steps) = (0, 0, Vec::new());
    while i < rows || j < columns {
        if i < rows && j < columns && same(&before[i], &after[j]) {
            steps.push(Step::Keep(i, j));
            (i, j) = (i + 1, j + 1);
        } else if j < columns && (i == rows || longest[i][j + 1] >= longest[i + 1][j]) {
            steps.push(Step::Insert(j));
            j += 1;
        } else {
            steps.push(Step::Remove(i));
            i += 1;
        }
    }
    steps
}

/// How many characters stand before a place in its line.
fn column(text: &str, at: usize) -> usize {
    text.get(line_start(text, at)..at).unwrap_or_default().chars().count()
}

fn line_start(text: &str, at: usize) -> usize {
    text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1)
}

/// Where the next line begins.
fn line_end(text: &str, at: usize) -> usize {
    text.get(at..).and_then(|rest| rest.find('\n')).map_or(text.len(), |newline| at + newline + 1)
}
