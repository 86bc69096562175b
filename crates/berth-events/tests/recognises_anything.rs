//! Properties of the recogniser: it answers whatever the bytes are, and what wraps an event never changes the answer.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use berth_events::{BYTES_MAX, DEPTH_MAX, Decision, LAYERS_MAX, Recognised, recognise};
use proptest::{collection, prelude::*, sample::Index};
use serde_json::{Map, Value, json};

const GOOD: [&str; 6] = [
    include_str!("../../../tests/fixtures/events/controltower-create-managed-account-succeeded.json"),
    include_str!("../../../tests/fixtures/events/controltower-update-managed-account-succeeded.json"),
    include_str!("../../../tests/fixtures/events/organizations-create-account-result-succeeded.json"),
    include_str!("../../../tests/fixtures/events/organizations-close-account.detail-only.json"),
    include_str!("../../../tests/fixtures/events/berth-account-created.json"),
    include_str!("../../../tests/fixtures/events/request-plan.json"),
];

/// Keys and texts that mean something, so that arbitrary JSON reaches deep into the recogniser.
const KEYS: [&str; 40] = [
    "Records",
    "Messages",
    "body",
    "Body",
    "Sns",
    "Message",
    "Type",
    "source",
    "detail-type",
    "detail",
    "account",
    "id",
    "time",
    "replay-name",
    "eventSource",
    "eventName",
    "eventType",
    "eventTime",
    "errorCode",
    "recipientAccountId",
    "userIdentity",
    "requestParameters",
    "serviceEventDetails",
    "accountId",
    "mode",
    "generation",
    "allowDisruption",
    "onlyPlanned",
    "drift",
    "repairs",
    "resourceId",
    "state",
    "createManagedAccountStatus",
    "updateManagedAccountStatus",
    "createAccountStatus",
    "closeAccountStatus",
    "message",
    "version",
    "x",
    "",
];
const TEXTS: [&str; 16] = [
    "aws.controltower",
    "aws.organizations",
    "berth.accounts",
    "AWS Service Event via CloudTrail",
    "Account Created",
    "AWS API Call via CloudTrail",
    "controltower.amazonaws.com",
    "organizations.amazonaws.com",
    "CreateManagedAccount",
    "MoveAccount",
    "TagResource",
    "CreateAccountResult",
    "SUCCEEDED",
    "111122223333",
    "{\"accountId\":\"111122223333\"}",
    "Not Available",
];

/// What must hold of every answer.
fn check(answer: &Recognised) -> Result<(), TestCaseError> {
    let text = serde_json::to_value(answer).unwrap();
    if let Some(account) = text["accountId"].as_str() {
        prop_assert!(account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit()), "{account:?}");
    }
    let acts = matches!(answer.decision, Decision::Onboard | Decision::Offboard);
    prop_assert!(!acts || (answer.account_id.is_some() && answer.source.is_some()), "{answer:?}");
    prop_assert!(!answer.reason.is_empty());
    prop_assert!(answer.reason.len() < 4_000 && !answer.reason.contains('\n'), "{}", answer.reason);
    prop_assert_eq!(&serde_json::from_value::<Recognised>(text).unwrap(), answer);
    Ok(())
}

fn any_json() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        3 => proptest::sample::select(TEXTS.to_vec()).prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    let leaf = prop_oneof![
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
        4 => text.prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 6, |inner| {
        let key =
            prop_oneof![9 => proptest::sample::select(KEYS.to_vec()).prop_map(str::to_owned), 1 => any::<String>()];
        prop_oneof![
            1 => collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            5 => collection::vec((key, inner), 0..6).prop_map(|pairs| Value::from(Map::from_iter(pairs))),
        ]
    })
}

fn wrap(how: u8, text: &str) -> String {
    let record = |body: &str| json!({ "messageId": "1", "body": body, "eventSource": "aws:sqs" });
    let notification = |text: &str| json!({ "Type": "Notification", "TopicArn": "arn", "Message": text });
    match how % 5 {
        0 => json!({ "Records": [record(text)] }),
        1 => record(text),
        2 => notification(text),
        3 => json!({ "Records": [{ "EventSource": "aws:sns", "Sns": notification(text) }] }),
        _ => json!({ "Messages": [{ "MessageId": "1", "Body": text }] }),
    }
    .to_string()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn arbitrary_bytes_get_an_answer(bytes in collection::vec(any::<u8>(), 0..2_000)) {
        check(&recognise(&bytes))?;
    }

    #[test]
    fn arbitrary_json_gets_an_answer(value in any_json()) {
        check(&recognise(value.to_string().as_bytes()))?;
    }

    #[test]
    fn a_wrapper_never_changes_the_answer(event in 0..GOOD.len(), layers in collection::vec(any::<u8>(), 0..=LAYERS_MAX)) {
        let bare = recognise(GOOD[event].as_bytes());
        prop_assert!(matches!(bare.decision, Decision::Onboard | Decision::Offboard), "{bare:?}");
        let wrapped = layers.iter().fold(GOOD[event].to_owned(), |text, &how| wrap(how, &text));
        prop_assert_eq!(recognise(wrapped.as_bytes()), bare);
    }

    #[test]
    fn one_wrapper_too_many_is_rejected(event in 0..GOOD.len(), how in any::<u8>()) {
        let wrapped = (0..=LAYERS_MAX).fold(GOOD[event].to_owned(), |text, _| wrap(how, &text));
        prop_assert_eq!(recognise(wrapped.as_bytes()).decision, Decision::Reject);
    }

    #[test]
    fn flipped_bytes_never_make_an_account_id_that_is_none(
        event in 0..GOOD.len(),
        flips in collection::vec((any::<Index>(), 1..=255_u8), 1..4),
    ) {
        let mut bytes = GOOD[event].as_bytes().to_vec();
        for (at, flip) in flips {
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
        }
        check(&recognise(&bytes))?;
    }

    #[test]
    fn a_cut_event_is_rejected(event in 0..GOOD.len(), at in any::<Index>()) {
        let text = GOOD[event].trim_end();
        prop_assert_eq!(recognise(&text.as_bytes()[..at.index(text.len())]).decision, Decision::Reject);
    }

    #[test]
    fn the_order_of_keys_never_matters(event in 0..GOOD.len()) {
        // serde_json sorts keys: another order than AWS's.
        let sorted = serde_json::from_str::<Value>(GOOD[event]).unwrap().to_string();
        prop_assert_eq!(recognise(sorted.as_bytes()), recognise(GOOD[event].as_bytes()));
    }
}

