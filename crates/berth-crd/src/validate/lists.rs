//! Keys of `x-kubernetes-list-type: map` lists, which JSON Schema cannot say: no two items may share them.

use serde_json::Value;

use super::{Violation, child};

/// Names of the keys of a list-map.
pub(super) fn keys(schema: &Value) -> Vec<String> {
    let keys = schema.get("x-kubernetes-list-map-keys").and_then(Value::as_array).into_iter().flatten();
    keys.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The values of the keys of one item.
pub(super) fn key_of<'a>(item: &'a Value, keys: &[String]) -> Vec<Option<&'a Value>> {
    keys.iter().map(|key| item.get(key)).collect()
}

/// Finds items that share their keys with an earlier one.
pub(super) fn check_keys(schema: &Value, value: &Value, path: &str, violations: &mut Vec<Violation>) {
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        for (name, schema) in properties {
            if let Some(value) = value.get(name) {
                check_keys(schema, value, &child(path, name), violations);
            }
        }
    }
    let (Some(items), Some(schema_of_items)) = (value.as_array(), schema.get("items")) else { return };
    let keys = keys(schema);
    for (index, item) in items.iter().enumerate() {
        let path = format!("{path}[{index}]");
        let key = key_of(item, &keys);
        let known = key.iter().all(Option::is_some);
        if !keys.is_empty() && known && items.iter().take(index).any(|earlier| key_of(earlier, &keys) == key) {
            let message = format!("has the same {} as an earlier item", keys.join(" and "));
            violations.push(Violation { field: path.clone(), rule: "x-kubernetes-list-map-keys".to_owned(), message });
        }
        check_keys(schema_of_items, item, &path, violations);
    }
}
