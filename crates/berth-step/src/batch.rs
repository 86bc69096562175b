//! A batch of SQS messages as Lambda delivers it, and the answer that gives single messages back.

use berth_tenancy::AccountId;
use serde::{Deserialize, Serialize};

use crate::Traced;

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
    fn account(&self) -> Option<&AccountId> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
