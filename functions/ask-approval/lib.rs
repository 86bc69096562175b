//! Plans the account of a run before its first change, and asks people about the plan where its environment says so.
//!
//! It is the function of one state that waits for a task token. What is decided at once goes on at once; a question leaves
//! the token in the ledger, for `decide-approval`. An approval makes the state run again: what was approved is compared with
//! what would be done by then.

mod decide;
mod plan;
mod shown;

use aws_sdk_eventbridge::Client as EventBridge;
use aws_sdk_sfn::{Client as StepFunctions, error::SdkError, operation::send_task_success::SendTaskSuccessError};
use berth_aws::{CallFailure, SdkResultExt, was_awaited};
use berth_bus::{publish, told};
use berth_contract::{Answered, Approval, PlanDocument, TaskToken};
use berth_events::outcome::{AccountApprovalRequested, Version};
use berth_ledger::{Ledger, Question};
use berth_step::{Fault, StepError, has_subject};
use berth_tenancy::{ApprovalPlan, ApprovedBy, Subject};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::plan::Planned;
pub use crate::{
    decide::{Next, decide, round},
    plan::plan_execution,
};

/// Payload of the state `AskApproval`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Input {
    /// Who is to be onboarded.
    pub run: Subject,
    /// What is asked.
    pub approval: ApprovalPlan,
    /// How often the execution was redriven: each time, the account is planned anew.
    pub redrives: u32,
    /// Where the answer goes.
    pub task_token: TaskToken,
}
has_subject!(Input);

#[derive(Debug, Clone)]
pub struct AskApproval {
    pub ledger: Ledger,
    /// Plans, and answers the state.
    pub step_functions: StepFunctions,
    /// Tells people that they are asked.
    pub event_bridge: EventBridge,
    /// Name of the accounts bus.
    pub bus: String,
}

impl AskApproval {
    /// Handles one invocation at the time `now`.
    pub async fn handle(&self, input: Input, now: Timestamp) -> Result<(), StepError> {
        self.ask(&input, now).await.map_err(|error| error.for_account(&input.run.account_id))
    }

    async fn ask(&self, input: &Input, now: Timestamp) -> Result<(), StepError> {
        let run = &input.run;
        let record = self.ledger.get(&run.account_id).await?;
        let Some(record) = record.filter(|record| record.lease.as_ref() == Some(&run.execution)) else {
            self.ledger.confirm(run).await?;
            return Err(StepError::new(Fault::Conflict, "the account's record changed while it was read"));
        };
        let asked = record.asked_by(&run.execution);
        // Whoever redrives a run that was rejected asks nobody a second time.
        if let Some(rejection) = asked.and_then(|asked| asked.rejected.as_ref()) {
            return Err(rejection.error());
        }
        let plan = match self.plan(input, round(asked)).await? {
            Planned::Document(plan) => plan,
            Planned::Ignored { reason } => {
                let ignored = json!({ "decision": "ignore", "reason": reason, "accountId": run.account_id });
                return self.go_on(input, &ignored).await;
            }
        };
        match decide(run, &input.approval, asked, &plan, now)? {
            Next::Go { limit, approval } => {
                let limited = Subject { only_planned: Some(limit), ..run.clone() };
                let approvals: Vec<Approval> = approval.into_iter().collect();
                let go = json!({ "decision": "onboard", "run": limited, "approvals": approvals });
                self.go_on(input, &go).await
            }
            Next::Ask(approval) => {
                if asked.is_some_and(|asked| asked.answered() == Answered::Approved) {
                    tracing::warn!(account = %run.account_id, plan = approval.plan, "changed since it was approved: asked again");
                }
                let question = question(run, &plan, &approval)?;
                self.ledger.ask(run, &approval, &input.task_token.0).await?;
                if let Some(question) = question {
                    self.ledger.propose_question(&question).await?;
                }
                // Last: whoever hears of it may answer. One that is cut off here asks, and tells, once more.
                let told = told(&requested(run, &approval))?;
                publish(&self.event_bridge, &self.bus, &run.account_id, &run.execution, vec![told]).await
            }
        }
    }

    /// Ends the state. [Step Functions `SendTaskSuccess`]
    async fn go_on(&self, input: &Input, output: &Value) -> Result<(), StepError> {
        let call = self.step_functions.send_task_success().task_token(&input.task_token.0).output(output.to_string());
        let sent: Result<_, SdkError<SendTaskSuccessError>> = call.send().await;
        // Nobody waits when the execution was stopped, or an earlier attempt has answered.
        was_awaited(sent.named("states:SendTaskSuccess")).map(drop).map_err(CallFailure::or_common)
    }
}

/// What is told of a question. It has no token.
fn requested(run: &Subject, approval: &Approval) -> AccountApprovalRequested {
    let (account, plan) = (&run.account_id, &approval.plan);
    let is_by_command = approval.by == ApprovedBy::Command;
    AccountApprovalRequested {
        version: Version,
        account_id: account.clone(),
        tenant: run.tenant.clone(),
        environment: run.environment.clone(),
        execution_arn: run.execution.clone(),
        plan: plan.clone(),
        counts: approval.counts,
        question: approval.question,
        by: approval.by,
        approvers: approval.approvers,
        since: approval.since,
        until: approval.until,
        look: format!("berth status {account}"),
        approve: is_by_command.then(|| format!("berth approve {account} --plan {plan}")),
    }
}

/// The question as it is answered by the merge of a pull request, which `complete-merges` opens; none where it is not.
fn question(run: &Subject, plan: &PlanDocument, approval: &Approval) -> Result<Option<Question>, StepError> {
    if approval.by != ApprovedBy::PullRequest {
        return Ok(None);
    }
    Ok(Some(Question::of(&run.account_id, approval, shown::title(plan), shown::text(plan, approval)?)))
}
