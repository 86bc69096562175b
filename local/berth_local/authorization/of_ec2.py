"""EC2: on which resources an operation is authorized, each with its tags, and the tags that are put on in the same call.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
"""

from __future__ import annotations

from dataclasses import dataclass

from . import facts
from .evaluate import Request
from .parameters import Parameters

_NEW = "*"

# Types of resources by the parameters that name them. A type without a parameter is made by the call.
RESOURCES: dict[str, list[tuple[str, tuple[str, ...]]]] = {
    "AcceptTransitGatewayVpcAttachment": [("transit-gateway-attachment", ("TransitGatewayAttachmentId",))],
    "AssociateRouteTable": [
        ("route-table", ("RouteTableId",)), ("subnet", ("SubnetId",)), ("internet-gateway", ("GatewayId",)),
    ],
    "AssociateTransitGatewayRouteTable": [
        ("transit-gateway-attachment", ("TransitGatewayAttachmentId",)),
        ("transit-gateway-route-table", ("TransitGatewayRouteTableId",)),
    ],
    "AttachInternetGateway": [("internet-gateway", ("InternetGatewayId",)), ("vpc", ("VpcId",))],
    "CreateFlowLogs": [("vpc-flow-log", ()), ("vpc", ("ResourceId",))],
    "CreateInternetGateway": [("internet-gateway", ())],
    "CreateRoute": [("route-table", ("RouteTableId",))],
    "CreateRouteTable": [("route-table", ()), ("vpc", ("VpcId",))],
    "CreateSubnet": [("subnet", ()), ("vpc", ("VpcId",))],
    "CreateTransitGatewayVpcAttachment": [
        ("transit-gateway-attachment", ()), ("transit-gateway", ("TransitGatewayId",)), ("vpc", ("VpcId",)),
        ("subnet", ("SubnetIds",)),
    ],
    "CreateVpc": [("vpc", ()), ("ipam-pool", ("Ipv4IpamPoolId",))],
    "CreateVpcEndpoint": [("vpc-endpoint", ()), ("vpc", ("VpcId",)), ("route-table", ("RouteTableId",))],
    "DeleteFlowLogs": [("vpc-flow-log", ("FlowLogId",))],
    "DeleteInternetGateway": [("internet-gateway", ("InternetGatewayId",))],
    "DeleteRoute": [("route-table", ("RouteTableId",))],
    "DeleteRouteTable": [("route-table", ("RouteTableId",))],
    "DeleteSubnet": [("subnet", ("SubnetId",))],
    "DeleteTransitGatewayVpcAttachment": [("transit-gateway-attachment", ("TransitGatewayAttachmentId",))],
    "DeleteVpc": [("vpc", ("VpcId",))],
    "DeleteVpcEndpoints": [("vpc-endpoint", ("VpcEndpointId",))],
    "DetachInternetGateway": [("internet-gateway", ("InternetGatewayId",)), ("vpc", ("VpcId",))],
    "DisableTransitGatewayRouteTablePropagation": [
        ("transit-gateway-attachment", ("TransitGatewayAttachmentId",)),
        ("transit-gateway-route-table", ("TransitGatewayRouteTableId",)),
    ],
    "DisassociateTransitGatewayPolicyTable": [
        ("transit-gateway-attachment", ("TransitGatewayAttachmentId",)),
        ("transit-gateway-policy-table", ("TransitGatewayPolicyTableId",)),
    ],
    "DisassociateTransitGatewayRouteTable": [
        ("transit-gateway-attachment", ("TransitGatewayAttachmentId",)),
        ("transit-gateway-route-table", ("TransitGatewayRouteTableId",)),
    ],
    "EnableTransitGatewayRouteTablePropagation": [
        ("transit-gateway-attachment", ("TransitGatewayAttachmentId",)),
        ("transit-gateway-route-table", ("TransitGatewayRouteTableId",)),
    ],
    "GetIpamPoolAllocations": [("ipam-pool", ("IpamPoolId",))],
    "GetIpamPoolCidrs": [("ipam-pool", ("IpamPoolId",))],
    "GetTransitGatewayPolicyTableEntries": [("transit-gateway-policy-table", ("TransitGatewayPolicyTableId",))],
    "ModifyTransitGatewayVpcAttachment": [
        ("transit-gateway-attachment", ("TransitGatewayAttachmentId",)),
        ("subnet", ("AddSubnetIds", "RemoveSubnetIds")),
    ],
    "ModifyVpcAttribute": [("vpc", ("VpcId",))],
    "ModifyVpcEndpoint": [("vpc-endpoint", ("VpcEndpointId",)), ("route-table", ("AddRouteTableId",))],
    "ReplaceRoute": [("route-table", ("RouteTableId",))],
    "RevokeSecurityGroupEgress": [("security-group", ("GroupId",))],
    "RevokeSecurityGroupIngress": [("security-group", ("GroupId",))],
    "SearchTransitGatewayRoutes": [("transit-gateway-route-table", ("TransitGatewayRouteTableId",))],
}  # fmt: skip

