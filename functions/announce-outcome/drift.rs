//! What a look for drift found: from the end of an execution that only planned to how the account stands. Pure, but for
//! reading the answers of the steps.

use std::collections::BTreeMap;

use berth_aws::{CallResultExt, SdkResultExt};
use berth_contract::{Drift, ExecutionOutput, RegionResult, changes_in_output, in_order};
use berth_events::{Failure, recognise};
use berth_ledger::{Record, Status};
use berth_step::StepError;
use berth_tenancy::{AccountId, PlannedChange, Region, ResourceChange, StepSummary};
use jiff::Timestamp;

use crate::{AnnounceOutcome, Change, publish};

/// What the end of a look means.
#[derive(Debug, Clone, PartialEq)]
pub enum Looked {
    /// The plan was made: each step's changes in short, and the differences that only a person can close.
    Plan(Vec<StepSummary>, BTreeMap<Region, Vec<PlannedChange>>),
    /// A step could not look.
    Failed(Failure),
    /// It says nothing of how the account stands: it is not Berth's, or is being transferred.
    Nothing { reason: String },
}

/// The account that was looked at; none for every other execution.
#[must_use]
pub fn account_looked_at(change: &Change) -> Option<AccountId> {
    let recognised = recognise(change.input.as_deref().unwrap_or_default().as_bytes());
    recognised.account_id.filter(|_| recognised.drift)
}

/// What the end of a look means. `failure` is what its history says, for one that failed.
pub fn looked(change: &Change, failure: Option<Failure>) -> Result<Looked, StepError> {
    if change.status.is_failure() {
        let status = change.status.name();
        return Ok(Looked::Failed(failure.unwrap_or_else(|| Failure::from_status(status, None, None, ""))));
    }
    Ok(match change.read_output()? {
        ExecutionOutput::Onboard { regions, plan, .. } => {
            let of_region = |RegionResult { region, network, .. }: RegionResult| (region, network.planned_changes);
            let differences = regions.into_iter().map(of_region).filter(|(_, changes)| !changes.is_empty());
            Looked::Plan(plan, differences.collect())
        }
        ExecutionOutput::Ignore { reason, .. } | ExecutionOutput::Duplicate { reason, .. } => {
            Looked::Nothing { reason }
        }
        ExecutionOutput::Transfer { .. } => Looked::Nothing { reason: "it is being transferred".to_owned() },
    })
}

/// Why a look does not count that began and ended at these times; none when it counts. What a run does or has done to the
/// account since is not what was looked at.
#[must_use]
pub fn outdated(record: Option<&Record>, began: Timestamp, ended: Timestamp) -> Option<String> {
    let Some(record) = record else { return Some("the ledger does not know the account".to_owned()) };
    match (record.status, &record.drift) {
        (Status::Onboarded, _) if record.since >= began => Some(format!("a run has ended since, at {}", record.since)),
        (Status::Onboarded, Some(drift)) if drift.looked_at >= ended => {
            Some(format!("it was looked at again, at {}", drift.looked_at))
        }
        (Status::Onboarded, _) => None,
        (status, _) => Some(format!("the account is {}", status.name())),
    }
}

impl AnnounceOutcome {
    /// Writes down how an account stands that was looked at. Nothing else of its record is touched, and nothing of it while a
    /// run works on the account.
    pub(crate) async fn note_drift(&self, account: &AccountId, change: &Change) -> Result<String, StepError> {
        let execution = change.execution_arn.as_str();
        let failure = if change.status.is_failure() { self.read_failure(change).await? } else { None };
        let (began, ended) = (change.started_at()?, change.ended_at()?);
        let record = self.ledger.get(account).await?;
        if let Some(why) = outdated(record.as_ref(), began, ended) {
            return Ok(format!("{execution} looked for drift, and does not count: {why}"));
        }
        let drift = match looked(change, failure)? {
            Looked::Nothing { reason } => {
                return Ok(format!("{execution} looked for drift, and says nothing: {reason}"));
            }
            Looked::Failed(failure) => Drift::unknown((execution, ended), failure),
            Looked::Plan(plan, differences) => {
                let counts = plan.iter().map(|summary| summary.counts).sum();
                let changes = if plan.is_empty() { Vec::new() } else { self.read_planned(change, &plan).await? };
                Drift::found(account, (execution, ended), (counts, &changes), differences)
            }
        };
        let drift = drift.after(record.as_ref().and_then(|record| record.drift.as_ref()));
        let standing = drift.standing.name();
        let told = publish::drift(account, record.as_ref(), &drift)?;
        self.publish(account, change, told.into_iter().collect()).await?;
        let written = self.ledger.record_drift(account, &drift, began).await?;
        let kept = if written { "" } else { ", which is outdated by now" };
        Ok(format!("{execution} looked for drift: {standing}{kept}"))
    }

    /// The changes of a plan, from the answers of its steps, in the order of its output; in that of the answers where one of
    /// them was too long to be told. [Step Functions `GetExecutionHistory`]
    async fn read_planned(&self, change: &Change, plan: &[StepSummary]) -> Result<Vec<ResourceChange>, StepError> {
        let history = self.step_functions.get_execution_history().execution_arn(&change.execution_arn);
        let mut events = history.include_execution_data(true).into_paginator().items().send();
        let mut answers = Vec::new();
        while let Some(event) = events.next().await {
            let event = event.named("states:GetExecutionHistory").or_common()?;
            let output = event.task_succeeded_event_details().and_then(|details| details.output());
            answers.extend(output.into_iter().flat_map(changes_in_output));
        }
        Ok(in_order(&answers, plan).unwrap_or(answers))
    }
}
