//! Mistakes in the network account that isolation must catch before access is granted.

use aws_sdk_sfn::types::ExecutionStatus;
use berth_tests::rig::Rig;
use serde_json::json;

use crate::{attachment, network, onboarded, run, turn};

/// What an execution asked for that lets somebody in.
fn grants(rig: &Rig, execution: &str) -> Vec<String> {
    let calls = rig.calls_of(execution).into_iter().map(|call| call.operation);
    calls.filter(|operation| ["CreateAccountAssignment", "CreateAccessEntry"].contains(&operation.as_str())).collect()
}

#[test]
fn a_route_to_another_tenant_stops_the_onboarding_before_access() {
    let (rig, _turn) = turn();
    let neighbour = rig.account("neighbour-staging", "staging");
    onboarded(rig, &neighbour);
    let spokes = rig.world(&neighbour).regions["eu-west-1"].spoke_table.clone();
    let leak = json!({ "TransitGatewayRouteTableId": spokes, "DestinationCidrBlock": "10.250.0.0/24" });
    let mut made = leak.clone();
    made["TransitGatewayAttachmentId"] = attachment(rig, &neighbour).into();
    network(rig, "create_transit_gateway_route", &made);

    let account = rig.account("careful-staging", "staging");
    let failed = run(rig, &account);
    network(rig, "delete_transit_gateway_route", &leak);
    assert_eq!((failed.status, failed.error.as_deref()), (ExecutionStatus::Failed, Some("NotOwned")));
    let failure = rig.record(&account).unwrap().failure.unwrap();
    assert_eq!(failure.state, "AttachTransitGateway");
    let route = format!("{spokes} has routes 10.250.0.0/24 (active) to {}", attachment(rig, &neighbour));
    assert!(failure.message.contains(&route), "{}", failure.message);
    assert!(failure.message.contains("allowed attachments: tgw-attach-"), "{}", failure.message);
    let seen = &rig.world(&account).regions["eu-west-1"];
    assert!(seen.routes.is_empty(), "nothing leads into the gateway: {:?}", seen.routes);
    assert!(rig.files_naming(&account).is_empty(), "no access was granted");
    assert!(grants(rig, &failed.arn).is_empty(), "nobody was let in");
    let world = rig.world(&account);
    assert!(world.assignments.is_empty() && world.access_entries.is_empty(), "{world:#?}");

    rig.redrive(&failed.arn);
    assert_eq!(rig.ended(&failed.arn).status, ExecutionStatus::Succeeded);
    let granted = grants(rig, &failed.arn);
    for operation in ["CreateAccountAssignment", "CreateAccessEntry"] {
        assert!(granted.iter().any(|granted| granted == operation), "{granted:?}");
    }
    let world = rig.world(&account);
    assert_eq!(world.regions["eu-west-1"].routes.len(), 1);
    assert!(!world.assignments.is_empty() && !world.access_entries.is_empty(), "{world:#?}");
    let record = rig.until("the outcome", || rig.record(&account).filter(|record| record.lease.is_none()));
    let proof = record.regions.values().next().unwrap().isolation.clone().unwrap();
    assert_eq!(proof["spokeRoutes"]["count"], 1, "{proof}");
    let (_, shown) = rig.berth(&["status", &account]);
    let line = format!("isolated: associated with {spokes} (1 routes, to tgw-attach-");
    assert!(shown.contains(&line), "{shown}");
}

#[test]
fn prefix_lists_and_the_gateways_defaults_are_part_of_the_proof() {
    let (rig, _turn) = turn();
    let account = rig.account("listed-staging", "staging");
    onboarded(rig, &account);
    let seen = rig.world(&account).regions["eu-west-1"].clone();
    let entries = json!({
        "PrefixListName": "somebody's", "MaxEntries": 5, "AddressFamily": "IPv4",
        "Entries": [{ "Cidr": "10.251.0.0/24" }],
    });
    let list = network(rig, "create_managed_prefix_list", &entries)["PrefixList"]["PrefixListId"].clone();
    let reference = json!({ "TransitGatewayRouteTableId": seen.spoke_table, "PrefixListId": list });
    let mut made = reference.clone();
    made["TransitGatewayAttachmentId"] = seen.attachments[0].id.clone().into();
    network(rig, "create_transit_gateway_prefix_list_reference", &made);
    let leaked = run(rig, &account);
    network(rig, "delete_transit_gateway_prefix_list_reference", &reference);
    assert_eq!(leaked.error.as_deref(), Some("NotOwned"));
    let message = rig.record(&account).unwrap().failure.unwrap().message;
    assert!(message.contains(&format!("10.251.0.0/24 of {} (active)", list.as_str().unwrap())), "{message}");

    let gateway = rig.platform("environments.staging.regions.eu-west-1.transitGateway.id");
    let defaults = |value: &str| {
        let options = json!({ "DefaultRouteTablePropagation": value });
        network(rig, "modify_transit_gateway", &json!({ "TransitGatewayId": gateway, "Options": options }));
    };
    defaults("enable");
    let on = run(rig, &account);
    defaults("disable");
    assert_eq!(on.error.as_deref(), Some("NotOwned"));
    let message = rig.record(&account).unwrap().failure.unwrap().message;
    assert!(message.contains("default association off and default propagation on; planned: off and off"), "{message}");
    onboarded(rig, &account);
}
