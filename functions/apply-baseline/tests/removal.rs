//! `decide` of apply-baseline for an account that leaves: what goes, in which order, and what never does.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use apply_baseline::{
    ApplyBaseline, BackupChange, Change, ConfigChange, Input, Left, LeftPlan, LeftRecorder, LeftRule, LeftVault,
    Selection, State,
};
use berth_step::{DryRun, Step, dry_run};
use berth_tenancy::{BaselinePart, Thing};
use proptest::prelude::*;
use serde_json::{Value, json};

fn input(left_over: &Value) -> Input {
    serde_json::from_value(json!({
        "run": {
            "accountId": "111122223333", "accountName": "payments-dev", "tenant": "payments", "environment": "dev",
            "execution": "arn:aws:states:us-east-1:210987654321:execution:m:e", "generation": 2, "mode": "apply",
            "tenantRole": "BerthTenant",
        },
        "baseline": { "region": "eu-west-1", "requireImdsV2": false },
        "leftOver": left_over,
    }))
    .unwrap()
}

fn leaving() -> Input {
    input(&json!([{ "thing": { "kind": "baseline", "region": "eu-west-1" }, "remove": true }]))
}

fn selection(name: &str, ours: bool) -> Selection {
    Selection { id: format!("id-{name}"), name: name.to_owned(), ours }
}

fn rule(name: &str, ours: bool) -> LeftRule {
    LeftRule { name: name.to_owned(), ours }
}

/// All that an onboarding makes.
fn whole() -> Left {
    Left {
        plans: vec![LeftPlan { id: "p-1".to_owned(), ours: true, selections: vec![selection("berth-1", true)] }],
        vaults: vec![LeftVault { name: "berth-backup".to_owned(), ours: true, recovery_points: 0 }],
        rules: vec![rule("berth-volumes", true)],
        recorder: Some(LeftRecorder { ours: true, recording: true }),
        channel: true,
    }
}

/// The lines of each round, what is said to stay, and what is there afterwards.
fn converge(input: &Input, left: Left) -> (Vec<Vec<String>>, Vec<String>, Left) {
    let state = State { left: Some(left), ..State::default() };
    let DryRun { batches, output, state } = dry_run::<ApplyBaseline>(input, state).unwrap();
    let rounds = batches.iter().map(|batch| batch.iter().map(ToString::to_string).collect()).collect();
    (rounds, output.left_behind, state.left.unwrap())
}

/// What stays of `whole` with this in it.
fn stays(edit: impl FnOnce(&mut Left)) -> (Vec<String>, Left) {
    let mut left = whole();
    edit(&mut left);
    let (_, said, after) = converge(&leaving(), left);
    (said, after)
}

#[test]
fn all_of_a_baseline_goes_each_thing_after_what_hangs_on_it() {
    let (rounds, said, after) = converge(&leaving(), whole());
    let expected: [&[&str]; 3] = [
        &[
            "delete Config rule berth-volumes",
            "stop configuration recorder berth-recorder",
            "delete backup selection berth-1, which the plan does not have",
        ],
        &["delete delivery channel berth-recorder", "delete backup plan berth-backup (p-1)"],
        &["delete configuration recorder berth-recorder", "delete backup vault berth-backup, which is empty"],
    ];
    assert_eq!(rounds, expected);
    assert_eq!((said, after), (Vec::new(), Left::default()));
}

#[test]
fn a_baseline_that_is_not_on_record_or_not_to_go_is_not_touched() {
    for left_over in [
        json!([]),
        json!([{ "thing": { "kind": "baseline", "region": "eu-west-1" }, "remove": false }]),
        json!([{ "thing": { "kind": "baseline", "region": "eu-north-1" }, "remove": true }]),
        json!([{ "thing": { "kind": "vpc", "region": "eu-west-1" }, "remove": true }]),
    ] {
        assert!(converge(&input(&left_over), whole()).0.is_empty(), "{left_over}");
    }
}

#[test]
fn a_vault_with_recovery_points_stays_and_is_named() {
    let (said, after) = stays(|left| left.vaults[0].recovery_points = 3);
    assert_eq!(
        after,
        Left { vaults: vec![LeftVault { recovery_points: 3, ..whole().vaults[0].clone() }], ..Left::default() }
    );
    assert!(said[0].starts_with("eu-west-1: backup vault berth-backup stays: it has 3 recovery points"), "{said:?}");
}

