//! The dead-letter queues: reading them without losing or hiding a message, and moving messages back.

use std::collections::BTreeMap;

use aws_sdk_sqs::{
    Client,
    types::{
        ChangeMessageVisibilityBatchRequestEntry, Message, MessageAttributeValue, MessageSystemAttributeName,
        QueueAttributeName,
    },
};
use berth_aws::{CallResultExt, SdkResultExt};
use berth_step::{ATTRIBUTES_MAX, REPLAYS_ATTRIBUTE, StepError};
use jiff::Timestamp;

use super::entry::Kind;

/// A queue and its dead-letter queue.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Queue {
    /// What its messages are.
    pub(crate) kind: Kind,
    /// Name of the queue.
    pub(crate) source: &'static str,
    /// Name of its dead-letter queue.
    pub(crate) dead: &'static str,
}

/// The queues of every deployment (infra/hub.yaml).
pub(crate) const QUEUES: [Queue; 3] = [
    Queue { kind: Kind::Event, source: "berth-intake", dead: "berth-intake-dlq" },
    Queue { kind: Kind::Commit, source: "berth-commits", dead: "berth-commits-dlq" },
    Queue { kind: Kind::Outcome, source: "berth-outcomes", dead: "berth-outcomes-dlq" },
];

/// How long a message is hidden from others while it is listed: long enough to come back once, and short, because it
/// stays hidden so long when this command is killed.
pub(crate) const LIST_SECONDS: i32 = 30;

/// How long a message is hidden while it may be moved.
pub(crate) const MOVE_SECONDS: i32 = 120;

/// Messages in one call. [SQS `ReceiveMessage`, `ChangeMessageVisibilityBatch`]
const BATCH: usize = 10;

/// Most messages that are read from one queue.
const MESSAGES_MAX: usize = 10_000;

/// Seconds that a call waits for a message: with long polling it asks every server of the queue. [SQS `ReceiveMessage`]
const LONG_POLL_SECONDS: i32 = 1;

/// A message of a dead-letter queue.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct DlqMessage {
    pub(crate) queue: &'static Queue,
    pub(crate) message_id: String,
    pub(crate) receipt: String,
    pub(crate) body: String,
    /// Type and text of its attributes. Binary ones are left out; Berth and EventBridge write none.
    pub(crate) attributes: BTreeMap<String, (String, String)>,
    pub(crate) sent: Timestamp,
}

impl DlqMessage {
    /// The text of an attribute.
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(|(_, text)| text.as_str())
    }

    fn read(queue: &'static Queue, message: &Message) -> Option<Self> {
        let text = |(name, value): (&String, &MessageAttributeValue)| {
            Some((name.clone(), (value.data_type().to_owned(), value.string_value()?.to_owned())))
        };
        let sent = message.attributes().and_then(|all| all.get(&MessageSystemAttributeName::SentTimestamp));
        let sent = sent.and_then(|text| text.parse().ok()).and_then(|ms| Timestamp::from_millisecond(ms).ok());
        Some(Self {
            queue,
            message_id: message.message_id()?.to_owned(),
            receipt: message.receipt_handle()?.to_owned(),
            body: message.body().unwrap_or_default().to_owned(),
            attributes: message.message_attributes().into_iter().flatten().filter_map(text).collect(),
            sent: sent.unwrap_or_default(),
        })
    }

    /// The attributes with which it goes back: all that it has, and how often it was moved.
    fn attributes_back(&self) -> BTreeMap<String, (String, String)> {
        let replays: u32 = self.attribute(REPLAYS_ATTRIBUTE).and_then(|text| text.parse().ok()).unwrap_or_default();
        let count = (REPLAYS_ATTRIBUTE.to_owned(), ("Number".to_owned(), replays.saturating_add(1).to_string()));
        let kept = self.attributes.iter().filter(|(name, _)| *name != REPLAYS_ATTRIBUTE).take(ATTRIBUTES_MAX - 1);
        kept.map(|(name, value)| (name.clone(), value.clone())).chain([count]).collect()
    }
}

/// The messages of one queue, each once, and how many more somebody else is reading just now.
#[derive(Debug, Default)]
pub(crate) struct Read {
    pub(crate) messages: Vec<DlqMessage>,
    pub(crate) hidden: u64,
}

/// Reads all messages of a queue. They are hidden from others for `seconds`, unless [`put_back`] shows them again.
/// [SQS `ReceiveMessage`]
pub(crate) async fn read(client: &Client, queue: &'static Queue, seconds: i32) -> Result<Read, StepError> {
    let url = url(client, queue.dead).await?;
    let hidden = in_flight(client, &url).await?;
    let mut messages = BTreeMap::new();
    while messages.len() < MESSAGES_MAX {
        let sent = client
            .receive_message()
            .queue_url(&url)
            .max_number_of_messages(i32::try_from(BATCH).unwrap_or(1))
            .visibility_timeout(seconds)
            .wait_time_seconds(LONG_POLL_SECONDS)
            .message_attribute_names("All")
            .message_system_attribute_names(MessageSystemAttributeName::SentTimestamp)
            .send()
            .await;
        let answer = sent.named("sqs:ReceiveMessage").or_common()?;
        let before = messages.len();
        for message in answer.messages().iter().filter_map(|message| DlqMessage::read(queue, message)) {
            // The newest receipt is the one that counts.
            messages.insert(message.message_id.clone(), message);
        }
        if messages.len() == before {
            break;
        }
    }
    Ok(Read { messages: messages.into_values().collect(), hidden })
}

