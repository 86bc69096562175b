//! Whether the CRD on the cluster has every field that the operator writes or acts on. Pure.
//!
//! A server drops fields that its schema does not know. An operator that is newer than the CRD would take a dropped field
//! for one that nobody set.

use serde_json::Value;

/// Paths of fields that `ours` has in its schema and `theirs` lacks, like `spec.workloads`. Both are CRDs as JSON.
#[must_use]
pub fn missing(ours: &Value, theirs: &Value) -> Vec<String> {
    let mut found = Vec::new();
    match (schema(ours), schema(theirs)) {
        (Some(ours), Some(theirs)) => compare("", ours, theirs, &mut found),
        (Some(_), None) => found.push("v1alpha1".to_owned()),
        (None, _) => {}
    }
    found
}

fn schema(crd: &Value) -> Option<&Value> {
    let versions = crd.pointer("/spec/versions")?.as_array()?;
    let version = versions.iter().find(|version| version.get("name").and_then(Value::as_str) == Some("v1alpha1"))?;
    version.pointer("/schema/openAPIV3Schema")
}

fn compare(path: &str, ours: &Value, theirs: &Value, found: &mut Vec<String>) {
    if theirs.get("x-kubernetes-preserve-unknown-fields").and_then(Value::as_bool) == Some(true) {
        return;
    }
    for (name, field) in ours.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        match theirs.get("properties").and_then(|fields| fields.get(name)) {
            Some(theirs) => compare(&path, field, theirs, found),
            None => found.push(path),
        }
    }
    for inside in ["items", "additionalProperties"] {
        if let (Some(ours), Some(theirs)) = (ours.get(inside), theirs.get(inside)) {
            compare(&format!("{path}[]"), ours, theirs, found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours() -> Value {
        serde_json::to_value(berth_crd::tenant_crd()).unwrap()
    }

    #[test]
    fn the_own_crd_lacks_nothing_and_neither_does_a_newer_one() {
        let mut newer = ours();
        newer["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["more"] =
            serde_json::json!({ "type": "string" });
        assert_eq!(missing(&ours(), &ours()), Vec::<String>::new());
        assert_eq!(missing(&ours(), &newer), Vec::<String>::new());
    }

    #[test]
    fn a_field_that_an_older_crd_lacks_is_named_by_its_path() {
        let mut older = ours();
        let root = &mut older["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"];
        root["spec"]["properties"].as_object_mut().unwrap().remove("suspended");
        let namespace = &mut root["spec"]["properties"]["namespaces"]["items"]["properties"];
        namespace.as_object_mut().unwrap().remove("quota");
        assert_eq!(missing(&ours(), &older), ["spec.namespaces[].quota", "spec.suspended"]);
        assert_eq!(missing(&ours(), &serde_json::json!({})), ["v1alpha1"]);
    }
}
