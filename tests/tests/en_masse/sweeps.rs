//! Events that never come, executions that vanish, failures that nobody looks at: the sweep finds the account.

use std::collections::BTreeSet;

use berth_ledger::{Record, Status};
use berth_tests::rig::{Call, Event, HUB, MANAGEMENT, Rig, event, fixture};
use serde_json::{Value, json};

use crate::{alone, assert_one_of_each, names, wait_for_all};

/// `berth sweep --json`: what it says.
fn sweep(rig: &Rig, arguments: &[&str]) -> Value {
    let (code, text) = rig.berth(&[&["sweep", "--json"], arguments].concat());
    assert_eq!(code, 0, "{text}");
    serde_json::from_str(&text).unwrap()
}

/// Accounts that a sweep asked for, and why.
fn asked(report: &Value) -> BTreeSet<(String, String)> {
    let asks = report["asked"].as_array().unwrap().iter();
    let text = |ask: &Value, name: &str| ask[name].as_str().unwrap().to_owned();
    asks.map(|ask| (text(ask, "accountId"), text(ask, "why"))).collect()
}

fn all(accounts: &[String], why: &str) -> BTreeSet<(String, String)> {
    accounts.iter().map(|account| (account.clone(), why.to_owned())).collect()
}

/// Loses the events of the accounts that come after the first `delivered`, of so many with names of their own, and has a
/// sweep find exactly those.
fn lose_and_find(rig: &Rig, crowds: [(&str, usize, usize); 2]) {
    for (prefix, count, delivered) in crowds {
        let accounts = rig.accounts(&names(prefix, count), "staging");
        let (came, lost) = accounts.split_at(delivered);
        let _ = rig.enqueue(&came.iter().map(|account| event(Event::Created, account)).collect::<Vec<_>>());
        wait_for_all(rig, came, Status::Onboarded);

        let would = sweep(rig, &["--dry-run"]);
        assert_eq!((asked(&would), would["dryRun"].as_bool()), (all(lost, "missing"), Some(true)));
        assert!(lost.iter().all(|account| rig.record(account).is_none()), "a dry run asks for nothing");
        assert_eq!(asked(&sweep(rig, &[])), all(lost, "missing"));
        let records = wait_for_all(rig, &accounts, Status::Onboarded);
        assert_one_of_each(rig, &records);
        assert_eq!(asked(&sweep(rig, &[])), BTreeSet::new(), "and nobody is asked for twice");
    }
}

#[test]
fn one_sweep_finds_every_account_whose_event_was_dropped() {
    let (rig, _alone) = alone();
    // One of four is lost, then both of two.
    lose_and_find(rig, [("quarter", 4, 3), ("neither", 2, 0)]);
}

#[test]
#[ignore = "make test-all: fifty accounts"]
fn one_sweep_finds_every_account_of_a_crowd_whose_event_was_dropped() {
    let (rig, _alone) = alone();
    // Three of thirty are lost, then all of twenty.
    lose_and_find(rig, [("tenth", 30, 27), ("none", 20, 0)]);
}

#[test]
fn a_sweep_asks_only_for_accounts_that_are_ours() {
    let (rig, _alone) = alone();
    let closed = rig.account("closed-staging", "staging");
    rig.call(MANAGEMENT, "organizations", "close_account", &json!({ "AccountId": closed }));
    let outside = rig.account("outside", "suspended");
    let private = rig.account_with("private-staging", "staging", &json!({ "berth:onboard": "false" }));
    assert_eq!(asked(&sweep(rig, &[])), all(std::slice::from_ref(&private), "missing"), "its tag is not read, once");
    wait_for_all(rig, std::slice::from_ref(&private), Status::Ignored);
    assert_eq!(asked(&sweep(rig, &[])), BTreeSet::new(), "its tag keeps it out for good");
    for account in [closed.as_str(), outside.as_str(), HUB, MANAGEMENT] {
        assert!(rig.record(account).is_none(), "{account}");
    }
    let tag = json!({ "ResourceId": private, "TagKeys": ["berth:onboard"] });
    rig.call(MANAGEMENT, "organizations", "untag_resource", &tag);
    assert_eq!(asked(&sweep(rig, &[])), all(std::slice::from_ref(&private), "ours"), "somebody let it in");
    let records = wait_for_all(rig, &[private], Status::Onboarded);
    assert_eq!(records[0].generation, 2);
}

