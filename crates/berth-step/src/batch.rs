//! A batch of SQS messages as Lambda delivers it, and the answer that gives single messages back.

use std::collections::BTreeMap;

use berth_tenancy::AccountId;
use serde::{Deserialize, Serialize};

use crate::Traced;

/// Attribute of a message that was rejected: why.
pub const REASON_ATTRIBUTE: &str = "BERTH_REASON";

/// Attribute of a message that was moved back from a dead-letter queue: how often.
pub const REPLAYS_ATTRIBUTE: &str = "BERTH_REPLAYS";

/// Most attributes that a message may have. [SQS quotas]
pub const ATTRIBUTES_MAX: usize = 10;

/// A batch from a queue. Only what Berth reads is here: Lambda adds fields over time.
#[derive(Debug, Clone, Deserialize)]
pub struct Batch {
    /// The messages.
    #[serde(rename = "Records")]
    pub records: Vec<Message>,
}

/// One message.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// Id within the queue.
    pub message_id: String,
    /// Its text.
    pub body: String,
    /// What was said about it: by EventBridge or by Berth when it was dead-lettered before.
    #[serde(default)]
    pub message_attributes: BTreeMap<String, MessageAttribute>,
}

/// An attribute of a message. Binary ones have no text.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MessageAttribute {
    /// Its text.
    #[serde(default)]
    pub string_value: Option<String>,
    /// `String`, `Number` or `Binary`.
    pub data_type: String,
}

/// The messages that go back to the queue; the others are deleted from it. [Lambda `ReportBatchItemFailures`]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchAnswer {
    batch_item_failures: Vec<BatchItemFailure>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct BatchItemFailure {
    item_identifier: String,
}

impl BatchAnswer {
    /// Gives one message back to the queue: it comes again, or goes to the dead-letter queue.
    pub fn give_back(&mut self, message: &Message) {
        self.batch_item_failures.push(BatchItemFailure { item_identifier: message.message_id.clone() });
    }
}

impl Traced for Batch {
    fn account(&self) -> Option<AccountId> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_read_as_lambda_writes_them() {
        let text = r#"{"messageId": "a", "body": "1", "messageAttributes": {"BERTH_REPLAYS": {"stringListValues": [],
            "binaryListValues": [], "dataType": "Number", "stringValue": "2"}}}"#;
        let message: Message = serde_json::from_str(text).unwrap();
        let attribute = MessageAttribute { string_value: Some("2".to_owned()), data_type: "Number".to_owned() };
        assert_eq!(message.message_attributes[REPLAYS_ATTRIBUTE], attribute);
    }

    #[test]
    fn only_the_message_that_failed_goes_back() {
        let text =
            r#"{"Records": [{"messageId": "a", "body": "1", "awsRegion": "x"}, {"messageId": "b", "body": "2"}]}"#;
        let batch: Batch = serde_json::from_str(text).unwrap();
        let mut answer = BatchAnswer::default();
        answer.give_back(&batch.records[1]);
        assert_eq!(serde_json::to_string(&answer).unwrap(), r#"{"batchItemFailures":[{"itemIdentifier":"b"}]}"#);
    }
}
