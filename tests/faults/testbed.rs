//! A test testbed: one local AWS with short pauses and deadlines, on which one onboarding after the other is broken.

use std::{
    cell::Cell,
    collections::BTreeMap,
    time::{Duration, Instant},
};

use aws_sdk_sfn::types::ExecutionStatus;
use berth_aws::session_name;
use berth_ledger::{Record, Status};
use serde_json::json;

use super::{
    Outcome, Recovery, Run, Scenario, Schedule,
    invariants::{self, Observed},
    neighbours::Neighbours,
};
use crate::rig::{Call, HUB, Rig, TimingProfile, give_role_to_pods, make_pod_role};

/// Deadline of every function here. In the deployment it is 30 to 120 s; what happens after it is the same.
pub(super) const FUNCTION_SECONDS: u64 = 5;

/// Longest that an onboarding may take, from the event to the outcome, and longer for each fault on its way.
const SCENARIO_SECONDS_MAX: u64 = 60;
const FAULT_SECONDS_MAX: u64 = 30;

/// How long each change of the newer of two executions takes until the older one has ended: long enough for the older one
/// to look and to act, and shorter than a function may run.
const SLOW_MILLISECONDS: u64 = 2_000;

/// How often people look whether there is something to merge, or to approve.
const MERGES_EVERY: Duration = Duration::from_millis(500);

/// How often the schedule looks for merges; one minute in the deployment.
const SCHEDULE_EVERY: Duration = Duration::from_secs(8);

/// How often a run is made anew when its call did not come: how often a step polls differs from run to run.
const TRIES: usize = 3;

/// A local AWS for runs.
pub(super) struct Testbed {
    rig: Rig,
    is_on_github: bool,
    /// What a clean run of each scenario left.
    clean: BTreeMap<Scenario, Vec<String>>,
    /// Accounts that are onboarded, with their tenants. Nothing that is done to them may change them, so each serves many
    /// runs.
    onboarded: BTreeMap<Scenario, (String, String)>,
    made: usize,
    /// The hostile tenant and whom it is after.
    neighbours: Option<Neighbours>,
    /// When people last looked for something to merge, or to approve.
    merges_seen: Cell<Instant>,
    /// When the schedule last came round and nothing failed.
    schedule_ran: Cell<Instant>,
}

/// An onboarding with its faults: what it was about, how it came about, and what did not hold on the way.
struct Broken {
    /// The newest call before it.
    began: u64,
    rules: Vec<u64>,
    /// The execution that counts; none yet when an event starts it.
    execution: Option<String>,
    /// Executions that people started.
    by_hand: usize,
    violations: Vec<String>,
}

impl Testbed {
    /// Starts one for runs; with GitHub when a scenario wants it.
    pub(super) fn start(label: &str, is_on_github: bool) -> Result<Self, String> {
        Ok(Self::on(Rig::private(label, TimingProfile::Shortest)?, is_on_github))
    }

    /// Starts one for recordings, which has the fewest polls that a scenario can have: a call of one more may not come
    /// in a run, and then its fault would not fire.
    pub(super) fn recording(is_on_github: bool) -> Result<Self, String> {
        let label = if is_on_github { "recording-on-github" } else { "recording" };
        Ok(Self::on(Rig::private(label, TimingProfile::EachSeenOnce)?, is_on_github))
    }

    fn on(mut rig: Rig, is_on_github: bool) -> Self {
        // What is untold is a violation like others, and the kit goes on.
        rig.is_compared_by_its_owner = true;
        give_role_to_pods(&rig, "staging", "api");
        make_pod_role(&rig, HUB);
        if is_on_github {
            rig.sign_in_as_app();
            rig.review(&["staging"]);
        } else {
            // Every run of a scenario lets somebody go.
            let guard = json!({ "accountsPerDay": 10_000, "percentPerDay": 100 });
            rig.deploy_platform(&[("offboardingGuard", guard)]);
        }
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
        let now = Instant::now();
        Self {
            rig,
            is_on_github,
            clean: BTreeMap::new(),
            onboarded: BTreeMap::new(),
            made: 0,
            neighbours: None,
            merges_seen: Cell::new(now),
            schedule_ran: Cell::new(now),
        }
    }

