//! The published schemas of Berth's events: generated from the types, committed, and true of what the types write.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::{collections::BTreeMap, fs, path::PathBuf};

use berth_events::{
    Decision, Failure, Source,
    outcome::{
        self, AccountApprovalRequested, AccountCreated, AccountDriftChanged, AccountIgnored, AccountOffboarded,
        AccountOffboardingFailed, AccountOnboarded, AccountOnboardingFailed, ApprovedPlan, Approver, FailedStatus,
        OnboardedRegion, Published, StillThere, Version,
    },
    recognise,
};
use berth_tenancy::{
    Action, ApprovedBy, Counts, DriftedChange, LeftOver, OffboardingScope, PlannedChange, ResourceKind, Standing,
    Thing, ToldChange, without_formats,
};
use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings, transform::RecursiveTransform};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/events");

fn schema_of<T: JsonSchema>() -> Value {
    // What a reader of events sees: a field that may be left out is not required.
    let settings = SchemaSettings::draft2020_12().for_serialize().with_transform(RecursiveTransform(without_formats));
    serde_json::to_value(SchemaGenerator::new(settings).into_root_schema_for::<T>()).unwrap()
}

fn created() -> AccountCreated {
    AccountCreated {
        version: Version,
        account_id: "111122223333".parse().unwrap(),
        reason: Some("the ledger does not know it".to_owned()),
        mode: None,
        generation: None,
    }
}

fn change(sentence: &str) -> ToldChange {
    let region = Some("eu-west-1".parse().unwrap());
    ToldChange { step: "provision-vpc".to_owned(), region, change: sentence.to_owned() }
}

fn attachment() -> Thing {
    let id = Some("tgw-attach-0a1b2c3d4e5f67890".to_owned());
    Thing::Attachment { region: "eu-west-1".parse().unwrap(), id }
}

fn provider() -> Thing {
    Thing::OidcProvider { arn: "arn:aws:iam::111122223333:oidc-provider/ci.example.com".to_owned() }
}

#[test]
fn what_is_still_there_is_told_with_its_cost_and_how_it_is_removed() {
    let told = StillThere::of(&"111122223333".parse().unwrap(), &LeftOver::new(attachment(), false));
    assert_eq!(
        told.to_string(),
        "Transit Gateway attachment tgw-attach-0a1b2c3d4e5f67890 in eu-west-1 ($36.50 a month)"
    );
    assert_eq!(told.next(), "berth offboard 111122223333 --region eu-west-1 --yes");
    let told = StillThere::of(&"111122223333".parse().unwrap(), &LeftOver::new(provider(), false));
    let next = "set `leftOver: remove` in platform.yaml and deploy, then berth onboard 111122223333";
    assert_eq!((told.next().as_str(), told.removed_by.as_str()), (next, "berth onboard 111122223333"));
}

fn approved() -> ApprovedPlan {
    let by = "arn:aws:iam::210987654321:user/mia".to_owned();
    let approver = Approver { by, at: "2026-01-02T02:00:00Z".parse().unwrap() };
    ApprovedPlan { plan: format!("sha256:{}", "0".repeat(64)), approvers: vec![approver] }
}

fn onboarded() -> AccountOnboarded {
    let region = OnboardedRegion {
        vpc_id: "vpc-0a1b2c3d4e5f67890".to_owned(),
        cidr: "10.20.0.0/20".to_owned(),
        attachment_id: "tgw-attach-0a1b2c3d4e5f67890".to_owned(),
        planned_changes: vec![PlannedChange::by_berth("rtb-1 routes 10.0.0.0/16 to nat-1; planned: tgw-1")],
    };
    AccountOnboarded {
        version: Version,
        account_id: "111122223333".parse().unwrap(),
        tenant: "payments".parse().unwrap(),
        environment: "dev".parse().unwrap(),
        execution_arn: "arn:aws:states:us-east-1:210987654321:execution:berth-onboard-account:111122223333-1"
            .to_owned(),
        generation: Some(1),
        regions: BTreeMap::from([("eu-west-1".parse().unwrap(), region)]),
        commit: Some("4b825dc642cb6eb9a060e54bf8d69288fbee4904".to_owned()),
        changes: vec![change("create the VPC")],
        left_over: vec![StillThere::of(&"111122223333".parse().unwrap(), &LeftOver::new(provider(), false))],
        approved: Some(approved()),
        suspended: true,
        finished_at: "2026-01-02T03:04:05Z".parse().unwrap(),
    }
}

fn failed() -> AccountOnboardingFailed {
    let account = "111122223333".parse().unwrap();
    AccountOnboardingFailed {
        version: Version,
        tenant: Some("payments".parse().unwrap()),
        environment: Some("dev".parse().unwrap()),
        execution_arn: "arn:aws:states:us-east-1:210987654321:execution:berth-onboard-account:111122223333-1"
            .to_owned(),
        generation: Some(1),
        status: FailedStatus::TimedOut,
        failure: Failure::from_error(Some("States.Timeout"), None, "AttachTransitGateway"),
        run_again: outcome::run_again_command(&account),
        changes: vec![change("create the VPC")],
        account_id: account,
        finished_at: "2026-01-02T03:04:05Z".parse().unwrap(),
    }
}

