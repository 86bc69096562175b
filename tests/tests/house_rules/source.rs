//! The files of the checkout, as the rules read them.

use std::{path::PathBuf, process::Command, sync::OnceLock};

use proc_macro2::{TokenStream, TokenTree};

/// One file.
#[derive(Debug, Clone)]
pub struct File {
    /// Its path in the checkout.
    pub path: String,
    /// Its text.
    pub text: String,
    tokens: OnceLock<Vec<Token>>,
}

impl File {
    /// A file for a rule's own test.
    pub fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned(), tokens: OnceLock::new() }
    }

    /// Whether its name ends like this.
    pub fn is(&self, ending: &str) -> bool {
        self.path.ends_with(ending)
    }

    /// Whether it is only compiled for tests.
    pub fn is_test(&self) -> bool {
        let in_folder = self.path.split('/').rev().skip(1).any(|part| part == "tests");
        let stem = self.stem();
        in_folder || stem == "tests" || stem.ends_with("_tests") || stem.starts_with("test_")
    }

    /// Its name without ending.
    pub fn stem(&self) -> &str {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        name.split('.').next().unwrap_or_default()
    }

    /// A finding about it: `path:line: what`.
    pub fn finding(&self, line: usize, what: impl std::fmt::Display) -> String {
        format!("{}:{line}: {what}", self.path)
    }

    /// The Rust tokens of the file and their lines. Comments are none, so what they say is not found.
    fn tokens(&self) -> &[Token] {
        self.tokens.get_or_init(|| {
            let stream: TokenStream = self.text.parse().unwrap_or_else(|error| panic!("{}: {error}", self.path));
            let mut tokens = Vec::new();
            flatten(stream, &mut tokens);
            tokens
        })
    }

    /// Lines at which these tokens follow each other; the pattern has them with spaces between.
    pub fn lines_with(&self, pattern: &str) -> Vec<usize> {
        let wanted: Vec<&str> = pattern.split(' ').collect();
        let windows = self.tokens().windows(wanted.len());
        let found = windows.filter(|window| window.iter().zip(&wanted).all(|(token, wanted)| token.text == *wanted));
        found.map(|window| window[0].line).collect()
    }
}

/// One token.
#[derive(Debug, Clone)]
struct Token {
    text: String,
    /// Counted from one.
    line: usize,
}

fn flatten(stream: TokenStream, into: &mut Vec<Token>) {
    for tree in stream {
        let line = tree.span().start().line;
        let TokenTree::Group(group) = tree else {
            into.push(Token { text: tree.to_string(), line });
            continue;
        };
        let (open, close) = match group.delimiter() {
            proc_macro2::Delimiter::Parenthesis => ("(", ")"),
            proc_macro2::Delimiter::Brace => ("{", "}"),
            proc_macro2::Delimiter::Bracket => ("[", "]"),
            proc_macro2::Delimiter::None => ("", ""),
        };
        into.push(Token { text: open.to_owned(), line });
        flatten(group.stream(), into);
        into.push(Token { text: close.to_owned(), line: group.span_close().start().line });
    }
}

/// The root of the checkout.
pub fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Every text file that git knows, or would take: new files must keep the rules before they are committed.
pub fn files() -> Vec<File> {
    let listed = Command::new("git")
        // A checkout of another user, and a hook's own repository, must not hide the files.
        .args(["-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .env_remove("GIT_DIR")
        .env_remove("GIT_WORK_TREE")
        .env_remove("GIT_INDEX_FILE")
        .current_dir(root())
        .output()
        .expect("git, a prerequisite, lists the files");
    assert!(listed.status.success(), "git ls-files failed: {}", String::from_utf8_lossy(&listed.stderr));
    let paths = String::from_utf8(listed.stdout).unwrap();
    let mut paths: Vec<&str> = paths.split('\0').filter(|path| !path.is_empty()).collect();
    paths.sort_unstable();
    paths.dedup();
    // A file that was removed but not yet committed is listed too.
    let there = paths.into_iter().filter_map(|path| Some((path, std::fs::read(root().join(path)).ok()?)));
    let files: Vec<File> =
        there.filter_map(|(path, bytes)| Some(File::new(path, &String::from_utf8(bytes).ok()?))).collect();
    assert!(files.len() > 200, "git lists only {} files", files.len());
    files
}

/// Those whose names end like this.
pub fn ending(ending: &str) -> Vec<File> {
    files().into_iter().filter(|file| file.is(ending)).collect()
}

/// Fails with every finding.
pub fn none(found: &[String], todo: &str) {
    assert!(found.is_empty(), "{} to repair ({todo}):\n  {}", found.len(), found.join("\n  "));
}
