//! Messages of 256 KiB that give a recogniser as much work as one can: for the bound that a test holds, and the bench.

use serde_json::{Value, json};

/// The largest message that EventBridge and SQS carried for years, and that Berth promises to handle quickly.
pub(crate) const BYTES: usize = 256 * 1024;

const GOOD: &str = include_str!("../../../../tests/fixtures/events/controltower-create-managed-account-succeeded.json");

/// Each with its name.
pub(crate) fn messages() -> Vec<(&'static str, String)> {
    let long = |start: &str, piece: &str, end: &str| {
        let count = (BYTES - start.len() - end.len()) / piece.len();
        format!("{start}{}{end}", piece.repeat(count))
    };
    let request = r#"{"accountId":"111122223333""#;
    vec![
        ("a request, then spaces", long(&format!("{request}}}"), " ", "")),
        ("keys that nobody knows", long(r#"{"a":0"#, r#","q":0"#, "}")),
        ("long keys that nobody knows", long(r#"{"a":0"#, r#","recipientAccountIdentifier":0"#, "}")),
        ("one known key, again and again", long(request, r#","accountId":"111122223333""#, "}")),
        ("a known key with an object, again and again", long(r#"{"detail":{}"#, r#","detail":{"state":{}}"#, "}")),
        ("a text full of escapes", long(&format!(r#"{request},"reason":""#), r"\u0041", r#""}"#)),
        ("a text full of quotation marks", long(&format!(r#"{request},"reason":""#), r#"\""#, r#""}"#)),
        ("a number of many digits", long(&format!(r#"{request},"generation":0."#), "7", "}")),
        ("many numbers of many digits", long(request, r#","generation":1.7976931348623157e308"#, "}")),
        ("a list of many numbers", long(r#"{"accountId":[0"#, ",0.1e7", "]}")),
        ("lists as deep as they may be", long(r#"{"x":[0"#, &format!(",{}{}", "[".repeat(60), "]".repeat(60)), "]}")),
        (
            "objects as deep as they may be",
            long(r#"{"x":[0"#, &format!(",{}0{}", r#"{"detail":"#.repeat(60), "}".repeat(60)), "]}"),
        ),
        ("wrapped four times around an event", wrapped(4)),
        ("wrapped five times, which is too often", wrapped(5)),
        ("a detail that is a text", detail_as_text()),
        ("cut at its end", long(r#"{"a":0"#, r#","q":0"#, "")),
    ]
}

fn wrap(text: &str) -> String {
    json!({ "Type": "Notification", "Message": text }).to_string()
}

/// An event in so many wrappers, with as much inside as fits: each wrapper doubles the backslashes.
fn wrapped(layers: usize) -> String {
    let padded = |length: usize| {
        let mut event: Value = serde_json::from_str(GOOD).unwrap_or_default();
        event["padding"] = "x".repeat(length).into();
        (0..layers).fold(event.to_string(), |text, _| wrap(&text))
    };
    let empty = padded(0).len();
    padded(BYTES.saturating_sub(empty))
}

fn detail_as_text() -> String {
    let event = |length: usize| {
        let mut event: Value = serde_json::from_str(GOOD).unwrap_or_default();
        let mut detail = event["detail"].take();
        detail["padding"] = "\n".repeat(length).into();
        event["detail"] = detail.to_string().into();
        event.to_string()
    };
    event((BYTES - event(0).len()) / 3)
}
