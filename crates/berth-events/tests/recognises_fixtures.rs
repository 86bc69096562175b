//! Every file in `tests/fixtures/events/`, with the decision that it must end in: samples of AWS, and one for each trap.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::{collections::BTreeSet, fs, path::PathBuf};

use berth_events::{Decision, Source, recognise};
use berth_tenancy::{AccountId, Mode};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/events");

const TOWER: Option<Source> = Some(Source::ControlTower);
const ORGANIZATIONS: Option<Source> = Some(Source::Organizations);
const OWN: Option<Source> = Some(Source::Own);
const MANUAL: Option<Source> = Some(Source::Manual);
const NOBODY: Option<Source> = None;

const ONE: Option<&str> = Some("111122223333");
const TWO: Option<&str> = Some("222233334444");
const FIVES: Option<&str> = Some("555555555555");
const MANAGEMENT: Option<&str> = Some("999988887777");

type Case = (&'static str, Decision, Option<&'static str>, Option<Source>, &'static str);

/// File, decision, account, source, and what the reason must say.
#[rustfmt::skip]
const CASES: &[Case] = &[
    // Control Tower
    ("controltower-create-managed-account-succeeded", Decision::Onboard, ONE, TOWER, "created the account"),
    ("controltower-update-managed-account-succeeded", Decision::Onboard, TWO, TOWER, "second try"),
    ("controltower-enable-guardrail-succeeded", Decision::Ignore, None, TOWER, "\"EnableGuardrail\" asks for nothing"),
    ("controltower-create-managed-account-failed-not-available", Decision::Ignore, None, TOWER, "state \"FAILED\": \"AWS Control Tower failed"),
    ("controltower-update-managed-account-failed", Decision::Ignore, TWO, TOWER, "UpdateManagedAccount ended with state \"FAILED\""),
    ("controltower-create-managed-account-succeeded-not-available", Decision::Reject, None, TOWER, "\"Not Available\", not exactly twelve digits"),
    ("controltower-create-managed-account-of-management-account", Decision::Ignore, MANAGEMENT, TOWER, "management account"),
    ("controltower-create-managed-account-of-management-account.detail-only", Decision::Ignore, MANAGEMENT, TOWER, "management account"),
    ("controltower-create-managed-account-without-state", Decision::Reject, None, TOWER, "state of its CreateManagedAccount is missing"),
    ("controltower-update-managed-account-with-create-status", Decision::Reject, None, TOWER, "lack the status of UpdateManagedAccount"),
    ("controltower-create-managed-account-bare-envelope", Decision::Onboard, ONE, TOWER, "created"),
    ("controltower-create-managed-account.detail-only", Decision::Onboard, ONE, TOWER, "created"),
    ("controltower-create-managed-account-detail-as-text", Decision::Onboard, ONE, TOWER, "created"),
    ("controltower-create-managed-account-replayed", Decision::Onboard, ONE, TOWER, "created"),
    ("controltower-create-managed-account-odd-time", Decision::Onboard, ONE, TOWER, "created"),
    // Organizations
    ("organizations-create-account-result-succeeded", Decision::Onboard, TWO, ORGANIZATIONS, "Organizations created the account"),
    ("organizations-create-account-result-failed.detail-only", Decision::Ignore, None, ORGANIZATIONS, "\"FAILED\": \"EMAIL_ALREADY_EXISTS\""),
    ("organizations-create-account-result-in-progress", Decision::Ignore, TWO, ORGANIZATIONS, "\"IN_PROGRESS\""),
    ("organizations-create-account-result-odd-time.detail-only", Decision::Onboard, TWO, ORGANIZATIONS, "created"),
    ("organizations-create-account", Decision::Ignore, None, ORGANIZATIONS, "CreateAccountResult tells"),
    ("organizations-move-account", Decision::Onboard, TWO, ORGANIZATIONS, "moved to \"ou-ab12-dev00001\""),
    ("organizations-move-account-denied", Decision::Ignore, TWO, ORGANIZATIONS, "refused by AWS (\"AccessDenied\")"),
    ("organizations-move-account-denied-without-parameters", Decision::Ignore, None, ORGANIZATIONS, "refused by AWS"),
    ("organizations-move-account-without-account", Decision::Reject, None, ORGANIZATIONS, "account id is missing"),
    ("organizations-move-account-with-a-number", Decision::Reject, None, ORGANIZATIONS, "is a number"),
    ("organizations-move-management-account", Decision::Ignore, MANAGEMENT, ORGANIZATIONS, "management account"),
    ("organizations-close-account.detail-only", Decision::Offboard, FIVES, ORGANIZATIONS, "being closed"),
    ("organizations-close-account-denied.detail-only", Decision::Ignore, FIVES, ORGANIZATIONS, "ConstraintViolationException"),
    ("organizations-close-account-result-succeeded", Decision::Offboard, TWO, ORGANIZATIONS, "was closed"),
    ("organizations-close-account-result-failed", Decision::Ignore, TWO, ORGANIZATIONS, "\"FAILED\""),
    ("organizations-tag-resource-of-account", Decision::Onboard, TWO, ORGANIZATIONS, "tags"),
    ("organizations-tag-resource-of-unit", Decision::Ignore, None, ORGANIZATIONS, "no account"),
    // Same names, other services
    ("eks-tag-resource", Decision::Ignore, None, NOBODY, "another service"),
    ("close-account-of-another-service.detail-only", Decision::Ignore, None, NOBODY, "another service"),
    ("close-account-without-event-source.detail-only", Decision::Reject, None, NOBODY, "not missing"),
    ("step-functions-status-change", Decision::Ignore, None, NOBODY, "does not concern accounts"),
    // Forged
    ("forged-source", Decision::Reject, None, NOBODY, "forged: CreateManagedAccount has source \"aws.controltower\", not \"acme.accounts\""),
    ("forged-source-of-another-service", Decision::Reject, None, NOBODY, "forged"),
    ("forged-detail-type", Decision::Reject, None, NOBODY, "forged: CreateManagedAccount has detail-type"),
    ("forged-event-source", Decision::Reject, None, NOBODY, "forged: CreateManagedAccount has eventSource"),
    ("forged-event-source.detail-only", Decision::Reject, None, NOBODY, "forged: CreateManagedAccount has eventSource"),
    ("forged-tag-resource-event-source", Decision::Reject, None, NOBODY, "forged: TagResource has eventSource"),
    ("forged-own-event", Decision::Reject, None, NOBODY, "forged: its detail-type is \"Account Created\""),
    ("forged-control-tower-event-from-berth", Decision::Reject, None, NOBODY, "forged: Berth publishes no event"),
    ("detail-type-misspelt", Decision::Reject, None, NOBODY, "its detail-type is missing"),
    // Keys that are there twice
    ("duplicate-account-id-different", Decision::Reject, None, NOBODY, "\"accountId\" is there twice"),
    ("duplicate-state-different", Decision::Reject, None, NOBODY, "\"state\" is there twice"),
    ("duplicate-source-different", Decision::Reject, None, NOBODY, "\"source\" is there twice"),
    ("duplicate-event-name-different", Decision::Reject, None, NOBODY, "\"eventName\" is there twice"),
    ("duplicate-detail-different", Decision::Reject, None, NOBODY, "\"detail\" is there twice"),
    ("duplicate-keys-same-value", Decision::Onboard, ONE, TOWER, "created"),
    // Berth's own
    ("berth-account-created", Decision::Onboard, ONE, OWN, "Berth's own event"),
    ("berth-account-created-version-2", Decision::Reject, None, OWN, "version"),
    ("berth-account-onboarded", Decision::Ignore, ONE, OWN, "how an onboarding ended"),
    ("berth-unknown-detail-type", Decision::Reject, None, NOBODY, "\"Account Deleted\""),
    // Requests
    ("request", Decision::Onboard, ONE, MANUAL, "a person asked"),
    ("request-plan", Decision::Onboard, ONE, MANUAL, "as a plan only"),
    ("request-misspelt-mode", Decision::Reject, None, MANUAL, "no key \"mdoe\""),
    ("request-unknown-mode", Decision::Reject, None, MANUAL, "mode is \"dry-run\""),
    ("request-with-a-number", Decision::Reject, None, MANUAL, "write it as text"),
    ("request-full-width-digits", Decision::Reject, None, MANUAL, "not exactly twelve digits"),
    ("request-with-spaces", Decision::Reject, None, MANUAL, "not exactly twelve digits"),
    ("request-with-error-code", Decision::Reject, None, MANUAL, "no key \"errorCode\""),
    ("request-and-event-in-one", Decision::Reject, None, NOBODY, "contradicts itself"),
    // Wrappers
    ("sqs-batch-of-one", Decision::Onboard, ONE, TOWER, "created"),
    ("sqs-batch-of-two", Decision::Reject, None, NOBODY, "batch of 2"),
    ("sqs-batch-empty", Decision::Reject, None, NOBODY, "batch of 0"),
    ("sqs-message", Decision::Onboard, ONE, TOWER, "created"),
    ("sqs-receive-message", Decision::Onboard, ONE, TOWER, "created"),
    ("sqs-poison", Decision::Reject, None, NOBODY, "the message in SQS is not an event: it is not JSON"),
    ("sns-notification", Decision::Onboard, ONE, TOWER, "created"),
    ("sns-lambda-record", Decision::Onboard, ONE, TOWER, "created"),
    ("sns-in-sqs", Decision::Onboard, ONE, TOWER, "created"),
    ("sns-subscription-confirmation", Decision::Ignore, None, NOBODY, "confirm a subscription"),
    ("sns-wrapped-five-times", Decision::Reject, None, NOBODY, "more than 4 times"),
    ("cloudtrail-file-of-one", Decision::Onboard, ONE, TOWER, "created"),
];

fn fixture(name: &str) -> Vec<u8> {
    fs::read(PathBuf::from(FOLDER).join(format!("{name}.json"))).unwrap()
}

#[test]
fn every_fixture_ends_in_its_decision_with_its_reason() {
    for &(name, decision, account, source, reason) in CASES {
        let found = recognise(&fixture(name));
        assert_eq!(found.decision, decision, "{name}: {}", found.reason);
        assert_eq!(found.account_id.as_ref().map(AccountId::as_str), account, "{name}: {}", found.reason);
        assert_eq!(found.source, source, "{name}: {}", found.reason);
        assert!(found.reason.contains(reason), "{name}: {}", found.reason);
    }
}

#[test]
fn every_file_in_the_folder_is_a_case_and_every_case_has_its_file() {
    let files: BTreeSet<String> = fs::read_dir(FOLDER)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap().trim_end_matches(".json").to_owned())
        .collect();
    let cases: BTreeSet<String> = CASES.iter().map(|case| case.0.to_owned()).collect();
    assert_eq!(files, cases);
    assert_eq!(cases.len(), CASES.len(), "a case is there twice");
}

