//! The CRD's structural schema, checked as JSON Schema.

use jsonschema::{ValidationError, Validator, error::ValidationErrorKind, paths::LocationSegment};
use serde_json::{Map, Value, json};

use super::{IS_NULL, Violation, child};

/// The compiled schema.
pub(super) struct Structural(Validator);

impl Structural {
    pub(super) fn new(schema: &Value) -> Result<Self, String> {
        jsonschema::options().build(&json_schema(schema)).map(Self).map_err(|error| error.to_string())
    }

    pub(super) fn check(&self, document: &Value) -> Vec<Violation> {
        self.0.iter_errors(document).map(|error| violation(&error)).collect()
    }
}

/// Says in JSON Schema what the Kubernetes extensions mean.
fn json_schema(schema: &Value) -> Value {
    let Value::Object(schema) = schema else { return schema.clone() };
    let mut out = Map::new();
    for (key, value) in schema {
        match (key.as_str(), value) {
            ("properties", Value::Object(properties)) => {
                let properties: Map<_, _> = properties.iter().map(|(k, v)| (k.clone(), json_schema(v))).collect();
                out.insert(key.clone(), properties.into());
            }
            ("items" | "additionalProperties", value) => {
                out.insert(key.clone(), json_schema(value));
            }
            ("x-kubernetes-int-or-string", Value::Bool(true)) => {
                out.insert("type".to_owned(), json!(["integer", "string"]));
                bound_integers(&mut out);
            }
            ("type", Value::String(kind)) if kind == "integer" => {
                out.insert(key.clone(), value.clone());
                bound_integers(&mut out);
            }
            ("x-kubernetes-list-type", Value::String(list)) if list == "set" => {
                out.insert("uniqueItems".to_owned(), true.into());
            }
            (key, _) if key.starts_with("x-kubernetes-") => {}
            (_, value) => {
                out.insert(key.clone(), value.clone());
            }
        }
    }
    out.into()
}

/// The API server's integers have 64 bits; larger ones are numbers to it.
fn bound_integers(schema: &mut Map<String, Value>) {
    schema.entry("minimum").or_insert(i64::MIN.into());
    schema.entry("maximum").or_insert(i64::MAX.into());
}

fn violation(error: &ValidationError<'_>) -> Violation {
    let mut field = String::new();
    for segment in error.instance_path() {
        match segment {
            LocationSegment::Property(name) => field = child(&field, &name),
            LocationSegment::Index(index) => field = format!("{field}[{index}]"),
        }
    }
    if let ValidationErrorKind::Required { property } = error.kind() {
        field = child(&field, property.as_str().unwrap_or_default());
    }
    let rule = error.kind().keyword().to_owned();
    let message = match error.instance().as_ref() {
        Value::Null => IS_NULL.to_owned(),
        _ => error.masked_with("the value").to_string(),
    };
    Violation { field, rule, message }
}
