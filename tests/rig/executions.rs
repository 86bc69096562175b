//! Executions and the ledger: starting, waiting, reading.

use std::{collections::BTreeMap, sync::PoisonError};

use aws_sdk_sfn::types::{ExecutionStatus, HistoryEvent};
use berth_contract::changes_in_output;
use berth_ledger::{Acquisition, Bound, Holder, Record, Status};
use berth_step::StepError;
use berth_tenancy::{Binding, Identity, ResourceChange, Subject};
use serde_json::{Value, json};

use super::Rig;

/// An execution that has ended.
#[derive(Debug, Clone)]
pub struct Ended {
    /// Its ARN.
    pub arn: String,
    /// How it ended.
    pub status: ExecutionStatus,
    /// Its output; null when it failed.
    pub output: Value,
    /// The error's name, when it failed.
    pub error: Option<String>,
}

impl Ended {
    /// The lines of `changes` in its output.
    #[must_use]
    pub fn changes(&self) -> Vec<String> {
        serde_json::from_value(self.output["changes"].clone()).unwrap_or_default()
    }
}

impl Rig {
    /// Starts the state machine as the console does: without a name. The ARN.
    #[must_use]
    pub fn start_execution(&self, input: &Value) -> String {
        self.start_on(&self.environment["BERTH_STATE_MACHINE_ARN"], input)
    }

    /// Starts an offboarding as a person does.
    ///
    /// # Panics
    /// When Step Functions refuses.
    #[must_use]
    pub fn start_offboarding(&self, account: &str) -> String {
        self.start_offboarding_of(account, &json!({}))
    }

    /// The same of a part of the account: what the input has besides.
    ///
    /// # Panics
    /// When Step Functions refuses.
    #[must_use]
    pub fn start_offboarding_of(&self, account: &str, more: &Value) -> String {
        let machine = self.environment["BERTH_STATE_MACHINE_ARN"].replacen("onboard-account", "offboard-account", 1);
        let mut input = json!({ "accountId": account, "mode": "apply" });
        let fields = input.as_object_mut().expect("an object");
        fields.extend(more.as_object().cloned().unwrap_or_default());
        self.start_on(&machine, &input)
    }

    fn start_on(&self, machine: &str, input: &Value) -> String {
        let since = self.last_call();
        let call = self.step_functions.start_execution().state_machine_arn(machine).input(input.to_string());
        let arn = self.runtime.block_on(call.send()).expect("StartExecution").execution_arn;
        self.began.lock().unwrap_or_else(PoisonError::into_inner).insert(arn.clone(), since);
        arn
    }

    /// Stops an execution, as a person does in the console. [Step Functions `StopExecution`]
    pub fn stop(&self, arn: &str) {
        let call = self.step_functions.stop_execution().execution_arn(arn);
        self.runtime.block_on(call.send()).expect("StopExecution");
    }

    /// Names of all executions, in one listing.
    #[must_use]
    pub fn execution_names(&self) -> Vec<String> {
        let machine = &self.environment["BERTH_STATE_MACHINE_ARN"];
        let call = self.step_functions.list_executions().state_machine_arn(machine).into_paginator().items();
        let listed: Result<Vec<_>, _> = self.runtime.block_on(async { call.send().collect().await });
        listed.expect("ListExecutions").into_iter().map(|execution| execution.name).collect()
    }

    /// Deletes every item of the ledger's table; how many there were.
    pub fn lose_ledger(&self) -> usize {
        self.lose_journals();
        let client = aws_sdk_dynamodb::Client::new(&super::config(&self.endpoint, &self.environment));
        self.runtime.block_on(async {
            let items = client.scan().table_name("berth-ledger").into_paginator().items().send();
            let items: Vec<_> = items.collect::<Result<_, _>>().await.expect("the table answers");
            for item in &items {
                let key = ["pk", "sk"].map(|name| (name.to_owned(), item[name].clone()));
                let delete = client.delete_item().table_name("berth-ledger").set_key(Some(key.into()));
                delete.send().await.expect("the table deletes");
            }
            items.len()
        })
    }

