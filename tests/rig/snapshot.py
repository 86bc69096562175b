"""Everything that onboarding makes for one account, as lines of text without ids: two accounts that were onboarded
alike have the same lines, whatever went wrong on the way.

Seen past the gateway with boto, by lists of whole regions and accounts, so that a thing that was made twice shows.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from berth_local import names
from snapshot_account import access, baseline

Client = Callable[[str, str, str], Any]
"""Gives the client of (account, service, region)."""

# Ids, times and tokens that AWS makes up.
_MADE_UP = (
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "#uuid"),
    (re.compile(r"\b([a-z]+(?:-[a-z]+)*)-[0-9a-f]{8,17}\b"), r"\1-#"),
    (re.compile(r"\ba-[a-z0-9]{17}\b"), "association-#"),
    (re.compile(r"\bconfig-rule-[a-z0-9]{6}\b"), "config-rule-#"),
    (re.compile(r"\bA[A-Z0-9]{19,20}\b"), "#id"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[0-9.:+Z-]*"), "#time"),
)
# Moto calls the first subnet that an account makes in a zone a default one, so which one depends on the order.
_NOISE = ("AvailableIpAddressCount", "DefaultForAz", "MapPublicIpOnLaunch")
_CIDR = re.compile(r"\b(\d+\.\d+\.\d+\.\d+/\d+)\b")


def snapshot(client: Client, account: str, tenant: str) -> list[str]:
    """The lines, sorted."""
    lines: list[str] = []
    for region in (names.HOME_REGION, *names.TENANT_REGIONS):
        found = [*_network(client, account, region), *_attached(client, account, region), *baseline(client, account, region)]
        base = next((thing["CidrBlock"] for kind, thing in found if kind == "vpc"), None)
        lines += [_line(region, kind, thing, account, tenant, base) for kind, thing in found]
    everywhere = [*_identity(client, account), *access(client, account)]
    lines += [_line("global", kind, thing, account, tenant, None) for kind, thing in everywhere]
    return sorted(lines)


def _line(where: str, kind: str, thing: Any, account: str, tenant: str, base: str | None) -> str:
    text = json.dumps(thing, default=str)
    for pattern, replacement in _MADE_UP:
        text = pattern.sub(replacement, text)
    if base is not None:
        text = _CIDR.sub(lambda match: _relative(match[1], base), text)
    text = text.replace(account, "#account").replace(tenant, "#tenant")
    # Sorted last: what is made up would decide the order.
    return f"{where} {kind} {json.dumps(_sorted(json.loads(text)), sort_keys=True)}"


def _sorted(thing: Any) -> Any:
    """The same with every list in order: AWS promises none."""
    if isinstance(thing, dict):
        return {key: _sorted(value) for key, value in thing.items()}
    if isinstance(thing, list):
        return sorted((_sorted(each) for each in thing), key=lambda each: json.dumps(each, sort_keys=True, default=str))
    return thing


def _relative(cidr: str, base: str) -> str:
    """Where a block lies within the VPC's; another one stays as it is."""
    block, vpc = ipaddress.ip_network(cidr, strict=False), ipaddress.ip_network(base)
    if not block.subnet_of(vpc):
        return cidr
    return f"vpc+{int(block.network_address) - int(vpc.network_address)}/{block.prefixlen}"


def _network(client: Client, account: str, region: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """What is in the account's VPCs. Default ones are there only where they stay."""
    ec2 = client(account, "ec2", region)
    vpcs = ec2.describe_vpcs()["Vpcs"]
    ids = {vpc["VpcId"] for vpc in vpcs}
    for vpc in vpcs:
        for attribute in ("enableDnsSupport", "enableDnsHostnames"):
            answer = ec2.describe_vpc_attribute(VpcId=vpc["VpcId"], Attribute=attribute)
            vpc[attribute] = answer[attribute[0].upper() + attribute[1:]]
        yield "default vpc" if vpc["IsDefault"] else "vpc", vpc
    for kind, listed in (
        ("subnet", ec2.describe_subnets()["Subnets"]),
        ("route table", ec2.describe_route_tables()["RouteTables"]),
        ("security group", ec2.describe_security_groups()["SecurityGroups"]),
        ("endpoint", ec2.describe_vpc_endpoints()["VpcEndpoints"]),
    ):
        yield from ((kind, _without(each, *_NOISE)) for each in listed if each["VpcId"] in ids)
    for log in ec2.describe_flow_logs()["FlowLogs"]:
        yield "flow log", log
    for gateway in ec2.describe_internet_gateways()["InternetGateways"]:
        if not gateway["Attachments"] or any(each["VpcId"] in ids for each in gateway["Attachments"]):
            yield "internet gateway", gateway


def _attached(client: Client, account: str, region: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The account's attachments, and what the network account knows of each."""
    hub = client(names.NETWORK_ACCOUNT, "ec2", region)
    for attachment in hub.describe_transit_gateway_attachments()["TransitGatewayAttachments"]:
        if attachment["ResourceOwnerId"] != account:
            continue
        asked = {"TransitGatewayAttachmentId": attachment["TransitGatewayAttachmentId"]}
        propagated = hub.get_transit_gateway_attachment_propagations(**asked)
        yield "attachment", attachment | {"propagated": propagated["TransitGatewayAttachmentPropagations"]}


def _identity(client: Client, account: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Roles with their policies, OIDC providers, and managed policies of the account."""
    iam = client(account, "iam", names.HOME_REGION)
    for listed in iam.list_roles()["Roles"]:
        name = {"RoleName": listed["RoleName"]}
        inline = iam.list_role_policies(**name)["PolicyNames"]
        yield "role", _without(iam.get_role(**name)["Role"], "RoleLastUsed") | {
            "attached": iam.list_attached_role_policies(**name)["AttachedPolicies"],
            "inline": [iam.get_role_policy(**name, PolicyName=each)["PolicyDocument"] for each in inline],
        }
    for listed in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]:
        arn = listed["Arn"]
        provider = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
        yield "OIDC provider", _without(provider, "ResponseMetadata") | {"arn": arn}
    for policy in iam.list_policies(Scope="Local")["Policies"]:
        version = iam.get_policy_version(PolicyArn=policy["Arn"], VersionId=policy["DefaultVersionId"])
        yield "policy", policy | {"document": version["PolicyVersion"]["Document"]}


def _without(thing: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in thing.items() if key not in keys}
