//! What must hold after every run (design.md §2), looked at in the local AWS and in the repository, not through Berth.

use std::collections::BTreeSet;

use aws_sdk_sfn::types::ExecutionStatus;
use berth_aws::session_name;
use berth_ledger::{Answered, Record, Status};
use serde_json::json;

use super::{Scenario, neighbours::Neighbours, scenario::OF_PEOPLE};
use crate::rig::{Call, NETWORK, Rig, told_and_not_done, untold};

/// Differing lines of a snapshot that are shown.
const LINES_MAX: usize = 8;

/// Faults that no other attempt can make good.
const PERMANENT: [&str; 5] = ["Denied", "NotOwned", "InvalidInput", "Superseded", "Bug"];

/// Services that let people in, by their signing names: IAM Identity Center and EKS.
const LETS_IN: [&str; 2] = ["sso", "eks"];

/// What is looked at.
pub(super) struct Observed<'a> {
    pub(super) rig: &'a Rig,
    pub(super) account: &'a str,
    pub(super) tenant: &'a str,
    /// What a run without faults leaves.
    pub(super) clean: &'a [String],
    /// The newest call before the run.
    pub(super) since: u64,
    /// Commits of the whole repository before the run.
    pub(super) commits: usize,
    /// Executions that were started since.
    pub(super) started: usize,
    /// Those of them that people started.
    pub(super) by_hand: usize,
    /// The scenario.
    pub(super) scenario: Scenario,
    /// Whom a hostile tenant is after.
    pub(super) neighbours: Option<&'a Neighbours>,
}

/// Whether Berth stopped and said that something is not its own.
pub(super) fn ended_not_owned(record: &Record) -> bool {
    record.status == Status::Failed && record.failure.as_ref().is_some_and(|failure| failure.fault == "NotOwned")
}

/// Everything that does not hold after a run. The record is the ledger's, once the run had its outcome.
pub(super) fn violated(seen: &Observed<'_>, record: &Record) -> Vec<String> {
    if seen.scenario.is_refused() {
        return became_another_one(seen, record);
    }
    if seen.scenario == Scenario::Drift {
        return changed_by_a_look(seen, record);
    }
    if let Some(neighbours) = seen.neighbours {
        return neighbours.violated(seen.rig, seen.tenant, seen.clean, record);
    }
    let mut violations = Vec::new();
    if record.status != seen.scenario.end() {
        violations.push(format!("no lost account: it ended {}: {:?}", record.status.name(), record.failure));
        return violations;
    }
    if let Some(lease) = &record.lease {
        violations.push(format!("one writer: {lease} still has the lease"));
    }
    if seen.scenario == Scenario::Leaving {
        violations.extend(not_gone(seen, record));
        return violations;
    }
    violations.extend(started_too_often(seen));
    violations.extend(not_one_of_each(seen));
    violations.extend(not_one_commit(seen, record));
    let calls = seen.rig.calls(seen.since);
    violations.extend(untold(record, &calls));
    violations.extend(told_and_not_done(&record.told_changes(), &calls));
    match seen.scenario {
        Scenario::Reduced => violations.extend(changed_by_a_second_run(seen)),
        Scenario::Again | Scenario::Renamed | Scenario::Moved => {
            violations.extend(changed(&seen.rig.calls(seen.since)));
            let told = record.told_changes().into_iter();
            violations.extend(told.map(|change| format!("nothing had to change, and it is told: {change}")));
        }
        Scenario::Reverted => {
            violations.extend(changed(&seen.rig.calls(seen.since)));
            violations.extend(changed_by_a_second_run(seen));
        }
        Scenario::Leaving | Scenario::Drift | Scenario::Hostile => {}
        Scenario::Pooled | Scenario::Reserved | Scenario::Swept | Scenario::Approved | Scenario::Reviewed => {
            if seen.scenario == Scenario::Approved {
                violations.extend(changed_unasked(record, &seen.rig.calls(seen.since)));
            }
            violations.extend(let_in_too_early(&seen.rig.calls(seen.since)));
            violations.extend(changed_by_a_second_run(seen));
        }
    }
    violations
}