    /// Whether a scenario can be made here.
    pub(super) fn serves(&self, scenario: Scenario) -> bool {
        self.is_on_github == scenario.is_on_github()
    }

    /// Accounts that were made here.
    pub(super) fn onboardings(&self) -> usize {
        self.made
    }

    /// The calls of a scenario without faults.
    pub(super) fn record(&mut self, scenario: Scenario) -> Vec<Call> {
        let (account, _) = self.subject(scenario);
        let since = self.rig.last_call();
        let started = self.start_scenario(scenario, &account);
        let record = self
            .outcome(scenario, &account, started.as_deref(), 0)
            .unwrap_or_else(|| panic!("{scenario} without faults does not end"));
        assert!(scenario.is_end(&record), "{scenario} without faults: {:?}", record.failure);
        self.rig.settle();
        self.rig.calls(since)
    }

    /// Makes the runs of a schedule in one go, and each alone when anything is wrong.
    pub(super) fn perform(&mut self, schedule: &Schedule) -> Vec<(Run, Outcome)> {
        let together = self.attempt(schedule);
        let is_clean =
            |(fired, violations): &(Vec<bool>, Vec<String>)| violations.is_empty() && fired.iter().all(|fired| *fired);
        if is_clean(&together) || schedule.runs().len() == 1 {
            return schedule.runs().iter().map(|run| (run.clone(), self.again(run, &together))).collect();
        }
        let mut alone: Vec<(Run, Outcome)> = Vec::new();
        for run in schedule.runs() {
            let outcome = self.attempt(&Schedule::of(run.clone()));
            alone.push((run.clone(), self.again(run, &outcome)));
        }
        let is_known = alone.iter().any(|(_, outcome)| !outcome.violations.is_empty());
        if let (false, Some((_, outcome))) = (is_known, alone.first_mut()) {
            let said = together.1.into_iter().map(|violation| format!("{violation} (only in {schedule})"));
            outcome.violations.extend(said);
        }
        alone
    }

    /// The outcome of a run that was just attempted; when its fault did not fire and nothing else was wrong, of another
    /// attempt.
    fn again(&mut self, run: &Run, first: &(Vec<bool>, Vec<String>)) -> Outcome {
        let (mut fired, mut violations) = first.clone();
        for _ in 1..TRIES {
            if !violations.is_empty() || fired.iter().all(|fired| *fired) {
                break;
            }
            (fired, violations) = self.attempt(&Schedule::of(run.clone()));
        }
        Outcome { fired: fired.iter().all(|fired| *fired), violations }
    }

    /// Makes the runs of a schedule in one go: which faults fired, and what did not hold.
    fn attempt(&mut self, schedule: &Schedule) -> (Vec<bool>, Vec<String>) {
        let scenario = schedule.scenario();
        self.make_clean(scenario.when_well());
        let (account, tenant) = self.subject(scenario);
        let (since, executions) = (self.rig.last_call(), self.executions());
        let commits = self.rig.commit_count();
        let mut broken = self.begin(schedule, &account);
        self.recover(schedule, &account, &mut broken);
        let record = self.outcome(scenario, &account, broken.execution.as_deref(), schedule.runs().len());
        self.rig.settle();
        if let (true, Some(execution)) = (schedule.is_refused(), &broken.execution) {
            broken.violations.extend(invariants::retried_although_permanent(&self.rig, execution));
        }
        let fired = broken.rules.iter().map(|rule| self.rig.fired(*rule) > 0).collect();
        let mut violations = std::mem::take(&mut broken.violations);
        let seen = Observed {
            rig: &self.rig,
            account: &account,
            tenant: &tenant,
            clean: self.clean.get(&scenario.when_well()).map_or(&[], Vec::as_slice),
            since,
            commits,
            started: self.executions() - executions,
            by_hand: broken.by_hand,
            scenario,
            neighbours: self.neighbours.as_ref().filter(|_| scenario == Scenario::Hostile),
        };
        let ended_well = record.as_ref().is_some_and(|record| record.status == scenario.end());
        violations.extend(match record {
            Some(record) => invariants::violated(&seen, &record),
            None => vec![format!("bounded: no outcome in time: {:?}", self.rig.record(&account))],
        });
        if !violations.is_empty() || !ended_well {
            self.onboarded.remove(&scenario);
        }
        (fired, violations)
    }

