//! The table of servers in docs/gitops.md: made from the matrix, repaired by the test that finds it stale.

use std::{path::Path, sync::Arc};

use crate::{Cell, Matrix, cases::CASES, servers::Forge};

const BEGIN: &str = "<!-- Made by make test-forges. -->\n";
const END: &str = "<!-- End of what make test-forges made. -->\n";

/// What people ask of a server, and the cases that show it.
const COLUMNS: [(&str, &[&str]); 5] = [
    ("commit", &["read", "commit", "lost race", "batch", "10,000 branches", "a cut answer", "a slow answer"]),
    ("review", &["propose", "again", "revert"]),
    ("merge seen", &["merge"]),
    ("its refusals in words", &["refuse by hook"]),
    ("rights and kinds told apart", &["no right to read", "no right to write", "empty", "SHA-256"]),
];

/// The table, with the rows of servers that are not here as they are in `before`.
fn made(servers: &[(&'static str, Option<Arc<Forge>>)], matrix: &Matrix, before: &str) -> String {
    let names: Vec<&str> = COLUMNS.iter().map(|(name, _)| *name).collect();
    let mut text = format!("| server | protocol | {} |\n|---|---|{}\n", names.join(" | "), "---|".repeat(names.len()));
    for (name, forge) in servers {
        if let Some(forge) = forge {
            text.push_str(&row(forge, matrix));
        } else {
            // A version, or the next column.
            let is_its = |line: &&str| {
                line.strip_prefix("| ")
                    .and_then(|line| line.strip_prefix(name))
                    .is_some_and(|rest| rest.starts_with(' '))
            };
            text.extend(before.lines().find(is_its).map(|line| format!("{line}\n")));
        }
    }
    text
}

fn row(forge: &Forge, matrix: &Matrix) -> String {
    let cells: Vec<String> = COLUMNS.iter().map(|(_, cases)| cell(forge, cases, matrix)).collect();
    // A machine's own git has the version that it has.
    let is_git = forge.name.split([',', ' ']).next() == Some("git");
    let version = if is_git { String::new() } else { format!(" {}", forge.version) };
    format!("| {}{version} | {} | {} |\n", forge.name, forge.protocol, cells.join(" | "))
}

fn cell(forge: &Forge, cases: &[&str], matrix: &Matrix) -> String {
    let shown =
        cases.iter().map(|case| match &matrix[&(forge.name, CASES.iter().find(|(name, _)| name == case).unwrap().0)] {
            Cell::Held => None,
            Cell::NotThere(why) => Some(format!("{case}: {why}")),
            Cell::Failed(_) => Some(format!("{case}: fails")),
        });
    let shown: Vec<String> = shown.flatten().collect();
    if shown.is_empty() {
        "yes".to_owned()
    } else if shown.len() == cases.len() {
        shown.join("; ")
    } else {
        format!("yes; {}", shown.join("; "))
    }
}

/// Compares the rows of the servers that are here with the matrix; writes the table and fails if they differ.
pub(crate) fn check(servers: &[(&'static str, Option<Arc<Forge>>)], matrix: &Matrix) {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/gitops.md");
    let text = std::fs::read_to_string(&page).unwrap();
    let (before, rest) = text.split_once(BEGIN).expect("docs/gitops.md marks where the table begins");
    let (table, after) = rest.split_once(END).expect("docs/gitops.md marks where the table ends");
    let made = made(servers, matrix, table);
    if table != made {
        std::fs::write(&page, format!("{before}{BEGIN}{made}{END}{after}")).unwrap();
        panic!("the table of servers in docs/gitops.md was out of date; it is written: look at it, and run again");
    }
    let rows = made.lines().count() - 2;
    assert_eq!(rows, servers.len(), "docs/gitops.md lacks a server. Next: make test-forges on a machine that has all");
}