/// One tenant for each account, and one set of access: an account that may not become another one was refused before
/// anything changed, and is who it was.
fn became_another_one(seen: &Observed<'_>, record: &Record) -> Vec<String> {
    let mut violations = Vec::new();
    let fault = record.failure.as_ref().map(|failure| (failure.state.as_str(), failure.fault.as_str()));
    if fault != Some(("PlanOnboarding", "NotOwned")) {
        violations.push(format!(
            "one tenant for each account: it ended {}, {:?}",
            record.status.name(),
            record.failure
        ));
    }
    let identity = record.identity().map(|identity| identity.to_string());
    let expected = format!("{}/staging", seen.tenant);
    if identity.as_ref() != Some(&expected) {
        violations.push(format!("one tenant for each account: it was {expected}, and is {identity:?}"));
    }
    let made = seen.rig.commit_count() - seen.commits;
    if made > 0 {
        violations.push(format!("one tenant for each account: {made} commits were made"));
    }
    violations.extend(not_one_of_each(seen));
    violations.extend(changed(&seen.rig.calls(seen.since)));
    violations
}

/// A look for drift finds the one thing that somebody changed, changes nothing, and leaves the account as onboarded as it was.
/// There may be two: whoever got no answer asks again, and the first may begin late.
fn changed_by_a_look(seen: &Observed<'_>, record: &Record) -> Vec<String> {
    let mut violations = Vec::new();
    if record.status != Status::Onboarded || record.lease.is_some() {
        violations.push(format!("a look changes nothing: it is {} with {:?}", record.status.name(), record.lease));
    }
    let changes: Vec<String> = record.drift.iter().flat_map(|drift| &drift.changes).map(ToString::to_string).collect();
    if changes.len() != 1 || !changes.iter().all(|change| change.contains("AdministratorAccess")) {
        violations.push(format!("a look finds what has drifted, and no more: {changes:?}"));
    }
    violations.extend(not_one_of_each(seen));
    violations.extend(changed(&seen.rig.calls(seen.since)));
    let made = seen.rig.commit_count() - seen.commits;
    if made > 0 {
        violations.push(format!("a look changes nothing: {made} commits were made"));
    }
    violations
}

/// No change without an approval where one is asked: a person's answer was written down before the first change, and the record
/// says by whom.
fn changed_unasked(record: &Record, calls: &[Call]) -> Vec<String> {
    let approval = record.approval.as_ref();
    if approval.is_none_or(|approval| approval.answered() != Answered::Approved) {
        return vec![format!("no change without an approval: the record has {approval:?}")];
    }
    // One whose answer was lost was written all the same.
    let is_answer = |call: &&Call| call.function == "berth-decide-approval" && call.operation == "UpdateItem";
    let answered = calls.iter().find(is_answer).map_or(u64::MAX, |call| call.seq);
    let is_early =
        |call: &&Call| call.effect == "resource" && call.function.starts_with("berth-") && call.seq < answered;
    let early = calls.iter().filter(is_early);
    early.map(|call| format!("no change without an approval: {}:{}", call.service, call.operation)).collect()
}

/// A permanent fault ends its state at once: however often the state machine tries again, it is as wrong as before.
pub(super) fn retried_although_permanent(rig: &Rig, execution: &str) -> Vec<String> {
    let mut violations = Vec::new();
    for (state, faults) in rig.failures_by_state(execution).into_iter().flatten() {
        let permanent = faults.iter().filter(|fault| PERMANENT.contains(&fault.as_str())).count();
        if permanent > 1 {
            violations
                .push(format!("a permanent error is not retried: {state} failed with {faults:?} until a person came"));
        }
    }
    violations
}