/// Overwrites when the account became what it is, as if that were long ago.
fn age(rig: &Rig, record: &Record, status: &str) {
    rig.call(
        HUB,
        "dynamodb",
        "update_item",
        &json!({
            "TableName": "berth-ledger",
            "Key": { "pk": { "S": format!("account#{}", record.account_id) }, "sk": { "S": "record" } },
            "UpdateExpression": "SET since = :since, #s = :status REMOVE failure",
            "ExpressionAttributeNames": { "#s": "status" },
            "ExpressionAttributeValues": { ":since": { "S": "2026-01-02T03:04:05Z" }, ":status": { "S": status } },
        }),
    );
}

/// Waits until an account is onboarded, however it failed before.
fn onboarded(rig: &Rig, account: &str) -> Record {
    rig.until(&format!("{account} to be onboarded"), || {
        rig.record(account).filter(|record| record.status == Status::Onboarded)
    })
}

#[test]
fn a_sweep_starts_failed_and_lost_accounts_and_leaves_one_that_runs() {
    let (rig, _alone) = alone();
    let accounts = rig.accounts(&names("unlucky", 3), "staging");
    let [failed, lost, runs] = accounts.as_slice() else { panic!("three") };
    for (account, tenant) in [(failed, "unlucky0"), (lost, "unlucky1")] {
        let role = json!({
            "RoleName": format!("{tenant}-viewer"), "Path": "/tenant/",
            "AssumeRolePolicyDocument": json!({ "Version": "2012-10-17", "Statement": [] }).to_string(),
        });
        rig.call(account, "iam", "create_role", &role);
    }
    let slow = json!({
        "match": { "account": runs, "function": "berth-provision-vpc", "operation": "DescribeVpcs" },
        "action": { "hold": true },
    });
    let rule = rig.break_calls(&slow);
    let events: Vec<String> = accounts.iter().map(|account| event(Event::Created, account)).collect();
    let _ = rig.enqueue(&events);
    let records = wait_for_all(rig, &accounts[..2], Status::Failed);
    // Its end was never written: the ledger says running, and nothing runs.
    age(rig, &records[1], "running");
    age(
        rig,
        &rig.until("the slow one to run", || rig.record(runs).filter(|record| record.status == Status::Running)),
        "running",
    );
    for (account, tenant) in [(failed, "unlucky0"), (lost, "unlucky1")] {
        rig.call(account, "iam", "delete_role", &json!({ "RoleName": format!("{tenant}-viewer") }));
    }
    let report = sweep(rig, &[]);
    assert_eq!(asked(&report), all(std::slice::from_ref(lost), "stuck"), "{report}");
    assert_eq!((report["left"]["failedLately"].as_u64(), report["left"]["underWay"].as_u64()), (Some(1), Some(1)));
    let report = sweep(rig, &["--failed-after", "0"]);
    assert!(asked(&report).contains(&(failed.clone(), "failed".to_owned())), "{report}");
    rig.mend(rule);
    // Not `wait_for_all`: until accept-event has seen the event, the failed account is still failed.
    let generations: Vec<u32> = accounts.iter().map(|account| onboarded(rig, account).generation).collect();
    assert_eq!(generations, [2, 2, 1]);
    assert!(rig.fired(rule) >= 1, "it was really slow");
}

#[test]
fn a_refused_batch_holds_up_no_other_and_the_next_sweep_finds_it() {
    let (rig, _alone) = alone();
    let mut accounts = rig.accounts(&names("refused", 11), "staging");
    accounts.sort();
    let (first_ten, last) = accounts.split_at(10);
    let refuse = json!({
        "match": { "function": "berth-sweep-accounts", "operation": "PutEvents" },
        "action": { "error": { "code": "AccessDeniedException", "status": 400, "message": "no" } }, "times": 1,
    });
    let rule = rig.break_calls(&refuse);
    let (code, text) = rig.berth(&["sweep"]);
    assert_eq!((code, text.as_str()), (1, ""));
    assert_eq!(rig.fired(rule), 1);
    let log = rig.log_lines("berth-sweep-accounts").join("\n");
    assert!(log.contains("\"fault\":\"Denied\"") && log.contains("events:PutEvents"), "{log}");
    assert!(log.contains("asked for 1 accounts, and had 1 problems"), "{log}");
    wait_for_all(rig, last, Status::Onboarded);
    assert_eq!(asked(&sweep(rig, &[])), all(first_ten, "missing"));
    wait_for_all(rig, &accounts, Status::Onboarded);
}

