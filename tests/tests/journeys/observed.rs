//! What an invocation leaves behind for whoever looks later: one line, true figures, a trace that goes on.

use std::collections::BTreeMap;

use berth_ledger::Status;
use berth_tests::{
    registry::{Function, steps},
    rig::{Event, Rig, event, onboarded, rig},
};
use serde_json::Value;

/// The lines of a function that end an invocation and are about an account.
fn lines(rig: &Rig, function: &str, account: &str) -> Vec<Value> {
    let lines = rig.log_lines(&format!("berth-{function}"));
    let lines = lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["outcome"].is_string() && line["account"] == account).collect()
}

/// The part of a trace header that is the same for the whole trace.
fn root(header: &str) -> &str {
    header.split(';').find(|part| part.starts_with("Root=")).unwrap_or("")
}

#[test]
fn each_invocation_logs_one_line_with_its_calls_and_its_trace() {
    let rig = rig();
    let account = rig.account("observed-dev", "dev");
    rig.publish(&[event(Event::Created, &account)]);
    let record = rig.wait_for(&account, Status::Onboarded);
    let calls = rig.calls(0);
    // A function whose states this account has no need of, such as await-tenant, is not invoked.
    let entered = rig.transitions(record.execution_arn.as_deref().unwrap());
    let invoked = |step: &&Function| {
        step.is_invoked_by_executions() && step.declared.states.iter().any(|state| entered.contains(state))
    };
    let invoked: Vec<&Function> = steps().into_iter().filter(invoked).collect();
    assert!(invoked.len() >= 8, "only {} functions were invoked", invoked.len());
    for step in invoked {
        let function = step.name.as_str();
        let lines = lines(rig, function, &account);
        assert!(!lines.is_empty(), "{function} wrote no line about {account}");
        for line in lines {
            let request = line["request"].as_str().unwrap();
            let seen: Vec<_> = calls.iter().filter(|call| call.request_id == request).collect();
            assert_eq!(line["calls"], seen.len(), "{function} counts what the proxy saw: {line}");
            // Whoever waits for something may ask for that alone.
            assert!(seen.len() > usize::from(line["outcome"] != "again"), "{function} looks at AWS: {line}");
            let trace = root(line["trace"].as_str().unwrap());
            assert!(trace.len() > "Root=".len(), "{line}");
            assert!(seen.iter().all(|call| root(&call.trace) == trace), "a call without the trace of {line}: {seen:?}");
            assert_eq!(line["execution"].as_str(), record.execution_arn.as_deref());
            assert_eq!((&line["Step"], &line["Calls"]), (&Value::from(function), &line["calls"]));
            assert_eq!(line["Duration"], line["milliseconds"]);
        }
    }
}

#[test]
fn the_lines_of_a_step_that_waits_count_its_attempts_from_zero() {
    let rig = rig();
    let account = rig.account("attempts-dev", "dev");
    rig.publish(&[event(Event::Created, &account)]);
    rig.wait_for(&account, Status::Onboarded);
    let mut attempts: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for line in lines(rig, "attach-transit-gateway", &account) {
        let fault = line.get("fault").map_or("None", |fault| fault.as_str().unwrap());
        assert_eq!(line["Fault"], fault, "{line}");
        attempts.entry(line["region"].to_string()).or_default().push(line["attempt"].as_u64().unwrap());
    }
    assert!(attempts.values().any(|seen| seen.len() > 1), "an attachment is pending at first: {attempts:?}");
    for (region, seen) in attempts {
        let wanted: Vec<u64> = (0..).take(seen.len()).collect();
        assert_eq!(seen, wanted, "{region}");
    }
}

#[test]
fn the_command_line_finds_its_aws_by_a_profile_as_people_have_it() {
    let rig = rig();
    let account = rig.account("profile-dev", "dev");
    onboarded(rig, &account);
    let (code, text) = rig.berth_by_profile(&["status", &account, "--json"]);
    assert_eq!((code, serde_json::from_str::<Value>(&text).unwrap()), rig.status(&account));
}
