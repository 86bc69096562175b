//! docs/testing.md lists every test that only `make test-all` runs, and why `make test` still meets its kind.

use std::collections::BTreeSet;

use crate::source::{File, ending, files, none};

/// What an ignored test says of itself.
const MARK: &str = "#[ignore = \"make test-all: ";

/// Names of the functions below a mark.
fn marked(file: &File) -> Vec<String> {
    let mut found = Vec::new();
    let mut is_marked = false;
    for line in file.text.lines().map(str::trim_start) {
        if line.starts_with("#[ignore") {
            is_marked = true;
        } else if let Some(rest) = line.trim_start_matches("async ").strip_prefix("fn ").filter(|_| is_marked) {
            is_marked = false;
            found.push(rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect());
        }
    }
    found
}

/// Lines that ignore a test and do not say for which command it is.
fn without_mark(file: &File) -> Vec<String> {
    let lines = file.text.lines().enumerate();
    let bad =
        lines.filter(|(_, line)| line.trim_start().starts_with("#[ignore") && !line.trim_start().starts_with(MARK));
    bad.map(|(number, line)| file.finding(number + 1, line.trim())).collect()
}

/// Names of tests in the first column, and those in the second.
fn listed(text: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let section = text.lines().skip_while(|line| !line.starts_with("## Only in make test-all")).skip(1);
    let rows = section.take_while(|line| !line.starts_with("## ")).filter(|line| line.starts_with("| `"));
    let names = |cell: &str| -> BTreeSet<String> {
        let quoted = cell.split('`').skip(1).step_by(2);
        quoted.filter(|name| name.contains('_') && !name.contains(['/', ' '])).map(str::to_owned).collect()
    };
    let (mut only, mut kinds) = (BTreeSet::new(), BTreeSet::new());
    for row in rows {
        let mut cells = row.trim_matches('|').split('|');
        only.extend(names(cells.next().unwrap_or_default()));
        kinds.extend(cells.flat_map(names));
    }
    (only, kinds)
}

#[test]
fn every_test_that_only_test_all_runs_is_listed_with_its_kind() {
    let rust = ending(".rs");
    none(&rust.iter().flat_map(without_mark).collect::<Vec<_>>(), "#[ignore = \"make test-all: why\"], or remove it");
    let page = files().into_iter().find(|file| file.path == "docs/testing.md").expect("docs/testing.md is there");
    let (only, kinds) = listed(&page.text);
    let ignored: BTreeSet<String> = rust.iter().flat_map(marked).collect();
    assert!(!ignored.is_empty());
    assert_eq!(only, ignored, "the first column of docs/testing.md, and the tests that are marked");
    let all: BTreeSet<String> = rust.iter().flat_map(|file| file.text.split("fn ").skip(1)).map(name).collect();
    let unknown: Vec<&String> = kinds.iter().filter(|kind| !all.contains(*kind) || ignored.contains(*kind)).collect();
    assert!(unknown.is_empty(), "docs/testing.md names tests that `make test` does not have: {unknown:?}");
}

/// The name that a text begins with.
fn name(text: &str) -> String {
    text.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
}

#[test]
fn a_mark_without_a_command_and_a_row_are_found() {
    let file =
        File::new("x.rs", "#[test]\n#[ignore = \"make test-all: many\"]\nfn a_crowd() {}\n#[test]\nfn one() {}\n");
    assert_eq!(marked(&file), ["a_crowd"]);
    assert!(without_mark(&file).is_empty());
    assert_eq!(without_mark(&File::new("x.rs", "#[ignore]\n")), ["x.rs:1: #[ignore]"]);
    let (only, kinds) =
        listed("## Only in make test-all\n| test | its kind |\n|---|---|\n| `a_crowd` | `of_one`: it |\n## More\n");
    assert_eq!((only.len(), kinds.contains("of_one")), (1, true));
}
