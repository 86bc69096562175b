//! What failed is shown, announced and run again, on a local AWS that nobody else uses: `berth replay --all` is about
//! everything that failed, and a replay of the archive about everything that came.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod archive;
mod dead_letters;
mod endings;
mod failures;
mod logs;
mod long_history;
mod moments;
#[path = "../journeys/onboarded.rs"]
mod onboarded;
mod plans;
mod status;
mod strangers;

use std::sync::MutexGuard;

use berth_tests::rig::{self, HUB, Rig, TimingProfile};
use serde_json::{Value, json};

/// Lets one test at a time have the local AWS for itself.
fn alone() -> (&'static Rig, MutexGuard<'static, ()>) {
    rig::alone(TimingProfile::Fast, |_| ())
}

/// Puts somebody else's role where one of the tenant's belongs: `CreateTenantRoles` fails with `NotOwned`.
fn squat(rig: &Rig, account: &str, tenant: &str) {
    let trust = json!({ "Version": "2012-10-17", "Statement": [] }).to_string();
    let name = format!("{tenant}-viewer");
    let role = json!({ "RoleName": name, "Path": "/tenant/", "AssumeRolePolicyDocument": trust });
    rig.call(account, "iam", "create_role", &role);
}

/// Takes that role away.
fn unsquat(rig: &Rig, account: &str, tenant: &str) {
    rig.call(account, "iam", "delete_role", &json!({ "RoleName": format!("{tenant}-viewer") }));
}

/// The list, as scripts read it.
fn listed(rig: &Rig) -> Vec<Value> {
    let (code, text) = rig.berth(&["replay", "--json"]);
    assert_eq!(code, 0, "{text}");
    serde_json::from_str(&text).unwrap()
}

/// A queue that gets every event of a kind about an account, as somebody else's automation would have it.
fn subscribe(rig: &Rig, account: &str, kind: &str) -> String {
    let name = format!("told-{account}");
    let queue = format!("arn:aws:sqs:us-east-1:{HUB}:{name}");
    let rule = format!("arn:aws:events:us-east-1:{HUB}:rule/berth-accounts/{name}");
    let policy = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": { "Service": "events.amazonaws.com" }, "Action": "sqs:SendMessage",
        "Resource": queue, "Condition": { "ArnEquals": { "aws:SourceArn": rule } },
    }] });
    let made = json!({ "QueueName": name, "Attributes": { "Policy": policy.to_string() } });
    let url = rig.call(HUB, "sqs", "create_queue", &made)["QueueUrl"].as_str().unwrap().to_owned();
    let pattern = json!({ "detail-type": [kind], "detail": { "accountId": [account] } }).to_string();
    let bus = "berth-accounts";
    rig.call(HUB, "events", "put_rule", &json!({ "Name": name, "EventBusName": bus, "EventPattern": pattern }));
    let targets = json!({ "Rule": name, "EventBusName": bus, "Targets": [{ "Id": "queue", "Arn": queue }] });
    rig.call(HUB, "events", "put_targets", &targets);
    url
}

/// The next message of that queue.
fn told(rig: &Rig, queue: &str) -> Option<Value> {
    let answer = rig.call(HUB, "sqs", "receive_message", &json!({ "QueueUrl": queue }));
    let message = answer["Messages"].get(0)?.clone();
    let receipt = json!({ "QueueUrl": queue, "ReceiptHandle": message["ReceiptHandle"] });
    rig.call(HUB, "sqs", "delete_message", &receipt);
    Some(serde_json::from_str(message["Body"].as_str().unwrap()).unwrap())
}
