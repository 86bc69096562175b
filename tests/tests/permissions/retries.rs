//! The `Retry` list of every state is written from the table of faults and the exceptions that functions name.

use std::collections::BTreeMap;

use berth_step::Fault;
use berth_tests::{
    generated::assert_current,
    registry::{Exception, functions, machines, retriers, with_retries},
};
use serde_json::Value;

const LAMBDA: &str = "arn:aws:states:::lambda:invoke";

#[test]
fn the_retries_of_every_state_are_written_from_the_table_of_faults() {
    let fresh = machines().iter().map(|machine| {
        let text = with_retries(&machine.text, &machine.retries(functions())).unwrap_or_else(|error| panic!("{error}"));
        (machine.path.clone(), text)
    });
    assert_current(fresh, "functions/*/Cargo.toml and tests/registry/retry.rs");
}

#[test]
fn writing_retries_changes_nothing_else() {
    for machine in machines() {
        let lists = machine.retries(functions());
        let without = with_retries(&machine.text, &lists.keys().map(|state| (state.clone(), Vec::new())).collect());
        let again = with_retries(&without.clone().unwrap(), &lists).unwrap();
        assert_eq!(again, machine.text, "{}", machine.name);
        assert_eq!(stripped(&without.unwrap()), stripped(&machine.text));
    }
}

/// A machine without the `Retry` of its states.
fn stripped(text: &str) -> Value {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(members) => {
                members.remove("Retry");
                members.values_mut().for_each(strip);
            }
            Value::Array(items) => items.iter_mut().for_each(strip),
            _ => {}
        }
    }
    let mut machine = serde_json::from_str(text).unwrap();
    strip(&mut machine);
    machine
}

#[test]
fn exactly_the_faults_that_pass_are_retried() {
    let list = retriers(LAMBDA, &BTreeMap::new()).unwrap();
    for fault in Fault::ALL {
        let retried = list.iter().any(|retrier| retrier.error_equals.contains(&fault.name()));
        assert_eq!(retried, fault.is_retryable(), "{fault}");
    }
    assert!(retriers("arn:aws:states:::sns:publish", &BTreeMap::new()).is_none(), "a service that nobody knows");
}

#[test]
fn an_exception_changes_its_fault_alone() {
    let exception = Exception { attempts_max: Some(7), ..Exception::default() };
    let usual = retriers(LAMBDA, &BTreeMap::new()).unwrap();
    let mut changed = retriers(LAMBDA, &BTreeMap::from([("Conflict".to_owned(), exception)])).unwrap();
    let conflict = changed.iter_mut().find(|retrier| retrier.error_equals == ["Conflict"]).unwrap();
    assert_eq!((conflict.interval_seconds, conflict.max_attempts), (1, 7));
    conflict.max_attempts = 6;
    assert_eq!(changed, usual);
}

#[test]
fn a_retry_by_hand_and_a_task_without_one_are_refused() {
    let lists = BTreeMap::from([("A".to_owned(), Vec::new())]);
    let by_hand = "{\n  \"B\": {\n    \"Retry\": [\n    ]\n  }\n}\n";
    assert_eq!(with_retries(by_hand, &lists).unwrap_err(), "B: has a Retry, but is no task of a function");
    let none = "{\n  \"A\": {\n    \"Type\": \"Task\"\n  }\n}\n";
    assert!(with_retries(none, &lists).unwrap_err().starts_with("A: has no Retry"));
    let empty = "{\n  \"A\": {\n    \"Retry\": [],\n    \"End\": true\n  }\n}\n";
    assert_eq!(with_retries(empty, &lists).unwrap(), empty);
}
