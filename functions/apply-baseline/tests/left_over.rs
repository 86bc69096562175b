//! `decide` of apply-baseline for things that the plan has lost: what is told, what goes, and what never does.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use apply_baseline::{
    ApplyBaseline, Input, Left, LeftPlan, LeftRecorder, LeftRule, LeftVault, Output, Plan, PlannedRule, Recorder, Rule,
    Selection, State, Vault, selection_name,
};
use berth_step::{DryRun, dry_run};
use berth_tenancy::{BackupPlan, BaselinePart, ConfigRule, LeftOver, Region, Tags, Thing};
use proptest::prelude::*;
use serde_json::{Value, json};

fn region() -> Region {
    "eu-west-1".parse().unwrap()
}

fn rule(name: &str) -> BaselinePart {
    BaselinePart::ConfigRule(format!("berth-{name}"))
}

fn vault(name: &str) -> BaselinePart {
    BaselinePart::BackupVault(name.to_owned())
}

/// The things of a whole baseline.
fn all() -> [BaselinePart; 4] {
    [rule("volumes"), BaselinePart::ConfigRecorder, BaselinePart::BackupPlan, vault("v")]
}

/// A plan with this baseline, of which these things are left over.
fn input(baseline: &Value, left: &[BaselinePart], remove: bool) -> Input {
    let mut whole = json!({ "region": "eu-west-1", "requireImdsV2": false });
    whole.as_object_mut().unwrap().extend(baseline.as_object().unwrap().clone());
    let mut input: Input = serde_json::from_value(json!({
        "run": {
            "accountId": "111122223333", "accountName": "payments-dev", "tenant": "payments", "environment": "dev",
            "execution": "arn:aws:states:us-east-1:210987654321:execution:m:e", "generation": 2, "mode": "apply",
            "tenantRole": "BerthTenant",
        },
        "baseline": whole,
    }))
    .unwrap();
    let thing = |part: &BaselinePart| Thing::BaselinePart { region: region(), part: part.clone() };
    input.left_over = left.iter().map(|part| LeftOver::new(thing(part), remove)).collect();
    input
}

fn left_rule(name: &str, ours: bool) -> LeftRule {
    LeftRule { name: name.to_owned(), ours }
}

/// All that an onboarding makes.
fn whole() -> Left {
    let selection = Selection { id: "s-1".to_owned(), name: "berth-1".to_owned(), ours: true };
    Left {
        plans: vec![LeftPlan { id: "p-1".to_owned(), ours: true, selections: vec![selection] }],
        vaults: vec![LeftVault { name: "v".to_owned(), ours: true, recovery_points: 0 }],
        rules: vec![left_rule("berth-volumes", true)],
        recorder: Some(LeftRecorder { ours: true, recording: true }),
        channel: true,
    }
}

fn converge(input: &Input, state: State) -> (Vec<String>, Output, Left) {
    let DryRun { batches, output, state } = dry_run::<ApplyBaseline>(input, state).unwrap();
    (batches.concat().iter().map(ToString::to_string).collect(), output, state.left.unwrap_or_default())
}

fn with(left: Left) -> State {
    State { left: Some(left), ..State::default() }
}

/// What is told, in words.
fn told(output: &Output) -> Vec<String> {
    output.left_over.iter().map(|left| left.thing.to_string()).collect()
}

/// What the inventory has afterwards.
fn listed(output: &Output) -> Vec<BaselinePart> {
    let [Thing::Baseline { parts: Some(parts), .. }] = &*output.given else { panic!("{output:?}") };
    parts.iter().cloned().collect()
}

