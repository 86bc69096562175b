//! The task token of a run that asks people: in the ledger, and nowhere else.

use berth_ledger::Status;
use berth_tests::rig::{HUB, Place, Rig, disguises};
use serde_json::{Value, json};

use crate::{MIA, start, turn, waits};

/// The token of an account's run that waits, as the ledger has it; none once it was used.
fn token(rig: &Rig, account: &str) -> Option<String> {
    let key = json!({ "pk": { "S": format!("approval#{account}") }, "sk": { "S": "token" } });
    let asked = json!({ "TableName": "berth-ledger", "Key": key, "ConsistentRead": true });
    let answer = rig.call(HUB, "dynamodb", "get_item", &asked);
    answer["Item"]["taskToken"]["S"].as_str().map(str::to_owned)
}

/// The places that have a token, in any disguise.
fn holders(places: &[Place], token: &str) -> Vec<String> {
    let hidden = disguises(token);
    let has = |place: &&Place| hidden.iter().any(|text| place.text.contains(text));
    places.iter().filter(has).map(|place| place.name.clone()).collect()
}

/// Types of the events of an execution's history that have a token.
fn events_with(rig: &Rig, execution: &str, token: &str) -> Vec<String> {
    let asked = json!({ "executionArn": execution, "maxResults": 1000 });
    let told = rig.call(HUB, "stepfunctions", "get_execution_history", &asked);
    let events = told["events"].as_array().unwrap().iter().filter(|event| event.to_string().contains(token));
    events.map(|event| event["type"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_task_token_is_in_the_ledger_and_in_nothing_that_leaves() {
    let (rig, _turn) = turn(json!({ "ask": "always", "by": "pullRequest" }));
    let account = rig.account("discreet-staging", "staging");
    let queue = rig.subscribe(&account, None);
    let run = start(rig, &account);
    waits(rig, &account, 1);
    rig.until("the pull request", || {
        rig.complete_merges();
        rig.record(&account)?.waiting()?.pull_request.clone()
    });
    let token = token(rig, &account).expect("it waits");
    let event = rig.until("the event", || rig.received(&queue));
    assert_eq!(event["detail-type"], "Account Approval Requested");
    let (_, shown) = rig.berth(&["status", &account, "--json"]);
    let said = [event.to_string(), shown, json!(rig.pulls()).to_string(), rig.berth(&["status", &account]).1];
    let places = rig.places();
    for (kind, text) in [("log", &*account), ("history", &account), ("repository", &account), ("settings", "BERTH_BUS")]
    {
        assert!(places.iter().any(|place| place.name.starts_with(kind) && place.text.contains(text)), "{kind}");
    }
    let own = format!("history \"{run}\"");
    let mut with = holders(&places, &token);
    with.sort();
    assert_eq!(with, [own, "ledger".to_owned()]);
    let scheduled = events_with(rig, &run, &token);
    let is_call = |kind: &String| ["TaskScheduled", "LambdaFunctionScheduled"].contains(&kind.as_str());
    assert!(!scheduled.is_empty() && scheduled.iter().all(is_call), "only the call of its own state: {scheduled:?}");
    let described = rig.call(HUB, "stepfunctions", "describe_execution", &json!({ "executionArn": run }));
    assert!(!described.to_string().contains(&token), "neither input nor output");
    let hidden = disguises(&token);
    assert!(said.iter().all(|text| hidden.iter().all(|hidden| !text.contains(hidden))), "{said:#?}");

    let pull = rig.pulls().pop().unwrap();
    rig.merge(&pull["number"]);
    rig.complete_merges();
    rig.wait_for(&account, Status::Onboarded);
    assert_eq!(self::token(rig, &account), None, "what was used is gone");
    let places = rig.places();
    assert!(holders(&places, &token).iter().all(|name| name.starts_with("history")), "{:?}", holders(&places, &token));
}

#[test]
fn people_are_told_when_a_run_begins_to_wait_and_how_to_answer() {
    let (rig, _turn) = turn(json!({ "ask": "always", "days": 2 }));
    let account = rig.account("announced-staging", "staging");
    let queue = rig.subscribe(&account, Some("Account Approval Requested"));
    let run = start(rig, &account);
    let asked = waits(rig, &account, 1);
    let event = rig.until("the event", || rig.received(&queue));
    let detail = &event["detail"];
    let expected = json!({
        "version": 1, "accountId": account, "tenant": "announced", "environment": "staging", "executionArn": run,
        "plan": asked.plan, "counts": asked.counts, "question": 1, "by": "command", "approvers": 1, "since": asked.since,
        "until": asked.until, "look": format!("berth status {account}"),
        "approve": format!("berth approve {account} --plan {}", asked.plan),
    });
    assert_eq!(*detail, expected);
    let command: Vec<&str> = detail["approve"].as_str().unwrap().split(' ').skip(1).collect();
    let (code, text, errors) = rig.berth_as("mia", &command);
    assert!(code == 0 && text.contains(MIA), "{code} {text} {errors}");
    rig.wait_for(&account, Status::Onboarded);
    assert_eq!(rig.received(&queue), None::<Value>, "once for one question");
}
