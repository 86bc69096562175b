//! The baseline: what is planned anew, a rule that somebody changed, and parts that are switched off.

use serde_json::{Value, json};

use crate::{WEST, onboarded, operations, repaired, turn};

const BASELINE: &str = "environments.staging.baseline";

#[test]
fn other_tags_of_backups_a_key_and_a_changed_rule_need_one_change_each() {
    let (rig, _turn) = turn(&[]);
    let account = rig.account("replanned-staging", "staging");
    onboarded(rig, &account);
    let rule = json!({
        "ConfigRuleName": "berth-access-keys-rotated",
        "Source": { "Owner": "AWS", "SourceIdentifier": "ACCESS_KEYS_ROTATED" },
        "InputParameters": "{\"maxAccessKeyAge\":\"365\"}",
    });
    // AWS keeps the tags of a rule that is put again; the local AWS takes those of the call.
    let tag = |key: &str, value: &str| json!({ "Key": key, "Value": value });
    let tags = [tag("berth:account", &account), tag("berth:managed-by", "berth"), tag("berth:tenant", "replanned")];
    let put = json!({ "ConfigRule": rule, "Tags": tags });
    rig.call_in(&account, WEST, "config", "put_config_rule", &put);
    let key = "arn:aws:kms:eu-west-1:310987654321:key/11111111-2222-3333-4444-555555555555";
    rig.deploy_platform(&[
        (&format!("{BASELINE}.backup.tags"), json!([{ "key": "backup", "value": "daily" }])),
        (&format!("{BASELINE}.ebsEncryption"), json!({ "kmsKey": key })),
    ]);

    let changes = repaired(rig, &account);
    let (selections, others): (Vec<String>, Vec<String>) =
        changes.into_iter().partition(|line| line.contains("backup selection"));
    assert_eq!(
        others,
        [
            "repair Config rule berth-access-keys-rotated".to_owned(),
            format!("set the key of EBS encryption by default to {key}")
        ]
    );
    assert_eq!(selections.len(), 2, "{selections:?}");
    assert!(selections[0].starts_with("create backup selection berth-"), "{selections:?}");
    assert!(selections[1].starts_with("delete backup selection berth-"), "{selections:?}");
}

#[test]
fn what_is_switched_off_is_neither_read_nor_changed() {
    let parts = [
        ("backup", Value::Null, "ListBackupVaults"),
        ("config", Value::Null, "DescribeConfigRules"),
        ("ebsEncryption", Value::Null, "GetEbsEncryptionByDefault"),
        ("requireImdsV2", json!(false), "GetInstanceMetadataDefaults"),
        ("snapshotSharing", Value::Null, "GetSnapshotBlockPublicAccessState"),
        ("s3PublicAccessBlock", json!(false), "GetPublicAccessBlock"),
    ];
    let (rig, _turn) = turn(&[]);
    for (number, (off, value, _)) in parts.iter().enumerate() {
        rig.deploy_platform(&[
            (&format!("{BASELINE}.{off}"), value.clone()),
            ("environments.staging.defaultVpc", json!("keep")),
        ]);
        let account = rig.account(&format!("without{number}-staging"), "staging");
        let ended = onboarded(rig, &account);
        let called = operations(rig, &ended.arn, "apply-baseline");
        for (part, _, read) in &parts {
            let was_read = called.iter().any(|operation| operation == read);
            assert_eq!(was_read, part != off, "{part} while {off} is off: {called:?}");
        }
    }
}
