//! Edits of collections in block style: whole lines come and go.

use std::ops::Range;

use serde_json::{Value, json};

use super::{Editor, Entry, Item, Kind, Node, Unkeepable, column, flow, line_end, line_start};
use crate::yaml;

impl Editor<'_> {
    /// Gives a key another value, where the value cannot be changed from within.
    pub(super) fn replace(&mut self, entry: &Entry, in_flow: bool, wanted: &Value) -> Result<(), Unkeepable> {
        let value = &entry.value;
        let is_line = !matches!(wanted, Value::Array(items) if !items.is_empty())
            && !matches!(wanted, Value::Object(map) if !map.is_empty());
        match &value.kind {
            Kind::Alias => Err(Unkeepable("an alias in place of a value that changes")),
            Kind::Mapping { is_flow: false, entries } => {
                for entry in entries {
                    self.remove_lines(entry.start, entry.colon, &entry.value)?;
                }
                self.put_behind_colon(entry, wanted, is_line)
            }
            Kind::Sequence { is_flow: false, items } => {
                for item in items {
                    self.remove_item(item)?;
                }
                self.put_behind_colon(entry, wanted, is_line)
            }
            _ if value.start == value.end && !in_flow => self.put_behind_colon(entry, wanted, is_line),
            Kind::Scalar if is_line && !in_flow => {
                self.push(value.start, value.end, scalar(wanted)?);
                Ok(())
            }
            _ => {
                let gap = if value.start == entry.colon { " " } else { "" };
                self.push(value.start, value.end, format!("{gap}{}", flow::write(wanted)));
                Ok(())
            }
        }
    }

    fn put_behind_colon(&mut self, entry: &Entry, wanted: &Value, is_line: bool) -> Result<(), Unkeepable> {
        if is_line {
            self.push(entry.colon, entry.colon, format!(" {}", scalar(wanted)?));
            return Ok(());
        }
        let lines = self.lines(&json!({ &entry.key: wanted }), column(self.text, entry.start))?;
        // The key stands there already.
        let behind_key = lines.split_once('\n').map(|(_, rest)| rest.to_owned()).ok_or(Unkeepable("an empty value"))?;
        let at = line_end(self.text, entry.colon);
        self.put_lines(at, &behind_key);
        Ok(())
    }

    /// Puts a new key behind the first `behind` ones.
    pub(super) fn insert_entry(
        &mut self,
        entries: &[Entry],
        behind: usize,
        key: &str,
        value: &Value,
    ) -> Result<(), Unkeepable> {
        let first = entries.first().ok_or(Unkeepable("an empty mapping"))?;
        let indent = column(self.text, first.start);
        let lines = self.lines(&json!({ key: value }), indent)?;
        match behind.checked_sub(1).and_then(|last| entries.get(last)) {
            Some(before) => self.put_lines(self.behind(&before.value, before.colon), &lines),
            None if self.begins_its_line(first.start) => self.put_lines(self.above(first.start), &lines),
            // The first key stands behind a dash: the new one takes its place, and it moves to the next line.
            None => {
                let text = format!("{}{}", lines.trim_start_matches(' '), " ".repeat(indent));
                self.push(first.start, first.start, text);
            }
        }
        Ok(())
    }

    /// Puts a new item behind the first `behind` ones.
    pub(super) fn insert_item(&mut self, items: &[Item], behind: usize, value: &Value) -> Result<(), Unkeepable> {
        let first = items.first().ok_or(Unkeepable("an empty list"))?;
        let lines = self.lines(&json!([value]), column(self.text, first.start))?;
        if !self.begins_its_line(first.start) {
            return Err(Unkeepable("a list that begins within a line"));
        }
        match behind.checked_sub(1).and_then(|last| items.get(last)) {
            Some(before) => self.put_lines(self.behind(&before.value, before.start + 1), &lines),
            None => self.put_lines(self.above(first.start), &lines),
        }
        Ok(())
    }

    pub(super) fn remove_entry(&mut self, entries: &[Entry], index: usize) -> Result<(), Unkeepable> {
        let entry = entries.get(index).ok_or(Unkeepable("a key that is not there"))?;
        if self.begins_its_line(entry.start) {
            return self.remove_lines(entry.start, entry.colon, &entry.value);
        }
        // Behind a dash: the next key takes its place.
        let next = entries.get(index + 1).ok_or(Unkeepable("an item of which nothing stays"))?;
        if self.text.get(entry.value.end.max(entry.colon)..next.start).is_some_and(|text| text.contains('#')) {
            return Err(Unkeepable("a comment behind a value that goes, in the line of a dash"));
        }
        self.push(entry.start, next.start, "");
        Ok(())
    }

    pub(super) fn remove_item(&mut self, item: &Item) -> Result<(), Unkeepable> {
        self.remove_lines(item.start, item.start + 1, &item.value)
    }

    /// Gives an item another value, where the value cannot be changed from within.
    pub(super) fn replace_item(&mut self, item: &Item, in_flow: bool, wanted: &Value) -> Result<(), Unkeepable> {
        let Node { start, end, kind } = &item.value;
        match kind {
            _ if in_flow => self.push(*start, *end, flow::write(wanted)),
            Kind::Mapping { is_flow: true, .. } | Kind::Sequence { is_flow: true, .. } => {
                self.push(*start, *end, flow::write(wanted));
            }
            Kind::Scalar if start < end && !wanted.is_object() && !wanted.is_array() => {
                self.push(*start, *end, scalar(wanted)?);
            }
            _ => return Err(Unkeepable("an item that becomes something else")),
        }
        Ok(())
    }

    /// Takes out the lines of a value with its key or dash, which ends at `head` and begins its line. Comments in them
    /// stay, in lines of their own.
    fn remove_lines(&mut self, start: usize, head: usize, value: &Node) -> Result<(), Unkeepable> {
        if !self.begins_its_line(start) {
            return Err(Unkeepable("a value that goes and does not begin its line"));
        }
        let (from, to) = (line_start(self.text, start), line_end(self.text, value.end.max(head)));
        let indent = " ".repeat(column(self.text, start));
        let mut leaves = Vec::new();
        leaves.push(start..head);
        leaves_of(value, &mut leaves);
        let comments = self.comments(from..to, &leaves);
        let kept: String = comments.iter().flat_map(|comment| [indent.as_str(), comment, self.newline]).collect();
        self.push(from, to, kept);
        Ok(())
    }

    /// Lines of a value, in the file's own manner.
    fn lines(&self, value: &Value, indent: usize) -> Result<String, Unkeepable> {
        let text =
            yaml::write_block(value, self.is_indented).map_err(|_| Unkeepable("a value that cannot be written"))?;
        let indent = " ".repeat(indent);
        Ok(text.lines().flat_map(|line| [indent.as_str(), line, "\n"]).collect())
    }

    /// Puts whole lines where a line begins.
    fn put_lines(&mut self, at: usize, lines: &str) {
        let lines = if self.newline == "\n" { lines.to_owned() } else { lines.replace('\n', self.newline) };
        let is_open = at == self.text.len() && !self.text.ends_with('\n');
        let text = if is_open { format!("{}{lines}", self.newline) } else { lines };
        self.push(at, at, text);
    }

    /// The line behind a value, or behind `least` when it is empty.
    fn behind(&self, value: &Node, least: usize) -> usize {
        line_end(self.text, value.end.max(least))
    }

    /// The line of a place, or the first of the comments right above it, which belong to it.
    fn above(&self, at: usize) -> usize {
        let mut line = line_start(self.text, at);
        while line > 0 {
            let before = line_start(self.text, line - 1);
            if !self.text.get(before..line).is_some_and(|line| line.trim_start().starts_with('#')) {
                break;
            }
            line = before;
        }
        line
    }

    /// The comments in a range: what begins with a hash outside of keys and values.
    fn comments(&self, range: Range<usize>, leaves: &[Range<usize>]) -> Vec<&str> {
        let (mut at, mut found) = (range.start, Vec::new());
        while let Some(hash) = self.text.get(at..range.end).and_then(|rest| rest.find('#')) {
            let hash = at + hash;
            at = hash + 1;
            if !leaves.iter().any(|leaf| leaf.contains(&hash)) {
                at = line_end(self.text, hash);
                found.push(self.text.get(hash..at).unwrap_or_default().trim_end());
            }
        }
        found
    }

    fn begins_its_line(&self, at: usize) -> bool {
        self.text.get(line_start(self.text, at)..at).is_some_and(|before| before.bytes().all(|byte| byte == b' '))
    }
}

/// A scalar or an empty collection as it stands behind a colon.
fn scalar(value: &Value) -> Result<String, Unkeepable> {
    let line = yaml::write(&json!({ "k": value })).map_err(|_| Unkeepable("a value that cannot be written"))?;
    let text = line.strip_prefix("k:").map(str::trim).filter(|text| !text.contains('\n'));
    text.map(str::to_owned).ok_or(Unkeepable("a value that takes more than a line"))
}

/// The ranges of all keys and values below a node.
fn leaves_of(node: &Node, leaves: &mut Vec<Range<usize>>) {
    match &node.kind {
        Kind::Scalar | Kind::Alias => leaves.push(node.start..node.end),
        Kind::Mapping { entries, .. } => {
            for entry in entries {
                leaves.push(entry.start..entry.colon);
                leaves_of(&entry.value, leaves);
            }
        }
        Kind::Sequence { items, .. } => items.iter().for_each(|item| leaves_of(&item.value, leaves)),
    }
}
