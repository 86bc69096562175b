//! Edits of collections in flow style, `[a, b]` and `{a: b}`. What is written there is JSON, which is YAML.

use std::ops::Range;

use serde_json::Value;

use super::{Editor, Entry, Item};

/// A value in one line.
pub(super) fn write(value: &Value) -> String {
    let list = |parts: Vec<String>| parts.join(", ");
    match value {
        Value::Object(map) => {
            let entry = |(key, value): (&String, &Value)| format!("{}: {}", Value::from(key.as_str()), write(value));
            format!("{{{}}}", list(map.iter().map(entry).collect()))
        }
        Value::Array(items) => format!("[{}]", list(items.iter().map(write).collect())),
        scalar => scalar.to_string(),
    }
}

pub(super) fn entries(entries: &[Entry]) -> Vec<Range<usize>> {
    entries.iter().map(|entry| entry.start..entry.value.end).collect()
}

pub(super) fn items(items: &[Item]) -> Vec<Range<usize>> {
    items.iter().map(|item| item.start..item.value.end).collect()
}

impl Editor<'_> {
    /// Puts a part behind the first `behind` ones. There is one at least.
    pub(super) fn insert_into_flow(&mut self, parts: &[Range<usize>], behind: usize, text: &str) {
        if let Some(part) = behind.checked_sub(1).and_then(|last| parts.get(last)) {
            self.push(part.end, part.end, format!(", {text}"));
        } else {
            let first = parts.first().map_or(0, |part| part.start);
            self.push(first, first, format!("{text}, "));
        }
    }
}
