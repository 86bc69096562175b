//! A real API server takes the CRD, and says of each Tenant what the check before the commit says.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod fuzzing;
mod server;

use berth_crd::validate;
use futures::{StreamExt as _, stream};
use serde_json::{Value, json};

use crate::{fuzzing::Mutations, server::Tenants};

const FIXTURES: [&str; 4] = [
    include_str!("../fixtures/tenant.yaml"),
    include_str!("../fixtures/joined.yaml"),
    include_str!("../fixtures/of_2026_11_28_by_hand.yaml"),
    include_str!("../fixtures/of_2026_11_28_joined.yaml"),
];

fn fixtures() -> Vec<Value> {
    FIXTURES.map(|text| serde_yaml_ng::from_str(text).unwrap()).to_vec()
}

/// What a file cannot have although a server would take it: fields of the metadata that the server sets, and nulls, which
/// a `POST` drops and server-side apply refuses unless the field has a default.
fn is_stricter_on_purpose(document: &Value) -> bool {
    let violations = validate(&document.to_string(), None).unwrap_err();
    violations.iter().all(|violation| {
        let in_metadata = violation.field.starts_with("metadata.") && violation.rule == "unknown";
        in_metadata || violation.message.contains("is null")
    })
}

/// What differs between the server and the check, in words.
async fn difference(tenants: &Tenants, document: Value) -> Option<String> {
    let ours = validate(&document.to_string(), None);
    let theirs = tenants.verdict(&document).await;
    match (&ours, &theirs) {
        (Ok(()), Ok(())) | (Err(_), Err(_)) => None,
        (Err(_), Ok(())) if is_stricter_on_purpose(&document) => None,
        _ => Some(format!("Rust says {ours:?}\nthe server says {theirs:?}\nof {document}")),
    }
}

async fn differences(tenants: &Tenants, documents: impl Iterator<Item = Value>) -> (usize, Vec<String>) {
    let mut counted = 0;
    let mut found = Vec::new();
    let mut verdicts = stream::iter(documents).map(|document| difference(tenants, document)).buffer_unordered(8);
    while let Some(verdict) = verdicts.next().await {
        counted += 1;
        found.extend(verdict);
        assert!(found.len() < 10, "{}", found.join("\n\n"));
    }
    (counted, found)
}

/// The base with one value changed; `"REMOVE"` removes it.
fn with(base: &Value, pointer: &str, value: Value) -> Value {
    let mut document = base.clone();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match document.pointer_mut(parent).expect(pointer) {
        Value::Object(map) if value == "REMOVE" => drop(map.remove(key)),
        Value::Object(map) => drop(map.insert(key.to_owned(), value)),
        Value::Array(items) if key == "-" => items.push(value),
        Value::Array(items) => items[key.parse::<usize>().unwrap()] = value,
        other => panic!("{pointer} leads into {other}"),
    }
    document
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_takes_the_crd_and_agrees_about_every_known_document() {
    let Some(tenants) = Tenants::start().await else { return };
    for document in fixtures() {
        assert_eq!(tenants.verdict(&document).await, Ok(()), "{document}");
        assert_eq!(validate(&document.to_string(), None), Ok(()));
    }
    let base = &fixtures()[0];
    let bad = [
        ("/spec/quotta", json!({})),
        ("/spec/accounts/0/networks/0/vpc", json!("x")),
        ("/spec/displayName", json!(null)),
        ("/spec/domains", json!(null)),
        ("/spec/namespaces/0/labels/team", json!(null)),
        ("/metadata/annotations", json!({ "ticket": 123 })),
        ("/metadata/labels", json!({ "on": true })),
        ("/metadata/labels", json!({ "a b": "c" })),
        ("/metadata/finalizers", json!([""])),
        ("/metadata/finalizers", json!(["a/b/c"])),
        ("/metadata/finalizers", json!(["foregroundDeletion", "orphan"])),
        ("/spec/namespaces/0/nodePool", json!("a b")),
        ("/spec/network/allowIngressFrom", json!(["A"])),
        ("/spec/contact/email", json!(["a"])),
        ("/spec/contact/email", json!({ "a": 1 })),
        ("/spec/network/egressCidrs/0", json!(["a"])),
        ("/spec/namespaces/0/labels", json!({ "pod-security.kubernetes.io/enforce": "privileged" })),
        ("/spec/namespaces/0/labels", json!({ "tenancy.berth.dev/tenant": "other" })),
        ("/spec/namespaces/0/labels", json!({ "kubernetes.io/metadata.name": "kube-system" })),
        ("/spec/namespaces/0/labels", json!({ "a b": "c" })),
        ("/spec/namespaces/0/labels", json!({ "a": "b c" })),
        ("/spec/owners/0/name", json!("tenant:other:prod:admin")),
        ("/spec/owners/0/name", json!("aws:root")),
        ("/spec/accounts/-", json!({ "environment": "prod", "accountId": "111122223333" })),
        ("/spec/accounts/0/workloads/0/namespace", json!("shop")),
        ("/spec/namespaces/0/quota/pods", json!(1e20)),
        ("/spec/namespaces/0/quota/pods", json!(1.5)),
    ];
    for (pointer, value) in bad {
        let document = with(base, pointer, value);
        assert!(tenants.verdict(&document).await.is_err(), "the server takes {document}");
        assert!(validate(&document.to_string(), None).is_err(), "Rust takes {document}");
    }
    let large = with(base, "/spec/namespaces/0/quota/requests.memory", json!(8_589_934_592_i64));
    assert_eq!(tenants.verdict(&large).await, Ok(()));
    // What broke a typed reader before: neither way in lets it pass, with strict validation or without.
    for pointer in ["/spec/contact/email", "/spec/network/egressCidrs/0"] {
        let document = with(base, pointer, json!(["a"]));
        assert!(tenants.post(&document, false).await.is_err(), "stored: {document}");
    }
}

/// Documents of the smaller test.
const FUZZED: usize = 400;

async fn agrees_about(count: usize) {
    let Some(tenants) = Tenants::start().await else { return };
    let mutations = Mutations::new(fixtures(), 20_261_129);
    let accepted = mutations.clone().take(FUZZED).filter(|document| validate(&document.to_string(), None).is_ok());
    let accepted = accepted.count();
    assert!((FUZZED / 20..FUZZED * 19 / 20).contains(&accepted), "{accepted} of {FUZZED} are right");
    let (counted, found) = differences(&tenants, mutations.take(count)).await;
    assert_eq!((counted, found), (count, Vec::new()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_agrees_about_documents_that_nobody_thought_of() {
    agrees_about(FUZZED).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "make test-all: a hundred thousand documents, each sent twice"]
async fn the_server_agrees_about_a_hundred_thousand_documents() {
    agrees_about(100_000).await;
}
