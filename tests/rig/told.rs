//! Compares what the ledger's journal tells of a run with what the local AWS and the repository saw of it: every mutating
//! call is told, before it is made, and nothing is told that was not done.
//!
//! The rig does it by itself, once for each end of a run, when a test first reads it in the account's record.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{Read, Seek, SeekFrom},
    sync::PoisonError,
};

use berth_aws::session_name;
use berth_ledger::{Record, Status};
use berth_tenancy::ToldChange;
use jiff::Timestamp;
use reqwest::Method;
use serde::Deserialize;

use super::{
    Call, Rig,
    sentences::{is_of_no_resource, tells, why_untold},
};
use crate::registry::steps;

/// Looks at a run that seems to be untold: a function may still be at work when its execution has ended.
const LOOKS: usize = 3;

/// What was read so far, so that each end of a run costs one look at what is new.
#[derive(Debug, Default)]
pub(super) struct ReadSoFar {
    /// Number of the newest call when calls were last read.
    last: u64,
    /// Calls that change a resource, and the steps' writes to the ledger, by number.
    calls: BTreeMap<u64, Call>,
    /// Bytes of each function's log.
    read: BTreeMap<String, u64>,
    /// Executions by the requests that they made.
    executions: BTreeMap<String, String>,
    /// Ends of runs that were compared.
    compared: BTreeSet<(String, Timestamp)>,
    /// Executions whose journal somebody lost.
    lost: BTreeSet<String>,
}

/// What a line of a function's log says of its invocation.
#[derive(Deserialize)]
struct Line {
    request: Option<String>,
    execution: Option<String>,
}

/// A run that has ended.
struct Run {
    execution: String,
    /// The record with its journal.
    record: Record,
    /// Whether everything that it began was done.
    is_done: bool,
}

impl ReadSoFar {
    /// Reads on.
    fn read_on(&mut self, rig: &Rig) {
        let since = self.last;
        for (filter, first) in [("effect=resource", true), ("service=dynamodb&operation=UpdateItem", false)] {
            let answer = rig.gateway(Method::GET, &format!("calls?since={since}&plumbing=false&{filter}"), None);
            let calls: Vec<Call> = serde_json::from_value(answer["calls"].clone()).expect("calls");
            self.calls.extend(calls.into_iter().filter(|call| is_step(&call.function)).map(|call| (call.seq, call)));
            if first {
                self.last = answer["last"].as_u64().expect("a number");
            }
        }
        for step in steps().iter().filter(|step| step.is_invoked_by_executions()) {
            self.read_log(rig, &format!("berth-{}", step.name));
        }
    }

    /// Reads whole lines of a log that are new.
    fn read_log(&mut self, rig: &Rig, function: &str) {
        let Ok(mut log) = File::open(rig.logs().join(format!("functions/{function}.log"))) else { return };
        let read = self.read.entry(function.to_owned()).or_default();
        let mut text = Vec::new();
        let sought = log.seek(SeekFrom::Start(*read)).and_then(|_| log.read_to_end(&mut text));
        sought.expect("a log can be read");
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        *read += u64::try_from(whole).expect("a length");
        for line in text[..whole].split(|byte| *byte == b'\n') {
            if let Ok(Line { request: Some(request), execution: Some(execution) }) = serde_json::from_slice(line) {
                self.executions.insert(request, execution);
            }
        }
    }

    /// Calls of an execution's steps; one that was killed wrote no line, and is known by its sessions.
    fn calls_of(&self, execution: &str) -> Vec<Call> {
        let session = session_name(execution);
        let is_its = |call: &&Call| match self.executions.get(&call.request_id) {
            Some(known) => known == execution,
            None => call.session == session,
        };
        self.calls.values().filter(is_its).cloned().collect()
    }
}

impl Rig {
    /// Nobody can tell any more what the runs so far have told.
    pub(super) fn lose_journals(&self) {
        let mut seen = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        seen.read_on(self);
        let known: BTreeSet<String> = seen.executions.values().cloned().collect();
        seen.lost.extend(known);
    }

    /// Compares ends of runs that nobody has compared yet.
    pub(super) fn compare(&self, records: &[Record]) {
        if self.is_compared_by_its_owner {
            return;
        }
        let mut seen = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new =
            |record: &&Record| run_of(record).is_some_and(|run| seen.compared.insert((run.execution, record.since)));
        let mut ended: Vec<Record> = records.iter().filter(is_new).cloned().collect();
        for look in 1..=LOOKS {
            if ended.is_empty() {
                return;
            }
            seen.read_on(self);
            let lines: Vec<String> = ended.iter().flat_map(|record| self.compared(&seen, record)).collect();
            if lines.is_empty() {
                return;
            }
            assert!(look < LOOKS, "{}; logs: {}", lines.join("\n"), self.logs().display());
            super::pause();
            // Of a run that failed in one region another one may still have been at work.
            let again = |record: Record| self.runtime.block_on(self.ledger.get(&record.account_id));
            ended = ended.into_iter().filter_map(|record| again(record).expect("the ledger answers")).collect();
        }
    }

