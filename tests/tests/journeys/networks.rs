//! The network of an account when AWS is slow, wrong or late, and what was in the account before Berth.

use berth_ledger::{Record, Status};
use berth_tests::rig::{Call, Event, Rig, event, rig};
use serde_json::{Value, json};

use crate::onboarded::assert_onboarded;

fn filter(name: &str, value: &str) -> Value {
    json!({ "Filters": [{ "Name": name, "Values": [value] }] })
}

/// Ids of a Describe in one region of an account.
fn ids(
    rig: &Rig,
    (region, account): (&str, &str),
    operation: &str,
    (list, id): (&str, &str),
    wanted: &Value,
) -> Vec<String> {
    let answer = rig.call_in(account, region, "ec2", operation, wanted);
    let items = answer[list].as_array().unwrap_or_else(|| panic!("{operation}: {answer}"));
    items.iter().map(|item| item[id].as_str().unwrap().to_owned()).collect()
}

fn default_vpcs(rig: &Rig, region: &str, account: &str) -> Vec<String> {
    ids(rig, (region, account), "describe_vpcs", ("Vpcs", "VpcId"), &filter("is-default", "true"))
}

fn created(calls: &[Call], account: &str, operation: &str) -> usize {
    calls.iter().filter(|call| call.account == account && call.operation == operation).count()
}

fn onboard(rig: &Rig, account: &str) -> Record {
    rig.publish(&[event(Event::Created, account)]);
    rig.wait_for(account, Status::Onboarded)
}

#[test]
fn a_vpc_that_ec2_does_not_show_yet_is_waited_for_and_not_made_twice() {
    let rig = rig();
    let account = rig.account("stale-staging", "staging");
    let stale = json!({ "match": { "account": account, "region": "eu-west-1", "operation": "DescribeVpcs", "function": "berth-provision-vpc" },
        "action": { "stale_ms": 4000 } });
    let stale = rig.break_calls(&stale);
    let lost =
        json!({ "match": { "account": account, "operation": "CreateVpc" }, "action": { "cut": true }, "times": 1 });
    let lost = rig.break_calls(&lost);
    let since = rig.last_call();
    let record = onboard(rig, &account);
    assert_eq!(rig.fired(lost), 1, "the answer was really lost");
    assert!(rig.fired(stale) >= 3, "the VPC was really not shown");
    assert_eq!(created(&rig.calls(since), &account, "CreateVpc"), 1);
    assert_onboarded(rig, &record);
    let waited = rig.log_lines("berth-provision-vpc");
    let waited = waited.iter().filter(|line| line.contains(&account) && line.contains("does not show yet"));
    assert!(waited.count() >= 1, "it waited because of its intent");
}

#[test]
fn a_second_tagged_vpc_is_shown_in_the_pools_block_and_else_not_owned() {
    let rig = rig();
    let account = rig.account("double-staging", "staging");
    let first = onboard(rig, &account);
    let region = |record: &Record| record.regions[&"eu-west-1".parse().unwrap()].clone();
    let tags = json!([
        { "Key": "berth:managed-by", "Value": "berth" }, { "Key": "berth:account", "Value": account },
    ]);
    let second = |block: &str| {
        let wanted = json!({ "CidrBlock": block, "TagSpecifications": [{ "ResourceType": "vpc", "Tags": tags }] });
        rig.call_in(&account, "eu-west-1", "ec2", "create_vpc", &wanted)["Vpc"]["VpcId"].as_str().unwrap().to_owned()
    };
    // As a lost answer would leave it.
    let late = second(&region(&first).cidr);
    let execution = rig.start_execution(&json!({ "accountId": account }));
    let again = rig.wait_for_outcome(&account, &execution);
    assert_eq!(region(&again).vpc_id, region(&first).vpc_id, "the one on record stays the one");
    assert_eq!(region(&again).duplicate_vpcs, std::slice::from_ref(&late));
    let (_, shown) = rig.berth(&["status", &account]);
    assert!(shown.contains(&format!("duplicate VPC: {late}")), "{shown}");

    let elsewhere = second("10.99.0.0/20");
    let execution = rig.start_execution(&json!({ "accountId": account }));
    assert_eq!(rig.ended(&execution).error.as_deref(), Some("NotOwned"));
    let failed = rig.wait_for_outcome(&account, &execution);
    assert!(failed.failure.unwrap().message.contains(&format!("{elsewhere} (10.99.0.0/20) has Berth's tags")));
}

