//! A test stand: one local AWS with short pauses and deadlines, on which one run after the other is made.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use aws_sdk_sfn::types::ExecutionStatus;
use berth_ledger::{Record, Status};
use serde_json::json;

use super::{Break, Journey, Outcome, Recovery, Run, invariants};
use crate::rig::{Call, HUB, Rig};

/// Deadline of every function here. In the deployment it is 30 to 120 s; what happens after it is the same.
pub(super) const FUNCTION_SECONDS: u64 = 5;

/// Longest that a run may take, from the event to the outcome.
const RUN_SECONDS_MAX: u64 = 90;

/// How often a run is made anew when its call did not come: how often a step polls differs from run to run.
const TRIES: usize = 3;

/// A local AWS for runs.
pub(super) struct Stand {
    pub(super) rig: Rig,
    /// What a clean run of each journey left.
    clean: BTreeMap<Journey, Vec<String>>,
    made: usize,
}

impl Stand {
    /// Starts one.
    pub(super) fn start(label: &str) -> Result<Self, String> {
        let rig = Rig::quick(label)?;
        let listed = rig.call(HUB, "lambda", "list_functions", &json!({}));
        for function in listed["Functions"].as_array().into_iter().flatten().map(|each| &each["FunctionName"]) {
            let settings = json!({ "FunctionName": function, "Timeout": FUNCTION_SECONDS });
            rig.call(HUB, "lambda", "update_function_configuration", &settings);
        }
        for queue in ["berth-intake", "berth-commits", "berth-outcomes"] {
            let url = rig.call(HUB, "sqs", "get_queue_url", &json!({ "QueueName": queue }))["QueueUrl"].take();
            let attributes = json!({ "VisibilityTimeout": (FUNCTION_SECONDS + 1).to_string() });
            rig.call(HUB, "sqs", "set_queue_attributes", &json!({ "QueueUrl": url, "Attributes": attributes }));
        }
        rig.refresh();
        Ok(Self { rig, clean: BTreeMap::new(), made: 0 })
    }

    /// The calls of a journey without faults.
    pub(super) fn record(&mut self, journey: Journey) -> Vec<Call> {
        let tenant = self.tenant();
        let account = journey.prepare(&self.rig, &tenant);
        let since = self.rig.last_call();
        let started = journey.begin(&self.rig, &account);
        let record = self.outcome(&account, started.as_deref()).expect("a journey without faults ends");
        assert_eq!(record.status, Status::Onboarded, "a journey without faults: {:?}", record.failure);
        self.rig.settle();
        self.rig.calls(since)
    }

    /// Makes a run, and again when its fault did not fire.
    pub(super) fn perform(&mut self, run: &Run) -> Outcome {
        let mut outcome = self.attempt(run);
        for _ in 1..TRIES {
            if outcome.fired || !outcome.violations.is_empty() {
                break;
            }
            outcome = self.attempt(run);
        }
        outcome
    }

    fn attempt(&mut self, run: &Run) -> Outcome {
        if !self.clean.contains_key(&run.journey) {
            let tenant = self.tenant();
            let account = run.journey.prepare(&self.rig, &tenant);
            let started = run.journey.begin(&self.rig, &account);
            let record = self.outcome(&account, started.as_deref());
            assert_eq!(record.map(|record| record.status), Some(Status::Onboarded), "a journey without faults");
            self.clean.insert(run.journey, self.rig.snapshot(&account, &tenant));
        }
        let tenant = self.tenant();
        let account = run.journey.prepare(&self.rig, &tenant);
        let rule = self.rig.break_calls(&run.way.rule(&run.point, &account));
        let started = run.journey.begin(&self.rig, &account);
        let (started, mut violations) = self.recover(run, rule, &account, started);
        let ended = self.outcome(&account, started.as_deref());
        self.rig.settle();
        let fired = self.rig.fired(rule);
        let clean = self.clean.get(&run.journey).map_or(&[] as &[String], Vec::as_slice);
        let seen = invariants::Seen { rig: &self.rig, account: &account, tenant: &tenant, clean };
        violations.extend(match ended {
            Some(record) => invariants::violated(&seen, run, &record),
            None => vec![format!("no outcome after {RUN_SECONDS_MAX} s: {:?}", self.rig.record(&account))],
        });
        Outcome { fired: fired > 0, violations }
    }

