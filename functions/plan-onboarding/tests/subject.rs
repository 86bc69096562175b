//! What the first state makes of a request, and which generation it runs.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::LazyLock;

use berth_config::{AccountFacts, Match, Onboarding, PlatformConfig};
use berth_ledger::{Record, Status};
use berth_step::Fault;
use berth_tenancy::{Mode, PlanLimit, Subject};
use plan_onboarding::{OnboardingRequest, check_generation, check_room, opening_until, read_request, subject};
use proptest::prelude::*;
use serde_json::{Value, json};

const ME: &str = "arn:aws:states:us-east-1:210987654321:execution:berth-onboard-account:me";
const OTHER: &str = "arn:aws:states:us-east-1:210987654321:execution:berth-onboard-account:other";

fn facts() -> AccountFacts {
    AccountFacts {
        account_id: "111122223333".parse().unwrap(),
        name: "Payments (dev) \u{202e}".to_owned(),
        email: None,
        state: "ACTIVE".to_owned(),
        ous: vec!["ou-ab12-dev00001".to_owned()],
        joined: None,
        tags: [("berth:tenant".to_owned(), "payments".to_owned())].into(),
    }
}

/// Read once: reading the file takes longer than a whole test.
static MATCHED: LazyLock<Onboarding> = LazyLock::new(|| {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra/platform.example.yaml");
    let platform = PlatformConfig::load(path.as_ref()).unwrap();
    match platform.match_account(&facts()).unwrap() {
        Match::Onboard(matched) => *matched,
        Match::Ignored { reason } => panic!("{reason}"),
    }
});

fn record(generation: u32, lease: Option<&str>) -> Record {
    Record {
        account_id: "111122223333".parse().unwrap(),
        account_name: None,
        tenant: None,
        environment: None,
        binding: None,
        status: Status::Onboarded,
        generation,
        lease: lease.map(str::to_owned),
        execution_arn: None,
        since: "2026-01-01T00:00:00Z".parse().unwrap(),
        onboarded_since: None,
        announced: None,
        reason: None,
        failure: None,
        regions: [].into(),
        roles: Vec::new(),
        default_vpcs: Vec::new(),
        sign_in: Vec::new(),
        cluster_access: Vec::new(),
        readiness: Vec::new(),
        commit: None,
        inventory: None,
        left_over: Vec::new(),
        journal: [].into(),
        journal_is_cut: false,
        drift: None,
        tags: None,
        offboarding: None,
        offboarding_cancelled: None,
        part: None,
        suspended: None,
        access_removed: None,
        requested_execution: None,
        approval: None,
        offboarded: None,
    }
}

fn subject_of(generation: Option<u32>, record: Option<&Record>) -> Subject {
    let asked = OnboardingRequest {
        account: "111122223333".parse().unwrap(),
        mode: Mode::Apply,
        generation,
        allow_disruption: false,
        only_planned: None,
        repairs: None,
        transfer: None,
    };
    subject(&facts(), &MATCHED, record, &asked, ME)
}

#[test]
fn the_generation_is_the_requested_or_the_next_and_a_retry_keeps_it() {
    for (asked, record, generation) in [
        (None, None, 1),
        (None, Some(record(3, None)), 4),
        (None, Some(record(3, Some(OTHER))), 4),
        // The step took the lease, its answer was lost, and it is run again.
        (None, Some(record(3, Some(ME))), 3),
        (Some(7), None, 7),
        (Some(7), Some(record(3, Some(OTHER))), 7),
        (Some(1), Some(record(3, None)), 1),
        (None, Some(record(u32::MAX, None)), u32::MAX),
    ] {
        assert_eq!(subject_of(asked, record.as_ref()).generation, generation, "{asked:?} {record:?}");
    }
}

#[test]
fn the_subject_has_the_tenant_of_the_match_and_the_name_as_it_was_typed() {
    let subject = subject_of(Some(1), None);
    assert_eq!(subject.tenant.as_str(), "payments");
    assert_eq!(subject.environment.as_str(), "dev");
    assert_eq!(subject.tenant_role.as_str(), "BerthTenant");
    assert_eq!(subject.execution, ME);
    assert_eq!(subject.account_name, facts().name);
}

#[test]
fn an_account_id_is_enough() {
    let asked = read_request(&json!({ "accountId": "111122223333" })).unwrap();
    let account = "111122223333".parse().unwrap();
    assert_eq!(
        asked,
        OnboardingRequest {
            account,
            mode: Mode::Apply,
            generation: None,
            allow_disruption: false,
            only_planned: None,
            repairs: None,
            transfer: None
        }
    );
}

#[test]
fn a_request_may_say_mode_and_generation() {
    let asked = read_request(&json!({ "accountId": "011122223333", "mode": "plan", "generation": 4 })).unwrap();
    assert_eq!((asked.account.as_str(), asked.mode, asked.generation), ("011122223333", Mode::Plan, Some(4)));
}

#[test]
fn only_a_request_that_says_so_may_cut_traffic_off() {
    let request = json!({ "accountId": "111122223333", "allowDisruption": true });
    let asked = read_request(&request).unwrap();
    assert!(asked.allow_disruption);
    assert!(subject(&facts(), &MATCHED, None, &asked, ME).allow_disruption);
    assert!(!subject_of(None, None).allow_disruption);
}

