//! docs/faults.md: for every hint that asks for patience what is waited for, and what to do if it stays, from the code.

use std::{collections::BTreeSet, fmt::Write as _, fs};

use berth_step::Fault;
use berth_tests::{
    generated::{assert_current, between},
    rig::checkout,
};
use proc_macro2::TokenStream;
use syn::{Expr, ExprCall, ExprLit, ExprMacro, ExprMethodCall, Lit, LitStr, parse::Parser, visit::Visit};

use crate::need::rust_files;

/// A hint that asks for patience: the folder of its code, what is waited for, and what to do if it stays.
type Row = (String, String, String);

#[derive(Default)]
struct Hints {
    folder: String,
    file: String,
    rows: BTreeSet<Row>,
    /// Faults that pass, with a hint of one part.
    impatient: Vec<String>,
    /// Texts that send people to a redrive after a change of platform.yaml, which a redrive does not see.
    kept: Vec<String>,
}

impl<'ast> Visit<'ast> for Hints {
    fn visit_lit_str(&mut self, text: &'ast LitStr) {
        let text = text.value();
        let after = text.rfind("platform.yaml").map(|at| &text[at..]);
        if after.is_some_and(|after| after.contains("then redrive") && !after.contains("--new")) {
            self.kept.push(format!("{}: {text}", self.file));
        }
    }

    fn visit_macro(&mut self, mac: &'ast syn::Macro) {
        let first = |input: syn::parse::ParseStream<'_>| {
            let text: Option<LitStr> = input.parse()?;
            input.parse::<TokenStream>().map(|_| text)
        };
        if let Ok(Some(text)) = first.parse2(mac.tokens.clone()) {
            self.visit_lit_str(&text);
        }
    }

    fn visit_expr_call(&mut self, call: &'ast ExprCall) {
        if ends_with(&call.func, "wait") && call.args.len() == 2 {
            // Hints that wrap another one have their second part from there.
            if let (Some(why), Some(act)) = (text(&call.args[0]), text(&call.args[1])) {
                self.rows.insert((self.folder.clone(), why, act));
            }
        }
        syn::visit::visit_expr_call(self, call);
    }

    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        let (subject, hint) = match (call.method.to_string().as_str(), call.args.len()) {
            ("as_fault", 2) => (Some(&call.args[0]), &call.args[1]),
            ("hint", 1) => (fault_of(&call.receiver), &call.args[0]),
            _ => return syn::visit::visit_expr_method_call(self, call),
        };
        let passes = Fault::ALL.into_iter().filter(|fault| fault.is_retryable());
        let passes = subject.is_some_and(|fault| passes.into_iter().any(|known| ends_with(fault, known.name())));
        if passes && text(hint).is_some() {
            self.impatient.push(format!("{}: {}", self.file, text(hint).unwrap_or_default()));
        }
        syn::visit::visit_expr_method_call(self, call);
    }
}

/// The fault of `StepError::new(fault, …)`, and of what is called on it.
fn fault_of(receiver: &Expr) -> Option<&Expr> {
    match receiver {
        Expr::Call(call) if ends_with(&call.func, "new") => call.args.first(),
        Expr::MethodCall(call) => fault_of(&call.receiver),
        _ => None,
    }
}

fn ends_with(path: &Expr, name: &str) -> bool {
    matches!(path, Expr::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == name))
}

/// What an expression says, when it is a text that stands in the code.
fn text(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
        Expr::Reference(reference) => text(&reference.expr),
        Expr::Macro(ExprMacro { mac, .. }) if mac.path.is_ident("format") => {
            let first = |input: syn::parse::ParseStream<'_>| {
                let text: LitStr = input.parse()?;
                input.parse::<TokenStream>().map(|_| text)
            };
            first.parse2(mac.tokens.clone()).ok().map(|text| text.value())
        }
        _ => None,
    }
}

fn hints() -> Hints {
    let mut hints = Hints::default();
    for top in ["crates", "functions"] {
        for folder in fs::read_dir(checkout().join(top)).unwrap().flatten().filter(|entry| entry.path().is_dir()) {
            hints.folder = folder.file_name().into_string().unwrap();
            for (path, source) in rust_files(&folder.path()) {
                hints.file = path.display().to_string();
                hints.visit_file(&syn::parse_file(&source).unwrap_or_else(|error| panic!("{}: {error}", hints.file)));
            }
        }
    }
    hints
}

#[test]
fn every_fault_that_passes_says_what_to_do_if_it_stays() {
    let hints = hints();
    assert!(hints.rows.len() > 40, "only {} hints were found", hints.rows.len());
    assert!(hints.impatient.is_empty(), "use berth_tenancy::wait: {:#?}", hints.impatient);
    for (folder, why, act) in &hints.rows {
        let asks_for_nothing = act.len() < 20 || act.contains("nothing") || act.contains("if it stays: ");
        assert!(!asks_for_nothing, "{folder}, {why}: {act}");
    }
}

#[test]
fn nobody_is_sent_to_a_redrive_after_a_change_of_platform_yaml() {
    let kept = hints().kept;
    assert!(kept.is_empty(), "a redrive keeps the plan: name berth replay --new, or nothing: {kept:#?}");
}

#[test]
fn patience_is_asked_for_in_one_form_only() {
    for top in ["crates", "functions", "cli"] {
        for (path, source) in rust_files(&checkout().join(top)) {
            let own = path.ends_with("crates/berth-tenancy/src/hint.rs");
            assert!(own || !source.contains("\"nothing yet"), "{}: use berth_tenancy::wait", path.display());
        }
    }
}

#[test]
fn the_table_of_waits_in_the_faults_page_is_written_from_the_code() {
    let path = checkout().join("docs/faults.md");
    let mut table = "| where | what is waited for | if it stays |\n|---|---|---|\n".to_owned();
    for (folder, why, act) in hints().rows {
        let cell = |text: &str| text.replace('|', "\\|").replace(['{', '}'], "*");
        let _ = writeln!(table, "| {folder} | {} | {} |", cell(&why), cell(&act));
    }
    let fresh = between(&fs::read_to_string(&path).unwrap(), "waits", &table).unwrap();
    assert_current([(path, fresh)], "the hints in crates/ and functions/");
}