#[test]
fn an_unreadable_record_holds_up_no_other_and_is_an_error_of_the_sweep() {
    let (rig, _alone) = alone();
    let accounts = rig.accounts(&names("legible", 2), "staging");
    let [broken, missing] = accounts.as_slice() else { panic!("two") };
    let key = json!({ "pk": { "S": format!("account#{broken}") }, "sk": { "S": "record" } });
    let mut item = key.clone();
    item["status"] = json!({ "S": "adrift" });
    rig.call(HUB, "dynamodb", "put_item", &json!({ "TableName": "berth-ledger", "Item": item }));
    let (code, text) = rig.berth(&["sweep", "--dry-run", "--json"]);
    let would: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, asked(&would)), (1, all(std::slice::from_ref(missing), "missing")));
    assert_eq!(
        (would["left"]["unreadable"].as_u64(), would["problems"][0]["accountId"].as_str()),
        (Some(1), Some(&**broken))
    );
    let (code, text) = rig.berth(&["sweep"]);
    assert_eq!((code, text.as_str()), (1, ""));
    wait_for_all(rig, std::slice::from_ref(missing), Status::Onboarded);
    rig.call(HUB, "dynamodb", "delete_item", &json!({ "TableName": "berth-ledger", "Key": key }));
    assert_eq!(asked(&sweep(rig, &[])), all(std::slice::from_ref(broken), "missing"), "it can be looked at again");
    wait_for_all(rig, &accounts, Status::Onboarded);
}

#[test]
fn an_account_moved_during_its_onboarding_is_listed_and_not_asked_for() {
    let (rig, _alone) = alone();
    let account = rig.account_with("wanderer", "staging", &json!({ "berth:tenant": "wanderer" }));
    let slow = json!({
        "match": { "account": account, "function": "berth-provision-vpc", "operation": "DescribeVpcs" },
        "action": { "hold": true },
    });
    let rule = rig.break_calls(&slow);
    let _ = rig.enqueue(&[event(Event::Created, &account)]);
    rig.until("it to run", || rig.record(&account).filter(|record| record.status == Status::Running));
    // Its tenant's file is asked first.
    rig.until("the call to be held", || (rig.fired_so_far(rule) > 0).then_some(()));
    let units = json!({
        "AccountId": account, "SourceParentId": "ou-ab12-stg00001", "DestinationParentId": "ou-ab12-dev00001",
    });
    rig.call(MANAGEMENT, "organizations", "move_account", &units);
    let said = rig.deliver(&[moved_now(&account)]);
    assert!(said[0].contains("under way"), "its own event comes while nothing else may start: {}", said[0]);
    rig.mend(rule);
    let first = wait_for_all(rig, std::slice::from_ref(&account), Status::Onboarded).remove(0);
    assert!(rig.fired(rule) >= 1, "it was really slow");
    assert_eq!((first.generation, first.environment.as_ref().unwrap().as_str()), (1, "staging"));

    // Who it is, a person decides: the sweep says so, and asks for nothing.
    let report = sweep(rig, &[]);
    assert_eq!(asked(&report), BTreeSet::new());
    let change = report["changed"].as_array().unwrap().iter().find(|change| change["accountId"] == json!(account));
    let change = change.unwrap_or_else(|| panic!("{report}"));
    assert_eq!((change["is"].as_str(), change["wouldBe"].as_str()), (Some("wanderer/staging"), Some("wanderer/dev")));
    // A person who asks for it is told before anything changes.
    let since = rig.last_call();
    let (code, said) = rig.berth(&["onboard", &account, "--wait"]);
    assert_eq!(code, 1, "{said}");
    assert!(["wanderer/staging", "wanderer/dev", "berth transfer"].iter().all(|text| said.contains(text)), "{said}");
    assert!(!rig.calls(since).iter().any(|call| call.effect == "resource" && call.function.starts_with("berth-")));
    rig.disperse(std::slice::from_ref(&account), "dev");
}

