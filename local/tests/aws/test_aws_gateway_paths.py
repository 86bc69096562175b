"""Paths of a gateway that are no plain routes: further blocks of a VPC, NAT on attachments, policy tables."""

from __future__ import annotations

from test_aws_network import Site
from twin_worlds import World, code_of, differs_from_stock

NO_GATEWAY = "InvalidTransitGatewayID.NotFound"


def _propagating(aws: World) -> tuple[Site, str]:
    """A site whose attachment propagates to its table."""
    site = Site(aws, automatic="enable")
    attachment = site.attach()
    site.wait(attachment, "available")
    site.network.enable_transit_gateway_route_table_propagation(
        TransitGatewayRouteTableId=site.table, TransitGatewayAttachmentId=attachment
    )
    return site, attachment


def _routes(site: Site) -> dict[str, str]:
    """Blocks in the site's table with their types."""
    by_state = [{"Name": "state", "Values": ["active", "blackhole"]}]
    found = site.network.search_transit_gateway_routes(TransitGatewayRouteTableId=site.table, Filters=by_state)
    return {each["DestinationCidrBlock"]: each["Type"] for each in found["Routes"]}


@differs_from_stock(NO_GATEWAY)
def test_a_further_block_of_a_vpc_is_learned_until_it_is_gone(aws: World) -> None:
    site, _ = _propagating(aws)
    assert _routes(site) == {site.cidr: "propagated"}
    further = "100.64.0.0/24"
    made = site.tenant.associate_vpc_cidr_block(VpcId=site.vpc, CidrBlock=further)["CidrBlockAssociation"]
    assert _routes(site) == {site.cidr: "propagated", further: "propagated"}
    (vpc,) = site.tenant.describe_vpcs(VpcIds=[site.vpc])["Vpcs"]
    blocks = {each["CidrBlock"]: each["CidrBlockState"]["State"] for each in vpc["CidrBlockAssociationSet"]}
    assert blocks == {site.cidr: "associated", further: "associated"}
    site.tenant.disassociate_vpc_cidr_block(AssociationId=made["AssociationId"])
    assert _routes(site) == {site.cidr: "propagated"}


@differs_from_stock(NO_GATEWAY)
def test_a_nat_rule_for_the_vpcs_block_replaces_its_route(aws: World) -> None:
    site, attachment = _propagating(aws)
    site.network.modify_transit_gateway_attachment_nat_configuration(
        TransitGatewayAttachmentId=attachment,
        NatGatewaySupport="enable",
        NatGatewayRules=[{"RuleNumber": 1, "MatchSourceCidr": site.cidr, "NatCidr": "100.80.0.0/16"}],
    )
    assert _routes(site) == {"100.80.0.0/16": "system"}
    by_type = [{"Name": "type", "Values": ["static", "propagated"]}]
    found = site.network.search_transit_gateway_routes(TransitGatewayRouteTableId=site.table, Filters=by_type)
    assert found["Routes"] == [], "who asks by type does not see it"
    shown = site.network.get_transit_gateway_attachment_nat_configuration(TransitGatewayAttachmentId=attachment)
    assert shown["NatGatewayRules"][0]["NatCidr"] == "100.80.0.0/16"
    site.network.modify_transit_gateway_attachment_nat_configuration(
        TransitGatewayAttachmentId=attachment, NatGatewaySupport="disable", ResetNatGatewayRules=True
    )
    assert _routes(site) == {site.cidr: "propagated"}


@differs_from_stock(NO_GATEWAY)
def test_an_attachment_has_a_policy_table_or_a_route_table_and_never_both(aws: World) -> None:
    site, attachment = _propagating(aws)
    policy = site.network.create_transit_gateway_policy_table(TransitGatewayId=site.gateway)
    policy = policy["TransitGatewayPolicyTable"]["TransitGatewayPolicyTableId"]
    site.network.create_transit_gateway_policy_table_entry(
        TransitGatewayPolicyTableId=policy,
        PolicyRuleNumber="100",
        PolicyRule={"SourceCidrBlock": "0.0.0.0/0"},
        TargetRouteTableId=site.table,
    )
    entries = site.network.get_transit_gateway_policy_table_entries(TransitGatewayPolicyTableId=policy)
    assert [each["TargetRouteTableId"] for each in entries["TransitGatewayPolicyTableEntries"]] == [site.table]
    pair = {"TransitGatewayAttachmentId": attachment, "TransitGatewayPolicyTableId": policy}
    table = {"TransitGatewayAttachmentId": attachment, "TransitGatewayRouteTableId": site.table}

    def association() -> dict[str, str] | None:
        found = site.network.describe_transit_gateway_attachments(TransitGatewayAttachmentIds=[attachment])
        return found["TransitGatewayAttachments"][0].get("Association")

    site.network.associate_transit_gateway_policy_table(**pair)
    assert aws.eventually(lambda: association() == {"TransitGatewayPolicyTableId": policy, "State": "associated"})
    assert code_of(site.network.associate_transit_gateway_route_table, **table) == "Resource.AlreadyAssociated"
    site.network.disassociate_transit_gateway_policy_table(**pair)
    assert code_of(site.network.disassociate_transit_gateway_policy_table, **pair) == "InvalidAssociation.NotFound"
    assert aws.eventually(lambda: association() is None)
    site.network.associate_transit_gateway_route_table(**table)
    assert code_of(site.network.associate_transit_gateway_policy_table, **pair) == "Resource.AlreadyAssociated"
    (shown,) = site.network.describe_transit_gateway_policy_tables(TransitGatewayPolicyTableIds=[policy])[
        "TransitGatewayPolicyTables"
    ]
    assert (shown["TransitGatewayId"], shown["State"]) == (site.gateway, "available")


@differs_from_stock("no default table")
def test_a_gateway_without_defaults_has_no_default_table(aws: World) -> None:
    def tables(site: Site) -> list[str]:
        found = site.network.describe_transit_gateway_route_tables(
            Filters=[{"Name": "transit-gateway-id", "Values": [site.gateway]}]
        )["TransitGatewayRouteTables"]
        return [each["TransitGatewayRouteTableId"] for each in found]

    with_defaults, without = Site(aws, defaults="enable"), Site(aws)
    assert with_defaults.default_table in tables(with_defaults)
    assert tables(without) == [without.table], "no default table"
