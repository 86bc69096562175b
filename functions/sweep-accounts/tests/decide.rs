//! Which accounts the sweep asks for, as a table and as properties.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::{collections::BTreeMap, sync::LazyLock};

use berth_config::{AccountFacts, PlatformConfig};
use berth_contract::sweep::{Ask, Input, Left, Why};
use berth_events::Failure;
use berth_ledger::{Admission, Record, Status, admit};
use berth_tenancy::{Binding, Identity, TenantSource};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use serde_json::json;
use sweep_accounts::{IDENTITY_CHANGES_MAX, Limits, Listed, State, Swept, approvals, decide, needs_tags};

const OURS: &str = "ou-ab12-dev00001";
const ELSEWHERE: &str = "ou-ab12-other001";

static PLATFORM: LazyLock<PlatformConfig> =
    LazyLock::new(|| PlatformConfig::parse(include_str!("../../../infra/platform.example.yaml")).unwrap());

fn limits() -> Limits {
    Limits::of_minutes(60, 240, 1440)
}

fn now() -> Timestamp {
    "2026-11-21T06:00:00Z".parse().unwrap()
}

fn ago(minutes: i64) -> Timestamp {
    now() - SignedDuration::from_mins(minutes)
}

fn id(number: u64) -> berth_tenancy::AccountId {
    format!("{number:012}").parse().unwrap()
}

/// An account of ours that joined long ago.
fn listed(number: u64) -> Listed {
    let facts = AccountFacts {
        account_id: id(number),
        name: format!("tenant{number}-dev"),
        email: None,
        state: "ACTIVE".to_owned(),
        ous: vec![OURS.to_owned()],
        joined: None,
        tags: BTreeMap::new(),
    };
    Listed { facts, joined: Some(ago(100_000)), is_tagged: false }
}

fn execution(number: u64, generation: u32) -> String {
    format!("arn:aws:states:us-east-1:210987654321:execution:berth-onboard-account:{}-g{generation}", id(number))
}

fn record(number: u64, status: Status, since: Timestamp) -> Record {
    serde_json::from_value(serde_json::json!({
        "accountId": id(number), "status": status, "generation": 3, "executionArn": execution(number, 3), "since": since,
    }))
    .unwrap()
}

fn observed(accounts: Vec<Listed>, records: Vec<Record>) -> State {
    let records = records.into_iter().map(|record| (record.account_id.clone(), record)).collect();
    State { accounts, records, ..State::default() }
}

fn sweep(state: &State) -> Swept {
    decide(&PLATFORM, state, limits(), now())
}

/// Why the only account is asked for, or why it is left alone.
fn one(listed: Listed, record: Option<Record>, runs: bool) -> Result<(Why, u32), Left> {
    let mut state = observed(vec![listed], record.into_iter().collect());
    if runs {
        state.running.insert(execution(1, 3));
    }
    let swept = sweep(&state);
    match swept.asked.as_slice() {
        [ask] => Ok((ask.why, ask.generation)),
        _ => Err(*swept.left.keys().next().unwrap()),
    }
}

#[test]
fn every_status_is_requested_after_its_limit_unless_an_execution_runs() {
    for (status, minutes, expected) in [
        (Status::Onboarded, 1_000_000, Err(Left::Onboarded)),
        (Status::Requested, 239, Err(Left::UnderWay)),
        (Status::Requested, 240, Ok((Why::Stuck, 4))),
        (Status::Running, 239, Err(Left::UnderWay)),
        (Status::Running, 240, Ok((Why::Stuck, 4))),
        (Status::Running, 7 * 24 * 60, Ok((Why::Stuck, 4))), // with an execution that runs: it waits for a merge
        (Status::Failed, 1439, Err(Left::FailedLately)),
        (Status::Failed, 1440, Ok((Why::Failed, 4))),
        (Status::Ignored, 0, Ok((Why::Ours, 4))),
    ] {
        let record = || Some(record(1, status, ago(minutes)));
        assert_eq!(one(listed(1), record(), false), expected, "{status:?} {minutes}");
        let running = if status == Status::Onboarded { Left::Onboarded } else { Left::UnderWay };
        assert_eq!(one(listed(1), record(), true), Err(running), "{status:?} {minutes}: redriven, or still at work");
    }
}

/// The record of an account that was given this identity; by its tag, its name, or nobody knows.
fn bound(number: u64, status: Status, (tenant, environment): (&str, &str), from: Option<TenantSource>) -> Record {
    let identity =
        Identity { tenant: tenant.parse().unwrap(), environment: environment.parse().unwrap(), given: BTreeMap::new() };
    let binding = Binding { identity, tenant_from: from, since: ago(9_999), revision: 1 };
    let (tenant, environment) = (tenant.parse().ok(), environment.parse().ok());
    let binding = from.is_some().then_some(binding);
    Record { tenant, environment, binding, ..record(number, status, ago(9_999)) }
}

