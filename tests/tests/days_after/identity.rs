//! Identity is given once, before any grant.

use berth_ledger::Status;
use berth_tests::rig::{Event, MANAGEMENT, event_now, onboarded};
use serde_json::json;

use crate::{assert_refused, changed_since, tag, turn};

#[test]
fn an_account_with_a_late_tag_of_another_tenant_stays_who_it_is() {
    let (rig, _turn) = turn(&[]);
    let account = rig.account("orchard-staging", "staging");
    onboarded(rig, &account);
    tag(rig, &account, "harvest");
    let says = ["NotOwned", "PlanOnboarding", "orchard/staging", "harvest/staging", "undo it", "berth transfer"];
    assert_refused(rig, &account, &says);
    let record = rig.record(&account).unwrap();
    assert_eq!((record.status, record.tenant.unwrap().as_str()), (Status::Onboarded, "orchard"));
    // It is undone, and all is as before.
    tag(rig, &account, "orchard");
    assert!(onboarded(rig, &account).changes().is_empty());
}

/// Since 2025 an account's own administrators may rename it, and Control Tower publishes an update.
#[test]
fn a_renamed_account_stays_who_it_is_whoever_asks_for_it() {
    let (rig, _turn) = turn(&[]);
    let account = rig.account("thorn-staging", "staging");
    onboarded(rig, &account);
    let rename = |name: &str| rig.call(&account, "account", "put_account_name", &json!({ "AccountName": name }));
    rename("egret-staging");
    let says = ["NotOwned", "thorn/staging", "egret/staging", "because its name is \"egret-staging\""];
    assert_refused(rig, &account, &says);
    let since = rig.last_call();
    let _ = rig.enqueue(&[event_now(Event::Updated, &account)]);
    let record = rig.wait_for(&account, Status::Failed);
    assert_eq!((record.tenant.unwrap().as_str(), record.account_name.as_deref()), ("thorn", Some("thorn-staging")));
    assert_eq!(changed_since(rig, since), []);
    // A name that gives the same tenant is no difference.
    rename("Thorn (STAGING)");
    assert!(onboarded(rig, &account).changes().is_empty());
}

