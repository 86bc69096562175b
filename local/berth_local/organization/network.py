"""The network account in one region: Transit Gateway, route tables, shared services, and their share by RAM.

The isolation that Berth proves rests on what is made here: tenants' attachments are associated with the spoke table,
which knows only the shared services; the shared services' table learns of every tenant.
AWS: https://docs.aws.amazon.com/vpc/latest/tgw/transit-gateway-isolated-shared.html
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any

from berth_local import names
from berth_local.access import Access, Credentials
from berth_local.aws.settings import attachment_seconds
from berth_local.faults import LocalError
from berth_local.organization.waiting import wait_for

# Beside the time that an attachment takes here, which a bench makes as long as on AWS.
_READY_SECONDS_MAX = 60.0 + attachment_seconds()
SHARED_SERVICES_ADDRESSES = IPv4Network("10.255.0.0/16")


@dataclass(frozen=True)
class RegionalNetwork:
    """What tenants of a region are attached to."""

    region: str
    transit_gateway_id: str
    transit_gateway_arn: str
    spoke_route_table: str
    shared_route_table: str
    shared_attachment: str
    shared_block: str
    zone_ids: tuple[str, ...]


def begin_regional_network(access: Access, network: Credentials, region: str) -> RegionalNetwork:
    """Makes the Transit Gateway of `region`, both route tables, and the shared services, whose attachment is pending."""
    client = access.client("ec2", network, region)
    gateway = _make_gateway(client, region)
    gateway_id = gateway["TransitGatewayId"]
    zones = client.describe_availability_zones()["AvailabilityZones"][:2]
    block = list(SHARED_SERVICES_ADDRESSES.subnets(new_prefix=20))[names.TENANT_REGIONS.index(region)]
    return RegionalNetwork(
        region=region,
        transit_gateway_id=gateway_id,
        transit_gateway_arn=gateway["TransitGatewayArn"],
        shared_attachment=_attach_shared_services(client, gateway_id, block, zones),
        shared_block=str(block),
        spoke_route_table=_make_route_table(client, gateway_id, "spoke"),
        shared_route_table=_make_route_table(client, gateway_id, "shared-services"),
        zone_ids=tuple(sorted(zone["ZoneId"] for zone in zones)),
    )


def finish_regional_network(access: Access, network: Credentials, made: RegionalNetwork) -> None:
    """Waits for the shared services' attachment, and lets the spoke table lead to them."""
    client = access.client("ec2", network, made.region)
    attachment = made.shared_attachment

    def is_available() -> bool:
        found = client.describe_transit_gateway_vpc_attachments(TransitGatewayAttachmentIds=[attachment])
        (state,) = (each["State"] for each in found["TransitGatewayVpcAttachments"])
        if state not in ("pending", "available"):
            raise LocalError(f"the attachment {attachment} of the shared services is {state}")
        return state == "available"

    wait_for(f"the attachment {attachment}", is_available, _READY_SECONDS_MAX)
    client.associate_transit_gateway_route_table(
        TransitGatewayRouteTableId=made.shared_route_table, TransitGatewayAttachmentId=attachment
    )
    client.enable_transit_gateway_route_table_propagation(
        TransitGatewayRouteTableId=made.spoke_route_table, TransitGatewayAttachmentId=attachment
    )


def make_service_linked_role(access: Access, network: Credentials) -> None:
    """The role with which Transit Gateway makes interfaces; without it an attachment ends as `failed`.

    AWS: https://docs.aws.amazon.com/vpc/latest/tgw/tgw-service-linked-roles.html (IAM CreateServiceLinkedRole)
    """
    access.client("iam", network).create_service_linked_role(AWSServiceName="transitgateway.amazonaws.com")


def _tags(resource_type: str, name: str) -> list[dict[str, Any]]:
    tags = {"Name": name, **names.TAGS}
    return [{"ResourceType": resource_type, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}]


def _make_gateway(client: Any, region: str) -> dict[str, Any]:
    accept = "disable" if region == names.ACCEPT_BY_HAND_REGION else "enable"
    gateway = client.create_transit_gateway(
        Description=f"Tenants in {region}",
        Options={
            "AutoAcceptSharedAttachments": accept,
            "DefaultRouteTableAssociation": "disable",
            "DefaultRouteTablePropagation": "disable",
        },
        TagSpecifications=_tags("transit-gateway", f"tenants-{region}"),
    )["TransitGateway"]
    gateway_id = gateway["TransitGatewayId"]

    def is_available() -> bool:
        found = client.describe_transit_gateways(TransitGatewayIds=[gateway_id])["TransitGateways"]
        return [each["State"] for each in found] == ["available"]

    wait_for(f"the Transit Gateway {gateway_id}", is_available, _READY_SECONDS_MAX)
    return gateway


def _make_route_table(client: Any, gateway_id: str, name: str) -> str:
    table = client.create_transit_gateway_route_table(
        TransitGatewayId=gateway_id, TagSpecifications=_tags("transit-gateway-route-table", name)
    )
    return table["TransitGatewayRouteTable"]["TransitGatewayRouteTableId"]


def _attach_shared_services(client: Any, gateway_id: str, block: IPv4Network, zones: list[dict[str, Any]]) -> str:
    vpc_id = client.create_vpc(CidrBlock=str(block), TagSpecifications=_tags("vpc", "shared-services"))["Vpc"]["VpcId"]
    subnets = [
        client.create_subnet(
            VpcId=vpc_id,
            CidrBlock=str(subnet),
            AvailabilityZone=zone["ZoneName"],
            TagSpecifications=_tags("subnet", f"shared-services-{zone['ZoneId']}"),
        )["Subnet"]["SubnetId"]
        for zone, subnet in zip(zones, block.subnets(new_prefix=24), strict=False)
    ]
    attachment = client.create_transit_gateway_vpc_attachment(
        TransitGatewayId=gateway_id,
        VpcId=vpc_id,
        SubnetIds=subnets,
        TagSpecifications=_tags("transit-gateway-attachment", "shared-services"),
    )["TransitGatewayVpcAttachment"]
    return str(attachment["TransitGatewayAttachmentId"])


def share_with_organization(
    access: Access, network: Credentials, region: str, name: str, arns: list[str], organization_id: str
) -> None:
    """Shares resources of the network account with every account of the organization (RAM CreateResourceShare)."""
    organization = f"arn:aws:organizations::{names.MANAGEMENT_ACCOUNT}:organization/{organization_id}"
    access.client("ram", network, region).create_resource_share(
        name=name, resourceArns=arns, principals=[organization], allowExternalPrincipals=False
    )
