//! The end of `make test`: compares the policies with what the journeys of all test binaries used, and with what the local
//! AWS decided of their calls.

use std::{collections::BTreeSet, fs, process::ExitCode};

use berth_tests::{
    permissions::{Decided, decided, demanded, denied, differences, policies, recorded, unneeded, used_page},
    rig::recordings,
};

/// Fewer local organizations than the test binaries start did not see all journeys.
const ORGANIZATIONS_MIN: usize = 8;

fn main() -> ExitCode {
    let (mut used, organizations) = recorded();
    if organizations < ORGANIZATIONS_MIN {
        eprintln!(
            "only {organizations} local organizations recorded what functions used\nNext: make test, which runs all journeys"
        );
        return ExitCode::FAILURE;
    }
    let policies = policies();
    let decided = decided();
    // What is in a transaction, and what AWS demands besides, has actions of its own.
    used.extend(decided.iter().filter(|each| each.allowed).map(Decided::permission));
    let mut found = differences(&policies, demanded(), &used);
    found.extend(denied(&decided));
    for line in &found {
        eprintln!("{line}");
    }
    for line in unneeded(&policies, &decided) {
        println!("look: {line}");
    }
    let page = recordings().with_file_name("permissions.md");
    if let Err(error) = fs::write(&page, used_page(&policies, &decided)) {
        eprintln!("{}: {error}", page.display());
    }
    println!(
        "policies {}, permissions used {} (on {organizations} local organizations), decisions {} ({} statements), \
         differences {}",
        policies.len(),
        used.len(),
        decided.len(),
        decided.iter().flat_map(|each| &each.statements).collect::<BTreeSet<_>>().len(),
        found.len()
    );
    if found.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
