//! Files and functions stay small enough to read at once.

use std::process::Command;

use syn::{spanned::Spanned, visit::Visit};

use crate::source::{File, ending, files, none, root};

/// A file has fewer lines than this.
const FILE_LINES_MAX: usize = 500;

/// A function has fewer lines than this, from its name to its closing brace.
const FUNCTION_LINES_MAX: usize = 70;

/// Files that may be longer, and why.
const LONG_FILES: [(&str, &str); 6] = [
    ("infra/hub.yaml", "one template is one deployment: parts of it cannot refer to each other from several files"),
    (
        "infra/tenant.yaml",
        "a service-managed StackSet takes one file, and statements are written into it as a reviewer reads them",
    ),
    ("statemachines/onboard-account.asl.json", "one machine is one definition, and every task writes its retries out"),
    ("statemachines/offboard-account.asl.json", "as the other machine"),
    ("infra/crds/tenants.tenancy.berth.dev.yaml", "generated from crates/berth-crd"),
    (
        "operator/chart/files/tenants.tenancy.berth.dev.yaml",
        "a link to it, because helm reads nothing outside of a chart",
    ),
];

fn is_source(file: &File) -> bool {
    let endings = [".rs", ".py", ".sh", ".yaml", ".yml", ".toml", ".asl.json", "Makefile", ".ci/run"];
    endings.iter().any(|ending| file.is(ending))
}

fn long_file(file: &File) -> Option<String> {
    let lines = file.text.lines().count();
    let may = LONG_FILES.iter().any(|(path, _)| *path == file.path);
    (is_source(file) && !may && lines >= FILE_LINES_MAX).then(|| file.finding(lines, format!("{lines} lines")))
}

/// Functions of a Rust file that are too long.
fn long_functions(file: &File) -> Vec<String> {
    struct Functions<'a>(&'a File, Vec<String>);
    impl Functions<'_> {
        fn measure(&mut self, name: &syn::Ident, block: &syn::Block) {
            let (first, last) = (name.span().start().line, block.brace_token.span.close().end().line);
            let lines = last + 1 - first;
            if lines >= FUNCTION_LINES_MAX {
                self.1.push(self.0.finding(first, format!("{name} has {lines} lines")));
            }
        }
    }
    impl<'ast> Visit<'ast> for Functions<'_> {
        fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
            self.measure(&item.sig.ident, &item.block);
            syn::visit::visit_item_fn(self, item);
        }
        fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
            self.measure(&item.sig.ident, &item.block);
            syn::visit::visit_impl_item_fn(self, item);
        }
        fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
            if let Some(block) = &item.default {
                self.measure(&item.sig.ident, block);
            }
            syn::visit::visit_trait_item_fn(self, item);
        }
        fn visit_macro(&mut self, item: &'ast syn::Macro) {
            // `proptest! { … }` holds functions that syn does not look into.
            let lines = item.span().end().line + 1 - item.span().start().line;
            if let Ok(inner) = item.parse_body::<syn::File>()
                && lines > 1
            {
                self.visit_file(&inner);
            }
        }
    }
    let parsed = syn::parse_file(&file.text).unwrap_or_else(|error| panic!("{}: {error}", file.path));
    let mut functions = Functions(file, Vec::new());
    functions.visit_file(&parsed);
    functions.1
}

/// Prints `path:line: name has N lines` for each function of the Python files that is too long.
const PYTHON: &str = "
import ast, sys
most, paths = int(sys.argv[1]), sys.stdin.read().split('\\0')
for path in filter(None, paths):
    with open(path, encoding='utf-8') as file:
        tree = ast.parse(file.read(), path)
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            lines = node.end_lineno - node.lineno + 1
            if lines >= most:
                print(f'{path}:{node.lineno}: {node.name} has {lines} lines')
";

/// Functions of Python files that are too long.
fn long_python_functions(paths: &[String]) -> Vec<String> {
    use std::io::Write as _;
    let ours = root().join("local/.venv/bin/python");
    let python = if ours.exists() { ours } else { "python3".into() };
    let mut child = Command::new(python)
        .args(["-c", PYTHON, &FUNCTION_LINES_MAX.to_string()])
        .current_dir(root())
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("python3, a prerequisite, reads the Python files");
    child.stdin.take().unwrap().write_all(paths.join("\0").as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "the Python files cannot be read");
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn every_file_is_short() {
    none(
        &files().iter().filter_map(long_file).collect::<Vec<_>>(),
        "fewer than 500 lines a file: make files of its subjects",
    );
}

#[test]
fn every_function_in_rust_is_short() {
    let found: Vec<String> = ending(".rs").iter().flat_map(long_functions).collect();
    none(&found, "fewer than 70 lines a function: give its parts names");
}

#[test]
fn every_function_in_python_is_short() {
    let paths: Vec<String> = ending(".py").into_iter().map(|file| file.path).collect();
    assert!(paths.len() > 50, "{paths:?}");
    none(&long_python_functions(&paths), "fewer than 70 lines a function: give its parts names");
}

#[test]
fn a_file_that_may_be_long_is_long() {
    let all = files();
    for (path, reason) in LONG_FILES {
        let lines = all.iter().find(|file| file.path == path).map(|file| file.text.lines().count());
        assert!(lines.is_some_and(|lines| lines >= FILE_LINES_MAX), "{path} needs no exception any more ({reason})");
    }
}

#[test]
fn a_long_file_and_a_long_function_are_found() {
    let body = "    let _ = 1;\n".repeat(68);
    let long = format!(
        "//! x\nfn short() {{}}\nimpl X {{\nfn long() {{\n{body}}}\n}}\nproptest! {{\nfn inner() {{\n{body}}}\n}}\n"
    );
    let file = File::new("crates/x/src/lib.rs", &long);
    assert_eq!(
        long_functions(&file),
        ["crates/x/src/lib.rs:4: long has 70 lines", "crates/x/src/lib.rs:76: inner has 70 lines"]
    );
    assert_eq!(long_file(&file), None);
    assert!(long_file(&File::new("x.rs", &"\n".repeat(500))).is_some());
    assert!(long_file(&File::new("Cargo.lock", &"\n".repeat(500))).is_none());
    assert!(
        long_functions(&File::new("x.rs", &format!("fn exactly() {{\n{}}}\n", "    let _ = 1;\n".repeat(67))))
            .is_empty()
    );

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.py").display().to_string();
    std::fs::write(&path, format!("\"\"\"x\"\"\"\nasync def long():\n{}", "    pass\n".repeat(69))).unwrap();
    assert_eq!(long_python_functions(std::slice::from_ref(&path)), [format!("{path}:2: long has 70 lines")]);
}
