//! What a run takes that takes a part of an account, and what forbids it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::LazyLock;

use berth_config::PlatformConfig;
use berth_ledger::{Record, Status};
use berth_step::{Fault, StepError};
use berth_tenancy::{Freeze, OffboardingPlan, OffboardingScope};
use plan_offboarding::{OffboardingRequest, Standing, guard, narrowed, part, plan, read_request, subject};
use serde_json::{Value, json};

const ME: &str = "arn:aws:states:us-east-1:210987654321:execution:berth-offboard-account:me";

/// A region that no environment of the example has.
const LEFT: &str = "ap-south-1";

static PLATFORM: LazyLock<PlatformConfig> = LazyLock::new(|| {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra/platform.example.yaml");
    PlatformConfig::load(path.as_ref()).unwrap()
});

/// An account with access, a network in a region of its environment, and what is left of one in another.
fn record(extra: &Value) -> Record {
    let dev = PLATFORM.environments.get(&"dev".parse().unwrap()).unwrap();
    let (cluster, here) = (&dev.cluster, dev.regions.keys().next().unwrap());
    let given = |thing: Value| json!({ "thing": thing, "generation": 1 });
    let mut value = json!({
        "accountId": "111122223333", "accountName": "payments-dev", "tenant": "payments", "environment": "dev",
        "status": "onboarded", "generation": 3, "since": "2026-11-01T00:00:00Z", "executionArn": "arn:onboarding",
        "regions": { here.as_str(): { "vpcId": "vpc-1", "cidr": "10.1.0.0/20", "attachmentId": "tgw-attach-1" } },
        "roles": [{ "name": "developer", "arn": "arn:aws:iam::111122223333:role/tenant/payments-developer" }],
        "signIn": [{ "group": "payments-developers", "permissionSet": "TenantDeveloper" }],
        "commit": { "sha": "0", "path": format!("clusters/{cluster}/tenants/df/payments.yaml") },
        "inventory": {
            "a": given(json!({ "kind": "vpc", "region": LEFT, "id": "vpc-9" })),
            "b": given(json!({ "kind": "attachment", "region": LEFT, "id": "tgw-attach-9" })),
            "c": given(json!({ "kind": "baseline", "region": LEFT })),
            "d": given(json!({ "kind": "baseline", "region": here })),
        },
    });
    value.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    serde_json::from_value(value).unwrap()
}

fn request(extra: &Value) -> OffboardingRequest {
    let mut value = json!({ "accountId": "111122223333", "mode": "apply" });
    value.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    read_request(&value).unwrap()
}

/// The plan of a request about this record.
fn narrow(record: &Record, standing: Standing, asked: &Value) -> Result<Option<OffboardingPlan>, StepError> {
    let request = request(asked);
    let run = subject(&PLATFORM, record, &request, ME).unwrap();
    narrowed(&PLATFORM, record, plan(&PLATFORM, record, run, standing).unwrap(), &request)
}

fn of_region(region: &str) -> Value {
    json!({ "scope": "region", "region": region })
}

#[test]
fn a_region_is_named_exactly_where_the_scope_is_one() {
    for wrong in [
        json!({ "accountId": "111122223333", "mode": "apply", "scope": "region" }),
        json!({ "accountId": "111122223333", "mode": "apply", "region": LEFT }),
        json!({ "accountId": "111122223333", "mode": "apply", "scope": "suspend", "region": LEFT }),
        json!({ "accountId": "111122223333", "mode": "apply", "scope": "everything" }),
    ] {
        assert_eq!(read_request(&wrong).unwrap_err().fault, Fault::InvalidInput, "{wrong}");
    }
    assert_eq!(request(&json!({})).scope, OffboardingScope::Account, "who names no scope means the account");
}

#[test]
fn a_suspension_and_its_end_touch_nothing_but_the_entry() {
    for (scope, freeze) in [("suspend", Freeze::Suspend), ("resume", Freeze::Resume)] {
        for standing in [Standing::Active, Standing::Closed] {
            let plan = narrow(&record(&json!({})), standing, &json!({ "scope": scope })).unwrap().unwrap();
            assert_eq!(plan.freeze, freeze);
            assert!(plan.regions.is_empty() && plan.entered.is_empty() && plan.left_behind.is_empty(), "{plan:?}");
            assert!(plan.baselines.is_empty(), "{plan:?}");
            assert_eq!(plan.left_over.iter().count(), 0);
            assert!(plan.git_ops.path.ends_with("payments.yaml"));
        }
    }
}

