//! Dead letters are listed without being lost or hidden, and moved back with their reason.

use std::collections::BTreeSet;

use berth_ledger::Status;
use berth_tests::rig::{Event, HUB, Rig, event};
use serde_json::{Value, json};

use crate::{alone, listed, onboarded::assert_onboarded, squat, unsquat};

fn url(name: &str) -> String {
    format!("https://sqs.us-east-1.amazonaws.com/{HUB}/{name}")
}

/// What EventBridge leaves in a dead-letter queue when a queue's policy refused it.
fn bury(rig: &Rig, body: &str) {
    let text = |value: &str| json!({ "DataType": "String", "StringValue": value });
    let attributes = json!({
        "RULE_ARN": text("arn:aws:events:us-east-1:210987654321:rule/berth-accounts/berth-control-tower-accounts"),
        "TARGET_ARN": text("arn:aws:sqs:us-east-1:210987654321:berth-intake"),
        "ERROR_CODE": text("NO_PERMISSIONS"),
        "ERROR_MESSAGE": text("the queue's policy does not allow it"),
        "RETRY_ATTEMPTS": text("0"),
    });
    let queue = url("berth-intake-dlq");
    let message = json!({ "QueueUrl": queue, "MessageBody": body, "MessageAttributes": attributes });
    rig.call(HUB, "sqs", "send_message", &message);
}

/// Throws away what is in the intake's dead-letter queue.
fn empty(rig: &Rig) {
    let queue = json!({ "QueueUrl": url("berth-intake-dlq"), "MaxNumberOfMessages": 10 });
    loop {
        let answer = rig.call(HUB, "sqs", "receive_message", &queue);
        let Some(messages) = answer["Messages"].as_array() else { return };
        for message in messages {
            let receipt = json!({ "QueueUrl": queue["QueueUrl"], "ReceiptHandle": message["ReceiptHandle"] });
            rig.call(HUB, "sqs", "delete_message", &receipt);
        }
    }
}

fn ids(lines: &[Value]) -> BTreeSet<String> {
    lines.iter().map(|line| line["messageId"].as_str().unwrap().to_owned()).collect()
}

/// Lines of accept-event that say that a message was rejected.
fn rejections(rig: &Rig) -> usize {
    rig.log_lines("berth-accept-event").iter().filter(|line| line.contains("rejected")).count()
}

#[test]
fn poison_is_listed_with_its_reason_and_dead_again_once_after_a_replay() {
    let (rig, _alone) = alone();
    empty(rig);
    let before = rejections(rig);
    let poison: Vec<String> = (0..13).map(|number| format!(r#"{{"poison-number": {number}"#)).collect();
    for ten in poison.chunks(10) {
        let said = rig.deliver(ten);
        assert!(said.iter().all(|line| line.contains("rejected")), "{said:?}");
    }
    let lines = listed(rig);
    assert_eq!((lines.len(), ids(&lines).len()), (13, 13), "each exactly once, more than one call can give");
    assert!(lines.iter().all(|line| line["fault"] == "rejected" && line["replays"] == 0), "{lines:?}");
    assert!(lines.iter().all(|line| line["reason"].as_str().unwrap().contains("JSON")), "{lines:?}");
    assert_eq!(ids(&listed(rig)), ids(&lines), "looking hides nothing");

    let id = lines[4]["id"].as_str().unwrap();
    let (code, text) = rig.berth(&["replay", "show", id, "--json"]);
    let shown: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, shown[0]["recognised"]["decision"].as_str()), (0, Some("reject")), "{shown}");
    let body = shown[0]["body"].as_str().unwrap().to_owned();
    assert!(poison.contains(&body), "{body}");

    let (code, text) = rig.berth(&["replay", id, "--json"]);
    let done: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, done[0]["did"].as_str()), (0, Some("moved")), "{done}");
    let again = rig.until("the poison to be dead again", || listed(rig).into_iter().find(|line| line["replays"] == 1));
    assert!(again["reason"].as_str().unwrap().contains("JSON"), "{again}");
    let lines = listed(rig);
    assert_eq!((lines.len(), ids(&lines).len()), (13, 13));
    assert_eq!(rejections(rig) - before, 14, "once more, and no loop");

    let all = ids(&lines);
    let mut of: Vec<&str> = lines.iter().map(|line| line["messageId"].as_str().unwrap()).take(3).collect();
    let (code, text) = rig.berth(&["replay", "delete", of[0], of[1], "--json"]);
    let deleted: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, deleted[1]["messageId"].as_str(), deleted.as_array().unwrap().len()), (0, Some(of[1]), 2));
    let left: BTreeSet<String> = all.iter().filter(|id| !of[..2].contains(&id.as_str())).cloned().collect();
    assert_eq!(ids(&listed(rig)), left, "those, and no other");
    of[0] = "00000000-0000-4000-8000-000000000000";
    assert_eq!(rig.berth(&["replay", "delete", of[2], of[0]]).0, 1, "one of them is none");
    assert_eq!(ids(&listed(rig)), left, "so none is deleted, and none is hidden");
    empty(rig);
}

