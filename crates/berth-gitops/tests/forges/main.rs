//! The same cases against every git server that this machine has. `make test-forges` installs more of them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod cases;
mod servers;
#[path = "../against_git/support/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the other suite uses more of it")]
mod support;
mod table;

use std::{collections::BTreeMap, sync::Arc};

use crate::{cases::CASES, servers::Forge};

/// What a case showed at a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cell {
    /// It holds.
    Held,
    /// The server has nothing like it.
    NotThere(&'static str),
    /// It does not hold.
    Failed(String),
}

/// By server and case.
pub(crate) type Matrix = BTreeMap<(&'static str, &'static str), Cell>;

/// Set by whoever looks at some cases: a part of their names.
const ONLY: &str = "BERTH_FORGES_CASE";

fn run(forge: &Arc<Forge>) -> Vec<(&'static str, Cell)> {
    let run_case = |(name, case): &(&'static str, cases::Case)| {
        let (forge, case) = (Arc::clone(forge), *case);
        // A case that fails ends its own thread, and the others go on.
        let ended = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(case(&forge))
        });
        let cell = ended.join().unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            Cell::Failed(text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default())
        });
        (*name, cell)
    };
    let only = std::env::var_os(ONLY).unwrap_or_default().to_string_lossy().into_owned();
    CASES.iter().filter(|(name, _)| name.contains(&only)).map(run_case).collect()
}

#[test]
fn every_server_that_is_here_passes_the_same_cases() {
    let (mut matrix, mut servers) = (Matrix::new(), Vec::new());
    for (name, found) in servers::all() {
        let forge = found.map(Arc::new);
        match &forge {
            Ok(forge) => {
                println!("{name} {}", forge.version);
                for (case, cell) in run(forge) {
                    println!("  {case:<20} {cell:?}");
                    matrix.insert((name, case), cell);
                }
            }
            Err(why) => println!("SKIPPED: {name}: {why}. Next: make test-forges installs it"),
        }
        servers.push((name, forge.ok()));
    }
    let failed: Vec<_> = matrix.iter().filter(|(_, cell)| matches!(cell, Cell::Failed(_))).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    let skipped: Vec<_> = servers.iter().filter(|(_, forge)| forge.is_none()).map(|(name, _)| *name).collect();
    let here = servers.len() - skipped.len();
    println!("{here} servers, {} cases each, {} skipped {}", CASES.len(), skipped.len(), skipped.join(", "));
    assert!(here > 0, "there is not even git");
    if std::env::var_os(ONLY).is_none() {
        table::check(&servers, &matrix);
    }
}