#[test]
fn a_message_over_the_size_limit_is_rejected_and_one_at_it_is_read() {
    let request = r#"{"accountId":"111122223333"}"#;
    let padded = |length: usize| format!("{request}{}", " ".repeat(length - request.len()));
    assert_eq!(recognise(padded(BYTES_MAX).as_bytes()).decision, Decision::Onboard);
    let larger = recognise(padded(BYTES_MAX + 1).as_bytes());
    assert_eq!(larger.decision, Decision::Reject);
    assert!(larger.reason.contains("larger than"), "{}", larger.reason);
}

#[test]
fn nesting_without_end_is_rejected_wherever_it_is() {
    for (open, close) in [("[", "]"), ("{\"detail\":", "}"), ("{\"Records\":[", "]}"), ("{\"x\":", "}")] {
        for inner in ["1", ""] {
            let deep = format!("{}{inner}{}", open.repeat(50_000), close.repeat(50_000));
            let answer = recognise(deep.as_bytes());
            assert_eq!(answer.decision, Decision::Reject, "{open}");
            assert!(answer.reason.contains("nested deeper"), "{open}: {}", answer.reason);
        }
    }
    let levels = |count: usize| format!("{}{}", "[".repeat(count), "]".repeat(count));
    let event = |list: &str| format!(r#"{{"accountId":"111122223333","Comment":{list}}}"#);
    assert_eq!(recognise(event(&levels(DEPTH_MAX - 1)).as_bytes()).decision, Decision::Onboard);
    assert_eq!(recognise(event(&levels(DEPTH_MAX)).as_bytes()).decision, Decision::Reject);
    // Brackets in texts are no nesting, after an escaped quotation mark neither.
    let text = format!(r#"{{"accountId":"111122223333","Comment":"\"{}\\"}}"#, "[".repeat(1_000));
    assert_eq!(recognise(text.as_bytes()).decision, Decision::Onboard);
}

#[test]
fn the_deepest_nesting_fits_a_small_stack() {
    let deep = |open: &str, close: &str, count| format!("{}1{}", open.repeat(count), close.repeat(count));
    let messages = [deep("{\"detail\":", "}", DEPTH_MAX), deep("{\"Records\":[", "]}", DEPTH_MAX / 2)];
    let run = move || messages.map(|message| recognise(message.as_bytes()).decision);
    let answers = std::thread::Builder::new().stack_size(1 << 20).spawn(run).unwrap().join().unwrap();
    assert_eq!(answers, [Decision::Reject, Decision::Reject]);
}

#[test]
fn what_is_not_an_object_is_rejected_with_what_it_is() {
    for (text, reason) in [
        ("", "it is empty"),
        (" \n", "it is empty"),
        ("111122223333", "it is a number, not a JSON object"),
        ("\"111122223333\"", "it is text, not a JSON object"),
        ("null", "it is null, not a JSON object"),
        ("[]", "it is a list, not a JSON object"),
        ("{}", "no accountId (it is empty)"),
        (r#"{"AccountId":"111122223333"}"#, "it has \"AccountId\""),
        (r#"{"accountId":"111122223333"} x"#, "it is not JSON: trailing characters"),
        ("accountId: 111122223333", "it is not JSON"),
    ] {
        let answer = recognise(text.as_bytes());
        assert_eq!(answer.decision, Decision::Reject, "{text}");
        assert!(answer.reason.contains(reason), "{text}: {}", answer.reason);
    }
    assert_eq!(
        recognise(b"\xef\xbb\xbf{\"accountId\":\"111122223333\"}").decision,
        Decision::Onboard,
        "a byte order mark"
    );
    assert_eq!(recognise(br#"{"account\u0049d":"111122223333"}"#).decision, Decision::Onboard, "an escaped key");
}
