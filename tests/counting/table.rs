//! The tables of counts, which docs/figures.md quotes.

use std::{fmt::Write as _, fs};

use serde_yaml_ng::Value;

use super::{Measured, OFFBOARDING, ONBOARDING, names};
use crate::rig::checkout;

/// What design.md §10 allows, next to what was counted; empty where it says nothing.
const CALLS: &str = "45 fresh, 15 again: not held, see [0026](decisions/0026-ceilings.md)";

/// The table: a line for each figure, and one for each function. `network_steps` are the functions that the ceilings of
/// design.md §10 were made for.
#[must_use]
pub fn table(one: (&Measured, &Measured), two: (&Measured, &Measured), network_steps: &[&str]) -> String {
    let mut text = "Made by `make counts`. One region, then two.\n\n\
        | | fresh | again | fresh, 2 | again, 2 | design.md §10, one region |\n|---|--:|--:|--:|--:|---|\n"
        .to_owned();
    let mut row = |name: &str, of: &dyn Fn(&Measured) -> usize, allowed: &str| {
        let cells = [one.0, one.1, two.0, two.1].map(|each| of(each).to_string()).join(" | ");
        let _ = writeln!(text, "| {name} | {cells} | {allowed} |");
    };
    row("**AWS calls**, without AssumeRole", &Measured::calls, CALLS);
    row(
        "of them by the steps of the network",
        &|each| each.calls_of(network_steps),
        "45 became 48, see [0031](decisions/0031-journal-and-inventory.md); 15 became 17, see [0026](decisions/0026-ceilings.md)",
    );
    row("of them outside of the hub", &|each| each.outside, "");
    row("of them mutating", &|each| each.figures.changing, "0 again: held");
    for name in names(ONBOARDING) {
        row(&format!("`{name}`"), &|each| each.calls_of(&[name]), "");
    }
    row("**calls in the network account**", &|each| each.figures.network, "");
    row("of them mutating", &|each| each.figures.network_changing, "2 and 0: held");
    row("**calls to Organizations**", &|each| each.figures.organizations, "2: held");
    row(
        "**state transitions**, without retries",
        &|each| each.figures.transitions,
        "16 became 17, see [0039](decisions/0039-extensions.md)",
    );
    row("**Lambda invocations**, without polls", &|each| each.figures.invocations, "");
    let mut row = |name: &str, of: &dyn Fn(&Measured) -> usize, allowed: &str| {
        let _ = writeln!(text, "| {name} | {} | {} | | | {allowed} |", of(one.0), of(one.1));
    };
    row("**calls that follow each other**", &Measured::depth, "");
    for name in one.0.longest_way() {
        row(&format!("those of `{name}`"), &|each| each.depth_of(name), "");
    }
    let commits = commits_per_thousand();
    let _ = writeln!(text, "| **commits** for 1,000 tenants, in full batches | {commits} | 0 | | | 20: held |");
    text
}

/// The table of an offboarding: of an account that leaves, of one that has left, and of one with two regions.
#[must_use]
pub fn leaving_table(one: (&Measured, &Measured), two: &Measured) -> String {
    let mut text =
        "Made by `make counts`: an account of one region leaves, has left already; one of two regions leaves.\n\n\
        | | leaves | has left | leaves, 2 |\n|---|--:|--:|--:|\n"
            .to_owned();
    let mut row = |name: &str, of: &dyn Fn(&Measured) -> usize| {
        let cells = [one.0, one.1, two].map(|each| of(each).to_string()).join(" | ");
        let _ = writeln!(text, "| {name} | {cells} |");
    };
    row("**AWS calls**, without AssumeRole", &Measured::calls);
    row("of them outside of the hub", &|each| each.outside);
    row("of them mutating", &|each| each.figures.changing);
    let mut named_before = Vec::new();
    for name in names(OFFBOARDING).filter(|name| *name != "accept-event") {
        if !named_before.contains(&name) {
            named_before.push(name);
            row(&format!("`{name}`"), &|each| each.calls_of(&[name]));
        }
    }
    row("**calls in the network account**", &|each| each.figures.network);
    row("of them mutating", &|each| each.figures.network_changing);
    row("**calls to Organizations**", &|each| each.figures.organizations);
    row("**state transitions**, without retries", &|each| each.figures.transitions);
    row("**Lambda invocations**, without polls", &|each| each.figures.invocations);
    text
}

/// Commits for 1,000 tenants that come at once, by the batch that the template has: one commit for each full batch, as
/// `two_racing_functions_commit_a_thousand_tenants_and_lose_none` of commit-tenant holds it.
#[must_use]
pub fn commits_per_thousand() -> u64 {
    let text = fs::read_to_string(checkout().join("infra/hub.yaml")).expect("the template is there");
    let template: Value = serde_yaml_ng::from_str(&text).expect("it is YAML");
    let batch = template["Mappings"]["CommitBatching"]["batched"]["Messages"].as_u64();
    1_000_u64.div_ceil(batch.expect("the size of a batch"))
}
