"""Prefix lists shared between accounts, references to them, and what routes into a gateway do."""

from __future__ import annotations

from typing import Any

from test_aws_network import REGION, Site, _share
from twin_worlds import NETWORK, World, code_of, differs_from_stock, fresh

NO_GATEWAY = "InvalidTransitGatewayID.NotFound"


def _list(aws: World, *blocks: str, share: bool = True) -> str:
    """A prefix list of the network account."""
    made = aws.client("ec2", NETWORK, REGION).create_managed_prefix_list(
        PrefixListName=fresh("list"),
        MaxEntries=10,
        AddressFamily="IPv4",
        Entries=[{"Cidr": block} for block in blocks],
    )["PrefixList"]
    if share:
        _share(aws, made["PrefixListArn"])
    return made["PrefixListId"]


def _attached(aws: World) -> tuple[Site, str, dict[str, Any]]:
    """A site that is attached, its attachment, and a route table of its VPC."""
    site = Site(aws, automatic="enable")
    attachment = site.attach()
    site.wait(attachment, "available")
    table = site.tenant.create_route_table(VpcId=site.vpc)["RouteTable"]["RouteTableId"]
    return site, attachment, {"RouteTableId": table, "TransitGatewayId": site.gateway}


def _routes(site: Site, table: str) -> dict[str, tuple[str, str]]:
    found = site.tenant.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"]
    return {
        each.get("DestinationCidrBlock") or each["DestinationPrefixListId"]: (each["TransitGatewayId"], each["State"])
        for each in found
        if "TransitGatewayId" in each
    }


@differs_from_stock("InvalidTransitGatewayID.NotFound|visible")
def test_a_prefix_list_of_another_account_is_a_destination_once_it_is_shared(aws: World) -> None:
    shared, private = _list(aws, "10.60.0.0/16"), _list(aws, "10.61.0.0/16", share=False)
    site, _, route = _attached(aws)
    seen = [each["PrefixListId"] for each in site.tenant.describe_managed_prefix_lists()["PrefixLists"]]
    assert shared in seen and private not in seen, "visible"
    refused = code_of(site.tenant.create_route, DestinationPrefixListId=private, **route)
    assert refused == "InvalidPrefixListID.NotFound"
    site.tenant.create_route(DestinationPrefixListId=shared, **route)
    assert _routes(site, route["RouteTableId"]) == {shared: (site.gateway, "active")}
    again = code_of(site.tenant.create_route, DestinationPrefixListId=shared, **route)
    assert again == "RouteAlreadyExists"
    site.tenant.delete_route(RouteTableId=route["RouteTableId"], DestinationPrefixListId=shared)
    assert _routes(site, route["RouteTableId"]) == {}


@differs_from_stock(NO_GATEWAY)
def test_a_route_is_replaced_by_one_to_a_gateway(aws: World) -> None:
    site, _, route = _attached(aws)
    internet = site.tenant.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    site.tenant.attach_internet_gateway(InternetGatewayId=internet, VpcId=site.vpc)
    to = {"RouteTableId": route["RouteTableId"], "DestinationCidrBlock": "10.0.0.0/8"}
    site.tenant.create_route(GatewayId=internet, **to)
    assert _routes(site, route["RouteTableId"]) == {}
    site.tenant.replace_route(DestinationCidrBlock="10.0.0.0/8", **route)
    assert _routes(site, route["RouteTableId"]) == {"10.0.0.0/8": (site.gateway, "active")}
    missing = code_of(site.tenant.replace_route, DestinationCidrBlock="10.9.0.0/16", **route)
    assert missing == "InvalidParameterValue"


@differs_from_stock(NO_GATEWAY)
def test_a_route_of_an_attachment_that_is_gone_is_a_blackhole(aws: World) -> None:
    site, attachment, route = _attached(aws)
    site.tenant.create_route(DestinationCidrBlock="10.0.0.0/8", **route)
    site.tenant.delete_transit_gateway_vpc_attachment(TransitGatewayAttachmentId=attachment)
    assert _routes(site, route["RouteTableId"]) == {"10.0.0.0/8": (site.gateway, "blackhole")}


@differs_from_stock(NO_GATEWAY)
def test_a_reference_to_a_prefix_list_shows_a_route_for_each_of_its_entries(aws: World) -> None:
    site, attachment, _ = _attached(aws)
    entries = _list(aws, "10.62.0.0/16", "10.63.0.0/16")
    reference = {"TransitGatewayRouteTableId": site.table, "PrefixListId": entries}
    site.network.create_transit_gateway_prefix_list_reference(TransitGatewayAttachmentId=attachment, **reference)
    search = site.network.search_transit_gateway_routes
    static = [{"Name": "type", "Values": ["static"]}]
    found = search(TransitGatewayRouteTableId=site.table, Filters=static)["Routes"]
    assert [(each["DestinationCidrBlock"], each["PrefixListId"]) for each in found] == [
        ("10.62.0.0/16", entries),
        ("10.63.0.0/16", entries),
    ]
    assert {each["TransitGatewayAttachments"][0]["TransitGatewayAttachmentId"] for each in found} == {attachment}
    get = site.network.get_transit_gateway_prefix_list_references
    (listed,) = get(TransitGatewayRouteTableId=site.table)["TransitGatewayPrefixListReferences"]
    assert (listed["PrefixListId"], listed["Blackhole"]) == (entries, False)
    site.network.delete_transit_gateway_prefix_list_reference(**reference)
    assert not search(TransitGatewayRouteTableId=site.table, Filters=static)["Routes"]


@differs_from_stock("500 Internal")
def test_more_routes_than_one_answer_holds_come_in_pages(aws: World) -> None:
    site = Site(aws, automatic="enable")
    for n in range(5):
        site.network.create_transit_gateway_route(
            TransitGatewayRouteTableId=site.table, DestinationCidrBlock=f"10.70.{n}.0/24", Blackhole=True
        )
    search = site.network.search_transit_gateway_routes
    asked = {
        "TransitGatewayRouteTableId": site.table,
        "Filters": [{"Name": "type", "Values": ["static", "propagated"]}],
        "MaxResults": 5,
    }
    whole = search(**asked)
    assert not whole["AdditionalRoutesAvailable"] and len(whole["Routes"]) == 5
    for n in range(5, 12):
        site.network.create_transit_gateway_route(
            TransitGatewayRouteTableId=site.table, DestinationCidrBlock=f"10.70.{n}.0/24", Blackhole=True
        )
    blocks: list[str] = []
    answer = search(**asked)
    blocks += [each["DestinationCidrBlock"] for each in answer["Routes"]]
    while answer["AdditionalRoutesAvailable"]:
        answer = search(NextToken=answer["NextToken"], **asked)
        blocks += [each["DestinationCidrBlock"] for each in answer["Routes"]]
    assert blocks == [f"10.70.{n}.0/24" for n in range(12)]


@differs_from_stock("DependencyViolation")
def test_a_deleted_subnet_ends_its_association_and_frees_its_route_table(aws: World) -> None:
    ec2 = aws.client("ec2", "600000000104", REGION)
    vpc = ec2.create_vpc(CidrBlock="10.70.0.0/20")["Vpc"]["VpcId"]
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.70.0.0/24")["Subnet"]["SubnetId"]
    ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    assert code_of(ec2.delete_route_table, RouteTableId=table) == "DependencyViolation"
    ec2.delete_subnet(SubnetId=subnet)
    assert code_of(ec2.delete_route_table, RouteTableId=table) == "none"
    assert code_of(ec2.delete_vpc, VpcId=vpc) == "none"
