//! The check before the commit: what the API server would refuse, with the field and the rule.
//!
//! As in the API server, the schema comes first, and the CEL rules run only on a document that fits it. Defaults are
//! not filled in before the rules, because no rule reads a field that has one. It is the strictest way in that counts:
//! what `POST` lets through and server-side apply refuses (unknown fields, nulls) is refused.

mod cel_rules;
mod lists;
mod shape;
mod structural;
mod words;

use std::{fmt, sync::LazyLock};

use serde_json::Value;

pub use self::words::bare_booleans;
use crate::{API_VERSION, KIND, tenant_crd, yaml};

/// What is said of a null: a `POST` drops it, and server-side apply refuses it.
const IS_NULL: &str = "is null: leave the field out";

/// One thing that the API server would refuse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Path of the field, such as `spec.accounts[0].accountId`; empty for the whole document.
    pub field: String,
    /// Keyword of the schema (`pattern`, `required`, …), or the CEL rule.
    pub rule: String,
    /// What is wrong. Holds no text of the document.
    pub message: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let field = if self.field.is_empty() { "the document" } else { &self.field };
        write!(f, "{field}: {} ({})", self.message, self.rule)
    }
}

/// Made once: the schema, and the rules with their programs.
struct Checks {
    schema: Value,
    structural: structural::Structural,
    rules: cel_rules::Node,
}

static CHECKS: LazyLock<Result<Checks, String>> = LazyLock::new(|| {
    let version = tenant_crd().spec.versions.into_iter().next();
    let schema = version.and_then(|version| version.schema?.open_api_v3_schema).ok_or("the CRD has no schema")?;
    let schema = serde_json::to_value(schema).map_err(|error| error.to_string())?;
    let (structural, rules) = (structural::Structural::new(&schema)?, cel_rules::Node::new(&schema)?);
    Ok(Checks { schema, structural, rules })
});

/// Checks a custom resource as the API server would; with the `old` one, also what must never change.
///
/// # Errors
/// Everything that is wrong, by field.
pub fn validate(document: &str, old: Option<&str>) -> Result<(), Vec<Violation>> {
    let checks = CHECKS.as_ref().map_err(|error| vec![whole("crd", error.clone())])?;
    let document = parse(document).map_err(|violation| vec![violation])?;
    let old = old.map(parse).transpose().map_err(|violation| vec![violation])?;
    let mut violations = check_kind(&document);
    violations.extend(checks.structural.check(&document));
    shape::check(&checks.schema, &document, &mut violations);
    lists::check_keys(&checks.schema, &document, "", &mut violations);
    if violations.is_empty() {
        checks.rules.check(&document, old.as_ref(), "", &mut violations);
    }
    if violations.is_empty() { Ok(()) } else { Err(violations) }
}

fn parse(text: &str) -> Result<Value, Violation> {
    yaml::read(text).map_err(|error| whole("yaml", error.to_string()))
}

fn check_kind(document: &Value) -> Vec<Violation> {
    let wanted = [("apiVersion", API_VERSION), ("kind", KIND)];
    let wrong = wanted.iter().filter(|(field, value)| document.get(field).and_then(Value::as_str) != Some(*value));
    wrong
        .map(|(field, value)| Violation {
            field: (*field).to_owned(),
            rule: "const".to_owned(),
            message: format!("must be {value}"),
        })
        .collect()
}

fn whole(rule: &str, message: String) -> Violation {
    Violation { field: String::new(), rule: rule.to_owned(), message }
}

/// Path of a field of an object.
fn child(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}
