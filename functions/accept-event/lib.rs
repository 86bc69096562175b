//! Reads account events from the intake queue and starts one execution for each account that asks for one.

mod reject;
mod sources;

use aws_sdk_sfn::Client as StepFunctions;
use aws_sdk_sqs::Client as Queues;
use berth_aws::{CallFailure, CallResultExt, SdkResultExt, failed_start, live_alias};
use berth_config::PlatformConfig;
use berth_events::{Decision, Recognised, admit_sender, admit_source, recognise};
use berth_ledger::{Admission, Ledger, OffboardingMark, admit};
use berth_step::{Batch, BatchAnswer, Fault, Message, StepError};
use berth_tenancy::{AccountId, Mode, wait};
use futures::future::join_all;
use jiff::Timestamp;
use serde_json::json;

pub use crate::{
    reject::{DlqMessage, dlq_messages},
    sources::sources,
};

/// Names that are tried for an account that the ledger does not know: as many as it had executions in 90 days, and then some.
const NAMES_MAX: usize = 50;

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accepted {
    /// An execution was started, or one of the same name was already.
    Started {
        /// Its ARN.
        execution: String,
    },
    /// Nothing to do, and why.
    Nothing { reason: String },
    /// Not an event that Berth trusts: it is in the dead-letter queue now, with the reason.
    Rejected { reason: String },
}

#[derive(Debug, Clone)]
pub struct AcceptEvent {
    /// Which sources start an onboarding; all of [`PlatformConfig`] is read so that both functions see one file.
    pub platform: Result<PlatformConfig, String>,
    pub ledger: Ledger,
    /// Starts executions.
    pub step_functions: StepFunctions,
    /// Sends rejected messages to the dead-letter queue.
    pub queues: Queues,
    /// ARN of the state machine.
    pub state_machine: String,
    /// URL of the intake queue's dead-letter queue.
    pub dead_letters: String,
}

impl AcceptEvent {
    /// Handles a batch. A message that cannot be handled now goes back to the queue alone.
    pub async fn handle(&self, batch: Batch, now: Timestamp) -> Result<BatchAnswer, StepError> {
        let mut answer = BatchAnswer::default();
        // All at once, so that a slow call holds up its own message only; duplicates collapse at StartExecution.
        let accepted = join_all(batch.records.iter().map(|message| self.accept(message, now))).await;
        for (message, accepted) in batch.records.iter().zip(accepted) {
            match accepted {
                Ok(accepted) => log(message, &accepted),
                Err(error) => {
                    tracing::warn!(message_id = message.message_id, fault = %error.fault, error = %error.message, causes = ?error.chain(), "message goes back to the queue");
                    answer.give_back(message);
                }
            }
        }
        Ok(answer)
    }

    async fn accept(&self, message: &Message, now: Timestamp) -> Result<Accepted, StepError> {
        let platform = self.platform.as_ref().map_err(|why| {
            StepError::new(Fault::InvalidInput, format!("platform.yaml of this deployment cannot be used: {why}")).hint(
                "run `berth validate platform.yaml`, correct it, and deploy again; an event that was tried too often \
                     by then is in the dead-letter queue, and `berth replay` brings it back",
            )
        })?;
        let recognised = self.judge(platform, &message.body);
        match (recognised.decision, &recognised.account_id) {
            // A queue delivers more than once, and drops what is running already: an outage is asked for directly.
            (Decision::Onboard, _) if recognised.allow_disruption => {
                self.reject(message, "the queue cannot allow disruption: use berth onboard --allow-disruption").await
            }
            (Decision::Onboard, _) if recognised.only_planned.is_some() => {
                self.reject(message, "the queue cannot apply a plan: use berth apply").await
            }
            (Decision::Onboard, _) if recognised.drift => {
                self.reject(message, "the queue cannot ask for a look for drift: use berth drift").await
            }
            (Decision::Onboard, _) if recognised.repairs.is_some() => {
                self.reject(message, "the queue cannot ask for a repair: platform.yaml says what is repaired").await
            }
            (Decision::Onboard, _) if recognised.transfer.is_some() => {
                self.reject(message, "the queue cannot transfer an account: use berth transfer").await
            }
            (Decision::Onboard, Some(account)) => self.start(account, &recognised, now).await,
            (Decision::Reject, _) | (Decision::Onboard, None) => self.reject(message, &recognised.reason).await,
            (Decision::Offboard, Some(account)) => self.mark(account, &recognised).await,
            (Decision::Ignore | Decision::Offboard, _) => Ok(Accepted::Nothing { reason: recognised.reason }),
        }
    }

    /// What a message asks for, if its sender may ask and its source starts onboardings.
    fn judge(&self, platform: &PlatformConfig, body: &str) -> Recognised {
        let recognised = recognise(body.as_bytes());
        // The bus's rules let other senders through only to be reported; whoever changes the rules must not open a door.
        let hub = self.state_machine.split(':').nth(4).and_then(|account| account.parse().ok());
        let trusted: Vec<&AccountId> = hub.iter().chain([&platform.organization.management_account]).collect();
        let recognised = admit_sender(recognised, &trusted);
        let sources = sources(&platform.start_on, recognised.event.as_deref());
        admit_source(recognised, &sources)
    }