#[test]
fn unused_default_vpcs_are_removed_and_used_ones_stay_and_are_reported() {
    let rig = rig();
    let account = rig.account("defaults-staging", "staging");
    for region in ["us-east-1", "eu-west-1", "eu-central-1"] {
        assert_eq!(default_vpcs(rig, region, &account).len(), 1, "{region}");
    }
    let used = default_vpcs(rig, "eu-central-1", &account).remove(0);
    let subnets =
        ids(rig, ("eu-central-1", &account), "describe_subnets", ("Subnets", "SubnetId"), &filter("vpc-id", &used));
    rig.call_in(&account, "eu-central-1", "ec2", "create_network_interface", &json!({ "SubnetId": subnets[0] }));
    let denied = json!({ "match": { "account": account, "region": "us-east-1", "operation": "DescribeVpcs" },
        "action": { "error": { "code": "UnauthorizedOperation", "status": 403, "message": "with an explicit deny in a service control policy" } } });
    let denied = rig.break_calls(&denied);
    let record = onboard(rig, &account);
    assert!(rig.fired(denied) >= 1);
    assert_eq!(default_vpcs(rig, "eu-west-1", &account), Vec::<String>::new());
    assert_eq!(default_vpcs(rig, "us-east-1", &account).len(), 1, "what nobody may look at stays");
    assert_eq!(default_vpcs(rig, "eu-central-1", &account), std::slice::from_ref(&used));
    let gateways = ids(
        rig,
        ("eu-west-1", &account),
        "describe_internet_gateways",
        ("InternetGateways", "InternetGatewayId"),
        &json!({}),
    );
    assert_eq!(gateways, Vec::<String>::new(), "no gateway is left behind");
    let left: Vec<(&str, Option<&str>)> =
        record.default_vpcs.iter().map(|left| (left.region.as_str(), left.vpc_id.as_deref())).collect();
    assert_eq!(left, [("eu-central-1", Some(used.as_str())), ("us-east-1", None)]);
    let (_, status) = rig.status(&account);
    assert!(
        status["defaultVpcs"][0]["reason"].as_str().unwrap().starts_with("it is used: network interface eni-"),
        "{status}"
    );

    let since = rig.last_call();
    let execution = rig.start_execution(&json!({ "accountId": account }));
    let again = rig.wait_for_outcome(&account, &execution);
    let left: Vec<&str> = again.default_vpcs.iter().map(|left| left.region.as_str()).collect();
    assert_eq!(left, ["eu-central-1"], "and what may be looked at again is removed");
    assert!(created(&rig.calls(since), &account, "DeleteVpc") == 1);
}

#[test]
fn a_region_that_is_still_being_opened_is_waited_for() {
    let rig = rig();
    let account = rig.account("opening-dev", "dev");
    let closed = json!({ "match": { "account": account, "region": "eu-central-1", "service": "ec2" },
        "action": { "error": { "code": "AuthFailure", "status": 401 } }, "times": 8 });
    let closed = rig.break_calls(&closed);
    let record = onboard(rig, &account);
    assert_eq!(rig.fired(closed), 8, "the region was really closed");
    assert_eq!(record.regions.len(), 2);
    assert_onboarded(rig, &record);
}

