//! Each check can find something: two tables of mistakes in the state machine, and the finding that each must give.

use serde_json::{Value, json};

use crate::{CASES, findings, hub, onboard_account, rules::placeholders, run};

/// Where a state is in the machine, as a JSON pointer. `machine` is the machine itself, `states` its states.
fn pointer_to(state: &str) -> Option<String> {
    match state {
        "machine" => Some(String::new()),
        "states" => Some("/States".to_owned()),
        _ => below(&onboard_account(), state),
    }
}

fn below(value: &Value, state: &str) -> Option<String> {
    let inside = |(key, value): (String, &Value)| below(value, state).map(|rest| format!("/{key}{rest}"));
    match value {
        Value::Object(members) if members.get("States").is_some_and(|states| states.get(state).is_some()) => {
            Some(format!("/States/{state}"))
        }
        Value::Object(members) => members.iter().find_map(|(key, value)| inside((key.clone(), value))),
        Value::Array(items) => items.iter().enumerate().find_map(|(index, value)| inside((index.to_string(), value))),
        _ => None,
    }
}

/// One line of a table.
struct Mistake<'a> {
    line: &'a str,
    pointer: String,
    edit: &'a str,
    finding: &'a str,
}

/// Reads a table. A line that cannot be read fails the test: no mistake is passed over.
fn read(table: &str) -> Vec<Mistake<'_>> {
    let lines = table.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let mistake = |line| {
        let parts: Vec<&str> = str::split(line, " | ").collect();
        let [at, edit, finding] = parts[..] else { panic!("three parts are wanted: {line}") };
        let (state, below) = at.split_once(' ').unwrap();
        let state = pointer_to(state).unwrap_or_else(|| panic!("which state? {line}"));
        assert!(finding.trim().len() > 5, "a finding that anything has: {line}");
        Mistake { line, pointer: format!("{state}{below}"), edit, finding: finding.trim() }
    };
    lines.map(mistake).collect()
}

/// The state machine with the mistake in it.
fn with(mistake: &Mistake<'_>) -> Value {
    let mut machine = onboard_account();
    let (parent, name) = mistake.pointer.rsplit_once('/').unwrap();
    let (verb, json) = mistake.edit.split_once(' ').unwrap_or((mistake.edit, ""));
    let value = || serde_json::from_str::<Value>(json).unwrap_or_else(|error| panic!("{}: {error}", mistake.line));
    if verb == "push" {
        let array = machine.pointer_mut(&mistake.pointer).and_then(Value::as_array_mut);
        array.unwrap_or_else(|| panic!("no array: {}", mistake.line)).push(value());
        return machine;
    }
    match (verb, machine.pointer_mut(parent)) {
        ("set", Some(Value::Array(items))) => items[name.parse::<usize>().unwrap()] = value(),
        ("set", Some(Value::Object(fields))) => drop(fields.insert(name.to_owned(), value())),
        ("remove", Some(Value::Object(fields))) => {
            assert!(fields.remove(name).is_some(), "nothing to remove: {}", mistake.line);
        }
        _ => panic!("cannot be done: {}", mistake.line),
    }
    assert_ne!(machine, onboard_account(), "changes nothing: {}", mistake.line);
    machine
}

#[test]
fn the_walk_finds_every_mistake_in_a_payload_or_a_path() {
    let mut missed = Vec::new();
    for mistake in read(include_str!("wrong_payloads.txt")) {
        let machine = with(&mistake);
        let found = CASES.iter().find_map(|case| run(&machine, &hub(), case).err());
        if !found.as_ref().is_some_and(|found| found.contains(mistake.finding)) {
            missed.push(format!("{}\n    found {found:?}", mistake.line));
        }
    }
    assert!(missed.is_empty(), "{} mistakes are not found:\n{}", missed.len(), missed.join("\n"));
}

#[test]
fn the_rules_find_every_mistake_in_errors_limits_and_redrive() {
    let mut missed = Vec::new();
    for mistake in read(include_str!("broken_rules.txt")) {
        let found = findings(&with(&mistake), &hub());
        if !found.iter().any(|found| found.contains(mistake.finding)) {
            missed.push(format!("{}\n    found {found:?}", mistake.line));
        }
    }
    assert!(missed.is_empty(), "{} mistakes are not found:\n{}", missed.len(), missed.join("\n"));
}

#[test]
fn a_catch_that_leads_to_a_fail_state_through_others_is_found() {
    let mut machine = onboard_account();
    machine["States"]["CommitTenant"]["Catch"] = json!([{ "ErrorEquals": ["Denied"], "Next": "Tidy" }]);
    machine["States"]["Tidy"] = json!({ "Type": "Pass", "Next": "GiveUp" });
    machine["States"]["GiveUp"] = json!({ "Type": "Fail" });
    let found = findings(&machine, &hub());
    assert!(found.contains(&"CommitTenant: its Catch leads to a Fail state through Tidy".to_owned()), "{found:#?}");
}

#[test]
fn a_substitution_that_leads_to_no_function_is_found() {
    let mut hub = hub();
    hub.functions.remove("CommitQueueUrl");
    hub.loose.push("CommitQueueUrl".to_owned());
    let found = findings(&onboard_account(), &hub);
    assert_eq!(found, ["${CommitQueueUrl}: leads to no function"]);
    assert_eq!(placeholders(&onboard_account()).len(), hub.functions.len() + hub.loose.len());
}
