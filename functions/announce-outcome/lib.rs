//! Writes how an execution ended to the ledger, and publishes it.

mod content;
mod drift;
mod ending;
mod failed_state;
mod offboarding;
mod publish;
mod standing;
mod unchanged;

use aws_sdk_eventbridge::Client as EventBridge;
use aws_sdk_sfn::Client as StepFunctions;
use berth_bus::Told;
use berth_contract::NO_SUCH_ACCOUNT;
use berth_ledger::{Ending, Ledger, Record, drift_after};
use berth_step::{Batch, BatchAnswer, Fault, Message, StepError};
use berth_tenancy::AccountId;
use serde::Deserialize;

pub use crate::{
    drift::{Looked, account_looked_at, looked, outdated},
    ending::{Change, Ended, ended},
    offboarding::ended as offboarding_ended,
    standing::{Standing, generation, standing},
    unchanged::says_nothing_new,
};

/// An EventBridge event, as far as it is read here.
#[derive(Debug, Clone, Deserialize)]
struct Envelope {
    detail: Change,
}

#[derive(Debug, Clone)]
pub struct AnnounceOutcome {
    pub ledger: Ledger,
    /// Reads histories of failed executions, and inputs and outputs that are too long for an event.
    pub step_functions: StepFunctions,
    /// Publishes outcomes.
    pub event_bridge: EventBridge,
    /// Name of the accounts bus.
    pub bus: String,
}

impl AnnounceOutcome {
    /// Handles a batch. A message that cannot be handled now goes back to the queue alone.
    pub async fn handle(&self, batch: Batch) -> Result<BatchAnswer, StepError> {
        let mut answer = BatchAnswer::default();
        for message in &batch.records {
            match self.announce(message).await {
                Ok(line) => tracing::info!(message_id = message.message_id, "{line}"),
                Err(error) => {
                    tracing::warn!(
                        message_id = message.message_id, fault = %error.fault, error = %error.message,
                        causes = ?error.chain(), "message goes back to the queue"
                    );
                    answer.give_back(message);
                }
            }
        }
        Ok(answer)
    }

    /// Publishes first and writes second: when this is cut between the two, the outcome is published again, which
    /// EventBridge's subscribers must expect anyway. The other order could lose it. What comes too late for the ledger is
    /// not published either: see [`standing`].
    async fn announce(&self, message: &Message) -> Result<String, StepError> {
        let envelope: Envelope = serde_json::from_str(&message.body).map_err(|error| {
            StepError::new(
                Fault::InvalidInput,
                "the outcomes queue holds something that is no status change of an execution",
            )
            .hint("compare the rule berth-onboarding-ended with the template")
            .because(error)
        })?;
        let change = self.complete(envelope.detail).await?;
        if let Some(account) = account_looked_at(&change) {
            return self.note_drift(&account, &change).await;
        }
        let failed_in = if change.status.is_failure() { self.read_failure(&change).await? } else { None };
        let mut record = None;
        let end = if offboarding::is_offboarding(&change) {
            if let Some(account) = offboarding::account(&change) {
                record = self.ledger.get(&account).await?;
            }
            offboarding::ended(&change, failed_in, record.as_ref())?
        } else {
            ended(&change, failed_in)?
        };
        let (account, ending) = match end {
            Ended::Silent { reason } => return Ok(format!("{} {reason}", change.execution_arn)),
            Ended::Outcome { account, ending } => (account, ending),
        };
        if record.is_none() {
            record = self.ledger.get(&account).await?;
        }
        let since = change.since(&ending)?;
        if let Standing::Silent { reason } = standing(record.as_ref(), &change, &ending, since) {
            return Ok(format!("{} {reason}", change.execution_arn));
        }
        if is_stranger(record.as_ref(), &ending) {
            let told = publish::detail(&account, record.as_ref(), &change, &ending)?;
            self.publish(&account, &change, vec![told]).await?;
            let forgotten = match &record {
                Some(record) => self.ledger.forget(record).await?,
                None => true,
            };
            let kept = if forgotten { "nothing is recorded" } else { "its record changed meanwhile, and stays" };
            return Ok(format!(
                "{} ended without an account that the organization knows: {kept}",
                change.execution_arn
            ));
        }
        let is_known = says_nothing_new(record.as_ref(), &change, &ending);
        let mut told = Vec::new();
        // Whoever asked for a part has seen it go; no event says that the account has changed hands or has left.
        if !is_known && !matches!(ending, Ending::PartOffboarded(_)) {
            told.push(publish::detail(&account, record.as_ref(), &change, &ending)?);
        }
        if let Some(drift) = drift_after(record.as_ref(), &ending, &change.execution_arn, since) {
            told.extend(publish::drift(&account, record.as_ref(), &drift)?);
        }
        self.publish(&account, &change, told).await?;
        self.ledger.finish(&account, &change.execution_arn, &ending, record.as_ref(), since).await?;
        let as_before = if is_known { " as before, which everybody knows" } else { "" };
        Ok(format!("{} ended {}{as_before}", change.execution_arn, name(&ending)))
    }

    async fn publish(&self, account: &AccountId, change: &Change, told: Vec<Told>) -> Result<(), StepError> {
        berth_bus::publish(&self.event_bridge, &self.bus, account, &change.execution_arn, told).await
    }
}

/// Whether the ending is about an account that Organizations does not know and for which nothing was ever planned. One that
/// has, or had, something keeps its record, also when it left the organization.
#[must_use]
pub fn is_stranger(record: Option<&Record>, ending: &Ending) -> bool {
    matches!(ending, Ending::Failed(failure) if failure.hint == NO_SUCH_ACCOUNT)
        && record.is_none_or(Record::was_never_planned)
}

fn name(ending: &Ending) -> &'static str {
    match ending {
        Ending::Onboarded { .. } => "onboarded",
        Ending::Ignored { .. } => "ignored",
        Ending::Failed(_) => "failed",
        Ending::Offboarded(_) => "offboarded",
        Ending::PartOffboarded(_) => "with a part of the account taken",
        Ending::OffboardingFailed(_) => "with what it takes away left",
    }
}
