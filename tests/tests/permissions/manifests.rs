//! The lines of functions in the workspace's manifests are written from the folders.

use std::fs;

use berth_tests::{
    generated::{assert_current, filled},
    registry::functions,
    rig::checkout,
};

/// What a manifest says of the functions that are wanted in it, a line for each.
fn lines(is_wanted: impl Fn(&str) -> bool, line: impl Fn(&str) -> String) -> String {
    functions().iter().map(|function| function.name.as_str()).filter(|name| is_wanted(name)).map(line).collect()
}

/// Every Rust file of the tests, one after the other.
fn code(folder: &std::path::Path) -> String {
    let entries = fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path());
    let read = entries.map(|path| match path.extension() {
        _ if path.is_dir() => code(&path),
        Some(ending) if ending == "rs" => fs::read_to_string(&path).unwrap(),
        _ => String::new(),
    });
    read.collect()
}

/// The tests depend on the functions whose types they name, so that an edit of another one builds none of them anew.
#[test]
fn the_manifests_have_a_line_for_each_function() {
    let code = code(&checkout().join("tests"));
    let is_named = |name: &str| {
        let path = format!("{}::", name.replace('-', "_"));
        code.match_indices(&path)
            .any(|(at, _)| !code[..at].ends_with(|c: char| c.is_alphanumeric() || "_:".contains(c)))
    };
    let files = [
        ("Cargo.toml", lines(|_| true, |name| format!("{name} = {{ path = \"functions/{name}\" }}\n"))),
        ("tests/Cargo.toml", lines(is_named, |name| format!("{name}.workspace = true\n"))),
    ];
    let fresh = files.map(|(path, lines)| {
        let path = checkout().join(path);
        let text = fs::read_to_string(&path).unwrap();
        let text = filled(&text, |block| (block == "functions").then(|| lines.clone()));
        (path.clone(), text.unwrap_or_else(|error| panic!("{}: {error}", path.display())))
    });
    assert_current(fresh, "functions/ and the code of the tests");
}