    /// Sets the rules and starts the scenario.
    fn begin(&self, schedule: &Schedule, account: &str) -> Broken {
        let began = self.rig.last_call();
        let rules = schedule.runs().iter().map(|run| self.rig.break_calls(&run.way.rule(&run.point, account)));
        let rules = rules.collect();
        let execution = self.start_scenario(schedule.scenario(), account);
        Broken { began, rules, by_hand: usize::from(execution.is_some()), execution, violations: vec![] }
    }

    /// Starts the part that is broken. A hostile tenant tries everything while it runs, as somebody who signed in.
    fn start_scenario(&self, scenario: Scenario, account: &str) -> Option<String> {
        let execution = scenario.begin(&self.rig, account);
        if let (Scenario::Hostile, Some(neighbours)) = (scenario, &self.neighbours) {
            neighbours.attack(&self.rig, true);
        }
        execution
    }

    /// Executions of onboardings. Those that a run only plans with have a name that follows from its own.
    fn executions(&self) -> usize {
        self.rig.execution_names().iter().filter(|name| !name.contains("-p")).count()
    }

    /// What a run without faults leaves, made once on each testbed.
    fn make_clean(&mut self, scenario: Scenario) {
        if self.clean.contains_key(&scenario) {
            return;
        }
        let (account, tenant) = self.subject(scenario);
        let started = scenario.begin(&self.rig, &account);
        let record = self.outcome(scenario, &account, started.as_deref(), 0);
        assert!(record.as_ref().is_some_and(|record| scenario.is_end(record)), "{scenario} without faults: {record:?}");
        self.clean.insert(scenario, self.rig.snapshot(&account, &tenant));
    }

    /// Brings the execution back after each fault that fired, when the schedule says so.
    fn recover(&self, schedule: &Schedule, account: &str, broken: &mut Broken) {
        let recovery = schedule.recovery();
        if recovery == Recovery::Retry {
            return;
        }
        let seconds_max = SCENARIO_SECONDS_MAX + FAULT_SECONDS_MAX;
        let rules = broken.rules.clone();
        let mut handled: Vec<u64> = Vec::new();
        loop {
            let newly_fired = || -> Vec<u64> {
                let fired = self.rig.fired_of(&rules).into_iter();
                fired.filter(|rule| !handled.contains(rule)).collect()
            };
            let stopped = within(seconds_max, || {
                self.attend(schedule.scenario());
                let execution = broken.execution.clone().or(self.rig.record(account)?.execution_arn)?;
                let ended = self.rig.execution_status(&execution)? != ExecutionStatus::Running;
                (ended || (!schedule.is_refused() && !newly_fired().is_empty())).then_some(execution)
            });
            let Some(execution) = stopped else { return };
            broken.execution = Some(execution.clone());
            if newly_fired().is_empty() {
                return;
            }
            self.rig.stop(&execution);
            if self.rig.ended(&execution).status == ExecutionStatus::Succeeded {
                return;
            }
            if recovery == Recovery::Contended || schedule.is_refused() {
                // Functions outlive their execution (docs/decisions/0021). These must not do what is contended for, nor
                // be refused after the person has looked.
                self.rig.settle();
            }
            let fired = newly_fired();
            for rule in &fired {
                self.rig.mend(*rule);
            }
            handled.extend(fired);
            match recovery {
                Recovery::Retry | Recovery::Redrive => self.rig.redrive(&execution),
                Recovery::NewExecution => {
                    broken.by_hand += 1;
                    broken.execution = Some(schedule.scenario().start(&self.rig, account));
                }
                Recovery::Contended => return self.contend(schedule.scenario(), account, &execution, broken),
            }
        }
    }

