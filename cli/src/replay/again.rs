//! Runs one line of the list again: by redrive, by a new execution, or by moving a message back.

use aws_sdk_sfn::types::{ExecutionRedriveStatus, ExecutionStatus};
use aws_sdk_sqs::Client as Queues;
use berth_events::{Decision, recognise};
use berth_ledger::Record;
use berth_tenancy::{AccountId, Mode};
use serde::Serialize;

use super::{
    dlq::{self, DlqMessage},
    entry::Kind,
    list::{Item, What},
};
use crate::{
    execution,
    follow::{self, Progress},
    onboard::{self, Wish},
    outcome::Problem,
    target::Deployment,
};

/// What was done about a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ReplayOutcome {
    /// The execution goes on where it failed.
    Redriven,
    /// A new execution was started.
    Started,
    /// The message is on its queue again.
    Moved,
    /// Nothing was to do.
    Nothing,
    /// It could not be run again.
    Failed,
}

/// One line, run again.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Replayed {
    pub(crate) kind: Kind,
    pub(crate) id: String,
    pub(crate) account_id: Option<AccountId>,
    #[serde(rename = "did")]
    pub(crate) outcome: ReplayOutcome,
    /// What was done, or why not.
    pub(crate) text: String,
    /// The execution that runs now.
    pub(crate) execution_arn: Option<String>,
    /// How far it was before, for whoever follows it.
    #[serde(skip)]
    pub(crate) seen: Progress,
}

/// What Step Functions says of an execution that failed.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    status: ExecutionStatus,
    not_redrivable: Option<String>,
    old_definition: bool,
}

/// How an account is run again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Method {
    /// The same execution goes on where it failed.
    Redrive,
    /// A new one starts.
    NewExecution(String),
    /// Nothing is to do.
    Nothing(String),
}

/// How an account is run again: by redrive where the execution resumes, else anew. Pure.
///
/// A redrive keeps the definition that the execution began with. Functions of today may not take its payloads, so after
/// a deployment of the state machine an account starts anew; what is there already is found.
pub(crate) fn method(known: Option<&Known>, new: bool) -> Method {
    let Some(known) = known else {
        return Method::NewExecution("Step Functions does not know its execution".to_owned());
    };
    match &known.status {
        ExecutionStatus::Running | ExecutionStatus::PendingRedrive => {
            Method::Nothing("is running again already".to_owned())
        }
        ExecutionStatus::Succeeded if !new => Method::Nothing("has succeeded meanwhile".to_owned()),
        _ if new => Method::NewExecution("as asked".to_owned()),
        _ => match &known.not_redrivable {
            Some(why) => Method::NewExecution(why.clone()),
            None if known.old_definition => {
                Method::NewExecution("the state machine was deployed since it began".to_owned())
            }
            None => Method::Redrive,
        },
    }
}

/// Runs one line again.
pub(crate) async fn replay(deployment: &Deployment, queues: &Queues, item: &Item, new: bool) -> Replayed {
    let mut seen = Progress::default();
    let done = match &item.what {
        What::Account(record) => account(deployment, record, new, &mut seen).await,
        What::Message(message) => moved(queues, message).await,
    };
    let (outcome, text, execution_arn) =
        done.unwrap_or_else(|problem| (ReplayOutcome::Failed, problem.to_string(), None));
    let entry = &item.entry;
    Replayed {
        kind: entry.kind,
        id: entry.id.clone(),
        account_id: entry.account_id.clone(),
        outcome,
        text,
        execution_arn,
        seen,
    }
}

/// What was done, in words, and the execution that runs now.
type Done = (ReplayOutcome, String, Option<String>);

