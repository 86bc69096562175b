//! The example is complete, parses, and agrees with the published schema; the schema agrees with the types.

use std::{collections::BTreeSet, fs};

use berth_config::{PlatformConfig, StartSource, json_schema};
use serde_json::Value;

use crate::{EXAMPLE, example, infra};

fn schema() -> jsonschema::Validator {
    jsonschema::validator_for(&serde_json::from_str(&json_schema()).unwrap()).unwrap()
}

fn as_json(yaml: &str) -> Value {
    serde_saphyr::from_str(yaml).unwrap()
}

#[test]
fn the_published_schema_is_the_one_of_the_types() {
    let path = infra("platform.schema.json");
    let committed = fs::read_to_string(&path).unwrap_or_default();
    let generated = json_schema();
    if committed != generated {
        fs::write(&path, &generated).unwrap();
        panic!("infra/platform.schema.json was stale and has been rewritten: commit it");
    }
}

/// ajv 8 refuses to compile a schema with a `format` that it does not know, and by itself it knows none.
#[test]
fn the_published_schema_has_no_format() {
    assert!(!json_schema().contains("\"format\":"));
}

#[test]
fn the_example_parses_and_agrees_with_the_schema() {
    let config = example();
    assert_eq!(config.environments.keys().map(ToString::to_string).collect::<Vec<_>>(), ["dev", "prod", "staging"]);
    let errors: Vec<String> = schema().iter_errors(&as_json(EXAMPLE)).map(|e| e.to_string()).collect();
    assert_eq!(errors, Vec::<String>::new());
}

#[test]
fn the_schema_refuses_what_the_types_refuse() {
    let validator = schema();
    for (from, to) in [
        ("version: 1", "version: 2"),
        ("stage: staging", "stge: staging"),
        ("\"999988887777\"", "\"99998888777\""),
        ("startOn: [controlTower, move]", "startOn: []"),
        ("routing: intra", "routing: internet"),
        ("prefixLength: 25", "prefixLength: 29"),
        ("propagateTo: [tgw-rtb-0e000000000000060]", "propagateTo: []"),
        ("id: tgw-0e00000000000001a", "id: vpc-0e00000000000001a"),
        ("sessionSecondsMax: 7200", "sessionSecondsMax: 60"),
        ("access: view", "access: root"),
        ("[s3, dynamodb]", "[s3, s3]"),
    ] {
        assert!(EXAMPLE.contains(from), "{from}");
        let text = EXAMPLE.replacen(from, to, 1);
        assert!(!validator.is_valid(&as_json(&text)), "the schema takes {to}");
        assert!(PlatformConfig::parse(&text).is_err(), "the types take {to}");
    }
}

#[test]
fn every_field_of_the_schema_is_described() {
    let schema: Value = serde_json::from_str(&json_schema()).unwrap();
    let mut bare = Vec::new();
    find_bare(&schema, "", &mut bare);
    assert_eq!(bare, Vec::<String>::new());
}

/// Each table of docs/configuration.md has a row for each field of its type, and no other.
#[test]
fn the_page_of_changes_has_every_field_of_the_file() {
    let page = fs::read_to_string(infra("../docs/configuration.md")).unwrap();
    let schema: Value = serde_json::from_str(&json_schema()).unwrap();
    let of = |pointer: &str| -> BTreeSet<String> {
        schema.pointer(pointer).and_then(Value::as_object).unwrap().keys().cloned().collect()
    };
    for (heading, fields) in [
        ("## The platform", of("/properties")),
        ("## An environment", of("/$defs/Environment/properties")),
        ("## A region", of("/$defs/RegionConfig/properties")),
    ] {
        let rest = page.split_once(heading).unwrap_or_else(|| panic!("{heading}")).1;
        let rows = rest.lines().take_while(|line| !line.starts_with("## ")).filter(|line| line.starts_with("| `"));
        let first = rows.map(|row| row.split('|').nth(1).unwrap_or_default());
        let named = first.flat_map(|cell| cell.split('`').skip(1).step_by(2)).map(str::to_owned);
        assert_eq!(named.collect::<BTreeSet<_>>(), fields, "{heading}");
    }
}

/// Collects properties that have neither a description nor a reference to something that does.
fn find_bare(schema: &Value, path: &str, bare: &mut Vec<String>) {
    match schema {
        Value::Object(fields) => {
            for (name, property) in fields.get("properties").and_then(Value::as_object).into_iter().flatten() {
                // The one property of a variant is described by the variant.
                let told = [property, schema].iter().any(|s| s.get("description").is_some()) && path.ends_with("oneOf")
                    || property.get("description").or_else(|| property.get("$ref")).is_some();
                if !told {
                    bare.push(format!("{path}/{name}"));
                }
            }
            fields.iter().for_each(|(key, value)| find_bare(value, &format!("{path}/{key}"), bare));
        }
        Value::Array(items) => items.iter().for_each(|item| find_bare(item, path, bare)),
        _ => {}
    }
}

#[test]
fn what_is_left_out_has_the_defaults_that_the_example_writes_out() {
    let lines = EXAMPLE.lines().filter(|line| {
        !["ignoreTag:", "tenantTag:", "costCenterTag:", "startOn:"].iter().any(|key| line.starts_with(key))
    });
    let short = PlatformConfig::parse(&lines.collect::<Vec<_>>().join("\n")).unwrap();
    assert_eq!(short, example());
    assert_eq!(short.start_on, [StartSource::ControlTower, StartSource::Move]);
}

#[test]
fn names_that_other_yaml_readers_take_for_numbers_or_booleans_stay_texts() {
    let text = EXAMPLE.replace("\"{tenant}-leads\"", "no").replacen("stage: development", "stage: 1e3", 1);
    let config = PlatformConfig::parse(&text).unwrap();
    assert_eq!(config.owner_groups, ["no"]);
    assert_eq!(config.environments.values().next().unwrap().stage.as_deref(), Some("1e3"));
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    assert_eq!(PlatformConfig::load(&infra("platform.example.yaml")), Ok(example()));
    let error = PlatformConfig::load(&infra("no-such-platform.yaml")).unwrap_err();
    assert!(error.contains("no-such-platform.yaml: No such file"), "{error}");
}
