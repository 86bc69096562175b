//! `decide` of apply-baseline: which changes bring a region to its baseline, from any state.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;

use apply_baseline::{
    ApplyBaseline, BackupChange, Change, Channel, Input, Output, Plan, PlannedRule, RECORDER, Recorder, Rule,
    Selection, State, Vault, selection_name,
};
use berth_step::{Decision, DryRun, Fault, Step, StepError, dry_run};
use berth_tenancy::{Mode, Tags};
use proptest::prelude::*;
use serde_json::json;

const ROLE: &str = "arn:aws:iam::111122223333:role/berth-backup";
const RULE: &str = "arn:aws:config:eu-west-1:111122223333:config-rule/config-rule-abcdef";
const RECORDER_ARN: &str = "arn:aws:config:eu-west-1:111122223333:configuration-recorder/berth-recorder/abcdef";

fn input() -> Input {
    serde_json::from_value(json!({
        "run": {
            "accountId": "111122223333", "accountName": "payments-dev", "tenant": "payments", "environment": "dev",
            "execution": "arn:aws:states:us-east-1:210987654321:execution:m:e", "generation": 1, "mode": "apply",
            "tenantRole": "BerthTenant",
        },
        "baseline": {
            "region": "eu-west-1",
            "backup": {
                "vault": "berth-backup", "kmsKey": null, "roleArn": ROLE,
                "rules": [{ "name": "daily", "schedule": "cron(0 3 * * ? *)", "deleteAfterDays": 35 }],
                "tags": [{ "key": "backup", "value": "true" }],
            },
            "config": {
                "recorder": { "bucket": "bucket", "prefix": null, "globalResources": true },
                "rules": [
                    { "name": "volumes", "source": "ENCRYPTED_VOLUMES" },
                    { "name": "keys", "source": "ACCESS_KEYS_ROTATED", "parameters": { "maxAccessKeyAge": "90" } },
                ],
            },
            "ebsEncryption": { "kmsKey": "arn:aws:kms:eu-west-1:111122223333:key/1" },
            "requireImdsV2": true,
            "snapshotSharing": "blockAll",
            "account": { "s3PublicAccessBlock": true },
        },
    }))
    .unwrap()
}

fn fresh() -> State {
    State { backup_role: true, snapshot_sharing: Some("unblocked".into()), ..State::default() }
}

fn decide(input: &Input, state: &State) -> Result<Decision<Change, Output>, StepError> {
    ApplyBaseline::decide(input, state)
}

/// The lines of each round until nothing is left, and what is there afterwards.
fn converge(input: &Input, state: State) -> (Vec<Vec<String>>, State) {
    let DryRun { batches, output, state } = dry_run::<ApplyBaseline>(input, state).unwrap();
    assert!(batches.len() < 8, "{batches:?}");
    assert_eq!(output.region, input.baseline.region);
    (batches.iter().map(|batch| batch.iter().map(ToString::to_string).collect()).collect(), state)
}

fn converged() -> State {
    converge(&input(), fresh()).1
}

fn fault(state: &State) -> (Fault, String) {
    let error = decide(&input(), state).unwrap_err();
    (error.fault, error.message)
}

#[test]
fn a_fresh_region_gets_everything_in_the_order_of_its_dependencies() {
    let (rounds, state) = converge(&input(), fresh());
    let selection = format!("create backup selection {}", selection_name(input().baseline.backup.as_ref().unwrap()));
    let expected: [&[&str]; 4] = [
        &[
            "turn on EBS encryption by default",
            "set the key of EBS encryption by default to arn:aws:kms:eu-west-1:111122223333:key/1",
            "require IMDSv2 by default",
            "set public sharing of snapshots to block-all-sharing",
            "block public access to S3 in the whole account",
            "ensure the service-linked role of AWS Config",
            "create backup vault berth-backup",
        ],
        &["put configuration recorder berth-recorder", "create backup plan berth-backup"],
        &[
            "deliver configuration to bucket",
            "create Config rule berth-volumes",
            "create Config rule berth-keys",
            &selection,
        ],
        &["start configuration recorder berth-recorder"],
    ];
    assert_eq!(rounds, expected);
    assert!(state.recorder.unwrap().recording);
}

#[test]
fn a_converged_region_needs_nothing() {
    assert!(converge(&input(), converged()).0.is_empty());
}

#[test]
fn what_is_switched_off_is_left_as_it_is() {
    let mut input = input();
    let baseline = &mut input.baseline;
    (baseline.backup, baseline.config, baseline.ebs_encryption) = (None, None, None);
    (baseline.require_imds_v2, baseline.snapshot_sharing, baseline.account) = (false, None, None);
    assert!(baseline.is_empty());
    assert!(converge(&input, State::default()).0.is_empty());
}

