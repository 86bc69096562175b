//! What is sent to the dead-letter queue for messages of every size.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use accept_event::dlq_messages;
use berth_step::{Message, REASON_ATTRIBUTE};
use proptest::prelude::*;
use serde_json::json;

fn message(body: &str, attributes: usize) -> Message {
    let attributes: serde_json::Map<String, serde_json::Value> = (0..attributes)
        .map(|number| (format!("RULE_{number}"), json!({ "stringValue": "said before", "dataType": "String" })))
        .collect();
    serde_json::from_value(json!({ "messageId": "1", "body": body, "messageAttributes": attributes })).unwrap()
}

#[test]
fn a_message_is_sent_whole_then_with_the_reason_alone_then_its_start() {
    let long = message(&"é".repeat(120_000), 12);
    let dlq_messages = dlq_messages(&long, "no event");
    let [first, second, third] = dlq_messages.as_slice() else { panic!("{} messages", dlq_messages.len()) };
    assert_eq!((first.body, first.attributes.len()), (long.body.as_str(), 10), "SQS takes ten attributes");
    assert_eq!(first.attributes[0].0, REASON_ATTRIBUTE);
    assert_eq!((second.body, second.attributes.len()), (long.body.as_str(), 1));
    assert_eq!(second.attributes[0].2, "no event");
    assert_eq!((third.body.len(), third.attributes.len()), (200 * 1024, 1));
    assert_eq!(third.attributes[0].2, "cut after 204800 of 240000 bytes, with which SQS refused it; no event");
}

#[test]
fn a_short_message_is_never_cut_and_never_sent_twice_alike() {
    assert_eq!(dlq_messages(&message("{", 0), "no event").len(), 1);
    let replayed = message("{", 1);
    let twice = dlq_messages(&replayed, "no event");
    assert!(twice.len() == 2 && twice.iter().all(|sent| sent.body == "{"), "{twice:?}");
}

proptest! {
    #[test]
    fn whatever_the_reason_is_sqs_takes_its_characters_and_its_length(reason in any::<String>(), times in 1..400_usize) {
        let message = message("{", 0);
        for sent in dlq_messages(&message, &reason.repeat(times)) {
            let text = &sent.attributes[0].2;
            prop_assert!(text.chars().count() <= 500);
            let allowed = |c: char| matches!(u32::from(c), 0x9 | 0xA | 0xD | 0x20..=0xD7FF | 0xE000..=0xFFFD | 0x1_0000..);
            prop_assert!(text.chars().all(allowed), "{:?}", text);
        }
    }

    #[test]
    fn the_last_letter_fits_into_256_kib(body in "[aé€🦀]{0,4}", times in 1..60_000_usize) {
        let message = message(&body.repeat(times), 3);
        let dlq_messages = dlq_messages(&message, "no event");
        let last = dlq_messages.last().unwrap();
        let attributes: usize = last.attributes.iter().map(|(name, kind, text)| name.len() + kind.len() + text.len()).sum();
        prop_assert!(last.body.len() + attributes <= 256 * 1024, "{}", last.body.len());
        prop_assert!(message.body.starts_with(last.body));
    }
}
