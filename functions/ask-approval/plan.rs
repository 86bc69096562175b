//! The plan of the account: an execution of the same state machine that only plans, and what is in its history.

use aws_sdk_sfn::{operation::describe_execution::DescribeExecutionOutput, types::HistoryEvent};
use berth_aws::{CallResultExt, SdkResultExt, live_alias};
use berth_contract::{ExecutionOutput, PlanDocument, changes_in_output, changes_of, in_order};
use berth_history::{Extent, failure};
use berth_step::{Fault, StepError};
use berth_tenancy::{Mode, ResourceChange, short_digest, wait};
use jiff::Timestamp;
use serde_json::json;

use crate::{AskApproval, Input};

/// What planning came to.
pub(crate) enum Planned {
    /// What would be changed.
    Document(Box<PlanDocument>),
    /// The account is not Berth's to onboard any more: it was closed, or has left.
    Ignored { reason: String },
}

/// The state machine of an execution, and the ARN of the execution of it that makes the `round`-th plan of the run. Its name
/// follows from the run, so that a plan is started once, however often the state is tried.
#[must_use]
pub fn plan_execution(input: &Input, round: u32) -> Option<(String, String)> {
    let (machine, _) = input.run.execution.rsplit_once(':')?;
    let (account, run) = (&input.run.account_id, short_digest(&input.run.execution));
    let execution = format!("{machine}:{account}-{run}-p{round}-{}", input.redrives);
    Some((machine.replacen(":execution:", ":stateMachine:", 1), execution))
}

impl AskApproval {
    /// The plan of this round, once its execution has ended. The first to come starts it.
    pub(crate) async fn plan(&self, input: &Input, round: u32) -> Result<Planned, StepError> {
        let bug = || StepError::new(Fault::Bug, format!("{} is no execution", input.run.execution));
        let (machine, execution) = plan_execution(input, round).ok_or_else(bug)?;
        let sent = self.step_functions.describe_execution().execution_arn(&execution).send().await;
        let described = sent.named("states:DescribeExecution").none_if(&["ExecutionDoesNotExist"]).or_common()?;
        let Some(described) = described else {
            self.start(input, &machine, &execution).await?;
            return Err(under_way(&execution));
        };
        match described.status().as_str() {
            "SUCCEEDED" => self.read(&machine, &execution, &described).await,
            "FAILED" | "TIMED_OUT" | "ABORTED" => Err(self.failed(&execution, &described).await?),
            _ => Err(under_way(&execution)),
        }
    }

    /// Starts the execution that plans. [Step Functions `StartExecution`]
    async fn start(&self, input: &Input, machine: &str, execution: &str) -> Result<(), StepError> {
        let run = &input.run;
        let mut request = json!({
            "accountId": run.account_id, "mode": Mode::Plan, "allowDisruption": run.allow_disruption,
            "requestedBy": run.execution,
        });
        // People are asked about what a repair may mend, and not about what it leaves.
        if let (Some(limit), Some(fields)) = (&run.repairs, request.as_object_mut()) {
            fields.insert("repairs".to_owned(), json!(limit));
        }
        let name = execution.rsplit(':').next().unwrap_or_default();
        let call = self.step_functions.start_execution().state_machine_arn(live_alias(machine)).name(name);
        let sent = call.input(request.to_string()).send().await;
        let sent = sent.named("states:StartExecution").none_if(&["ExecutionAlreadyExists"]);
        sent.map(drop).map_err(|failure| match failure.code() {
            Some("ExecutionLimitExceeded") => failure.as_fault(
                Fault::Throttled,
                wait("Berth asks again", "raise the quota of open executions of Step Functions, then redrive"),
            ),
            _ => failure.or_common(),
        })
    }

    /// What the execution has planned.
    async fn read(
        &self,
        machine: &str,
        execution: &str,
        described: &DescribeExecutionOutput,
    ) -> Result<Planned, StepError> {
        let text = described.output().unwrap_or_default();
        let output: ExecutionOutput = serde_json::from_str(text).map_err(|error| {
            StepError::new(Fault::Bug, format!("the output of {execution} does not fit this version")).because(error)
        })?;
        let (summaries, output) = match output {
            ExecutionOutput::Onboard { ref plan, .. } => (plan.clone(), output),
            ExecutionOutput::Ignore { reason, .. } => return Ok(Planned::Ignored { reason }),
            _ => return Err(StepError::new(Fault::Bug, format!("{execution} planned no onboarding"))),
        };
        let answers = changes_in(&self.history(execution).await?);
        let changes = in_order(&answers, &summaries).map_err(|incomplete| {
            let summary = incomplete.0;
            if changes_of(&answers, summary).is_empty() {
                let what = format!("{} has more changes than a plan can show: {}", summary.step, summary.counts.sum());
                return StepError::new(Fault::InvalidInput, what)
                    .hint("onboard the account with approval: none in its environment, and review what was made");
            }
            StepError::new(Fault::NotReady, format!("the history of {execution} is not whole yet"))
        })?;
        let at = described.stop_date().and_then(|stop| stop.to_millis().ok());
        let at = at.and_then(|stop| Timestamp::from_millisecond(stop).ok()).unwrap_or_default();
        let document = PlanDocument::of_execution(machine, execution, at, output, changes);
        let document = document.ok_or_else(|| StepError::new(Fault::Bug, format!("{execution} made no plan")))?;
        Ok(Planned::Document(Box::new(document)))
    }

    /// Why the execution could not plan. What is final there is final here.
    async fn failed(&self, execution: &str, described: &DescribeExecutionOutput) -> Result<StepError, StepError> {
        let events: Vec<berth_history::HistoryEvent> = self.history(execution).await?.iter().map(From::from).collect();
        let Some(failure) = failure(described.status().as_str(), &events, Extent::Whole) else {
            return Ok(StepError::new(Fault::Bug, format!("{execution} failed without a reason")));
        };
        let known = Fault::ALL.into_iter().find(|fault| fault.name() == failure.fault && !fault.is_retryable());
        let what =
            format!("the account could not be planned: {} in {}: {}", failure.fault, failure.state, failure.message);
        // Anything else has been waited for by the plan already; a redrive plans anew.
        Ok(StepError::new(known.unwrap_or(Fault::Conflict), what).hint(failure.hint))
    }

    /// The whole history. [Step Functions `GetExecutionHistory`]
    async fn history(&self, execution: &str) -> Result<Vec<HistoryEvent>, StepError> {
        let call = self.step_functions.get_execution_history().execution_arn(execution);
        let mut pages = call.into_paginator().items().send();
        let mut events = Vec::new();
        while let Some(event) = pages.next().await {
            events.push(event.named("states:GetExecutionHistory").or_common()?);
        }
        Ok(events)
    }
}

fn under_way(execution: &str) -> StepError {
    StepError::new(Fault::NotReady, format!("the account is being planned by {execution}")).hint(wait(
        "a plan takes as long as looking does",
        "look at that execution and mend what keeps it, then redrive this one",
    ))
}

/// Every change in the answers of the steps, in the order of the answers.
fn changes_in(events: &[HistoryEvent]) -> Vec<ResourceChange> {
    events
        .iter()
        .filter_map(|event| event.task_succeeded_event_details()?.output())
        .flat_map(changes_in_output)
        .collect()
}
