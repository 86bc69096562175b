//! A plan as a document: its published schema, its hash, and how it is put together from the answers of its steps.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::fs;

use berth_contract::{
    Difference, ExtensionAnswer, ExtensionRequest, Incomplete, PlanDocument, Withheld, changes_in_answer, in_order,
};
use berth_events::outcome::{StillThere, Version};
use berth_tenancy::{
    AccountId, Counts, Effect, LeftOver, Origin, Planned, Region, ResourceChange, ResourceKind, StepSummary, Thing,
    UntaggedKind, without_formats,
};
use schemars::{SchemaGenerator, generate::SchemaSettings, transform::RecursiveTransform};
use serde_json::{Value, json};

const PUBLISHED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/plan.schema.json");

fn account() -> AccountId {
    "111122223333".parse().unwrap()
}

fn region(name: &str) -> Region {
    name.parse().unwrap()
}

/// What one invocation answers that would make these changes.
fn answer(step: &str, region: Option<&Region>, effects: Vec<Effect>) -> Planned {
    let account = account();
    let place = Origin { step, region, account: &account };
    let told = |effect: Effect| {
        let sentence = format!("{} {:?}", effect.operation, effect.name);
        ResourceChange::of(&place, effect, sentence)
    };
    Planned::of(&place, effects.into_iter().map(told).collect())
}

fn vpc(name: &str) -> Effect {
    Effect::creates(ResourceKind::Vpc, "ec2:CreateVpc").name(name).given("cidrBlock", (), ())
}

/// The answers of three steps: one runs in each region, one in none, and one in none with changes in several.
fn answers() -> [Planned; 4] {
    let (ireland, frankfurt) = (region("eu-west-1"), region("eu-central-1"));
    let session = Effect::changes(ResourceKind::Role, "iam:UpdateRole").id("payments-developer");
    let gone = |region: &Region| Effect::deletes(ResourceKind::Vpc, "ec2:DeleteVpc").id("vpc-1").in_region(region);
    let sign_in = Effect::creates(UntaggedKind::SignIn, "sso:CreateAccountAssignment");
    [
        answer("provision-vpc", Some(&frankfurt), vec![vpc("a"), vpc("b")]),
        answer("provision-vpc", Some(&ireland), vec![vpc("a")]),
        answer("create-tenant-roles", None, vec![session.field("maxSessionDuration", 7200, 3600)]),
        answer("remove-default-vpcs", None, vec![gone(&ireland), gone(&frankfurt), sign_in.disrupting()]),
    ]
}

fn summaries() -> Vec<StepSummary> {
    answers().into_iter().flat_map(|answer| answer.summary).collect()
}

fn document() -> PlanDocument {
    let left_over = LeftOver::new(Thing::Baseline { region: region("eu-north-1"), parts: None }, false);
    let changes: Vec<ResourceChange> = answers().into_iter().flat_map(|answer| answer.planned).collect();
    let withheld = Withheld {
        region: region("eu-west-1"),
        what: "a route leads elsewhere".to_owned(),
        by_berth: true,
        next: "allow it".to_owned(),
    };
    PlanDocument {
        version: Version,
        account_id: account(),
        tenant: "payments".parse().unwrap(),
        environment: "dev".parse().unwrap(),
        state_machine_arn: "arn:aws:states:us-east-1:210987654321:stateMachine:berth-onboard-account".to_owned(),
        execution_arn: "arn:aws:states:us-east-1:210987654321:execution:berth-onboard-account:one".to_owned(),
        planned_at: "2026-01-02T03:04:05Z".parse().unwrap(),
        allow_disruption: false,
        counts: Counts::of(&changes),
        changes,
        planned_changes: vec![withheld],
        left_over: vec![StillThere::of(&account(), &left_over)],
        hash: String::new(),
    }
    .sealed()
}

fn schema() -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize().with_transform(RecursiveTransform(without_formats));
    serde_json::to_value(SchemaGenerator::new(settings).into_root_schema_for::<PlanDocument>()).unwrap()
}

#[test]
fn the_published_schema_of_a_plan_is_the_one_of_the_types() {
    publish(PUBLISHED, &schema());
}

/// Writes a schema where it is published, and fails when it was another.
fn publish(path: &str, schema: &Value) {
    let schema = format!("{}\n", serde_json::to_string_pretty(schema).unwrap());
    let is_published = fs::read_to_string(path).is_ok_and(|text| text == schema);
    if !is_published {
        fs::write(path, schema).unwrap();
    }
    assert!(is_published, "{path} was stale and is written anew: commit it");
}

#[test]
fn the_published_schemas_of_extensions_are_those_of_the_types() {
    let settings =
        || SchemaSettings::draft2020_12().for_serialize().with_transform(RecursiveTransform(without_formats));
    for (name, schema) in [
        ("request", SchemaGenerator::new(settings()).into_root_schema_for::<ExtensionRequest>()),
        ("answer", SchemaGenerator::new(settings()).into_root_schema_for::<ExtensionAnswer>()),
    ] {
        let path = PUBLISHED.replace("plan.schema", &format!("extension-{name}.schema"));
        publish(&path, &serde_json::to_value(schema).unwrap());
    }
}