    /// Brings the execution back after the fault has fired, when the run says so. The execution that counts from then
    /// on, and what did not hold meanwhile.
    fn recover(&self, run: &Run, rule: u64, account: &str, started: Option<String>) -> (Option<String>, Vec<String>) {
        let recovery = run.way.recovery();
        if recovery == Recovery::Retry {
            return (started, vec![]);
        }
        let broken = within(RUN_SECONDS_MAX, || {
            let execution = started.clone().or(self.rig.record(account)?.execution_arn)?;
            let ended = self.rig.execution_status(&execution)? != ExecutionStatus::Running;
            (ended || (run.way != Break::Refused && self.rig.fired_so_far(rule) > 0)).then_some(execution)
        });
        let Some(execution) = broken else { return (None, vec![]) };
        if self.rig.fired_so_far(rule) == 0 {
            return (Some(execution), vec![]);
        }
        let violations = invariants::retried_although_permanent(&self.rig, run, &execution);
        self.rig.stop_execution(&execution);
        if self.rig.ended(&execution).status == ExecutionStatus::Succeeded {
            return (Some(execution), violations);
        }
        self.rig.mend(rule);
        match recovery {
            Recovery::Retry | Recovery::Redrive => {
                self.rig.redrive(&execution);
                (Some(execution), violations)
            }
            Recovery::NewExecution => (Some(self.rig.start_execution(&json!({ "accountId": account }))), violations),
            Recovery::Contended => self.contend(account, &execution),
        }
    }

    /// Starts a new execution and, once it has the lease, redrives the old one. The new one, and what the old one did.
    fn contend(&self, account: &str, older: &str) -> (Option<String>, Vec<String>) {
        let newer = self.rig.start_execution(&json!({ "accountId": account }));
        let _ = within(RUN_SECONDS_MAX, || {
            let has_lease = self.rig.record(account)?.lease.as_ref() == Some(&newer);
            let running = self.rig.execution_status(&newer)? == ExecutionStatus::Running;
            (has_lease || !running).then_some(())
        });
        let since = self.rig.last_call();
        self.rig.redrive(older);
        let _ = (self.rig.ended(&newer), self.rig.ended(older));
        (Some(newer), invariants::changed_although_superseded(&self.rig, older, since))
    }

    /// The record, once it says how the execution ended. A redriven one ends twice, so what Step Functions says of it
    /// now decides. Nothing when it takes too long.
    fn outcome(&self, account: &str, execution: Option<&str>) -> Option<Record> {
        within(RUN_SECONDS_MAX, || {
            let record = self.rig.record(account)?;
            let execution = execution.or(record.execution_arn.as_deref())?;
            let announced = match self.rig.execution_status(execution)? {
                ExecutionStatus::Succeeded => {
                    matches!(record.status, Status::Onboarded | Status::Ignored) && record.lease.is_none()
                }
                ExecutionStatus::Failed | ExecutionStatus::TimedOut | ExecutionStatus::Aborted => {
                    record.status == Status::Failed
                }
                _ => false,
            };
            (announced && record.execution_arn.as_deref() == Some(execution)).then_some(record)
        })
    }

    /// A new account of one region that nobody has asked to onboard, and its tenant.
    pub(super) fn newcomer(&mut self) -> (String, String) {
        let tenant = self.tenant();
        (Journey::Pooled.prepare(&self.rig, &tenant), tenant)
    }

    fn tenant(&mut self) -> String {
        self.made += 1;
        format!("subject-{:05}", self.made)
    }
}

/// Asks until there is an answer, or time is up.
pub(super) fn within<T>(seconds: u64, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let began = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return Some(answer);
        }
        if began.elapsed() > Duration::from_secs(seconds) {
            return None;
        }
        crate::rig::pause();
    }
}
