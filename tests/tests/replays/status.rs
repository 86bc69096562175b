//! `berth status`, as a person and as a script read it: all accounts, filtered, one, and watched to its end.

use std::collections::BTreeMap;

use berth_ledger::Status;
use berth_tests::rig::{Event, HUB, Rig, event};
use serde_json::{Value, json};

use crate::{alone, squat, unsquat};

/// `berth status …`: its exit code and what it prints.
fn status(rig: &Rig, arguments: &[&str]) -> (i32, String) {
    rig.berth(&[&["status"], arguments].concat())
}

/// What a list says about some accounts, each with its status.
fn rows<'a>(list: &str, accounts: &[&'a str]) -> BTreeMap<&'a str, String> {
    let list: Vec<Value> = serde_json::from_str(list).unwrap();
    let status_of = |account: &&'a str| {
        let row = list.iter().find(|row| row["accountId"] == **account)?;
        Some((*account, row["status"].as_str()?.to_owned()))
    };
    accounts.iter().filter_map(status_of).collect()
}

/// Lines of a watch in JSON.
fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_list_shows_every_account_and_its_filters_leave_out_the_others() {
    let (rig, _alone) = alone();
    let well = rig.account("afloat-staging", "staging");
    let failed = rig.account("aground-staging", "staging");
    let ignored = rig.account("ashore", "suspended");
    squat(rig, &failed, "aground");
    rig.publish(&[&well, &failed, &ignored].map(|account| event(Event::Created, account)));
    rig.wait_for(&well, Status::Onboarded);
    rig.wait_for(&failed, Status::Failed);
    rig.wait_for(&ignored, Status::Ignored);

    let all = [well.as_str(), failed.as_str(), ignored.as_str()];
    for (filters, shown) in [
        (vec![], vec![(all[0], "onboarded"), (all[1], "failed"), (all[2], "ignored")]),
        (vec!["--status", "failed"], vec![(all[1], "failed")]),
        (vec!["--status", "failed", "--status", "ignored"], vec![(all[1], "failed"), (all[2], "ignored")]),
        (vec!["--environment", "staging"], vec![(all[0], "onboarded"), (all[1], "failed")]),
        (vec!["--environment", "dev"], vec![]),
        (vec!["--environment", "staging", "--status", "onboarded"], vec![(all[0], "onboarded")]),
    ] {
        let expected = shown.iter().map(|(account, status)| (*account, (*status).to_owned())).collect();
        let (code, text) = status(rig, &[filters.as_slice(), &["--json"]].concat());
        assert_eq!((code, rows(&text, &all)), (0, expected), "{filters:?}");
        let (code, table) = status(rig, &filters);
        assert_eq!(code, 0);
        for account in all {
            let line = table.lines().find(|line| line.starts_with(account));
            let wanted = shown.iter().find(|(shown, _)| *shown == account);
            assert_eq!(line.is_some(), wanted.is_some(), "{filters:?}: {table}");
            assert!(wanted.is_none_or(|(_, status)| line.unwrap().contains(status)), "{table}");
        }
    }
    let (code, text) = status(rig, &[&failed]);
    assert_eq!(code, 1, "the account that was asked about failed");
    for part in ["failed in  CreateTenantRoles: NotOwned", "next  ", &format!("run again  berth replay {failed}")] {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
    let (code, text) = status(rig, &[&well]);
    assert!(
        code == 0 && text.contains("eu-west-1") && text.contains("isolated as of 20") && text.contains("commit"),
        "{text}"
    );
    unsquat(rig, &failed, "aground");
    assert_eq!(rig.berth(&["replay", &failed, "--wait"]).0, 0);
}

#[test]
fn a_watch_follows_an_account_that_nobody_knows_yet_to_its_end() {
    let (rig, _alone) = alone();
    let account = rig.account("watched-staging", "staging");
    squat(rig, &account, "watched");
    let rule = rig.break_calls(&json!({
        "match": { "account": account, "function": "berth-create-tenant-roles" }, "action": { "hold": true },
    }));
    let (script, person) = std::thread::scope(|threads| {
        let script = threads.spawn(|| {
            rig.berth_until(&["status", &account, "--watch", "--json"], |line| {
                let line: Value = serde_json::from_str(line).unwrap();
                // It has said where the account is, among other branches: now that may go on. ApplyBaseline waits for the
                // roles meanwhile, and would give up.
                let mut now = line["execution"]["now"].as_array().into_iter().flatten();
                if now.any(|each| each["state"] == "CreateTenantRoles") {
                    rig.mend(rule);
                }
                false
            })
        });
        let person = threads.spawn(|| status(rig, &[&account, "--watch"]));
        rig.publish(&[event(Event::Created, &account)]);
        (script.join().unwrap(), person.join().unwrap())
    });
    assert!(rig.fired(rule) >= 1, "there was time to watch");
    let seen: Vec<Value> = script.1.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (first, last) = (seen.first().unwrap(), seen.last().unwrap());
    assert_eq!((script.0, last["status"].as_str()), (1, Some("failed")), "{seen:#?}");
    assert_eq!(last["failure"]["state"], "CreateTenantRoles");
    assert!(seen.len() > 1 && first["status"] != "failed", "it said something on the way: {seen:#?}");
    assert!(seen.iter().any(|line| line["execution"]["now"][0]["state"].is_string()), "where it is: {seen:#?}");
    assert!(seen.windows(2).all(|two| two[0] != two[1]), "a line for each change: {seen:#?}");
    let said = person.1.lines().last().unwrap();
    assert_eq!(person.0, 1);
    assert!(said.contains(&format!("{account} failed in CreateTenantRoles: NotOwned")), "{said}");

    unsquat(rig, &account, "watched");
    assert_eq!(rig.berth(&["replay", &account]).0, 0);
    let (code, text) = status(rig, &[&account, "--watch", "--json"]);
    assert_eq!((code, lines(&text).last().unwrap()["status"].as_str()), (0, Some("onboarded")), "{text}");
}

#[test]
fn a_watch_has_a_line_for_each_change_until_somebody_ends_it() {
    let (rig, _alone) = alone();
    let known = rig.account("known-by-then", "suspended");
    rig.publish(&[event(Event::Created, &known)]);
    rig.wait_for(&known, Status::Ignored);
    let coming = rig.account("coming", "suspended");
    let (code, seen) = rig.berth_until(&["status", "--watch"], |line| {
        if line.contains(&known) {
            rig.publish(&[event(Event::Created, &coming)]);
        }
        line.contains(&format!("{coming} ignored"))
    });
    assert_eq!(code, 0, "Ctrl-C is how it ends");
    let lines = |account: &str| seen.iter().filter(|line| line.contains(account)).count();
    assert_eq!(lines(&known), 1, "nothing happened to it: {seen:#?}");
    assert!(lines(&coming) >= 1, "{seen:#?}");
}

#[test]
fn a_record_that_cannot_be_read_is_shown_as_such_beside_all_others() {
    let (rig, _alone) = alone();
    let known = rig.account("legible", "suspended");
    rig.publish(&[event(Event::Created, &known)]);
    rig.wait_for(&known, Status::Ignored);
    let broken = "777788889999";
    let key = json!({ "pk": { "S": format!("account#{broken}") }, "sk": { "S": "record" } });
    let mut item = key.clone();
    item["status"] = json!({ "S": "adrift" });
    rig.call(HUB, "dynamodb", "put_item", &json!({ "TableName": "berth-ledger", "Item": item }));
    let (list, table) = (status(rig, &["--json"]), status(rig, &["--status", "ignored"]));
    rig.call(HUB, "dynamodb", "delete_item", &json!({ "TableName": "berth-ledger", "Key": key }));

    let wanted = [(broken, "unreadable".to_owned()), (known.as_str(), "ignored".to_owned())];
    assert_eq!((list.0, rows(&list.1, &[broken, &known])), (1, wanted.into()));
    let line = table.1.lines().find(|line| line.starts_with(broken)).unwrap();
    assert!(line.contains("unreadable") && line.contains("this version cannot read"), "{line}");
    assert!(table.0 == 1 && table.1.contains(&known), "{}", table.1);
    assert_eq!(status(rig, &["--json"]).0, 0, "and it is gone");
}
