//! Who leaves without being asked, when, and how many at once.

use berth_ledger::{Record, Status};
use berth_tests::rig::{HUB, MANAGEMENT, Rig, onboarded};
use serde_json::{Value, json};

use crate::{deployed, turn};

/// Accounts that a broken script would take away at once, and all of them.
const GONE: usize = 60;
const ALL: usize = 100;

fn rules(auto: bool, grace_days: u32) -> (&'static str, Value) {
    ("environments.staging.offboarding", json!({ "auto": auto, "graceDays": grace_days }))
}

/// The unit whose accounts are onboarded as `staging`.
const STAGING: &str = "ou-ab12-stg00001";

/// Moves an account out of every unit that is onboarded.
fn moved_out(rig: &Rig, account: &str) {
    moved(rig, account, "ou-ab12-sus00001");
}

/// Moves an account of `staging` to another unit.
fn moved(rig: &Rig, account: &str, unit: &str) {
    let units = json!({ "AccountId": account, "SourceParentId": STAGING, "DestinationParentId": unit });
    rig.call(MANAGEMENT, "organizations", "move_account", &units);
}

/// Sweeps; the entry about an account in its report.
fn swept(rig: &Rig, account: &str) -> Option<Value> {
    let (report, failed) = rig.invoke("berth-sweep-accounts", &json!({}));
    assert!(!failed, "{report}");
    let leaving = report["leaving"].as_array().cloned().unwrap_or_default();
    leaving.into_iter().find(|leave| leave["accountId"] == *account)
}

#[test]
fn who_moved_out_is_on_the_list_and_leaves_when_the_grace_is_over() {
    let (rig, _turn) = turn(&[rules(true, 1)]);
    let account = rig.account("grebe-staging", "staging");
    onboarded(rig, &account);
    assert_eq!(swept(rig, &account), None, "it is ours");
    moved_out(rig, &account);
    let leave = swept(rig, &account).unwrap();
    assert_eq!(leave["starts"], false, "a day of grace: {leave}");
    let mark = rig.record(&account).unwrap().offboarding.unwrap();
    let (code, said) = rig.berth(&["status", &account]);
    assert!(code == 0 && said.contains("to be offboarded") && said.contains(&mark.reason), "{said}");

    deployed(rig, &[rules(true, 0)]);
    assert_eq!(swept(rig, &account).unwrap()["starts"], true);
    let record = rig.wait_for(&account, Status::Offboarded);
    assert!(record.regions.is_empty() && record.offboarding.is_none());
    assert_eq!(rig.files_naming(&account), Vec::<String>::new());
    assert_eq!(swept(rig, &account), None, "who has left is left alone");
}

#[test]
fn who_moves_to_a_unit_that_is_marked_as_an_exit_leaves() {
    let (rig, _turn) = turn(&[rules(true, 0)]);
    let account = rig.account("gadwall-staging", "staging");
    onboarded(rig, &account);
    rig.wait_for(&account, Status::Onboarded);
    let asked = json!({ "ParentId": STAGING, "Name": "leaving" });
    let made = rig.call(MANAGEMENT, "organizations", "create_organizational_unit", &asked);
    let exit = made["OrganizationalUnit"]["Id"].as_str().unwrap();
    moved(rig, &account, exit);
    assert_eq!(swept(rig, &account), None, "a unit within an onboarded one is onboarded, too");

    deployed(rig, &[rules(true, 0), ("exitUnits", json!([exit]))]);
    let (code, said) = rig.berth(&["onboard", &account, "--plan"]);
    assert!(code == 1 && said.contains(&format!("accounts leave by the organizational unit {exit}")), "{said}");
    let leave = swept(rig, &account).unwrap();
    assert!(leave["starts"] == true && leave["reason"].as_str().unwrap().contains(exit), "{leave}");
    assert!(rig.wait_for(&account, Status::Offboarded).regions.is_empty());
    assert_eq!(rig.files_naming(&account), Vec::<String>::new());
}

#[test]
fn a_cancel_in_time_keeps_the_account_and_no_sweep_overrules_it() {
    let (rig, _turn) = turn(&[rules(true, 30)]);
    let account = rig.account("dunlin-staging", "staging");
    onboarded(rig, &account);
    let before = rig.record(&account).unwrap();
    moved_out(rig, &account);
    assert!(swept(rig, &account).is_some());
    let (code, said) = rig.berth(&["offboard", &account, "--cancel"]);
    assert_eq!(code, 0, "{said}");
    deployed(rig, &[rules(true, 0)]);
    assert_eq!(swept(rig, &account), None);
    let after = rig.record(&account).unwrap();
    assert_eq!((after.status, after.offboarding, after.regions), (Status::Onboarded, None, before.regions));
}

#[test]
fn a_tag_puts_an_account_on_the_list_and_without_auto_nothing_starts() {
    let (rig, _turn) = turn(&[rules(false, 0)]);
    let account = rig.account("linnet-staging", "staging");
    onboarded(rig, &account);
    rig.wait_for(&account, Status::Onboarded);
    let tags = json!([{ "Key": "berth:onboard", "Value": "false" }]);
    rig.call(MANAGEMENT, "organizations", "tag_resource", &json!({ "ResourceId": account, "Tags": tags }));
    let leave = swept(rig, &account).unwrap();
    assert!(leave["starts"] == false && leave["reason"].as_str().unwrap().contains("berth:onboard"), "{leave}");
    assert_eq!(swept(rig, &account).unwrap()["starts"], false, "however often it is swept: a person says yes");
    assert_eq!(rig.record(&account).unwrap().status, Status::Onboarded);
    // The tag that is gone takes it off the list.
    let keys = json!({ "ResourceId": account, "TagKeys": ["berth:onboard"] });
    rig.call(MANAGEMENT, "organizations", "untag_resource", &keys);
    assert_eq!(swept(rig, &account), None);
    assert_eq!(rig.record(&account).unwrap().offboarding, None);
    rig.call(MANAGEMENT, "organizations", "tag_resource", &json!({ "ResourceId": account, "Tags": tags }));
    assert!(swept(rig, &account).is_some());
    let (code, said) = rig.berth(&["offboard", &account, "--yes"]);
    assert_eq!(code, 0, "{said}");
    rig.wait_for(&account, Status::Offboarded);
    assert_eq!(swept(rig, &account), None, "it stays out, and nobody asks again");
}