#[test]
fn what_the_plan_has_lost_is_told_and_on_record_until_it_is_gone() {
    let input = input(&json!({}), &all(), false);
    let (lines, output, after) = converge(&input, with(whole()));
    assert_eq!((lines, after), (Vec::<String>::new(), whole()));
    let wanted = ["Config rule berth-volumes", "configuration recorder", "backup plan", "backup vault v"];
    assert_eq!(told(&output), wanted.map(|what| format!("{what} in eu-west-1")));
    assert_eq!(listed(&output).len(), 4);

    let by_hand = Left { rules: Vec::new(), plans: Vec::new(), ..whole() };
    let (_, output, _) = converge(&input, with(by_hand));
    assert_eq!(told(&output), ["configuration recorder in eu-west-1", "backup vault v in eu-west-1"]);
    assert_eq!(listed(&output).len(), 2, "what somebody has deleted is not on record any more");
}

#[test]
fn where_it_may_go_each_thing_goes_after_what_hangs_on_it() {
    let (lines, output, after) = converge(&input(&json!({}), &all(), true), with(whole()));
    let expected = [
        "delete Config rule berth-volumes",
        "stop configuration recorder berth-recorder",
        "delete backup selection berth-1, which the plan does not have",
        "delete delivery channel berth-recorder",
        "delete backup plan berth-backup (p-1)",
        "delete configuration recorder berth-recorder",
        "delete backup vault v, which is empty",
    ];
    assert_eq!((lines.as_slice(), after), (expected.map(str::to_owned).as_slice(), Left::default()));
    assert_eq!((told(&output), listed(&output)), (vec![], vec![]));
}

#[test]
fn what_is_not_provably_ours_holds_backups_or_is_needed_stays_and_is_told() {
    let input = input(&json!({}), &all(), true);
    let stays = |edit: fn(&mut Left)| {
        let mut left = whole();
        edit(&mut left);
        told(&converge(&input, with(left)).1)
    };
    let rule_and_recorder = ["Config rule berth-volumes in eu-west-1", "configuration recorder in eu-west-1"];
    assert_eq!(stays(|left| left.rules[0].ours = false), rule_and_recorder);
    assert_eq!(stays(|left| left.rules.push(left_rule("theirs", false))), ["configuration recorder in eu-west-1"]);
    assert_eq!(stays(|left| left.vaults[0].recovery_points = 1), ["backup vault v in eu-west-1"]);
    let plan_and_vault = ["backup plan in eu-west-1", "backup vault v in eu-west-1"];
    assert_eq!(stays(|left| left.plans[0].ours = false), plan_and_vault);
}

/// What is on record and not to go, or to go and not on record, stays.
#[test]
fn only_what_is_on_record_goes() {
    let mut left = whole();
    left.rules.push(left_rule("berth-unknown", true));
    let (lines, _, after) = converge(&input(&json!({}), &[rule("volumes")], true), with(left));
    assert_eq!(lines, ["delete Config rule berth-volumes"]);
    assert_eq!(after.rules, [left_rule("berth-unknown", true)]);
    let (lines, ..) = converge(&input(&json!({}), &[vault("v")], true), with(whole()));
    assert_eq!(lines, Vec::<String>::new(), "its plan is still there, and writes to it");
}

#[test]
fn a_recorder_that_planned_rules_need_stays() {
    let rules = json!({ "config": { "rules": [{ "name": "keys", "source": "ACCESS_KEYS_ROTATED" }] } });
    let input = input(&rules, &[BaselinePart::ConfigRecorder], true);
    let recorder = Recorder { name: "berth-recorder".to_owned(), recording: true, ..Recorder::default() };
    // The rule is made by this very run.
    let left = Left { rules: Vec::new(), ..whole() };
    let (lines, output, _) = converge(&input, State { recorder: Some(recorder), ..with(left) });
    assert_eq!(lines, ["create Config rule berth-keys"]);
    assert_eq!(told(&output), ["configuration recorder in eu-west-1"]);
    assert_eq!(listed(&output), [rule("keys"), BaselinePart::ConfigRecorder]);
}

