//! Accounts of the version before identities: the next run changes nothing and binds them.

use std::collections::BTreeSet;

use aws_sdk_sfn::types::ExecutionStatus;
use berth_tests::rig::{HUB, Rig, onboarded, run};
use serde_json::{Value, json};

use crate::{changed_since, turn};

/// What the version before did not write.
const NEWER: &str = "REMOVE binding, readiness, inventory, leftOver, tags, journal, journalBytes, journalIsCut, announced, onboardedSince, \
     requestedExecution, drift";

/// Takes it out of the table.
fn forget_identities(rig: &Rig) {
    let table = json!({ "TableName": "berth-ledger" });
    let items = rig.call(HUB, "dynamodb", "scan", &table)["Items"].take();
    for item in items.as_array().unwrap() {
        let key = json!({ "pk": item["pk"], "sk": item["sk"] });
        if item["sk"]["S"].as_str().unwrap().starts_with("claim#") {
            rig.call(HUB, "dynamodb", "delete_item", &json!({ "TableName": "berth-ledger", "Key": key }));
        } else if item.get("binding").is_some() {
            let remove = json!({ "TableName": "berth-ledger", "Key": key, "UpdateExpression": NEWER });
            rig.call(HUB, "dynamodb", "update_item", &remove);
        }
    }
}

/// The attributes of a record of the version before, as its own functions wrote them (commit 9b088a2).
fn attributes_before() -> BTreeSet<String> {
    let items: Vec<Value> =
        serde_json::from_str(include_str!("../../fixtures/ledger/records-2026-11-21.json")).unwrap();
    items.iter().flat_map(|item| item.as_object().unwrap().keys().cloned()).collect()
}

#[test]
fn the_run_after_an_upgrade_binds_accounts_and_changes_nothing() {
    let (rig, _turn) = turn(&[]);
    let accounts = [
        rig.account("elder-staging", "staging"),
        rig.account_with("plain", "staging", &json!({ "berth:tenant": "alder" })),
        rig.account_with("elder", "dev", &json!({ "cost-center": "4711" })),
    ];
    for account in &accounts {
        onboarded(rig, account);
    }
    forget_identities(rig);
    for account in &accounts {
        let key = json!({ "pk": { "S": format!("account#{account}") }, "sk": { "S": "record" } });
        let item = rig.call(HUB, "dynamodb", "get_item", &json!({ "TableName": "berth-ledger", "Key": key }));
        let there: BTreeSet<String> = item["Item"].as_object().unwrap().keys().cloned().collect();
        assert_eq!(there.difference(&attributes_before()).collect::<Vec<_>>(), Vec::<&String>::new());
        assert!(rig.record(account).unwrap().binding.is_none());
    }

    let since = rig.last_call();
    for account in &accounts {
        assert!(onboarded(rig, account).changes().is_empty());
    }
    assert_eq!(changed_since(rig, since), []);
    for account in &accounts {
        let record = rig.record(account).unwrap();
        let inventory = record.inventory.as_ref().expect("the run has written what the account has");
        assert!(record.things().iter().all(|thing| inventory.values().any(|given| given.thing.key() == thing.key())));
        assert_eq!((record.told_changes(), record.left_over), (vec![], vec![]));
    }
    let bound: Vec<String> =
        accounts.iter().map(|account| rig.record(account).unwrap().binding.unwrap().identity.to_string()).collect();
    assert_eq!(bound, ["elder/staging", "alder/staging", "elder/dev"]);
    let (_, claims) = rig.berth(&["ledger", "claims", "--json"]);
    assert!(accounts.iter().all(|account| claims.contains(account.as_str())), "{claims}");
}