#[test]
fn a_renamed_environment_stops_the_hourly_sweep_which_names_its_accounts() {
    let (rig, _alone) = alone();
    let west = json!({ "eu-west-1": rig.platform("environments.dev.regions.eu-west-1") });
    let slim = [("environments.dev.regions", west), ("environments.dev.defaultVpc", json!("keep"))];
    rig.deploy_platform(&slim);
    let names: Vec<String> = (0..6).map(|number| format!("settled{number}-dev")).collect();
    let accounts = rig.accounts(&names, "dev");
    let _ = rig.enqueue(&accounts.iter().map(|account| event(Event::Created, account)).collect::<Vec<_>>());
    let before = wait_for_all(rig, &accounts, Status::Onboarded);
    // The next sweep would ask for it.
    let missing = rig.account("unheard-staging", "staging");

    let mut environments = rig.platform("environments");
    let renamed = environments.as_object_mut().unwrap().remove("dev").unwrap();
    environments["development"] = renamed;
    rig.deploy_platform(&[("environments", environments)]);
    let (since, executions) = (rig.last_call(), rig.execution_names().len());
    let (answer, failed) = rig.invoke("berth-sweep-accounts", &json!({ "missingAfterMinutes": 0 }));
    assert_eq!((failed, answer["errorType"].as_str()), (true, Some("InvalidInput")), "{answer}");
    let said = answer["errorMessage"].as_str().unwrap();
    let first = "asked for 0 accounts, and had 1 problems: 6 accounts would become others, so nothing was asked for: \
                 environment is dev, and would be development: 6 accounts (";
    assert!(said.starts_with(first), "{said}");
    assert!(accounts.iter().all(|account| said.contains(account.as_str())), "{said}");
    assert!(said.contains("berth validate FILE --accounts"), "{said}");

    let calls: Vec<Call> = rig.calls(since).into_iter().filter(|call| call.function.starts_with("berth-")).collect();
    assert!(calls.iter().any(|call| call.operation == "ListAccounts"), "it was the sweep");
    let acts: Vec<&Call> = calls.iter().filter(|call| !["read", "session"].contains(&call.effect.as_str())).collect();
    assert!(acts.is_empty(), "it publishes, starts and writes nothing: {acts:?}");
    assert_eq!((rig.execution_names().len(), rig.record(&missing)), (executions, None));
    let records: Vec<Record> = accounts.iter().map(|account| rig.record(account).unwrap()).collect();
    assert_eq!(records, before);

    // It is undone: nothing of theirs is to be repaired, and who was missing is asked for.
    rig.deploy_platform(&slim);
    assert_eq!(asked(&sweep(rig, &[])), all(std::slice::from_ref(&missing), "missing"));
    wait_for_all(rig, &[missing], Status::Onboarded);
    rig.deploy_platform(&[]);
}

/// The event of a move into dev, as it would come now.
fn moved_now(account: &str) -> String {
    let text = fixture("organizations-move-account", "222233334444", account);
    let mut event: Value = serde_json::from_str(&text).unwrap();
    let now = jiff::Timestamp::now().to_string();
    event["time"] = json!(now);
    event["detail"]["eventTime"] = json!(now);
    event.to_string()
}

#[test]
#[ignore = "make test-all: a thousand accounts"]
fn a_sweep_reads_a_thousand_accounts_once_and_asks_about_none() {
    let (rig, _alone) = alone();
    let crowd = rig.crowd(1_000, "prod");
    let since = rig.last_call();
    let report = sweep(rig, &["--dry-run"]);
    let calls: Vec<_> = rig.calls(since).into_iter().filter(|call| call.function == "berth-sweep-accounts").collect();
    // Before anything is asserted: the next test's sweep would ask for all of them.
    rig.disperse(&crowd, "prod");
    assert_eq!(asked(&report), all(&crowd, "missing"));
    let count = |operation: &str| calls.iter().filter(|call| call.operation == operation).count();
    let pages = usize::try_from(report["accounts"].as_u64().unwrap()).unwrap().div_ceil(100);
    assert_eq!(count("ListAccounts"), pages, "the local AWS has a hundred to a page");
    assert_eq!((count("Scan"), count("ListExecutions")), (1, 1));
    // A session that is there already is used again. Accounts that another test had ignored: their tags are read.
    let others = count("AssumeRole") + count("ListTagsForResource");
    assert!(calls.len() == pages + 2 + others && others < 5, "{calls:#?}");
}
