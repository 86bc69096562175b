//! platform.yaml changes: what is missing is added by a re-run, what cuts traffic off waits for leave.

use aws_sdk_sfn::types::ExecutionStatus;
use berth_ledger::Status;
use berth_tests::rig::{HUB, NETWORK, Rig};
use serde_json::{Value, json};

use crate::{WEST, WEST_PLAN, attachment, attachments, changing, ec2, network, onboarded, run, share, turn};

/// A path below the west of `staging` in platform.yaml.
fn at(path: &str) -> String {
    format!("{WEST_PLAN}.{path}")
}

/// A prefix list of the network account.
fn prefix_list(rig: &Rig, name: &str, block: &str) -> Value {
    let list = json!({
        "PrefixListName": name, "MaxEntries": 10, "AddressFamily": "IPv4", "Entries": [{ "Cidr": block }],
    });
    network(rig, "create_managed_prefix_list", &list)["PrefixList"].take()
}

/// A zone of the region that the platform does not use.
fn another_zone(rig: &Rig) -> Value {
    let used = rig.platform(&at("zones"));
    let zones = ec2(rig, HUB, "describe_availability_zones", &json!({}));
    let ids = zones["AvailabilityZones"].as_array().unwrap().iter().map(|zone| zone["ZoneId"].clone());
    ids.into_iter().find(|id| !used.as_array().unwrap().contains(id)).unwrap()
}

fn and(list: &Value, more: Value) -> Value {
    let mut list = list.as_array().unwrap().clone();
    list.push(more);
    list.into()
}

#[test]
fn a_zone_a_tier_a_region_and_a_route_that_are_new_are_added_by_a_rerun() {
    let (rig, _turn) = turn();
    let account = rig.account("growing-staging", "staging");
    onboarded(rig, &account);
    let before = rig.world(&account);

    let list = prefix_list(rig, "shared-lists", "10.252.0.0/16");
    let zones = and(&rig.platform(&at("zones")), another_zone(rig));
    let tiers = and(&rig.platform(&at("tiers")), json!({ "name": "extra", "prefixLength": 26, "routing": "intra" }));
    let gateway = rig.platform(&at("transitGateway"));
    let mut grown = gateway.clone();
    grown["routes"] = json!(["10.255.0.0/16", "10.254.0.0/16", list["PrefixListId"]]);
    let central = rig.platform("environments.dev.regions.eu-central-1");
    rig.deploy_platform(&[
        (&at("zones"), zones),
        (&at("tiers"), tiers),
        (&at("transitGateway"), grown),
        ("environments.staging.regions.eu-central-1", central),
    ]);
    let execution = rig.start_execution(&json!({ "accountId": account }));
    rig.until("the prefix list to be missed", || {
        let lines = rig.log_lines("berth-attach-transit-gateway");
        let missed = |line: &String| line.contains(&account) && line.contains("InvalidPrefixListID.NotFound");
        lines.iter().any(missed).then_some(())
    });
    share(rig, WEST, &list["PrefixListArn"]);
    let ended = rig.ended(&execution);
    assert_eq!(ended.status, ExecutionStatus::Succeeded, "{ended:?}");
    rig.wait_for_outcome(&account, &execution);

    let world = rig.world(&account);
    let west = &world.regions[WEST];
    assert_eq!(west.vpcs, before.regions[WEST].vpcs);
    assert_eq!(west.subnets.len(), 12, "four tiers over three zones: {:?}", west.subnets);
    assert!(before.regions[WEST].subnets.iter().all(|block| west.subnets.contains(block)), "none moved");
    assert_eq!(attachments(rig, &account)[0]["SubnetIds"].as_array().unwrap().len(), 3);
    assert_eq!(routes(rig, &account), ["10.254.0.0/16", "10.255.0.0/16", list["PrefixListId"].as_str().unwrap()]);
    assert_eq!(world.regions["eu-central-1"].attachments[0].state, "available", "accepted by hand of Berth");

    let again = onboarded(rig, &account);
    assert!(again.changes().is_empty() && changing(rig, &again.arn).is_empty(), "{:?}", again.changes());
}

/// Destinations that lead into a gateway, sorted.
fn routes(rig: &Rig, account: &str) -> Vec<String> {
    let tables = ec2(rig, account, "describe_route_tables", &json!({}));
    let tables = tables["RouteTables"].as_array().unwrap().clone();
    let routes = tables.iter().flat_map(|table| table["Routes"].as_array().unwrap());
    let into = routes.filter(|route| route["TransitGatewayId"].is_string());
    let mut found: Vec<String> = into
        .filter_map(|route| route["DestinationCidrBlock"].as_str().or(route["DestinationPrefixListId"].as_str()))
        .map(str::to_owned)
        .collect();
    found.sort();
    found
}

/// The west's planned changes as `berth status` gives them to scripts: what, and whether Berth can make it.
fn planned(rig: &Rig, account: &str) -> Vec<(String, bool)> {
    let (_, status) = rig.status(account);
    let changes = status["regions"][WEST]["plannedChanges"].as_array().cloned().unwrap_or_default();
    let change = |change: &Value| (change["what"].as_str().unwrap().to_owned(), change["byBerth"] == true);
    changes.iter().map(change).collect()
}

