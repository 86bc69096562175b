//! A file's name and its first line say what it is for.

use crate::source::{File, ending, files, none};

/// Names that say nothing: whatever is there has a subject of its own.
const SAY_NOTHING: [&str; 9] = ["common", "commons", "helper", "helpers", "misc", "models", "shared", "util", "utils"];

fn name_says_nothing(file: &File) -> Option<String> {
    let code = file.is(".rs") || file.is(".py");
    let folders = file.path.split('/').rev().skip(1);
    let bad = folders.chain([file.stem()]).find(|part| SAY_NOTHING.contains(&part.to_ascii_lowercase().as_str()));
    bad.filter(|_| code).map(|name| file.finding(1, format!("`{name}` says nothing")))
}

/// Modules inside a file, which have no file name.
fn inline_module(file: &File) -> Vec<String> {
    let found = SAY_NOTHING
        .iter()
        .flat_map(|name| file.lines_with(&format!("mod {name}")).into_iter().map(move |line| (line, name)));
    found.map(|(line, name)| file.finding(line, format!("`mod {name}` says nothing"))).collect()
}

fn first_line(file: &File) -> Option<String> {
    let starts: &[&str] = if file.is(".rs") {
        &["//! "]
    } else if file.is(".py") {
        &["\"\"\"", "#!"]
    } else if file.is(".yaml") || file.is(".yml") || file.is("Makefile") {
        &["# "]
    } else if file.is(".sh") || file.is(".ci/run") {
        &["#!"]
    } else {
        return None;
    };
    // Files under `fixtures` are compared byte by byte with what the product writes.
    if file.path.contains("/fixtures/") {
        return None;
    }
    let mut lines = file.text.lines();
    let first = lines.next().unwrap_or_default();
    let said = match starts.iter().find(|start| first.starts_with(**start)) {
        Some(&"#!") => lines.next().is_some_and(|line| line.starts_with("# ") || line.starts_with("\"\"\"")),
        Some(start) => first.len() > start.len() + 8,
        None => false,
    };
    (!said).then(|| file.finding(1, format!("begins with {first:?}")))
}

/// Longest that the name of a test may be: it says the behaviour, and the test the rest.
const TEST_NAME_CHARS_MAX: usize = 72;

/// Names of the tests in a file, in Rust and in Python.
fn tests(file: &File) -> Vec<String> {
    let mut found = Vec::new();
    let mut is_marked = false;
    for line in file.text.lines().map(str::trim_start) {
        let name = line.trim_start_matches("async ").strip_prefix("fn ").filter(|_| is_marked);
        let name = name.or_else(|| line.strip_prefix("def ").filter(|rest| rest.starts_with("test_")));
        if let Some(rest) = name {
            found.push(rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect());
            is_marked = false;
        } else if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            is_marked = true;
        }
    }
    found
}

#[test]
fn test_names_say_the_behaviour_in_a_line() {
    let code = files().into_iter().filter(|file| file.is(".rs") || file.is(".py"));
    let named: Vec<(String, String)> =
        code.flat_map(|file| tests(&file).into_iter().map(move |name| (file.path.clone(), name))).collect();
    assert!(named.len() > 1_000, "only {} tests were found", named.len());
    let longer = named.iter().filter(|(_, name)| name.len() > TEST_NAME_CHARS_MAX);
    let found: Vec<String> = longer.map(|(path, name)| format!("{path}: {name}")).collect();
    none(&found, "say the behaviour in at most 72 characters");
}

#[test]
fn names_of_tests_are_found_in_rust_and_in_python() {
    let rust = "    #[test]\n    #[ignore = \"x\"]\n    fn it_holds() {}\n    fn helper() {}\n#[tokio::test]\nasync fn it_waits() {}\n";
    assert_eq!(tests(&File::new("x.rs", rust)), ["it_holds", "it_waits"]);
    assert_eq!(tests(&File::new("x.py", "def test_it():\ndef helper():\n")), ["test_it"]);
}

#[test]
fn every_name_says_what_is_in_it() {
    let found: Vec<String> = files().iter().filter_map(name_says_nothing).collect();
    none(&found, "name it after its subject");
    none(&ending(".rs").iter().flat_map(inline_module).collect::<Vec<_>>(), "name it after its subject");
}

#[test]
fn the_first_line_of_a_file_says_what_it_is_for() {
    let found: Vec<String> = files().iter().filter_map(first_line).collect();
    none(&found, "begin with `//! …` in Rust, a docstring in Python, `# …` in YAML, Make and shell");
}

#[test]
fn names_that_say_nothing_and_files_without_a_first_line_are_found() {
    for path in ["crates/x/src/utils.rs", "local/common/x.py", "functions/x/Helpers.rs", "cli/src/models/a.rs"] {
        assert!(name_says_nothing(&File::new(path, "")).is_some(), "{path}");
    }
    assert!(name_says_nothing(&File::new("docs/shared/x.md", "")).is_none());
    assert_eq!(
        inline_module(&File::new("x.rs", "\nmod utils {}\n// mod helpers\n")),
        ["x.rs:2: `mod utils` says nothing"]
    );
    for (path, text) in [
        ("x.rs", "use std::fmt;\n"),
        ("x.rs", "//!\n"),
        ("x.rs", ""),
        ("x.py", "import os\n"),
        ("x.yaml", "a: 1\n"),
        ("Makefile", "all:\n"),
        ("x.sh", "#!/bin/sh\nset -e\n"),
    ] {
        assert!(first_line(&File::new(path, text)).is_some(), "{path}: {text:?}");
    }
    for (path, text) in [
        ("x.rs", "//! Reads the account.\n"),
        ("x.py", "\"\"\"Reads the account.\"\"\"\n"),
        ("x.sh", "#!/bin/sh\n# Says what is missing.\n"),
        ("x.json", "{}"),
    ] {
        assert_eq!(first_line(&File::new(path, text)), None);
    }
}
