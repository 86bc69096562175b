//! Events: the fixtures with another account in them, on the bus or straight on the intake queue.

use aws_sdk_sqs::types::{Message, SendMessageBatchRequestEntry};
use serde_json::Value;

use super::{Rig, local_aws};

/// Another fixture, with the account that it names replaced.
#[must_use]
pub fn fixture(name: &str, names: &str, account: &str) -> String {
    let path = local_aws::checkout().join(format!("tests/fixtures/events/{name}.json"));
    std::fs::read_to_string(path).expect("the fixture is there").replace(names, account)
}

/// Events of Control Tower.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// `CreateManagedAccount` that succeeded.
    Created,
    /// `UpdateManagedAccount` that succeeded.
    Updated,
    /// `CreateManagedAccount` that failed: it names no account.
    CreationFailed,
}

/// The event as AWS documents it, about this account.
#[must_use]
pub fn event(kind: Event, account: &str) -> String {
    let (file, status) = match kind {
        Event::Created => ("controltower-create-managed-account-succeeded", Some("createManagedAccountStatus")),
        Event::Updated => ("controltower-update-managed-account-succeeded", Some("updateManagedAccountStatus")),
        Event::CreationFailed => ("controltower-create-managed-account-failed-not-available", None),
    };
    let path = local_aws::checkout().join(format!("tests/fixtures/events/{file}.json"));
    let text = std::fs::read_to_string(path).expect("the fixture is there");
    let Some(status) = status else { return text };
    let mut event: Value = serde_json::from_str(&text).expect("the fixture is JSON");
    let slot = event.pointer_mut(&format!("/detail/serviceEventDetails/{status}/account/accountId"));
    *slot.expect("the fixture names an account") = account.into();
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

    /// Messages on a dead-letter queue now that hold `text`; they stay there.
    #[must_use]
    pub fn dead_letters(&self, queue: &str, text: &str) -> Vec<Message> {
        let call = self
            .queues
            .receive_message()
            .queue_url(Self::queue(queue))
            .max_number_of_messages(10)
            .visibility_timeout(0)
            .message_attribute_names("All");
        let answer = self.runtime.block_on(call.send()).expect("the queue answers");
        let holds = |message: &Message| message.body().is_some_and(|body| body.contains(text));
        answer.messages.unwrap_or_default().into_iter().filter(holds).collect()
    }
}
