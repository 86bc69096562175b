"""provision-vpc in Python and boto3: the VPC of one region, with the same calls as functions/provision-vpc."""

from __future__ import annotations

import functools
import ipaddress
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from accounts import NotOwned, NotReady, client, confirm_lease, is_ours, ledger, tags, tags_of

ACTIONS = (
    "ec2:AssociateRouteTable", "ec2:CreateFlowLogs", "ec2:CreateRouteTable", "ec2:CreateSubnet", "ec2:CreateTags",
    "ec2:CreateVpc", "ec2:CreateVpcEndpoint", "ec2:DescribeFlowLogs", "ec2:DescribeRouteTables",
    "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcEndpoints", "ec2:DescribeVpcs",
    "ec2:ModifyVpcAttribute", "ec2:RevokeSecurityGroupEgress", "ec2:RevokeSecurityGroupIngress",
    "logs:CreateLogDelivery", "logs:DeleteLogDelivery",
)  # fmt: skip
POOL = ThreadPoolExecutor(6)


def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Converges the VPC and answers what the attachment needs."""
    run, region, network = event["run"], event["region"], event["network"]
    ec2 = client("ec2", run["accountId"], run["tenantRole"], region, run["execution"], ACTIONS)
    vpcs = _all(ec2, "describe_vpcs", "Vpcs")
    ours = sorted((vpc for vpc in vpcs if is_ours(run, vpc)), key=lambda vpc: vpc["VpcId"])
    changes: list[str] = []
    if not ours:
        if any(tags(vpc).get("Name") == _name(run) for vpc in vpcs):
            raise NotOwned(f"a VPC has our name, {_name(run)}, but not our tags")
        vpc = _create_vpc(ec2, run, region, network)
        changes.append("vpc")
        seen: dict[str, list[Any]] = {"tables": [], "subnets": [], "endpoints": [], "logs": [], "groups": []}
        _open_vpc(ec2, vpc["VpcId"], changes)
    else:
        vpc = ours[0]
        seen = _look(ec2, vpc["VpcId"], network)
        if any(group["IpPermissions"] or group["IpPermissionsEgress"] for group in seen["groups"]):
            confirm_lease(run)
            _close_default_group(ec2, vpc["VpcId"], changes)
    return _complete(ec2, run, region, network, vpc, seen, changes)


def _name(run: dict[str, Any]) -> str:
    return f"berth-{run['tenant']}-{run['environment']}"


def _all(ec2: Any, operation: str, key: str, **request: Any) -> list[dict[str, Any]]:
    pages = ec2.get_paginator(operation).paginate(**request)
    return [item for page in pages for item in page[key]]


def _look(ec2: Any, vpc: str, network: dict[str, Any]) -> dict[str, list[Any]]:
    """One Describe for each kind of part, all at once: clients of boto3 may be shared by threads."""
    of_vpc = [{"Name": "vpc-id", "Values": [vpc]}]
    looks = {
        "subnets": ("describe_subnets", "Subnets", {"Filters": of_vpc}),
        "tables": ("describe_route_tables", "RouteTables", {"Filters": of_vpc}),
        "groups": (
            "describe_security_groups",
            "SecurityGroups",
            {"Filters": [*of_vpc, {"Name": "group-name", "Values": ["default"]}]},
        ),
    }
    if network["gatewayEndpoints"]:
        looks["endpoints"] = ("describe_vpc_endpoints", "VpcEndpoints", {"Filters": of_vpc})
    if network["flowLogs"]:
        by_resource = [{"Name": "resource-id", "Values": [vpc]}]
        looks["logs"] = ("describe_flow_logs", "FlowLogs", {"Filter": by_resource})
    answers = {kind: POOL.submit(_all, ec2, operation, key, **more) for kind, (operation, key, more) in looks.items()}
    return {"endpoints": [], "logs": [], **{kind: answer.result() for kind, answer in answers.items()}}


def _create_vpc(ec2: Any, run: dict[str, Any], region: str, network: dict[str, Any]) -> dict[str, Any]:
    """CreateVpc has no client token, so the intent is written first, and clients here repeat no call."""
    table = os.environ["BERTH_LEDGER_TABLE"]
    key = {"pk": {"S": f"vpc#{run['accountId']}"}, "sk": {"S": region}}
    if "begun" in ledger().get_item(TableName=table, Key=key, ConsistentRead=True).get("Item", {}):
        raise NotReady("a CreateVpc of a moment ago may have made a VPC that EC2 does not show yet")
    confirm_lease(run)
    ledger().update_item(
        TableName=table,
        Key=key,
        UpdateExpression="SET #begun = :now, #execution = :execution",
        ConditionExpression="attribute_not_exists(#begun)",
        ExpressionAttributeNames={"#begun": "begun", "#execution": "execution"},
        ExpressionAttributeValues={
            ":now": {"S": datetime.now(UTC).isoformat().replace("+00:00", "Z")},
            ":execution": {"S": run["execution"]},
        },
    )
    pool = network["addresses"]["ipam"]
    return ec2.create_vpc(
        Ipv4IpamPoolId=pool["poolId"],
        Ipv4NetmaskLength=pool["prefixLength"],
        TagSpecifications=_specification("vpc", tags_of(run, _name(run))),
    )["Vpc"]


def _specification(kind: str, wanted: list[dict[str, str]]) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": wanted}]


def _open_vpc(ec2: Any, vpc: str, changes: list[str]) -> None:
    """What a new VPC needs before its first subnet."""
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    changes.append("dns host names")
    _close_default_group(ec2, vpc, changes)


def _close_default_group(ec2: Any, vpc: str, changes: list[str]) -> None:
    filters = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["default"]}]
    group = ec2.describe_security_groups(Filters=filters)["SecurityGroups"][0]
    if group["IpPermissions"]:
        ec2.revoke_security_group_ingress(GroupId=group["GroupId"], IpPermissions=group["IpPermissions"])
    if group["IpPermissionsEgress"]:
        ec2.revoke_security_group_egress(GroupId=group["GroupId"], IpPermissions=group["IpPermissionsEgress"])
    changes.append("default group")


def _complete(
    ec2: Any, run: dict[str, Any], region: str, network: dict[str, Any], vpc: dict[str, Any],
    seen: dict[str, list[Any]], changes: list[str],
) -> dict[str, Any]:  # fmt: skip
    """Makes the parts that are missing. The lease is confirmed once, before the first of them."""
    vpc_id, vpc_name = vpc["VpcId"], _name(run)
    may_change = functools.cache(lambda: changes or confirm_lease(run))
    table = next((t for t in seen["tables"] if is_ours(run, t) and tags(t).get("berth:routing") == "private"), None)
    if table is None:
        may_change()
        wanted = _specification("route-table", tags_of(run, f"{vpc_name}-private", routing="private"))
        token = f"{vpc_id}-private-g{run['generation']}"
        table = ec2.create_route_table(VpcId=vpc_id, TagSpecifications=wanted, ClientToken=token)["RouteTable"]
        changes.append("route table")
    destination = network["flowLogs"]
    if destination and not any(log.get("LogDestination") == destination for log in seen["logs"]):
        may_change()
        ec2.create_flow_logs(
            ResourceType="VPC", ResourceIds=[vpc_id], TrafficType="ALL", LogDestinationType="s3",
            LogDestination=destination, ClientToken=f"{vpc_id}-flow-logs-g{run['generation']}",
            TagSpecifications=_specification("vpc-flow-log", tags_of(run, f"{vpc_name}-flow-logs")),
        )  # fmt: skip
        changes.append("flow logs")
    subnets = _subnets(ec2, run, network, vpc, seen["subnets"], may_change, changes)
    _associate(ec2, network, table, subnets, may_change, changes)
    _endpoints(ec2, run, region, network, (vpc_id, table), seen["endpoints"], may_change, changes)
    attachment = next((t["name"] for t in network["tiers"] if t["routing"] == "attachment"), None)
    return {
        "vpcId": vpc_id,
        "cidr": vpc["CidrBlock"],
        "attachmentSubnets": [subnet for (tier, _), subnet in subnets.items() if tier == attachment],
        "privateRouteTable": table["RouteTableId"],
        "changes": changes,
    }


def _subnets(
    ec2: Any, run: dict[str, Any], network: dict[str, Any], vpc: dict[str, Any], seen: list[Any], may_change: Any,
    changes: list[str],
) -> dict[tuple[str, str], str]:  # fmt: skip
    """The subnets by tier and zone: those that are there, and the first free block for each that is missing."""
    taken = [ipaddress.ip_network(subnet["CidrBlock"]) for subnet in seen]
    found = {
        (tags(s)["berth:tier"], tags(s)["berth:zone"]): s["SubnetId"]
        for s in seen
        if is_ours(run, s) and "berth:tier" in tags(s)
    }
    missing = []
    for tier in sorted(network["tiers"], key=lambda tier: tier["prefixLength"]):
        for zone in network["zones"]:
            if (tier["name"], zone) in found:
                continue
            blocks = ipaddress.ip_network(vpc["CidrBlock"]).subnets(new_prefix=tier["prefixLength"])
            block = next(block for block in blocks if not any(block.overlaps(other) for other in taken))
            taken.append(block)
            missing.append((tier["name"], zone, block))
    if missing:
        may_change()

    def create(wanted: tuple[str, str, Any]) -> str:
        tier, zone, block = wanted
        named = tags_of(run, f"{_name(run)}-{tier}-{zone}", tier=tier, zone=zone)
        return ec2.create_subnet(
            VpcId=vpc["VpcId"],
            CidrBlock=str(block),
            AvailabilityZoneId=zone,
            TagSpecifications=_specification("subnet", named),
        )["Subnet"]["SubnetId"]

    for (tier, zone, _), made in zip(missing, POOL.map(create, missing), strict=True):
        found[(tier, zone)] = made
        changes.append(f"subnet {tier} {zone}")
    order = [(tier["name"], zone) for tier in network["tiers"] for zone in network["zones"]]
    return {place: found[place] for place in order}


def _associate(
    ec2: Any, network: dict[str, Any], table: dict[str, Any], subnets: dict[tuple[str, str], str], may_change: Any,
    changes: list[str],
) -> None:  # fmt: skip
    private = {tier["name"] for tier in network["tiers"] if tier["routing"] == "private"}
    known = {association.get("SubnetId") for association in table.get("Associations", [])}
    missing = [subnet for (tier, _), subnet in subnets.items() if tier in private and subnet not in known]
    if missing:
        may_change()
    table_id = table["RouteTableId"]
    list(POOL.map(lambda subnet: ec2.associate_route_table(SubnetId=subnet, RouteTableId=table_id), missing))
    changes.extend(f"association of {subnet}" for subnet in missing)


def _endpoints(
    ec2: Any, run: dict[str, Any], region: str, network: dict[str, Any], place: tuple[str, dict[str, Any]],
    seen: list[Any], may_change: Any, changes: list[str],
) -> None:  # fmt: skip
    vpc, table = place
    known = {endpoint["ServiceName"] for endpoint in seen}
    for service in network["gatewayEndpoints"]:
        name = f"com.amazonaws.{region}.{service}"
        if name in known:
            continue
        may_change()
        ec2.create_vpc_endpoint(
            VpcId=vpc, ServiceName=name, VpcEndpointType="Gateway", RouteTableIds=[table["RouteTableId"]],
            ClientToken=f"{vpc}-{service}-g{run['generation']}",
            TagSpecifications=_specification("vpc-endpoint", tags_of(run, f"{_name(run)}-{service}")),
        )  # fmt: skip
        changes.append(f"endpoint {service}")
