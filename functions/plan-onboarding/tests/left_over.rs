//! What a plan says of things that the account was given and that it does not have any more.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;

use berth_config::{AccountFacts, Match, Onboarding, PlatformConfig};
use berth_ledger::Record;
use berth_tenancy::{LeftOverPolicy, Plan, Thing};
use plan_onboarding::{OnboardingRequest, plan, read_request, subject, with_left_over};
use serde_json::{Value, json};

fn platform() -> PlatformConfig {
    PlatformConfig::load(concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra/platform.example.yaml").as_ref()).unwrap()
}

fn facts() -> AccountFacts {
    AccountFacts {
        account_id: "111122223333".parse().unwrap(),
        name: "payments-dev".to_owned(),
        email: None,
        state: "ACTIVE".to_owned(),
        ous: vec!["ou-ab12-dev00001".to_owned()],
        joined: None,
        tags: [("berth:tenant".to_owned(), "payments".to_owned())].into(),
    }
}

fn matched(platform: &PlatformConfig) -> Onboarding {
    match platform.match_account(&facts()).unwrap() {
        Match::Onboard(matched) => *matched,
        Match::Ignored { reason } => panic!("{reason}"),
    }
}

/// A record whose inventory is all that the plan has, and these things.
fn record(matched: &Onboarding, more: &[Thing], generation: Option<u32>) -> Record {
    let things = matched.things(&facts().account_id).into_iter().chain(more.iter().cloned());
    let given =
        |(index, thing): (usize, Thing)| (index.to_string(), json!({ "thing": thing, "generation": generation }));
    let inventory: serde_json::Map<String, Value> = things.enumerate().map(given).collect();
    serde_json::from_value(json!({
        "accountId": "111122223333", "status": "onboarded", "generation": 1, "since": "2026-11-01T00:00:00Z",
        "inventory": inventory,
    }))
    .unwrap()
}

fn planned(platform: &PlatformConfig, matched: Onboarding, record: &Record) -> Plan {
    let request: OnboardingRequest = read_request(&json!({ "accountId": "111122223333" })).unwrap();
    let things = matched.things(&facts().account_id);
    let mut plan = plan(subject(&facts(), &matched, Some(record), &request, "arn:mine"), matched);
    with_left_over(&mut plan, Some(record), &things, platform);
    plan
}

fn gone() -> Vec<Thing> {
    let role = "arn:aws:iam::111122223333:role/tenant/payments-gone".to_owned();
    let cluster = platform().clusters.keys().next().unwrap().to_string();
    vec![
        Thing::Role { name: "gone".to_owned(), arn: role.clone() },
        Thing::SignIn {
            group: "g".to_owned(),
            permission_set: "P".to_owned(),
            group_id: None,
            permission_set_arn: None,
        },
        Thing::AccessEntry { role, cluster, at: None },
        Thing::Attachment { region: "ap-south-1".parse().unwrap(), id: Some("tgw-attach-1".to_owned()) },
    ]
}

#[test]
fn an_account_that_has_what_its_plan_has_has_nothing_left_over() {
    let platform = platform();
    let matched = matched(&platform);
    let record = record(&matched, &[], Some(1));
    assert_eq!(planned(&platform, matched, &record).left_over.iter().count(), 0);
}

#[test]
fn each_step_is_handed_what_is_left_over_of_its_kind() {
    let platform = platform();
    let matched = matched(&platform);
    let record = record(&matched, &gone(), Some(1));
    let left = planned(&platform, matched, &record).left_over;
    let [role] = &*left.roles else { panic!("{left:?}") };
    let [sign_in] = &*left.sign_in else { panic!("{left:?}") };
    let [entry] = &*left.access else { panic!("{left:?}") };
    let [attachment] = &*left.reported else { panic!("{left:?}") };
    assert!(role.remove && sign_in.remove && entry.remove && !attachment.remove);
    let Thing::AccessEntry { at, .. } = &entry.thing else { panic!("{entry:?}") };
    assert!(at.is_some(), "where the cluster is, so that the step can go there");
}

#[test]
fn platform_yaml_decides_whether_it_goes_but_for_records_of_before() {
    for (policy, generation, goes) in [
        (None, Some(1), true),
        (Some(LeftOverPolicy::Report), Some(1), false),
        (Some(LeftOverPolicy::Remove), Some(1), true),
        (Some(LeftOverPolicy::Remove), None, false),
    ] {
        let platform = PlatformConfig { left_over: policy, ..platform() };
        let matched = matched(&platform);
        let record = record(&matched, &gone(), generation);
        let left = planned(&platform, matched, &record).left_over;
        assert_eq!(left.roles[0].remove, goes, "{policy:?} {generation:?}");
    }
}

#[test]
fn where_nobody_signs_in_any_more_identity_center_is_still_known() {
    let platform = platform();
    let matched = matched(&platform);
    let record = record(&matched, &gone(), Some(1));
    let nobody = planned(&platform, Onboarding { sign_in: None, ..matched }, &record);
    let place = nobody.sign_in.unwrap();
    assert!(place.assignments.is_empty() && nobody.left_over.sign_in.len() > 1, "{place:?}");
}

/// The regions of the plan's baselines that have nothing on, and what the step is handed.
fn looked_at(plan: &Plan) -> (Vec<String>, Vec<String>) {
    let empty = plan.baselines.iter().filter(|baseline| baseline.is_empty());
    let empty = empty.map(|baseline| baseline.region.to_string()).collect();
    (empty, plan.left_over.baselines.iter().map(|left| left.thing.to_string()).collect())
}

#[test]
fn a_baseline_that_is_switched_off_is_looked_at_for_what_is_left() {
    let platform = platform();
    let matched = matched(&platform);
    let recorded = record(&matched, &[], Some(1));
    let region = matched.baselines[0].region.clone();
    let parts: Vec<String> = matched.baselines[0].parts().iter().map(|part| format!("{part} in {region}")).collect();
    assert!(parts.len() > 2, "{parts:?}");
    let mut off = matched;
    off.baselines.retain(|baseline| baseline.region != region);
    let (empty, left) = looked_at(&planned(&platform, off, &recorded));
    assert_eq!((empty, left), (vec![region.to_string()], parts));
}

#[test]
fn baselines_that_an_earlier_version_made_are_looked_at_once() {
    let platform = platform();
    let matched = matched(&platform);
    let mut regions: Vec<String> =
        matched.baselines.iter().map(|baseline| format!("baseline in {}", baseline.region)).collect();
    regions.sort();
    // Of the version before the inventory, and of the one before it listed what a baseline has.
    let mut before = record(&matched, &[], Some(1));
    before.inventory = None;
    let network = json!({ "vpcId": "vpc-1", "cidr": "10.0.0.0/20", "attachmentId": "tgw-attach-1" });
    before.regions = matched
        .regions
        .iter()
        .map(|plan| (plan.region.clone(), serde_json::from_value(network.clone()).unwrap()))
        .collect();
    let mut unlisted = record(&matched, &[], Some(1));
    for given in unlisted.inventory.as_mut().unwrap().values_mut() {
        if let Thing::Baseline { parts, .. } = &mut given.thing {
            *parts = None;
        }
    }
    for record in [before, unlisted] {
        let plan = planned(&platform, matched.clone(), &record);
        let (empty, mut looked) = looked_at(&plan);
        looked.sort();
        assert_eq!((empty, looked), (vec![], regions.clone()));
        assert!(plan.left_over.baselines.iter().all(|left| !left.remove));
    }
    let fresh = Record { regions: BTreeMap::new(), inventory: None, ..record(&matched, &[], None) };
    assert_eq!(looked_at(&planned(&platform, matched, &fresh)).1, Vec::<String>::new(), "it has nothing yet");
}