/// The plan's vault has another name now.
#[test]
fn an_old_vault_goes_although_the_plan_stays_and_writes_to_the_new_one() {
    let backup = json!({
        "vault": "new", "kmsKey": null, "roleArn": "arn:aws:iam::111122223333:role/b",
        "rules": [{ "name": "daily", "schedule": "cron(0 3 * * ? *)" }], "tags": [],
    });
    let input = input(&json!({ "backup": backup }), &[vault("v")], true);
    let plan: BackupPlan = input.baseline.backup.clone().unwrap();
    let old = PlannedRule { rule: plan.rules[0].clone(), vault: "v".to_owned() };
    let selection = Selection { id: "s-1".to_owned(), name: selection_name(&plan), ours: true };
    let (id, arn) = ("p-1".to_owned(), "arn".to_owned());
    let there = Plan {
        id,
        arn,
        ours: true,
        tagged: true,
        surplus: Tags::default(),
        rules: vec![old],
        selections: vec![selection],
    };
    let state = State { plan: Some(there), vault: None, backup_role: true, ..with(whole()) };
    let (lines, output, after) = converge(&input, state);
    let expected =
        ["create backup vault new", "repair backup plan berth-backup", "delete backup vault v, which is empty"];
    assert_eq!((lines.as_slice(), after.plans.len()), (expected.map(str::to_owned).as_slice(), 1));
    assert_eq!((told(&output), listed(&output)), (vec![], vec![BaselinePart::BackupPlan, vault("new")]));
}

#[test]
fn a_baseline_that_nobody_has_listed_is_listed_and_what_is_not_planned_told() {
    let rules = json!({ "config": { "rules": [{ "name": "volumes", "source": "ENCRYPTED_VOLUMES" }] } });
    let mut input = input(&rules, &[], false);
    let look = LeftOver::new(Thing::Baseline { region: region(), parts: None }, false);
    input.left_over.push(LeftOver { until_next_run: true, ..look });
    let config: ConfigRule = input.baseline.config.clone().unwrap().rules.remove(0);
    let planned = Rule { arn: "arn".to_owned(), says: Some(config), tags: None };
    let mut left = whole();
    left.rules.extend([left_rule("berth-old", true), left_rule("berth-theirs", false), left_rule("theirs", false)]);
    let recorder = Recorder { name: "theirs".to_owned(), ..Recorder::default() };
    let rules = [("berth-volumes".to_owned(), planned)].into();
    let (lines, output, _) = converge(&input, State { recorder: Some(recorder), rules, ..with(left) });
    assert_eq!(lines, Vec::<String>::new(), "it only reports");
    let wanted = ["Config rule berth-old", "configuration recorder", "backup plan", "backup vault v"];
    assert_eq!(told(&output), wanted.map(|what| format!("{what} in eu-west-1")));
    assert!(output.left_over.iter().all(|left| !left.remove && left.until_next_run), "{output:?}");
    assert_eq!(listed(&output).len(), 5, "and the planned rule");
}

#[test]
fn what_is_left_over_in_another_region_is_none_of_this_ones_business() {
    let mut input = input(&json!({}), &all(), true);
    for left in &mut input.left_over {
        let Thing::BaselinePart { region, .. } = &mut left.thing else { panic!("{left:?}") };
        *region = "eu-north-1".parse().unwrap();
    }
    let (lines, output, after) = converge(&input, with(whole()));
    assert_eq!((lines, told(&output), after), (vec![], vec![], whole()));
}

#[test]
fn a_rule_that_somebody_else_tagged_is_not_listed() {
    let rules = json!({ "config": { "rules": [{ "name": "volumes", "source": "ENCRYPTED_VOLUMES" }] } });
    let mut input = input(&rules, &[], false);
    input.left_over.push(LeftOver::new(Thing::Baseline { region: region(), parts: None }, false));
    let config: ConfigRule = input.baseline.config.clone().unwrap().rules.remove(0);
    let there = |tags: Option<Tags>| {
        let planned = Rule { arn: "arn".to_owned(), says: Some(config.clone()), tags };
        let recorder = Recorder { name: "theirs".to_owned(), ..Recorder::default() };
        let rules = [("berth-volumes".to_owned(), planned)].into();
        listed(&converge(&input, State { recorder: Some(recorder), rules, ..State::default() }).1)
    };
    let ours = Tags::of(&input.run.account_id, &input.run.tenant);
    assert_eq!((there(None).len(), there(Some(ours)).len(), there(Some(Tags::default())).len()), (1, 1, 0));
}

