//! The CRD's structural schema, checked as JSON Schema.

use std::net::IpAddr;

use ipnet::IpNet;
use jsonschema::{ValidationError, Validator, error::ValidationErrorKind, paths::LocationSegment};
use serde_json::{Map, Value, json};

use super::{Violation, child};

/// The compiled schema.
pub(super) struct Structural(Validator);

impl Structural {
    pub(super) fn new(schema: &Value) -> Result<Self, String> {
        let options = jsonschema::options().should_validate_formats(true).with_format("cidr", is_cidr);
        options.build(&json_schema(schema)).map(Self).map_err(|error| error.to_string())
    }

    pub(super) fn check(&self, document: &Value) -> Vec<Violation> {
        self.0.iter_errors(document).map(|error| violation(&error)).collect()
    }
}

/// As the API server's `format: cidr`: an address and a prefix length, IPv4 or IPv6.
fn is_cidr(text: &str) -> bool {
    text.parse::<IpNet>().is_ok() && text.split('/').next().is_some_and(|address| address.parse::<IpAddr>().is_ok())
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
    Violation { field, rule, message: error.masked_with("the value").to_string() }
}
