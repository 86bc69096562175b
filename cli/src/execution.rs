//! One execution: what Step Functions says of it, and running it again.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_sfn::{operation::describe_execution::DescribeExecutionOutput, types::ExecutionStatus};
use berth_aws::{CallResultExt, SdkResultExt};
use berth_ledger::Record;
use berth_step::{Fault, StepError};
use berth_tenancy::AccountId;

use crate::{outcome::Problem, status, target::Deployment};

/// The execution; none when Step Functions does not know it: 90 days after its end, or when it was never started.
/// [Step Functions `DescribeExecution`]
pub(crate) async fn describe(deployment: &Deployment, arn: &str) -> Result<Option<DescribeExecutionOutput>, Problem> {
    let sent = deployment.step_functions.describe_execution().execution_arn(arn).send().await;
    Ok(sent.named("states:DescribeExecution").none_if(&["ExecutionDoesNotExist"]).or_common()?)
}

/// The accounts among these that failed and whose execution runs again since: somebody redrove it. A list for each state
/// machine of which an execution failed, however many did. [Step Functions `ListExecutions`]
pub(crate) async fn redriven(deployment: &Deployment, records: &[Record]) -> Result<BTreeSet<AccountId>, Problem> {
    let failed = records.iter().filter(|record| status::has_failed(record));
    let failed: BTreeMap<&str, &AccountId> =
        failed.filter_map(|record| Some((record.execution_arn.as_deref()?, &record.account_id))).collect();
    let machines: BTreeSet<String> = failed.keys().filter_map(|arn| machine_of(arn)).collect();
    let mut redriven = BTreeSet::new();
    for machine in machines {
        let list = deployment.step_functions.list_executions().state_machine_arn(machine);
        let mut pages = list.status_filter(ExecutionStatus::Running).into_paginator().items().send();
        while let Some(execution) = pages.next().await {
            let running = execution.named("states:ListExecutions").or_common()?;
            redriven.extend(failed.get(running.execution_arn()).map(|&account| account.clone()));
        }
    }
    Ok(redriven)
}

/// The ARN of the state machine of an execution: `arn:…:execution:NAME:ID` is one of `arn:…:stateMachine:NAME`.
pub(crate) fn machine_of(execution: &str) -> Option<String> {
    let (machine, _) = execution.rsplit_once(':')?;
    Some(machine.replacen(":execution:", ":stateMachine:", 1))
}

/// Goes on where the execution failed. Answers whether Step Functions did. [Step Functions `RedriveExecution`]
pub(crate) async fn redrive(deployment: &Deployment, arn: &str) -> Result<bool, StepError> {
    let sent = deployment.step_functions.redrive_execution().execution_arn(arn).send().await;
    let sent = sent.named("states:RedriveExecution").none_if(&["ExecutionNotRedrivable", "ExecutionDoesNotExist"]);
    let redriven = sent.map_err(|failure| match failure.code() {
        Some("ExecutionLimitExceeded") => {
            failure.as_fault(Fault::Throttled, "too many executions are open: try again later")
        }
        _ => failure.or_common(),
    })?;
    Ok(redriven.is_some())
}

/// Whether the execution began with another definition of the state machine than the one that is deployed now: a
/// redrive would go on with the old one. When it cannot be told, it counts as the same.
/// [Step Functions `DescribeStateMachineForExecution`, `DescribeStateMachine`]
pub(crate) async fn has_old_definition(deployment: &Deployment, arn: &str) -> bool {
    let Ok(machine) = deployment.state_machine().await else { return false };
    let began = deployment.step_functions.describe_state_machine_for_execution().execution_arn(arn).send().await;
    let now = deployment.step_functions.describe_state_machine().state_machine_arn(machine).send().await;
    match (began, now) {
        (Ok(began), Ok(now)) => began.definition() != now.definition(),
        _ => false,
    }
}
