//! What platform.yaml took out of the baseline of a region: told with what removes it, on record until it is gone.

use std::collections::BTreeSet;

use berth_tenancy::{BaselinePart, Thing, short_digest};
use berth_tests::rig::{HUB, Rig, onboarded};
use serde_json::{Value, json};

use crate::{WEST, turn};

const BASELINE: &str = "environments.staging.baseline";

/// The values of every journey here.
fn deployed(rig: &Rig, edits: &[(&str, Value)]) {
    let mut all = vec![("environments.staging.defaultVpc", json!("keep"))];
    all.extend(edits.iter().cloned());
    rig.deploy_platform(&all);
}

/// The rules of the baseline but for this one.
fn rules_but(rig: &Rig, name: &str) -> Value {
    let mut rules = rig.platform(&format!("{BASELINE}.config.rules"));
    rules.as_array_mut().unwrap().retain(|rule| rule["name"] != name);
    rules
}

/// The things of the baseline that the account has, as an administrator sees them.
fn there(rig: &Rig, account: &str) -> BTreeSet<String> {
    let call = |service: &str, operation: &str| rig.call_in(account, WEST, service, operation, &json!({}));
    let names = |list: Value, kind: &str, field: &str| -> Vec<String> {
        let list = list.as_array().cloned().unwrap_or_default();
        list.iter().map(|one| format!("{kind} {}", one[field].as_str().unwrap())).collect()
    };
    let rules = call("config", "describe_config_rules")["ConfigRules"].take();
    let recorders = call("config", "describe_configuration_recorders")["ConfigurationRecorders"].take();
    let plans = call("backup", "list_backup_plans")["BackupPlansList"].take();
    let vaults = call("backup", "list_backup_vaults")["BackupVaultList"].take();
    let mut all = names(rules, "Config rule", "ConfigRuleName");
    all.extend(names(vaults, "backup vault", "BackupVaultName"));
    all.extend(recorders.as_array().unwrap().iter().map(|_| "configuration recorder".to_owned()));
    all.extend(plans.as_array().unwrap().iter().map(|_| "backup plan".to_owned()));
    all.into_iter().collect()
}

/// What `berth status` gives scripts of what is left over: what, what comes first, and the command.
fn told(rig: &Rig, account: &str) -> Vec<(String, Option<String>, String)> {
    let (_, shown) = rig.status(account);
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let one = |left: &Value| (text(&left["what"]).unwrap(), text(&left["first"]), text(&left["removedBy"]).unwrap());
    shown["leftOver"].as_array().unwrap().iter().map(one).collect()
}

/// Types the command that is told, and no other.
fn done(rig: &Rig, account: &str, command: &str) -> String {
    assert_eq!(command, format!("berth onboard {account}"));
    let (code, said) = rig.berth(&["onboard", account, "--wait"]);
    assert_eq!(code, 0, "{said}");
    said
}

/// What the inventory has of the baseline.
fn listed(rig: &Rig, account: &str) -> usize {
    let given = rig.record(account).unwrap().given();
    let parts = given.iter().find_map(|given| match &given.thing {
        Thing::Baseline { parts: Some(parts), .. } => Some(parts.len()),
        _ => None,
    });
    parts.expect("the baseline is on record, with what it has")
}

#[test]
fn each_thing_that_left_the_baseline_is_told_and_goes_by_what_is_told() {
    let (rig, _turn) = turn(&[]);
    deployed(rig, &[]);
    let account = rig.account("lapwing-staging", "staging");
    onboarded(rig, &account);
    let all = there(rig, &account);
    assert_eq!(listed(rig, &account), all.len(), "{all:?}");

    let config = format!("{BASELINE}.config");
    let (vault, rules) = (format!("{BASELINE}.backup.vault"), format!("{BASELINE}.config.rules"));
    let fewer = rules_but(rig, "access-keys-rotated");
    let cases: [(&[(&str, Value)], &[&str]); 4] = [
        (&[(&rules, fewer)], &["Config rule berth-access-keys-rotated"]),
        (&[(&vault, json!("other"))], &["backup vault berth-backup"]),
        (
            &[(&config, Value::Null)],
            &["Config rule berth-access-keys-rotated", "Config rule berth-encrypted-volumes", "configuration recorder"],
        ),
        (&[(&format!("{BASELINE}.backup"), Value::Null)], &["backup plan", "backup vault berth-backup"]),
    ];
    for (edits, lost) in cases {
        deployed(rig, edits);
        let (_, plan) = rig.berth(&["onboard", &account, "--plan"]);
        let ran = onboarded(rig, &account);
        let deleted: Vec<String> = ran.changes().into_iter().filter(|line| line.starts_with("delete")).collect();
        assert_eq!(deleted, Vec::<String>::new(), "it is only told");
        let first = "set `leftOver: remove` in platform.yaml and deploy".to_owned();
        let command = format!("berth onboard {account}");
        let expected: Vec<_> =
            lost.iter().map(|what| (format!("{what} in {WEST}"), Some(first.clone()), command.clone())).collect();
        assert_eq!(told(rig, &account), expected);
        assert!(expected.iter().all(|(what, ..)| plan.contains(&format!("left over {what}"))), "{plan}");
        let now = there(rig, &account);
        assert!(lost.iter().all(|what| now.contains(*what)), "{lost:?}: {now:?}");
        assert!(onboarded(rig, &account).changes().is_empty(), "and told once more without a change");
        assert_eq!(told(rig, &account), expected);

        // What is told, done.
        let with_remove: Vec<(&str, Value)> = edits.iter().cloned().chain([("leftOver", json!("remove"))]).collect();
        deployed(rig, &with_remove);
        done(rig, &account, &command);
        let now = there(rig, &account);
        assert!(lost.iter().all(|what| !now.contains(*what)), "{lost:?}: {now:?}");
        assert_eq!((told(rig, &account), listed(rig, &account)), (vec![], now.len()));
        let again = onboarded(rig, &account);
        assert!(again.changes().is_empty(), "{:?}", again.changes());

        // Wanted again, it is made again; and what took its place goes.
        deployed(rig, &[("leftOver", json!("remove"))]);
        onboarded(rig, &account);
        assert_eq!(there(rig, &account), all);
    }
}

