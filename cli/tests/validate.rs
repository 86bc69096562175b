//! `berth validate` over mistakes in the example: none of them is taken, and each is told with its line and what to do.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::{
    io::Write,
    process::{Command, Stdio},
};

use serde::Deserialize;

const EXAMPLE: &str = include_str!("../../infra/platform.example.yaml");
const MUTATIONS: &str = include_str!("../../tests/fixtures/platform/mutations.yaml");

/// One mistake.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mutation {
    from: String,
    to: String,
    says: String,
}

/// Exit code and standard error of `berth validate` for a file.
fn validate(text: &str) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_berth"));
    command.args(["validate", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

/// What is wrong with the answer to one mistake; none when it is as it should be.
fn wrong(mutation: &Mutation) -> Option<String> {
    let Mutation { from, to, says } = mutation;
    if !EXAMPLE.contains(from.as_str()) {
        return Some(format!("the example has no {from:?}"));
    }
    let (code, said) = validate(&EXAMPLE.replacen(from.as_str(), to, 1));
    let is_told = code == Some(2) && said.contains(says.as_str());
    let has_place = said.starts_with("-: line ") && said.contains("\n  Next: ");
    (!is_told || !has_place).then(|| format!("{to:?}: exit {code:?}, not {says:?} but {said}"))
}

#[test]
fn no_mistake_of_the_list_is_taken_and_each_is_told_with_line_and_next() {
    let mutations: Vec<Mutation> = serde_saphyr::from_str(MUTATIONS).unwrap();
    assert!(mutations.len() >= 70, "{}", mutations.len());
    let wrong: Vec<String> = mutations.iter().filter_map(wrong).collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), mutations.len(), wrong.join("\n"));
}

#[test]
fn what_is_newer_than_this_version_is_taken_when_the_file_says_so() {
    let unlisted = "unlisted:\n  managedPolicies: [\"arn:aws:iam::aws:policy/SomethingNew\"]\n  regions: [xx-north-1]\n  \
                    configRules: [SOMETHING_NEW]\n  configResourceTypes: [\"AWS::New::Thing\"]\n  \
                    timeZones: [Mars/Olympus]\n  publicBlocks: [11.0.0.0/8]\n";
    let edits = [
        ("policy/PowerUserAccess", "policy/SomethingNew"),
        ("dev-euw1: { region: eu-west-1,", "dev-euw1: { region: xx-north-1,"),
        ("source: ENCRYPTED_VOLUMES", "source: SOMETHING_NEW"),
        ("AWS::S3::Bucket", "AWS::New::Thing"),
        ("Europe/Berlin", "Mars/Olympus"),
        ("supernets: [10.20.0.0/14]", "supernets: [11.4.0.0/14]"),
    ];
    let mut text = EXAMPLE.to_owned();
    for (from, to) in edits {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    let (code, said) = validate(&text);
    assert!(code == Some(2) && said.contains("invalid: 6 to correct"), "{code:?} {said}");
    let (code, said) = validate(&text.replacen("environments:\n", &format!("{unlisted}environments:\n"), 1));
    assert_eq!(code, Some(0), "{said}");
}
