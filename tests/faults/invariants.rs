//! What must hold after every run (design.md §2), looked at in the local AWS and in the repository, not through Berth.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_sfn::types::ExecutionStatus;
use berth_ledger::{Record, Status};
use serde_json::json;

use super::{Break, Journey, Recovery, Run};
use crate::rig::Rig;

/// Differing lines of a snapshot that are shown.
const LINES_MAX: usize = 8;

/// Faults that no other attempt can make good.
const PERMANENT: [&str; 5] = ["Denied", "Foreign", "InvalidInput", "Superseded", "Bug"];

/// What is looked at.
pub(super) struct Seen<'a> {
    pub(super) rig: &'a Rig,
    pub(super) account: &'a str,
    pub(super) tenant: &'a str,
    /// What a run without faults leaves.
    pub(super) clean: &'a [String],
}

/// Everything that does not hold after a run. The record is the ledger's, once the run had its outcome.
pub(super) fn violated(seen: &Seen<'_>, run: &Run, record: &Record) -> Vec<String> {
    let mut violations = Vec::new();
    if record.status != Status::Onboarded {
        violations.push(format!("no lost account: it ended {}: {:?}", record.status.name(), record.failure));
        return violations;
    }
    if let Some(lease) = &record.lease {
        violations.push(format!("one writer: {lease} still has the lease"));
    }
    violations.extend(started_too_often(seen, run));
    violations.extend(not_one_of_each(seen));
    violations.extend(not_one_commit(seen, record));
    violations.extend(changed_by_a_second_run(seen, record));
    violations
}

/// A permanent fault ends its state at once: however often the state machine tries again, it is as wrong as before.
pub(super) fn retried_although_permanent(rig: &Rig, run: &Run, execution: &str) -> Vec<String> {
    if run.way != Break::Refused {
        return vec![];
    }
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for fault in rig.failures(execution).into_iter().filter(|fault| PERMANENT.contains(&fault.as_str())) {
        *times.entry(fault).or_default() += 1;
    }
    let again = times.into_iter().filter(|(_, times)| *times > 1);
    again.map(|(fault, times)| format!("a permanent error is not retried: {times} times {fault}")).collect()
}

/// An execution without the lease changes nothing: its sessions, which have its name, made no mutating call.
pub(super) fn changed_although_superseded(rig: &Rig, older: &str, since: u64) -> Vec<String> {
    let name = older.rsplit(':').next().unwrap_or(older);
    let calls = rig.calls(since).into_iter().filter(|call| call.effect == "resource" && call.session == name);
    calls.map(|call| format!("one writer: the older execution made {}:{}", call.service, call.operation)).collect()
}

/// One execution for all deliveries, and one for each that a person started.
fn started_too_often(seen: &Seen<'_>, run: &Run) -> Option<String> {
    let anew = matches!(run.way.recovery(), Recovery::NewExecution | Recovery::Contended);
    let by_hand = usize::from(anew) + usize::from(run.journey == Journey::Again);
    let started = seen.rig.executions(seen.account).len();
    (started > 1 + by_hand).then(|| format!("exactly one: {started} executions, of which {by_hand} by hand"))
}

/// Exactly what a run without faults leaves: nothing twice, nothing missing, nothing else, isolation included.
fn not_one_of_each(seen: &Seen<'_>) -> Vec<String> {
    let now = seen.rig.snapshot(seen.account, seen.tenant);
    let differs = |those: &[String], from: &[String], sign: char| -> Vec<String> {
        let mut rest = from.to_vec();
        let missing = |line: &&String| match rest.iter().position(|other| other == *line) {
            Some(at) => {
                rest.swap_remove(at);
                false
            }
            None => true,
        };
        those.iter().filter(missing).map(|line| format!("exactly one of each: {sign} {line}")).collect()
    };
    let mut lines = differs(seen.clean, &now, '-');
    lines.extend(differs(&now, seen.clean, '+'));
    lines.truncate(LINES_MAX);
    lines
}

/// One commit with the tenant's custom resource, and it names what is there.
fn not_one_commit(seen: &Seen<'_>, record: &Record) -> Vec<String> {
    let Some(commit) = &record.commit else { return vec!["one commit: the ledger names none".to_owned()] };
    let mut violations = Vec::new();
    let commits = seen.rig.commits(&commit.path);
    if commits.len() != 1 {
        violations.push(format!("one commit: {} of {}", commits.len(), commit.path));
    }
    let text = seen.rig.file("main", &commit.path);
    for region in record.regions.values() {
        for id in [seen.account, &region.vpc_id, &region.cidr, &region.attachment_id] {
            if !text.contains(id) {
                violations.push(format!("one commit: {} does not name {id}", commit.path));
            }
        }
    }
    violations
}

/// A second run makes no mutating call and no commit.
fn changed_by_a_second_run(seen: &Seen<'_>, first: &Record) -> Vec<String> {
    let since = seen.rig.last_call();
    let execution = seen.rig.start_execution(&json!({ "accountId": seen.account }));
    let ended = seen.rig.ended(&execution);
    if ended.status != ExecutionStatus::Succeeded {
        return vec![format!("a second run changes nothing: it ended {:?} {:?}", ended.status, ended.error)];
    }
    let _ = seen.rig.wait_for_outcome(seen.account, &execution);
    let calls = seen.rig.calls(since);
    let changing: BTreeSet<String> = calls
        .iter()
        .filter(|call| call.effect == "resource")
        .map(|call| format!("a second run changes nothing: {} {}", call.function, call.operation))
        .collect();
    let mut violations: Vec<String> = changing.into_iter().collect();
    violations.extend(ended.changes().into_iter().map(|change| format!("a second run changes nothing: {change}")));
    let path = first.commit.as_ref().map_or("", |commit| commit.path.as_str());
    if seen.rig.commits(path).len() != 1 {
        violations.push("a second run changes nothing: it made a commit".to_owned());
    }
    violations
}
