//! What failed and can be run again, as one line each. Pure.

use std::collections::BTreeMap;

use berth_events::recognise;
use berth_ledger::Record;
use berth_step::{REASON_ATTRIBUTE, REPLAYS_ATTRIBUTE};
use berth_tenancy::{AccountId, EnvironmentName};
use clap::ValueEnum;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::dlq::DlqMessage;

/// Characters of a message's id that are shown, and enough to name it.
const SHORT_ID: usize = 8;

/// Fewest characters by which a message can be named.
const ID_CHARS_MIN: usize = 4;

/// Fault of a message that `accept-event` rejected.
const REJECTED: &str = "rejected";

/// Fault of a message that a function could not handle, however often it came.
const UNHANDLED: &str = "unhandled";

/// What it is that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// The newest execution of an account.
    Execution,
    /// An account event, in the intake queue's dead-letter queue.
    Event,
    /// A request for a commit.
    Commit,
    /// The end of an execution that was not written to the ledger.
    Outcome,
}

impl Kind {
    /// The word in the table.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Execution => "execution",
            Self::Event => "event",
            Self::Commit => "commit",
            Self::Outcome => "outcome",
        }
    }
}

/// One line of the list.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Entry {
    pub(crate) kind: Kind,
    /// The account's id for an execution; the beginning of the message's id otherwise.
    pub(crate) id: String,
    /// The message's whole id.
    pub(crate) message_id: Option<String>,
    pub(crate) account_id: Option<AccountId>,
    pub(crate) environment: Option<EnvironmentName>,
    /// When the execution ended, or when the message was sent.
    pub(crate) since: Timestamp,
    /// The state that failed, or the dead-letter queue.
    pub(crate) state: String,
    pub(crate) fault: String,
    pub(crate) reason: String,
    pub(crate) execution_arn: Option<String>,
    /// How often the message was moved back before.
    pub(crate) replays: u32,
}

impl Entry {
    /// The line of an account whose newest execution failed.
    pub(crate) fn of_record(record: &Record) -> Self {
        let failure = record.failure.as_ref();
        let text = |read: fn(&berth_events::Failure) -> &str| failure.map(read).unwrap_or_default().to_owned();
        Self {
            kind: Kind::Execution,
            id: record.account_id.to_string(),
            message_id: None,
            account_id: Some(record.account_id.clone()),
            environment: record.environment.clone(),
            since: record.since,
            state: text(|failure| &failure.state),
            fault: text(|failure| &failure.fault),
            reason: text(|failure| &failure.message),
            execution_arn: record.execution_arn.clone(),
            replays: 0,
        }
    }

    /// The line of a dead letter. `environments` is what the ledger knows.
    pub(crate) fn of_message(message: &DlqMessage, environments: &BTreeMap<AccountId, EnvironmentName>) -> Self {
        let account = account_of(message.queue.kind, &message.body);
        let (fault, reason) = why(message);
        Self {
            kind: message.queue.kind,
            id: message.message_id.chars().take(SHORT_ID).collect(),
            message_id: Some(message.message_id.clone()),
            environment: account.as_ref().and_then(|account| environments.get(account)).cloned(),
            account_id: account,
            since: message.sent,
            state: message.queue.dead.to_owned(),
            fault: plain(&fault),
            reason: plain(&reason),
            execution_arn: None,
            replays: message.attribute(REPLAYS_ATTRIBUTE).and_then(|text| text.parse().ok()).unwrap_or_default(),
        }
    }

    /// Whether `id` names this line: its account, or the beginning of its message's id.
    pub(crate) fn is_named(&self, id: &str) -> bool {
        let account = self.account_id.as_ref().is_some_and(|account| account.as_str() == id);
        let message = self.message_id.as_deref().is_some_and(|message| message.starts_with(id));
        account || (message && id.len() >= ID_CHARS_MIN)
    }
}

/// Text of a message without what would steer a terminal: anybody may have written it.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect()
}

/// The account that a message is about.
fn account_of(kind: Kind, body: &str) -> Option<AccountId> {
    let read = |pointer: &str| {
        let body: Value = serde_json::from_str(body).ok()?;
        body.pointer(pointer)?.as_str().map(str::to_owned)
    };
    match kind {
        Kind::Event | Kind::Execution => recognise(body.as_bytes()).account_id,
        Kind::Commit => read("/run/accountId")?.parse().ok(),
        Kind::Outcome => recognise(read("/detail/input")?.as_bytes()).account_id,
    }
}

/// Why a message is dead: whoever put it there has said so in its attributes.
fn why(message: &DlqMessage) -> (String, String) {
    if let Some(code) = message.attribute("ERROR_CODE")
        && message.attribute(REASON_ATTRIBUTE).is_none()
    {
        let message = message.attribute("ERROR_MESSAGE").unwrap_or("EventBridge could not deliver it");
        return (code.to_owned(), message.to_owned());
    }
    if let Some(reason) = message.attribute(REASON_ATTRIBUTE) {
        return (REJECTED.to_owned(), reason.to_owned());
    }
    let log = format!("its function gave it back until {} gave up; the log says why", message.queue.source);
    (UNHANDLED.to_owned(), log)
}

