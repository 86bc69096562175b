//! Runs one line of the list again: by redrive, by a new execution, or by moving a message back.

use aws_sdk_sfn::types::{ExecutionRedriveStatus, ExecutionStatus};
use aws_sdk_sqs::Client as Queues;
use berth_events::{Decision, recognise};
use berth_ledger::Record;
use berth_tenancy::{AccountId, Mode};
use serde::Serialize;

use super::{
    dead_letters::{self, Letter},
    entry::Kind,
    list::{Item, What},
};
use crate::{
    execution,
    follow::{self, Seen},
    onboard,
    outcome::Problem,
    target::Deployment,
};

/// What was done about a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Did {
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
    pub(crate) did: Did,
    /// What was done, or why not.
    pub(crate) text: String,
    /// The execution that runs now.
    pub(crate) execution_arn: Option<String>,
    /// How far it was before, for whoever follows it.
    #[serde(skip)]
    pub(crate) seen: Seen,
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
pub(crate) enum Way {
    /// The same execution goes on where it failed.
    Redrive,
    /// A new one starts.
    Anew(String),
    /// Nothing is to do.
    Nothing(String),
}

/// How an account is run again: by redrive where the execution resumes, else anew. Pure.
///
/// A redrive keeps the definition that the execution began with. Functions of today may not take its payloads, so after
/// a deployment of the state machine an account starts anew; what is there already is found.
pub(crate) fn way(known: Option<&Known>, new: bool) -> Way {
    let Some(known) = known else {
        return Way::Anew("Step Functions does not know its execution".to_owned());
    };
    match &known.status {
        ExecutionStatus::Running | ExecutionStatus::PendingRedrive => {
            Way::Nothing("is running again already".to_owned())
        }
        ExecutionStatus::Succeeded if !new => Way::Nothing("has succeeded meanwhile".to_owned()),
        _ if new => Way::Anew("as asked".to_owned()),
        _ => match &known.not_redrivable {
            Some(why) => Way::Anew(why.clone()),
            None if known.old_definition => Way::Anew("the state machine was deployed since it began".to_owned()),
            None => Way::Redrive,
        },
    }
}

/// Runs one line again.
pub(crate) async fn replay(deployment: &Deployment, queues: &Queues, item: &Item, new: bool) -> Replayed {
    let mut seen = Seen::default();
    let done = match &item.what {
        What::Account(record) => account(deployment, record, new, &mut seen).await,
        What::Letter(letter) => moved(queues, letter).await,
    };
    let (did, text, execution_arn) = done.unwrap_or_else(|problem| (Did::Failed, problem.to_string(), None));
    let entry = &item.entry;
    Replayed {
        kind: entry.kind,
        id: entry.id.clone(),
        account_id: entry.account_id.clone(),
        did,
        text,
        execution_arn,
        seen,
    }
}

/// What was done, in words, and the execution that runs now.
type Done = (Did, String, Option<String>);

async fn account(deployment: &Deployment, record: &Record, new: bool, seen: &mut Seen) -> Result<Done, Problem> {
    let Some(arn) = record.execution_arn.as_deref() else {
        return anew(deployment, &record.account_id, "the ledger knows no execution").await;
    };
    let mut known = known(deployment, arn).await?;
    loop {
        match way(known.as_ref(), new) {
            Way::Nothing(why) => return Ok((Did::Nothing, why, Some(arn.to_owned()))),
            Way::Anew(why) => {
                *seen = Seen::default();
                return anew(deployment, &record.account_id, &why).await;
            }
            Way::Redrive => {
                *seen = follow::seen(deployment, arn).await?;
                if execution::redrive(deployment, arn).await? {
                    let state = record.failure.as_ref().map_or("", |failure| failure.state.as_str());
                    let place = if state.is_empty() { "where it stopped" } else { state };
                    return Ok((Did::Redriven, format!("goes on at {place}"), Some(arn.to_owned())));
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
async fn anew(deployment: &Deployment, account: &AccountId, why: &str) -> Result<Done, Problem> {
    let execution = onboard::start(deployment, account, Mode::Apply, false).await?;
    Ok((Did::Started, format!("started anew: {why}"), Some(execution)))
}

async fn moved(queues: &Queues, letter: &Letter) -> Result<Done, Problem> {
    dead_letters::move_back(queues, letter).await?;
    let mut text = format!("is on {} again", letter.queue.source);
    if letter.queue.kind == Kind::Event {
        let recognised = recognise(letter.body.as_bytes());
        if recognised.decision == Decision::Reject {
            text = format!("{text}, and will be rejected again: {}", recognised.reason);
        }
    }
    Ok((Did::Moved, text, None))
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
            assert_eq!(way(Some(&known(status.clone())), false), Way::Redrive, "{status:?}");
            assert_eq!(way(Some(&known(status)), true), Way::Anew("as asked".to_owned()));
        }
    }

    #[test]
    fn what_cannot_go_on_starts_anew_and_says_why() {
        let old = Known { not_redrivable: Some("older than 14 days".into()), ..known(ExecutionStatus::Failed) };
        assert_eq!(way(Some(&old), false), Way::Anew("older than 14 days".to_owned()));
        let before = Known { old_definition: true, ..known(ExecutionStatus::Failed) };
        assert!(matches!(way(Some(&before), false), Way::Anew(why) if why.contains("deployed")));
        assert!(matches!(way(None, false), Way::Anew(why) if why.contains("does not know")));
    }

    #[test]
    fn what_runs_or_has_succeeded_is_left_alone() {
        for new in [false, true] {
            assert!(matches!(way(Some(&known(ExecutionStatus::Running)), new), Way::Nothing(_)));
        }
        assert!(matches!(way(Some(&known(ExecutionStatus::Succeeded)), false), Way::Nothing(_)));
        assert!(matches!(way(Some(&known(ExecutionStatus::Succeeded)), true), Way::Anew(_)));
    }
}