    /// What is untold of the end of a run, and what was told and not done.
    fn compared(&self, seen: &ReadSoFar, record: &Record) -> Vec<String> {
        let Some(Run { execution, record, is_done }) = run_of(record) else { return Vec::new() };
        let calls = seen.calls_of(&execution);
        // No step of it has logged anything: it is one that a test wrote into the ledger.
        if seen.lost.contains(&execution) || !seen.executions.values().any(|known| *known == execution) {
            return Vec::new();
        }
        let mut lines = untold(&record, &calls);
        if is_done {
            let own = own_changes(&record);
            lines.extend(told_and_not_done(&own, &calls));
            lines.extend(self.commits_told(&execution, &record, &own));
        }
        let account = &record.account_id;
        lines.into_iter().map(|line| format!("{line} (account {account}, {execution})")).collect()
    }

    /// A commit that names this run is told when it touches the account's file, and no other one is told. It may touch files
    /// of others, who were in its batch.
    fn commits_told(&self, execution: &str, record: &Record, own: &[ToldChange]) -> Vec<String> {
        let own: Vec<&str> =
            own.iter().filter(|one| one.step == "commit-tenant").map(|one| one.change.as_str()).collect();
        let made = self.files_committed_by(execution);
        let mut lines = Vec::new();
        let file = record.commit.as_ref().map(|commit| commit.path.as_str());
        let is_untold = |path: &&str| made.contains(*path) && !own.iter().any(|sentence| sentence.contains(*path));
        if let Some(path) = file.filter(is_untold) {
            lines.push(format!("every mutating call is told: the commit of {path} is in no sentence of the journal"));
        }
        for path in own.iter().filter_map(|sentence| sentence.strip_prefix("commit ")) {
            if !made.contains(path) {
                lines.push(format!("nothing is told that was not done: no commit of {path} names the execution"));
            }
        }
        for path in own.iter().filter_map(|sentence| sentence.strip_prefix("merge ")) {
            if self.commits(path).is_empty() {
                lines.push(format!("nothing is told that was not done: {path} was never merged"));
            }
        }
        lines
    }
}

/// The end that a record tells of. Of an account that has left it is in what is kept of it.
fn run_of(record: &Record) -> Option<Run> {
    let told = |record: Record| Some(Run { execution: record.lease.clone()?, record, is_done: false });
    match record.status {
        Status::Onboarded if record.lease.is_none() => {
            Some(Run { execution: record.execution_arn.clone()?, record: record.clone(), is_done: true })
        }
        Status::Failed | Status::OffboardingFailed => told(record.clone()),
        Status::Offboarded => {
            let snapshot = &record.offboarded.as_ref()?.snapshot;
            told(serde_json::from_value(snapshot["record"].clone()).expect("a record is buried"))
        }
        Status::Onboarded | Status::Requested | Status::Running | Status::Offboarding | Status::Ignored => None,
    }
}

/// What this run told itself: a lease that it took over came with the sentences of its predecessor.
fn own_changes(record: &Record) -> Vec<ToldChange> {
    let own = record.journal.values().filter(|batch| batch.generation == record.generation);
    let told = own.flat_map(|batch| {
        let one = |change: &String| ToldChange {
            step: batch.step.clone(),
            region: batch.region.clone(),
            change: change.clone(),
        };
        batch.changes.iter().map(one).collect::<Vec<_>>()
    });
    told.collect()
}

/// What the steps did and the record does not tell, or told too late: a line for each call.
#[must_use]
pub fn untold(record: &Record, calls: &[Call]) -> Vec<String> {
    let told = record.told_changes();
    let calls: Vec<Call> = calls.iter().filter(|call| is_step(&call.function)).cloned().collect();
    let mut written: BTreeMap<&str, u64> = BTreeMap::new();
    for call in calls.iter().filter(|call| call.operation == "UpdateItem") {
        written.entry(&call.request_id).or_insert(call.seq);
    }
    let line = |call: &Call, why: &str| {
        format!("every mutating call is told: {} {}:{} {why}", call.function, call.service, call.operation)
    };
    let mut lines = BTreeSet::new();
    for call in calls.iter().filter(|call| call.effect == "resource") {
        if written.get(&*call.request_id).is_none_or(|seq| *seq > call.seq) {
            lines.insert(line(call, "was made before anything was written down"));
        }
        if !record.journal_is_cut {
            lines.extend(why_untold(&told, &calls, call).map(|why| line(call, &why)));
        }
    }
    lines.into_iter().collect()
}

