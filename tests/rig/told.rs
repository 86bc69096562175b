//! Compares what the ledger's journal tells with what the local AWS saw: every mutating call is told, and before it is made.

use std::collections::{BTreeMap, BTreeSet};

use berth_ledger::Record;

use super::Call;

/// What the steps did and the record does not tell, or told too late: a line for each invocation.
#[must_use]
pub fn untold(record: &Record, calls: &[Call]) -> Vec<String> {
    let told: BTreeSet<String> = record.told_changes().into_iter().map(|one| format!("berth-{}", one.step)).collect();
    let mut first: BTreeMap<&str, &Call> = BTreeMap::new();
    let mut written: BTreeMap<&str, u64> = BTreeMap::new();
    for call in calls.iter().filter(|call| is_step(&call.function)) {
        if call.operation == "UpdateItem" {
            written.entry(&call.request_id).or_insert(call.seq);
        } else if call.effect == "resource" {
            first.entry(&call.request_id).or_insert(call);
        }
    }
    let line = |call: &Call, why: &str| {
        format!("every mutating call is told: {} {}:{} {why}", call.function, call.service, call.operation)
    };
    let mut lines = Vec::new();
    for (request, call) in first {
        match written.get(request) {
            Some(seq) if *seq < call.seq => {}
            _ => lines.push(line(call, "was made before anything was written down")),
        }
        if !told.contains(&call.function) {
            lines.push(line(call, "is in no sentence of the journal"));
        }
    }
    lines
}

/// Whether it is a function that makes changes by the loop of the steps.
fn is_step(function: &str) -> bool {
    let others = [
        "plan-onboarding",
        "accept-event",
        "announce-outcome",
        "sweep-accounts",
        "prove-isolation",
        "complete-merges",
        "commit-tenant",
    ];
    function.starts_with("berth-") && !others.iter().any(|name| function.ends_with(name))
}
