//! Events: the fixtures with another account in them, on the bus or straight on the intake queue.

use std::sync::{Mutex, PoisonError};

use aws_sdk_sqs::types::{Message, SendMessageBatchRequestEntry};
use serde_json::Value;

use super::{Rig, local_aws};

/// How long a message is hidden while somebody looks at all of them.
const HIDDEN_SECONDS: i32 = 30;

/// Another fixture, with the account that it names replaced.
#[must_use]
pub fn fixture(name: &str, names: &str, account: &str) -> String {
    let path = local_aws::checkout().join(format!("tests/fixtures/events/{name}.json"));
    std::fs::read_to_string(path).expect("the fixture is there").replace(names, account)
}

/// Where events of this kind have the account.
const CREATED: &str = "/detail/serviceEventDetails/createManagedAccountStatus/account/accountId";
const UPDATED: &str = "/detail/serviceEventDetails/updateManagedAccountStatus/account/accountId";
const RESULT: &str = "/detail/serviceEventDetails/createAccountStatus/accountId";

/// Events that tell of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// `CreateManagedAccount` that succeeded.
    Created,
    /// `UpdateManagedAccount` that succeeded.
    Updated,
    /// `CreateManagedAccount` that failed: it names no account.
    CreationFailed,
    /// `CreateAccountResult` of Organizations that succeeded.
    CreatedByOrganizations,
    /// `MoveAccount` of Organizations.
    Moved,
}

/// The event as AWS documents it, about this account.
#[must_use]
pub fn event(kind: Event, account: &str) -> String {
    let (file, slot) = match kind {
        Event::Created => ("controltower-create-managed-account-succeeded", Some(CREATED)),
        Event::Updated => ("controltower-update-managed-account-succeeded", Some(UPDATED)),
        Event::CreationFailed => ("controltower-create-managed-account-failed-not-available", None),
        Event::CreatedByOrganizations => ("organizations-create-account-result-succeeded", Some(RESULT)),
        Event::Moved => ("organizations-move-account", Some("/detail/requestParameters/accountId")),
    };
    let path = local_aws::checkout().join(format!("tests/fixtures/events/{file}.json"));
    let text = std::fs::read_to_string(path).expect("the fixture is there");
    let Some(slot) = slot else { return text };
    let mut event: Value = serde_json::from_str(&text).expect("the fixture is JSON");
    *event.pointer_mut(slot).expect("the fixture names an account") = account.into();
    event.to_string()
}

/// The same event, as it would come now.
#[must_use]
pub fn event_now(kind: Event, account: &str) -> String {
    let mut event: Value = serde_json::from_str(&event(kind, account)).expect("the fixture is JSON");
    event["time"] = jiff::Timestamp::now().to_string().into();
    event["detail"]["eventTime"] = event["time"].clone();
    event.to_string()
}

impl Rig {
    fn queue(name: &str) -> String {
        format!("https://sqs.us-east-1.amazonaws.com/{}/{name}", super::HUB)
    }

    /// Puts messages on the intake queue in one call, as EventBridge or a replay would, and waits until accept-event
    /// has said what it made of each.
    pub fn deliver(&self, bodies: &[String]) -> Vec<String> {
        let said = |id: &str| self.log_lines("berth-accept-event").into_iter().find(|line| line.contains(id));
        let ids = self.enqueue(bodies);
        ids.iter().map(|id| self.until("accept-event's line about a message", || said(id))).collect()
    }

    /// Puts messages on the intake queue, ten at a time, in this order. Their ids.
    #[must_use]
    pub fn enqueue(&self, bodies: &[String]) -> Vec<String> {
        let mut ids = Vec::new();
        for batch in bodies.chunks(10) {
            let entry = |(index, body): (usize, &String)| {
                let entry = SendMessageBatchRequestEntry::builder().id(index.to_string()).message_body(body);
                entry.build().expect("complete")
            };
            let entries = batch.iter().enumerate().map(entry).collect();
            let queue = Self::queue("berth-intake");
            let call = self.queues.send_message_batch().queue_url(queue).set_entries(Some(entries));
            let sent = self.runtime.block_on(call.send()).expect("the intake queue takes messages");
            assert!(sent.failed.is_empty(), "{:?}", sent.failed);
            ids.extend(sent.successful.iter().map(|message| message.message_id().to_owned()));
        }
        ids
    }

    /// Waits until accept-event has said what it made of each of these messages.
    pub fn wait_until_accepted(&self, ids: &[String]) {
        self.until("accept-event's lines about all messages", || {
            let said = self.log_lines("berth-accept-event").join("\n");
            ids.iter().all(|id| said.contains(id)).then_some(())
        });
    }

    /// Messages on a dead-letter queue now that hold `text`; they stay there. One look at a time: SQS hands out ten messages
    /// at once, so those that were seen are hidden until the last was.
    #[must_use]
    pub fn dead_letters(&self, queue: &str, text: &str) -> Vec<Message> {
        static LOOKING: Mutex<()> = Mutex::new(());
        let _looking = LOOKING.lock().unwrap_or_else(PoisonError::into_inner);
        let url = Self::queue(queue);
        let mut seen = Vec::new();
        loop {
            let call = self.queues.receive_message().queue_url(&url).max_number_of_messages(10);
            let call = call.visibility_timeout(HIDDEN_SECONDS).message_attribute_names("All");
            let answer = self.runtime.block_on(call.send()).expect("the queue answers");
            let Some(messages) = answer.messages.filter(|messages| !messages.is_empty()) else { break };
            seen.extend(messages);
        }
        for message in &seen {
            let call = self.queues.change_message_visibility().queue_url(&url).visibility_timeout(0);
            let call = call.receipt_handle(message.receipt_handle().expect("a received message has one"));
            self.runtime.block_on(call.send()).expect("the queue takes messages back");
        }
        seen.into_iter().filter(|message| message.body().is_some_and(|body| body.contains(text))).collect()
    }
}