#[test]
fn a_whole_event_pasted_into_the_console_is_read_too() {
    let event = include_str!("../../../tests/fixtures/events/controltower-create-managed-account-succeeded.json");
    let event: Value = serde_json::from_str(event).unwrap();
    let asked = read_request(&event).unwrap();
    assert_eq!(asked.mode, Mode::Apply);
    assert_eq!(asked.generation, None);
    assert_eq!(
        Some(asked.account.as_str()),
        event
            .pointer("/detail/serviceEventDetails/createManagedAccountStatus/account/accountId")
            .and_then(Value::as_str)
    );
}

#[test]
fn what_names_no_account_is_invalid_input_with_the_form_that_does() {
    for bad in [
        json!({}),
        json!(null),
        json!([]),
        json!("111122223333"),
        json!({ "accountId": "1111" }),
        json!({ "accountId": 111_122_223_333_u64 }),
        json!({ "accountID": "111122223333" }),
        json!({ "accountId": "111122223333", "mdoe": "plan" }),
        json!({ "accountId": "111122223333", "mode": "dry" }),
        json!({ "source": "berth.accounts", "detail-type": "Account Ignored", "detail": { "accountId": "111122223333" } }),
    ] {
        let error = read_request(&bad).unwrap_err();
        assert_eq!(error.fault, Fault::InvalidInput, "{bad}: {error}");
        assert!(error.hint.contains("{\"accountId\": \"111122223333\"}"), "{bad}: {error}");
    }
}

#[test]
fn a_new_accounts_grace_period_counts_from_the_start_of_its_onboarding() {
    let at = |text: &str| text.parse().unwrap();
    let now = at("2026-11-21T10:00:00Z");
    for (joined, seconds, until) in [
        (Some("2026-11-21T09:59:00Z"), 600, Some("2026-11-21T10:10:00Z")),
        (Some("2026-11-21T09:00:01Z"), 600, Some("2026-11-21T10:10:00Z")),
        (Some("2026-11-21T09:00:00Z"), 600, None),
        (Some("2020-01-01T00:00:00Z"), 600, None),
        // The clocks of two services differ.
        (Some("2026-11-21T10:00:05Z"), 600, Some("2026-11-21T10:10:00Z")),
        (Some("2026-11-21T09:59:00Z"), 0, None),
        (None, 600, None),
    ] {
        assert_eq!(opening_until(joined.map(at), now, seconds), until.map(at), "{joined:?} {seconds}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_manual_executions_generation_never_decreases_and_a_retry_keeps_it(
        before in prop_oneof![0..5_u32, Just(u32::MAX), any::<u32>()],
        holder in prop_oneof![Just(None), Just(Some(ME)), Just(Some(OTHER))],
    ) {
        let known = record(before, holder);
        let first = subject_of(None, Some(&known));
        prop_assert!(first.generation >= before);
        prop_assert_eq!(first.generation == before, holder == Some(ME) || before == u32::MAX);
        // The first try took the lease with this generation, and its answer was lost.
        let retried = subject_of(None, Some(&record(first.generation, Some(ME))));
        prop_assert_eq!(retried, first);
    }

    #[test]
    fn a_given_generation_makes_the_same_subject_whatever_the_ledger_says(
        given: u32,
        before in proptest::option::of((any::<u32>(), prop_oneof![Just(None), Just(Some(ME)), Just(Some(OTHER))])),
    ) {
        let known = before.map(|(generation, holder)| record(generation, holder));
        let subject = subject_of(Some(given), known.as_ref());
        prop_assert_eq!(subject.generation, given);
        prop_assert_eq!(subject, subject_of(Some(given), None));
    }
}

#[test]
fn a_generation_beyond_the_next_one_is_refused() {
    let request = |generation: Option<u32>, mode: Mode| OnboardingRequest {
        account: "111122223333".parse().unwrap(),
        mode,
        generation,
        allow_disruption: false,
        only_planned: None,
        repairs: None,
        transfer: None,
    };
    let third = record(3, None);
    for (known, generation, allowed) in [
        (None, None, true),
        (None, Some(1), true),
        (None, Some(2), false),
        (Some(&third), Some(3), true),
        (Some(&third), Some(4), true),
        (Some(&third), Some(5), false),
        (Some(&third), Some(u32::MAX), false),
        (Some(&third), Some(1), true), // has passed: the lease refuses it as superseded
    ] {
        let checked = check_generation(known, &request(generation, Mode::Apply));
        assert_eq!(checked.is_ok(), allowed, "{generation:?}");
        if let Err(error) = checked {
            assert_eq!(error.fault, Fault::InvalidInput);
            assert!(error.hint.contains("leave `generation` out"), "{error}");
        }
        assert!(check_generation(known, &request(generation, Mode::Plan)).is_ok(), "a plan writes nothing");
    }
}

#[test]
fn a_plan_with_more_keys_than_a_state_has_room_for_is_refused() {
    let checked = |keys: usize| {
        let limit = PlanLimit::new(&format!("sha256:{}", "0a".repeat(32)), (0..keys).map(|n| format!("{n:016x}")));
        let request = json!({ "accountId": "111122223333", "onlyPlanned": limit.unwrap() });
        check_room(&MATCHED, &read_request(&request).unwrap())
    };
    let most = (MATCHED.room() - "sha256:".len() - 64) / 17;
    assert!(most > 2_000, "{most}");
    assert!(checked(most).is_ok());
    let error = checked(most + 1).unwrap_err();
    assert_eq!(error.fault, Fault::InvalidInput);
    assert!(
        error.message.contains("too many changes for one run") && error.hint.contains("berth onboard ACCOUNT --wait")
    );
}