#[test]
fn a_baseline_that_is_switched_off_is_told_thing_by_thing() {
    let (rig, _turn) = turn(&[]);
    deployed(rig, &[]);
    let account = rig.account("dunnock-staging", "staging");
    onboarded(rig, &account);
    let all = there(rig, &account);
    let off = (BASELINE, Value::Null);
    deployed(rig, std::slice::from_ref(&off));
    onboarded(rig, &account);
    let what: BTreeSet<String> = told(rig, &account).into_iter().map(|(what, ..)| what).collect();
    assert_eq!(what, all.iter().map(|what| format!("{what} in {WEST}")).collect());
    assert_eq!(there(rig, &account), all);

    deployed(rig, &[off, ("leftOver", json!("remove"))]);
    onboarded(rig, &account);
    assert_eq!((there(rig, &account), told(rig, &account)), (BTreeSet::new(), vec![]));
    let again = onboarded(rig, &account);
    assert!(again.changes().is_empty(), "{:?}", again.changes());
    let looked = rig.calls_of(&again.arn).into_iter().filter(|call| call.function == "berth-apply-baseline");
    assert_eq!(looked.count(), 0, "what is gone is looked for no more");
}

#[test]
fn what_cannot_go_is_told_with_what_keeps_it() {
    let (rig, _turn) = turn(&[]);
    deployed(rig, &[]);
    let account = rig.account("siskin-staging", "staging");
    onboarded(rig, &account);
    let source = json!({ "Owner": "AWS", "SourceIdentifier": "ROOT_ACCOUNT_MFA_ENABLED" });
    let theirs = json!({ "ConfigRule": { "ConfigRuleName": "tenants-own", "Source": source } });
    rig.call_in(&account, WEST, "config", "put_config_rule", &theirs);
    let edits = [(BASELINE, Value::Null), ("leftOver", json!("remove"))];
    deployed(rig, &edits);
    onboarded(rig, &account);
    let left = told(rig, &account);
    let [(what, first, command)] = &*left else { panic!("{left:?}") };
    assert_eq!(*what, format!("configuration recorder in {WEST}"));
    assert!(first.as_ref().unwrap().ends_with("delete the rules that need it"), "{first:?}");

    rig.call_in(&account, WEST, "config", "delete_config_rule", &json!({ "ConfigRuleName": "tenants-own" }));
    let said = done(rig, &account, command);
    assert!(said.contains("delete configuration recorder berth-recorder"), "{said}");
    assert_eq!((there(rig, &account), told(rig, &account)), (BTreeSet::new(), vec![]));
}

/// An earlier version wrote down that there is a baseline, and not what it has.
#[test]
fn the_run_after_an_upgrade_lists_the_baseline_and_only_tells_what_it_lost() {
    let (rig, _turn) = turn(&[]);
    deployed(rig, &[]);
    let account = rig.account("wheatear-staging", "staging");
    onboarded(rig, &account);
    let key = short_digest(&Thing::Baseline { region: WEST.parse().unwrap(), parts: None }.key());
    let forget = json!({
        "TableName": "berth-ledger",
        "Key": { "pk": { "S": format!("account#{account}") }, "sk": { "S": "record" } },
        "UpdateExpression": "REMOVE inventory.#key.thing.parts",
        "ExpressionAttributeNames": { "#key": key },
    });
    rig.call(HUB, "dynamodb", "update_item", &forget);
    deployed(
        rig,
        &[(&format!("{BASELINE}.config.rules"), rules_but(rig, "access-keys-rotated")), ("leftOver", json!("remove"))],
    );
    let ran = onboarded(rig, &account);
    assert!(ran.changes().is_empty(), "the first run only reports: {:?}", ran.changes());
    let lost = BaselinePart::ConfigRule("berth-access-keys-rotated".to_owned());
    let command = format!("berth onboard {account}");
    assert_eq!(told(rig, &account), [(format!("{lost} in {WEST}"), None, command.clone())]);
    assert_eq!(listed(rig, &account), there(rig, &account).len());

    let said = done(rig, &account, &command);
    assert!(said.contains(&format!("delete {lost}")), "{said}");
    assert_eq!(told(rig, &account), []);
}