    /// Puts an account whose closing an event tells on the list of those that are to be offboarded. A person says yes. An
    /// event without a time counts as old, as one of an onboarding does.
    async fn mark(&self, account: &AccountId, recognised: &Recognised) -> Result<Accepted, StepError> {
        let nothing = |reason: String| Ok(Accepted::Nothing { reason });
        let Some(record) = self.ledger.get(account).await? else {
            return nothing(format!("{}; the ledger does not know it", recognised.reason));
        };
        let Some(since) = recognised.time.filter(|time| *time > record.since) else {
            return nothing(format!("{} before it was {} ({})", recognised.reason, record.status.name(), record.since));
        };
        let mark = OffboardingMark { since, reason: recognised.reason.clone() };
        if self.ledger.mark_offboarding(account, &mark).await? {
            return nothing(format!("{}: it is on the list of accounts that are to be offboarded", recognised.reason));
        }
        nothing(format!(
            "{}; it is {}, or a person took it off the list since",
            recognised.reason,
            record.status.name()
        ))
    }

    /// Starts the execution of the account's generation. Duplicates have the same name and input, so they collapse.
    /// [Step Functions `StartExecution`]
    ///
    /// Asks in the ledger first: when this is cut before the start, the next delivery starts the same name. In the other
    /// order an execution could end before the ledger knows its generation, which no later event could then pass.
    async fn start(&self, account: &AccountId, recognised: &Recognised, now: Timestamp) -> Result<Accepted, StepError> {
        if recognised.mode == Some(Mode::Plan) {
            return self.start_plan(account).await;
        }
        let record = self.ledger.get(account).await?;
        let mut generation = match admit(record.as_ref(), recognised.time, recognised.generation) {
            Admission::Start { generation } => generation,
            Admission::Duplicate { reason } => return Ok(Accepted::Nothing { reason }),
        };
        let executions = self.state_machine.replacen(":stateMachine:", ":execution:", 1);
        // An account that the ledger forgot has had executions whose names are taken: it goes on after them.
        for _ in 0..NAMES_MAX {
            let name = execution_name(account, generation);
            let is_new = self.ledger.request(account, generation, &format!("{executions}:{name}"), now).await?;
            if let Some(execution) = self.start_named(account, generation, name).await? {
                return Ok(Accepted::Started { execution });
            }
            if record.is_some() || !is_new {
                break;
            }
            generation = generation.saturating_add(1);
        }
        Ok(Accepted::Nothing { reason: format!("generation {generation} was started before") })
    }

    /// Starts an execution by its name; none when one of that name has ended. [Step Functions `StartExecution`]
    async fn start_named(
        &self,
        account: &AccountId,
        generation: u32,
        name: String,
    ) -> Result<Option<String>, StepError> {
        let input = json!({ "accountId": account, "generation": generation });
        let sent = self
            .step_functions
            .start_execution()
            .state_machine_arn(live_alias(&self.state_machine))
            .name(name)
            .input(input.to_string())
            .send()
            .await;
        let sent = sent.named("states:StartExecution").none_if(&["ExecutionAlreadyExists"]);
        let answer = sent.map_err(|failure| not_started(failure).for_account(account))?;
        Ok(answer.map(|answer| answer.execution_arn))
    }

    /// Starts an execution that only plans. It has no generation: it changes nothing, the ledger included.
    /// [Step Functions `StartExecution`]
    async fn start_plan(&self, account: &AccountId) -> Result<Accepted, StepError> {
        let input = json!({ "accountId": account, "mode": Mode::Plan }).to_string();
        let call =
            self.step_functions.start_execution().state_machine_arn(live_alias(&self.state_machine)).input(input);
        let started = call
            .send()
            .await
            .named("states:StartExecution")
            .map_err(|failure| not_started(failure).for_account(account))?;
        Ok(Accepted::Started { execution: started.execution_arn })
    }
}

/// The name of the execution that onboards an account for the `generation`-th time.
#[must_use]
pub fn execution_name(account: &AccountId, generation: u32) -> String {
    format!("{account}-g{generation}")
}

/// What a start failed with.
fn not_started(failure: CallFailure) -> StepError {
    let patience = wait(
        "the queue delivers the event again",
        "raise the quota of open executions of Step Functions; then berth replay runs the event again",
    );
    failed_start(failure, patience, "BERTH_STATE_MACHINE_ARN")
}

fn log(message: &Message, accepted: &Accepted) {
    let id = &message.message_id;
    match accepted {
        Accepted::Started { execution } => tracing::info!(message_id = id, execution, "onboarding asked for"),
        Accepted::Nothing { reason } => tracing::info!(message_id = id, reason, "nothing to start"),
        Accepted::Rejected { reason } => tracing::warn!(message_id = id, reason, "rejected"),
    }
}