#[test]
fn a_region_that_fails_is_named_and_undoes_nothing_elsewhere() {
    let rig = rig();
    let account = rig.account("halfway-dev", "dev");
    let full = json!({ "match": { "account": account, "region": "eu-central-1", "operation": "CreateVpc" },
        "action": { "error": { "code": "VpcLimitExceeded", "message": "The maximum number of VPCs has been reached." } } });
    // The other region first: it must be through before this one fails.
    let late = json!({ "match": { "account": account, "region": "eu-central-1", "operation": "DescribeVpcs", "function": "berth-provision-vpc" },
        "action": { "hold": true } });
    let (full, late) = (rig.break_calls(&full), rig.break_calls(&late));
    rig.publish(&[event(Event::Created, &account)]);
    rig.until("the other region's network", || {
        (rig.world(&account).regions["eu-west-1"].subnets.len() == 6).then_some(())
    });
    rig.mend(late);
    let record = rig.wait_for(&account, Status::Failed);
    assert!(rig.fired(full) >= 1 && rig.fired(late) >= 1);
    let failure = record.failure.unwrap();
    assert_eq!((failure.state.as_str(), failure.fault.as_str()), ("ProvisionVpc", "InvalidInput"));
    assert!(failure.message.contains("eu-central-1") && failure.message.contains("VpcLimitExceeded"), "{failure:?}");
    let other = &rig.world(&account).regions["eu-west-1"];
    assert_eq!((other.vpcs.len(), other.subnets.len()), (1, 6), "{other:?}");
}

#[test]
fn a_ledger_block_is_used_and_quarantined_after_its_release() {
    let rig = rig();
    let account = rig.account("edge-prod", "prod");
    let record = onboard(rig, &account);
    let region = &record.regions[&"eu-west-1".parse().unwrap()];
    let at = ("eu-west-1", account.as_str());
    assert!(region.cidr.starts_with("10.200.") && region.cidr.ends_with("/20"), "{region:?}");
    let excluded = region.cidr.split('.').nth(2).and_then(|part| part.parse::<u8>().ok()).unwrap() < 64;
    assert!(!excluded, "{}", region.cidr);
    let of_vpc = filter("attachment.vpc-id", &region.vpc_id);
    let gateways = ids(rig, at, "describe_internet_gateways", ("InternetGateways", "InternetGatewayId"), &of_vpc);
    assert_eq!(gateways.len(), 1);
    let tables =
        rig.call_in(&account, "eu-west-1", "ec2", "describe_route_tables", &filter("tag:berth:routing", "public"));
    let table = &tables["RouteTables"][0];
    assert!(table["Routes"].to_string().contains(&gateways[0]), "{table}");
    assert_eq!(table["Associations"].as_array().unwrap().len(), 2, "one subnet in each zone: {table}");
    assert_eq!(default_vpcs(rig, "eu-west-1", &account).len(), 1, "prod keeps its default VPCs");
    let logs = rig.call_in(
        &account,
        "eu-west-1",
        "ec2",
        "describe_flow_logs",
        &json!({ "Filters": [{ "Name": "resource-id", "Values": [region.vpc_id] }] }),
    );
    assert_eq!(logs["FlowLogs"][0]["LogDestination"], "arn:aws:s3:::berth-local-flow-logs/vpc", "{logs}");

    let (_, pools) = rig.berth(&["addresses", "--json"]);
    let pools: Value = serde_json::from_str(&pools).unwrap();
    let block = |pools: &Value| {
        pools[0]["blocks"].as_array().unwrap().iter().find(|b| b["cidr"] == region.cidr.as_str()).cloned()
    };
    assert_eq!(block(&pools).unwrap()["owner"], format!("{account}/eu-west-1"));
    let (code, _) = rig.berth(&["addresses", "release", &account, "eu-west-1"]);
    assert_eq!(code, 1, "a VPC of ours is there");
    let (code, said) = rig.berth(&["addresses", "release", &account, "eu-west-1", "--without-looking"]);
    assert!(code == 0 && said.contains(&format!("{} of pool prod rests for 91 days", region.cidr)), "{said}");
    let (_, pools) = rig.berth(&["addresses", "--json"]);
    let pools: Value = serde_json::from_str(&pools).unwrap();
    let block = block(&pools).unwrap();
    let at = |name: &str| block[name].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let rests = at("freeAt").duration_since(at("released"));
    assert_eq!(rests.as_hours(), 91 * 24, "AWS keeps the VPC of a closed account for 90 days: {block}");
}
