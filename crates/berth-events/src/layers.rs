//! Takes a message out of what wraps it, and hands it to whoever knows its kind.

use crate::{
    Recognised, cloudtrail, envelope,
    envelope::{Node, QUOTE_CHARS_MAX},
    json::{Json, Reader},
    quoting::quoted,
    request,
};

/// How many wrappers may lie around a message. SQS around SNS is two.
pub const LAYERS_MAX: usize = 4;

/// Recognises a message: pure, without panic, in one pass for each layer.
///
/// Takes Control Tower's and Organizations' events as EventBridge delivers or replays them, CloudTrail records without an
/// envelope, Berth's own `Account Created`, a plain `{"accountId": "…"}`, and each of these in SQS (a batch of one, or
/// one message as Lambda or as `ReceiveMessage` gives it), in SNS, and in SNS in SQS. Whether the source may start an
/// onboarding is not asked here: see [`crate::admit_source`].
#[must_use]
pub fn recognise(bytes: &[u8]) -> Recognised {
    recognise_with(&mut Reader::default(), bytes)
}

fn recognise_with(reader: &mut Reader, bytes: &[u8]) -> Recognised {
    let mut node = match reader.read::<Node>(bytes) {
        Ok(node) => node,
        Err(why) => return Recognised::reject(format!("not an event: {why}")),
    };
    for _ in 0..=LAYERS_MAX {
        node = match open(reader, node) {
            Ok(Layer::Wrapped(inner)) => inner,
            Ok(Layer::Message(message)) => return recognise_message(reader, &message),
            Err(end) => return *end,
        };
    }
    Recognised::reject(format!("not an event: it is wrapped more than {LAYERS_MAX} times"))
}

/// What one look at a node found.
enum Layer {
    /// A wrapper, and what is in it.
    Wrapped(Box<Node>),
    /// No wrapper.
    Message(Box<Node>),
}

/// Kinds of thing that a node shows itself to be. More than one is a contradiction.
fn kinds(node: &Node) -> Vec<&'static str> {
    let carries = !node.body.is_absent() || !node.api_body.is_absent();
    let notifies = !node.message.is_absent() || !node.sns.is_absent();
    [
        (!node.records.is_absent() || !node.messages.is_absent(), "a batch of messages"),
        (carries, "an SQS message"),
        (notifies, "an SNS message"),
        (!node.detail.is_absent() || !node.detail_type.is_absent(), "an EventBridge event"),
        (!node.event_name.is_absent(), "a CloudTrail record"),
        (!node.account_id.is_absent(), "a request with an accountId"),
    ]
    .into_iter()
    .filter_map(|(is, kind)| is.then_some(kind))
    .collect()
}

/// Opens one wrapper. The error is the answer, when there is nothing to open.
fn open(reader: &mut Reader, node: Box<Node>) -> Result<Layer, Box<Recognised>> {
    let kinds = kinds(&node);
    if kinds.len() > 1 {
        return Err(reject(format!("it contradicts itself: it looks like {}", kinds.join(" and "))));
    }
    let node = match (&node.records, &node.messages) {
        (Json::Absent, Json::Absent) => return open_single(reader, node),
        _ => only_one(*node)?,
    };
    match open_single(reader, node)? {
        // A CloudTrail file: a list of records that nothing else wraps.
        Layer::Message(record) => Ok(Layer::Wrapped(record)),
        inner @ Layer::Wrapped(_) => Ok(inner),
    }
}

/// The only message of a batch.
fn only_one(node: Node) -> Result<Box<Node>, Box<Recognised>> {
    let (list, other) = (node.records, node.messages);
    match (list, other) {
        (Json::List(Some(only), 1), Json::Absent) | (Json::Absent, Json::List(Some(only), 1)) => match *only {
            Json::Object(record) => Ok(record),
            other => Err(reject(format!("the message of the batch is {}", other.kind()))),
        },
        (Json::List(_, count), Json::Absent) | (Json::Absent, Json::List(_, count)) => {
            Err(reject(format!("it is a batch of {count} messages: give them one at a time")))
        }
        _ => Err(reject("its list of messages is not a list".to_owned())),
    }
}

/// Opens an SQS or SNS message; anything else is the message itself.
fn open_single(reader: &mut Reader, mut node: Box<Node>) -> Result<Layer, Box<Recognised>> {
    if let Some("SubscriptionConfirmation" | "UnsubscribeConfirmation") = node.sns_type.text() {
        let reason = "SNS asks to confirm a subscription; a person does that, in the SNS console";
        return Err(Box::new(Recognised::ignore(reason)));
    }
    if let Json::Object(notification) = std::mem::take(&mut node.sns) {
        return inside(reader, notification.message, "SNS");
    }
    for (value, wrapper) in
        [(&mut node.body, "SQS"), (&mut node.api_body, "SQS"), (&mut node.message, "SNS"), (&mut node.sns, "SNS")]
    {
        if !value.is_absent() {
            return inside(reader, std::mem::take(value), wrapper);
        }
    }
    Ok(Layer::Message(node))
}

/// What a wrapper carries: a text, or, in tests that people write, the object itself.
fn inside(reader: &mut Reader, value: Json<Node>, wrapper: &str) -> Result<Layer, Box<Recognised>> {
    match value {
        Json::Text(text) => match reader.read::<Node>(text.as_bytes()) {
            Ok(inner) => Ok(Layer::Wrapped(inner)),
            Err(why) => Err(reject(format!("the message in {wrapper} is not an event: {why}"))),
        },
        Json::Object(inner) => Ok(Layer::Wrapped(inner)),
        other => Err(reject(format!("the message in {wrapper} is {}", other.kind()))),
    }
}

fn reject(reason: String) -> Box<Recognised> {
    Box::new(Recognised::reject(reason))
}

/// Recognises what is left when nothing wraps it any more.
fn recognise_message(reader: &mut Reader, message: &Node) -> Recognised {
    if !message.detail.is_absent() || !message.detail_type.is_absent() {
        return envelope::recognise(reader, message);
    }
    if !message.event_name.is_absent() {
        return cloudtrail::recognise(message, None);
    }
    if !message.account_id.is_absent() {
        return request::plain(message);
    }
    let seen = message.strange.iter().map(String::as_str).chain(message.keys()).next();
    let seen = seen.map_or_else(|| "it is empty".to_owned(), |key| format!("it has {}", quoted(key, QUOTE_CHARS_MAX)));
    Recognised::reject(format!(
        "not an event: it has no detail, no eventName and no accountId ({seen}); a request is {{\"accountId\": \"…\"}}"
    ))
}

#[cfg(test)]
#[path = "../tests/hostile/mod.rs"]
mod hostile;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_byte_of_a_message_is_read_at_most_once_for_each_layer() {
        let mut most = 0;
        for (name, message) in hostile::messages() {
            assert!(message.len() > hostile::BYTES / 2 && message.len() <= hostile::BYTES + 1_000, "{name}");
            let mut reader = Reader::default();
            let answer = recognise_with(&mut reader, message.as_bytes());
            // The message, its wrappers, and a detail that is a text.
            assert!(reader.bytes <= (LAYERS_MAX + 2) * message.len(), "{name}: {} bytes", reader.bytes);
            assert_eq!(answer, recognise(message.as_bytes()));
            most = most.max(reader.bytes / message.len());
        }
        assert!(most >= 2, "wrapped messages are read more than once, so the count counts");
    }
}