fn ignored() -> AccountIgnored {
    AccountIgnored {
        version: Version,
        account_id: "111122223333".parse().unwrap(),
        reason: "its organizational unit is not onboarded".to_owned(),
        source: Some(Source::Organizations),
        execution_arn: None,
        left_over: vec![StillThere::of_leaving(&"111122223333".parse().unwrap(), &attachment())],
        finished_at: "2026-01-02T03:04:05Z".parse().unwrap(),
    }
}

fn offboarded() -> AccountOffboarded {
    AccountOffboarded {
        version: Version,
        account_id: "111122223333".parse().unwrap(),
        tenant: Some("payments".parse().unwrap()),
        environment: Some("dev".parse().unwrap()),
        execution_arn: "arn:aws:states:us-east-1:210987654321:execution:berth-offboard-account:one".to_owned(),
        is_closed: true,
        left_behind: vec!["vpc-0a1b2c3d4e5f67890 in eu-west-1".to_owned()],
        changes: vec![change("delete the VPC")],
        finished_at: "2026-01-02T03:04:05Z".parse().unwrap(),
    }
}

fn offboarding_failed() -> AccountOffboardingFailed {
    AccountOffboardingFailed {
        version: Version,
        account_id: "111122223333".parse().unwrap(),
        tenant: None,
        environment: None,
        execution_arn: "arn:aws:states:us-east-1:210987654321:execution:berth-offboard-account:one".to_owned(),
        scope: Some(OffboardingScope::Region),
        region: Some("eu-west-1".parse().unwrap()),
        status: FailedStatus::Failed,
        failure: Failure::from_error(Some("NotOwned"), None, "InspectVpc"),
        run_again: "berth offboard 111122223333 --region eu-west-1 --yes".to_owned(),
        changes: vec![change("delete the VPC")],
        finished_at: "2026-01-02T03:04:05Z".parse().unwrap(),
    }
}

fn drift_changed() -> AccountDriftChanged {
    AccountDriftChanged {
        version: Version,
        account_id: "111122223333".parse().unwrap(),
        tenant: Some("payments".parse().unwrap()),
        environment: Some("dev".parse().unwrap()),
        execution_arn: "arn:aws:states:us-east-1:210987654321:execution:berth-onboard-account:one".to_owned(),
        standing: Standing::Drifted,
        was: Standing::InSync,
        counts: Counts { change: 1, ..Counts::default() },
        changes: vec![DriftedChange {
            step: "create-tenant-roles".to_owned(),
            region: None,
            account_id: None,
            action: Action::Change,
            kind: ResourceKind::Role.into(),
            id: Some("payments-developer".to_owned()),
            change: "set the trust of payments-developer".to_owned(),
        }],
        planned_changes: [("eu-west-1".parse().unwrap(), vec![PlannedChange::by_hand("it differs", "see to it")])]
            .into(),
        failure: None,
        looked_at: "2026-01-02T03:04:05Z".parse().unwrap(),
    }
}

fn approval_requested() -> AccountApprovalRequested {
    AccountApprovalRequested {
        version: Version,
        account_id: "111122223333".parse().unwrap(),
        tenant: "payments".parse().unwrap(),
        environment: "dev".parse().unwrap(),
        execution_arn: "arn:aws:states:us-east-1:210987654321:execution:berth-onboard-account:one".to_owned(),
        plan: "sha256:1".to_owned(),
        counts: Counts { create: 1, ..Counts::default() },
        question: 1,
        by: ApprovedBy::Command,
        approvers: 1,
        since: "2026-01-02T03:04:05Z".parse().unwrap(),
        until: "2026-01-09T03:04:05Z".parse().unwrap(),
        look: "berth status 111122223333".to_owned(),
        approve: Some("berth approve 111122223333 --plan sha256:1".to_owned()),
    }
}

/// Compares the committed schema with the types, and repairs it when it is stale.
fn stale<T: JsonSchema>(file: &str) -> Option<String> {
    let path = PathBuf::from(FOLDER).join(format!("{file}.schema.json"));
    let schema = format!("{}\n", serde_json::to_string_pretty(&schema_of::<T>()).unwrap());
    if fs::read_to_string(&path).ok().as_deref() == Some(&schema) {
        return None;
    }
    fs::create_dir_all(FOLDER).unwrap();
    fs::write(&path, schema).unwrap();
    Some(file.to_owned())
}