    /// Every record of the ledger.
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        let records = self.runtime.block_on(self.ledger.list()).expect("the ledger answers").records;
        self.compare(&records);
        records
    }

    /// Asks for the lease once for each subject, all at the same time. What the ledger answered each.
    #[must_use]
    pub fn acquire_at_once(
        &self,
        subjects: &[Subject],
        expected: Option<&Holder>,
    ) -> Vec<Result<Acquisition, StepError>> {
        let seen: Vec<_> = subjects.iter().map(|subject| self.record(subject.account_id.as_str())).collect();
        let acquire = |(subject, record): (Subject, Option<Record>)| {
            let (ledger, expected) = (self.ledger.clone(), expected.cloned());
            let seen = record.and_then(|record| record.binding);
            self.runtime.spawn(async move {
                let (tenant, environment) = (subject.tenant.clone(), subject.environment.clone());
                let identity = Identity { tenant, environment, given: BTreeMap::new() };
                let now = jiff::Timestamp::UNIX_EPOCH;
                let revision = seen.as_ref().map(|seen| seen.revision);
                let binding = seen.unwrap_or(Binding { identity, tenant_from: None, since: now, revision: 1 });
                let (given, resumes) = (Vec::new(), false);
                let (is_new, onboarded_since) = (revision.is_none(), None);
                let bound = Bound { binding, seen: revision, is_new, released: None, given, resumes, onboarded_since };
                ledger.acquire(&subject, &bound, expected.as_ref(), now).await
            })
        };
        let tasks: Vec<_> = subjects.iter().cloned().zip(seen).map(acquire).collect();
        tasks.into_iter().map(|task| self.runtime.block_on(task).expect("no panic")).collect()
    }

    /// Redrives an execution that failed: it goes on at the state that failed. [Step Functions `RedriveExecution`]
    pub fn redrive(&self, arn: &str) {
        let call = self.step_functions.redrive_execution().execution_arn(arn);
        self.runtime.block_on(call.send()).expect("RedriveExecution");
    }

    /// When an execution ended, to the millisecond; none while it runs, and when it does not exist.
    #[must_use]
    pub fn ended_at(&self, arn: &str) -> Option<jiff::Timestamp> {
        let call = self.step_functions.describe_execution().execution_arn(arn);
        let stop = self.runtime.block_on(call.send()).ok()?.stop_date?;
        jiff::Timestamp::from_millisecond(stop.to_millis().ok()?).ok()
    }

    /// The status of an execution; none when it does not exist.
    #[must_use]
    pub fn execution_status(&self, arn: &str) -> Option<ExecutionStatus> {
        let call = self.step_functions.describe_execution().execution_arn(arn);
        self.runtime.block_on(call.send()).ok().map(|answer| answer.status().clone())
    }

    /// Waits for the end of an execution.
    #[must_use]
    pub fn ended(&self, arn: &str) -> Ended {
        self.until(&format!("the end of {arn}"), || {
            let call = self.step_functions.describe_execution().execution_arn(arn);
            let answer = self.runtime.block_on(call.send()).expect("DescribeExecution");
            let output = answer.output().map_or(Value::Null, |text| serde_json::from_str(text).expect("JSON"));
            let status = answer.status().clone();
            let error = answer.error().map(str::to_owned);
            (status != ExecutionStatus::Running).then(|| Ended { arn: arn.to_owned(), status, output, error })
        })
    }

    /// ARNs of all executions about an account, whoever started them, oldest first.
    #[must_use]
    pub fn executions(&self, account: &str) -> Vec<String> {
        let machine = &self.environment["BERTH_STATE_MACHINE_ARN"];
        let call = self.step_functions.list_executions().state_machine_arn(machine).into_paginator().items();
        let listed: Result<Vec<_>, _> = self.runtime.block_on(async { call.send().collect().await });
        let mut listed = listed.expect("ListExecutions");
        listed.sort_by_key(|execution| execution.start_date);
        let about = |arn: &String| {
            let call = self.step_functions.describe_execution().execution_arn(arn);
            let answer = self.runtime.block_on(call.send()).expect("DescribeExecution");
            answer.input().is_some_and(|input| input.contains(account))
        };
        listed.into_iter().map(|execution| execution.execution_arn).filter(about).collect()
    }

    /// States that an execution entered, in order.
    #[must_use]
    pub fn transitions(&self, arn: &str) -> Vec<String> {
        let entered =
            |event: &HistoryEvent| event.state_entered_event_details().map(|details| details.name().to_owned());
        self.history(arn).iter().filter_map(entered).collect()
    }

    /// The payload with which an execution called a function first. [Step Functions `GetExecutionHistory`]
    #[must_use]
    pub fn payload(&self, arn: &str, function: &str) -> Value {
        let of = |event: HistoryEvent| {
            let text = event.task_scheduled_event_details.map(|details| details.parameters)?;
            let parameters: Value = serde_json::from_str(&text).ok()?;
            parameters["FunctionName"].as_str()?.contains(function).then(|| parameters["Payload"].clone())
        };
        self.history(arn).into_iter().find_map(of).expect("the function was called")
    }

    /// Every change in the answers of the steps of a plan, in the order of the answers.
    #[must_use]
    pub fn planned(&self, arn: &str) -> Vec<ResourceChange> {
        let history = self.history(arn);
        history
            .iter()
            .filter_map(|event| event.task_succeeded_event_details()?.output())
            .flat_map(changes_in_output)
            .collect()
    }

    /// Errors with which attempts of tasks failed, in order.
    #[must_use]
    pub fn failures(&self, arn: &str) -> Vec<String> {
        let failed = |event: &HistoryEvent| {
            event.task_failed_event_details().and_then(|details| details.error()).map(str::to_owned)
        };
        self.history(arn).iter().filter_map(failed).collect()
    }

    /// Errors with which attempts of each state failed until somebody redrove the execution, and after that. In
    /// branches that run at once, events are told apart by what went before each.
    #[must_use]
    pub fn failures_by_state(&self, arn: &str) -> Vec<BTreeMap<String, Vec<String>>> {
        let mut states: BTreeMap<i64, String> = BTreeMap::new();
        let mut failures = vec![BTreeMap::new()];
        for event in self.history(arn) {
            let entered = event.state_entered_event_details().map(|details| details.name().to_owned());
            let state = entered.or_else(|| states.get(&event.previous_event_id()).cloned()).unwrap_or_default();
            states.insert(event.id(), state.clone());
            if event.execution_redriven_event_details().is_some() {
                failures.push(BTreeMap::new());
            }
            let error = event.task_failed_event_details().and_then(|details| details.error());
            if let (Some(error), Some(last)) = (error, failures.last_mut()) {
                let of_state: &mut Vec<String> = last.entry(state).or_default();
                of_state.push(error.to_owned());
            }
        }
        failures
    }

    /// [Step Functions `GetExecutionHistory`]
    fn history(&self, arn: &str) -> Vec<HistoryEvent> {
        let call = self.step_functions.get_execution_history().execution_arn(arn).into_paginator().items();
        let events: Result<Vec<_>, _> = self.runtime.block_on(async { call.send().collect().await });
        events.expect("GetExecutionHistory")
    }

    /// What the ledger knows of an account.
    #[must_use]
    pub fn record(&self, account: &str) -> Option<Record> {
        let account = account.parse().expect("an account id");
        let record = self.runtime.block_on(self.ledger.get(&account)).expect("the ledger answers");
        self.compare(record.as_slice());
        record
    }

    /// Waits until the ledger says this of an account.
    ///
    /// # Panics
    /// When the account failed meanwhile, or it takes too long.
    pub fn wait_for(&self, account: &str, status: Status) -> Record {
        self.until(&format!("{account} to be {}", status.name()), || {
            let record = self.record(account)?;
            let failed_instead = record.status == Status::Failed && status != Status::Failed;
            assert!(!failed_instead, "{account} failed: {:?}; logs: {}", record.failure, self.logs().display());
            (record.status == status).then_some(record)
        })
    }

    /// Waits until the ledger knows how this execution ended. One that failed keeps its lease.
    pub fn wait_for_outcome(&self, account: &str, execution: &str) -> Record {
        self.until(&format!("the outcome of {execution}"), || {
            let record = self.record(account)?;
            let is_it = record.execution_arn.as_deref() == Some(execution);
            let ended = match record.status {
                Status::Requested | Status::Running | Status::Offboarding => false,
                Status::Failed | Status::OffboardingFailed => true,
                Status::Onboarded | Status::Ignored | Status::Offboarded => record.lease.is_none(),
            };
            (is_it && ended).then_some(record)
        })
    }
}

/// Onboards an account as a person does, and waits for the end and its announcement.
pub fn run(rig: &Rig, account: &str) -> Ended {
    let execution = rig.start_execution(&json!({ "accountId": account }));
    let ended = rig.ended(&execution);
    rig.wait_for_outcome(account, &execution);
    ended
}

/// The same, of an onboarding that succeeds.
///
/// # Panics
/// When it does not.
pub fn onboarded(rig: &Rig, account: &str) -> Ended {
    let ended = run(rig, account);
    assert_eq!(ended.status, ExecutionStatus::Succeeded, "{ended:?}: {:?}", rig.record(account));
    ended
}