#[test]
fn a_person_need_not_wait_for_the_grace_and_may_say_yes_after_a_cancel() {
    let (rig, _turn) = turn(&[rules(true, 30)]);
    let account = rig.account("pipit-staging", "staging");
    onboarded(rig, &account);
    rig.wait_for(&account, Status::Onboarded);
    moved_out(rig, &account);
    assert_eq!(swept(rig, &account).unwrap()["starts"], false, "30 days of grace");
    assert_eq!(rig.berth(&["offboard", &account, "--cancel"]).0, 0);
    assert_eq!(swept(rig, &account), None, "a person has said that it stays");
    let (code, said) = rig.berth(&["offboard", &account, "--yes"]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(rig.wait_for(&account, Status::Offboarded).offboarding, None);
    let (code, said) = rig.berth(&["offboard", &account, "--cancel"]);
    assert_eq!(code, 1, "what is done is not undone: {said}");
}

fn id(number: usize) -> String {
    format!("7{number:011}")
}

/// Writes a record of an account that was onboarded and is not in the organization any more.
fn vanished(rig: &Rig, number: usize) {
    let text = |text: &str| json!({ "S": text });
    let account = id(number);
    let cluster = rig.platform("environments.staging.cluster");
    let path = format!("clusters/{}/tenants/00/crowd{number}.yaml", cluster.as_str().unwrap());
    let mut item = json!({
        "pk": text(&format!("account#{account}")), "sk": text("record"), "accountId": text(&account),
        "status": text("onboarded"), "generation": { "N": "1" }, "since": text("2026-01-01T00:00:00Z"),
        "tenant": text(&format!("crowd{number}")), "environment": text("staging"),
        "commit": { "M": { "sha": text("0"), "path": text(&path) } },
    });
    if number >= GONE {
        // Of these a person has said that they stay.
        item["offboardingCancelled"] = text("2026-01-02T00:00:00Z");
    }
    rig.call(HUB, "dynamodb", "put_item", &json!({ "TableName": "berth-ledger", "Item": item }));
}

fn forgotten(rig: &Rig, number: usize) {
    let key = json!({ "pk": { "S": format!("account#{}", id(number)) }, "sk": { "S": "record" } });
    rig.call(HUB, "dynamodb", "delete_item", &json!({ "TableName": "berth-ledger", "Key": key }));
}

/// Accounts that the guard has counted today.
fn counted(rig: &Rig) -> usize {
    let day = berth_ledger::day(jiff::Timestamp::now());
    let key = json!({ "pk": { "S": format!("offboarded#{day}") }, "sk": { "S": "guard" } });
    let item = rig.call(HUB, "dynamodb", "get_item", &json!({ "TableName": "berth-ledger", "Key": key }));
    item["Item"]["accounts"]["SS"].as_array().map_or(0, Vec::len)
}

#[test]
fn sixty_of_a_hundred_accounts_stop_at_the_guard() {
    let (rig, _turn) = turn(&[]);
    (0..ALL).for_each(|number| vanished(rig, number));
    let allowed = counted(rig) + 3;
    let guard = ("offboardingGuard", json!({ "accountsPerDay": allowed, "percentPerDay": 100 }));
    rig.deploy_platform(&[rules(true, 0), guard]);

    let (said, failed) = rig.invoke("berth-sweep-accounts", &json!({}));
    assert!(failed && said.to_string().contains("60 accounts would be offboarded at once"), "{said}");
    let of = |number| rig.record(&id(number)).unwrap();
    assert!((0..GONE).all(|number| of(number).status == Status::Onboarded && of(number).offboarding.is_some()));
    assert!((GONE..ALL).all(|number| of(number).offboarding.is_none()));

    // Whoever goes around the sweep meets the guard all the same.
    let start = |number: usize| {
        let machine = format!("arn:aws:states:us-east-1:{HUB}:stateMachine:berth-offboard-account");
        let input = json!({ "accountId": id(number), "mode": "apply" }).to_string();
        let started =
            rig.call(HUB, "stepfunctions", "start_execution", &json!({ "stateMachineArn": machine, "input": input }));
        started["executionArn"].as_str().unwrap().to_owned()
    };
    let executions: Vec<String> = (0..GONE).map(start).collect();
    let refused = executions.iter().filter(|arn| rig.ended(arn).error.as_deref() == Some("InvalidInput")).count();
    assert_eq!(refused, GONE - 3);
    let has_left = |record: &Record| record.status == Status::Offboarded;
    let left = || (0..GONE).filter(|number| has_left(&of(*number))).count();
    rig.until("three to have left", || (left() == 3).then_some(()));
    assert!((0..GONE).map(of).all(|record| has_left(&record) || record.status == Status::Onboarded));
    (0..ALL).for_each(|number| forgotten(rig, number));
}
