//! Puts a message that can never become an onboarding into the dead-letter queue, with the reason.

use std::{borrow::Cow, collections::HashMap};

use aws_sdk_sqs::types::MessageAttributeValue;
use berth_aws::{CallFailure, SdkResultExt};
use berth_step::{ATTRIBUTES_MAX, Fault, Message, REASON_ATTRIBUTE, StepError};

use crate::{AcceptEvent, Accepted};

/// Longest attribute that a rejected message carries: SQS counts attributes as part of the message.
const REASON_CHARACTERS_MAX: usize = 500;

/// Bytes of a body that fit into every queue with a reason beside them: SQS took 256 KiB for years, and a queue may be set
/// to that still.
const CUT_BYTES: usize = 200 * 1024;

/// A message for the dead-letter queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DlqMessage<'a> {
    /// Its text.
    pub body: &'a str,
    /// Attributes: name, type, text.
    pub attributes: Vec<(&'a str, &'a str, Cow<'a, str>)>,
}

/// What is sent for a rejected message, one after the other until SQS takes one: all of it with what was said about it
/// before, so that a message that was moved back and is rejected again tells how often; all of it with nothing but the
/// reason; the start of it. A message may be as long as SQS allows before the reason is added.
#[must_use]
pub fn dlq_messages<'a>(message: &'a Message, reason: &str) -> Vec<DlqMessage<'a>> {
    let said = |reason: &str| {
        let text: String = reason.chars().map(sendable).take(REASON_CHARACTERS_MAX).collect();
        (REASON_ATTRIBUTE, "String", Cow::Owned(text))
    };
    let body = message.body.as_str();
    let kept = message.message_attributes.iter().filter(|(name, _)| *name != REASON_ATTRIBUTE);
    let kept = kept.filter_map(|(name, value)| {
        Some((name.as_str(), value.data_type.as_str(), Cow::Borrowed(value.string_value.as_deref()?)))
    });
    let all = [said(reason)].into_iter().chain(kept).take(ATTRIBUTES_MAX).collect();
    let start = body.get(..body.floor_char_boundary(CUT_BYTES)).unwrap_or(body);
    let mut dlq_messages =
        vec![DlqMessage { body, attributes: all }, DlqMessage { body, attributes: vec![said(reason)] }];
    if start.len() < body.len() {
        let cut = format!("cut after {} of {} bytes, with which SQS refused it; {reason}", start.len(), body.len());
        dlq_messages.push(DlqMessage { body: start, attributes: vec![said(&cut)] });
    }
    dlq_messages.dedup();
    dlq_messages
}

/// SQS refuses a message with a character that XML does not have. [SQS `SendMessage`]
fn sendable(character: char) -> char {
    match character {
        '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'.. => character,
        _ => char::REPLACEMENT_CHARACTER,
    }
}

impl AcceptEvent {
    /// Puts a message into the dead-letter queue at once, with the reason: retrying it would change nothing, and would
    /// hold up the others. [SQS `SendMessage`]
    pub(crate) async fn reject(&self, message: &Message, reason: &str) -> Result<Accepted, StepError> {
        let mut refused = None;
        for sent in dlq_messages(message, reason) {
            let call = self.queues.send_message().queue_url(&self.dead_letters).message_body(sent.body);
            match call.set_message_attributes(Some(typed(sent.attributes)?)).send().await.named("sqs:SendMessage") {
                Ok(_) => return Ok(Accepted::Rejected { reason: reason.to_owned() }),
                Err(failure) => {
                    if !is_about_the_message(&failure) {
                        return Err(failure.or_common());
                    }
                    refused = Some(failure.as_fault(
                        Fault::Bug,
                        "look at the message in berth-intake-dlq: SQS moves it there when it was tried too often",
                    ));
                }
            }
        }
        Err(refused.unwrap_or_else(|| StepError::new(Fault::Bug, "a rejected message was not sent at all")))
    }
}

/// Whether SQS would take a shorter message, or one with other characters. [SQS `SendMessage`, and its common errors]
fn is_about_the_message(failure: &CallFailure) -> bool {
    failure.is(&[
        "InvalidParameterValue",
        "InvalidParameterValueException",
        "InvalidMessageContents",
        "InvalidAttributeValue",
    ])
}

fn typed(attributes: Vec<(&str, &str, Cow<'_, str>)>) -> Result<HashMap<String, MessageAttributeValue>, StepError> {
    let typed = attributes.into_iter().map(|(name, kind, text)| {
        let value = MessageAttributeValue::builder().data_type(kind).string_value(text).build();
        let value =
            value.map_err(|error| StepError::new(Fault::Bug, "a message attribute without type").because(error))?;
        Ok((name.to_owned(), value))
    });
    typed.collect()
}