proptest! {
    #[test]
    fn from_any_state_what_is_planned_foreign_or_not_on_record_is_never_deleted(
        on_record in prop::collection::vec(0_usize..4, 0..4), wants_rule: bool, ours in prop::collection::vec(any::<bool>(), 4),
        points in 0_i64..2, others in 0_usize..2,
    ) {
        let baseline = if wants_rule {
            json!({ "config": { "rules": [{ "name": "volumes", "source": "ENCRYPTED_VOLUMES" }] } })
        } else {
            json!({})
        };
        let on_record: Vec<BaselinePart> = on_record.iter().map(|n| all()[*n].clone()).collect();
        let input = input(&baseline, &on_record, true);
        let mut left = whole();
        left.rules[0].ours = ours[0];
        left.recorder.as_mut().unwrap().ours = ours[1];
        left.plans[0].ours = ours[2];
        left.vaults[0].ours = ours[3];
        left.vaults[0].recovery_points = points;
        left.rules.extend((0..others).map(|n| left_rule(&format!("theirs-{n}"), false)));
        let mut state = with(left);
        if wants_rule {
            let config: ConfigRule = input.baseline.config.clone().unwrap().rules.remove(0);
            state.rules.insert("berth-volumes".to_owned(), Rule { arn: "arn".to_owned(), says: Some(config), tags: None });
            state.recorder = Some(Recorder { name: "berth-recorder".to_owned(), ..Recorder::default() });
        }
        let (_, output, after) = converge(&input, state);
        let keeps = |n: usize| !ours[n] || !on_record.contains(&all()[n]);
        prop_assert_eq!(after.rules.len(), others + usize::from(keeps(0) || wants_rule));
        prop_assert!(after.recorder.is_some() || !keeps(1) && after.rules.is_empty() && !wants_rule);
        prop_assert!(after.plans.len() == 1 || !keeps(2));
        prop_assert!(after.vaults.len() == 1 || !keeps(3) && points == 0 && after.plans.is_empty());
        // What is told is what is on record, not planned and there.
        for left in &output.left_over {
            let Thing::BaselinePart { part, .. } = &left.thing else { panic!("{left:?}") };
            prop_assert!(on_record.contains(part));
        }
    }
}

#[test]
fn a_vault_that_is_planned_is_no_left_over_of_its_own() {
    let vault = Vault { arn: "arn".to_owned(), key: None, ours: true, tagged: true, surplus: Tags::default() };
    let backup = json!({
        "vault": "v", "kmsKey": null, "roleArn": "arn:aws:iam::111122223333:role/b", "rules": [], "tags": [],
    });
    let mut input = input(&json!({ "backup": backup }), &[], false);
    input.left_over.push(LeftOver::new(Thing::Baseline { region: region(), parts: None }, false));
    let plan: BackupPlan = input.baseline.backup.clone().unwrap();
    let selection = Selection { id: "s-1".to_owned(), name: selection_name(&plan), ours: true };
    let (id, arn) = ("p-1".to_owned(), "arn".to_owned());
    let there = Plan {
        id,
        arn,
        ours: true,
        tagged: true,
        surplus: Tags::default(),
        rules: Vec::new(),
        selections: vec![selection],
    };
    let left = Left { rules: Vec::new(), recorder: None, channel: false, ..whole() };
    let (lines, output, _) =
        converge(&input, State { plan: Some(there), vault: Some(vault), backup_role: true, ..with(left) });
    assert_eq!((lines, told(&output)), (Vec::<String>::new(), Vec::<String>::new()));
}