#[test]
fn every_kind_of_drift_is_repaired_by_the_one_change_that_it_needs() {
    type Drift = (&'static str, fn(&mut State));
    let cases: [Drift; 13] = [
        ("repair tags of backup vault berth-backup", |state| state.vault.as_mut().unwrap().tagged = false),
        ("repair tags of backup plan berth-backup", |state| state.plan.as_mut().unwrap().tagged = false),
        ("turn on EBS encryption by default", |state| state.ebs_encrypted = false),
        ("set the key of EBS encryption by default to arn:aws:kms:eu-west-1:111122223333:key/1", |state| {
            state.ebs_key = Some("other".into());
        }),
        ("require IMDSv2 by default", |state| state.imds_v2 = false),
        ("set public sharing of snapshots to block-all-sharing", |state| {
            state.snapshot_sharing = Some("block-new-sharing".into());
        }),
        ("block public access to S3 in the whole account", |state| state.s3_blocked = false),
        ("put configuration recorder berth-recorder", |state| {
            state.recorder.as_mut().unwrap().all_supported = false;
        }),
        ("deliver configuration to bucket", |state| state.channel.as_mut().unwrap().bucket = "other".into()),
        ("start configuration recorder berth-recorder", |state| state.recorder.as_mut().unwrap().recording = false),
        ("repair Config rule berth-keys", |state| {
            let rule = state.rules.get_mut("berth-keys").unwrap();
            rule.says.as_mut().unwrap().parameters = BTreeMap::new();
        }),
        ("repair backup plan berth-backup", |state| {
            state.plan.as_mut().unwrap().rules[0].rule.delete_after_days = None;
        }),
        ("delete backup selection berth-old, which the plan does not have", |state| {
            let old = Selection { id: "1".into(), name: "berth-old".into(), ours: true };
            state.plan.as_mut().unwrap().selections.push(old);
        }),
    ];
    for (line, drift) in cases {
        let mut state = converged();
        drift(&mut state);
        let (rounds, _) = converge(&input(), state);
        assert_eq!(rounds.concat(), [line]);
    }
}

#[test]
fn our_names_without_our_tags_are_not_owned_and_named() {
    let mut state = converged();
    state.vault = Some(Vault { arn: "a".into(), key: None, ours: false, tagged: false, surplus: Tags::default() });
    assert_eq!(fault(&state).0, Fault::NotOwned);
    assert!(fault(&state).1.starts_with("backup vault berth-backup has the name"), "{}", fault(&state).1);

    let mut state = converged();
    state.plan = Some(Plan {
        id: "p-1".into(),
        arn: "a".into(),
        ours: false,
        tagged: false,
        surplus: Tags::default(),
        rules: vec![],
        selections: vec![],
    });
    assert_eq!(fault(&State { backup_role: true, ..state.clone() }).0, Fault::NotOwned);
    assert!(fault(&state).1.contains("backup plan berth-backup (p-1)"), "{}", fault(&state).1);

    let mut state = converged();
    state.rules.insert("berth-keys".into(), Rule { arn: RULE.into(), says: None, tags: Some(Tags::default()) });
    assert_eq!(fault(&state).0, Fault::NotOwned);
    assert!(fault(&state).1.contains("Config rule berth-keys"), "{}", fault(&state).1);
}

#[test]
fn tags_of_recorder_and_rules_are_repaired_where_they_were_read() {
    let mut tagged = input();
    tagged.run.tags.all.insert("CostCenter".into(), "4711".into());
    let (_, mut state) = converge(&tagged, fresh());
    let ours = Tags::of(&tagged.run.account_id, &tagged.run.tenant);
    assert_eq!(
        state.rules["berth-keys"].tags.as_ref().unwrap().get("CostCenter"),
        Some("4711"),
        "in the creating call"
    );
    let recorder = state.recorder.as_mut().unwrap();
    (recorder.arn, recorder.tags) = (Some(RECORDER_ARN.into()), Some(ours.clone()));
    let keys = state.rules.get_mut("berth-keys").unwrap();
    (keys.arn, keys.tags) = (RULE.into(), Some(ours.with("CostCenter", "0")));
    // Not read, or nobody's: neither is touched.
    state.rules.get_mut("berth-volumes").unwrap().tags = Some(Tags::default());
    let (rounds, after) = converge(&tagged, state.clone());
    let lines = ["repair tags of configuration recorder berth-recorder", "repair tags of Config rule berth-keys"];
    assert_eq!(rounds, [lines]);
    assert_eq!(after.recorder.unwrap().tags.unwrap().get("CostCenter"), Some("4711"));
    assert_eq!(after.rules["berth-volumes"].tags, Some(Tags::default()));
    (state.recorder.as_mut().unwrap().tags, state.rules.get_mut("berth-keys").unwrap().tags) = (None, None);
    assert!(converge(&tagged, state).0.is_empty());
}

#[test]
fn a_selection_of_somebody_else_in_our_plan_is_left() {
    let mut state = converged();
    let other = Selection { id: "2".into(), name: "theirs".into(), ours: false };
    state.plan.as_mut().unwrap().selections.push(other);
    assert!(converge(&input(), state).0.is_empty());
}

fn recorder(name: &str) -> Recorder {
    let name = name.to_owned();
    Recorder { name, ..Recorder::default() }
}

#[test]
fn where_control_tower_records_only_the_rules_are_made() {
    let mut state = converged();
    state.recorder = Some(recorder("aws-controltower-BaselineConfigRecorder"));
    (state.channel, state.rules) = (None, BTreeMap::new());
    let (rounds, _) = converge(&input(), state);
    assert_eq!(rounds, [["create Config rule berth-volumes", "create Config rule berth-keys"]]);
}

#[test]
fn another_recorder_or_channel_is_not_owned_as_a_region_has_one() {
    let state = State { recorder: Some(recorder("default")), ..converged() };
    assert_eq!(fault(&state).1, "the region's one configuration recorder is default, which Berth did not make");
    let channel = Channel { name: "default".into(), bucket: "bucket".into(), prefix: None };
    let state = State { recorder: None, channel: Some(channel), ..converged() };
    assert_eq!(fault(&state).1, "the region's one delivery channel is default, which Berth did not make");
    assert_eq!(fault(&state).0, Fault::NotOwned);
}

#[test]
fn rules_wait_for_the_recorder_of_somebody_else_but_a_plan_does_not() {
    let mut input = input();
    input.baseline.config.as_mut().unwrap().recorder = None;
    let state = State { recorder: None, rules: BTreeMap::new(), ..converged() };
    assert_eq!(decide(&input, &state).unwrap_err().fault, Fault::NotReady);
    input.run.mode = Mode::Plan;
    assert_eq!(converge(&input, state).0.concat().len(), 2);
}

#[test]
fn a_missing_role_is_waited_for_before_any_change_but_not_in_a_plan() {
    let mut input = input();
    let state = State { backup_role: false, ..fresh() };
    let error = decide(&input, &state).unwrap_err();
    assert_eq!(error.fault, Fault::NotReady);
    assert!(error.message.contains(ROLE), "{error}");
    input.run.mode = Mode::Plan;
    assert_eq!(converge(&input, state).0.len(), 4);
}

#[test]
fn a_vault_with_another_key_is_a_mistake_in_the_plan() {
    let mut input = input();
    input.baseline.backup.as_mut().unwrap().kms_key = Some("arn:aws:kms:eu-west-1:111122223333:key/2".into());
    let error = decide(&input, &converged()).unwrap_err();
    assert_eq!(error.fault, Fault::InvalidInput);
    assert!(error.message.contains("cannot be changed") || error.hint.contains("cannot be changed"), "{error}");
}

#[test]
fn the_name_of_a_selection_holds_its_role_and_tags() {
    let plan = input().baseline.backup.unwrap();
    let name = selection_name(&plan);
    assert!(name.len() <= 50 && name.starts_with("berth-"), "{name}");
    let mut other = plan.clone();
    other.tags[0].value = "yes".into();
    assert_ne!(name, selection_name(&other));
    let mut other = plan;
    other.role_arn.push('x');
    assert_ne!(name, selection_name(&other));
}

proptest! {
    #[test]
    fn any_drifted_region_converges_and_then_needs_nothing(drift in proptest::collection::vec(any::<bool>(), 14)) {
        let mut state = converged();
        if drift[0] { state.ebs_encrypted = false }
        if drift[1] { state.imds_v2 = false }
        if drift[2] { state.snapshot_sharing = None }
        if drift[3] { state.s3_blocked = false }
        if drift[4] { state.recorder = None }
        if drift[5] { state.channel = None }
        if drift[6] { state.rules.clear() }
        if drift[7] { state.config_role = false }
        if drift[8] { state.plan = None }
        if drift[9] { state.vault = None }
        if let Some(recorder) = state.recorder.as_mut().filter(|_| drift[10]) {
            recorder.role_arn = None;
            recorder.recording = false;
        }
        if let Some(plan) = state.plan.as_mut().filter(|_| drift[11]) {
            plan.rules.push(PlannedRule { vault: "other".into(), ..plan.rules[0].clone() });
            plan.selections.clear();
        }
        state.vault.iter_mut().for_each(|vault| vault.tagged = !drift[12]);
        state.plan.iter_mut().for_each(|plan| plan.tagged = !drift[13]);
        let (_, after) = converge(&input(), state);
        prop_assert_eq!(after.recorder.as_ref().map(|recorder| recorder.name.as_str()), Some(RECORDER));
        prop_assert!(matches!(decide(&input(), &after), Ok(Decision::Done(_))));
        let unlike = |change: &Change| matches!(change, Change::Backup(BackupChange::DeleteSelection { .. }));
        prop_assert!(!matches!(decide(&input(), &after), Ok(Decision::Act(changes)) if changes.iter().any(unlike)));
    }
}
