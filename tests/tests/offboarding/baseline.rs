//! What of the baseline goes with an account, and what the tenant's own things keep.

use berth_ledger::Status;
use berth_tests::rig::{Rig, onboarded};
use serde_json::{Value, json};

use crate::{leaving::offboarded, turn};

/// Lines of the account's snapshot of these kinds, without the region before them.
fn lines(rig: &Rig, account: &str, tenant: &str, kinds: &[&str]) -> Vec<String> {
    let lines = rig.snapshot(account, tenant).into_iter();
    let rest = |line: &str| line.split_once(' ').map_or("", |(_, rest)| rest).to_owned();
    lines.map(|line| rest(&line)).filter(|line| kinds.iter().any(|kind| line.starts_with(kind))).collect()
}

#[test]
fn a_vault_with_a_backup_and_a_recorder_others_need_stay_and_are_named() {
    let (rig, _turn) = turn(&[]);
    let account = rig.account("plover-staging", "staging");
    onboarded(rig, &account);
    let record = rig.wait_for(&account, Status::Onboarded);
    let region = record.regions.keys().next().unwrap().to_string();
    let vaults = rig.call_in(&account, &region, "backup", "list_backup_vaults", &json!({}));
    let vault = vaults["BackupVaultList"][0]["BackupVaultName"].as_str().unwrap().to_owned();
    let role = format!("arn:aws:iam::{account}:role/berth-backup");
    let volume = format!("arn:aws:ec2:{region}:{account}:volume/vol-1");
    let job = json!({ "BackupVaultName": vault, "ResourceArn": volume, "IamRoleArn": role });
    rig.call_in(&account, &region, "backup", "start_backup_job", &job);
    let source = json!({ "Owner": "AWS", "SourceIdentifier": "ROOT_ACCOUNT_MFA_ENABLED" });
    let theirs = json!({ "ConfigRule": { "ConfigRuleName": "tenants-own", "Source": source } });
    rig.call_in(&account, &region, "config", "put_config_rule", &theirs);
    let recorder = ["config recorder", "config recording", "config channel"];
    let before = lines(rig, &account, "plover", &recorder);
    assert_eq!(before.len(), 3, "{before:?}");

    let (code, plan) = rig.berth(&["offboard", &account, "--plan"]);
    assert_eq!(code, 0, "{plan}");
    for part in ["delete backup plan", "delete Config rule berth-", "rules of somebody else need it: tenants-own"] {
        assert!(plan.contains(part), "{part}: {plan}");
    }
    let since = rig.last_call();
    let tombstone = offboarded(rig, &account).offboarded.unwrap();
    assert_eq!(lines(rig, &account, "plover", &recorder), before, "as it was");
    assert_eq!(lines(rig, &account, "plover", &["backup plan", "backup selection"]), Vec::<String>::new());
    let rules = lines(rig, &account, "plover", &["config rule"]);
    assert!(rules.len() == 1 && rules[0].contains("tenants-own"), "{rules:?}");
    let left = tombstone.left_behind.join("\n");
    let kept = format!("{region}: backup vault {vault} stays: it has 1 recovery points");
    assert!(left.contains(&kept) && left.contains("need it: tenants-own"), "{left}");
    assert!(rig.berth(&["status", &account]).1.contains(&kept));
    let refused = |call: &&berth_tests::rig::Call| call.operation == "DeleteBackupVault";
    assert_eq!(rig.calls(since).iter().filter(refused).count(), 0, "nobody tries to delete backups");
}

#[test]
fn what_lost_its_tags_stays_with_all_that_was_in_the_baseline() {
    let (rig, _turn) = turn(&[]);
    let account = rig.account("dotterel-staging", "staging");
    onboarded(rig, &account);
    let record = rig.wait_for(&account, Status::Onboarded);
    let region = record.regions.keys().next().unwrap().to_string();
    let list = |operation: &str| rig.call_in(&account, &region, "backup", operation, &json!({}));
    let vault = list("list_backup_vaults")["BackupVaultList"][0]["BackupVaultArn"].clone();
    let rules = rig.call_in(&account, &region, "config", "describe_config_rules", &json!({}));
    let rule = rules["ConfigRules"][0].clone();
    let keys = json!(["berth:managed-by"]);
    let untagged: [(&str, Value); 2] = [
        ("backup", json!({ "ResourceArn": vault, "TagKeyList": keys })),
        ("config", json!({ "ResourceArn": rule["ConfigRuleArn"], "TagKeys": keys })),
    ];
    for (service, parameters) in untagged {
        rig.call_in(&account, &region, service, "untag_resource", &parameters);
    }
    let kinds = ["backup vault", "config rule"];
    let tombstone = offboarded(rig, &account).offboarded.unwrap();
    let after = lines(rig, &account, "dotterel", &kinds).join("\n");
    for kept in ["backup-vault:berth-backup", rule["ConfigRuleName"].as_str().unwrap()] {
        assert!(after.contains(kept), "{kept}: {after}");
    }
    let left = tombstone.left_behind.join("\n");
    assert_eq!(left.matches("it has not Berth's tags").count(), 2, "{left}");
}