#[test]
fn what_needs_an_outage_is_reported_and_done_only_with_leave() {
    let (rig, _turn) = turn();
    let gateway = rig.platform(&at("transitGateway"));
    let mut wide = gateway.clone();
    wide["routes"] = json!(["10.255.0.0/16", "10.254.0.0/16"]);
    rig.deploy_platform(&[(&at("transitGateway"), wide)]);
    let account = rig.account("shrinking-staging", "staging");
    onboarded(rig, &account);
    divert(rig, &account, "10.255.0.0/16");

    // The platform loses a zone and a route, and asks for a smaller tier and a larger VPC.
    let zones = rig.platform(&at("zones"));
    let mut tiers = rig.platform(&at("tiers"));
    tiers[1]["prefixLength"] = 25.into();
    let mut addresses = rig.platform(&at("addresses"));
    addresses["ipam"]["prefixLength"] = 19.into();
    rig.deploy_platform(&[
        (&at("zones"), json!([zones[0]])),
        (&at("tiers"), tiers),
        (&at("addresses"), addresses),
        (&at("transitGateway"), gateway),
    ]);
    let ended = onboarded(rig, &account);
    assert!(ended.changes().is_empty() && changing(rig, &ended.arn).is_empty(), "{:?}", ended.changes());
    let reported = planned(rig, &account);
    let count = |by_berth: bool| reported.iter().filter(|(_, by)| *by == by_berth).count();
    // Attachment subnet, route elsewhere, surplus route; and by hand three subnets of the zone, one size, the VPC, and
    // where the route leads.
    assert_eq!((count(true), count(false)), (3, 6), "{reported:#?}");
    let (code, shown) = rig.berth(&["onboard", &account, "--plan", "--json"]);
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!((code, shown["plannedChanges"].as_array().unwrap().len()), (0, 9), "{shown}");

    let (code, shown) = rig.berth(&["onboard", &account, "--allow-disruption", "--wait", "--json"]);
    let shown: Value = serde_json::from_str(&shown).unwrap();
    // Also the attachment's subnet, which an invocation removed that then waited.
    assert_eq!((code, shown["changes"].as_array().unwrap().len()), (0, 3), "{shown}");
    assert_eq!(routes(rig, &account), ["10.255.0.0/16"]);
    assert_eq!(attachments(rig, &account)[0]["SubnetIds"].as_array().unwrap().len(), 1);
    // Where the diverted route led was seen before it was led back.
    rig.until("the outcome", || (planned(rig, &account).len() == 6).then_some(()));
    assert!(planned(rig, &account).iter().all(|(_, by_berth)| !by_berth));

    let again = rig.start_execution(&json!({ "accountId": account, "allowDisruption": true }));
    let again = rig.ended(&again);
    assert_eq!(again.status, ExecutionStatus::Succeeded);
    assert!(again.changes().is_empty() && changing(rig, &again.arn).is_empty(), "{:?}", again.changes());
    rig.wait_for_outcome(&account, &again.arn);
}

#[test]
fn endpoints_and_flow_logs_that_left_the_plan_are_told_until_deleted() {
    let (rig, _turn) = turn();
    let account = rig.account("leaner-staging", "staging");
    onboarded(rig, &account);
    assert_eq!(planned(rig, &account), []);
    let theirs = json!({ "VpcId": rig.world(&account).regions[WEST].vpcs[0].id, "ServiceName": format!("com.amazonaws.{WEST}.s3") });
    ec2(rig, &account, "create_vpc_endpoint", &theirs);
    rig.deploy_platform(&[(&at("gatewayEndpoints"), json!([])), (&at("flowLogs"), Value::Null)]);
    let (code, shown) = rig.berth(&["onboard", &account, "--plan", "--json"]);
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!((code, shown["plannedChanges"].as_array().unwrap().len()), (0, 3), "{shown}");
    let ended = onboarded(rig, &account);
    assert!(ended.changes().is_empty() && changing(rig, &ended.arn).is_empty(), "{:?}", ended.changes());
    let told = planned(rig, &account);
    let endpoints = told.iter().filter(|(what, _)| what.contains("is a gateway endpoint for")).count();
    let logs = told.iter().filter(|(what, _)| what.contains("sends flow logs to")).count();
    assert_eq!((endpoints, logs, told.len()), (2, 1, 3), "those of the team are not told: {told:#?}");

    // What is told, done: each line ends with a command of the AWS CLI.
    let (_, status) = rig.status(&account);
    for change in status["regions"][WEST]["plannedChanges"].as_array().unwrap() {
        let words: Vec<&str> =
            change["next"].as_str().unwrap().split(": aws ec2 ").nth(1).unwrap().split(' ').collect();
        let [operation, option, id, "--region", WEST] = *words else { panic!("{words:?}") };
        let parameter = match option {
            "--vpc-endpoint-ids" => "VpcEndpointIds",
            "--flow-log-ids" => "FlowLogIds",
            other => panic!("{other}"),
        };
        ec2(rig, &account, &operation.replace('-', "_"), &json!({ parameter: [id] }));
    }
    assert!(onboarded(rig, &account).changes().is_empty());
    assert_eq!(planned(rig, &account), []);
}

