//! `berth validate` of a file with several mistakes: all are told at once, with their lines, to a person and to GitHub.

use serde_json::Value;

use crate::desk::Desk;

const EXAMPLE: &str = include_str!("../../../infra/platform.example.yaml");

/// The example with these mistakes.
fn broken(edits: &[(&str, &str)]) -> Desk {
    let mut text = EXAMPLE.to_owned();
    for (from, to) in edits {
        assert!(text.contains(from), "the example has no {from:?}");
        text = text.replacen(from, to, 1);
    }
    Desk::empty().file("platform.yaml", &text)
}

/// Mistakes of shape in three parts of the file.
const THREE: [(&str, &str); 3] = [
    ("managementAccount:", "managmentAccount:"),
    ("startOn: [controlTower", "startOn: [controltower"),
    ("clusters:\n", "clusters:\n  other: 7\n"),
];

#[test]
fn mistakes_of_shape_in_several_parts_of_a_file_are_all_told() {
    let desk = broken(&THREE);
    let path = desk.path("platform.yaml").display().to_string();
    let ended = desk.berth(&["validate", &path]);
    let said = ended.with_code(2);
    for part in ["managmentAccount", "unknown variant `controltower`", "clusters.other: "] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let lines: Vec<&str> = said.lines().collect();
    let told = lines.iter().position(|line| line.contains("unknown variant `controltower`")).unwrap();
    let place = lines[told].split(", column ").nth(1).unwrap().split(':').next().unwrap().parse::<usize>().unwrap();
    let (shown, mark) = (lines[told + 1], lines[told + 2]);
    let margin = shown.find("| ").unwrap() + 2;
    assert!(shown[margin..].starts_with("startOn: [controltower"), "{said}");
    assert_eq!(mark.find('^'), Some(margin + place - 1), "{said}");
    assert!(lines[told + 3].starts_with("  Next: "), "{said}");
}

#[test]
fn json_and_annotations_have_the_same_mistakes_in_the_same_lines() {
    let desk = broken(&THREE);
    let path = desk.path("platform.yaml").display().to_string();
    let json = desk.berth(&["validate", &path, "-o", "json"]);
    let errors = serde_json::from_str::<Value>(&json.out).unwrap()["errors"].as_array().unwrap().clone();
    let github = desk.berth(&["validate", &path, "--format", "github"]);
    assert_eq!((json.code, github.code), (2, 2));
    let wanted: Vec<String> = errors
        .iter()
        .map(|error| format!("::error file={path},line={},col={},", error["line"], error["column"]))
        .collect();
    let told: Vec<&str> = github.out.lines().collect();
    assert!(wanted.len() >= 3 && wanted.len() == told.len(), "{wanted:#?} {told:#?}");
    assert!(told.iter().zip(&wanted).all(|(line, start)| line.starts_with(start)), "{wanted:#?} {told:#?}");
    assert!(told.iter().all(|line| line.contains("%0ANext: ")), "{told:#?}");
}