/// What of the list is meant.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    pub(crate) fault: Option<String>,
    pub(crate) environment: Option<EnvironmentName>,
    pub(crate) kind: Option<Kind>,
}

impl Filter {
    /// Whether it lets a line through.
    pub(crate) fn takes(&self, entry: &Entry) -> bool {
        let Self { fault, environment, kind } = self;
        fault.as_ref().is_none_or(|fault| fault.eq_ignore_ascii_case(&entry.fault))
            && environment.as_ref().is_none_or(|name| entry.environment.as_ref() == Some(name))
            && kind.is_none_or(|kind| entry.kind == kind)
    }

    /// Whether it lets every line through.
    pub(crate) fn is_empty(&self) -> bool {
        self.fault.is_none() && self.environment.is_none() && self.kind.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::dlq::QUEUES;

    fn message(queue: usize, body: &str, attributes: &[(&str, &str)]) -> DlqMessage {
        let attribute = |(name, text): &(&str, &str)| ((*name).to_owned(), ("String".to_owned(), (*text).to_owned()));
        DlqMessage {
            queue: &QUEUES[queue],
            message_id: "1a2b3c4d-0000-4000-8000-000000000000".to_owned(),
            receipt: "receipt".to_owned(),
            body: body.to_owned(),
            attributes: attributes.iter().map(attribute).collect(),
            sent: Timestamp::from_second(100).unwrap(),
        }
    }

    fn entry(queue: usize, body: &str, attributes: &[(&str, &str)]) -> Entry {
        let environments = BTreeMap::from([("111122223333".parse().unwrap(), "dev".parse().unwrap())]);
        Entry::of_message(&message(queue, body, attributes), &environments)
    }

    #[test]
    fn a_letter_says_why_it_is_dead_whoever_buried_it() {
        let rejected = entry(0, "{", &[("BERTH_REASON", "not JSON"), ("BERTH_REPLAYS", "2"), ("ERROR_CODE", "OLD")]);
        assert_eq!((rejected.fault.as_str(), rejected.reason.as_str(), rejected.replays), ("rejected", "not JSON", 2));
        let undelivered = entry(0, "{}", &[("ERROR_CODE", "NO_PERMISSIONS"), ("ERROR_MESSAGE", "no")]);
        assert_eq!((undelivered.fault.as_str(), undelivered.reason.as_str()), ("NO_PERMISSIONS", "no"));
        let unhandled = entry(0, "{}", &[]);
        assert_eq!(unhandled.fault, "unhandled");
        assert!(unhandled.reason.contains("berth-intake"), "{}", unhandled.reason);
        assert_eq!((unhandled.id.as_str(), unhandled.state.as_str()), ("1a2b3c4d", "berth-intake-dlq"));
    }

    #[test]
    fn the_account_is_found_in_every_kind_of_letter() {
        let bodies = [
            (0, r#"{"accountId":"111122223333"}"#),
            (1, r#"{"run":{"accountId":"111122223333"}}"#),
            (2, r#"{"detail":{"input":"{\"accountId\":\"111122223333\"}"}}"#),
        ];
        for (queue, body) in bodies {
            let entry = entry(queue, body, &[]);
            assert_eq!(entry.account_id.as_ref().map(AccountId::as_str), Some("111122223333"), "{:?}", entry.kind);
            assert_eq!(entry.environment.as_ref().map(EnvironmentName::as_str), Some("dev"));
        }
        assert_eq!(entry(2, "no JSON", &[]).account_id, None);
    }

    #[test]
    fn an_id_names_an_account_or_the_beginning_of_a_message() {
        let entry = entry(0, r#"{"accountId":"111122223333"}"#, &[]);
        for id in ["111122223333", "1a2b", "1a2b3c4d", "1a2b3c4d-0000-4000-8000-000000000000"] {
            assert!(entry.is_named(id), "{id}");
        }
        for id in ["1a2", "", "1111", "2222", "1a2b3c4e"] {
            assert!(!entry.is_named(id), "{id}");
        }
    }

    #[test]
    fn a_message_cannot_steer_the_terminal() {
        let entry = entry(0, "{", &[("BERTH_REASON", "\u{1b}[2Jgone\u{9b}1A")]);
        assert_eq!(entry.reason, "\u{fffd}[2Jgone\u{fffd}1A");
    }

    #[test]
    fn every_filter_must_fit() {
        let entry = entry(0, r#"{"accountId":"111122223333"}"#, &[("BERTH_REASON", "why")]);
        let all = Filter { fault: Some("Rejected".into()), environment: "dev".parse().ok(), kind: Some(Kind::Event) };
        assert!(all.takes(&entry) && Filter::default().takes(&entry));
        assert!(!Filter { kind: Some(Kind::Commit), ..all.clone() }.takes(&entry));
        assert!(!Filter { fault: Some("Denied".into()), ..all.clone() }.takes(&entry));
        assert!(!Filter { environment: "prod".parse().ok(), ..all }.takes(&entry));
    }
}
