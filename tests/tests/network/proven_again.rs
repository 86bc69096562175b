//! What somebody changes in the network account after accounts were onboarded: the proof on a schedule sees it, whoever's
//! accounts it concerns, and changes nothing.

use berth_tests::rig::Rig;
use serde_json::{Value, json};

use crate::{attachment, network, onboarded, turn};

/// What one proof answers, and whether it failed.
fn prove(rig: &Rig) -> (Value, bool) {
    rig.invoke("berth-prove-isolation", &json!({}))
}

/// The message of a proof that fails.
fn breach(rig: &Rig) -> String {
    let (answer, failed) = prove(rig);
    assert!(failed && answer["errorType"] == "NotOwned", "{answer}");
    answer["errorMessage"].as_str().unwrap().to_owned()
}

#[test]
fn what_is_changed_after_the_onboarding_is_seen_by_the_next_proof() {
    let (rig, _turn) = turn();
    let (first, second) = (rig.account("proven-staging", "staging"), rig.account("again-staging", "staging"));
    onboarded(rig, &first);
    onboarded(rig, &second);
    let (report, failed) = prove(rig);
    assert!(!failed, "{report}");
    let proven = report["gateways"].as_array().unwrap();
    assert!(proven.iter().any(|gateway| gateway["vpcs"].as_u64() >= Some(2)), "{report}");

    let spokes = rig.world(&first).regions["eu-west-1"].spoke_table.clone();
    let (of_first, of_second) = (attachment(rig, &first), attachment(rig, &second));
    // The first tenant's block becomes known to every tenant, by a switch that no onboarding looks at again.
    let propagation = json!({ "TransitGatewayRouteTableId": spokes, "TransitGatewayAttachmentId": of_first });
    network(rig, "enable_transit_gateway_route_table_propagation", &propagation);
    let message = breach(rig);
    network(rig, "disable_transit_gateway_route_table_propagation", &propagation);
    assert!(message.contains(&format!("(active) to {of_first}; allowed attachments:")), "{message}");

    let shared = rig.platform("environments.staging.regions.eu-west-1.transitGateway.propagateTo")[0].clone();
    let block: Value = rig.record(&first).unwrap().regions.values().next().unwrap().cidr.as_str().into();
    let inside = block.as_str().unwrap().replace("/20", "/24");
    let mut route = json!({ "TransitGatewayRouteTableId": shared, "DestinationCidrBlock": inside });
    route["TransitGatewayAttachmentId"] = of_second.clone().into();
    network(rig, "create_transit_gateway_route", &route);
    let message = breach(rig);
    network(
        rig,
        "delete_transit_gateway_route",
        &json!({
            "TransitGatewayRouteTableId": shared, "DestinationCidrBlock": inside,
        }),
    );
    assert!(message.contains(&format!("learns {inside} (active) to {of_second}")), "{message}");
    assert!(message.contains(&format!("parts of {} elsewhere", block.as_str().unwrap())), "{message}");
    for account in [&first, &second] {
        assert!(message.contains(account.as_str()), "{message}");
    }
    let logged = rig.log_lines("berth-prove-isolation");
    assert!(logged.iter().any(|line| line.contains("find out who has a route inside")), "{logged:#?}");
    let (report, failed) = prove(rig);
    assert!(!failed, "{report}");
}

#[test]
fn a_proof_reads_each_table_once_however_many_accounts_there_are() {
    let (rig, _turn) = turn();
    let calls_of_a_proof = || {
        let before = rig.calls(0).len();
        let (report, failed) = prove(rig);
        assert!(!failed, "{report}");
        let calls: Vec<_> = rig.calls(0).into_iter().skip(before).collect();
        assert!(calls.iter().all(|call| call.effect != "resource"), "{calls:#?}");
        calls.iter().filter(|call| call.function == "berth-prove-isolation" && call.service == "ec2").count()
    };
    onboarded(rig, &rig.account("counted-staging", "staging"));
    let one = calls_of_a_proof();
    onboarded(rig, &rig.account("counted-more-staging", "staging"));
    assert_eq!((one > 0, calls_of_a_proof()), (true, one));
}
