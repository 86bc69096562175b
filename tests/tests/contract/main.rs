//! The contract between the state machine and the functions (design.md §5): every payload it builds is one that the
//! step takes, every field it reads is one that the step gives, and errors, limits and redrive are as promised.
//!
//! The checks are functions that give findings; `mutations.rs` shows that each of them can find something.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, unreachable_pub)]

mod against_jsonata;
mod expression;
mod history;
mod largest;
mod metrics;
mod mutations;
mod offboarding;
mod rules;
mod steps;
mod template;
mod walk;
mod whole_plan;

use berth_contract::ExecutionOutput;
use berth_tenancy::{AccountId, Admission, Mode};
use berth_tests::registry::{Level, function_of_state, machine, machines, states};
use serde_json::{Value, json};

use crate::{
    rules::{Commits, findings, longest_seconds, names, retrier_seconds, waiting_seconds},
    steps::{Case, strict},
    template::Template,
    walk::{Walk, walk},
};

/// The state machine of onboardings as it is deployed.
fn onboard_account() -> Value {
    machine("onboard-account").definition.clone()
}

/// The template that deploys it.
fn hub() -> Template {
    hub_for("onboard-account")
}

/// The template, as far as a state machine rests on it.
fn hub_for(machine: &str) -> Template {
    template::read(include_str!("../../../infra/hub.yaml"), machine)
}

const TWO_REGIONS: Case = Case { regions: 2, mode: Mode::Apply, regions_changed: 2, asks: false };
const ONE_REGION: Case = Case { regions: 1, mode: Mode::Apply, regions_changed: 1, asks: false };
const ONE_OF_TWO_CHANGES: Case = Case { regions: 2, mode: Mode::Apply, regions_changed: 1, asks: false };
const NOTHING_CHANGES: Case = Case { regions: 2, mode: Mode::Apply, regions_changed: 0, asks: false };
const NOTHING_CHANGES_IN_ONE: Case = Case { regions: 1, mode: Mode::Apply, regions_changed: 0, asks: false };
const PLANNED: Case = Case { regions: 2, mode: Mode::Plan, regions_changed: 2, asks: false };
const PLANNED_IN_ONE: Case = Case { regions: 1, mode: Mode::Plan, regions_changed: 1, asks: false };

/// One about whose plan people are asked.
const ASKED: Case = Case { asks: true, ..TWO_REGIONS };

const CASES: [Case; 8] = [
    TWO_REGIONS,
    ONE_REGION,
    ONE_OF_TWO_CHANGES,
    NOTHING_CHANGES,
    NOTHING_CHANGES_IN_ONE,
    PLANNED,
    PLANNED_IN_ONE,
    ASKED,
];

/// Walks the machine in one case and checks what comes out.
fn run(machine: &Value, template: &Template, case: &Case) -> Result<Walk, String> {
    let walk = walk(machine, template, case.input(), &|function, payload| case.answer(function, payload))?;
    case.check_output(&walk).map_err(|problem| format!("the output: {problem}"))?;
    Ok(walk)
}

/// Walks the machine for an account whose first state answers `admission`.
fn run_admitted(machine: &Value, template: &Template, admission: &Admission) -> Result<Walk, String> {
    let answer = |function: &str, payload: &Value| {
        assert_eq!(function, "plan-onboarding", "a step ran for an account that is not onboarded: {payload}");
        serde_json::to_value(admission).map_err(|error| error.to_string())
    };
    walk(machine, template, TWO_REGIONS.input(), &answer)
}

#[test]
fn every_payload_fits_its_step_and_every_field_that_is_read_is_there() {
    for case in CASES {
        if let Err(finding) = run(&onboard_account(), &hub(), &case) {
            panic!("{case:?}: {finding}");
        }
    }
}

#[test]
fn an_onboarding_calls_each_step_once_in_each_region_and_each_state_once() {
    for case in [TWO_REGIONS, ONE_REGION, ASKED] {
        let mut tasks = machine("onboard-account").tasks();
        tasks.retain(|task| case.asks || task.name != "AskApproval");
        let walk = run(&onboard_account(), &hub(), &case).unwrap();
        let called = |name: &str| walk.calls.iter().filter(|(function, _)| function == name).count();
        for task in &tasks {
            let function = &function_of_state(&task.name).unwrap().name;
            let each_region = ["Regions/", "Baselines/"].iter().any(|map| task.at.contains(map));
            // One cluster of the environment is waited for.
            let states = tasks.iter().filter(|other| function_of_state(&other.name).unwrap().name == *function).count();
            assert_eq!(called(function), if each_region { case.regions } else { states }, "{function}");
        }
        let in_regions = tasks.iter().filter(|task| task.at.contains("Regions/") || task.at.contains("Baselines/"));
        assert_eq!(walk.calls.len(), tasks.len() + in_regions.count() * (case.regions - 1));
        assert_eq!(walk.calls.last().map(|(name, _)| name.as_str()), Some("call-extension"));
        assert_eq!(walk.entered.last().map(String::as_str), Some("CallAtEnd"));
    }
}

