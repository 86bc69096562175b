//! ARCHITECTURE.md names every part, and each of its invariants says where it is enforced and where its tests are.

use std::collections::BTreeSet;

use crate::source::{File, files, none};

/// Folders of crates and functions.
fn parts(files: &[File]) -> BTreeSet<String> {
    let part = |file: &File| {
        let mut path = file.path.split('/');
        let (kind, name) = (path.next()?, path.next()?);
        (["crates", "functions"].contains(&kind) && path.next().is_some()).then(|| name.to_owned())
    };
    files.iter().filter_map(part).collect()
}

fn unnamed(text: &str, parts: &BTreeSet<String>) -> Vec<String> {
    parts
        .iter()
        .filter(|part| !text.contains(&format!("`{part}`")) && !text.contains(&format!("/{part}`")))
        .cloned()
        .collect()
}

/// Paths in the checkout that hold a test: files, and every folder above one.
fn tested(files: &[File]) -> BTreeSet<String> {
    let has_test = |file: &&File| {
        let is = |line: &str| {
            line.starts_with("#[test]") || line.starts_with("#[tokio::test") || line.starts_with("def test_")
        };
        (file.is(".rs") || file.is(".py")) && file.text.lines().any(|line| is(line.trim_start()))
    };
    files.iter().filter(has_test).flat_map(|file| above(&file.path)).collect()
}

/// A path and all folders that it is in.
fn above(path: &str) -> impl Iterator<Item = String> {
    let ends = path.match_indices('/').map(|(end, _)| end).chain([path.len()]);
    ends.map(|end| path[..end].to_owned()).collect::<Vec<_>>().into_iter()
}

/// Rows of the table of invariants, each with the number of its line and its three cells.
fn invariants(text: &str) -> Vec<(usize, Vec<&str>)> {
    let lines = text.lines().enumerate();
    let section = lines.skip_while(|(_, line)| !line.starts_with("## Invariants")).skip(1);
    let section = section.take_while(|(_, line)| !line.starts_with("## "));
    let rows = section.filter(|(_, line)| line.starts_with("| **"));
    rows.map(|(number, line)| (number + 1, line.trim_matches('|').split('|').map(str::trim).collect())).collect()
}

/// Words in backticks that are a path: with a slash, and not of a pattern.
fn paths(cell: &str) -> Vec<&str> {
    let quoted = cell.split('`').skip(1).step_by(2);
    quoted.filter(|path| path.contains('/')).map(|path| path.trim_end_matches('/')).collect()
}

fn without_test(file: &File, existing: &BTreeSet<String>, tested: &BTreeSet<String>) -> Vec<String> {
    let mut found = Vec::new();
    for (number, cells) in invariants(&file.text) {
        let [_, enforced, tests] = cells.as_slice() else {
            found.push(file.finding(number, "this invariant has not three cells"));
            continue;
        };
        if paths(tests).is_empty() {
            found.push(file.finding(number, "this invariant names no folder of tests"));
        }
        for path in paths(enforced).into_iter().filter(|path| !existing.contains(*path)) {
            found.push(file.finding(number, format!("there is no `{path}`")));
        }
        for path in paths(tests).into_iter().filter(|path| !tested.contains(*path)) {
            found.push(file.finding(number, format!("there is no test in `{path}`")));
        }
    }
    found
}

/// The file, once it is written.
fn architecture(files: &[File]) -> Option<&File> {
    files.iter().find(|file| file.path == "ARCHITECTURE.md")
}

#[test]
fn the_architecture_names_every_crate_and_every_function() {
    let files = files();
    let Some(file) = architecture(&files) else { return };
    let found: Vec<String> =
        unnamed(&file.text, &parts(&files)).into_iter().map(|part| file.finding(1, part)).collect();
    none(&found, "add it to the code map");
}

#[test]
fn every_invariant_says_where_it_is_enforced_and_tested() {
    let files = files();
    let Some(file) = architecture(&files) else { return };
    assert!(invariants(&file.text).len() >= 10, "ARCHITECTURE.md lists {:?}", invariants(&file.text));
    let existing = files.iter().flat_map(|file| above(&file.path)).collect();
    none(&without_test(file, &existing, &tested(&files)), "name the file or folder, in backticks");
}

#[test]
fn a_part_without_a_name_and_an_invariant_without_a_test_are_found() {
    let files = [
        File::new("crates/berth-aws/src/lib.rs", "    #[test]\n    fn it_holds() {}\n"),
        File::new("functions/a-b/lib.rs", ""),
        File::new("local/tests/x/test_y.py", "def test_it_ends():\n"),
    ];
    let existing = files.iter().flat_map(|file| above(&file.path)).collect();
    let text = "## Invariants\n\n| invariant | enforced in | tests |\n|---|---|---|\n\
                | **One** | `functions/a-b/` | `crates/berth-aws`, `local/tests` |\n\
                | **Two** | `functions/c` | `functions/a-b` |\n| **Three** | it | none |\n| **Four** | it |\n\n## More\n";
    let file = File::new("ARCHITECTURE.md", text);
    assert_eq!(
        without_test(&file, &existing, &tested(&files)),
        [
            "ARCHITECTURE.md:6: there is no `functions/c`",
            "ARCHITECTURE.md:6: there is no test in `functions/a-b`",
            "ARCHITECTURE.md:7: this invariant names no folder of tests",
            "ARCHITECTURE.md:8: this invariant has not three cells",
        ]
    );
    assert_eq!(unnamed("`crates/berth-aws`: sessions", &parts(&files)), ["a-b"]);
}
