//! What the first state of an offboarding makes of a record, and what forbids it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::LazyLock;

use berth_config::{OffboardingGuard, PlatformConfig};
use berth_ledger::{Record, Status};
use berth_step::Fault;
use berth_tenancy::{Mode, OffboardingPlan, Thing};
use plan_offboarding::{
    OffboardingRequest, Standing, access, allowed, check_protection, check_reach, generation, ignored, of_state, plan,
    read_request, subject, too_many,
};
use proptest::prelude::*;
use serde_json::{Value, json};

const ME: &str = "arn:aws:states:us-east-1:210987654321:execution:berth-offboard-account:me";

static PLATFORM: LazyLock<PlatformConfig> = LazyLock::new(|| {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra/platform.example.yaml");
    PlatformConfig::load(path.as_ref()).unwrap()
});

const TODAY: &str = "2026-11-29";

fn record(extra: &Value) -> Record {
    let cluster = PLATFORM.environments.values().next().unwrap().cluster.clone();
    let mut value = json!({
        "accountId": "111122223333", "accountName": "payments-dev", "tenant": "payments", "environment": "dev",
        "status": "onboarded", "generation": 3, "since": "2026-11-01T00:00:00Z",
        "regions": { "ap-south-1": { "vpcId": "vpc-1", "cidr": "10.1.0.0/20", "attachmentId": "tgw-attach-1" } },
        "roles": [{ "name": "developer", "arn": "arn:aws:iam::111122223333:role/tenant/payments-developer" }],
        "signIn": [{ "group": "payments-developers", "permissionSet": "TenantDeveloper" }],
        "clusterAccess": [{ "cluster": cluster, "entries": [{ "role": "arn:role", "groups": [] }], "retired": ["arn:old"] }],
        "commit": { "sha": "0", "path": format!("clusters/{cluster}/tenants/df/payments.yaml") },
    });
    value.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    serde_json::from_value(value).unwrap()
}

fn request(mode: Mode) -> OffboardingRequest {
    read_request(&json!({ "accountId": "111122223333", "mode": mode })).unwrap()
}

fn planned(record: &Record, standing: Standing) -> OffboardingPlan {
    let run = subject(&PLATFORM, record, &request(Mode::Apply), ME).unwrap();
    plan(&PLATFORM, record, run, standing).unwrap()
}

#[test]
fn a_request_says_its_account_and_its_mode_and_nothing_is_guessed() {
    let read = |value: Value| read_request(&value);
    let whole = read(json!({ "accountId": "111122223333", "mode": "apply", "accessRemoved": true })).unwrap();
    assert!(whole.access_removed && whole.mode == Mode::Apply);
    for wrong in [
        json!({ "accountId": "111122223333" }),
        json!({ "mode": "apply" }),
        json!({ "accountId": "1111", "mode": "apply" }),
        json!({ "accountId": "111122223333", "mode": "apply", "acessRemoved": true }),
        json!({ "detail-type": "AWS Service Event via CloudTrail" }),
    ] {
        assert_eq!(read(wrong.clone()).unwrap_err().fault, Fault::InvalidInput, "{wrong}");
    }
}

#[test]
fn the_plan_has_the_regions_of_the_record_and_of_the_environment() {
    let plan = planned(&record(&json!({})), Standing::Active);
    let regions: Vec<&str> = plan.regions.iter().map(|each| each.region.as_str()).collect();
    let dev = PLATFORM.environments.get(&"dev".parse().unwrap()).unwrap();
    assert!(regions.contains(&"ap-south-1"), "one that platform.yaml does not have any more: {regions:?}");
    assert!(dev.regions.keys().all(|region| regions.contains(&region.as_str())), "one that a failed run began");
    assert!(plan.regions.iter().all(|each| each.network_account == PLATFORM.network.account));
    assert!(!plan.is_closed && plan.left_behind.is_empty());
    assert_eq!(plan.run.generation, 4);
}