#[test]
fn access_goes_with_the_entry_and_networks_stay() {
    let plan = narrow(&record(&json!({})), Standing::Active, &json!({ "scope": "access" })).unwrap().unwrap();
    assert!(plan.regions.is_empty() && plan.left_behind.is_empty(), "{plan:?}");
    assert_eq!((plan.left_over.sign_in.len(), plan.left_over.roles.len(), plan.entered.len()), (1, 1, 1));
    assert!(plan.left_over.iter().all(|left| left.remove));
    let closed = narrow(&record(&json!({})), Standing::Closed, &json!({ "scope": "access" })).unwrap_err();
    assert_eq!(closed.fault, Fault::InvalidInput, "its roles could not be taken away: {closed}");
}

#[test]
fn of_a_left_over_region_network_and_baseline_go_and_settings_are_named() {
    let plan = narrow(&record(&json!({})), Standing::Active, &of_region(LEFT)).unwrap().unwrap();
    let regions: Vec<&str> = plan.regions.iter().map(|removal| removal.region.as_str()).collect();
    assert_eq!(regions, [LEFT]);
    assert!(plan.entered.is_empty() && plan.left_over.iter().next().is_none(), "nobody's access is touched");
    let baselines: Vec<String> = plan.baselines.iter().map(|left| left.thing.to_string()).collect();
    assert_eq!((baselines, plan.baselines[0].remove), (vec![format!("baseline in {LEFT}")], true));
    let kept = format!("settings of EBS, EC2 and S3 in {LEFT} stay as they are: they protect the account");
    assert_eq!(plan.left_behind, [kept]);
}

#[test]
fn a_region_is_refused_while_it_is_wanted_or_in_the_tenants_file() {
    let here = record(&json!({})).regions.into_keys().next().unwrap();
    let wanted = narrow(&record(&json!({})), Standing::Active, &of_region(here.as_str())).unwrap_err();
    assert!(wanted.message.contains("platform.yaml has"), "{wanted}");
    let network = json!({ LEFT: { "vpcId": "vpc-9", "cidr": "10.9.0.0/20", "attachmentId": "tgw-attach-9" } });
    let named = record(&json!({ "regions": network }));
    let in_file = narrow(&named, Standing::Active, &of_region(LEFT)).unwrap_err();
    assert!(in_file.hint.contains("berth onboard 111122223333"), "{in_file}");
    let closed = narrow(&record(&json!({})), Standing::Closed, &of_region(LEFT)).unwrap_err();
    for refused in [wanted, in_file, closed] {
        assert_eq!(refused.fault, Fault::InvalidInput, "{refused}");
    }
    let nothing = record(&json!({ "inventory": {} }));
    assert_eq!(narrow(&nothing, Standing::Active, &of_region(LEFT)).unwrap(), None, "it has nothing there");
}

#[test]
fn protection_keeps_networks_and_access_and_lets_a_suspension_be() {
    let mut platform = PLATFORM.clone();
    platform.environments.get_mut(&"dev".parse().unwrap()).unwrap().offboarding.protected = true;
    let record = record(&json!({}));
    for (asked, is_kept) in [
        (json!({}), true),
        (json!({ "scope": "access" }), true),
        (of_region(LEFT), true),
        (json!({ "scope": "suspend" }), false),
        (json!({ "scope": "resume" }), false),
    ] {
        let plan = narrow(&record, Standing::Active, &asked).unwrap().unwrap();
        assert_eq!(guard(&platform, &record, &plan, &request(&asked)).is_err(), is_kept, "{asked}");
    }
}

#[test]
fn access_out_of_reach_stops_a_transfer_unless_a_person_removed_that() {
    let record = record(&json!({}));
    let asked = |is_removed: bool| json!({ "scope": "access", "accessRemoved": is_removed });
    let mut plan = narrow(&record, Standing::Active, &asked(false)).unwrap().unwrap();
    plan.sign_in = None;
    let lost = guard(&PLATFORM, &record, &plan, &request(&asked(false))).unwrap_err();
    assert!(lost.message.contains("sign-in of payments-developers"), "{lost}");
    guard(&PLATFORM, &record, &plan, &request(&asked(true))).unwrap();
}

#[test]
fn a_part_remembers_how_the_account_was_before_the_first_try() {
    let asked = request(&json!({ "scope": "suspend", "reason": "a stolen laptop" }));
    assert_eq!(part(&record(&json!({})), &request(&json!({}))), None, "of a whole account nothing is to come back");
    let first = part(&record(&json!({})), &asked).unwrap();
    assert_eq!((first.was.status, first.was.execution_arn.as_deref()), (Status::Onboarded, Some("arn:onboarding")));
    let failed = record(&json!({ "status": "offboarding-failed", "executionArn": ME, "lease": ME, "part": first }));
    let again = part(&failed, &asked).unwrap();
    assert_eq!(again, first);
    let other = part(&failed, &request(&of_region(LEFT))).unwrap();
    assert!(!other.is_same(&first) && other.was == first.was);
}