/// Lets a route of the account lead to an internet gateway, as a person might.
fn divert(rig: &Rig, account: &str, block: &str) {
    let vpc = rig.world(account).regions[WEST].vpcs[0].id.clone();
    let internet = ec2(rig, account, "create_internet_gateway", &json!({}));
    let id = internet["InternetGateway"]["InternetGatewayId"].clone();
    ec2(rig, account, "attach_internet_gateway", &json!({ "InternetGatewayId": id, "VpcId": vpc }));
    let tables = ec2(rig, account, "describe_route_tables", &json!({}));
    let to =
        |table: &&Value| table["Routes"].as_array().unwrap().iter().any(|route| route["DestinationCidrBlock"] == block);
    let table = tables["RouteTables"].as_array().unwrap().iter().find(to).unwrap()["RouteTableId"].clone();
    let route = json!({ "RouteTableId": table, "DestinationCidrBlock": block, "GatewayId": id });
    ec2(rig, account, "replace_route", &route);
}

/// Adds a route table to those of `BerthNetwork`, as `RouteTableArns` of network.yaml does.
fn list_table(rig: &Rig, table: &str) {
    let named = json!({ "RoleName": "BerthNetwork", "PolicyName": "attach-transit-gateway" });
    let mut document = rig.call(NETWORK, "iam", "get_role_policy", &named)["PolicyDocument"].clone();
    let statements = document["Statement"].as_array_mut().unwrap();
    let tables = statements.iter_mut().find(|statement| statement["Sid"] == "JoinRouteTables").unwrap();
    let arn = format!("arn:aws:ec2:{WEST}:{NETWORK}:transit-gateway-route-table/{table}");
    tables["Resource"].as_array_mut().unwrap().push(json!(arn));
    let put = json!({
        "RoleName": "BerthNetwork", "PolicyName": "attach-transit-gateway", "PolicyDocument": document.to_string(),
    });
    rig.call(NETWORK, "iam", "put_role_policy", &put);
}

#[test]
fn another_association_fails_closed_and_is_made_right_only_with_leave() {
    let (rig, _turn) = turn();
    let account = rig.account("moved-staging", "staging");
    onboarded(rig, &account);
    let seen = rig.world(&account).regions[WEST].clone();
    let id = attachment(rig, &account);
    let made = json!({ "TransitGatewayId": rig.platform(&at("transitGateway.id")) });
    let made = network(rig, "create_transit_gateway_route_table", &made);
    let other = made["TransitGatewayRouteTable"]["TransitGatewayRouteTableId"].as_str().unwrap().to_owned();
    let pair = |table: &str| json!({ "TransitGatewayAttachmentId": id, "TransitGatewayRouteTableId": table });
    network(rig, "disassociate_transit_gateway_route_table", &pair(&seen.spoke_table));
    rig.until("the end of the association", || {
        rig.world(&account).regions[WEST].attachments[0].associated_with.is_none().then_some(())
    });
    network(rig, "associate_transit_gateway_route_table", &pair(&other));
    network(rig, "enable_transit_gateway_route_table_propagation", &pair(&other));

    let failed = run(rig, &account);
    assert_eq!(failed.error.as_deref(), Some("NotOwned"));
    let record = rig.record(&account).unwrap();
    let failure = record.failure.unwrap();
    assert_eq!((record.status, failure.state.as_str()), (Status::Failed, "AttachTransitGateway"));
    let both = format!("{id} is associated with {other}; planned: {}", seen.spoke_table);
    assert!(failure.message.contains(&both), "{}", failure.message);
    assert!(failure.hint.contains("--allow-disruption"), "{}", failure.hint);
    assert!(changing(rig, &failed.arn).is_empty(), "nothing of it was done");

    // BerthNetwork takes tenants out of listed tables only; in no journey is a call of a function denied.
    list_table(rig, &other);
    let mended = rig.start_execution(&json!({ "accountId": account, "allowDisruption": true }));
    assert_eq!(rig.ended(&mended).status, ExecutionStatus::Succeeded);
    rig.wait_for_outcome(&account, &mended);
    let now = rig.world(&account).regions[WEST].attachments[0].clone();
    assert_eq!(now.associated_with.as_ref(), Some(&seen.spoke_table));
    assert_eq!(now.propagated_to, [seen.shared_table]);
    let operations: Vec<String> = changing(rig, &mended).into_iter().map(|call| call.operation).collect();
    for wanted in ["DisassociateTransitGatewayRouteTable", "DisableTransitGatewayRouteTablePropagation"] {
        assert_eq!(operations.iter().filter(|operation| *operation == wanted).count(), 1, "{operations:?}");
    }
    let again = onboarded(rig, &account);
    assert!(again.changes().is_empty(), "{:?}", again.changes());
}
