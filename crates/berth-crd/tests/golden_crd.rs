//! The committed CRD is the one that the types make.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{fs, path::Path};

use serde_json::Value;

fn schema() -> Value {
    let crd = serde_json::to_value(berth_crd::tenant_crd()).unwrap();
    crd.pointer("/spec/versions/0/schema/openAPIV3Schema").unwrap().clone()
}

fn walk(schema: &Value, path: &str, visit: &mut impl FnMut(&str, &Value)) {
    visit(path, schema);
    for (name, child) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        walk(child, &format!("{path}.{name}"), visit);
    }
    for key in ["items", "additionalProperties"] {
        if let Some(child) = schema.get(key).filter(|child| child.is_object()) {
            walk(child, &format!("{path}[]"), visit);
        }
    }
}

#[test]
fn the_committed_crd_is_current_or_is_rewritten() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra/crds/tenants.tenancy.berth.dev.yaml");
    let wanted = berth_crd::crd_yaml().unwrap();
    if fs::read_to_string(&path).ok().as_deref() != Some(wanted.as_str()) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, wanted).unwrap();
        panic!("{} was stale and is rewritten: look at the difference, then commit it", path.display());
    }
}

#[test]
fn the_crd_file_means_what_the_types_mean_to_another_parser() {
    let other: Value = serde_yaml_ng::from_str(&berth_crd::crd_yaml().unwrap()).unwrap();
    assert_eq!(other, serde_json::to_value(berth_crd::tenant_crd()).unwrap());
    assert_eq!(other["metadata"]["name"], "tenants.tenancy.berth.dev");
    assert_eq!(other["spec"]["scope"], "Cluster");
    assert_eq!(other["spec"]["versions"][0]["subresources"]["status"], serde_json::json!({}));
}

#[test]
fn every_string_list_and_map_has_a_bound() {
    let mut open = Vec::new();
    walk(&schema(), "", &mut |path, schema| {
        let bounded = match schema.get("type").and_then(Value::as_str) {
            Some("string") => schema.get("maxLength").is_some() || schema.get("enum").is_some(),
            Some("array") => schema.get("maxItems").is_some() && schema.get("x-kubernetes-list-type").is_some(),
            Some("object") => schema.get("additionalProperties").is_none() || schema.get("maxProperties").is_some(),
            Some(_) => true,
            None => schema.get("x-kubernetes-int-or-string").is_some() && schema.get("maxLength").is_some(),
        };
        if !bounded && path != ".apiVersion" && path != ".kind" {
            open.push(path.to_owned());
        }
    });
    assert_eq!(open, Vec::<String>::new());
}

/// What makes a schema structural: <https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema>
#[test]
fn the_schema_is_structural() {
    walk(&schema(), "", &mut |path, schema| {
        for word in
            ["anyOf", "oneOf", "allOf", "not", "$ref", "const", "uniqueItems", "nullable", "definitions", "format"]
        {
            assert!(schema.get(word).is_none(), "{path} has {word}");
        }
        let typed = schema.get("type").is_some_and(Value::is_string);
        assert!(typed || schema.get("x-kubernetes-int-or-string").is_some(), "{path} has no type");
        for key in schema.get("x-kubernetes-list-map-keys").and_then(Value::as_array).into_iter().flatten() {
            let required = schema.pointer("/items/required").and_then(Value::as_array).unwrap();
            assert!(required.contains(key), "{path} has the optional key {key}");
        }
    });
}

#[test]
fn every_rule_has_a_message() {
    let mut rules = 0;
    walk(&schema(), "", &mut |path, schema| {
        for rule in schema.get("x-kubernetes-validations").and_then(Value::as_array).into_iter().flatten() {
            assert!(rule["message"].as_str().is_some_and(|text| !text.is_empty()), "{path}: {rule}");
            rules += 1;
        }
    });
    assert_eq!(rules, 14);
}
