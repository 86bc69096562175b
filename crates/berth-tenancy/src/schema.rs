//! JSON Schemas that every validator compiles.

use schemars::Schema;
use serde_json::Value;

/// RFC 3339 as a pattern: ajv knows no `format` without a plug-in, and refuses a schema that has one.
const TIME: &str = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,9})?(Z|[-+][0-9]{2}:[0-9]{2})$";

/// Replaces each `format` by what validators understand without it: the bounds of an integer, or the pattern of a time.
/// For `schemars::transform::RecursiveTransform`.
pub fn without_formats(schema: &mut Schema) {
    let Some(object) = schema.as_object_mut() else { return };
    let Some(format) = object.get("format").and_then(Value::as_str).map(str::to_owned) else { return };
    match format.as_str() {
        "uint8" => drop(object.entry("maximum").or_insert(u8::MAX.into())),
        "uint16" => drop(object.entry("maximum").or_insert(u16::MAX.into())),
        "uint32" => drop(object.entry("maximum").or_insert(u32::MAX.into())),
        "uint64" | "uint" | "int32" | "int64" => {}
        "date-time" => drop(object.entry("pattern").or_insert(TIME.into())),
        // What is not known stays, for a test to find.
        _ => return,
    }
    object.remove("format");
}