/// Who the account is, the ledger and the repository say differently: a person decides, and until then it is bound to neither.
#[test]
fn an_old_account_whose_tenants_file_is_somebody_elses_is_not_bound() {
    let (rig, _turn) = turn(&[]);
    let account = rig.account("hornbeam-staging", "staging");
    let commit = onboarded(rig, &account).output["commit"]["path"].as_str().unwrap().to_owned();
    // Another account is the tenant's in this environment; then the whole file is another tenant's.
    let edits = [(account.as_str(), "999900001111", false), ("name: hornbeam", "name: whitebeam", true)];
    for (from, to, is_redriven) in edits {
        forget_identities(rig);
        let before = rig.world(&account);
        rig.edit("main", &commit, from, to);
        let (file, since) = (rig.file("main", &commit), rig.last_call());
        let ended = run(rig, &account);
        assert_eq!((ended.status, ended.error.as_deref()), (ExecutionStatus::Failed, Some("NotOwned")));
        let record = rig.record(&account).unwrap();
        assert_eq!(record.failure.as_ref().unwrap().state, "CheckTenant", "{:?}", record.failure);
        assert_eq!((&record.binding, claimant(rig, "hornbeam", "staging")), (&None, None), "{to}");
        assert_eq!((changed_since(rig, since), rig.world(&account)), (vec![], before));
        assert_eq!(rig.file("main", &commit), file);

        // The person decided for the ledger. A run that goes on where it was refused binds the account, too.
        rig.edit("main", &commit, to, from);
        if is_redriven {
            let (code, said) = rig.berth(&["replay", &account, "--wait"]);
            assert_eq!(code, 0, "{said}");
            assert_eq!(rig.record(&account).unwrap().execution_arn, record.execution_arn, "it was redriven");
        } else {
            assert!(onboarded(rig, &account).changes().is_empty());
        }
        assert_eq!(rig.record(&account).unwrap().binding.unwrap().identity.to_string(), "hornbeam/staging");
        assert_eq!(claimant(rig, "hornbeam", "staging"), Some(account.clone()));
    }
    assert!(onboarded(rig, &account).changes().is_empty());
}

/// Until the run after an upgrade nobody has claimed the place of an old account, and only the file says that it has it.
#[test]
fn who_claims_the_place_of_an_old_account_is_refused_and_does_not_keep_it() {
    let (rig, _turn) = turn(&[]);
    let account = rig.account("spindle-staging", "staging");
    onboarded(rig, &account);
    forget_identities(rig);
    let rival = rig.account("Spindle  (STAGING)", "staging");
    let since = rig.last_call();
    let ended = run(rig, &rival);
    assert_eq!((ended.status, ended.error.as_deref()), (ExecutionStatus::Failed, Some("NotOwned")));
    let record = rig.record(&rival).unwrap();
    let refusal = record.failure.unwrap();
    assert_eq!((refusal.state.as_str(), record.binding), ("CheckTenant", None));
    assert_eq!((changed_since(rig, since), claimant(rig, "spindle", "staging")), (vec![], None));

    assert!(onboarded(rig, &account).changes().is_empty());
    assert_eq!(claimant(rig, "spindle", "staging"), Some(account));

    // What the hint says, to the letter: a tag in Organizations, and one command.
    let hint = refusal.hint;
    assert!(hint.contains("give this one a tenant of its own by its tag berth:tenant, then "), "{hint}");
    let command = hint.split(';').next().unwrap().rsplit("then berth ").next().unwrap().to_owned();
    assert_eq!(command, format!("replay {rival} --new"));
    let _groups = rig.account("whitebeam-staging", "staging");
    crate::tag(rig, &rival, "whitebeam");
    let arguments: Vec<&str> = command.split(' ').chain(["--wait"]).collect();
    let (code, said) = rig.berth(&arguments);
    assert_eq!(code, 0, "{said}");
    assert_eq!(rig.record(&rival).unwrap().binding.unwrap().identity.to_string(), "whitebeam/staging");
    assert_eq!(claimant(rig, "whitebeam", "staging"), Some(rival));
}

/// The account that has claimed an environment of a tenant.
fn claimant(rig: &Rig, tenant: &str, environment: &str) -> Option<String> {
    let (_, claims) = rig.berth(&["ledger", "claims", "--json"]);
    let claims: Vec<Value> = serde_json::from_str(&claims).unwrap();
    let is_it = |claim: &&Value| claim["tenant"] == tenant && claim["environment"] == environment;
    claims.iter().find(is_it).map(|claim| claim["accountId"].as_str().unwrap().to_owned())
}

/// Nobody has agreed yet that what only an earlier version knows of is removed.
#[test]
fn the_run_after_an_upgrade_only_reports_what_is_left_over() {
    let (rig, _turn) = turn(&[]);
    let account = rig.account("ember-staging", "staging");
    onboarded(rig, &account);
    forget_identities(rig);
    let mut roles = rig.platform("environments.staging.roles.roles");
    roles.as_array_mut().unwrap().retain(|role| role["key"] != "viewer");
    rig.deploy_platform(&[("environments.staging.roles.roles", roles.clone())]);
    let viewer = format!("arn:aws:iam::{account}:role/tenant/ember-viewer");
    let is_there = || rig.world(&account).roles.iter().any(|role| role.arn == viewer);

    onboarded(rig, &account);
    assert!(is_there(), "the first run only reports");
    let (_, shown) = rig.berth(&["status", &account]);
    assert!(shown.contains(&format!("left over  role {viewer}: berth onboard {account}\n")), "{shown}");

    let (code, said) = rig.berth(&["onboard", &account, "--wait"]);
    assert_eq!(code, 0, "{said}");
    assert!(!is_there(), "the next one removes it");
}
