//! The objects that messages are made of, and EventBridge's envelope around an event.
//!
//! Envelope: <https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html>.
//! CloudTrail record: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html>.

use berth_tenancy::AccountId;

use crate::{
    Recognised, cloudtrail,
    fields::{Nothing, object},
    json::{Json, Reader, Scalar},
    outcome,
    quoting::quoted,
    request,
};

/// Longest piece of foreign text in a reason, in characters.
pub(crate) const QUOTE_CHARS_MAX: usize = 80;

object!(
    /// Any object that may be a message, a wrapper, an envelope, a CloudTrail record or a request. What it is shows only
    /// when all its keys were read, so one type takes them all.
    Node {
        // Wrappers: Lambda's batches, the answer of ReceiveMessage, SQS messages, SNS notifications.
        "Records" strict records: Node,
        "Messages" strict messages: Node,
        "body" strict body: Node,
        "Body" strict api_body: Node,
        "Sns" strict sns: Node,
        "Message" strict message: Node,
        "Type" strict sns_type: Nothing,
        // EventBridge's envelope.
        "source" strict source: Nothing,
        "detail-type" strict detail_type: Nothing,
        "detail" strict detail: Node,
        "account" strict account: Nothing,
        "id" first id: Nothing,
        "time" first time: Nothing,
        "replay-name" first replay_name: Nothing,
        // CloudTrail's record.
        "eventSource" strict event_source: Nothing,
        "eventName" strict event_name: Nothing,
        "eventType" strict event_type: Nothing,
        "eventTime" first event_time: Nothing,
        "eventID" first event_id: Nothing,
        "errorCode" strict error_code: Nothing,
        "recipientAccountId" strict recipient: Nothing,
        "userIdentity" strict identity: Holder,
        "requestParameters" strict parameters: Parameters,
        "serviceEventDetails" strict details: Details,
        // A request; the envelope has a version too, which says nothing.
        "version" strict version: Nothing,
        "accountId" strict account_id: Nothing,
        "mode" strict mode: Nothing,
        "generation" strict generation: Nothing,
        "allowDisruption" strict allow_disruption: Nothing,
        "onlyPlanned" strict only_planned: Nothing,
        "drift" strict drift: Nothing,
        "repairs" strict repairs: Nothing,
        "transferTo" strict transfer_to: Nothing,
        "oldAccessRemoved" strict old_access_removed: Nothing,
        "reason" first reason: Nothing,
    }
);

object!(
    /// Something that has an account id.
    Holder {
        "accountId" strict account_id: Nothing,
    }
);

object!(
    /// What an API call asked for.
    Parameters {
        "accountId" strict account_id: Nothing,
        "resourceId" strict resource_id: Nothing,
        "destinationParentId" strict destination: Nothing,
    }
);

object!(
    /// What a service event reports; one of these is there.
    Details {
        "createManagedAccountStatus" strict managed_created: Status,
        "updateManagedAccountStatus" strict managed_updated: Status,
        "createAccountStatus" strict created: Status,
        "closeAccountStatus" strict closed: Status,
    }
);

object!(
    /// How it went. Control Tower has `account` and `message`, Organizations `accountId` and `failureReason`.
    Status {
        "state" strict state: Nothing,
        "accountId" strict account_id: Nothing,
        "account" strict account: Holder,
        "message" first message: Nothing,
        "failureReason" first failure_reason: Nothing,
    }
);

/// Recognises an event in EventBridge's envelope.
pub(crate) fn recognise(reader: &mut Reader, envelope: &Node) -> Recognised {
    let (Some(source), Some(kind)) = (envelope.source.text(), envelope.detail_type.text()) else {
        return Recognised::reject(format!(
            "its source is {} and its detail-type is {}: an event needs both (an InputTransformer may have dropped them)",
            envelope.source.kind(),
            envelope.detail_type.kind()
        ));
    };
    let own = source == outcome::SOURCE;
    let concerns_us = own || kind == outcome::ACCOUNT_CREATED || cloudtrail::is_source(source);
    let opened;
    let detail = match &envelope.detail {
        Json::Object(detail) => detail.as_ref(),
        // Some transformers and PutEvents callers encode the detail twice.
        Json::Text(text) => match reader.read::<Node>(text.as_bytes()) {
            Ok(detail) => {
                opened = detail;
                opened.as_ref()
            }
            Err(why) if concerns_us => return Recognised::reject(format!("its detail is a text: {why}")),
            Err(_) => return not_ours(source, kind),
        },
        other if concerns_us => return Recognised::reject(format!("its detail is {}", other.kind())),
        _ => return not_ours(source, kind),
    };
    if own || kind == outcome::ACCOUNT_CREATED {
        return request::own(source, kind, detail, envelope);
    }
    if detail.event_name.is_given() {
        return cloudtrail::recognise(detail, Some(envelope));
    }
    if cloudtrail::is_source(source) && cloudtrail::is_kind(kind) {
        return Recognised::reject("its detail has no eventName (an InputTransformer may have dropped it)");
    }
    not_ours(source, kind)
}

fn not_ours(source: &str, kind: &str) -> Recognised {
    Recognised::ignore(format!(
        "{} from {} does not concern accounts",
        quoted(kind, QUOTE_CHARS_MAX),
        quoted(source, QUOTE_CHARS_MAX)
    ))
}

/// The same answer with what the event says about itself: its name, id and time, and the replay that brought it.
pub(crate) fn with_particulars(mut recognised: Recognised, name: &str, record: &Node, envelope: &Node) -> Recognised {
    let text = |value: &Scalar| value.text().map(|text| crate::quoting::cut(text, QUOTE_CHARS_MAX).to_owned());
    let time = |value: &Scalar| value.text().and_then(crate::timestamp::parse);
    recognised.event = Some(crate::quoting::cut(name, QUOTE_CHARS_MAX).to_owned());
    recognised.sender = account_id(&envelope.account).ok();
    recognised.event_id = text(&envelope.id).or_else(|| text(&record.event_id));
    recognised.time = time(&envelope.time).or_else(|| time(&record.event_time));
    recognised.replay = text(&envelope.replay_name);
    recognised
}

/// The account id that a field holds. The error says what is there instead.
pub(crate) fn account_id(value: &Scalar) -> Result<AccountId, String> {
    match value {
        Json::Text(text) => text
            .parse()
            .map_err(|_| format!("the account id is {}, not exactly twelve digits", quoted(text, QUOTE_CHARS_MAX))),
        Json::Number(_) => Err("the account id is a number; write it as text, in quotation marks".to_owned()),
        other => Err(format!("the account id is {}", other.kind())),
    }
}
