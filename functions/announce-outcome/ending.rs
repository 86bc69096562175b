//! From the status change of an execution to what it means for the account. Pure.

use berth_contract::{CommitOutput, CommitRecord, ExecutionOutput, RegionResult};
use berth_events::{Failure, recognise};
use berth_ledger::Ending;
use berth_step::{Fault, StepError};
use berth_tenancy::{AccountId, Mode, Subject, Thing};
use jiff::Timestamp;
use serde::{Deserialize, de::DeserializeOwned};

/// Detail of "Step Functions Execution Status Change".
/// <https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html>
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    pub execution_arn: String,
    pub status: ExecutionStatus,
    /// Its input; absent when it is longer than an event may be.
    #[serde(default)]
    pub input: Option<String>,
    /// Its output; absent when it has none, or it is longer than an event may be.
    #[serde(default)]
    pub output: Option<String>,
    /// When it started, in milliseconds since 1970.
    #[serde(default)]
    pub start_date: Option<i64>,
    /// When it ended, in milliseconds since 1970.
    #[serde(default)]
    pub stop_date: Option<i64>,
}

/// Terminal statuses; the rule lets no other through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ExecutionStatus {
    /// It reached a Succeed state.
    Succeeded,
    /// A state failed.
    Failed,
    /// It ran longer than the state machine allows.
    TimedOut,
    /// A person stopped it.
    Aborted,
}

impl ExecutionStatus {
    /// Whether the account is not onboarded by it.
    #[must_use]
    pub fn is_failure(self) -> bool {
        self != Self::Succeeded
    }

    /// The name in the event.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::TimedOut => "TIMED_OUT",
            Self::Aborted => "ABORTED",
        }
    }
}

impl Change {
    /// When the execution started.
    pub fn started_at(&self) -> Result<Timestamp, StepError> {
        timestamp(self.start_date, "startDate")
    }

    /// When the execution ended.
    pub fn ended_at(&self) -> Result<Timestamp, StepError> {
        timestamp(self.stop_date, "stopDate")
    }

    /// The output of an execution that succeeded.
    pub(crate) fn read_output<T: DeserializeOwned>(&self) -> Result<T, StepError> {
        serde_json::from_str(self.output.as_deref().unwrap_or_default()).map_err(|error| {
            StepError::new(Fault::Bug, format!("the output of {} does not fit this version", self.execution_arn))
                .because(error)
        })
    }

    /// Since when the account is as `ending` says. An ignored account was looked at when the execution started: a
    /// move that came after the look, and before the end, must not count as served.
    pub fn since(&self, ending: &Ending) -> Result<Timestamp, StepError> {
        match ending {
            Ending::Ignored { .. } => self.started_at(),
            Ending::Onboarded { .. }
            | Ending::Failed(_)
            | Ending::Offboarded(_)
            | Ending::PartOffboarded(_)
            | Ending::OffboardingFailed(_) => self.ended_at(),
        }
    }
}

fn timestamp(millisecond: Option<i64>, field: &str) -> Result<Timestamp, StepError> {
    Timestamp::from_millisecond(millisecond.unwrap_or_default()).map_err(|error| {
        StepError::new(Fault::InvalidInput, format!("the status change has no valid {field}")).because(error)
    })
}

/// What an execution's end means.
#[derive(Debug, Clone, PartialEq)]
pub enum Ended {
    /// Something for the ledger and the bus.
    Outcome {
        account: AccountId,
        /// How it ended.
        ending: Ending,
    },
    /// Nothing to write and nothing to publish.
    Silent { reason: String },
}

/// What the end of an execution means. `failure` is what its history says, for one that failed.
pub fn ended(change: &Change, failure: Option<Failure>) -> Result<Ended, StepError> {
    if change.status.is_failure() {
        return Ok(failed(change, failure));
    }
    Ok(match change.read_output()? {
        ExecutionOutput::Onboard {
            run,
            regions,
            roles,
            default_vpcs,
            sign_in,
            cluster_access,
            readiness,
            commit,
            changes: _,
            left_over,
            left_over_before,
            given,
            approvals: _,
            plan: _,
        } => match sha_of(&run, commit)? {
            None => only_planned_silence(),
            Some(commit) => {
                let network = |RegionResult { region, network, changes: _, summary: _ }| (region, network);
                let (account, regions) = (run.account_id.clone(), regions.into_iter().map(network).collect());
                let is_there = |thing: &Thing| left_over.iter().any(|left| left.thing.key() == thing.key());
                let gone =
                    left_over_before.into_iter().map(|left| left.thing).filter(|thing| !is_there(thing)).collect();
                let ending = Ending::Onboarded {
                    run,
                    regions,
                    roles,
                    default_vpcs,
                    sign_in,
                    cluster_access,
                    readiness,
                    commit,
                    left_over,
                    gone,
                    given,
                };
                Ended::Outcome { account, ending }
            }
        },
        ExecutionOutput::Transfer { .. } => only_planned_silence(),
        ExecutionOutput::Ignore { .. } if only_planned(change) => only_planned_silence(),
        ExecutionOutput::Ignore { reason, account_id } => {
            Ended::Outcome { account: account_id, ending: Ending::Ignored { reason } }
        }
        ExecutionOutput::Duplicate { reason, .. } => Ended::Silent { reason: format!("was a duplicate: {reason}") },
    })
}

/// Whether the execution was asked to plan. The output of one that was ignored does not say.
fn only_planned(change: &Change) -> bool {
    recognise(change.input.as_deref().unwrap_or_default().as_bytes()).mode == Some(Mode::Plan)
}

/// A plan changes nothing, the ledger included.
fn only_planned_silence() -> Ended {
    Ended::Silent { reason: "only planned".to_owned() }
}

/// The commit of an onboarding; none of a plan, which makes none.
fn sha_of(run: &Subject, commit: CommitOutput) -> Result<Option<Box<CommitRecord>>, StepError> {
    let CommitOutput { sha, path, is_suspended: _ } = commit;
    match (run.mode, sha) {
        (Mode::Plan, _) => Ok(None),
        (Mode::Apply, Some(sha)) => Ok(Some(Box::new(CommitRecord { sha, path }))),
        (Mode::Apply, None) => {
            Err(StepError::new(Fault::Bug, "an onboarding ended without a commit").for_account(&run.account_id))
        }
    }
}

/// A failed execution. Its account is read from its input, as the first state reads it.
fn failed(change: &Change, failure: Option<Failure>) -> Ended {
    let recognised = recognise(change.input.as_deref().unwrap_or_default().as_bytes());
    let Some(account) = recognised.account_id else {
        return Ended::Silent { reason: format!("failed, and its input names no account: {}", recognised.reason) };
    };
    if recognised.mode == Some(Mode::Plan) {
        return Ended::Silent { reason: "failed while it only planned".to_owned() };
    }
    let failure = failure.unwrap_or_else(|| Failure::from_status(change.status.name(), None, None, ""));
    // The account's outcome is that of the execution that took over.
    if failure.fault == Fault::Superseded.name() {
        return Ended::Silent { reason: format!("was superseded: {}", failure.message) };
    }
    Ended::Outcome { account, ending: Ending::Failed(failure) }
}
