//! What stops an offboarding, before anything is lost.

use berth_ledger::Status;
use berth_tests::rig::{MANAGEMENT, Rig, fixture, onboarded};
use serde_json::{Value, json};

use crate::{leaving::offboarded, networks, turn};

/// Asks for the account's offboarding, which is refused with these words.
fn refused(rig: &Rig, account: &str, says: &[&str]) {
    let (code, said) = rig.berth(&["offboard", account, "--yes"]);
    assert_eq!(code, 1, "{said}");
    for text in says {
        assert!(said.contains(text), "{text:?} is not in: {said}");
    }
}

/// Organizations' event that the account was closed just now.
fn closing(account: &str) -> String {
    let text = fixture("organizations-close-account-result-succeeded", "222233334444", account);
    let mut event: Value = serde_json::from_str(&text).unwrap();
    let now = json!(jiff::Timestamp::now().to_string());
    let management = json!(MANAGEMENT);
    for (at, value) in [
        ("/account", &management),
        ("/detail/userIdentity/accountId", &management),
        ("/detail/recipientAccountId", &management),
        ("/time", &now),
        ("/detail/eventTime", &now),
    ] {
        *event.pointer_mut(at).unwrap() = value.clone();
    }
    event.to_string()
}

#[test]
fn an_instance_in_a_subnet_is_named_and_nothing_is_touched_until_it_is_gone() {
    let (rig, _turn) = turn(&[]);
    let account = rig.account("finch-staging", "staging");
    onboarded(rig, &account);
    let record = rig.wait_for(&account, Status::Onboarded);
    let (region, network) = record.regions.first_key_value().unwrap();
    let before = (networks(rig, &account, "finch"), rig.files_naming(&account));
    let of_vpc = json!({ "Filters": [{ "Name": "vpc-id", "Values": [network.vpc_id] }] });
    let subnets = rig.call_in(&account, region.as_str(), "ec2", "describe_subnets", &of_vpc);
    let asked = json!({ "SubnetId": subnets["Subnets"][0]["SubnetId"], "Description": "RDSNetworkInterface" });
    let made = rig.call_in(&account, region.as_str(), "ec2", "create_network_interface", &asked);
    let interface = made["NetworkInterface"]["NetworkInterfaceId"].as_str().unwrap().to_owned();
    refused(rig, &account, &[&interface, "RDSNetworkInterface", "NotOwned", "InspectVpc"]);
    let failed = rig.wait_for(&account, Status::OffboardingFailed);
    assert_eq!(failed.failure.unwrap().fault, "NotOwned");
    assert_eq!((networks(rig, &account, "finch"), rig.files_naming(&account)), before, "nothing behind it was touched");
    let (code, said) = rig.berth(&["status", &account]);
    assert!(code == 1 && said.contains(&format!("berth offboard {account} --yes")), "{said}");
    rig.call_in(
        &account,
        region.as_str(),
        "ec2",
        "delete_network_interface",
        &json!({ "NetworkInterfaceId": interface }),
    );
    offboarded(rig, &account);
    assert_eq!(networks(rig, &account, "finch"), Vec::<String>::new());
}

#[test]
fn a_vpc_with_our_tags_that_is_not_on_record_stops_it() {
    let (rig, _turn) = turn(&[]);
    let account = rig.account("wagtail-staging", "staging");
    onboarded(rig, &account);
    let record = rig.wait_for(&account, Status::Onboarded);
    let region = record.regions.keys().next().unwrap().to_string();
    let tags = json!([
        { "Key": "berth:managed-by", "Value": "berth" }, { "Key": "berth:account", "Value": account },
    ]);
    let copied =
        json!({ "CidrBlock": "192.168.0.0/24", "TagSpecifications": [{ "ResourceType": "vpc", "Tags": tags }] });
    let made = rig.call_in(&account, &region, "ec2", "create_vpc", &copied);
    let vpc = made["Vpc"]["VpcId"].as_str().unwrap().to_owned();
    let before = (networks(rig, &account, "wagtail"), rig.files_naming(&account));
    refused(rig, &account, &[&vpc, "is not on record as Berth's", "NotOwned"]);
    assert_eq!((networks(rig, &account, "wagtail"), rig.files_naming(&account)), before, "nothing was touched");
    rig.call_in(&account, &region, "ec2", "delete_vpc", &json!({ "VpcId": vpc }));
    rig.wait_for(&account, Status::OffboardingFailed);
    offboarded(rig, &account);
    assert_eq!(networks(rig, &account, "wagtail"), Vec::<String>::new());
}

#[test]
fn one_account_too_many_in_a_day_is_refused_and_keeps_everything() {
    let guard = json!({ "accountsPerDay": 1, "percentPerDay": 100 });
    let (rig, _turn) = turn(&[("offboardingGuard", guard)]);
    let account = rig.account("swift-staging", "staging");
    onboarded(rig, &account);
    let record = rig.wait_for(&account, Status::Onboarded);
    // Whoever else left today counts.
    let other = rig.account("swallow-staging", "staging");
    onboarded(rig, &other);
    rig.wait_for(&other, Status::Onboarded);
    let _ = rig.berth(&["offboard", &other, "--yes"]);
    refused(rig, &account, &["the guard allows 1", "nothing of this one was changed"]);
    let after = rig.record(&account).unwrap();
    assert_eq!((after.status, after.regions), (Status::Onboarded, record.regions));
}

#[test]
fn a_closing_puts_an_account_on_the_list_and_a_cancel_takes_it_off() {
    let (rig, _turn) = turn(&[]);
    let account = rig.account("robin-staging", "staging");
    onboarded(rig, &account);
    rig.wait_for(&account, Status::Onboarded);
    let closed = closing(&account);
    rig.deliver(std::slice::from_ref(&closed));
    let mark = rig.record(&account).unwrap().offboarding.unwrap();
    assert!(mark.reason.contains("clos"), "{mark:?}");
    let (_, table) = rig.berth(&["status"]);
    let line = table.lines().find(|line| line.contains(&account)).unwrap();
    assert!(line.contains("to be offboarded"), "{table}");
    let (code, said) = rig.berth(&["offboard", &account, "--cancel"]);
    assert_eq!(code, 0, "{said}");
    rig.deliver(&[closed]);
    let record = rig.record(&account).unwrap();
    assert_eq!((record.status, record.offboarding), (Status::Onboarded, None), "the event was served");
    assert_eq!(rig.berth(&["offboard", &account, "--cancel"]).0, 1, "it is not on the list");
}

#[test]
fn a_protected_environment_lets_nobody_go() {
    let (rig, _turn) = turn(&[("environments.staging.offboarding", json!({ "protected": true }))]);
    let account = rig.account("eagle-staging", "staging");
    onboarded(rig, &account);
    refused(rig, &account, &["staging are protected", "offboarding.protected"]);
    assert_eq!(rig.wait_for(&account, Status::Onboarded).regions.len(), 1);
    let (code, plan) = rig.berth(&["offboard", &account, "--plan"]);
    assert_eq!(code, 0, "a plan may always be looked at: {plan}");
}