#[test]
fn an_account_that_would_become_another_one_is_listed_and_never_asked_for() {
    let name = Some(TenantSource::Name);
    for status in Status::ALL.into_iter().filter(|status| !LEAVING.contains(status)) {
        for (is, from, changed) in [
            (("tenant1", "dev"), name, false),
            (("tenant1", "staging"), name, true),
            (("orchard", "dev"), name, true),
            // By its tag: the name says nothing, and an onboarded account's tag is not read.
            (("orchard", "dev"), Some(TenantSource::Tag), false),
            (("orchard", "staging"), Some(TenantSource::Tag), true),
            // An earlier version's.
            (("orchard", "dev"), None, false),
            (("orchard", "staging"), None, true),
        ] {
            let mut state = observed(vec![listed(1)], vec![bound(1, status, is, from)]);
            let tagged = needs_tags(&PLATFORM, &state).contains(&id(1));
            state.accounts[0].is_tagged = tagged;
            if from != name && tagged {
                state.accounts[0].facts.tags.insert("berth:tenant".to_owned(), is.0.to_owned());
            }
            let swept = sweep(&state);
            let seen: Vec<(&str, &str)> = swept.changed.iter().map(|c| (c.is.as_str(), c.would_be.as_str())).collect();
            assert_eq!(!seen.is_empty(), changed, "{status:?} {is:?} {from:?}: {seen:?}");
            assert!(!changed || swept.asked.is_empty(), "{status:?} {is:?} {from:?}: {swept:?}");
        }
    }
}

/// Statuses of an account that nobody asks for, whatever it would become.
const LEAVING: [Status; 3] = [Status::Offboarding, Status::OffboardingFailed, Status::Offboarded];

#[test]
fn an_account_that_leaves_or_has_left_is_never_asked_for() {
    for status in LEAVING {
        for is in [("tenant1", "dev"), ("orchard", "staging")] {
            let state = observed(vec![listed(1)], vec![bound(1, status, is, Some(TenantSource::Name))]);
            let swept = sweep(&state);
            assert_eq!((swept.asked.len(), swept.changed.len()), (0, 0), "{status:?}: {swept:?}");
            assert_eq!(swept.left, [(Left::Leaving, 1)].into(), "{status:?}");
        }
    }
}

#[test]
fn a_retagged_account_is_seen_before_it_is_asked_for() {
    let mut state =
        observed(vec![listed(1)], vec![bound(1, Status::Failed, ("orchard", "dev"), Some(TenantSource::Tag))]);
    assert_eq!(needs_tags(&PLATFORM, &state), [id(1)]);
    state.accounts[0].is_tagged = true;
    state.accounts[0].facts.tags.insert("berth:tenant".to_owned(), "harvest".to_owned());
    let swept = sweep(&state);
    assert_eq!((swept.asked, swept.changed.len()), (vec![], 1));
    assert_eq!(swept.changed[0].differences[0].to_string(), "tenant is orchard, and would be harvest");
}

#[test]
fn many_accounts_that_would_become_others_at_once_stop_the_sweep() {
    let renamed = include_str!("../../../infra/platform.example.yaml").replace("  dev:\n", "  development:\n");
    let renamed = PlatformConfig::parse(&renamed).unwrap();
    for (count, stopped) in [(IDENTITY_CHANGES_MAX, false), (IDENTITY_CHANGES_MAX + 1, true)] {
        let numbers = 1..=u64::try_from(count).unwrap();
        let records = numbers.clone().map(|number| {
            let tenant = format!("tenant{number}");
            bound(number, Status::Onboarded, (&tenant, "dev"), Some(TenantSource::Name))
        });
        let state = observed(numbers.clone().map(listed).chain([listed(99)]).collect(), records.collect());
        let swept = decide(&renamed, &state, limits(), now());
        assert_eq!((swept.changed.len(), swept.is_stopped()), (count, stopped));
        assert_eq!(swept.asked.len(), 1, "what the sweep does about it is its own");
    }
}

#[test]
fn an_unreadable_account_is_left_alone_and_the_others_are_requested() {
    let mut state = observed(vec![listed(1), listed(2)], vec![]);
    state.unreadable.insert(id(1));
    let swept = sweep(&state);
    let asked: Vec<_> = swept.asked.iter().map(|ask| &ask.account_id).collect();
    assert_eq!((asked, swept.left), (vec![&id(2)], [(Left::Unreadable, 1)].into()));
}

#[test]
fn a_lease_whose_holder_runs_is_under_way_whatever_the_newest_execution_is() {
    let held = Record { lease: Some(execution(1, 3)), execution_arn: None, ..record(1, Status::Running, ago(9_999)) };
    assert_eq!(one(listed(1), Some(held.clone()), true), Err(Left::UnderWay));
    assert_eq!(one(listed(1), Some(held), false), Ok((Why::Stuck, 4)));
}

