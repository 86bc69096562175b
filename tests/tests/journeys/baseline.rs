//! The baseline of an account: made on a fresh one, repaired after drift, stopped at what is somebody else's; and
//! accounts that AWS still opens.

use aws_sdk_sfn::types::ExecutionStatus;
use berth_ledger::Status;
use berth_tests::rig::{Event, Rig, event, rig};
use serde_json::{Value, json};

use crate::onboarded::assert_onboarded;

const REGIONS: [&str; 2] = ["eu-central-1", "eu-west-1"];

fn onboard(rig: &Rig, account: &str) {
    rig.publish(&[event(Event::Created, account)]);
    assert_onboarded(rig, &rig.wait_for(account, Status::Onboarded));
}

/// Everything that the baseline declares, as an administrator sees it.
fn assert_baseline(rig: &Rig, account: &str, region: &str) {
    let ask = |service: &str, operation: &str, with: Value| rig.call_in(account, region, service, operation, &with);
    assert_eq!(ask("ec2", "get_ebs_encryption_by_default", json!({}))["EbsEncryptionByDefault"], true, "{region}");
    let metadata = ask("ec2", "get_instance_metadata_defaults", json!({}));
    assert_eq!(metadata["AccountLevel"]["HttpTokens"], "required", "{region}");
    let snapshots = ask("ec2", "get_snapshot_block_public_access_state", json!({}));
    assert_eq!(snapshots["State"], "block-all-sharing", "{region}");
    let status = ask("config", "describe_configuration_recorder_status", json!({}));
    let recorders = status["ConfigurationRecordersStatus"].as_array().unwrap();
    assert_eq!(recorders.len(), 1, "{region}");
    assert_eq!((&recorders[0]["name"], &recorders[0]["recording"]), (&json!("berth-recorder"), &json!(true)));
    let rules = ask("config", "describe_config_rules", json!({}));
    let names: Vec<&str> =
        rules["ConfigRules"].as_array().unwrap().iter().filter_map(|r| r["ConfigRuleName"].as_str()).collect();
    assert_eq!(names, ["berth-access-keys-rotated", "berth-encrypted-volumes"], "{region}");
    let plans = ask("backup", "list_backup_plans", json!({}));
    let plan = &plans["BackupPlansList"][0];
    assert_eq!(plan["BackupPlanName"], "berth-backup", "{region}");
    let id = json!({ "BackupPlanId": plan["BackupPlanId"] });
    let read = ask("backup", "get_backup_plan", id.clone());
    let rule = &read["BackupPlan"]["Rules"][0];
    assert_eq!(
        (&rule["TargetBackupVaultName"], &rule["Lifecycle"]["DeleteAfterDays"]),
        (&json!("berth-backup"), &json!(35))
    );
    let selections = ask("backup", "list_backup_selections", id);
    assert_eq!(selections["BackupSelectionsList"].as_array().unwrap().len(), 1, "{region}");
    let tags = ask("backup", "list_tags", json!({ "ResourceArn": plan["BackupPlanArn"] }));
    assert_eq!((&tags["Tags"]["berth:account"], &tags["Tags"]["berth:managed-by"]), (&json!(account), &json!("berth")));
}

/// How often the block of the whole account was set; boto cannot ask S3 Control at an IP address.
fn s3_blocks(rig: &Rig, account: &str) -> usize {
    let sets = |call: &&berth_tests::rig::Call| call.account == account && call.operation == "PutPublicAccessBlock";
    rig.calls(0).iter().filter(sets).count()
}

#[test]
fn a_fresh_account_gets_its_baseline_and_only_what_drifts_is_repaired() {
    let rig = rig();
    let account = rig.account("baseline-dev", "dev");
    onboard(rig, &account);
    for region in REGIONS {
        assert_baseline(rig, &account, region);
    }
    assert_eq!(s3_blocks(rig, &account), 1, "once for the account, not once for each region");

    let drift =
        |service: &str, operation: &str, with: Value| rig.call_in(&account, "eu-west-1", service, operation, &with);
    drift("ec2", "disable_ebs_encryption_by_default", json!({}));
    drift("ec2", "modify_instance_metadata_defaults", json!({ "HttpTokens": "no-preference" }));
    drift("ec2", "disable_snapshot_block_public_access", json!({}));
    drift("config", "stop_configuration_recorder", json!({ "ConfigurationRecorderName": "berth-recorder" }));
    drift("config", "delete_config_rule", json!({ "ConfigRuleName": "berth-encrypted-volumes" }));
    let plan = drift("backup", "list_backup_plans", json!({}))["BackupPlansList"][0]["BackupPlanId"].clone();
    let rule = json!({ "RuleName": "x", "TargetBackupVaultName": "berth-backup" });
    let other = json!({ "BackupPlanName": "berth-backup", "Rules": [rule] });
    drift("backup", "update_backup_plan", json!({ "BackupPlanId": plan, "BackupPlan": other }));
    let arn = drift("backup", "list_backup_plans", json!({}))["BackupPlansList"][0]["BackupPlanArn"].clone();
    drift("backup", "untag_resource", json!({ "ResourceArn": arn, "TagKeyList": ["berth:account"] }));
    let vault = drift("backup", "list_backup_vaults", json!({}))["BackupVaultList"][0]["BackupVaultArn"].clone();
    drift("backup", "tag_resource", json!({ "ResourceArn": vault, "Tags": { "berth:tenant": "other" } }));
    let execution = rig.start_execution(&json!({ "accountId": account }));
    let ended = rig.ended(&execution);
    assert_eq!(ended.status, ExecutionStatus::Succeeded, "{ended:?}");
    let mut changes = ended.changes();
    changes.sort();
    assert_eq!(
        changes,
        [
            "create Config rule berth-encrypted-volumes",
            "repair backup plan berth-backup",
            "repair tags of backup plan berth-backup",
            "repair tags of backup vault berth-backup",
            "require IMDSv2 by default",
            "set public sharing of snapshots to block-all-sharing",
            "start configuration recorder berth-recorder",
            "turn on EBS encryption by default",
        ]
    );
    rig.wait_for_outcome(&account, &execution);
    for region in REGIONS {
        assert_baseline(rig, &account, region);
    }
}