/// The address of a queue. [SQS `GetQueueUrl`]
async fn url(client: &Client, name: &str) -> Result<String, StepError> {
    let sent = client.get_queue_url().queue_name(name).send().await;
    let answer = sent.named("sqs:GetQueueUrl").map_err(|failure| {
        if failure.is(&["QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"]) {
            let hint = "set the profile and the region to those of the hub account, or deploy infra/hub.yaml";
            return failure.as_fault(berth_step::Fault::InvalidInput, hint);
        }
        failure.or_common()
    })?;
    Ok(answer.queue_url.unwrap_or_default())
}

/// Messages that somebody has received and not yet deleted. [SQS `GetQueueAttributes`]
async fn in_flight(client: &Client, url: &str) -> Result<u64, StepError> {
    let name = QueueAttributeName::ApproximateNumberOfMessagesNotVisible;
    let sent = client.get_queue_attributes().queue_url(url).attribute_names(name.clone()).send().await;
    let answer = sent.named("sqs:GetQueueAttributes").or_common()?;
    let text = answer.attributes.unwrap_or_default().remove(&name);
    Ok(text.and_then(|text| text.parse().ok()).unwrap_or_default())
}

/// Shows messages to others again. [SQS `ChangeMessageVisibilityBatch`]
pub(crate) async fn put_back(client: &Client, messages: &[&DlqMessage]) -> Result<(), StepError> {
    for queue in &QUEUES {
        let ours: Vec<&DlqMessage> = messages.iter().copied().filter(|message| message.queue == queue).collect();
        if ours.is_empty() {
            continue;
        }
        let url = url(client, queue.dead).await?;
        for batch in ours.chunks(BATCH) {
            let entry = |(index, message): (usize, &&DlqMessage)| {
                let builder = ChangeMessageVisibilityBatchRequestEntry::builder().id(index.to_string());
                builder.receipt_handle(&message.receipt).visibility_timeout(0).build().ok()
            };
            let entries = batch.iter().enumerate().filter_map(entry).collect();
            // A message that cannot be shown now shows itself when its time is over.
            let sent = client.change_message_visibility_batch().queue_url(&url).set_entries(Some(entries)).send().await;
            sent.named("sqs:ChangeMessageVisibilityBatch").or_common()?;
        }
    }
    Ok(())
}

/// Moves a message back to the queue that it came from, with its attributes and the count of its moves. Deletes it only
/// after the send: when this is cut between the two it is in both, and handling it twice changes nothing.
/// [SQS `SendMessage`, `DeleteMessage`]
pub(crate) async fn move_back(client: &Client, message: &DlqMessage) -> Result<(), StepError> {
    let attribute = |(name, (kind, text)): (String, (String, String))| {
        let value = MessageAttributeValue::builder().data_type(kind).string_value(text).build().ok()?;
        Some((name, value))
    };
    let sent = client
        .send_message()
        .queue_url(url(client, message.queue.source).await?)
        .message_body(&message.body)
        .set_message_attributes(Some(message.attributes_back().into_iter().filter_map(attribute).collect()))
        .send()
        .await;
    sent.named("sqs:SendMessage").or_common()?;
    delete(client, message).await
}

/// Takes a message out of its queue for good. [SQS `DeleteMessage`]
pub(crate) async fn delete(client: &Client, message: &DlqMessage) -> Result<(), StepError> {
    let dead = url(client, message.queue.dead).await?;
    let deleted = client.delete_message().queue_url(dead).receipt_handle(&message.receipt).send().await;
    deleted.named("sqs:DeleteMessage").or_common()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_goes_back_with_reason_and_count_and_few_attributes() {
        let attributes = (0..10).map(|n| (format!("A{n}"), ("String".to_owned(), n.to_string())));
        let mut message = DlqMessage {
            queue: &QUEUES[0],
            message_id: "m".into(),
            receipt: "r".into(),
            body: "{}".into(),
            attributes: attributes.collect(),
            sent: Timestamp::UNIX_EPOCH,
        };
        let back = message.attributes_back();
        assert_eq!((back.len(), back[REPLAYS_ATTRIBUTE].1.as_str()), (ATTRIBUTES_MAX, "1"));
        message.attributes = BTreeMap::from([("BERTH_REASON".to_owned(), ("String".to_owned(), "why".to_owned()))]);
        message.attributes.insert(REPLAYS_ATTRIBUTE.to_owned(), ("Number".to_owned(), "4".to_owned()));
        let back = message.attributes_back();
        assert_eq!((back["BERTH_REASON"].1.as_str(), back[REPLAYS_ATTRIBUTE].1.as_str()), ("why", "5"));
    }
}