#[test]
fn an_account_that_is_not_ours_ends_as_ignored_after_one_call() {
    let account_id = "111122223333".parse().unwrap();
    let admission = Admission::Ignore { reason: "the tag berth:onboard is false".to_owned(), account_id };
    let walk = run_admitted(&onboard_account(), &hub(), &admission).unwrap();
    assert_eq!(walk.entered, ["PlanOnboarding", "IsOurs", "Ignored"]);
    let output: ExecutionOutput = strict(&walk.output).unwrap();
    assert!(matches!(output, ExecutionOutput::Ignore { .. }), "{output:?}");
}

#[test]
fn an_account_that_left_while_people_were_asked_ends_as_ignored() {
    let account_id: AccountId = "111122223333".parse().unwrap();
    let answer = |function: &str, _: &Value| match function {
        "plan-onboarding" => serde_json::to_value(ASKED.admission()).map_err(|error| error.to_string()),
        "ask-approval" => {
            Ok(json!({ "decision": "ignore", "reason": "the account is CLOSED", "accountId": account_id }))
        }
        other => Err(format!("{other} ran")),
    };
    let walk = walk(&onboard_account(), &hub(), ASKED.input(), &answer).unwrap();
    assert_eq!(walk.entered, ["PlanOnboarding", "IsOurs", "AskApproval", "IsApproved", "Ignored"]);
    assert!(matches!(strict(&walk.output).unwrap(), ExecutionOutput::Ignore { .. }), "{}", walk.output);
}

#[test]
fn a_duplicate_ends_after_one_call() {
    let account_id = "111122223333".parse().unwrap();
    let admission = Admission::Duplicate { reason: "another execution is at it".to_owned(), account_id };
    let walk = run_admitted(&onboard_account(), &hub(), &admission).unwrap();
    assert_eq!(walk.entered, ["PlanOnboarding", "IsOurs", "Ignored"]);
    let output: ExecutionOutput = strict(&walk.output).unwrap();
    assert!(matches!(output, ExecutionOutput::Duplicate { .. }), "{output:?}");
}

#[test]
fn errors_limits_and_redrive_are_as_promised() {
    for machine in machines() {
        let found = findings(&machine.definition, &hub_for(&machine.name));
        assert!(found.is_empty(), "{}:\n  {}", machine.path.display(), found.join("\n  "));
    }
}

/// design.md §5: every wait has a limit. The figures are here so that a change of them is seen in review.
#[test]
fn the_limits_of_waiting_are_as_promised() {
    let machine = onboard_account();
    for state in states(&machine).iter().filter(|state| state.is_task()) {
        let hours = |fault: &str| {
            let its = state.retriers().iter().find(|retrier| names(retrier).any(|name| name == fault));
            its.map_or(0.0, retrier_seconds) / 3600.0
        };
        let patience = match state.at.as_str() {
            "GrantSignIn" => 49.0..50.0, // ten assignments at once for the whole organization: decision 0027
            // Plans are made several times there, and take as long as looking does.
            "AskApproval" => 1.8..2.0,
            "ProvisionAccount/Regions/AttachTransitGateway" => 0.9..1.0, // every account calls the network account there
            "CheckTenant" | "CommitTenant" => 0.5..0.6,                  // commits are few, however many accounts come
            _ => 1.8..2.0,
        };
        // GitOps tools look at their repository every few minutes, and people may have to act: decision 0029.
        let awaited = match state.name.as_str() {
            "AwaitTenant" | "CallAfterNetwork" | "CallAtEnd" => 1.0..1.04,
            "AskApproval" => 1.1..1.2,
            _ => 1.0 / 3.0..0.36,
        };
        assert!(awaited.contains(&hours("NotReady")), "{}: {} h", state.at, hours("NotReady"));
        assert!(patience.contains(&hours("Throttled")), "{}: {} h", state.at, hours("Throttled"));
        let rest = waiting_seconds(state) / 3600.0 - hours("NotReady") - hours("Throttled");
        assert!(rest < 0.1, "{} waits {rest} h for what ends by itself, or does not", state.at);
    }
}

#[test]
fn the_waits_of_an_execution_end_within_its_limit() {
    let machine = onboard_account();
    let pushed = longest_seconds(&Level::top(&machine), Commits::Pushed);
    assert!(pushed < 71.0 * 3600.0, "without a merge to wait for, an execution ends within 71 hours, not {pushed} s");
    let merged = longest_seconds(&Level::top(&machine), Commits::Merged);
    assert!(merged < machine["TimeoutSeconds"].as_f64().unwrap(), "{merged}");
}