/// What a run that has done all of it told without a call: "nothing had to change" is said exactly when there was none.
#[must_use]
pub fn told_and_not_done(told: &[ToldChange], calls: &[Call]) -> Vec<String> {
    let is_undone = |change: &&ToldChange| !is_of_no_resource(change) && !calls.iter().any(|call| tells(change, call));
    let line = |change: &ToldChange| format!("nothing is told that was not done: {} {change}", change.step);
    told.iter().filter(is_undone).map(line).collect()
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// A record whose run has told these changes, each as function, region and sentence.
    fn told(changes: &[(&str, Option<&str>, &str)]) -> Record {
        let batch = |(number, (step, region, change)): (usize, &(&str, Option<&str>, &str))| {
            let at = "2026-11-01T00:00:00Z";
            let batch = json!({ "generation": 1, "step": step, "region": region, "at": at, "changes": [change] });
            (number.to_string(), batch)
        };
        let journal: serde_json::Map<String, Value> = changes.iter().enumerate().map(batch).collect();
        serde_json::from_value(json!({
            "accountId": "111122223333", "status": "running", "generation": 1, "since": "2026-11-01T00:00:00Z",
            "journal": journal,
        }))
        .unwrap()
    }

    fn call(seq: u64, function: &str, (service, operation): (&str, &str), parameters: Value) -> Call {
        let effect = if service == "dynamodb" { "data" } else { "resource" };
        serde_json::from_value(json!({
            "seq": seq, "account": "111122223333", "session": "", "region": "eu-west-1", "service": service,
            "operation": operation, "effect": effect, "function": format!("berth-{function}"), "request_id": "r",
            "error": "", "trace": "", "parameters": parameters,
        }))
        .unwrap()
    }

    fn written(function: &str) -> Call {
        call(1, function, ("dynamodb", "UpdateItem"), json!({}))
    }

    const ROLES: &str = "create-tenant-roles";

    #[test]
    fn a_call_is_told_by_a_sentence_of_its_function_that_names_its_thing() {
        let made = call(2, ROLES, ("iam", "CreateRole"), json!({ "RoleName": "payments-developer" }));
        let sentence = "create role /tenant/payments-developer";
        let calls = [written(ROLES), made.clone()];
        assert_eq!(untold(&told(&[(ROLES, None, sentence)]), &calls), Vec::<String>::new());
        let others = [
            (ROLES, None, "create role /tenant/payments-viewer"),
            (ROLES, None, "repair tags of role payments-developer"),
            ("apply-baseline", None, sentence),
        ];
        for other in others {
            let lines = untold(&told(&[other]), &calls);
            assert!(lines.len() == 1 && lines[0].contains("iam:CreateRole is in no sentence"), "{other:?}: {lines:?}");
        }
        let late = [made, call(3, ROLES, ("dynamodb", "UpdateItem"), json!({}))];
        let lines = untold(&told(&[(ROLES, None, sentence)]), &late);
        assert!(lines.len() == 1 && lines[0].ends_with("before anything was written down"), "{lines:?}");
    }

    #[test]
    fn a_call_is_told_in_its_region() {
        let step = "provision-vpc";
        let calls = [written(step), call(2, step, ("ec2", "CreateSubnet"), json!({ "CidrBlock": "10.0.0.0/22" }))];
        let in_region =
            |region| untold(&told(&[(step, Some(region), "create subnet a in b with 10.0.0.0/22")]), &calls).len();
        assert_eq!((in_region("eu-west-1"), in_region("eu-central-1")), (0, 1));
    }

    #[test]
    fn calls_that_the_sentences_do_not_name_are_as_many_as_they() {
        let step = "grant-sign-in";
        let assign = |seq, group| {
            let parameters = json!({ "PrincipalId": group, "PermissionSetArn": "ps-1", "TargetId": "111122223333" });
            call(seq, step, ("sso", "CreateAccountAssignment"), parameters)
        };
        let sentence = (step, None, "assign group g with permission set P");
        // One of them was asked for twice.
        assert_eq!(untold(&told(&[sentence]), &[written(step), assign(2, "g"), assign(3, "g")]).len(), 0);
        let lines = untold(&told(&[sentence]), &[written(step), assign(2, "g"), assign(3, "h")]);
        assert!(lines.len() == 1 && lines[0].contains("made of 2 things, and 1 sentences"), "{lines:?}");
    }

    #[test]
    fn a_call_that_no_line_knows_is_said() {
        let calls = [written(ROLES), call(2, ROLES, ("iam", "CreateUser"), json!({ "UserName": "u" }))];
        let lines = untold(&told(&[(ROLES, None, "create user u")]), &calls);
        assert!(lines.len() == 1 && lines[0].contains("tests/rig/sentences.rs"), "{lines:?}");
    }

    #[test]
    fn what_was_told_and_not_done_is_said_but_for_the_ledger_and_the_repository() {
        let record = told(&[
            (ROLES, None, "create role /tenant/payments-developer"),
            ("provision-vpc", Some("eu-west-1"), "record the VPC vpc-1 with 10.0.0.0/20"),
            ("commit-tenant", None, "commit clusters/c/tenants/df/payments.yaml"),
        ]);
        let lines = told_and_not_done(&own_changes(&record), &[]);
        assert_eq!(
            lines,
            ["nothing is told that was not done: create-tenant-roles create role /tenant/payments-developer"]
        );
        let made = call(2, ROLES, ("iam", "CreateRole"), json!({ "RoleName": "payments-developer" }));
        assert_eq!(told_and_not_done(&own_changes(&record), &[made]), Vec::<String>::new());
    }
}