/// An execution without the lease changes nothing: its sessions made no mutating call after `since`, and neither did its
/// invocations in the hub, where a function's session has the function's name. It began after the call `began`.
pub(super) fn changed_although_superseded(rig: &Rig, older: &str, began: u64, since: u64) -> Vec<String> {
    let (session, requests) = (session_name(older), rig.requests_of(older));
    let is_its = |call: &Call| call.session == session || requests.contains(&call.request_id);
    let calls: Vec<Call> = rig.calls(began).into_iter().filter(is_its).collect();
    if !calls.iter().any(|call| call.session == session) {
        return vec![format!("one writer: the kit knows no call of {session}")];
    }
    let changes = calls.into_iter().filter(|call| call.effect == "resource" && call.seq > since);
    changes.map(|call| format!("one writer: the older execution made {}:{}", call.service, call.operation)).collect()
}

/// One execution for all deliveries, and one for each that a person started.
fn started_too_often(seen: &Observed<'_>) -> Option<String> {
    let Observed { started, by_hand, .. } = *seen;
    let by_events = usize::from(!seen.scenario.is_of_onboarded());
    (started > by_events + by_hand).then(|| format!("exactly one: {started} executions, of which {by_hand} by hand"))
}

/// Nobody gets in before isolation is proven: all changes of the network are made, and its tables were looked at after
/// that. Read from the gateway's journal, in the order of arrival.
fn let_in_too_early(calls: &[Call]) -> Vec<String> {
    // A call whose answer was lost may have taken effect.
    let happened = |call: &&Call| ["", "ConnectionReset"].contains(&call.error.as_str());
    let is_change = |call: &&Call| call.effect == "resource" && happened(call);
    let mut changes = calls.iter().filter(is_change);
    let Some(first) = changes.find(|call| LETS_IN.contains(&call.service.as_str())) else {
        return vec!["isolation: nobody was let in at all".to_owned()];
    };
    let of_network = |call: &&Call| call.service == "ec2" && call.function == "berth-attach-transit-gateway";
    let network: Vec<&Call> = calls.iter().filter(is_change).filter(of_network).collect();
    let newest = |calls: &[&Call]| calls.iter().map(|call| call.seq).max().unwrap_or_default();
    if newest(&network) > first.seq {
        return vec![format!("isolation: {}:{} before the network was complete", first.service, first.operation)];
    }
    let tables: Vec<&Call> = network.into_iter().filter(|call| call.account == NETWORK).collect();
    let looks = |call: &&Call| call.operation == "SearchTransitGatewayRoutes" && call.error.is_empty();
    let is_proven = calls.iter().filter(looks).any(|call| call.seq > newest(&tables) && call.seq < first.seq);
    if is_proven { vec![] } else { vec![format!("isolation: {} before it was proven", first.operation)] }
}

/// Exactly what a run without faults leaves: nothing twice, nothing missing, nothing else, isolation included.
fn not_one_of_each(seen: &Observed<'_>) -> Vec<String> {
    let lines = differing(seen.clean, &seen.rig.snapshot(seen.account, seen.tenant)).into_iter();
    lines.map(|line| format!("exactly one of each: {line}")).collect()
}

/// Lines that are missing of one snapshot in another, and lines that are there besides.
pub(super) fn differing(clean: &[String], now: &[String]) -> Vec<String> {
    let differs = |those: &[String], from: &[String], sign: char| -> Vec<String> {
        let mut rest = from.to_vec();
        let missing = |line: &&String| match rest.iter().position(|other| other == *line) {
            Some(at) => {
                rest.swap_remove(at);
                false
            }
            None => true,
        };
        those.iter().filter(missing).map(|line| format!("{sign} {line}")).collect()
    };
    let mut lines = differs(clean, now, '-');
    lines.extend(differs(now, clean, '+'));
    lines.truncate(LINES_MAX);
    lines
}

