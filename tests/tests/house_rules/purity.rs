//! What code must not do: read a clock where it decides, wait, or be unfinished.

use crate::source::{File, ending, none};

/// Clocks and random sources, as tokens.
const CLOCKS_AND_DICE: [&str; 11] = [
    "Timestamp : : now",
    "Zoned : : now",
    "SystemTime : : now",
    "Instant : : now",
    "Utc : : now",
    "tokio : : time",
    "rand : :",
    "fastrand : :",
    "getrandom : :",
    "thread_rng (",
    "new_v4 (",
];

/// What is unfinished, or left over from debugging.
const UNFINISHED: [&str; 3] = ["todo !", "unimplemented !", "dbg !"];

/// Whether a file's code must be pure: the same input always gives the same answer. Wiring gives the time.
fn must_be_pure(file: &File) -> bool {
    let crates = ["berth-tenancy", "berth-config", "berth-crd", "berth-events"];
    let of_crate = crates.iter().any(|name| file.path.starts_with(&format!("crates/{name}/src/")));
    let of_function = file.path.starts_with("functions/") && !file.is("/main.rs");
    let of_operator = file.path.starts_with("operator/src/") && !file.path.contains("/client/") && !file.is("/main.rs");
    file.is(".rs") && (of_crate || of_function || of_operator) && !file.is_test()
}

fn impure(file: &File) -> Vec<String> {
    let of =
        |pattern: &&str| file.lines_with(pattern).into_iter().map(|line| (line, pattern.replace(' ', ""))).collect();
    let found = CLOCKS_AND_DICE.iter().flat_map(|pattern| -> Vec<(usize, String)> { of(pattern) });
    found.map(|(line, pattern)| file.finding(line, pattern)).collect()
}

fn unfinished(file: &File) -> Vec<String> {
    let of = |pattern: &'static str| file.lines_with(pattern).into_iter().map(move |line| (line, pattern));
    UNFINISHED.into_iter().flat_map(of).map(|(line, pattern)| file.finding(line, pattern.replace(' ', ""))).collect()
}

/// Calls of `sleep` without an `#[expect(…, reason = "…")]` in the same file for each.
fn sleeps(file: &File) -> Vec<String> {
    let product = file.path.starts_with("functions/") || file.path.starts_with("crates/");
    if !product || file.is_test() || !file.is(".rs") {
        return Vec::new();
    }
    let calls = file.lines_with("sleep (");
    let reasons = file.lines_with("expect ( clippy : : disallowed_methods , reason =").len();
    calls.into_iter().skip(reasons).map(|line| file.finding(line, "sleep(")).collect()
}

/// A function whose wiring and whose rest are not apart.
fn parts_of(function: &str, files: &[File]) -> Vec<String> {
    let has = |name: &str| files.iter().any(|file| file.path == format!("functions/{function}/{name}"));
    ["main.rs", "lib.rs"]
        .into_iter()
        .filter(|name| !has(name))
        .map(|name| format!("functions/{function}: no {name}"))
        .collect()
}

#[test]
fn what_decides_reads_no_clock_and_no_random_source() {
    let files = ending(".rs");
    let pure: Vec<&File> = files.iter().filter(|file| must_be_pure(file)).collect();
    assert!(pure.len() > 80, "only {} files", pure.len());
    none(
        &pure.into_iter().flat_map(impure).collect::<Vec<_>>(),
        "take the time or the seed as a parameter; main.rs gives it",
    );
}

#[test]
fn nothing_is_unfinished() {
    none(&ending(".rs").iter().flat_map(unfinished).collect::<Vec<_>>(), "finish it, or remove it");
    let skipped = ending(".py").into_iter().flat_map(|file| {
        let lines = file.text.lines().enumerate().filter(|(_, line)| {
            line.contains("pytest.mark.skip") || line.contains("pytest.mark.xfail") || line.contains("breakpoint()")
        });
        lines.map(|(line, text)| file.finding(line + 1, text.trim())).collect::<Vec<_>>()
    });
    none(&skipped.collect::<Vec<_>>(), "finish it, or remove it");
}

#[test]
fn no_step_sleeps() {
    none(
        &ending(".rs").iter().flat_map(sleeps).collect::<Vec<_>>(),
        "return NotReady, or #[expect] the lint with a reason",
    );
}

#[test]
fn every_function_has_its_wiring_apart() {
    let files = ending(".rs");
    let all = files.iter().filter_map(|file| file.path.strip_prefix("functions/")?.split('/').next());
    let functions: std::collections::BTreeSet<&str> = all.collect();
    assert!(functions.len() >= 7, "{functions:?}");
    none(
        &functions.into_iter().flat_map(|name| parts_of(name, &files)).collect::<Vec<_>>(),
        "main.rs is wiring, lib.rs the rest",
    );
}

#[test]
fn clocks_sleeps_and_unfinished_code_are_found() {
    let bad = File::new(
        "functions/x/lib.rs",
        "//! Says `Timestamp::now()` in a comment.\nfn f() { jiff::Timestamp::now(); }\nfn g() {\n    rand::random()\n}\n\
         fn h() { vec![todo!()]; dbg!(1); }\nfn i() { tokio::time::sleep(PAUSE).await }\n",
    );
    assert!(must_be_pure(&bad));
    assert_eq!(
        impure(&bad),
        ["functions/x/lib.rs:2: Timestamp::now", "functions/x/lib.rs:7: tokio::time", "functions/x/lib.rs:4: rand::"]
    );
    assert_eq!(unfinished(&bad), ["functions/x/lib.rs:6: todo!", "functions/x/lib.rs:6: dbg!"]);
    assert_eq!(sleeps(&bad), ["functions/x/lib.rs:7: sleep("]);
    let expected = File::new(
        "crates/x/src/lib.rs",
        "#[expect(clippy::disallowed_methods, reason = \"between two tries\")]\nfn f() { sleep(P) }\nfn g() { sleep(P) }",
    );
    assert_eq!(sleeps(&expected), ["crates/x/src/lib.rs:3: sleep("]);
    for path in ["functions/x/main.rs", "functions/x/tests/a.rs", "functions/x/decide_tests.rs", "cli/src/main.rs"] {
        assert!(!must_be_pure(&File::new(path, "")), "{path}");
    }
    assert_eq!(parts_of("x", &[File::new("functions/x/lib.rs", "")]), ["functions/x: no main.rs"]);
}
