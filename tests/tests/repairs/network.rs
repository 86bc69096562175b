//! The network of an account, where no other journey looks: tags, endpoints, an empty pool, and a default VPC in use.

use berth_ledger::Status;
use serde_json::json;

use crate::{WEST, onboarded, operations, repaired, run, turn};

#[test]
fn a_tag_of_the_vpc_and_the_way_to_an_endpoint_are_given_back() {
    let (rig, _turn) = turn(&[]);
    let account = rig.account("unlinked-staging", "staging");
    onboarded(rig, &account);
    let ec2 = |operation: &str, with| rig.call_in(&account, WEST, "ec2", operation, &with);
    let vpc = rig.world(&account).regions[WEST].vpcs[0].id.clone();
    ec2("delete_tags", json!({ "Resources": [vpc], "Tags": [{ "Key": "berth:tenant" }] }));
    let of_vpc = json!({ "Filters": [{ "Name": "vpc-id", "Values": [vpc] }] });
    let endpoint = ec2("describe_vpc_endpoints", of_vpc)["VpcEndpoints"][0].clone();
    ec2(
        "modify_vpc_endpoint",
        json!({ "VpcEndpointId": endpoint["VpcEndpointId"], "RemoveRouteTableIds": endpoint["RouteTableIds"] }),
    );
    let changes = repaired(rig, &account);
    assert_eq!(changes.len(), 2, "{changes:?}");
}

#[test]
fn a_pool_without_a_block_is_a_fault_that_says_how_full_it_is() {
    let (rig, _turn) = turn(&[]);
    let account = rig.account("crowded-staging", "staging");
    let rule = rig.break_calls(&json!({
        "match": { "account": account, "operation": "CreateVpc" },
        "action": { "error": { "code": "InsufficientCidrBlocks", "status": 400 } },
        "times": 1,
    }));
    let ended = run(rig, &account);
    assert_eq!(rig.fired(rule), 1);
    assert_eq!(ended.error.as_deref(), Some("InvalidInput"), "{ended:?}");
    let record = rig.record(&account).unwrap();
    assert_eq!(record.status, Status::Failed);
    let message = record.failure.unwrap().message;
    assert!(message.contains("has no free /") && message.contains("are allocated"), "{message}");
}

#[test]
fn a_default_vpc_with_dhcp_options_of_its_own_is_in_use_and_stays() {
    let (rig, _turn) = turn(&[]);
    let account = rig.account("named-staging", "staging");
    let ec2 = |operation: &str, with| rig.call_in(&account, WEST, "ec2", operation, &with);
    let own = json!({ "DhcpConfigurations": [{ "Key": "domain-name", "Values": ["corp.example"] }] });
    let options = ec2("create_dhcp_options", own)["DhcpOptions"]["DhcpOptionsId"].take();
    let default = json!({ "Filters": [{ "Name": "is-default", "Values": ["true"] }] });
    let vpc = ec2("describe_vpcs", default.clone())["Vpcs"][0]["VpcId"].take();
    ec2("associate_dhcp_options", json!({ "DhcpOptionsId": options, "VpcId": vpc }));
    let ended = onboarded(rig, &account);
    let called = operations(rig, &ended.arn, "remove-default-vpcs");
    assert!(called.iter().any(|operation| operation == "DescribeDhcpOptions"), "{called:?}");
    assert_eq!(ec2("describe_vpcs", default)["Vpcs"][0]["VpcId"], vpc);
}