_TYPES = {
    "igw": "internet-gateway", "rtb": "route-table", "sg": "security-group", "subnet": "subnet", "vpc": "vpc",
    "vpce": "vpc-endpoint", "fl": "vpc-flow-log", "tgw-attach": "transit-gateway-attachment", "tgw": "transit-gateway",
    "tgw-rtb": "transit-gateway-route-table",
}  # fmt: skip


@dataclass(frozen=True)
class Where:
    """The account and region of a call."""

    account: str
    region: str

    def arn(self, kind: str, identifier: str) -> str:
        """The ARN of a thing of EC2. Pools of IPAM are of no region."""
        owner = self.account if identifier == _NEW else facts.ec2_owner(self.account, self.region, identifier)
        return f"arn:aws:ec2:{'' if kind == 'ipam-pool' else self.region}:{owner}:{kind}/{identifier}"


def requests(operation: str, given: Parameters, where: Where) -> list[Request]:
    """What an operation asks for; on `*` where EC2 knows no resources."""
    common = {"ec2:region": where.region}
    if operation in ("CreateTags", "DeleteTags"):
        return _tagging(operation, given, where)
    tagged = given.tag_specifications()
    found = []
    for kind, names in RESOURCES.get(operation, []):
        if not names:
            found.append(
                Request(f"ec2:{operation}", where.arn(kind, _NEW), common | request_tags(tagged.get(kind, {})))
            )
        for identifier in _identifiers(given, names):
            tags = facts.ec2_tags(where.account, where.region, identifier)
            found.append(Request(f"ec2:{operation}", where.arn(kind, identifier), common | resource_tags(tags, "ec2")))
    if operation not in RESOURCES:
        found.append(Request(f"ec2:{operation}", "*", common))
    for kind, tags in tagged.items():
        keys = common | request_tags(tags) | {"ec2:createaction": operation}
        found.append(Request("ec2:CreateTags", where.arn(kind, _NEW), keys))
    if operation == "CreateFlowLogs":
        found += [Request("logs:CreateLogDelivery", "*"), Request("logs:DeleteLogDelivery", "*")]
    return found


def _identifiers(given: Parameters, names: tuple[str, ...]) -> list[str]:
    return [each for name in names for each in given.texts(name) or [given.text(name)] if each]


def _tagging(operation: str, given: Parameters, where: Where) -> list[Request]:
    tags = given.tags("Tag")
    found = []
    for identifier in given.texts("ResourceId"):
        kind = _TYPES.get(identifier.rpartition("-")[0], "*")
        there = resource_tags(facts.ec2_tags(where.account, where.region, identifier), "ec2")
        keys = {"ec2:region": where.region} | request_tags(tags) | there
        found.append(Request(f"ec2:{operation}", where.arn(kind, identifier), keys))
    return found


def request_tags(tags: dict[str, str]) -> dict[str, str | list[str]]:
    """Condition keys of tags in a request."""
    return {f"aws:requesttag/{key}".lower(): value for key, value in tags.items()} | {"aws:tagkeys": sorted(tags)}


def resource_tags(tags: dict[str, str], *services: str) -> dict[str, str]:
    """Condition keys of the tags that a resource has."""
    prefixes = ("aws", *services)
    return {f"{prefix}:resourcetag/{key}".lower(): value for prefix in prefixes for key, value in tags.items()}
