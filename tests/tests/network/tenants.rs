//! A tenant who tries, with the rights of an administrator in its own account, to be taken for somebody else or to reach a
//! neighbour.

use berth_tests::rig::Rig;
use serde_json::{Value, json};

use crate::{WEST, changing, ec2, onboarded, run, turn};

/// The tags by which Berth tells its own.
fn our_tags(account: &str) -> Value {
    json!([{ "Key": "berth:managed-by", "Value": "berth" }, { "Key": "berth:account", "Value": account }])
}

/// Runs the account again: it must fail as `NotOwned`, and change nothing. Answers the message.
fn refused(rig: &Rig, account: &str) -> String {
    let failed = run(rig, account);
    assert_eq!(failed.error.as_deref(), Some("NotOwned"), "{failed:?}");
    assert!(changing(rig, &failed.arn).is_empty(), "nothing of it was touched");
    rig.record(account).unwrap().failure.unwrap().message
}

/// A further run changes nothing any more.
fn settled(rig: &Rig, account: &str) {
    let again = onboarded(rig, account);
    assert!(again.changes().is_empty(), "{:?}", again.changes());
}

#[test]
fn tags_moved_to_another_vpc_adopt_nothing() {
    let (rig, _turn) = turn();
    let account = rig.account("mover-staging", "staging");
    onboarded(rig, &account);
    let vpc = rig.world(&account).regions[WEST].vpcs[0].id.clone();
    let other = ec2(rig, &account, "create_vpc", &json!({ "CidrBlock": "172.31.0.0/16" }))["Vpc"]["VpcId"].clone();
    let all = ec2(rig, &account, "describe_vpcs", &json!({ "VpcIds": [vpc] }))["Vpcs"][0]["Tags"].clone();
    ec2(rig, &account, "delete_tags", &json!({ "Resources": [vpc], "Tags": all }));
    ec2(rig, &account, "create_tags", &json!({ "Resources": [other], "Tags": our_tags(&account) }));

    let message = refused(rig, &account);
    assert!(message.contains(&format!("{vpc} is on record as Berth's, and somebody took")), "{message}");
    assert!(message.contains(&format!("{} (172.31.0.0/16) has Berth's tags", other.as_str().unwrap())), "{message}");
    let attached: Vec<String> = crate::attachments(rig, &account)
        .iter()
        .map(|attachment| attachment["VpcId"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(attached, [vpc.as_str()], "the other one was not attached");

    ec2(rig, &account, "create_tags", &json!({ "Resources": [vpc], "Tags": all }));
    ec2(rig, &account, "delete_tags", &json!({ "Resources": [other], "Tags": our_tags(&account) }));
    settled(rig, &account);
}

#[test]
fn a_secondary_block_inside_a_neighbours_is_seen_by_both() {
    let (rig, _turn) = turn();
    let (victim, attacker) = (rig.account("victim-staging", "staging"), rig.account("attacker-staging", "staging"));
    onboarded(rig, &victim);
    onboarded(rig, &attacker);
    let blocks = |account: &str| rig.world(account).regions[WEST].vpcs[0].clone();
    let (theirs, own) = (blocks(&victim), blocks(&attacker));
    // The first /24 of the victim's block.
    let inside = theirs.cidr.replace("/20", "/24");
    let associate = json!({ "VpcId": own.id, "CidrBlock": inside });
    let made = ec2(rig, &attacker, "associate_vpc_cidr_block", &associate);

    let message = refused(rig, &attacker);
    assert!(
        message.contains(&format!("{} has further blocks that Berth did not associate: {inside}", own.id)),
        "{message}"
    );
    let message = refused(rig, &victim);
    assert!(message.contains(&format!("leads parts of {} elsewhere: {inside} (active)", theirs.cidr)), "{message}");

    let association = made["CidrBlockAssociation"]["AssociationId"].clone();
    ec2(rig, &attacker, "disassociate_vpc_cidr_block", &json!({ "AssociationId": association }));
    settled(rig, &attacker);
    settled(rig, &victim);
}

#[test]
fn a_peering_of_two_tenants_is_named_in_the_outcome_with_whose_it_is() {
    let (rig, _turn) = turn();
    let (one, two) = (rig.account("peer-staging", "staging"), rig.account("peered-staging", "staging"));
    onboarded(rig, &one);
    onboarded(rig, &two);
    let vpc = |account: &str| rig.world(account).regions[WEST].vpcs[0].clone();
    let (mine, theirs) = (vpc(&one), vpc(&two));
    let wanted = json!({ "VpcId": mine.id, "PeerVpcId": theirs.id, "PeerOwnerId": two, "PeerRegion": WEST });
    let peering = ec2(rig, &one, "create_vpc_peering_connection", &wanted);
    let id = peering["VpcPeeringConnection"]["VpcPeeringConnectionId"].clone();
    ec2(rig, &two, "accept_vpc_peering_connection", &json!({ "VpcPeeringConnectionId": id }));
    let tables = ec2(rig, &one, "describe_route_tables", &json!({}))["RouteTables"].clone();
    let leads_on =
        |table: &&Value| table["Routes"].as_array().unwrap().iter().any(|r| r["TransitGatewayId"].is_string());
    let table = tables.as_array().unwrap().iter().find(leads_on).unwrap()["RouteTableId"].clone();
    let route = json!({
        "RouteTableId": table, "DestinationCidrBlock": theirs.cidr, "VpcPeeringConnectionId": id,
    });
    ec2(rig, &one, "create_route", &route);

    settled(rig, &one);
    let (_, status) = rig.status(&one);
    let changes = status["regions"][WEST]["plannedChanges"].as_array().unwrap().clone();
    let [change] = changes.as_slice() else { panic!("{changes:#?}") };
    let what = change["what"].as_str().unwrap();
    assert!(what.contains(&format!("routes lead to {}, which joins", id.as_str().unwrap())), "{what}");
    assert!(what.contains(&format!("of account {two}")), "{what}");
    assert!(change["byBerth"] != true, "it is a person's to judge");
}
