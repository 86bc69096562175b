//! Names for texts and values that are the same in every version and on every machine.

use serde_json::Value;
use sha2::{Digest, Sha256};

/// The first eight bytes of the text's SHA-256, as 16 hexadecimal digits: enough to tell the things of one account apart.
#[must_use]
pub fn short_digest(text: &str) -> String {
    hexadecimal(text, 8)
}

/// The text's SHA-256, as 64 hexadecimal digits.
#[must_use]
pub fn digest(text: &str) -> String {
    hexadecimal(text, 32)
}

fn hexadecimal(text: &str, bytes: usize) -> String {
    Sha256::digest(text).iter().take(bytes).fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// A value as JSON without white space, with the keys of each object sorted: the same text for the same value, whoever
/// wrote it and in which order.
#[must_use]
pub fn canonical_json(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<(&String, &Value)> = fields.iter().collect();
            fields.sort_by_key(|(key, _)| *key);
            let one =
                |(key, value): &(&String, &Value)| format!("{}:{}", Value::from(key.as_str()), canonical_json(value));
            format!("{{{}}}", fields.iter().map(one).collect::<Vec<_>>().join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(canonical_json).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn the_digests_are_the_sha256_and_its_start() {
        // `printf abc | sha256sum`
        assert_eq!(super::short_digest("abc"), "ba7816bf8f01cfea");
        let whole = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(super::digest("abc"), whole);
    }

    #[test]
    fn order_of_keys_and_white_space_say_nothing_and_order_of_items_does() {
        let one: serde_json::Value =
            serde_json::from_str(r#"{"b": [1, {"d": "\"", "c": null}], "a": 1.5}"#).unwrap_or_default();
        let text = super::canonical_json(&one);
        assert_eq!(text, r#"{"a":1.5,"b":[1,{"c":null,"d":"\""}]}"#);
        assert_ne!(text, super::canonical_json(&json!({ "a": 1.5, "b": [{ "c": null, "d": "\"" }, 1] })));
    }
}