/// The schema takes what the type writes and what is needed only, and the type reads back what it wrote.
fn fits<T: JsonSchema + Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(event: &T, required: &[&str]) {
    let schema = jsonschema::validator_for(&schema_of::<T>()).unwrap();
    let detail = serde_json::to_value(event).unwrap();
    assert!(schema.is_valid(&detail), "{detail:#}");
    assert_eq!(&serde_json::from_value::<T>(detail.clone()).unwrap(), event);
    assert_eq!(detail.get("version"), Some(&Value::from(1)));
    for key in required {
        let mut less = detail.clone();
        assert!(less.as_object_mut().unwrap().remove(*key).is_some(), "{key}");
        assert!(!schema.is_valid(&less), "{key} is not required");
    }
    let mut later = detail;
    later.as_object_mut().unwrap().insert("version".to_owned(), Value::from(2));
    assert!(!schema.is_valid(&later) && serde_json::from_value::<T>(later).is_err());
}

#[test]
fn the_published_schemas_are_those_of_the_types() {
    let stale: Vec<String> = [
        stale::<AccountCreated>("account-created"),
        stale::<AccountOnboarded>("account-onboarded"),
        stale::<AccountOnboardingFailed>("account-onboarding-failed"),
        stale::<AccountIgnored>("account-ignored"),
        stale::<AccountOffboarded>("account-offboarded"),
        stale::<AccountOffboardingFailed>("account-offboarding-failed"),
        stale::<AccountDriftChanged>("account-drift-changed"),
        stale::<AccountApprovalRequested>("account-approval-requested"),
    ]
    .into_iter()
    .flatten()
    .collect();
    assert!(stale.is_empty(), "{stale:?} in docs/events were stale and are written anew: commit them");
}

/// ajv 8 refuses to compile a schema with a `format` that it does not know, and by itself it knows none.
#[test]
fn the_published_schemas_have_no_format() {
    for schema in [
        schema_of::<AccountCreated>(),
        schema_of::<AccountOnboarded>(),
        schema_of::<AccountOnboardingFailed>(),
        schema_of::<AccountIgnored>(),
        schema_of::<AccountOffboarded>(),
        schema_of::<AccountOffboardingFailed>(),
        schema_of::<AccountDriftChanged>(),
        schema_of::<AccountApprovalRequested>(),
    ] {
        assert!(!schema.to_string().contains("\"format\":"), "{schema}");
    }
}

#[test]
fn every_event_fits_its_schema_and_is_read_back_as_it_was() {
    fits(&created(), &["accountId"]);
    fits(&onboarded(), &["accountId", "tenant", "environment", "executionArn", "finishedAt"]);
    fits(&failed(), &["accountId", "executionArn", "status", "failure", "runAgain", "finishedAt"]);
    fits(&ignored(), &["accountId", "reason", "finishedAt"]);
    fits(&offboarded(), &["accountId", "executionArn", "isClosed", "finishedAt"]);
    fits(&offboarding_failed(), &["accountId", "executionArn", "status", "failure", "runAgain", "finishedAt"]);
    fits(&drift_changed(), &["accountId", "executionArn", "standing", "was", "counts", "lookedAt"]);
    fits(&approval_requested(), &["accountId", "executionArn", "plan", "counts", "by", "since", "until", "look"]);
}

#[test]
fn a_failure_carries_where_why_and_the_command_to_run_again() {
    let detail = serde_json::to_value(failed()).unwrap();
    assert_eq!(detail["status"], "TIMED_OUT");
    assert_eq!(detail["runAgain"], "berth replay 111122223333");
    assert_eq!(detail["failure"]["state"], "AttachTransitGateway");
    assert_eq!(detail["failure"]["fault"], "States.Timeout");
    for key in ["message", "hint"] {
        assert!(detail["failure"][key].as_str().is_some_and(|text| !text.is_empty()), "{key}");
    }
}

/// What EventBridge delivers when Berth publishes this detail.
fn delivered<T: Published>(detail: &T) -> Decision {
    let event = serde_json::json!({
        "version": "0", "id": "1", "source": outcome::SOURCE, "detail-type": T::DETAIL_TYPE, "account": "210987654321",
        "time": "2026-01-02T03:04:05Z", "region": "us-east-1", "resources": [], "detail": detail,
    });
    recognise(event.to_string().as_bytes()).decision
}

#[test]
fn only_account_created_starts_something_when_it_comes_back() {
    assert_eq!(delivered(&created()), Decision::Onboard);
    assert_eq!(delivered(&onboarded()), Decision::Ignore);
    assert_eq!(delivered(&failed()), Decision::Ignore);
    assert_eq!(delivered(&ignored()), Decision::Ignore);
    assert_eq!(delivered(&offboarded()), Decision::Ignore);
    assert_eq!(delivered(&offboarding_failed()), Decision::Ignore);
    assert_eq!(delivered(&drift_changed()), Decision::Ignore);
    assert_eq!(delivered(&approval_requested()), Decision::Ignore);
}
