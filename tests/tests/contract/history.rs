//! What a history takes: an execution whose history is full fails, and cannot be redriven.
//! <https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html>

use berth_tenancy::limits::{EXTENSIONS_MAX, REGIONS_MAX};
use berth_tests::registry::{Level, State};
use serde_json::Value;

/// Redrives that must find room.
const REDRIVES: u64 = 2;
/// Events that a history takes.
const EVENTS_MAX: u64 = 25_000;

/// Events of a state beside its attempts: entered, started, ended, left, and that it is redriven.
const STATE_EVENTS: u64 = 5;
/// Events of one iteration of a map beside those inside it: started and ended.
const ITERATION_EVENTS: u64 = 2;

/// Events of one attempt: scheduled, started, ended; a task that waits for its token is submitted, too.
fn attempt_events(state: &State<'_>) -> u64 {
    if state.body["Resource"].as_str().is_some_and(|resource| resource.ends_with(".waitForTaskToken")) { 4 } else { 3 }
}

/// Which retriers of a state are used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum UsedUp {
    /// The one with the most attempts: the state waited for one thing.
    Longest,
    /// All of them: it waited, was throttled, crashed and collided.
    All,
}

/// Most events of one run of a state itself, with the attempt that ends it.
fn own_events(state: &State<'_>, used_up: UsedUp) -> u64 {
    let retries = state.retriers().iter().map(|retrier| retrier["MaxAttempts"].as_u64().unwrap());
    let retries = if used_up == UsedUp::All { retries.sum() } else { retries.max().unwrap_or_default() };
    let attempts = if state.is_task() { retries + 1 } else { 0 };
    STATE_EVENTS + attempts * attempt_events(state)
}

/// How often what is inside a state runs.
fn times(state: &State<'_>) -> u64 {
    match state.body["Items"].as_str() {
        None | Some("{% $plan.awaitedClusters %}") => 1, // an environment has one cluster
        Some("{% $plan.extensions.network %}") => 0,     // all of them are at the end, where they wait as long
        Some("{% $plan.extensions.end %}") => u64::try_from(EXTENSIONS_MAX).unwrap(),
        Some("{% $plan.regions %}" | "{% $plan.baselines %}") => u64::try_from(REGIONS_MAX).unwrap(),
        Some(items) => panic!("{}: how many are {items}?", state.at),
    }
}

/// Most events of a level when each of its states runs once, with everything inside it.
fn all_events(level: &Level<'_>, used_up: UsedUp) -> u64 {
    level.in_order().iter().map(|state| own_events(state, used_up) + inside(level, state, used_up, all_events)).sum()
}

/// Most events of one more run: states that stand one after the other never fail in the same one.
fn most_at_once(level: &Level<'_>, used_up: UsedUp) -> u64 {
    let states = level.in_order();
    let events = states.iter().map(|state| own_events(state, used_up) + inside(level, state, used_up, most_at_once));
    events.max().unwrap_or_default()
}

fn inside(level: &Level<'_>, state: &State<'_>, used_up: UsedUp, count: fn(&Level<'_>, UsedUp) -> u64) -> u64 {
    let inner: u64 = level.inside(&state.name).iter().map(|inner| count(inner, used_up)).sum();
    times(state) * (inner + if state.body["Type"] == "Map" { ITERATION_EVENTS } else { 0 })
}

/// Most events of an execution that is redriven as often as that.
fn worst(machine: &Value, used_up: UsedUp, redrives: u64) -> u64 {
    let top = Level::top(machine);
    all_events(&top, used_up) + redrives * most_at_once(&top, used_up)
}

/// Every state in every region waits to its limit, in the first run and again in each redrive.
#[test]
fn every_wait_of_seventeen_regions_and_two_redrives_fit_a_history() {
    let machine = crate::onboard_account();
    let (waits, all) = (worst(&machine, UsedUp::Longest, REDRIVES), worst(&machine, UsedUp::All, 0));
    assert!(waits < EVENTS_MAX, "{waits} events of {EVENTS_MAX}");
    assert!(
        all < EVENTS_MAX,
        "without a redrive, {all} events of {EVENTS_MAX}: whatever goes wrong, it can be redriven"
    );
    // The count follows the machine: the wait of old, 600 attempts of every 2 s, would not fit.
    let mut patient = machine.clone();
    let wait = "/States/ProvisionAccount/Branches/0/States/Regions/ItemProcessor/States/AttachTransitGateway/Retry/0";
    patient.pointer_mut(wait).unwrap()["MaxAttempts"] = 600.into();
    assert!(worst(&patient, UsedUp::Longest, REDRIVES) > 3 * EVENTS_MAX);
}
