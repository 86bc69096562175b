//! A canary as password: after onboardings that succeed and fail, it is nowhere.

use std::collections::BTreeSet;

use aws_sdk_sfn::types::ExecutionStatus;
use berth_tests::rig::{HUB, Place, Rig, disguises};
use serde_json::{Value, json};

use crate::alone;

/// In secrets that are no credentials, or wrong ones.
const CANARIES: [&str; 2] = ["canary-of-a-secret-that-is-malformed", "canary-of-a-password-that-is-wrong"];

/// How session tokens of the local AWS begin.
const SESSION: &str = "FQoGZXIvYXdz";

/// A queue that gets every event of Berth's about these accounts, as somebody else's automation would have it.
fn listen(rig: &Rig, accounts: &[&str]) {
    let name = "told-of-outcomes";
    let queue = format!("arn:aws:sqs:us-east-1:{HUB}:{name}");
    let policy = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": { "Service": "events.amazonaws.com" }, "Action": "sqs:SendMessage", "Resource": queue,
    }] });
    rig.call(HUB, "sqs", "create_queue", &json!({ "QueueName": name, "Attributes": { "Policy": policy.to_string() } }));
    let pattern = json!({ "detail": { "accountId": accounts } }).to_string();
    let bus = "berth-accounts";
    rig.call(HUB, "events", "put_rule", &json!({ "Name": name, "EventBusName": bus, "EventPattern": pattern }));
    let targets = json!({ "Rule": name, "EventBusName": bus, "Targets": [{ "Id": "queue", "Arn": queue }] });
    rig.call(HUB, "events", "put_targets", &targets);
}

/// The execution fails with this error in this state, and the ledger knows.
fn fails(rig: &Rig, account: &str, execution: &str, state: &str, error: &str) {
    let ended = rig.ended(execution);
    assert_eq!((&ended.status, ended.error.as_deref()), (&ExecutionStatus::Failed, Some(error)), "{ended:?}");
    let record = rig.wait_for_outcome(account, execution);
    assert_eq!(record.failure.unwrap().state, state);
}

/// Every task token that was ever sent to the commits queue.
fn task_tokens(places: &[Place]) -> BTreeSet<String> {
    let mut tokens = BTreeSet::new();
    for place in places.iter().filter(|place| place.name.starts_with("history")) {
        // In the history the message is JSON within JSON within JSON.
        let text = place.text.replace('\\', "");
        let parts = text.split("\"taskToken\":").skip(1);
        tokens
            .extend(parts.filter_map(|part| part.trim_start().strip_prefix('"')?.split('"').next().map(str::to_owned)));
    }
    tokens
}

fn assert_absent<'a>(places: impl Iterator<Item = &'a Place>, hidden: &[String]) {
    for place in places {
        let shown = hidden.iter().find(|text| place.text.contains(*text));
        assert_eq!(shown, None, "in {}", place.name);
    }
}

#[test]
fn no_password_and_no_task_token_is_anywhere_after_onboardings() {
    let (rig, _alone) = alone();
    let right = rig.secret();
    let password = serde_json::from_str::<Value>(&right).unwrap()["password"].as_str().unwrap().to_owned();
    let [locked, barred, malformed] = ["locked-staging", "barred-staging", "malformed-staging"]
        .map(|name| {
            if name.starts_with("malformed") {
                (name, json!({ "cost-center": "cost centre 4711" }))
            } else {
                (name, json!({}))
            }
        })
        .map(|(name, tags)| rig.account_with(name, "staging", &tags));
    listen(rig, &[&locked, &barred, &malformed]);

    // A server that declines, and quotes what it should not.
    rig.hook("update", Some(&format!("#!/bin/sh\necho 'no, {password} may not push' >&2\nexit 1\n")));
    let execution = rig.start_execution(&json!({ "accountId": barred }));
    fails(rig, &barred, &execution, "CommitTenant", "Denied");
    rig.hook("update", None);
    rig.redrive(&execution);
    assert_eq!(rig.ended(&execution).status, ExecutionStatus::Succeeded);
    // A custom resource that its schema refuses.
    let execution = rig.start_execution(&json!({ "accountId": malformed }));
    fails(rig, &malformed, &execution, "CheckTenant", "InvalidInput");
    // A secret that is none, a password that is refused, and the right one, to copies that have read none yet.
    renew(rig);
    rig.put_secret(&format!("{{ no JSON: {}", CANARIES[0]));
    let execution = rig.start_execution(&json!({ "accountId": locked }));
    fails(rig, &locked, &execution, "CheckTenant", "InvalidInput");
    rig.put_secret(&json!({ "username": "berth", "password": CANARIES[1] }).to_string());
    rig.redrive(&execution);
    fails(rig, &locked, &execution, "CheckTenant", "Denied");
    rig.put_secret(&right);
    rig.redrive(&execution);
    let ended = rig.ended(&execution);
    assert_eq!(ended.status, ExecutionStatus::Succeeded, "{ended:?}");
    rig.wait_for_outcome(&locked, &execution);
    let said = rig.deliver(&["{ \"taskToken\": \"a message that is none\"".to_owned()]);
    assert!(said[0].contains("rejected"), "{}", said[0]);

    let places = rig.places();
    let canaries = CANARIES.into_iter().chain([password.as_str(), SESSION]);
    let hidden: Vec<String> = canaries.flat_map(disguises).collect();
    assert_absent(places.iter(), &hidden);
    for (kind, text) in [
        ("log", &locked),
        ("history", &locked),
        ("ledger", &locked),
        ("repository", &locked),
        ("settings", &"BERTH_GITOPS_SECRET".to_owned()),
        ("queue", &malformed),
        ("queue", &"a message that is none".to_owned()),
    ] {
        assert!(places.iter().any(|place| place.name.starts_with(kind) && place.text.contains(text)), "{kind}: {text}");
    }
    // A history has the tokens that it sent; nothing that is logged or told has any.
    let tokens: Vec<String> = task_tokens(&places).into_iter().collect();
    assert!(tokens.len() >= 6, "{tokens:?}");
    let told = |place: &&Place| ["log", "queue", "ledger"].iter().any(|kind| place.name.starts_with(kind));
    assert_absent(places.iter().filter(told), &tokens);
    for account in [&locked, &barred, &malformed] {
        let shown = rig.berth(&["status", account, "--json"]).1 + &rig.berth(&["replay", "--json"]).1;
        assert!(hidden.iter().chain(&tokens).all(|text| !shown.contains(text)), "{shown}");
    }
}

/// Has the host start new copies of the function that commits, as a deployment does.
fn renew(rig: &Rig) {
    let name = json!({ "FunctionName": "berth-commit-tenant" });
    let mut settings = rig.call(HUB, "lambda", "get_function_configuration", &name)["Environment"]["Variables"].clone();
    settings["BERTH_EDITION"] = "2".into();
    let changed = json!({ "FunctionName": "berth-commit-tenant", "Environment": { "Variables": settings } });
    rig.call(HUB, "lambda", "update_function_configuration", &changed);
    rig.refresh();
}