#[test]
fn a_vault_of_somebody_else_is_left_alone_and_named() {
    let rig = rig();
    let account = rig.account("vaulted-dev", "dev");
    rig.call_in(&account, "eu-west-1", "backup", "create_backup_vault", &json!({ "BackupVaultName": "berth-backup" }));
    rig.publish(&[event(Event::Created, &account)]);
    let failure = rig.wait_for(&account, Status::Failed).failure.unwrap();
    assert_eq!((failure.state.as_str(), failure.fault.as_str()), ("ApplyBaseline", "NotOwned"));
    assert!(failure.message.contains("backup vault berth-backup"), "{failure:?}");
}

#[test]
fn where_control_tower_records_only_the_rules_are_made() {
    let rig = rig();
    let account = rig.account("towered-dev", "dev");
    let recorder = json!({ "name": "aws-controltower-BaselineConfigRecorder", "roleARN": "arn:aws:iam::1:role/x" });
    for region in REGIONS {
        let with = json!({ "ConfigurationRecorder": recorder });
        rig.call_in(&account, region, "config", "put_configuration_recorder", &with);
    }
    onboard(rig, &account);
    let channels = rig.call_in(&account, "eu-west-1", "config", "describe_delivery_channels", &json!({}));
    assert_eq!(channels["DeliveryChannels"], json!([]), "Control Tower's own are its own business");
    let rules = rig.call_in(&account, "eu-west-1", "config", "describe_config_rules", &json!({}));
    assert_eq!(rules["ConfigRules"].as_array().unwrap().len(), 2);
}

/// Each service denies in its own words for a while.
const OPENING: [(&str, &str); 5] = [
    ("ec2", "UnauthorizedOperation"),
    ("ec2", "OptInRequired"),
    ("iam", "AccessDenied"),
    ("config", "AccessDeniedException"),
    ("backup", "SubscriptionRequiredException"),
];

#[test]
fn an_account_that_denies_all_while_aws_activates_it_is_onboarded() {
    let rig = rig();
    let account = rig.account("newborn-dev", "dev");
    let rules: Vec<_> = OPENING
        .into_iter()
        .map(|(service, code)| {
            rig.break_calls(&json!({
                "match": { "account": account, "service": service },
                "action": { "error": { "code": code, "status": 403 } },
                "times": 2,
            }))
        })
        .collect();
    onboard(rig, &account);
    for rule in rules {
        assert_eq!(rig.fired(rule), 2, "each denial was really met");
    }
    assert_baseline(rig, &account, "eu-west-1");
}

#[test]
fn denials_beyond_the_grace_period_end_denied_with_action_and_resource() {
    let rig = rig();
    let account = rig.account("barred-dev", "dev");
    let rule = rig.break_calls(&json!({
        "match": { "account": account, "operation": "CreateBackupVault" },
        "action": { "error": { "code": "AccessDeniedException", "status": 403 } },
    }));
    rig.publish(&[event(Event::Created, &account)]);
    let record = rig.wait_for(&account, Status::Failed);
    let failure = record.failure.unwrap();
    assert_eq!((failure.state.as_str(), failure.fault.as_str()), ("ApplyBaseline", "Denied"));
    assert!(failure.message.contains("backup:CreateBackupVault failed: AccessDeniedException"), "{failure:?}");
    assert!(failure.message.contains("create backup vault berth-backup"), "{failure:?}");
    assert!(failure.message.contains(account.as_str()), "{failure:?}");
    assert!(rig.fired(rule) > 2, "it was asked again until the limit");
}