#[test]
fn what_has_not_our_tags_stays_and_is_named() {
    let (said, after) = stays(|left| {
        left.vaults[0].ours = false;
        left.plans[0].ours = false;
        left.rules[0].ours = false;
    });
    assert_eq!((after.vaults.len(), after.plans.len(), after.rules.len()), (1, 1, 1));
    assert!(after.recorder.unwrap().recording, "a rule that is not ours needs it");
    let said = said.join("\n");
    for part in [
        "backup vault berth-backup stays: it has not Berth's tags",
        "backup plan berth-backup (p-1) stays: it has not Berth's tags",
        "Config rule berth-volumes stays: it has not Berth's tags",
        "configuration recorder berth-recorder stays: rules of somebody else need it: berth-volumes",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let (said, after) = stays(|left| left.recorder.as_mut().unwrap().ours = false);
    assert!(after.recorder.unwrap().recording && after.channel, "{said:?}");
}

#[test]
fn what_somebody_else_needs_stays_with_what_it_needs_itself() {
    let theirs = || selection("theirs", false);
    let (said, after) = stays(|left| left.plans[0].selections.push(theirs()));
    assert_eq!((after.plans[0].selections.clone(), after.vaults.len()), (vec![theirs()], 1));
    let said = said.join("\n");
    assert!(said.contains("its selection theirs is somebody else's") && said.contains("writes to it"), "{said}");
    let others = (0..7).map(|n| rule(&format!("securityhub-{n}"), false));
    let (said, after) = stays(|left| left.rules.extend(others));
    assert!(after.recorder.unwrap().recording && after.channel && after.rules.len() == 7);
    assert!(said[0].contains("securityhub-4 and 2 more"), "{said:?}");
}

#[test]
fn a_channel_without_its_recorder_stays() {
    let (said, after) = stays(|left| left.recorder = None);
    assert!(after.channel);
    assert!(said[0].contains("delivery channel berth-recorder stays"), "{said:?}");
}

#[test]
fn a_removal_gives_the_inventory_nothing() {
    let change = Change::Config(ConfigChange::DeleteRecorder);
    assert_eq!(ApplyBaseline::gives(&leaving(), &change), None);
    let parts = |input: &Input| match ApplyBaseline::gives(input, &change) {
        Some(Thing::Baseline { parts, .. }) => parts,
        other => panic!("{other:?}"),
    };
    assert_eq!(parts(&input(&json!([]))), Some([].into()));
    let left = json!([{ "thing": { "kind": "baselinePart", "region": "eu-west-1", "part": "backupPlan" } }]);
    assert_eq!(parts(&input(&left)), Some([BaselinePart::BackupPlan].into()), "what is left over stays on record");
    let unlisted = json!([{ "thing": { "kind": "baseline", "region": "eu-west-1" } }]);
    assert_eq!(parts(&input(&unlisted)), None, "nobody knows what it has before this run has ended");
}

proptest! {
    #[test]
    fn from_any_state_nothing_foreign_and_no_backup_is_ever_deleted(
        plan_ours: bool, vault_ours: bool, recorder_ours: bool, rule_ours: bool, selection_ours: bool, recording: bool,
        channel: bool, is_recording_there: bool, points in 0_i64..3, others in 0_usize..3,
    ) {
        let mut left = whole();
        left.plans[0].ours = plan_ours;
        left.plans[0].selections.push(selection("other", selection_ours));
        left.vaults[0].ours = vault_ours;
        left.vaults[0].recovery_points = points;
        left.rules[0].ours = rule_ours;
        left.rules.extend((0..others).map(|n| rule(&format!("other-{n}"), false)));
        left.recorder = is_recording_there.then_some(LeftRecorder { ours: recorder_ours, recording });
        left.channel = channel;
        let state = State { left: Some(left.clone()), ..State::default() };
        let DryRun { batches, state, .. } = dry_run::<ApplyBaseline>(&leaving(), state).unwrap();
        let after = state.left.unwrap();
        let foreign_rules = |left: &Left| left.rules.iter().filter(|rule| !rule.ours).count();
        prop_assert_eq!(foreign_rules(&after), foreign_rules(&left));
        let is_kept = !vault_ours || points > 0;
        prop_assert!(after.vaults.len() == 1 || !is_kept);
        prop_assert!(after.plans.len() == 1 || plan_ours && selection_ours);
        let needed = !recorder_ours || others > 0 || !rule_ours;
        prop_assert_eq!(after.recorder.is_some(), is_recording_there && needed);
        // One after the other: AWS refuses a channel while something records, and a plan that has a selection.
        for batch in &batches {
            let has = |wanted: &ConfigChange| batch.iter().any(|change| *change == Change::Config(wanted.clone()));
            prop_assert!(!(has(&ConfigChange::StopRecorder) && has(&ConfigChange::DeleteChannel)));
            let is_vault = |change: &Change| matches!(change, Change::Backup(BackupChange::DeleteVault { .. }));
            let is_of_plan = |change: &Change| {
                matches!(change, Change::Backup(BackupChange::DeletePlan { .. } | BackupChange::DeleteSelection { .. }))
            };
            let is_after_its_plan = !batch.iter().any(is_vault) || !batch.iter().any(is_of_plan);
            prop_assert!(is_after_its_plan);
        }
    }
}
