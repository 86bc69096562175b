"""Create calls that are sent twice, by ClientToken or without one: one thing, as on AWS; and what stock moto makes of them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from test_aws_network import REGION
from twin_worlds import World, code_of, differs_from_stock, fresh

SERVICE = f"com.amazonaws.{REGION}.s3"


def _vpc(aws: World, account: str) -> tuple[Any, str]:
    ec2 = aws.client("ec2", account, REGION)
    return ec2, ec2.create_vpc(CidrBlock="10.1.0.0/20")["Vpc"]["VpcId"]


def _endpoint(ec2: Any, vpc: str, table: str, **fields: str) -> str:
    asked = {"VpcId": vpc, "ServiceName": SERVICE, "RouteTableIds": [table], "VpcEndpointType": "Gateway"}
    return ec2.create_vpc_endpoint(**asked, **fields)["VpcEndpoint"]["VpcEndpointId"]


@differs_from_stock("assert 8 == 1")
def test_a_route_table_of_one_token_is_made_once_also_concurrently(aws: World) -> None:
    ec2, vpc = _vpc(aws, "600000000201")
    token = fresh("token")

    def ask(_: int) -> str:
        return ec2.create_route_table(VpcId=vpc, ClientToken=token)["RouteTable"]["RouteTableId"]

    with ThreadPoolExecutor(8) as many:
        assert len(set(many.map(ask, range(8)))) == 1
    other = ec2.create_route_table(VpcId=vpc, ClientToken=fresh("token"))["RouteTable"]["RouteTableId"]
    assert other != ask(0), "another token, another table"


@differs_from_stock(r"assert 'vpce-.*' == 'vpce-.*'")
def test_an_endpoint_that_is_asked_for_again_with_its_token_is_the_same_one(aws: World) -> None:
    ec2, vpc = _vpc(aws, "600000000202")
    table, token = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"], fresh("token")
    made = _endpoint(ec2, vpc, table, ClientToken=token)
    assert _endpoint(ec2, vpc, table, ClientToken=token) == made
    code = code_of(ec2.create_vpc_endpoint, VpcId=vpc, ServiceName=f"{SERVICE}x", ClientToken=token)
    assert code == "IdempotentParameterMismatch"


@differs_from_stock(r"'none' == 'RouteAlreadyExists'")
def test_a_table_has_one_endpoint_for_a_service(aws: World) -> None:
    ec2, vpc = _vpc(aws, "600000000203")
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    made = _endpoint(ec2, vpc, table)
    asked = {"VpcId": vpc, "ServiceName": SERVICE, "RouteTableIds": [table], "VpcEndpointType": "Gateway"}
    assert code_of(ec2.create_vpc_endpoint, **asked) == "RouteAlreadyExists"
    ec2.delete_vpc_endpoints(VpcEndpointIds=[made])
    assert _endpoint(ec2, vpc, table) != made


@differs_from_stock(r"'InvalidRoute.NotFound' == 'none'")
def test_an_endpoint_whose_deletion_is_sent_again_is_gone(aws: World) -> None:
    ec2, vpc = _vpc(aws, "600000000204")
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    made = _endpoint(ec2, vpc, table)
    ec2.delete_vpc_endpoints(VpcEndpointIds=[made])
    assert code_of(ec2.delete_vpc_endpoints, VpcEndpointIds=[made]) == "none"