#[test]
fn the_json_has_the_fields_that_scripts_rely_on() {
    let found = recognise(&fixture("controltower-create-managed-account-replayed"));
    assert_eq!(
        serde_json::to_value(found).unwrap(),
        serde_json::json!({
            "decision": "onboard",
            "accountId": "111122223333",
            "reason": "Control Tower created the account",
            "source": "control_tower",
            "sender": "999988887777",
            "event": "CreateManagedAccount",
            "time": "2018-08-30T21:42:18Z",
            "eventId": "999cccaa-eaaa-0000-1111-123456789012",
            "replay": "after-the-outage",
        })
    );
    let rejected = serde_json::to_value(recognise(b"")).unwrap();
    assert_eq!(
        rejected,
        serde_json::json!({
            "decision": "reject",
            "accountId": null,
            "reason": "not an event: it is empty",
            "source": null,
            "time": null,
        })
    );
}

#[test]
fn a_request_for_a_plan_keeps_its_mode_and_generation() {
    let found = recognise(&fixture("request-plan"));
    assert_eq!((found.mode, found.generation), (Some(Mode::Plan), Some(3)));
    let found = recognise(&fixture("request"));
    assert_eq!((found.mode, found.generation), (None, None));
}

#[test]
fn only_a_plain_request_can_transfer_an_account() {
    let plain = |rest: &str| recognise(format!(r#"{{"accountId": "111122223333", {rest}}}"#).as_bytes());
    let found = plain(r#""transferTo": "harvest/prod", "oldAccessRemoved": true"#);
    let transfer = found.transfer.unwrap();
    assert_eq!((transfer.tenant.as_str(), transfer.environment.as_str()), ("harvest", "prod"));
    assert!(transfer.is_old_access_removed);
    assert!(!plain(r#""transferTo": "harvest/prod""#).transfer.unwrap().is_old_access_removed);
    assert_eq!(plain(r#""transferTo": null"#).transfer, None);
    for rest in [
        r#""transferTo": "harvest""#,
        r#""transferTo": "harvest/prod/x""#,
        r#""transferTo": "Harvest/prod""#,
        r#""transferTo": true"#,
        r#""oldAccessRemoved": true"#,
        r#""transferTo": "harvest/prod", "oldAccessRemoved": "yes""#,
    ] {
        let found = plain(rest);
        assert_eq!((found.decision, found.transfer), (Decision::Reject, None), "{rest}");
    }
    for rest in [r#""transferTo": "harvest/prod""#, r#""oldAccessRemoved": false"#] {
        let event = format!(
            r#"{{"source": "berth.accounts", "detail-type": "Account Created",
                 "detail": {{"accountId": "111122223333", {rest}}}}}"#
        );
        assert_eq!(recognise(event.as_bytes()).decision, Decision::Reject, "{rest}");
    }
}

#[test]
fn only_a_plain_request_can_allow_disruption_and_only_by_a_truth_value() {
    let plain =
        |value: &str| recognise(format!(r#"{{"accountId": "111122223333", "allowDisruption": {value}}}"#).as_bytes());
    for (value, allowed) in [("true", true), ("false", false), ("null", false)] {
        let found = plain(value);
        assert_eq!((found.decision, found.allow_disruption), (Decision::Onboard, allowed), "{value}");
    }
    for value in ["\"true\"", "1", "[true]", "{}"] {
        let found = plain(value);
        assert_eq!((found.decision, found.allow_disruption), (Decision::Reject, false), "{value}");
        assert!(found.reason.starts_with("allowDisruption is "), "{}", found.reason);
    }
    for value in ["true", "false", "null"] {
        let event = format!(
            r#"{{"source": "berth.accounts", "detail-type": "Account Created",
                 "detail": {{"accountId": "111122223333", "allowDisruption": {value}}}}}"#
        );
        let found = recognise(event.as_bytes());
        assert_eq!((found.decision, found.allow_disruption), (Decision::Reject, false), "{value}");
    }
    assert!(!recognise(&fixture("controltower-create-managed-account-succeeded")).allow_disruption);
}

#[test]
fn times_are_read_in_every_format_and_a_missing_one_is_none() {
    let time = |name| recognise(&fixture(name)).time.map(|time| time.to_string());
    for (name, expected) in [
        ("controltower-create-managed-account-odd-time", Some("2019-11-15T11:45:18Z")),
        ("organizations-create-account-result-odd-time.detail-only", Some("2025-07-17T14:53:40Z")),
        ("organizations-close-account.detail-only", Some("2022-03-18T18:17:06Z")),
        ("controltower-create-managed-account-bare-envelope", Some("2018-08-30T21:42:18Z")),
        ("request", None),
    ] {
        assert_eq!(time(name).as_deref(), expected, "{name}");
    }
}

#[test]
fn only_a_plain_request_can_apply_a_plan_and_only_one_that_is_whole() {
    let hash = format!("sha256:{}", "0a".repeat(32));
    let plain =
        |value: &str| recognise(format!(r#"{{"accountId": "111122223333", "onlyPlanned": {value}}}"#).as_bytes());
    let found = plain(&format!("\"{hash} 00112233445566ff\""));
    let limit = found.only_planned.as_ref().map(ToString::to_string);
    assert_eq!((found.decision, limit), (Decision::Onboard, Some(format!("{hash} 00112233445566ff"))));
    assert_eq!((plain("null").decision, plain("null").only_planned), (Decision::Onboard, None));
    for value in ["true", "1", "[]", "{}", "\"\"", "\"sha256:1\"", &format!("\"{hash} x\"")] {
        let found = plain(value);
        assert_eq!((found.decision, &found.only_planned), (Decision::Reject, &None), "{value}");
        assert!(found.reason.starts_with("onlyPlanned is "), "{}", found.reason);
    }
    for value in ["null", &format!("\"{hash}\"")] {
        let event = format!(
            r#"{{"source": "berth.accounts", "detail-type": "Account Created",
                 "detail": {{"accountId": "111122223333", "onlyPlanned": {value}}}}}"#
        );
        assert_eq!(recognise(event.as_bytes()).decision, Decision::Reject, "{value}");
    }
}

#[test]
fn only_a_plain_request_can_repair_and_only_what_it_lists() {
    let plain = |more: &str| recognise(format!(r#"{{"accountId": "111122223333", {more}}}"#).as_bytes());
    let found = plain(r#""repairs": "sign-in role""#);
    assert_eq!(found.repairs.map(|limit| limit.to_string()).as_deref(), Some("role sign-in"));
    assert_eq!((plain(r#""repairs": null"#).decision, plain(r#""repairs": null"#).repairs), (Decision::Onboard, None));
    for wrong in [
        r#""repairs": """#,
        r#""repairs": "roles""#,
        r#""repairs": true"#,
        r#""repairs": ["role"]"#,
        r#""repairs": "role", "allowDisruption": true"#,
        r#""repairs": "role", "onlyPlanned": null"#,
    ] {
        let found = plain(wrong);
        assert_eq!((found.decision, &found.repairs), (Decision::Reject, &None), "{wrong}");
        assert!(found.reason.starts_with("repairs "), "{}", found.reason);
    }
    let event = r#"{"source": "berth.accounts", "detail-type": "Account Created",
                    "detail": {"accountId": "111122223333", "repairs": "role"}}"#;
    assert_eq!(recognise(event.as_bytes()).decision, Decision::Reject);
}

#[test]
fn only_a_plain_request_for_a_plan_can_look_for_drift() {
    let plain = |more: &str| recognise(format!(r#"{{"accountId": "111122223333", {more}}}"#).as_bytes());
    let found = plain(r#""mode": "plan", "drift": true"#);
    assert_eq!((found.decision, found.drift), (Decision::Onboard, true));
    assert_eq!((plain(r#""drift": false"#).decision, plain(r#""drift": null"#).drift), (Decision::Onboard, false));
    for wrong in [r#""drift": true"#, r#""mode": "apply", "drift": true"#, r#""mode": "plan", "drift": "yes""#] {
        let found = plain(wrong);
        assert_eq!((found.decision, found.drift), (Decision::Reject, false), "{wrong}");
        assert!(found.reason.contains("drift"), "{}", found.reason);
    }
    let event = r#"{"source": "berth.accounts", "detail-type": "Account Created",
                    "detail": {"accountId": "111122223333", "mode": "plan", "drift": true}}"#;
    assert_eq!(recognise(event.as_bytes()).decision, Decision::Reject);
}
