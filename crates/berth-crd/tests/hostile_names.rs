//! Names and tags are any printable ASCII text, and come out of two YAML parsers as they went in.
//!
//! `PROPTEST_CASES=100000 cargo test -p berth-crd --test hostile_names` is the full run.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use berth_crd::{AccountEntry, join};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Texts that a YAML 1.1 or 1.2 parser takes for something else when they stand there bare.
const LOOKALIKES: &[&str] = &[
    "no",
    "No",
    "NO",
    "yes",
    "on",
    "off",
    "y",
    "n",
    "Y",
    "N",
    "true",
    "False",
    "TRUE",
    "null",
    "Null",
    "~",
    "1e3",
    "1E3",
    "-1",
    "+1",
    "0",
    "00",
    "010",
    "0o17",
    "0x1f",
    "0X1F",
    "0b11",
    "1_000",
    "1.5",
    ".5",
    "5.",
    "-.5",
    "+.inf",
    ".inf",
    ".NaN",
    "inf",
    "nan",
    "12:30:45",
    "1:2",
    "190:20:30.15",
    "2024-01-01",
    "2024-1-1",
    "2001-12-14t21:59:43.10-05:00",
    "2001-12-14 21:59:43",
    "=",
    "<<",
    "---",
    "--- x",
    "...",
    "... x",
    "- x",
    "-",
    "?",
    "? x",
    ": x",
    ":",
    "a: b",
    "a:",
    "a #b",
    "#a",
    " #",
    "*a",
    "&a",
    "!a",
    "!!str a",
    "|",
    ">",
    "|-",
    "%YAML 1.1",
    "@a",
    "`a",
    "\"",
    "'",
    "\"a\"",
    "'a'",
    "it's",
    "a\\nb",
    "\\",
    "{a: b}",
    "[a]",
    "{",
    "}",
    "[",
    "]",
    ",",
    "a, b",
    " a",
    "a ",
    "  ",
    " ",
    "null ",
    " ~",
    "a'b\"c",
    "${x}",
    "{{ x }}",
    "1e",
    "1__0",
    "_1",
    "0x",
    "0b",
    "+",
    ".",
];

fn entry(name: &str, tag: &str) -> AccountEntry {
    let input = json!({
        "tenant": "payments", "displayName": name, "contactEmail": tag, "costCenter": tag, "ownerGroups": [name, tag],
        "cluster": "shared-dev-1", "clusterRegion": "eu-west-1", "environment": "dev", "accountId": "000000000017",
        "regions": [],
    });
    serde_json::from_value(input).unwrap()
}

fn by_libyaml(yaml: &str) -> Value {
    serde_yaml_ng::from_str(yaml).expect(yaml)
}

fn by_granit(yaml: &str) -> Value {
    serde_saphyr::from_str(yaml).expect(yaml)
}

/// A person's file with hostile keys and values where Berth has no say; as JSON, which is YAML with everything quoted.
fn people_file(key: &str, value: &str) -> String {
    let tenant = json!({
        "apiVersion": "tenancy.berth.dev/v1alpha1", "kind": "Tenant",
        "metadata": { "name": "payments", "annotations": { key: value } },
        "spec": { "unknown": { "list": [value, { key: [value] }] } },
    });
    tenant.to_string()
}

fn check(name: &str, tag: &str) -> Result<(), TestCaseError> {
    let yaml = join(None, &entry(name, tag)).unwrap();
    for tenant in [by_libyaml(&yaml), by_granit(&yaml)] {
        let spec = &tenant["spec"];
        prop_assert_eq!(&spec["displayName"], &json!(name), "{}", yaml);
        prop_assert_eq!(&spec["costCenter"], &json!(tag), "{}", yaml);
        prop_assert_eq!(&spec["contact"]["email"], &json!(tag), "{}", yaml);
        prop_assert_eq!(&spec["owners"][0]["name"], &json!(name), "{}", yaml);
        prop_assert_eq!(&spec["accounts"][0]["accountId"], &json!("000000000017"), "{}", yaml);
    }
    let joined = join(Some(&people_file(name, tag)), &entry(tag, name)).unwrap();
    for tenant in [by_libyaml(&joined), by_granit(&joined)] {
        prop_assert_eq!(&tenant["metadata"]["annotations"], &json!({ name: tag }), "{}", joined);
        prop_assert_eq!(&tenant["spec"]["unknown"], &json!({ "list": [tag, { name: [tag] }] }), "{}", joined);
    }
    prop_assert!(!yaml.lines().any(|line| line.starts_with("---") || line.starts_with("...")), "{}", yaml);
    prop_assert_eq!(join(Some(&yaml), &entry(name, tag)).unwrap(), yaml);
    Ok(())
}

#[test]
fn texts_that_look_like_other_types_stay_texts() {
    for name in LOOKALIKES {
        check(name, name).unwrap_or_else(|error| panic!("{name:?}: {error}"));
    }
}

#[test]
fn texts_that_look_like_other_types_are_quoted_for_parsers_that_we_do_not_run() {
    let plain = |text: &str| {
        let yaml = join(None, &entry(text, "x")).unwrap();
        yaml.lines().any(|line| line.trim_end() == format!("  displayName: {text}").trim_end())
    };
    assert!(plain("payments dev"), "else this test proves nothing");
    let bare: Vec<_> = LOOKALIKES.iter().take_while(|text| **text != "---").filter(|text| plain(text)).collect();
    assert!(bare.is_empty(), "{bare:?}");
}

/// The cases of a default run; `PROPTEST_CASES` overrides it.
#[allow(clippy::disallowed_methods)] // A test has no settings of Berth.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").map_or(1_000, |count| count.parse().expect("PROPTEST_CASES is a number"))
}

/// Printable ASCII as account names allow it, with the characters that YAML gives a meaning more often than chance would.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~]{1,50}",
        "[-?:,\\[\\]{}#&*!|>'\"%@` .~=<+_0-9a-fxonyeT]{1,12}",
        prop::sample::select(LOOKALIKES).prop_map(str::to_owned),
        (prop::sample::select(LOOKALIKES), "[ -~]{0,3}").prop_map(|(text, tail)| format!("{text}{tail}")),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_names_and_tags_go_through_two_parsers_unchanged(name in text(), tag in text()) {
        check(&name, &tag)?;
    }
}
