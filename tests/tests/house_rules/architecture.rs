//! ARCHITECTURE.md names every part, and each of its invariants names a test that exists.

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

/// Names of all functions, in Rust and in Python: a test is one of them.
fn functions(files: &[File]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for file in files.iter().filter(|file| file.is(".rs") || file.is(".py")) {
        for line in file.text.lines() {
            let line = line.trim_start().trim_start_matches("async ");
            let Some(rest) = line.strip_prefix("fn ").or_else(|| line.strip_prefix("def ")) else { continue };
            names.insert(rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect());
        }
    }
    names
}

/// Lines of the section on invariants that are an invariant: rows of its table, or items of its list.
fn invariants(text: &str) -> Vec<(usize, &str)> {
    let lines = text.lines().enumerate();
    let section = lines.skip_while(|(_, line)| !line.starts_with("## Invariants")).skip(1);
    let section = section.take_while(|(_, line)| !line.starts_with("## "));
    let is_item = |line: &str| {
        let row = line.starts_with('|') && !line.trim_matches(['|', '-', ':', ' ']).is_empty();
        let numbered = line.split_once(". ").is_some_and(|(number, _)| number.parse::<u32>().is_ok());
        row || numbered || line.starts_with("- ")
    };
    let mut items: Vec<(usize, &str)> =
        section.filter(|(_, line)| is_item(line)).map(|(n, line)| (n + 1, line)).collect();
    // The first row of a table is its head.
    if items.first().is_some_and(|(_, line)| line.starts_with('|')) {
        items.remove(0);
    }
    items
}

/// Words in backticks that look like the name of a test.
fn tests_named(line: &str) -> Vec<&str> {
    let quoted = line.split('`').skip(1).step_by(2);
    let last = quoted.map(|name| name.rsplit("::").next().unwrap_or(name).trim_end_matches("()"));
    let is_name =
        |name: &&str| name.matches('_').count() >= 2 && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    last.filter(is_name).collect()
}

fn without_test(file: &File, functions: &BTreeSet<String>) -> Vec<String> {
    let mut found = Vec::new();
    for (number, line) in invariants(&file.text) {
        let named = tests_named(line);
        if named.is_empty() {
            found.push(file.finding(number, "this invariant names no test"));
        }
        for name in named.into_iter().filter(|name| !functions.contains(*name)) {
            found.push(file.finding(number, format!("there is no test `{name}`")));
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
fn every_invariant_names_a_test_that_exists() {
    let files = files();
    let Some(file) = architecture(&files) else { return };
    assert!(invariants(&file.text).len() >= 10, "ARCHITECTURE.md lists {:?}", invariants(&file.text));
    none(&without_test(file, &functions(&files)), "name the test that proves it, in backticks");
}

#[test]
fn a_part_without_a_name_and_an_invariant_without_a_test_are_found() {
    let names = functions(&[
        File::new("x.rs", "    async fn one_of_each_is_left() {}\n"),
        File::new("x.py", "def test_it_ends():\n"),
    ]);
    assert_eq!(names.len(), 2);
    let text = "## Invariants\n\n| n | what | test |\n|---|:-:|---|\n| 1 | **One** | `a::one_of_each_is_left` |\n| 2 | **Two** | none |\n\
                | 3 | **Three** | `test_it_never_ends` |\n\n## More\n| x |\n";
    let file = File::new("ARCHITECTURE.md", text);
    assert_eq!(
        without_test(&file, &names),
        ["ARCHITECTURE.md:6: this invariant names no test", "ARCHITECTURE.md:7: there is no test `test_it_never_ends`"]
    );
    let list = File::new("ARCHITECTURE.md", "## Invariants\n1. **One**: `one_of_each_is_left`\n2. **Two**\n");
    assert_eq!(without_test(&list, &names), ["ARCHITECTURE.md:3: this invariant names no test"]);
    let files = [File::new("crates/berth-aws/src/lib.rs", ""), File::new("functions/a-b/lib.rs", "")];
    assert_eq!(unnamed("`crates/berth-aws`: sessions", &parts(&files)), ["a-b"]);
}