#[test]
fn an_account_unknown_to_the_ledger_is_missing_once_its_event_is_overdue() {
    assert_eq!(one(listed(1), None, false), Ok((Why::Missing, 1)));
    for (joined, expected) in [
        (Some(ago(60)), Ok((Why::Missing, 1))),
        (Some(ago(59)), Err(Left::Young)),
        (Some(ago(-5)), Err(Left::Young)),
        (None, Ok((Why::Missing, 1))),
    ] {
        assert_eq!(one(Listed { joined, ..listed(1) }, None, false), expected, "{joined:?}");
    }
}

#[test]
fn accounts_that_the_rules_leave_out_are_never_requested() {
    let platform = &*PLATFORM;
    let with = |change: &dyn Fn(&mut AccountFacts)| {
        let mut listed = listed(1);
        change(&mut listed.facts);
        listed
    };
    let hub = platform.hub.clone().unwrap().account;
    let core = [platform.organization.management_account.clone(), platform.network.account.clone(), hub];
    let mut left_out: Vec<Listed> = core.iter().map(|core| with(&|facts| facts.account_id = core.clone())).collect();
    for state in ["SUSPENDED", "PENDING_CLOSURE", "CLOSED"] {
        left_out.push(with(&|facts| facts.state = state.to_owned()));
    }
    left_out.push(with(&|facts| facts.ous = vec![ELSEWHERE.to_owned()]));
    left_out.push(with(&|facts| facts.ous.clear()));
    left_out.push(with(&|facts| drop(facts.tags.insert(platform.ignore_tag.clone(), "false".to_owned()))));
    for listed in left_out {
        for status in [None, Some(Status::Ignored), Some(Status::Failed), Some(Status::Running)] {
            let account = listed.facts.account_id.clone();
            let record = status.map(|status| Record { account_id: account, ..record(1, status, ago(99_999)) });
            assert_eq!(one(listed.clone(), record, false), Err(Left::NotOurs), "{listed:?} {status:?}");
        }
    }
    let opening = with(&|facts| facts.state = "PENDING_ACTIVATION".to_owned());
    assert_eq!(one(opening, None, false), Err(Left::Young));
}

#[test]
fn an_account_that_cannot_be_planned_is_requested_to_show_its_failure() {
    let mut nameless = listed(1);
    nameless.facts.name = "***".to_owned();
    assert_eq!(one(nameless, None, false), Ok((Why::Missing, 1)));
    let mut unheard_of = listed(1);
    unheard_of.facts.state = "HIBERNATING".to_owned();
    assert_eq!(one(unheard_of, None, false), Ok((Why::Missing, 1)));
}

#[test]
fn tags_are_read_only_of_ignored_accounts_in_a_unit_of_ours() {
    let mut elsewhere = listed(2);
    elsewhere.facts.ous = vec![ELSEWHERE.to_owned()];
    let accounts = vec![listed(1), elsewhere, listed(3), listed(4)];
    let ignored = |number| record(number, Status::Ignored, ago(5));
    let state = observed(accounts, vec![ignored(1), ignored(2), record(3, Status::Failed, ago(9_999))]);
    assert_eq!(needs_tags(&PLATFORM, &state), [id(1)]);
}

#[test]
fn reasons_are_sentences_with_what_a_person_needs() {
    let failure = Failure::from_status("FAILED", Some("Denied"), Some("no\nNext: allow it"), "ProvisionVpc");
    let failed = Record { failure: Some(failure), ..record(2, Status::Failed, ago(2_000)) };
    let mut moved = record(4, Status::Ignored, ago(7));
    moved.reason = Some("no organizational unit on the account's path is listed in an environment".to_owned());
    let records = vec![failed, record(3, Status::Running, ago(300)), moved];
    let swept = sweep(&observed(vec![listed(4), listed(3), listed(2), listed(1)], records));
    let reasons: Vec<&str> = swept.asked.iter().map(|ask| ask.reason.as_str()).collect();
    assert_eq!(
        reasons,
        [
            "the ledger does not know it",
            "failed since 2026-11-19T20:40:00Z in ProvisionVpc: Denied",
            &format!("running since 2026-11-21T01:00:00Z, but {} does not run", execution(3, 3)),
            "ignored since 2026-11-21T05:53:00Z, but now the organizational unit ou-ab12-dev00001 belongs to the \
             environment dev",
        ],
        "sorted by account"
    );
}