    /// Starts a new execution and, once it has the lease, redrives the old one. The new one counts. Its first changes take
    /// long, so that the old one finds something to change, too.
    fn contend(&self, scenario: Scenario, account: &str, older: &str, broken: &mut Broken) {
        let newer = scenario.start(&self.rig, account);
        let slow = self.rig.break_calls(&json!({
            "match": { "session": session_name(&newer), "mutating": true },
            "action": { "delay_ms": SLOW_MILLISECONDS },
        }));
        let _ = within(SCENARIO_SECONDS_MAX, || {
            let has_lease = self.rig.record(account)?.lease.as_ref() == Some(&newer);
            let running = self.rig.execution_status(&newer)? == ExecutionStatus::Running;
            (has_lease || !running).then_some(())
        });
        let since = self.rig.last_call();
        self.rig.redrive(older);
        let _ = self.rig.ended(older);
        let _ = self.rig.fired(slow);
        let _ = self.rig.ended(&newer);
        self.rig.settle();
        broken.violations.extend(invariants::changed_although_superseded(&self.rig, older, broken.began, since));
        broken.by_hand += 1;
        broken.execution = Some(newer);
    }

    /// What people and the schedule do meanwhile. The schedule comes round soon after a merge, and else now and then: each
    /// round makes calls, and those that find nothing are all alike.
    fn attend(&self, scenario: Scenario) {
        if self.merges_seen.get().elapsed() < MERGES_EVERY {
            return;
        }
        self.merges_seen.set(Instant::now());
        scenario.approves(&self.rig);
        if !scenario.is_on_github() {
            return;
        }
        let is_merged = scenario.merges(&self.rig);
        if is_merged || self.schedule_ran.get().elapsed() > SCHEDULE_EVERY {
            let (_, failed) = self.rig.invoke("berth-complete-merges", &json!({}));
            if !failed {
                self.schedule_ran.set(Instant::now());
            }
        }
    }

    /// The record, once it says how the execution ended. A redriven one ends twice, so what Step Functions says of it
    /// now decides. Nothing when it takes too long.
    fn outcome(&self, scenario: Scenario, account: &str, execution: Option<&str>, faults: usize) -> Option<Record> {
        within(SCENARIO_SECONDS_MAX + faults as u64 * FAULT_SECONDS_MAX, || {
            self.attend(scenario);
            let record = self.rig.record(account)?;
            if scenario == Scenario::Drift {
                return self.seen_by(execution?, record);
            }
            let execution = execution.or(record.execution_arn.as_deref())?;
            let announced = match self.rig.execution_status(execution)? {
                ExecutionStatus::Succeeded if scenario.is_refused() => false,
                ExecutionStatus::Succeeded => {
                    let ended = [Status::Onboarded, Status::Ignored, Status::Offboarded];
                    ended.contains(&record.status) && record.lease.is_none()
                }
                // Of a redriven one the ledger may still have the first end.
                ExecutionStatus::Failed if scenario.is_refused() => scenario.is_end(&record),
                ExecutionStatus::Failed | ExecutionStatus::TimedOut | ExecutionStatus::Aborted => {
                    matches!(record.status, Status::Failed | Status::OffboardingFailed)
                }
                _ => false,
            };
            (announced && record.execution_arn.as_deref() == Some(execution)).then_some(record)
        })
    }

    /// The record, once it says what a look found: this one, or a later one.
    fn seen_by(&self, look: &str, record: Record) -> Option<Record> {
        let ended = self.rig.ended_at(look)?;
        let is_told = record.drift.as_ref().is_some_and(|drift| drift.looked_at >= ended);
        is_told.then_some(record)
    }

    /// Whom the next run is about, and the tenant: somebody new, or the one that is onboarded already.
    fn subject(&mut self, scenario: Scenario) -> (String, String) {
        let known = self.onboarded.get(&scenario).cloned();
        let subject = known.unwrap_or_else(|| {
            let tenant = self.tenant();
            (scenario.prepare(&self.rig, &tenant), tenant)
        });
        if scenario.serves_many() {
            self.onboarded.insert(scenario, subject.clone());
        }
        scenario.precede(&self.rig, &subject.0);
        if scenario == Scenario::Hostile {
            let known = self.neighbours.take().filter(|each| each.are_of(&subject.0));
            let neighbours = known.unwrap_or_else(|| Neighbours::of(&self.rig, &subject.0, &subject.1));
            neighbours.attack(&self.rig, false);
            self.neighbours = Some(neighbours);
        }
        subject
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