async fn account(deployment: &Deployment, record: &Record, new: bool, seen: &mut Progress) -> Result<Done, Problem> {
    let Some(arn) = record.execution_arn.as_deref() else {
        return start_new(deployment, &record.account_id, "the ledger knows no execution").await;
    };
    let mut known = known(deployment, arn).await?;
    loop {
        match method(known.as_ref(), new) {
            Method::Nothing(why) => return Ok((ReplayOutcome::Nothing, why, Some(arn.to_owned()))),
            Method::NewExecution(why) => {
                *seen = Progress::default();
                return start_new(deployment, &record.account_id, &why).await;
            }
            Method::Redrive => {
                *seen = follow::seen(deployment, arn).await?;
                if execution::redrive(deployment, arn).await? {
                    let state = record.failure.as_ref().map_or("", |failure| failure.state.as_str());
                    let place = if state.is_empty() { "where it stopped" } else { state };
                    return Ok((ReplayOutcome::Redriven, format!("goes on at {place}"), Some(arn.to_owned())));
                }
                // Somebody was faster, or Step Functions had said what is not so: once more, and not by redrive.
                known = self::known(deployment, arn).await?;
                let refused = "Step Functions refuses to redrive it".to_owned();
                known = known.map(|known| Known { not_redrivable: Some(refused), ..known });
            }
        }
    }
}

async fn known(deployment: &Deployment, arn: &str) -> Result<Option<Known>, Problem> {
    let Some(described) = execution::describe(deployment, arn).await? else { return Ok(None) };
    let reason = described.redrive_status_reason().unwrap_or("it is too old to redrive").to_owned();
    let may = described.redrive_status() == Some(&ExecutionRedriveStatus::Redrivable);
    let old_definition = may && execution::has_old_definition(deployment, arn).await;
    Ok(Some(Known { status: described.status().clone(), not_redrivable: (!may).then_some(reason), old_definition }))
}

/// Starts the next generation, as `berth onboard` does: the first state counts it in the ledger.
async fn start_new(deployment: &Deployment, account: &AccountId, why: &str) -> Result<Done, Problem> {
    let execution = onboard::start(deployment, &Wish::of(account, Mode::Apply)).await?;
    Ok((ReplayOutcome::Started, format!("started anew: {why}"), Some(execution)))
}

async fn moved(queues: &Queues, message: &DlqMessage) -> Result<Done, Problem> {
    dlq::move_back(queues, message).await?;
    let mut text = format!("is on {} again", message.queue.source);
    if message.queue.kind == Kind::Event {
        let recognised = recognise(message.body.as_bytes());
        if recognised.decision == Decision::Reject {
            text = format!("{text}, and will be rejected again: {}", recognised.reason);
        }
    }
    Ok((ReplayOutcome::Moved, text, None))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(status: ExecutionStatus) -> Known {
        Known { status, not_redrivable: None, old_definition: false }
    }

    #[test]
    fn what_failed_goes_on_where_step_functions_lets_it() {
        for status in [ExecutionStatus::Failed, ExecutionStatus::TimedOut, ExecutionStatus::Aborted] {
            assert_eq!(method(Some(&known(status.clone())), false), Method::Redrive, "{status:?}");
            assert_eq!(method(Some(&known(status)), true), Method::NewExecution("as asked".to_owned()));
        }
    }

    #[test]
    fn what_cannot_go_on_starts_anew_and_says_why() {
        let old = Known { not_redrivable: Some("older than 14 days".into()), ..known(ExecutionStatus::Failed) };
        assert_eq!(method(Some(&old), false), Method::NewExecution("older than 14 days".to_owned()));
        let before = Known { old_definition: true, ..known(ExecutionStatus::Failed) };
        assert!(matches!(method(Some(&before), false), Method::NewExecution(why) if why.contains("deployed")));
        assert!(matches!(method(None, false), Method::NewExecution(why) if why.contains("does not know")));
    }

    #[test]
    fn what_runs_or_has_succeeded_is_left_alone() {
        for new in [false, true] {
            assert!(matches!(method(Some(&known(ExecutionStatus::Running)), new), Method::Nothing(_)));
        }
        assert!(matches!(method(Some(&known(ExecutionStatus::Succeeded)), false), Method::Nothing(_)));
        assert!(matches!(method(Some(&known(ExecutionStatus::Succeeded)), true), Method::NewExecution(_)));
    }
}