#[test]
fn of_a_closed_account_what_stays_is_listed_with_what_it_costs() {
    for standing in [Standing::Closed, Standing::Gone] {
        let plan = planned(&record(&json!({})), standing);
        assert!(plan.is_closed);
        let said = plan.left_behind.join("\n");
        for part in ["vpc-1 in ap-south-1", "tgw-attach-1 in ap-south-1", "$36.50 a month", "payments-developer"] {
            assert!(said.contains(part), "{part}: {said}");
        }
    }
    for (state, standing) in
        [("ACTIVE", Standing::Active), ("SUSPENDED", Standing::Closed), ("CLOSED", Standing::Closed)]
    {
        assert_eq!(of_state(state).unwrap(), standing);
    }
    assert_eq!(of_state("HIBERNATING").unwrap_err().fault, Fault::InvalidInput);
}

#[test]
fn a_cluster_that_is_gone_from_platform_yaml_is_said_and_not_guessed() {
    let record = record(&json!({ "commit": { "sha": "0", "path": "clusters/old/tenants/df/payments.yaml" } }));
    let run = subject(&PLATFORM, &record, &request(Mode::Apply), ME).unwrap();
    let error = plan(&PLATFORM, &record, run, Standing::Active).unwrap_err();
    assert_eq!(error.fault, Fault::InvalidInput);
    assert!(error.message.contains("payments/dev"), "{}", error.message);
}

#[test]
fn nothing_is_taken_away_of_an_account_that_has_nothing() {
    assert!(ignored(None).is_some());
    assert!(ignored(Some(&record(&json!({ "status": "offboarded" })))).is_some());
    let never = record(&json!({ "tenant": null, "environment": null }));
    assert!(ignored(Some(&never)).unwrap().contains("never planned"));
    for status in ["onboarded", "failed", "running", "ignored", "offboarding", "offboarding-failed"] {
        assert_eq!(ignored(Some(&record(&json!({ "status": status })))), None, "{status}");
    }
}

#[test]
fn all_recorded_access_is_to_be_removed_with_the_place_where_it_is() {
    let record = record(&json!({}));
    let left = access(&PLATFORM, &record);
    assert_eq!((left.access.len(), left.sign_in.len(), left.roles.len(), left.reported.len()), (2, 1, 1, 0));
    assert!(left.iter().all(|one| one.remove), "whoever offboards has agreed: {left:?}");
    let is_known = |one: &berth_tenancy::LeftOver| matches!(&one.thing, Thing::AccessEntry { at: Some(_), .. });
    assert!(left.access.iter().all(is_known), "{left:?}");
    let closed = planned(&record, Standing::Closed);
    assert!(closed.left_over.roles.is_empty() && closed.entered.is_empty(), "nobody can enter a closed account");
    assert_eq!((closed.left_over.access.len(), closed.left_over.sign_in.len()), (2, 1));
    assert_eq!(planned(&record, Standing::Active).entered, [record.account_id]);
}

#[test]
fn what_the_inventory_has_goes_too_and_settings_are_said_to_stay() {
    let role = json!({ "kind": "role", "name": "old", "arn": "arn:aws:iam::111122223333:role/tenant/payments-old" });
    let baseline = json!({ "kind": "baseline", "region": "eu-west-1" });
    let given = json!({ "inventory": { "a": { "thing": role, "generation": 1 }, "b": { "thing": baseline, "generation": 1 } } });
    let plan = planned(&record(&given), Standing::Active);
    assert_eq!(plan.left_over.roles.len(), 2, "{:?}", plan.left_over);
    let removed: Vec<(String, bool)> =
        plan.baselines.iter().map(|left| (left.thing.to_string(), left.remove)).collect();
    assert_eq!(removed, [("baseline in eu-west-1".to_owned(), true)]);
    assert_eq!(
        plan.left_behind,
        ["settings of EBS, EC2 and S3 in eu-west-1 stay as they are: they protect the account"]
    );
    let closed = planned(&record(&given), Standing::Closed);
    assert!(closed.baselines.is_empty(), "nobody can enter a closed account");
    assert!(closed.left_behind[0].starts_with("baseline in eu-west-1: in the closed account"), "{closed:?}");
}