#[test]
fn limits_of_the_input_take_the_place_of_the_settings_one_by_one() {
    let input = Input { failed_after_minutes: Some(0), ..Input::default() };
    assert_eq!(limits().with(&input), Limits::of_minutes(60, 240, 0));
    assert_eq!(limits().with(&Input::default()), limits());
    let input: Input = serde_json::from_str("{}").unwrap();
    assert_eq!(input, Input::default());
    assert!(serde_json::from_str::<Input>(r#"{"dryrun": true}"#).is_err());
}

/// What accept-event makes of the events: the execution of each generation starts.
fn start(state: &mut State, asked: &[Ask], happened: Timestamp) -> usize {
    let mut started = 0;
    for ask in asked {
        let known = state.records.get(&ask.account_id);
        let Admission::Start { generation } = admit(known, Some(happened), Some(ask.generation)) else { continue };
        started += 1;
        let number = ask.account_id.as_str().parse().unwrap();
        let requested = Record { generation, ..record(number, Status::Requested, happened) };
        let arn = execution(number, generation);
        state.running.insert(arn.clone());
        state.records.insert(ask.account_id.clone(), Record { execution_arn: Some(arn), ..requested });
    }
    started
}

prop_compose! {
    fn any_account(number: u64)(
        state in prop_oneof![4 => Just("ACTIVE"), 1 => Just("SUSPENDED"), 1 => Just("PENDING_ACTIVATION")],
        unit in prop_oneof![3 => Just(OURS), 1 => Just(ELSEWHERE)],
        joined in proptest::option::of(0..120_i64),
        status in proptest::option::of(proptest::sample::select(Status::ALL.to_vec())),
        generation in 1..9_u32,
        minutes in 0..3_000_i64,
        environment in proptest::option::of(prop_oneof![Just("dev"), Just("staging")]),
        runs in any::<bool>(),
    ) -> (Listed, Option<Record>, bool) {
        let mut listed = Listed { joined: joined.map(ago), ..listed(number) };
        state.clone_into(&mut listed.facts.state);
        listed.facts.ous = vec![unit.to_owned()];
        let arn = execution(number, generation);
        let record = status.map(|status| {
            let environment = environment.map(|name| name.parse().unwrap());
            Record { generation, environment, execution_arn: Some(arn), ..record(number, status, ago(minutes)) }
        });
        (listed, record, runs)
    }
}

fn any_state() -> impl Strategy<Value = State> {
    let accounts: Vec<_> = (1..40_u64).map(any_account).collect();
    accounts.prop_map(|accounts| {
        let mut state = State::default();
        for (listed, record, runs) in accounts {
            if let Some(record) = record {
                state.running.extend(record.execution_arn.clone().filter(|_| runs));
                state.records.insert(record.account_id.clone(), record);
            }
            state.accounts.push(listed);
        }
        state
    })
}

proptest! {
    #[test]
    fn from_any_state_each_event_starts_once_and_the_next_sweep_nothing(state in any_state()) {
        let mut state = state;
        let first = sweep(&state);
        prop_assert_eq!(first.asked.len() + first.left.values().sum::<usize>(), state.accounts.len(), "each once");
        let again = sweep(&state);
        prop_assert_eq!(&again, &first, "two sweeps at once see the same");
        prop_assert_eq!(start(&mut state, &first.asked, now()), first.asked.len(), "each event starts something");
        let after: BTreeMap<_, _> = state.records.iter().map(|(id, record)| (id.clone(), record.generation)).collect();
        start(&mut state, &again.asked, now());
        for (account, record) in &state.records {
            prop_assert_eq!(record.generation, after[account], "the second sweep's events start nothing new");
        }
        prop_assert_eq!(sweep(&state).asked, []);
    }
}

#[test]
fn plans_that_wait_are_counted_with_the_age_of_the_oldest() {
    let asked = |status: &str, since: &str, approved: bool| -> Record {
        let approved = if approved { json!([{ "by": "arn:mia", "at": since }]) } else { json!([]) };
        serde_json::from_value(json!({
            "accountId": "111122223333", "status": status, "generation": 1, "lease": "arn:me", "since": since,
            "approval": {
                "plan": "sha256:1", "plannedBy": "arn:plan", "execution": "arn:me", "question": 1, "revision": 1,
                "counts": { "create": 1, "change": 0, "delete": 0, "disrupts": 0 }, "approvers": 1,
                "since": since, "asked": since, "until": since, "approved": approved,
            },
        }))
        .unwrap()
    };
    let now = "2026-01-03T00:00:00Z".parse().unwrap();
    let over = [asked("failed", "2026-01-01T00:00:00Z", false), asked("running", "2026-01-01T00:00:00Z", true)];
    assert_eq!(approvals(over.iter(), now), None);
    let waiting = [asked("running", "2026-01-02T00:00:00Z", false), asked("running", "2026-01-01T12:00:00Z", false)];
    assert_eq!(approvals(over.iter().chain(&waiting), now), Some((2, 129_600)));
}
