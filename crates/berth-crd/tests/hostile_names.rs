//! Names and tags are any printable ASCII text, and come out of two YAML parsers as they went in.
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
        // What is no address is left out, and what is one is written.
        let address = tag.bytes().all(|byte| byte.is_ascii_graphic())
            && matches!(tag.split('@').collect::<Vec<_>>()[..], [a, b] if !a.is_empty() && !b.is_empty());
        prop_assert_eq!(spec["contact"]["email"].as_str(), address.then_some(tag), "{}", yaml);
        prop_assert_eq!(&spec["owners"][0]["name"], &json!(name), "{}", yaml);
        prop_assert_eq!(&spec["accounts"][0]["accountId"], &json!("000000000017"), "{}", yaml);
    }
    let joined = join(Some(&people_file(name, tag)), &entry(tag, name)).unwrap();
    for tenant in [by_libyaml(&joined), by_granit(&joined)] {
        prop_assert_eq!(&tenant["metadata"]["annotations"], &json!({ name: tag }), "{}", joined);
        prop_assert_eq!(&tenant["spec"]["unknown"], &json!({ "list": [tag, { name: [tag] }] }), "{}", joined);
    }
    let markers = yaml.lines().filter(|line| line.starts_with("---") || line.starts_with("...")).count();
    prop_assert_eq!(markers, 1, "the start of the document alone: {}", yaml);
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
fn texts_that_look_like_other_types_are_quoted_for_every_parser() {
    let plain = |text: &str| {
        let yaml = join(None, &entry(text, "x")).unwrap();
        yaml.lines().any(|line| line.trim_end() == format!("  displayName: {text}").trim_end())
    };
    assert!(plain("payments dev"), "else this test proves nothing");
    let bare: Vec<_> = LOOKALIKES.iter().take_while(|text| **text != "---").filter(|text| plain(text)).collect();
    assert!(bare.is_empty(), "{bare:?}");
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
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_names_and_tags_go_through_two_parsers_unchanged(name in text(), tag in text()) {
        check(&name, &tag)?;
    }
}

/// Pairs of a name and a tag in one document of the large test.
const PAIRS: usize = 250;
/// Threads that check at once.
const THREADS: u64 = 4;

/// Texts as [`text`] makes them, but hundreds of times faster, and the same in every run.
struct Texts(u64);

impl Texts {
    /// A number below `limit` (`SplitMix64`).
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) >> 33).unwrap() % limit
    }

    fn some(&mut self, alphabet: &[u8], shortest: usize, longest: usize) -> String {
        let length = shortest + self.below(longest - shortest + 1);
        (0..length).map(|_| char::from(alphabet[self.below(alphabet.len())])).collect()
    }

    fn next(&mut self) -> String {
        let printable: [u8; 95] = std::array::from_fn(|n| u8::try_from(n).unwrap() + b' ');
        let lookalike = LOOKALIKES[self.below(LOOKALIKES.len())];
        match self.below(4) {
            0 => self.some(&printable, 1, 50),
            1 => self.some(b"-?:,[]{}#&*!|>'\"%@` .~=<+_0123456789abcdefxonyeT", 1, 12),
            2 => lookalike.to_owned(),
            _ => format!("{lookalike}{}", self.some(&printable, 0, 3)),
        }
    }
}

/// So many documents of names and as many tags in each thread. One document holds many, else reading it all would take
/// minutes.
fn check_documents(documents: usize) {
    std::thread::scope(|threads| {
        let check = |seed| {
            let mut texts = Texts(seed);
            for _ in 0..documents {
                check_many(&(0..PAIRS).map(|_| (texts.next(), texts.next())).collect::<Vec<_>>());
            }
            PAIRS * documents
        };
        let running: Vec<_> = (0..THREADS).map(|seed| threads.spawn(move || check(seed))).collect();
        let checked: usize = running.into_iter().map(|thread| thread.join().unwrap()).sum();
        assert_eq!(checked, PAIRS * documents * usize::try_from(THREADS).unwrap());
    });
}

#[test]
fn ten_thousand_names_and_tags_go_through_two_parsers_unchanged() {
    check_documents(10);
}

#[test]
#[ignore = "make test-all: two minutes"]
fn a_million_names_and_tags_go_through_two_parsers_unchanged() {
    check_documents(1_000);
}

/// Every name is a value of ours and a key of somebody else's; every tag is a value of both.
fn check_many(pairs: &[(String, String)]) {
    let mut entry = entry(&pairs[0].0, &pairs[0].1);
    entry.owner_groups = pairs.iter().flat_map(|(name, tag)| [name.clone(), tag.clone()]).collect();
    let annotations: Value = pairs.iter().map(|(name, tag)| (name.clone(), json!(tag))).collect();
    let mut people: Value = serde_json::from_str(&people_file("x", "y")).unwrap();
    people["metadata"]["annotations"] = annotations.clone();
    let yaml = join(Some(&people.to_string()), &entry).unwrap();
    for tenant in [by_libyaml(&yaml), by_granit(&yaml)] {
        let owners = tenant["spec"]["owners"].as_array().unwrap();
        let owners: Vec<&str> = owners.iter().map(|owner| owner["name"].as_str().expect("a text")).collect();
        assert_eq!(owners, entry.owner_groups, "{yaml}");
        assert_eq!(tenant["metadata"]["annotations"], annotations, "{yaml}");
    }
}
