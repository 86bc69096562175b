//! How long 1,000 and 10,000 onboardings take that begin at once, under published rates: `make makespan`. The table is in
//! benches/README.md and in docs/figures.md; what it means for the state machine is decision 0026.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::{fs, path::Path};

use berth_tests::makespan::{
    Outcome, Patience, Policy, Retries,
    drift::{Day, LOOK_CALLS, a_day},
    quotas::{QUOTAS, Rate, bound},
    simulate,
};
use serde_json::Value;

/// Between these the two files have the table.
const MARKERS: (&str, &str) = ("<!-- makespan -->\n", "<!-- /makespan -->");

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The retries of the state machine as it is deployed.
fn deployed() -> Retries {
    let text = fs::read_to_string(root().join("statemachines/onboard-account.asl.json")).unwrap();
    let machine: Value = serde_json::from_str(&text).unwrap();
    let regions = &machine["States"]["ProvisionAccount"]["Branches"][0]["States"]["Regions"];
    let attach = &regions["ItemProcessor"]["States"]["AttachTransitGateway"];
    Retries { attempts_max: 3, attach: patience(attach), sign_in: patience(&machine["States"]["GrantSignIn"]) }
}

fn patience(state: &Value) -> Patience {
    let (throttled, not_ready) = (retrier(state, "Throttled"), retrier(state, "NotReady"));
    let times = |retrier: &Value| u32::try_from(retrier["MaxAttempts"].as_u64().unwrap()).unwrap();
    Patience {
        throttled_seconds_max: throttled["MaxDelaySeconds"].as_f64().unwrap(),
        throttled_max: times(throttled),
        not_ready_seconds: not_ready["IntervalSeconds"].as_f64().unwrap(),
        not_ready_rate: not_ready["BackoffRate"].as_f64().unwrap(),
        not_ready_seconds_max: not_ready["MaxDelaySeconds"].as_f64().unwrap(),
        not_ready_max: times(not_ready),
    }
}

/// The retrier of a state that a fault meets.
fn retrier<'a>(state: &'a Value, fault: &str) -> &'a Value {
    let names = |retrier: &&Value| retrier["ErrorEquals"].as_array().unwrap().iter().any(|name| name == fault);
    state["Retry"].as_array().unwrap().iter().find(names).unwrap()
}

fn minutes(seconds: f64) -> String {
    if seconds < 6_000.0 { format!("{:.1} min", seconds / 60.0) } else { format!("{:.1} h", seconds / 3_600.0) }
}

fn line(accounts: usize, signs_in: bool) -> String {
    let (seconds, slowest) = bound(accounts, signs_in);
    let ideal = simulate(accounts, signs_in, Policy::Ideal);
    assert_eq!((ideal.onboarded, ideal.failed), (accounts, 0));
    let Outcome { seconds: makespan, onboarded, failed, .. } =
        simulate(accounts, signs_in, Policy::Retries(deployed()));
    assert_eq!((onboarded, failed), (accounts, 0), "everybody comes through without a person");
    let kind = if signs_in { "with" } else { "without" };
    format!(
        "| {accounts}, {kind} sign-in | {}: {slowest} | {} | {} |\n",
        minutes(seconds),
        minutes(ideal.seconds),
        minutes(makespan)
    )
}

fn table() -> String {
    let mut text = "Made by `make makespan`: a simulation, not a measurement.\n\n\
        | accounts at once | no pipeline can beat | these calls, each at the moment its service takes it \
        | with the state machine's retries |\n|---|---|--:|--:|\n"
        .to_owned();
    for (accounts, signs_in) in [(100, true), (1_000, true), (1_000, false), (10_000, true), (10_000, false)] {
        text += &line(accounts, signs_in);
    }
    text
}

#[test]
fn the_makespan_of_thousands_of_accounts_is_the_one_that_is_written_down() {
    let table = table();
    println!("{table}");
    let mut stale = Vec::new();
    for name in ["benches/README.md", "docs/figures.md"] {
        let path = root().join(name);
        let text = fs::read_to_string(&path).unwrap();
        let Some((before, rest)) = text.split_once(MARKERS.0) else { panic!("{name} has no place for the table") };
        let (_, after) = rest.split_once(MARKERS.1).unwrap();
        let fresh = format!("{before}{}{table}{}{after}", MARKERS.0, MARKERS.1);
        if fresh != text {
            fs::write(&path, fresh).unwrap();
            stale.push(name);
        }
    }
    assert!(stale.is_empty(), "{stale:?} had another table; it is rewritten now: read it, then commit it");
}

/// Between these docs/figures.md has the table of a day of drift.
const DRIFT_MARKERS: (&str, &str) = ("<!-- drift -->\n", "<!-- /drift -->");

/// What a day of looks asks of the services that all accounts share.
fn drift_table() -> String {
    let mut text =
        "Made by `make makespan`: a simulation of a day with `driftSchedule: rate(1 day)`, not a measurement.\n\n\
        | accounts | most looks in a minute | calls in the day (and most in a second) to AWS Organizations \
        | to EC2 in the network account | to IAM Identity Center | asked again by the SDK | refused for good |\n|--:|--:|--:|--:|--:|--:|--:|\n"
            .to_owned();
    for accounts in [200, 1_000, 10_000] {
        let Day { looks, most_in_a_tick, again, refused, load } = a_day(accounts);
        assert_eq!(looks, accounts, "everybody has a turn");
        let load: Vec<String> = load.iter().map(|(_, calls, most)| format!("{calls} ({most})")).collect();
        text += &format!("| {accounts} | {most_in_a_tick} | {} | {again} | {refused} |\n", load.join(" | "));
    }
    let of = |service: &str| LOOK_CALLS.iter().find(|(name, _)| *name == service).map_or(0, |(_, calls)| *calls);
    let all: usize = LOOK_CALLS.iter().map(|(_, calls)| calls).sum();
    text += &format!(
        "\nA look at an account of one region, without baseline and sign-in, is {all} calls, {} of them to IAM and {} to EC2. Half of \
         those to EC2, and those to IAM, are in the account itself, whose quotas nobody shares.\n",
        of("iam"),
        of("ec2")
    );
    text
}

#[test]
fn the_load_of_a_day_of_drift_is_the_one_that_is_written_down() {
    let (table, path) = (drift_table(), root().join("docs/figures.md"));
    let text = fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(DRIFT_MARKERS.0).expect("docs/figures.md has a place for the table");
    let (_, after) = rest.split_once(DRIFT_MARKERS.1).unwrap();
    let fresh = format!("{before}{}{table}{}{after}", DRIFT_MARKERS.0, DRIFT_MARKERS.1);
    if fresh != text {
        fs::write(&path, fresh).unwrap();
        panic!("docs/figures.md had another table; it is rewritten now: read it, then commit it:\n{table}");
    }
}

#[test]
fn every_rate_stands_in_its_place_and_says_where_it_is_published() {
    assert_eq!(QUOTAS[Rate::Start as usize].name, "states:StartExecution");
    assert_eq!(QUOTAS[Rate::SignIn as usize].name, "calls of IAM Identity Center");
    for quota in QUOTAS {
        assert!(quota.per_second > 0.0 && quota.burst >= 1.0 && quota.source.starts_with("https://"), "{quota:?}");
    }
}
