//! Fields that the schema does not know, and the metadata of every object.
//!
//! A `POST` would drop unknown fields, with a warning at most. Server-side apply refuses them with a 500, and a GitOps
//! controller that applies a folder at once then applies nothing of it: one person's typo would stop every tenant.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value};

use super::{IS_NULL, Violation, child};
use crate::pattern;

/// Fields of the metadata that a file may have. The API server sets all others; in a file they make applying fail.
const OF_FILES: [&str; 5] = ["annotations", "creationTimestamp", "finalizers", "labels", "name"];
/// Most bytes in all annotations together.
const ANNOTATION_BYTES_MAX: usize = 262_144;
/// Longest prefix of a qualified name.
const PREFIX_BYTES_MAX: usize = 253;
/// Longest value of a label.
const LABEL_BYTES_MAX: usize = 63;

/// None when a pattern does not compile, which a test excludes; then nothing fits it.
static KEY: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(pattern::QUALIFIED_NAME).ok());
static LABEL: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(pattern::LABEL_VALUE).ok());

pub(super) fn check(schema: &Value, document: &Value, violations: &mut Vec<Violation>) {
    unknown_fields(schema, document, "", violations);
    if let Some(metadata) = document.get("metadata").and_then(Value::as_object) {
        check_metadata(metadata, violations);
    }
}

fn unknown_fields(schema: &Value, value: &Value, path: &str, violations: &mut Vec<Violation>) {
    let properties = schema.get("properties").and_then(Value::as_object);
    let values = schema.get("additionalProperties");
    match value {
        Value::Object(_) if path == "metadata" => {}
        Value::Object(fields) => {
            for (name, value) in fields {
                let path = child(path, name);
                match properties.and_then(|properties| properties.get(name)).or(values) {
                    Some(schema) => unknown_fields(schema, value, &path, violations),
                    None => add(violations, path, "unknown", "the schema has no such field"),
                }
            }
        }
        Value::Array(items) => {
            let Some(schema) = schema.get("items") else { return };
            for (index, item) in items.iter().enumerate() {
                unknown_fields(schema, item, &format!("{path}[{index}]"), violations);
            }
        }
        _ => {}
    }
}

fn check_metadata(metadata: &Map<String, Value>, violations: &mut Vec<Violation>) {
    for name in metadata.keys().filter(|name| !OF_FILES.contains(&name.as_str())) {
        add(violations, format!("metadata.{name}"), "unknown", "a file cannot have this field");
    }
    check_texts(metadata, "labels", violations, |key, value| {
        (is_qualified(key), value.len() <= LABEL_BYTES_MAX && matches(&LABEL, value))
    });
    check_texts(metadata, "annotations", violations, |key, _| (is_qualified(&key.to_ascii_lowercase()), true));
    let annotations = metadata.get("annotations").and_then(Value::as_object).into_iter().flatten();
    let bytes: usize = annotations.map(|(key, value)| key.len() + value.as_str().map_or(0, str::len)).sum();
    if bytes > ANNOTATION_BYTES_MAX {
        add(violations, "metadata.annotations", "maxLength", "all annotations together are longer than 256 KiB");
    }
    if let Some(finalizers) = metadata.get("finalizers") {
        check_finalizers(finalizers, violations);
    }
}

/// Names of controllers. Kubernetes refuses an object that asks for both kinds of garbage collection.
fn check_finalizers(finalizers: &Value, violations: &mut Vec<Violation>) {
    const OF_GARBAGE_COLLECTION: [&str; 2] = ["foregroundDeletion", "orphan"];
    let names: Option<Vec<&str>> = finalizers.as_array().and_then(|items| items.iter().map(Value::as_str).collect());
    let Some(names) = names else {
        add(violations, "metadata.finalizers", "type", of_wrong_type(finalizers, "is not a list of texts"));
        return;
    };
    for (index, _) in names.iter().enumerate().filter(|(_, name)| !is_qualified(name)) {
        add(violations, format!("metadata.finalizers[{index}]"), "pattern", "is not a qualified name");
    }
    if OF_GARBAGE_COLLECTION.iter().all(|name| names.contains(name)) {
        add(violations, "metadata.finalizers", "rule", "foregroundDeletion and orphan exclude each other");
    }
}

/// A map of texts by qualified names. `check` says whether key and value have the right form.
fn check_texts(
    metadata: &Map<String, Value>,
    field: &str,
    violations: &mut Vec<Violation>,
    check: impl Fn(&str, &str) -> (bool, bool),
) {
    let path = child("metadata", field);
    let Some(map) = metadata.get(field) else { return };
    let Some(map) = map.as_object() else {
        return add(violations, path, "type", of_wrong_type(map, "is not a mapping"));
    };
    for (key, value) in map {
        let path = child(&path, key);
        let Some(text) = value.as_str() else {
            add(violations, path, "type", of_wrong_type(value, "is not a text: write it in quotes"));
            continue;
        };
        let (key_fits, value_fits) = check(key, text);
        if !key_fits {
            add(violations, path.clone(), "pattern", "the key is not a qualified name");
        }
        if !value_fits {
            add(violations, path, "pattern", "is not a value of a label");
        }
    }
}

fn of_wrong_type(value: &Value, message: &'static str) -> &'static str {
    if value.is_null() { IS_NULL } else { message }
}

fn is_qualified(key: &str) -> bool {
    let prefix = key.rsplit_once('/').map_or(0, |(prefix, _)| prefix.len());
    prefix <= PREFIX_BYTES_MAX && matches(&KEY, key)
}

fn matches(pattern: &LazyLock<Option<Regex>>, text: &str) -> bool {
    pattern.as_ref().is_some_and(|pattern| pattern.is_match(text))
}

fn add(violations: &mut Vec<Violation>, field: impl Into<String>, rule: &str, message: &str) {
    violations.push(Violation { field: field.into(), rule: rule.to_owned(), message: message.to_owned() });
}