#[test]
fn everything_that_failed_is_run_again_at_once_and_what_cannot_be_stays() {
    let (rig, _alone) = alone();
    empty(rig);
    let [failed, lost] = ["broken", "undelivered"].map(|name| rig.account(&format!("{name}-staging"), "staging"));
    squat(rig, &failed, "broken");
    rig.publish(&[event(Event::Created, &failed)]);
    rig.wait_for(&failed, Status::Failed);
    unsquat(rig, &failed, "broken");
    bury(rig, &event(Event::Created, &lost));
    rig.deliver(&[r#"{"accountId": "not one"}"#.to_owned()]);

    let lines = listed(rig);
    let faults: BTreeSet<&str> = lines.iter().map(|line| line["fault"].as_str().unwrap()).collect();
    assert_eq!(faults, BTreeSet::from(["NotOwned", "NO_PERMISSIONS", "rejected"]), "{lines:?}");
    let sinces: Vec<&str> = lines.iter().map(|line| line["since"].as_str().unwrap()).collect();
    assert!(sinces.is_sorted(), "oldest first: {sinces:?}");
    let undelivered = lines.iter().find(|line| line["fault"] == "NO_PERMISSIONS").unwrap();
    assert_eq!(undelivered["accountId"], *lost);

    let (code, text) = rig.berth(&["replay", "--all", "--wait"]);
    assert_eq!(code, 0, "{text}");
    assert_eq!(text.lines().filter(|line| line.contains("moved: ")).count(), 2, "{text}");
    assert_eq!(
        text.lines().filter(|line| line.contains("redriven: goes on at CreateTenantRoles")).count(),
        1,
        "{text}"
    );
    for account in [&failed, &lost] {
        // Until the redrive's end is announced, the ledger still has the failure.
        let record = rig.until("the account to be onboarded", || {
            rig.record(account).filter(|record| record.status == Status::Onboarded)
        });
        assert_onboarded(rig, &record);
    }
    let left = rig.until("the malformed one to be dead again", || {
        let lines = listed(rig);
        (lines.len() == 1 && lines[0]["replays"] == 1).then_some(lines)
    });
    assert_eq!(left[0]["fault"], "rejected");
    empty(rig);
}

#[test]
fn a_message_without_room_for_its_reason_is_dead_at_once_with_its_start() {
    let (rig, _alone) = alone();
    let long = format!(r#"{{"detail": "the-long-one {}"#, "x".repeat(240_000));
    let refuse = json!({
        "match": { "function": "berth-accept-event", "operation": "SendMessage" }, "times": 1,
        "action": { "error": {
            "code": "InvalidParameterValue", "status": 400, "message": "Message must be shorter than 262144 bytes.",
        } },
    });
    let rule = rig.break_calls(&refuse);
    let account = rig.account("beside-a-long-one", "suspended");
    let said = rig.deliver(&[long.clone(), event(Event::Created, &account)]);
    assert!(said[0].contains("rejected"), "{}", said[0]);
    rig.wait_for(&account, Status::Ignored);
    assert_eq!(rig.fired(rule), 1, "SQS refused it whole");
    let dead = rig.dead_letters("berth-intake-dlq", "the-long-one");
    let [dead] = dead.as_slice() else { panic!("exactly one: {} of them", dead.len()) };
    assert_eq!(dead.body().unwrap().len(), 200 * 1024);
    assert!(long.starts_with(dead.body().unwrap()));
    let reason = dead.message_attributes().unwrap()["BERTH_REASON"].string_value().unwrap();
    assert!(reason.starts_with("cut after 204800 of 240025 bytes") && reason.contains("not JSON"), "{reason}");
    empty(rig);
}