#[test]
fn a_cluster_is_waited_for_where_platform_yaml_says_so() {
    let of = |is_awaited: bool| {
        let mut platform = PLATFORM.clone();
        for cluster in platform.clusters.values_mut() {
            cluster.await_ready = is_awaited;
        }
        let record = record(&json!({}));
        let run = subject(&platform, &record, &request(Mode::Apply), ME).unwrap();
        plan(&platform, &record, run, Standing::Closed).unwrap()
    };
    assert!(of(false).awaited_clusters.is_empty());
    let awaited = of(true);
    let names: Vec<&str> = awaited.awaited_clusters.iter().map(|cluster| cluster.name.as_str()).collect();
    assert_eq!(names, [awaited.git_ops.cluster.as_str()], "also for a closed account: the cluster is not in it");
}

#[test]
fn access_out_of_reach_stops_it_unless_a_person_removed_that() {
    let whole = planned(&record(&json!({})), Standing::Active);
    check_reach(&whole, false).unwrap();
    let mut lost = whole.clone();
    lost.sign_in = None;
    let error = check_reach(&lost, false).unwrap_err();
    assert_eq!(error.fault, Fault::InvalidInput);
    assert!(error.message.contains("sign-in of payments-developers with TenantDeveloper"), "{}", error.message);
    check_reach(&lost, true).unwrap();
    let mut platform = PLATFORM.clone();
    platform.clusters.values_mut().for_each(|cluster| cluster.eks = None);
    let mut lost = whole;
    lost.left_over = access(&platform, &record(&json!({})));
    assert!(check_reach(&lost, false).unwrap_err().message.contains("access entry of arn:role"));
}

#[test]
fn an_environment_that_is_protected_lets_nobody_go() {
    let mut platform = PLATFORM.clone();
    check_protection(&platform, &record(&json!({}))).unwrap();
    platform.environments.get_mut(&"dev".parse().unwrap()).unwrap().offboarding.protected = true;
    let error = check_protection(&platform, &record(&json!({}))).unwrap_err();
    assert!(error.message.contains("dev are protected") && error.hint.contains("offboarding.protected"), "{error}");
    check_protection(&platform, &record(&json!({ "environment": "prod" }))).unwrap();
}

#[test]
fn a_retry_keeps_its_generation_and_a_new_execution_gets_the_next() {
    let mine = record(&json!({ "lease": ME, "status": "offboarding" }));
    assert_eq!(generation(&mine, ME), 3);
    assert_eq!(generation(&mine, "arn:other"), 4);
    assert_eq!(generation(&record(&json!({ "generation": 0 })), ME), 2);
}

#[test]
fn of_a_hundred_accounts_ten_may_leave_in_a_day() {
    let records: Vec<Record> = (0..100).map(|_| record(&json!({}))).collect();
    let guard = allowed(&PLATFORM, &records, TODAY);
    assert_eq!(guard, (10, 100));
    let error = too_many(&PLATFORM, guard, 10);
    assert_eq!(error.fault, Fault::InvalidInput);
    assert!(error.message.starts_with("10 of 100 accounts were taken away today"), "{}", error.message);
    assert_eq!(allowed(&PLATFORM, &[], TODAY), (1, 1));
    let gone = |since: &str| record(&json!({ "status": "offboarded", "since": since }));
    let mut left: Vec<Record> = (0..8).map(|_| gone("2026-11-29T08:00:00Z")).collect();
    left.extend([record(&json!({})), gone("2026-11-28T23:59:59Z")]);
    assert_eq!(allowed(&PLATFORM, &left, TODAY), (3, 9), "a quarter of those that were there when the day began");
}

proptest! {
    #[test]
    fn the_guard_lets_one_go_and_never_more_than_either_limit(
        all in 1_usize..2000, accounts_per_day in 1_u32..50, percent_per_day in 1_u32..=100,
    ) {
        let allowed = OffboardingGuard { accounts_per_day, percent_per_day }.allowed(all);
        prop_assert!(allowed >= 1 && allowed <= accounts_per_day as usize);
        prop_assert!(allowed == 1 || (allowed - 1) * 100 < all * percent_per_day as usize);
        prop_assert!(percent_per_day == 100 || all == 1 || allowed < all || accounts_per_day as usize >= all);
    }
}

#[test]
fn a_record_of_each_status_is_read() {
    for status in Status::ALL {
        assert_eq!(record(&json!({ "status": status.name() })).status, status);
    }
}
