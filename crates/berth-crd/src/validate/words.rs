//! Bare words that are a Boolean to one reader and a text to another.
//!
//! `suspended: no` is false to Argo CD and `kubectl apply -f` (YAML 1.1). kustomize makes the text "no" of it, which the API
//! server refuses; Flux then applies nothing of the whole folder.

use serde_json::Value;

use super::{Violation, child};
use crate::{
    edit::tree::{self, Node},
    yaml,
};

/// Every Boolean of a document that is written as another word than true or false, with its line. Nothing for a document that
/// cannot be read, which [`validate`](super::validate) refuses.
#[must_use]
pub fn bare_booleans(document: &str) -> Vec<Violation> {
    let mut found = Vec::new();
    if let (Ok(of_kubectl), Ok(of_kustomize)) = (yaml::read(document), yaml::read_as_kustomize(document)) {
        let root = tree::read(document).ok();
        let cursor = Cursor { text: document, node: root.as_ref(), start: root.as_ref().map(Node::start) };
        compare(&of_kubectl, &of_kustomize, &cursor, "", &mut found);
    }
    found
}

/// Where a value stands; behind an alias, where the alias stands.
struct Cursor<'a> {
    text: &'a str,
    node: Option<&'a Node>,
    /// None when the places of the text are not known.
    start: Option<usize>,
}

impl<'a> Cursor<'a> {
    fn down(&self, to: impl Fn(&'a Node) -> Option<&'a Node>) -> Self {
        let node = self.node.and_then(to);
        Self { text: self.text, node, start: node.map(Node::start).or(self.start) }
    }

    fn line(&self) -> Option<usize> {
        let before = self.text.get(..self.start?)?;
        Some(before.matches('\n').count() + 1)
    }
}

fn compare(of_kubectl: &Value, of_kustomize: &Value, cursor: &Cursor<'_>, path: &str, found: &mut Vec<Violation>) {
    match (of_kubectl, of_kustomize) {
        (Value::Bool(meant), Value::String(_)) => {
            let line = cursor.line().map_or_else(String::new, |line| format!(" in line {line}"));
            let message = format!("has a bare word{line} that Flux (kustomize) takes for a text: write {meant}");
            found.push(Violation { field: path.to_owned(), rule: "boolean".to_owned(), message });
        }
        (Value::Object(fields), Value::Object(others)) => {
            for (name, value) in fields {
                let Some(other) = others.get(name) else { continue };
                compare(value, other, &cursor.down(|node| node.value_of(name)), &child(path, name), found);
            }
        }
        (Value::Array(items), Value::Array(others)) => {
            for (index, (item, other)) in items.iter().zip(others).enumerate() {
                compare(item, other, &cursor.down(|node| node.item(index)), &format!("{path}[{index}]"), found);
            }
        }
        _ => {}
    }
}
