"""The EC2 operations around Transit Gateway attachments, over `attachments.py`.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateTransitGatewayVpcAttachment.html
"""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import EC2Backend
from moto.ec2.responses import EC2Response

from berth_local.aws import attachments, clock
from berth_local.aws.attachments import Attachment
from berth_local.aws.ec2_filters import filtered
from berth_local.aws.replacing import put, wrap

DEFAULT_OPTIONS = {
    "ApplianceModeSupport": "disable",
    "DnsSupport": "enable",
    "Ipv6Support": "disable",
    "SecurityGroupReferencingSupport": "enable",
}


def tags_of(backend: EC2Backend, resource_id: str) -> list[dict[str, str]]:
    """The tags that the asking account put on a resource: nobody sees the tags of another account."""
    return [{"Key": key, "Value": value} for key, value in backend.tags.get(resource_id, {}).items()]


def vpc_view(backend: EC2Backend, attachment: Attachment) -> dict[str, Any]:
    """A TransitGatewayVpcAttachment."""
    return {
        "TransitGatewayAttachmentId": attachment.id,
        "TransitGatewayId": attachment.gateway.id,
        "VpcId": attachment.vpc,
        "VpcOwnerId": attachment.account,
        "State": attachment.state,
        "SubnetIds": list(attachment.subnets),
        "CreationTime": attachment.created,
        "Options": {**DEFAULT_OPTIONS, **attachment.options},
        "Tags": tags_of(backend, attachment.id),
    }


def view(backend: EC2Backend, attachment: Attachment) -> dict[str, Any]:
    """A TransitGatewayAttachment. Only the gateway's owner sees the association."""
    answer = {
        "TransitGatewayAttachmentId": attachment.id,
        "TransitGatewayId": attachment.gateway.id,
        "TransitGatewayOwnerId": attachment.gateway.owner_id,
        "ResourceOwnerId": attachment.account,
        "ResourceType": "vpc",
        "ResourceId": attachment.vpc,
        "State": attachment.state,
        "CreationTime": attachment.created,
        "Tags": tags_of(backend, attachment.id),
    }
    if attachment.gateway.owner_id != backend.account_id:
        return answer
    if (association := attachment.live_association) is not None:
        answer["Association"] = {"TransitGatewayRouteTableId": association.table, "State": association.state}
    if (policy := attachment.live_policy) is not None:
        answer["Association"] = {"TransitGatewayPolicyTableId": policy.table, "State": policy.state}
    return answer


VPC_FILTERS = {
    "state": lambda each: each["State"],
    "transit-gateway-attachment-id": lambda each: each["TransitGatewayAttachmentId"],
    "transit-gateway-id": lambda each: each["TransitGatewayId"],
    "vpc-id": lambda each: each["VpcId"],
}
FILTERS = {
    "association.state": lambda each: each.get("Association", {}).get("State"),
    "association.transit-gateway-route-table-id": lambda each: each.get("Association", {}).get(
        "TransitGatewayRouteTableId"
    ),
    "resource-id": lambda each: each["ResourceId"],
    "resource-owner-id": lambda each: each["ResourceOwnerId"],
    "resource-type": lambda each: each["ResourceType"],
    "state": lambda each: each["State"],
    "transit-gateway-attachment-id": lambda each: each["TransitGatewayAttachmentId"],
    "transit-gateway-id": lambda each: each["TransitGatewayId"],
    "transit-gateway-owner-id": lambda each: each["TransitGatewayOwnerId"],
}


def _asked(self: EC2Response) -> list[Attachment]:
    ids = self._get_param("TransitGatewayAttachmentIds", [])
    if not ids:
        return attachments.visible(self.ec2_backend)
    return [attachments.known(self.ec2_backend, each) for each in ids]


def create_transit_gateway_vpc_attachment(self: EC2Response) -> ActionResult:
    """CreateTransitGatewayVpcAttachment."""
    backend = self.ec2_backend
    tags = {
        tag["Key"]: tag.get("Value", "")
        for specification in self._get_param("TagSpecifications", [])
        for tag in specification.get("Tags", [])
    }
    attachment = attachments.create(
        backend,
        self._get_param("TransitGatewayId"),
        self._get_param("VpcId"),
        self._get_param("SubnetIds", []),
        self._get_param("Options", {}),
    )
    backend.create_tags([attachment.id], tags)
    return ActionResult({"TransitGatewayVpcAttachment": vpc_view(backend, attachment)})


