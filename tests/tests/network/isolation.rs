//! Mistakes in the network account that isolation must catch before access is granted.

use aws_sdk_sfn::types::ExecutionStatus;
use berth_tests::rig::Rig;
use serde_json::json;

use crate::{attachment, changing, network, onboarded, run, turn};

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
    let line = format!(": associated with {spokes} (1 routes, to tgw-attach-");
    assert!(shown.contains(&line) && shown.contains("isolated as of 20"), "{shown}");
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

#[test]
fn a_policy_table_in_place_of_the_spoke_table_is_left_without_leave() {
    let (rig, _turn) = turn();
    let account = rig.account("policed-staging", "staging");
    onboarded(rig, &account);
    let seen = rig.world(&account).regions["eu-west-1"].clone();
    let id = attachment(rig, &account);
    let gateway = rig.platform("environments.staging.regions.eu-west-1.transitGateway.id");
    let made = network(rig, "create_transit_gateway_policy_table", &json!({ "TransitGatewayId": gateway }));
    let policy = made["TransitGatewayPolicyTable"]["TransitGatewayPolicyTableId"].clone();
    let rule = json!({
        "TransitGatewayPolicyTableId": policy, "PolicyRuleNumber": "1", "PolicyRule": { "SourceCidrBlock": "0.0.0.0/0" },
        "TargetRouteTableId": seen.spoke_table,
    });
    network(rig, "create_transit_gateway_policy_table_entry", &rule);
    let routes = json!({ "TransitGatewayAttachmentId": id, "TransitGatewayRouteTableId": seen.spoke_table });
    network(rig, "disassociate_transit_gateway_route_table", &routes);
    rig.until("the end of the association", || {
        rig.world(&account).regions["eu-west-1"].attachments[0].associated_with.is_none().then_some(())
    });
    let pair = json!({ "TransitGatewayAttachmentId": id, "TransitGatewayPolicyTableId": policy });
    network(rig, "associate_transit_gateway_policy_table", &pair);

    let failed = run(rig, &account);
    assert_eq!(failed.error.as_deref(), Some("NotOwned"));
    let message = rig.record(&account).unwrap().failure.unwrap().message;
    let named = format!("associated with the policy table {}; planned: {}", policy.as_str().unwrap(), seen.spoke_table);
    assert!(message.contains(&named), "{message}");
    assert!(changing(rig, &failed.arn).is_empty(), "nothing was tried");

    let mended = rig.start_execution(&json!({ "accountId": account, "allowDisruption": true }));
    assert_eq!(rig.ended(&mended).status, ExecutionStatus::Succeeded);
    rig.wait_for_outcome(&account, &mended);
    let now = rig.world(&account).regions["eu-west-1"].attachments[0].clone();
    assert_eq!(now.associated_with.as_ref(), Some(&seen.spoke_table));
}

#[test]
fn a_default_route_to_shared_services_needs_a_blackhole_for_tenants() {
    let (rig, _turn) = turn();
    let account = rig.account("egress-staging", "staging");
    onboarded(rig, &account);
    let spokes = rig.world(&account).regions["eu-west-1"].spoke_table.clone();
    let shared = rig.platform("environments.staging.regions.eu-west-1.transitGateway.sharedAttachments")[0].clone();
    let route = |block: &str| json!({ "TransitGatewayRouteTableId": spokes, "DestinationCidrBlock": block });
    let mut egress = route("0.0.0.0/0");
    egress["TransitGatewayAttachmentId"] = shared;
    network(rig, "create_transit_gateway_route", &egress);
    let leaking = run(rig, &account);
    let mut drop = route("10.16.0.0/12");
    drop["Blackhole"] = true.into();
    network(rig, "create_transit_gateway_route", &drop);
    let partly = run(rig, &account);
    let message = rig.record(&account).unwrap().failure.unwrap().message;
    for block in ["0.0.0.0/0", "10.16.0.0/12"] {
        network(rig, "delete_transit_gateway_route", &route(block));
    }
    assert_eq!((leaking.error.as_deref(), partly.error.as_deref()), (Some("NotOwned"), Some("NotOwned")));
    assert!(
        message.contains("leads blocks of tenants on, so that they meet behind it: 0.0.0.0/0 (active)"),
        "{message}"
    );
    onboarded(rig, &account);
}
