"""Default VPCs, enabled regions and flow logs, as AWS has them; and what stock moto does instead."""

from __future__ import annotations

import json
from typing import Any

import pytest
from twin_worlds import World, code_of, differs_from_stock, fresh

REGION = "eu-west-1"


def _default_vpc(ec2: Any) -> str:
    (vpc,) = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    return vpc["VpcId"]


def _of(vpc: str) -> list[dict[str, Any]]:
    return [{"Name": "vpc-id", "Values": [vpc]}]


@differs_from_stock(r"assert 0 == 1")
def test_a_default_vpc_has_an_internet_gateway_and_a_route_to_it(aws: World) -> None:
    ec2 = aws.client("ec2", "600000000101", REGION)
    vpc = _default_vpc(ec2)
    attached = [{"Name": "attachment.vpc-id", "Values": [vpc]}]
    gateways = ec2.describe_internet_gateways(Filters=attached)["InternetGateways"]
    assert len(gateways) == 1
    (table,) = ec2.describe_route_tables(Filters=_of(vpc))["RouteTables"]
    targets = {route["DestinationCidrBlock"]: route["GatewayId"] for route in table["Routes"]}
    assert targets == {"172.31.0.0/16": "local", "0.0.0.0/0": gateways[0]["InternetGatewayId"]}


@differs_from_stock(r"assert 'none' == 'DependencyViolation'")
def test_a_default_vpc_goes_in_the_order_of_aws_and_nothing_of_it_stays(aws: World) -> None:
    ec2 = aws.client("ec2", "600000000102", REGION)
    vpc = _default_vpc(ec2)
    for subnet in ec2.describe_subnets(Filters=_of(vpc))["Subnets"]:
        assert subnet["DefaultForAz"] is True
        ec2.delete_subnet(SubnetId=subnet["SubnetId"])
    assert code_of(ec2.delete_vpc, VpcId=vpc) == "DependencyViolation"
    (gateway,) = ec2.describe_internet_gateways()["InternetGateways"]
    ec2.detach_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"], VpcId=vpc)
    ec2.delete_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"])
    ec2.delete_vpc(VpcId=vpc)
    assert ec2.describe_vpcs()["Vpcs"] == []
    assert ec2.describe_network_acls(Filters=_of(vpc))["NetworkAcls"] == []


@differs_from_stock(r"assert 'none' == 'DependencyViolation'")
def test_a_subnet_with_a_network_interface_is_not_deleted(aws: World) -> None:
    ec2 = aws.client("ec2", "600000000103", REGION)
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    ec2.create_network_interface(SubnetId=subnet)
    assert code_of(ec2.delete_subnet, SubnetId=subnet) == "DependencyViolation"


@differs_from_stock(r"assert \(True, True\) == \(False, False\)")
def test_a_subnet_of_another_vpc_is_no_default_and_gives_no_public_ip(aws: World) -> None:
    ec2 = aws.client("ec2", "600000000104", REGION)
    vpc = ec2.create_vpc(CidrBlock="10.1.0.0/20")["Vpc"]["VpcId"]
    zone = ec2.describe_availability_zones()["AvailabilityZones"][0]["ZoneId"]
    made = ec2.create_subnet(VpcId=vpc, CidrBlock="10.1.0.0/24", AvailabilityZoneId=zone)["Subnet"]
    assert (made["DefaultForAz"], made["MapPublicIpOnLaunch"]) == (False, False)


@differs_from_stock(r"assert \[")
def test_only_enabled_regions_are_described_unless_all_are_asked_for(aws: World) -> None:
    ec2 = aws.client("ec2", "600000000105", REGION)
    enabled = sorted(region["RegionName"] for region in ec2.describe_regions()["Regions"])
    assert enabled == ["eu-central-1", "eu-west-1", "us-east-1"]
    status = {
        region["RegionName"]: region["OptInStatus"] for region in ec2.describe_regions(AllRegions=True)["Regions"]
    }
    assert (status["eu-west-1"], status["af-south-1"]) == ("opt-in-not-required", "not-opted-in")


def _flow_logs(aws: World, account: str, destination: str) -> dict[str, Any]:
    ec2 = aws.client("ec2", account, REGION)
    vpc = ec2.create_vpc(CidrBlock="10.1.0.0/20")["Vpc"]["VpcId"]
    return ec2.create_flow_logs(
        ResourceIds=[vpc], ResourceType="VPC", TrafficType="ALL", LogDestinationType="s3", LogDestination=destination
    )


def _bucket_of_the_archive(aws: World, policy: dict[str, Any] | None) -> str:
    s3, bucket = aws.client("s3", "410987654321"), fresh("flow-logs")
    s3.create_bucket(Bucket=bucket)
    if policy is not None:
        s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [policy]}))
    return bucket


LETS_IN = {"Effect": "Allow", "Principal": {"Service": "delivery.logs.amazonaws.com"}, "Action": "s3:PutObject"}


@differs_from_stock(r"does not exist")
def test_flow_logs_go_into_a_folder_of_a_bucket_of_another_account(aws: World) -> None:
    bucket = _bucket_of_the_archive(aws, {**LETS_IN, "Resource": "*"})
    destination = f"arn:aws:s3:::{bucket}/vpc"
    made = _flow_logs(aws, "600000000106", destination)
    assert made["Unsuccessful"] == []
    found = aws.client("ec2", "600000000106", REGION).describe_flow_logs(FlowLogIds=made["FlowLogIds"])["FlowLogs"]
    assert [each["LogDestination"] for each in found] == [destination]
    asked = {"ResourceType": "VPC", "TrafficType": "ALL", "LogDestinationType": "s3", "LogDestination": destination}
    again = code_of(
        aws.client("ec2", "600000000106", REGION).create_flow_logs, ResourceIds=[found[0]["ResourceId"]], **asked
    )
    assert again == "FlowLogAlreadyExists"


@differs_from_stock(r"assert \[\] ==")
def test_a_bucket_that_does_not_let_flow_logs_in_is_named(aws: World) -> None:
    bucket = _bucket_of_the_archive(aws, None)
    refused = _flow_logs(aws, "600000000107", f"arn:aws:s3:::{bucket}")["Unsuccessful"]
    said = [each["Error"]["Message"] for each in refused]
    assert said == [f"Access Denied for LogDestination: {bucket}. Please check LogDestination permission"]


@pytest.mark.parametrize("destination", ["arn:aws:s3:::no-such-bucket", "arn:aws:s3:::no-such-bucket/folder"])
def test_a_bucket_that_does_not_exist_is_named(ours: World, destination: str) -> None:
    (refused,) = _flow_logs(ours, "600000000108", destination)["Unsuccessful"]
    assert "no-such-bucket does not exist" in refused["Error"]["Message"]


@differs_from_stock(r"assert 'none' == 'CannotDelete'")
def test_a_default_security_group_goes_with_its_vpc_only(aws: World) -> None:
    ec2 = aws.client("ec2", "600000000109", REGION)
    (group,) = ec2.describe_security_groups(Filters=_of(_default_vpc(ec2)))["SecurityGroups"]
    assert code_of(ec2.delete_security_group, GroupId=group["GroupId"]) == "CannotDelete"
    other = ec2.create_security_group(GroupName="mine", Description="mine", VpcId=_default_vpc(ec2))["GroupId"]
    ec2.delete_security_group(GroupId=other)