def describe_transit_gateway_vpc_attachments(self: EC2Response) -> ActionResult:
    """DescribeTransitGatewayVpcAttachments."""
    views = [vpc_view(self.ec2_backend, each) for each in _asked(self)]
    found = filtered(views, self._filters_from_querystring(), VPC_FILTERS)
    return ActionResult({"TransitGatewayVpcAttachments": found})


def describe_transit_gateway_attachments(self: EC2Response) -> ActionResult:
    """DescribeTransitGatewayAttachments."""
    views = [view(self.ec2_backend, each) for each in _asked(self)]
    found = filtered(views, self._filters_from_querystring(), FILTERS)
    return ActionResult({"TransitGatewayAttachments": found})


def modify_transit_gateway_vpc_attachment(self: EC2Response) -> ActionResult:
    """ModifyTransitGatewayVpcAttachment: IncorrectState unless the attachment is available."""
    backend = self.ec2_backend
    with attachments.LOCK:
        attachment = attachments.settled_attachment(backend, self._get_param("TransitGatewayAttachmentId"))
        removed = self._get_param("RemoveSubnetIds", [])
        kept = [each for each in attachment.subnets if each not in removed]
        kept += [each for each in self._get_param("AddSubnetIds", []) if each not in kept]
        attachments._check_subnets(backend, attachment.vpc, kept)
        attachment.subnets = kept
        attachment.options = {**attachment.options, **self._get_param("Options", {})}
        attachment.modified_since = clock.now()
    return ActionResult({"TransitGatewayVpcAttachment": vpc_view(backend, attachment)})


def delete_transit_gateway_vpc_attachment(self: EC2Response) -> ActionResult:
    """DeleteTransitGatewayVpcAttachment: `deleting`, then `deleted` and still described, as on AWS for some hours."""
    backend = self.ec2_backend
    attachment = attachments.known(backend, self._get_param("TransitGatewayAttachmentId"))
    if attachment.state not in ("available", "failed", "rejected", "pendingAcceptance"):
        raise EC2ClientError("IncorrectState", f"{attachment.id} is in invalid state")
    attachment.deleted_since = clock.now()
    attachment.association = None
    attachment.policy = None
    attachment.propagations.clear()
    return ActionResult({"TransitGatewayVpcAttachment": vpc_view(backend, attachment)})


def accept_transit_gateway_vpc_attachment(self: EC2Response) -> ActionResult:
    """AcceptTransitGatewayVpcAttachment."""
    attachment = attachments.accept(self.ec2_backend, self._get_param("TransitGatewayAttachmentId"))
    return ActionResult({"TransitGatewayVpcAttachment": vpc_view(self.ec2_backend, attachment)})


def reject_transit_gateway_vpc_attachment(self: EC2Response) -> ActionResult:
    """RejectTransitGatewayVpcAttachment."""
    attachment = attachments.reject(self.ec2_backend, self._get_param("TransitGatewayAttachmentId"))
    return ActionResult({"TransitGatewayVpcAttachment": vpc_view(self.ec2_backend, attachment)})


def describe_transit_gateways(original: Any, self: EC2Backend, filters: Any, transit_gateway_ids: Any) -> list[Any]:
    """DescribeTransitGateways with the gateways that other accounts share."""
    own = dict(self.transit_gateways)
    shared = {each.id: each for each in attachments.shared_gateways(self)}
    for gateway_id in transit_gateway_ids or []:
        attachments.usable_gateway(self, gateway_id)
    # Stock filters whatever is in the account's own table; a copy of the backend's table keeps the real one clean.
    stand_in = type("StandIn", (), {"transit_gateways": {**own, **shared}})()
    return original(stand_in, filters, transit_gateway_ids)


OPERATIONS = (
    create_transit_gateway_vpc_attachment,
    describe_transit_gateway_vpc_attachments,
    describe_transit_gateway_attachments,
    modify_transit_gateway_vpc_attachment,
    delete_transit_gateway_vpc_attachment,
    accept_transit_gateway_vpc_attachment,
    reject_transit_gateway_vpc_attachment,
)


def install() -> None:
    """Put the operations in place of stock's."""
    put(EC2Response, OPERATIONS)
    wrap(EC2Backend, "describe_transit_gateways")(describe_transit_gateways)
