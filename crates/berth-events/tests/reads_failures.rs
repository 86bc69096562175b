//! Failures of executions, as Step Functions and Lambda word them.
#![allow(clippy::unwrap_used)]

use berth_events::{
    Failure,
    failure::{HINT_CHARS_MAX, MESSAGE_CHARS_MAX, NAME_CHARS_MAX, split_message},
};
use proptest::prelude::*;

type Case = (Option<&'static str>, Option<&'static str>, &'static str, &'static str, &'static str);

/// Error, cause, and the fault, message and start of the hint that come of it.
#[rustfmt::skip]
const CASES: [Case; 15] = [
    (Some("Denied"), Some(r#"{"errorType":"Denied","errorMessage":"ec2:CreateVpc was refused (account 111122223333, eu-west-1)\nNext: allow it in BerthTenant"}"#),
        "Denied", "ec2:CreateVpc was refused (account 111122223333, eu-west-1)", "allow it in BerthTenant"),
    (Some("Denied"), Some(r#"{"errorType":"Denied","errorMessage":"ec2:CreateVpc was refused"}"#),
        "Denied", "ec2:CreateVpc was refused", "grant the permission"),
    (Some("Bug"), Some("plain text\nNext: report it"), "Bug", "plain text", "report it"),
    (Some("Sandbox.Timedout"), Some(r#"{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: 1 Error: Task timed out after 3.00 seconds"}"#),
        "Sandbox.Timedout", "RequestId: 1 Error: Task timed out after 3.00 seconds", "redrive the execution: steps are safe"),
    (Some("Runtime.ExitError"), Some(r#"{"errorType":"Runtime.ExitError","errorMessage":"RequestId: 1 Error: Runtime exited with error: signal: killed"}"#),
        "Runtime.ExitError", "RequestId: 1 Error: Runtime exited with error: signal: killed", "read the function's log"),
    (Some("Runtime.InvalidEntrypoint"), None, "Runtime.InvalidEntrypoint", "the function could not start", "deploy the functions again"),
    (Some("States.Timeout"), None, "States.Timeout", "the state or the execution ran out of time", "check what it waited for"),
    (Some("States.Timeout"), Some(""), "States.Timeout", "the state or the execution ran out of time", "check what it waited for"),
    (Some("States.Runtime"), Some("An error occurred while executing the state 'Regions'."), "States.Runtime",
        "An error occurred while executing the state 'Regions'.", "report it with the state's name"),
    (Some("States.DataLimitExceeded"), Some("too long"), "States.DataLimitExceeded", "too long", "report it"),
    (Some("Lambda.TooManyRequestsException"), Some("Rate Exceeded."), "Lambda.TooManyRequestsException", "Rate Exceeded.",
        "redrive the execution; if it happens often, raise"),
    (None, Some(r#"{"errorType":"NotOwned","errorMessage":"not ours"}"#), "NotOwned", "not ours", "decide whose it is"),
    (Some("Foreign"), Some(r#"{"errorType":"Foreign","errorMessage":"not ours"}"#), "NotOwned", "not ours", "decide whose it is"),
    (None, None, "Unknown", "the execution failed and its cause is empty", "open the execution"),
    (Some("Sqs.SomethingNew"), Some("{\"errorType\":7}"), "Sqs.SomethingNew", "{\"errorType\":7}", "open the execution"),
];

#[test]
fn every_error_becomes_a_fault_a_message_and_a_hint() {
    for (error, cause, fault, message, hint) in CASES {
        let failure = Failure::from_error(error, cause, "ProvisionVpc");
        assert_eq!(failure.state, "ProvisionVpc");
        assert_eq!((failure.fault.as_str(), failure.message.as_str()), (fault, message), "{error:?}");
        assert!(failure.hint.starts_with(hint), "{error:?}: {}", failure.hint);
    }
}

#[test]
fn a_failure_that_was_stored_under_the_former_name_is_read_as_not_owned() {
    let stored = r#"{"state":"ProvisionVpc","fault":"Foreign","message":"m","hint":"h"}"#;
    let failure: Failure = serde_json::from_str(stored).unwrap();
    assert_eq!(failure.fault, "NotOwned");
}

#[test]
fn an_execution_without_an_error_of_its_own_is_named_by_its_status() {
    let aborted = Failure::from_status("ABORTED", None, None, "");
    assert_eq!(aborted.fault, "Aborted");
    assert!(aborted.message.contains("stopped"), "{}", aborted.message);
    assert_eq!(Failure::from_status("TIMED_OUT", Some(""), None, "").fault, "States.Timeout");
    let stopped = Failure::from_status("ABORTED", Some("Maintenance"), Some("we move tonight"), "");
    assert_eq!((stopped.fault.as_str(), stopped.message.as_str()), ("Maintenance", "we move tonight"));
    assert_eq!(Failure::from_status("FAILED", Some("Bug"), Some("x\nNext: y"), "Plan").hint, "y");
}

#[test]
fn a_message_is_split_at_its_last_hint() {
    assert_eq!(split_message("a\nNext: b\nNext: c"), ("a\nNext: b", Some("c")));
    assert_eq!(split_message("a\nNext: "), ("a", None));
    assert_eq!(split_message("Next: b"), ("Next: b", None));
}

#[test]
fn every_part_is_cut_to_its_limit_between_characters() {
    let long = "ä".repeat(40_000);
    let failure = Failure::new(&long, &long, &long, Some(&long));
    let lengths = [&failure.state, &failure.fault, &failure.message, &failure.hint].map(|text| text.chars().count());
    assert_eq!(lengths, [NAME_CHARS_MAX, NAME_CHARS_MAX, MESSAGE_CHARS_MAX, HINT_CHARS_MAX]);
}

proptest! {
    #[test]
    fn any_error_and_cause_make_a_failure(error in any::<Option<String>>(), cause in any::<Option<String>>()) {
        let failure = Failure::from_error(error.as_deref(), cause.as_deref(), "S");
        prop_assert!(!failure.fault.is_empty() && !failure.message.is_empty() && !failure.hint.is_empty(), "{failure:?}");
    }

    #[test]
    fn what_a_function_says_arrives_as_it_was_said(message in "[a-z ()0-9,.-]{1,80}", hint in "[a-z ()0-9,.-]{1,80}") {
        prop_assume!(!message.trim().is_empty() && !hint.trim().is_empty());
        let said = Failure::new("S", "Conflict", message.trim(), Some(hint.trim()));
        let cause = serde_json::json!({ "errorType": "Conflict", "errorMessage": said.error_message() }).to_string();
        prop_assert_eq!(Failure::from_error(Some("Conflict"), Some(&cause), "S"), said);
    }
}