/// One commit with the tenant's custom resource, and it names what is there.
fn not_one_commit(seen: &Observed<'_>, record: &Record) -> Vec<String> {
    let Some(commit) = &record.commit else { return vec!["one commit: the ledger names none".to_owned()] };
    let mut violations = Vec::new();
    let commits = seen.rig.commits(&commit.path);
    // Of one that was reverted there were others; that there is one more shows below. What was taken away afterwards is a
    // commit of its own.
    let of_file = if seen.scenario == Scenario::Reduced { 2 } else { 1 };
    if commits.len() != of_file && seen.scenario != Scenario::Reverted {
        violations.push(format!("one commit: {} of {}", commits.len(), commit.path));
    }
    let made = seen.rig.commit_count() - seen.commits;
    let expected = match seen.scenario {
        Scenario::Again
        | Scenario::Hostile
        | Scenario::Renamed
        | Scenario::Moved
        | Scenario::Leaving
        | Scenario::Drift => 0,
        Scenario::Pooled | Scenario::Reserved | Scenario::Swept | Scenario::Approved | Scenario::Reduced => 1,
        Scenario::Reviewed | Scenario::Reverted => 2, // the tenant's, and the merge
    };
    if made > expected || (seen.scenario == Scenario::Reverted && made == 0) {
        violations.push(format!("one commit: {made} in the repository, where {expected} are needed"));
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

/// Of an account that has left nothing of Berth's is there, and everything that people made is.
fn not_gone(seen: &Observed<'_>, record: &Record) -> Vec<String> {
    let mut violations = not_one_of_each(seen);
    let there = seen.rig.snapshot(seen.account, seen.tenant);
    for of_people in OF_PEOPLE {
        if !there.iter().any(|line| line.contains(of_people)) {
            violations.push(format!("nothing without our tags is deleted: {of_people} is gone"));
        }
    }
    violations.extend(seen.rig.files_naming(seen.account).into_iter().map(|file| format!("it has left: {file}")));
    let Some(tombstone) = &record.offboarded else { return vec!["it has left: there is no tombstone".to_owned()] };
    match serde_json::from_value::<Record>(tombstone.snapshot["record"].clone()) {
        Ok(buried) => violations.extend(untold(&buried, &seen.rig.calls(seen.since))),
        Err(error) => violations.push(format!("it has left: the tombstone holds no record: {error}")),
    }
    let made = seen.rig.commit_count() - seen.commits;
    if made > 2 {
        violations.push(format!("one commit: {made} in the repository, where it is suspended and taken out"));
    }
    let since = seen.rig.last_call();
    let ended = seen.rig.ended(&seen.scenario.start(seen.rig, seen.account));
    if ended.status != ExecutionStatus::Succeeded {
        violations.push(format!("a second run changes nothing: it ended {:?} {:?}", ended.status, ended.error));
    }
    violations.extend(changed(&seen.rig.calls(since)));
    violations
}

/// A second run makes no mutating call and no commit.
fn changed_by_a_second_run(seen: &Observed<'_>) -> Vec<String> {
    let (since, commits) = (seen.rig.last_call(), seen.rig.commit_count());
    let execution = seen.rig.start_execution(&json!({ "accountId": seen.account }));
    let ended = seen.rig.ended(&execution);
    if ended.status != ExecutionStatus::Succeeded {
        return vec![format!("a second run changes nothing: it ended {:?} {:?}", ended.status, ended.error)];
    }
    let _ = seen.rig.wait_for_outcome(seen.account, &execution);
    let mut violations = changed(&seen.rig.calls(since));
    violations.extend(ended.changes().into_iter().map(|change| format!("a second run changes nothing: {change}")));
    if seen.rig.commit_count() != commits {
        violations.push("a second run changes nothing: it made a commit".to_owned());
    }
    violations
}

/// What a run that has nothing to do changed all the same.
fn changed(calls: &[Call]) -> Vec<String> {
    let changing = calls.iter().filter(|call| call.effect == "resource");
    let lines: BTreeSet<String> =
        changing.map(|call| format!("a second run changes nothing: {} {}", call.function, call.operation)).collect();
    lines.into_iter().collect()
}