#[test]
fn the_schema_takes_what_is_written_and_nothing_else_and_it_reads_back() {
    let schema = jsonschema::validator_for(&schema()).unwrap();
    let written = json!(document());
    assert!(schema.is_valid(&written), "{written:#}");
    assert_eq!(serde_json::from_value::<PlanDocument>(written.clone()).unwrap(), document());
    for (pointer, key) in [("", "hash"), ("", "stateMachineArn"), ("/changes/0", "operation"), ("/changes/0", "key")] {
        let mut less = written.clone();
        less.pointer_mut(pointer).unwrap().as_object_mut().unwrap().remove(key).unwrap();
        assert!(!schema.is_valid(&less), "{key} is not required");
    }
    for pointer in ["", "/changes/0", "/changes/3/fields/0", "/counts"] {
        let mut more = written.clone();
        more.pointer_mut(pointer).unwrap()["more"] = json!(1);
        assert!(!schema.is_valid(&more), "{pointer} takes anything");
        assert!(serde_json::from_value::<PlanDocument>(more).is_err(), "{pointer} takes anything");
    }
    let mut later = written;
    later["version"] = json!(2);
    assert!(!schema.is_valid(&later) && serde_json::from_value::<PlanDocument>(later).is_err());
    assert!(!schema_text().contains("\"format\":"), "ajv refuses a format that it does not know");
}

fn schema_text() -> String {
    schema().to_string()
}

#[test]
fn the_hash_is_of_the_plan_and_not_of_its_making() {
    let made = document();
    assert!(made.is_sealed() && made.hash.len() == "sha256:".len() + 64, "{}", made.hash);
    let again = PlanDocument {
        execution_arn: "arn:aws:states:us-east-1:210987654321:execution:berth-onboard-account:two".to_owned(),
        planned_at: "2027-01-02T03:04:05Z".parse().unwrap(),
        ..document()
    };
    assert!(again.is_sealed(), "the same plan has the same hash");
    let other = |edit: fn(&mut PlanDocument)| {
        let mut plan = document();
        edit(&mut plan);
        plan
    };
    for (what, plan) in [
        ("account", other(|plan| plan.account_id = "111122223334".parse().unwrap())),
        ("leave", other(|plan| plan.allow_disruption = true)),
        ("order", other(|plan| plan.changes.swap(0, 1))),
        ("a sentence", other(|plan| plan.changes[0].change.push('!'))),
        ("what it was", other(|plan| plan.changes[3].fields[0].before = Some(json!(1)))),
        ("what is withheld", other(|plan| plan.planned_changes.clear())),
        ("the deployment", other(|plan| plan.state_machine_arn.push('x'))),
    ] {
        assert!(!plan.is_sealed(), "{what}");
        assert_ne!(plan.sealed().hash, made.hash, "{what}");
    }
}

#[test]
fn a_plan_is_put_together_in_the_order_of_its_output() {
    let mut answered: Vec<ResourceChange> = Vec::new();
    // Branches run at once: the history has their answers in any order.
    for answer in answers().iter().rev() {
        let payload =
            json!({ "Payload": { "vpcId": "vpc-(new)", "planned": answer.planned, "summary": answer.summary } });
        answered.extend(changes_in_answer(&payload));
    }
    let summaries = summaries();
    assert_eq!(in_order(&answered, &summaries), Ok(document().changes));
    answered.remove(0);
    assert_eq!(in_order(&answered, &summaries), Err(Incomplete(&summaries[3])), "an answer is not there whole");
}

#[test]
fn each_place_where_an_answer_has_its_changes_is_known() {
    let answer = answers()[1].clone();
    for value in [
        json!({ "Payload": { "decision": "onboard", "plan": { "planned": answer.planned } } }),
        json!({ "Payload": { "planned": answer.planned } }),
        json!({ "sha": null, "planned": answer.planned }),
    ] {
        assert_eq!(changes_in_answer(&value), answer.planned, "{value}");
    }
    assert_eq!(changes_in_answer(&json!({ "Payload": { "changes": ["of an earlier version"] } })), []);
}

#[test]
fn a_document_that_is_not_that_of_its_execution_is_told_by_the_step() {
    let (made, mut summaries) = (document(), summaries());
    assert_eq!(made.differs_from(&summaries), None);
    let mut edited = document();
    edited.changes[2].change.push('!');
    assert_eq!(edited.differs_from(&summaries), Some(Difference::Of(&summaries[1])));
    let last = summaries.pop().unwrap();
    assert_eq!(made.differs_from(&summaries), Some(Difference::More), "{last:?}");
}

#[test]
fn two_plans_are_compared_by_all_that_is_known_of_their_changes() {
    let (kept, mut now) = (document(), document());
    assert_eq!(kept.compared(&now), (vec![], vec![]));
    now.changes[3].fields[0].before = Some(json!(1800));
    let removed = now.changes.remove(0);
    let (gone, new) = kept.compared(&now);
    assert_eq!((gone, new), (vec![&removed, &kept.changes[3]], vec![&now.changes[2]]));
}

#[test]
fn invocations_of_one_step_have_their_own_changes() {
    let call = |name: &str| {
        let effect = Effect::changes(UntaggedKind::Extension, "lambda:InvokeFunction").id(name);
        answer("call-extension", None, vec![effect])
    };
    let calls = [call("first"), call("second")];
    let summaries: Vec<StepSummary> = calls.iter().flat_map(|call| call.summary.clone()).collect();
    let answers: Vec<ResourceChange> = calls.iter().rev().flat_map(|call| call.planned.clone()).collect();
    let changes = in_order(&answers, &summaries).unwrap();
    let ids: Vec<Option<&str>> = changes.iter().map(|change| change.id.as_deref()).collect();
    assert_eq!(ids, [Some("first"), Some("second")], "in the order of the output");
    assert_eq!(in_order(&answers[..1], &summaries), Err(Incomplete(&summaries[0])));
}
