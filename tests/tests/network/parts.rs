//! The VPC as an administrator of the account sees it: every part as planned, and put right when somebody changes it.

use berth_tests::rig::Rig;
use serde_json::{Value, json};

use crate::{WEST, WEST_PLAN, attachments, changing, ec2, onboarded, turn};

/// The list of a Describe, of one VPC.
fn of_vpc(rig: &Rig, account: &str, vpc: &str, operation: &str, list: &str) -> Vec<Value> {
    let filters = json!({ "Filters": [{ "Name": "vpc-id", "Values": [vpc] }] });
    ec2(rig, account, operation, &filters)[list].as_array().unwrap().clone()
}

fn texts(values: &Value, key: &str) -> Vec<String> {
    let mut texts: Vec<String> =
        values.as_array().unwrap().iter().filter_map(|value| value[key].as_str()).map(str::to_owned).collect();
    texts.sort();
    texts
}

fn tag<'a>(thing: &'a Value, key: &str) -> Option<&'a str> {
    let tags = thing["Tags"].as_array()?;
    tags.iter().find(|tag| tag["Key"] == key)?["Value"].as_str()
}

fn assert_ours(thing: &Value, account: &str, tenant: &str) {
    let found = (tag(thing, "berth:account"), tag(thing, "berth:tenant"), tag(thing, "berth:managed-by"));
    assert_eq!(found, (Some(account), Some(tenant), Some("berth")), "{thing}");
}

#[test]
fn a_vpc_has_every_part_of_the_plan_and_what_somebody_opens_is_closed_again() {
    let (rig, _turn) = turn();
    let account = rig.account("surveyed-staging", "staging");
    onboarded(rig, &account);
    let vpc = rig.world(&account).regions[WEST].vpcs[0].id.clone();
    for attribute in ["enableDnsSupport", "enableDnsHostnames"] {
        let answer = ec2(rig, &account, "describe_vpc_attribute", &json!({ "VpcId": vpc, "Attribute": attribute }));
        assert!(answer.to_string().contains(r#""Value":true"#), "{answer}");
    }
    let subnets = of_vpc(rig, &account, &vpc, "describe_subnets", "Subnets");
    assert_subnets(rig, &account, &subnets);
    let private = assert_routes(rig, &account, &vpc, &subnets);

    let endpoints = of_vpc(rig, &account, &vpc, "describe_vpc_endpoints", "VpcEndpoints");
    let services = texts(&json!(endpoints), "ServiceName");
    assert_eq!(services, ["com.amazonaws.eu-west-1.dynamodb", "com.amazonaws.eu-west-1.s3"]);
    for endpoint in &endpoints {
        assert_eq!((&endpoint["VpcEndpointType"], &endpoint["RouteTableIds"]), (&json!("Gateway"), &json!([private])));
        assert_ours(endpoint, &account, "surveyed");
    }
    let logs = json!({ "Filters": [{ "Name": "resource-id", "Values": [vpc] }] });
    let logs = ec2(rig, &account, "describe_flow_logs", &logs);
    assert_eq!(logs["FlowLogs"][0]["LogDestination"], "arn:aws:s3:::berth-local-flow-logs/vpc", "{logs}");
    assert_ours(&logs["FlowLogs"][0], &account, "surveyed");

    let group = default_group(rig, &account, &vpc);
    assert_eq!((&group["IpPermissions"], &group["IpPermissionsEgress"]), (&json!([]), &json!([])));
    let open = json!({ "GroupId": group["GroupId"], "IpPermissions": [
        { "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{ "CidrIp": "0.0.0.0/0" }] },
    ] });
    ec2(rig, &account, "authorize_security_group_ingress", &open);
    let mended = onboarded(rig, &account);
    assert_eq!(mended.changes(), [format!("remove the rules of the default security group of {vpc}")]);
    assert_eq!(default_group(rig, &account, &vpc)["IpPermissions"], json!([]));
    let operations: Vec<String> = changing(rig, &mended.arn).into_iter().map(|call| call.operation).collect();
    assert_eq!(operations, ["RevokeSecurityGroupIngress"]);
}

fn default_group(rig: &Rig, account: &str, vpc: &str) -> Value {
    let groups = of_vpc(rig, account, vpc, "describe_security_groups", "SecurityGroups");
    groups.into_iter().find(|group| group["GroupName"] == "default").unwrap()
}

/// One subnet of the planned size in each zone for each tier; the attachment has those of its own tier, all of them.
fn assert_subnets(rig: &Rig, account: &str, subnets: &[Value]) {
    let zones = rig.platform(&format!("{WEST_PLAN}.zones"));
    let tiers = rig.platform(&format!("{WEST_PLAN}.tiers"));
    let (zones, tiers) = (zones.as_array().unwrap(), tiers.as_array().unwrap());
    assert_eq!(subnets.len(), zones.len() * tiers.len());
    for tier in tiers {
        let of_tier: Vec<&Value> =
            subnets.iter().filter(|subnet| tag(subnet, "berth:tier") == tier["name"].as_str()).collect();
        for zone in zones {
            let here: Vec<&&Value> = of_tier.iter().filter(|subnet| subnet["AvailabilityZoneId"] == *zone).collect();
            let [subnet] = here.as_slice() else { panic!("{tier} in {zone}: {here:#?}") };
            assert!(subnet["CidrBlock"].as_str().unwrap().ends_with(&format!("/{}", tier["prefixLength"])), "{subnet}");
            assert_ours(subnet, account, "surveyed");
        }
        if tier["routing"] == "attachment" {
            let mut attached: Vec<String> =
                serde_json::from_value(attachments(rig, account)[0]["SubnetIds"].clone()).unwrap();
            attached.sort();
            assert_eq!(attached, texts(&json!(of_tier), "SubnetId"));
        }
    }
}

/// The main table leads nowhere. A table of its own leads the private tier, and no other, to the gateway. Its id.
fn assert_routes(rig: &Rig, account: &str, vpc: &str, subnets: &[Value]) -> String {
    let tables = of_vpc(rig, account, vpc, "describe_route_tables", "RouteTables");
    let [main, private] = [None, Some("private")]
        .map(|routing| tables.iter().find(|table| tag(table, "berth:routing") == routing).unwrap());
    assert_eq!(tables.len(), 2, "{tables:#?}");
    assert_eq!(texts(&main["Routes"], "GatewayId"), ["local"], "{main}");
    assert_eq!(main["Routes"].as_array().unwrap().len(), 1, "{main}");
    assert_ours(private, account, "surveyed");
    let of_tier =
        subnets.iter().filter(|subnet| tag(subnet, "berth:tier") == Some("private")).cloned().collect::<Value>();
    assert_eq!(texts(&private["Associations"], "SubnetId"), texts(&of_tier, "SubnetId"));
    let gateway = rig.platform(&format!("{WEST_PLAN}.transitGateway.id"));
    assert_eq!(texts(&private["Routes"], "TransitGatewayId"), [gateway.as_str().unwrap()], "{private}");
    private["RouteTableId"].as_str().unwrap().to_owned()
}