#[test]
fn an_event_of_a_changed_account_fails_visibly_and_changes_nothing() {
    let (rig, _turn) = turn(&[]);
    let account = rig.account("sedge-staging", "staging");
    onboarded(rig, &account);
    tag(rig, &account, "thrift");
    let since = rig.last_call();
    let _ = rig.enqueue(&[event_now(Event::Updated, &account)]);
    let record = rig.wait_for(&account, Status::Failed);
    let failure = record.failure.unwrap();
    assert_eq!((failure.state.as_str(), failure.fault.as_str()), ("PlanOnboarding", "NotOwned"));
    assert_eq!(record.tenant.unwrap().as_str(), "sedge");
    assert_eq!(changed_since(rig, since), []);
    let (_, swept) = rig.berth(&["sweep", "--dry-run", "--failed-after", "0", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&swept).unwrap();
    let named = |list: &str| report[list].to_string().contains(&account);
    assert!(named("changed") && !named("asked"), "the sweep lists it, and does not ask: {report}");
    let (_, shown) = rig.status(&account);
    assert_eq!(shown["identity"]["tenant"], "sedge", "{shown}");
}

#[test]
fn an_account_whose_cluster_or_names_would_change_is_refused() {
    let (rig, _turn) = turn(&[]);
    let account = rig.account("meadow-staging", "staging");
    onboarded(rig, &account);
    let clusters = ("clusters.second", json!({ "region": "eu-west-1" }));
    rig.deploy_platform(&[clusters, ("environments.staging.cluster", json!("second"))]);
    assert_refused(rig, &account, &["cluster is", "would be second", "platform.yaml has changed"]);
    let mut roles = rig.platform("environments.staging.roles.roles");
    roles[0]["name"] = json!("{tenant}-builder");
    rig.deploy_platform(&[("environments.staging.roles.roles", roles)]);
    assert_refused(rig, &account, &["/tenant/meadow-developer", "/tenant/meadow-builder"]);
    // What the deployment would do is known before: the ledger has who everybody is.
    let (code, said) = rig.berth(&["validate", rig.platform_path().to_str().unwrap(), "--accounts", "--json"]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("the role developer would have another name or path") && said.contains(&account), "{said}");
    rig.deploy_platform(&[]);
    assert!(onboarded(rig, &account).changes().is_empty());
}

#[test]
fn an_account_moved_to_an_environment_on_another_cluster_is_refused() {
    let second = ("clusters.second", json!({ "region": "eu-west-1" }));
    let (rig, _turn) = turn(&[second, ("environments.dev.cluster", json!("second"))]);
    let account = rig.account_with("heron", "staging", &json!({ "berth:tenant": "heron" }));
    onboarded(rig, &account);
    let let_in = rig.let_in(&account);
    let move_to = |from: &str, to: &str| {
        let units = json!({ "AccountId": account, "SourceParentId": from, "DestinationParentId": to });
        rig.call(MANAGEMENT, "organizations", "move_account", &units);
    };
    let (staging, dev) = ("ou-ab12-stg00001", "ou-ab12-dev00001");
    move_to(staging, dev);
    let says =
        ["NotOwned", "PlanOnboarding", "heron/staging", "heron/dev", "cluster is shared-dev-1", "would be second"];
    assert_refused(rig, &account, &says);
    // Nor does an event.
    let since = rig.last_call();
    let _ = rig.enqueue(&[event_now(Event::Updated, &account)]);
    let record = rig.wait_for(&account, Status::Failed);
    assert_eq!(record.binding.unwrap().identity.to_string(), "heron/staging");
    assert_eq!((changed_since(rig, since), rig.let_in(&account)), (vec![], let_in));
    move_to(dev, staging);
    assert!(onboarded(rig, &account).changes().is_empty());
}

#[test]
fn a_second_claimant_of_a_tenants_environment_is_refused_at_once() {
    let (rig, _turn) = turn(&[]);
    let first = rig.account("ferry-staging", "staging");
    onboarded(rig, &first);
    // Tenants whose groups are there, and that nobody is yet.
    let _ = ["pilot-staging", "tide-staging"].map(|name| rig.account(name, "staging"));
    let seconds = [
        (rig.account("Ferry  (STAGING)", "staging"), "pilot"),
        (rig.account_with("lighthouse", "staging", &json!({ "berth:tenant": "ferry" })), "tide"),
    ];
    for (second, own) in seconds {
        assert_refused(rig, &second, &["NotOwned", &first, &second, "set its tag berth:tenant"]);
        let world = rig.world(&second);
        assert!(world.roles.is_empty() && world.assignments.is_empty() && world.access_entries.is_empty());
        // With a tenant of its own it goes on.
        tag(rig, &second, own);
        onboarded(rig, &second);
    }
    let (_, claims) = rig.berth(&["ledger", "claims", "--json"]);
    let claims: serde_json::Value = serde_json::from_str(&claims).unwrap();
    let of_ferry = claims.as_array().unwrap().iter().filter(|claim| claim["tenant"] == "ferry").count();
    assert_eq!(of_ferry, 1, "{claims}");
}

#[test]
fn of_accounts_that_claim_the_same_at_once_exactly_one_is_onboarded() {
    let (rig, _turn) = turn(&[]);
    let rivals: Vec<String> =
        ["Quay Staging", "quay-staging", "QUAY staging"].iter().map(|name| rig.account(name, "staging")).collect();
    let started: Vec<String> =
        rivals.iter().map(|account| rig.start_execution(&json!({ "accountId": account }))).collect();
    let won: Vec<bool> = started.iter().map(|execution| rig.ended(execution).error.is_none()).collect();
    assert_eq!(won.iter().filter(|won| **won).count(), 1, "{won:?}");
    for (account, won) in rivals.iter().zip(won) {
        assert_eq!(rig.world(account).roles.is_empty(), !won, "{account}");
    }
}

#[test]
fn the_plan_of_an_account_that_joins_a_tenant_says_so() {
    let (rig, _turn) = turn(&[]);
    let first = rig.account("beacon-staging", "staging");
    onboarded(rig, &first);
    let second = rig.account("beacon-prod", "prod");
    let (code, said) = rig.berth(&["onboard", &second, "--plan"]);
    assert_eq!(code, 0, "{said}");
    let line = format!("join the tenant beacon, because its name is \"beacon-prod\": staging is {first}");
    assert!(said.contains(&line), "{said}");
    let (_, alone) = rig.berth(&["onboard", &rig.account("lonely-prod", "prod"), "--plan"]);
    assert!(!alone.contains("join the tenant"), "{alone}");
}

#[test]
fn an_account_that_leaves_all_units_shows_what_is_still_there() {
    let (rig, _turn) = turn(&[]);
    let account = rig.account("tarn-staging", "staging");
    onboarded(rig, &account);
    rig.disperse(std::slice::from_ref(&account), "staging");
    let (code, said) = rig.berth(&["onboard", &account, "--wait"]);
    assert_eq!(code, 1, "{said}");
    let record = rig.wait_for(&account, Status::Ignored);
    let (_, shown) = rig.berth(&["status", &account]);
    assert!(!record.sign_in.is_empty() && !record.regions.is_empty(), "{record:?}");
    for one in &record.sign_in {
        let line = format!("sign-in of {} with {}: berth offboard {account} --yes", one.group, one.permission_set);
        assert!(shown.contains(&line), "{line:?} is not in {shown}");
    }
    for (region, network) in &record.regions {
        let attachment = &network.attachment_id;
        let line = format!("attachment {attachment} in {region} ($36.50 a month): berth offboard {account} --yes");
        assert!(shown.contains(&line), "{line:?} is not in {shown}");
    }
    assert!(shown.contains("is not taken away"), "{shown}");
    // The command that is told does it, although platform.yaml still has the region.
    let (code, said) = rig.berth(&["offboard", &account, "--yes"]);
    assert_eq!(code, 0, "{said}");
    let world = rig.world(&account);
    assert!(world.regions.values().all(|region| region.vpcs.is_empty()), "{world:?}");
    assert!(world.assignments.is_empty() && world.access_entries.is_empty(), "{world:?}");
}

#[test]
fn a_generation_beyond_the_next_is_refused_and_later_events_count() {
    let (rig, _turn) = turn(&[]);
    let account = rig.account("leap-staging", "staging");
    let ended = rig.ended(&rig.start_execution(&json!({ "accountId": account, "generation": 4_294_967_295_u32 })));
    assert_eq!(ended.error.as_deref(), Some("InvalidInput"), "{ended:?}");
    rig.until("its failure to be announced", || rig.record(&account).filter(|record| record.status == Status::Failed));
    let _ = rig.enqueue(&[event_now(Event::Updated, &account)]);
    let record = rig
        .until("the event to be served", || rig.record(&account).filter(|record| record.status == Status::Onboarded));
    assert_eq!(record.generation, 2, "{record:?}");
}
